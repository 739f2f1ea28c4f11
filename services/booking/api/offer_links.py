"""The page behind the link of an offer: a freed time to accept or to leave to others. Looking changes nothing."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from services.booking import repository
from services.booking.api.common import own
from services.booking.api.pages import PAGES, base, write_link
from services.booking.api.waitlist import too_late
from services.booking.domain.appointments import Actor
from services.booking.domain.slots import SlotTaken
from services.booking.domain.waitlist import OVER
from services.booking.resources import Resources
from services.booking.use_cases import accepting
from services.booking.use_cases.waitlist import fate_of
from shared.capability import Capability
from shared.errors import Problem
from shared.telemetry import continued, current_tenant

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/w/{link}")
async def offer_page(request: Request, link: str, busy: bool = False) -> HTMLResponse:
    """The offered time, until when it can be had, and what accepting it does."""
    ours = own(request)
    found = _offer_link(ours, link)
    now = ours.clock()
    async with ours.database.transaction(found.tenant) as session:
        offer = await repository.waitlist.offer(session, found.subject)
        entry = await repository.waitlist.entry(session, offer.entry_id)
        swapped = await repository.appointments.get(session, entry.swaps) if entry.swaps else None
        visit_id = offer.appointment_id
        fate = await fate_of(session, offer, now)
    visit_link = Capability("visit", found.tenant, visit_id, found.expires) if visit_id else None
    return PAGES.render(
        "offer.html",
        offer=offer,
        is_open=fate == "open",
        over=OVER.get(fate),
        swapped=swapped if swapped is not None and swapped.status == "booked" and swapped.start > now else None,
        busy=busy,
        zone=entry.zone,
        link=link,
        base=base(ours),
        write=write_link(ours, "write", found.tenant, entry.client_id, found.expires),
        visit_link=visit_link.sign(ours.settings.link_signing_key) if visit_link else None,
    )


@router.post("/w/{link}/accept")
async def accept(request: Request, link: str) -> RedirectResponse:
    """Takes the offered time, if nobody was faster; the page says what became of it."""
    ours = own(request)
    found = _offer_link(ours, link)
    tenant, now = found.tenant, ours.clock()
    page = f"{base(ours)}/w/{link}"
    async with ours.database.transaction(tenant) as session:
        offer = await repository.waitlist.offer(session, found.subject)
    try:
        with continued("accept offer", offer.traceparent):
            await ours.database.run(
                tenant,
                lambda session: accepting.accept(
                    session, tenant=tenant, offer_id=offer.id, actor=Actor("client", "link"), now=now
                ),
            )
    except Problem as refused:
        try:
            await too_late(ours, tenant, offer.id, refused)
        except SlotTaken:
            page += "?busy=true"
        except Problem as problem:
            if problem.code != "offer_over":
                raise
    return RedirectResponse(page, 303)


@router.post("/w/{link}/decline")
async def decline(request: Request, link: str) -> RedirectResponse:
    """Leaves the time to the next."""
    ours = own(request)
    found = _offer_link(ours, link)
    now = ours.clock()
    try:
        await ours.database.run(
            found.tenant,
            lambda session: accepting.decline(session, tenant=found.tenant, offer_id=found.subject, now=now),
        )
    except Problem as problem:
        if problem.code != "offer_over":
            raise
    return RedirectResponse(f"{base(ours)}/w/{link}", 303)


def _offer_link(ours: Resources, link: str) -> Capability:
    found = Capability.verify(link, ours.settings.link_signing_key, "offer", ours.clock())
    current_tenant.set(found.tenant)
    return found
