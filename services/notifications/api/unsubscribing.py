"""The page on which a client ends mails. Looking changes nothing; one press does, of a person or a mail program."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications import repository
from services.notifications.api.common import own
from services.notifications.api.pages import render
from services.notifications.resources import Resources
from services.notifications.use_cases import practice
from shared.capability import Capability
from shared.telemetry import current_tenant

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

WORDING = "mails-page-2026-11"
"""Of the words on the page; a change of them is a new version."""


@router.get("/u/{link}")
async def mails_page(request: Request, link: str) -> HTMLResponse:
    """Whether a client gets mails, and the button that changes it."""
    ours = own(request)
    asked = _opened(ours, link)
    async with ours.database.transaction(asked.tenant) as session:
        contact = await repository.people.contact(session, asked.subject)
        wanted = contact is not None and "email" in await repository.people.consented_channels(session, contact)
        again = contact is not None and await practice.has_agreed(session, contact, "email")
        return await render(session, "mails.html", asked.subject, wanted=wanted, again=again, path=_path(ours, link))


@router.post("/u/{link}")
async def end_mails(request: Request, link: str) -> Response:
    """One press, from the page or from a mail program, which follows no redirection (RFC 8058)."""
    done = await _set(request, link, granted=False)
    return Response() if (await request.form()).get("List-Unsubscribe") == "One-Click" else done


@router.post("/u/{link}/again")
async def mail_again(request: Request, link: str) -> RedirectResponse:
    """Takes it back; a yes to mails to another address than before is not to be had by an old mail."""
    return await _set(request, link, granted=True)


async def _set(request: Request, link: str, *, granted: bool) -> RedirectResponse:
    ours = own(request)
    asked = _opened(ours, link)

    async def work(session: AsyncSession) -> None:
        contact = await repository.people.contact(session, asked.subject, lock=True)
        if (
            contact is None
            or contact.email is None
            or (granted and not await practice.has_agreed(session, contact, "email"))
        ):
            return
        await practice.record_consent(
            session,
            tenant=asked.tenant,
            client_id=asked.subject,
            channel="email",
            granted=granted,
            wording_version=WORDING,
            source="mails page",
            actor="client",
            now=ours.clock(),
        )

    await ours.database.run(asked.tenant, work)
    return RedirectResponse(_path(ours, link), 303)


def _opened(ours: Resources, link: str) -> Capability:
    asked = Capability.verify(link, ours.settings.link_signing_key, "mails", ours.clock())
    current_tenant.set(asked.tenant)
    return asked


def _path(ours: Resources, link: str) -> str:
    return f"{ours.settings.public_url.rstrip('/')}/u/{link}"
