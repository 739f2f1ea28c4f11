"""HTTP at the edge: the application skeleton, problem+json for every error, one span a request, size limits.

Middlewares are plain ASGI: Starlette's BaseHTTPMiddleware leaks database connections when a caller
disconnects.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.models import HTTPBearer as HTTPBearerModel
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from fastapi.security.base import SecurityBase
from opentelemetry.trace import SpanKind
from prometheus_client import Histogram
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.auth import Principal, unauthenticated
from shared.db import is_outage, is_unstorable
from shared.errors import Kind, Problem, invalid, within
from shared.numbers import digits
from shared.pages import Pages
from shared.patience import extended_by
from shared.settings import ServiceSettings
from shared.telemetry import brought_trace, current_tenant, current_traceparent, span

log = logging.getLogger(__name__)

STATUS = {
    Kind.INVALID: 422,
    Kind.UNAUTHENTICATED: 401,
    Kind.FORBIDDEN: 403,
    Kind.NOT_FOUND: 404,
    Kind.GONE: 410,
    Kind.CONFLICT: 409,
    Kind.PRECONDITION_FAILED: 412,
    Kind.PRECONDITION_REQUIRED: 428,
    Kind.UNSUPPORTED: 415,
    Kind.TOO_LARGE: 413,
    Kind.UNAVAILABLE: 503,
}
REQUESTS = Histogram(
    "http_request_seconds",
    "Duration of HTTP requests",
    ["method", "route", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)


class ProblemBody(BaseModel):
    """RFC 9457 problem details."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "example": {
                "type": "urn:rapport:problem:slot_invalid",
                "title": "Unprocessable Entity",
                "status": 422,
                "code": "slot_invalid",
                "detail": "This is no slot of this practice; take the id from GET /v1/slots unchanged.",
                "field": "slot",
            }
        },
    )

    type: str = Field(description="urn:rapport:problem:<code>")
    title: str
    status: int
    code: str = Field(description="Stable; meant for programs")
    detail: str = Field(description="What was wrong and what would be right")
    field: str | None = Field(None, description="The input at fault")
    errors: list[dict[str, str]] | None = Field(None, description="Each input at fault, where there are several")


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI documentation of the errors that a route may answer with."""
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemBody"}}}
    return {status: {"description": HTTPStatus(status).phrase, "content": content} for status in statuses}


def problem_response(problem: Problem) -> JSONResponse:
    status = STATUS[problem.kind]
    extra = dict(problem.extra)
    headers = {}
    if "retry_after" in extra:
        headers["retry-after"] = str(extra.pop("retry_after"))
    if problem.kind is Kind.UNAUTHENTICATED:
        headers["www-authenticate"] = "Bearer"
    return _answer(status, problem.code, problem.detail, headers, field=problem.field, **extra)


def _answer(status: int, code: str, detail: str, headers: dict[str, str] | None = None, **extra: Any) -> JSONResponse:
    body = {
        "type": f"urn:rapport:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        **{key: value for key, value in extra.items() if value is not None},
    }
    return JSONResponse(body, status, headers, media_type="application/problem+json")


class _Service(FastAPI):
    """Describes `ProblemBody` once: as the model of each answer it would be built anew for every one, 4 MB in all."""

    def openapi(self) -> dict[str, Any]:
        document = super().openapi()
        described = document.setdefault("components", {}).setdefault("schemas", {})
        schema = ProblemBody.model_json_schema(ref_template="#/components/schemas/{model}")
        described |= {"ProblemBody": schema, **schema.pop("$defs", {})}
        document["components"]["schemas"] = dict(sorted(described.items()))
        return document


def create_service(
    *,
    title: str,
    description: str,
    routers: Sequence[APIRouter],
    lifespan: Callable[[FastAPI], Any],
    settings: ServiceSettings,
) -> FastAPI:
    """A FastAPI application with everything that the four services have in common."""
    app = _Service(
        title=title,
        description=description,
        version="1",
        lifespan=lifespan,
        separate_input_output_schemas=False,
        # A redirect for a slash too many would have no body that says what was wrong.
        redirect_slashes=False,
        # FastAPI's own spans would carry the whole path, and a path may be somebody's link.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    # As they are: `include_router` would keep a second one of each that is called, for what a parent adds.
    app.router.routes.extend(route for router in routers for route in router.routes)
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(SQLAlchemyError, _on_database)
    app.add_exception_handler(OSError, _on_database)
    app.add_exception_handler(Exception, _on_failure)
    app.add_middleware(BodyLimit, limit=settings.max_body_bytes)
    app.add_middleware(Deadline, seconds=settings.request_seconds)
    app.add_middleware(Observed, router=app)
    return app


async def _on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)  # noqa: S101 -- Starlette's handler type knows only Exception
    if "text/html" in request.headers.get("accept", ""):
        return _pages.render("problem.html", STATUS[error.kind], detail=error.detail)
    return problem_response(error)


async def _on_invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 -- as above
    sent = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if isinstance(error.body, bytes) and error.body and not sent.endswith("json"):
        told = f"The body should be JSON, sent as application/json; it came as {sent}."
        return _answer(415, "unsupported_media_type", told, field="Content-Type")
    errors = []
    for item in error.errors():
        where = [str(part) for part in item["loc"]]
        if item["type"] == "json_invalid":
            return _answer(400, "malformed_json", f"The body is no JSON: {item['ctx']['error']}.", field="body")
        message = "is not known here; remove it" if item["type"] == "extra_forbidden" else item["msg"]
        inside, said = within(message.removeprefix("Value error, "))
        errors.append({"field": ".".join([*where[1:], *inside]) or where[0], "message": said})
    first = errors[0]
    detail = f"{first['field']}: {first['message']}."
    return _answer(422, "invalid_request", detail, field=first["field"], errors=errors)


async def _on_http(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 -- as above
    if error.status_code == 400 and error.detail == "There was an error parsing the body":
        # All that the framework says of a body that it can't decode.
        return _answer(400, "malformed_json", "The body is no JSON in UTF-8, or is nested too deeply.", field="body")
    codes = {404: "no_such_route", 405: "method_not_allowed", 400: "bad_request"}
    detail = "There is nothing at this address." if error.status_code == 404 else str(error.detail)
    headers = dict(error.headers) if error.headers else None
    return _answer(error.status_code, codes.get(error.status_code, "http_error"), detail, headers)


async def _on_database(request: Request, error: Exception) -> JSONResponse:
    if is_unstorable(error):
        told = "A value can't be stored; look for numbers that are too large and for odd characters."
        where = "body" if request.method in ("POST", "PUT", "PATCH") else "query"
        return _answer(422, "value_not_storable", told, field=where)
    if is_outage(error):
        log.warning("the database is away: %s", type(error).__name__)
        gone = "The service can't reach its database now; try again soon."
        return _answer(503, "database_unavailable", gone, {"retry-after": "2"})
    return await _on_failure(request, error)


async def _on_failure(_request: Request, error: Exception) -> JSONResponse:
    log.error("a request failed", exc_info=error)
    return _answer(500, "internal_error", "Something went wrong here; it was recorded with this trace.")


class BodyLimit:
    """Refuses bodies over a size, by their declared length at once, otherwise as soon as they exceed it."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self.app = app
        self.limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        problem = Problem(
            Kind.TOO_LARGE, "body_too_large", f"A body may have at most {self.limit} bytes.", field="body"
        )
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if (digits(declared) or 0) > self.limit:
            await problem_response(problem)(scope, receive, send)
            return
        seen, refused = 0, False

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self.limit:
                raise problem
            return message

        async def replaced(message: Message) -> None:
            # Whoever was reading may have answered the interruption in its own words.
            nonlocal refused
            if seen <= self.limit:
                await send(message)
            elif not refused:
                refused = True
                await problem_response(problem)(scope, receive, send)

        await self.app(scope, counted, replaced)


