"""A client's own page: visits to come and past, places on the waitlist; and the link to it that the practice gives."""

from datetime import datetime, timedelta
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from services.booking import repository, schemas
from services.booking.api.common import own
from services.booking.api.pages import PAGES, base, write_link
from services.booking.domain.appointments import Appointment
from services.booking.resources import Resources
from services.booking.use_cases import waitlist
from shared.capability import Capability
from shared.errors import not_found
from shared.telemetry import current_tenant
from shared.web import Caller, problems

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
api = APIRouter(prefix="/v1", responses=problems(401, 403, 422, 503))

LINK_LIFETIME = timedelta(days=30)
MOST_PAST = 20


@api.post("/clients/{client_id}/personal-link", operation_id="make_personal_link", responses=problems(404))
async def make_personal_link(request: Request, client_id: UUID, caller: Caller) -> schemas.PersonalLink:
    """The address of a client's own page, and of the practice's page to book on as this client; good for 30 days."""
    caller.require("clients:read")
    if not caller.may_see_client(client_id):
        raise not_found("client")
    ours = own(request)
    async with ours.database.transaction(caller.tenant) as session:
        await repository.clients.get(session, client_id)
    expires = (ours.clock() + LINK_LIFETIME).replace(microsecond=0)
    link = Capability("client", caller.tenant, client_id, expires).sign(ours.settings.link_signing_key)
    return schemas.PersonalLink(
        portal=f"{base(ours)}/me/{link}", book=f"{base(ours)}/book/{caller.tenant}?me={link}", expires_at=expires
    )


@router.get("/me/{link}")
async def portal(request: Request, link: str) -> HTMLResponse:
    """What a client has with the practice. Looking changes nothing."""
    ours = own(request)
    now = ours.clock()
    found = Capability.verify(link, ours.settings.link_signing_key, "client", now)
    current_tenant.set(found.tenant)
    async with ours.database.transaction(found.tenant) as session:
        coming, past = await repository.appointments.of_client(session, found.subject, now, MOST_PAST)
        places = await repository.waitlist.page(session, None, 50, found.subject, "waiting")
        zones = await repository.series.zones(session, {visit.schedule_id for visit in [*coming, *past]})
        policy = await repository.policy.get(session)
    return PAGES.render(
        "portal.html",
        coming=coming,
        past=past,
        places=places,
        zone=lambda visit: zones[visit.schedule_id],
        visit_link=lambda visit: _visit_link(ours, found, visit, now),
        path=f"{base(ours)}/me/{link}",
        write=write_link(ours, "inbox", found.tenant, found.subject, found.expires),
        book=f"{base(ours)}/book/{found.tenant}?me={link}" if policy.self_booking != "off" else None,
    )


@router.post("/me/{link}/waitlist/{entry_id}/leave")
async def leave(request: Request, link: str, entry_id: UUID) -> RedirectResponse:
    """Gives a place on the waitlist up."""
    ours = own(request)
    now = ours.clock()
    found = Capability.verify(link, ours.settings.link_signing_key, "client", now)
    current_tenant.set(found.tenant)
    async with ours.database.transaction(found.tenant) as session:
        entry = await repository.waitlist.entry(session, entry_id)
    if entry.client_id != found.subject:
        raise not_found("waitlist_entry", "There is no such place on the waitlist.")
    await ours.database.run(
        found.tenant, lambda session: waitlist.leave(session, tenant=found.tenant, entry_id=entry_id, now=now)
    )
    return RedirectResponse(f"{base(ours)}/me/{link}", 303)


def _visit_link(ours: Resources, found: Capability, visit: Appointment, now: datetime) -> str:
    expires = min(found.expires, max(now, visit.start) + timedelta(days=14))
    link = Capability("visit", found.tenant, visit.id, expires).sign(ours.settings.link_signing_key)
    return f"{base(ours)}/a/{link}"
