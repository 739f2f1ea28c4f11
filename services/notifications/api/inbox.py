"""The page on which a client reads and writes messages. Looking changes nothing; only a pressed button does."""

from collections.abc import Sequence
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from services.notifications import repository
from services.notifications.api.common import own
from services.notifications.api.pages import render
from services.notifications.domain.secure import LONGEST, LONGEST_SENT, SecureKind, SecureMessage, typed
from services.notifications.resources import Resources
from services.notifications.use_cases import secure
from shared.capability import Capability
from shared.telemetry import current_tenant

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
SHOWN = 50


@router.get("/m/{link}")
async def inbox_page(request: Request, link: str, sent: bool = False, empty: bool = False) -> HTMLResponse:
    """What was written, the newest first, and a form to write."""
    ours = own(request)
    asked = _opened(ours, link)
    reads = asked.purpose == "inbox"
    async with ours.database.transaction(asked.tenant) as session:
        messages = await repository.secure.page(session, asked.subject, None, SHOWN) if reads else []
        return await render(
            session,
            "inbox.html",
            asked.subject,
            reads=reads,
            called=await repository.secure.called(session, messages),
            news=[message for message in messages if _is_news(message)],
            earlier=[message for message in messages if not _is_news(message)],
            longest=LONGEST,
            path=_path(ours, link),
            sent=sent,
            empty=empty,
        )


@router.post("/m/{link}")
async def write(
    request: Request,
    link: str,
    body: Annotated[str, Form(max_length=LONGEST_SENT)] = "",
    kind: Annotated[SecureKind, Form()] = "message",
) -> RedirectResponse:
    """Sends what the client wrote."""
    ours = own(request)
    asked = _opened(ours, link)
    text = typed(body)
    if not text:
        return RedirectResponse(f"{_path(ours, link)}?empty=true#body", 303)
    await ours.database.run(
        asked.tenant,
        lambda session: secure.write_as_client(
            session,
            tenant=asked.tenant,
            client_id=asked.subject,
            kind=kind,
            body=text,
            by="link",
            now=ours.clock(),
        ),
    )
    return RedirectResponse(f"{_path(ours, link)}?sent=true", 303)


@router.post("/m/{link}/read")
async def read(request: Request, link: str) -> RedirectResponse:
    """The client says that they have read what the practice wrote."""
    ours = own(request)
    asked = _opened(ours, link, ("inbox",))
    await ours.database.run(
        asked.tenant,
        lambda session: secure.read(session, client_id=asked.subject, author="practice", now=ours.clock()),
    )
    return RedirectResponse(_path(ours, link), 303)


def _is_news(message: SecureMessage) -> bool:
    return message.author == "practice" and message.read_at is None


def _opened(ours: Resources, link: str, purposes: Sequence[str] = ("write", "inbox")) -> Capability:
    """Raises Problem as `Capability.verify` does. A link by which a client only writes shows nothing."""
    asked = Capability.verify_one_of(link, ours.settings.link_signing_key, purposes, ours.clock())
    current_tenant.set(asked.tenant)
    return asked


def _path(ours: Resources, link: str) -> str:
    return f"{ours.settings.public_url.rstrip('/')}/m/{quote(link)}"