class Deadline:
    """Answers 503 when nothing has been answered in time, as when the database is frozen rather than gone.

    What the request was doing is cancelled, but not waited for: a cancelled query of asyncpg ends only when the
    server says so.
    """

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self.app = app
        self.seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        task = asyncio.current_task()
        if scope["type"] != "http" or task is None:
            await self.app(scope, receive, send)
            return
        began, answering = False, None

        async def in_time(message: Message) -> None:
            nonlocal began
            if answering is None:
                began = True
                await send(message)

        def end() -> None:
            nonlocal answering
            if not began:
                problem = Problem(Kind.UNAVAILABLE, "not_in_time", _NOT_IN_TIME, retry_after=5)
                answering = asyncio.create_task(problem_response(problem)(scope, receive, send))
                task.cancel()

        loop = asyncio.get_running_loop()
        timer = loop.call_later(self.seconds, end)

        def extend(seconds: float) -> None:
            nonlocal timer
            if answering is None and timer.when() < loop.time() + seconds:
                timer.cancel()
                timer = loop.call_later(seconds, end)

        try:
            with extended_by(extend):
                await self.app(scope, receive, in_time)
        except asyncio.CancelledError:
            if answering is None:
                raise
            task.uncancel()
        finally:
            timer.cancel()
            if answering is not None:
                await answering


