"""The page behind a link: a visit, and other times for a missed one."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from services.booking import repository
from services.booking.api.common import own
from services.booking.domain.appointments import Actor
from services.booking.domain.slots import SlotTaken
from services.booking.resources import Resources
from services.booking.use_cases import appointments, offers
from shared.capability import Capability
from shared.contracts.availability import Modality
from shared.contracts.slots import SlotId
from shared.errors import Kind, Problem
from shared.pages import Pages
from shared.telemetry import continued, current_tenant

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
_pages = Pages(Path(__file__).parent.parent / "pages")

OFFERS_ON_A_PAGE = 6


def _visit_link(ours: Resources, link: str, now: datetime) -> tuple[Capability, bool]:
    """The visit behind a link, and whether the link opens on times that need no travel."""
    key = ours.settings.link_signing_key
    try:
        found, remote = Capability.verify(link, key, "visit", now), False
    except Problem as problem:
        if problem.kind is not Kind.NOT_FOUND:
            raise
        found, remote = Capability.verify(link, key, "remote", now), True
    current_tenant.set(found.tenant)
    return found, remote


@router.get("/a/{link}")
async def visit_page(
    request: Request, link: str, modality: Modality | None = None, taken: bool = False
) -> HTMLResponse:
    """The visit behind a link; a missed one can be booked anew. Looking changes nothing."""
    ours = own(request)
    now = ours.clock()
    visit_link, remote = _visit_link(ours, link, now)
    modality = modality or ("telehealth" if remote else None)
    async with ours.database.transaction(visit_link.tenant) as session:
        visit = await repository.appointments.get(session, visit_link.subject)
        rebooked = await repository.appointments.rebooking_of(session, visit.id)
        missed = visit.status == "noshow" and rebooked is None
        found = await offers.for_visit(
            session,
            tenant=visit_link.tenant,
            visit=visit,
            modality=modality,
            now=now,
            key=ours.settings.slot_signing_key,
            most=OFFERS_ON_A_PAGE if missed else 0,
        )
        plan = await repository.schedules.plan(session, visit.schedule_id)
    survey = Capability("barrier", visit_link.tenant, visit.id, visit_link.expires)
    return _pages.render(
        "visit.html",
        visit=visit,
        rebooked=rebooked,
        offers=found,
        taken=taken,
        modality=modality,
        zone=plan.state.zone if plan else "UTC",
        link=link,
        base=ours.settings.public_url.rstrip("/"),
        feedback=ours.settings.feedback_public_url.rstrip("/"),
        survey=survey.sign(ours.settings.link_signing_key),
    )


@router.post("/a/{link}/book")
async def rebook(
    request: Request,
    link: str,
    slot: Annotated[str, Form(max_length=200)],
    modality: Annotated[Modality | None, Form()] = None,
) -> Response:
    """Books another time for a missed visit, then shows it."""
    ours = own(request)
    now = ours.clock()
    visit_link, _ = _visit_link(ours, link, now)
    tenant = visit_link.tenant
    offered = SlotId.verify(slot, ours.settings.slot_signing_key, tenant, now)
    async with ours.database.transaction(tenant) as reading:
        missed = await repository.appointments.get(reading, visit_link.subject)
    page = f"{ours.settings.public_url.rstrip('/')}/a/{link}"
    # The trace of the missed visit goes on here, so that ops see booking, miss and return as one.
    with continued("rebook by link", missed.traceparent):
        try:
            await ours.database.run(
                tenant,
                lambda session: appointments.rebook(
                    session,
                    tenant=tenant,
                    missed_id=missed.id,
                    slot=offered,
                    actor=Actor("client", "link"),
                    now=now,
                ),
            )
        except SlotTaken:
            page += "?taken=true" + (f"&modality={modality}" if modality else "")
    return RedirectResponse(page, 303)
