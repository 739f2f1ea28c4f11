"""The page behind the link to a visit: the visit, and other times for a missed one."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from services.booking import repository
from services.booking.api.calendars import calendar_file
from services.booking.api.common import own
from services.booking.api.naming import providers_of
from services.booking.api.pages import PAGES, base, write_link
from services.booking.domain.appointments import LATE_FROM, Actor, Appointment
from services.booking.domain.slots import UNAVAILABLE
from services.booking.domain.video import Door
from services.booking.resources import Resources
from services.booking.use_cases import appointments, calendars, offers
from shared.capability import Capability
from shared.contracts.availability import Modality
from shared.contracts.slots import SlotId
from shared.errors import Problem
from shared.telemetry import continued, current_tenant

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

OFFERS_ON_A_PAGE = 6
MINUTES_LATE = (5, 10, 15)

VISIT_LINK_LIFETIME = timedelta(days=14)
"""After its visit."""


@dataclass(frozen=True, slots=True)
class VisitLink:
    """A link, opened: the visit that it is for, the one that makes up for it, and the clock that it goes by."""

    capability: Capability
    visit: Appointment
    rebooked: Appointment | None
    zone: str
    has_video: bool
    opens_on: str
    """What its page shows first: `visit`, `remote` (times that need no travel) or `evening` (and weekends)."""
    door: Door | None

    @property
    def tenant(self) -> UUID:
        return self.capability.tenant


async def open_link(ours: Resources, link: str) -> VisitLink:
    """Raises Problem `link_invalid` or `link_expired`."""
    capability = _verify(ours, link, ours.clock())
    current_tenant.set(capability.tenant)
    async with ours.database.transaction(capability.tenant) as session:
        visit = await repository.appointments.get(session, capability.subject)
        rebooked = await repository.appointments.rebooking_of(session, visit.id)
        zones = await repository.series.zones(session, {visit.schedule_id})
        door = await calendars.door_of(session, visit, ours.settings.link_signing_key)
        by_video = await repository.schedules.of_type(session, visit.appointment_type_id, "telehealth")
    return VisitLink(capability, visit, rebooked, zones[visit.schedule_id], bool(by_video), capability.purpose, door)


def lasting(ours: Resources, found: VisitLink, link: str, visit: Appointment) -> str:
    """The same link, or one that lasts until the visit where it was moved beyond that."""
    if found.capability.expires > visit.end:
        return link
    expires = visit.end + VISIT_LINK_LIFETIME
    return Capability("visit", found.tenant, visit.id, expires).sign(ours.settings.link_signing_key)


def _verify(ours: Resources, link: str, now: datetime) -> Capability:
    return Capability.verify_one_of(link, ours.settings.link_signing_key, ("visit", "remote", "evening"), now)


@router.get("/a/{link}")
async def visit_page(
    request: Request,
    link: str,
    modality: Modality | None = None,
    after_hours: bool | None = None,
    taken: bool = False,
) -> HTMLResponse:
    """The visit behind a link; a missed one can be booked anew. Looking changes nothing."""
    ours = own(request)
    found = await open_link(ours, link)
    visit, now = found.visit, ours.clock()
    modality = modality or ("telehealth" if found.opens_on == "remote" else None)
    evenings = after_hours if after_hours is not None else found.opens_on == "evening"
    missed = visit.status == "noshow" and found.rebooked is None
    async with ours.database.transaction(found.tenant) as session:
        free = await offers.for_visit(
            session,
            tenant=found.tenant,
            visit=visit,
            modality=modality,
            now=now,
            key=ours.settings.slot_signing_key,
            most=OFFERS_ON_A_PAGE if missed else 0,
            after_hours=found.zone if evenings else None,
        )
    survey = Capability("barrier", found.tenant, visit.id, found.capability.expires)
    return PAGES.render(
        "visit.html",
        visit=visit,
        rebooked=found.rebooked,
        offers=free,
        providers=await providers_of(ours, found.tenant, now) if free else None,
        taken=taken,
        modality=modality,
        evenings=evenings,
        zone=found.zone,
        has_video=found.has_video,
        has_begun=now >= visit.start,
        may_be_late=now >= visit.start - LATE_FROM,
        minutes_late=MINUTES_LATE,
        minutes_said=round(visit.late_by / timedelta(minutes=1)) if visit.late_by else None,
        door=found.door,
        door_is_open=found.door is not None and found.door.is_open(now),
        path=f"{base(ours)}/a/{link}",
        write=write_link(ours, "write", found.tenant, visit.client_id, found.capability.expires),
        feedback=ours.settings.feedback_public_url.rstrip("/"),
        survey=survey.sign(ours.settings.link_signing_key),
    )


@router.get("/a/{link}/visit.ics")
async def visit_file(request: Request, link: str) -> Response:
    """The visit for the client's calendar."""
    found = await open_link(own(request), link)
    return calendar_file([found.visit])


@router.post("/a/{link}/book")
async def rebook(
    request: Request,
    link: str,
    slot: Annotated[str, Form(max_length=200)],
    modality: Annotated[Modality | None, Form()] = None,
) -> Response:
    """Books another time for a missed visit, then shows it."""
    ours = own(request)
    found = await open_link(ours, link)
    tenant, missed, now = found.tenant, found.visit, ours.clock()
    page = f"{base(ours)}/a/{link}"
    # The trace of the missed visit goes on here, so that ops see booking, miss and return as one.
    with continued("rebook by link", missed.traceparent):
        try:
            wanted = SlotId.verify(slot, ours.settings.slot_signing_key, tenant, now)
            await ours.database.run(
                tenant,
                lambda session: appointments.rebook(
                    session,
                    tenant=tenant,
                    missed_id=missed.id,
                    slot=wanted,
                    actor=Actor("client", "link"),
                    now=now,
                ),
            )
        except Problem as refused:
            if refused.code not in UNAVAILABLE:
                raise
            page += "?taken=true" + (f"&modality={modality}" if modality else "")
    return RedirectResponse(page, 303)