_NOT_IN_TIME = "This took too long and was broken off; try again soon, with the same Idempotency-Key."


class Observed:
    """One SERVER span and one measurement a request; answers carry the trace in `traceresponse`."""

    def __init__(self, app: ASGIApp, router: FastAPI) -> None:
        self.app = app
        self.router = router

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in ("/healthz", "/readyz", "/metrics"):
            await self.app(scope, receive, send)
            return
        parent = dict(scope["headers"]).get(b"traceparent", b"").decode("latin-1") or None
        status = 500
        began = time.perf_counter()
        token, brought = current_tenant.set(None), brought_trace.set(parent is not None)
        with span(scope["method"], SpanKind.SERVER, parent=parent) as current:

            async def observed(message: Message) -> None:
                nonlocal status
                if message["type"] == "http.response.start":
                    status = message["status"]
                    trace = (current_traceparent() or "").encode()
                    message["headers"] = [*message.get("headers", ()), (b"traceresponse", trace)]
                await send(message)

            try:
                await self.app(scope, receive, observed)
            finally:
                route = getattr(scope.get("route"), "path", "(no route)")
                current.update_name(f"{scope['method']} {route}")
                current.set_attributes(
                    {"http.request.method": scope["method"], "http.route": route, "http.response.status_code": status}
                )
                REQUESTS.labels(scope["method"], route, status).observe(time.perf_counter() - began)
                current_tenant.reset(token)
                brought_trace.reset(brought)


_pages = Pages(Path(__file__).parent / "templates")


class _Bearer(SecurityBase):
    """Verifies a request's token; FastAPI's own class would be one dependency more in each request."""

    def __init__(self) -> None:
        self.model = HTTPBearerModel(bearerFormat="JWT", description="Token of the practice's OIDC issuer")
        self.scheme_name = "HTTPBearer"

    async def __call__(self, request: Request) -> Principal:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise unauthenticated("token_missing", "Send `Authorization: Bearer <token>`.")
        principal: Principal = await request.app.state.resources.verifier.principal(token)
        current_tenant.set(principal.tenant)
        if request.scope["query_string"]:
            _require_known(request)
        return principal


def _require_known(request: Request) -> None:
    """A misspelt filter would be a wider answer: it is refused, as an unknown field of a body is."""
    route: APIRoute = request.scope["route"]
    known = _KNOWN.get(route.endpoint)
    if known is None:
        by_hand = (route.openapi_extra or {}).get("parameters", ())  # see shared.query
        known = _KNOWN[route.endpoint] = frozenset([*_names(route.dependant), *(item["name"] for item in by_hand)])
    for name in request.query_params:
        if name not in known:
            ways = f"known are {', '.join(sorted(known))}" if known else "this route takes none"
            raise invalid("unknown_parameter", f"{name}: is no parameter of this route; {ways}.", field=name)


_KNOWN: dict[Callable[..., Any], frozenset[str]] = {}
"""Names of query parameters by endpoint."""


def _names(dependant: Dependant) -> Iterator[str]:
    for field in dependant.query_params:
        model = field.field_info.annotation
        if isinstance(model, type) and issubclass(model, BaseModel):
            yield from (item.alias or name for name, item in model.model_fields.items())
        else:
            yield field.alias
    for inner in dependant.dependencies:
        yield from _names(inner)


caller_of = _Bearer()
Caller = Annotated[Principal, Depends(caller_of)]
"""The verified caller of a route; one that reads its query by hand (`shared.query`) asks `caller_of`."""
