"""The console's door: who a browser belongs to, signing in and out, and that a form was sent by our own page.

A proxy in front that signs people in (OAuth 2.0, OIDC) sends their token as `Authorization: Bearer`; without
one, a token is entered once and kept in a cookie that scripts can't read and other sites' pages can't send.
"""

from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode, urlsplit

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.exceptions import HTTPException

from shared.auth import Principal
from shared.errors import Kind, Problem, forbidden
from shared.pages import Pages
from shared.telemetry import current_tenant

COOKIE = "rapport_console"
router = APIRouter(prefix="/console", include_in_schema=False, default_response_class=HTMLResponse)
_pages = Pages(Path(__file__).parent / "templates", console=True)


def base(request: Request) -> str:
    """The service's address as browsers see it, without a slash at its end."""
    return str(request.app.state.resources.settings.public_url).rstrip("/")


async def _visitor(request: Request) -> Principal:
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    token = bearer if scheme.lower() == "bearer" else request.cookies.get(COOKIE)
    if not token:
        raise _sign_in_first(request)
    try:
        principal: Principal = await request.app.state.resources.verifier.principal(token)
    except Problem as problem:
        if problem.kind is not Kind.UNAUTHENTICATED:
            raise
        raise _sign_in_first(request, why="over") from problem
    current_tenant.set(principal.tenant)
    return principal


Visitor = Annotated[Principal, Depends(_visitor)]
"""Whoever looks at a page of the console; others are sent to the sign-in page."""


def _sign_in_first(request: Request, **why: str) -> HTTPException:
    after = request.url.path + (f"?{request.url.query}" if request.method == "GET" and request.url.query else "")
    query = urlencode({**({"after": after} if request.method == "GET" else {}), **why})
    return HTTPException(303, headers={"location": f"{base(request)}/console/sign-in?{query}".rstrip("?")})


async def _own_form(request: Request) -> None:
    """Raises Problem `foreign_form` for a form that another site's page has sent with our cookie."""
    sent_from = request.headers.get("origin")
    ours = "{0.scheme}://{0.netloc}".format(urlsplit(base(request)))
    if sent_from != ours:
        raise forbidden("foreign_form", f"This form has to be sent from {ours}; open the page there and send it again.")


OwnForm = Depends(_own_form)
"""What every route that takes a form of the console depends on."""


@router.get("/sign-in")
async def sign_in_page(
    request: Request, after: Annotated[str, Query(max_length=2000)] = "", why: str = ""
) -> HTMLResponse:
    """Where a token is entered."""
    return _sign_in(request, after=after, told="You were signed out, since your token is over." if why else None)


@router.post("/sign-in", dependencies=[OwnForm])
async def sign_in(
    request: Request, token: Annotated[str, Form(max_length=8000)], after: Annotated[str, Form(max_length=2000)] = ""
) -> Response:
    """Keeps a token that is good, and goes on to where the visitor wanted to be."""
    token = token.strip()
    try:
        await request.app.state.resources.verifier.principal(token)
    except Problem as problem:
        return _sign_in(request, 401, after=after, told=problem.detail)
    # Only a path of this service: the page must not send people elsewhere.
    own = after if after.startswith("/console") else "/console"
    answer = RedirectResponse(base(request) + own, 303)
    answer.set_cookie(
        COOKIE, token, path="/", httponly=True, samesite="strict", secure=base(request).startswith("https:")
    )
    return answer


@router.post("/sign-out", dependencies=[OwnForm])
async def sign_out(request: Request) -> Response:
    """Forgets the token."""
    answer = RedirectResponse(f"{base(request)}/console/sign-in", 303)
    answer.delete_cookie(COOKIE, path="/")
    return answer


def _sign_in(request: Request, status: int = 200, **values: Any) -> HTMLResponse:
    return _pages.render("sign_in.html", status, base=base(request), **values)
