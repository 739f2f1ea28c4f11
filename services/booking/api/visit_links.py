"""What a client can do by the link to their visit: confirm, change, cancel, meet by video, say that they are late.

Opening an address changes nothing, since mail programs open links before people do: only a pressed button does.
"""

from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta
from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from services.booking.api.common import own
from services.booking.api.links import VisitLink, lasting, open_link
from services.booking.api.naming import providers_of
from services.booking.api.pages import PAGES, base
from services.booking.domain.appointments import Actor, Appointment
from services.booking.domain.choosing import Part, Wish
from services.booking.domain.slots import UNAVAILABLE, offered
from services.booking.use_cases import appointments, choosing
from services.booking.use_cases.claiming import plan_of
from shared.contracts.availability import Modality
from shared.contracts.slots import Plan, SlotId
from shared.errors import Problem
from shared.telemetry import continued

router = APIRouter(prefix="/a/{link}", include_in_schema=False, default_response_class=HTMLResponse)

CLIENT = Actor("client", "link")
OVER = frozenset(("illegal_move", "already_started", "too_early_to_be_late"))
"""Refusals of what the page no longer shows: it is shown anew as it is now."""


@router.post("/confirm")
async def confirm(request: Request, link: str) -> RedirectResponse:
    """The client will come."""
    return await _do(request, link, "confirm visit", appointments.confirm)


@router.get("/cancel")
async def before_cancelling(request: Request, link: str) -> HTMLResponse:
    """Asks why, and says what else could be done."""
    found = await open_link(own(request), link)
    return PAGES.render("cancel.html", visit=found.visit, zone=found.zone, path=_path(request, link))


@router.post("/cancel")
async def cancel(
    request: Request, link: str, reason: Annotated[Literal["client_request", "illness", "other"], Form()]
) -> RedirectResponse:
    """Calls the visit off."""
    return await _do(request, link, "cancel visit", partial(appointments.cancel, reason=reason))


@router.post("/late")
async def run_late(request: Request, link: str, minutes: Annotated[int, Form(ge=1, le=30)]) -> RedirectResponse:
    """The client is on the way."""
    by = timedelta(minutes=minutes)
    return await _do(request, link, "running late", partial(appointments.run_late, by=by))


@router.get("/times", response_model=None)
async def times(
    request: Request,
    link: str,
    modality: Modality | None = None,
    part: Part = "any",
    first: date | None = None,
    taken: bool = False,
) -> Response:
    """Other times for a visit; its own is left out, unless it can be had by video."""
    ours = own(request)
    found = await open_link(ours, link)
    visit, now = found.visit, ours.clock()
    if not _movable(visit, now):
        return RedirectResponse(_path(request, link), 303)
    wish = Wish(
        visit.appointment_type_id,
        None if modality else visit.provider_id,
        modality or visit.modality,
        part,
        prefer=visit.provider_id,
    )
    async with ours.database.transaction(found.tenant) as session:
        days, more = await choosing.days(
            session,
            wish=wish,
            client_id=visit.client_id,
            zone=found.zone,
            first=first,
            now=now,
            moving=visit.id,
        )
    path = _path(request, link)
    query = f"part={part}" + (f"&modality={modality}" if modality else "")
    return PAGES.render(
        "move.html",
        visit=visit,
        zone=found.zone,
        modality=modality,
        part=part,
        days=days,
        slot=lambda start, plan: _slot(request, found, plan, start),
        label=(await providers_of(ours, found.tenant, now)).label,
        path=path,
        more=f"{path}/times?{query}&first={choosing.next_day(days)}" if more else None,
        taken=taken,
    )


@router.get("/move", response_model=None)
async def before_moving(request: Request, link: str, slot: Annotated[str, Query(max_length=200)]) -> Response:
    """The old time and the new one, to look at before anything moves."""
    ours = own(request)
    found = await open_link(ours, link)
    now = ours.clock()
    if not _movable(found.visit, now):
        return RedirectResponse(_path(request, link), 303)
    try:
        wanted = SlotId.verify(slot, ours.settings.slot_signing_key, found.tenant, now)
        async with ours.database.transaction(found.tenant) as session:
            plan = await plan_of(session, wanted)
    except Problem as refused:
        return _other_times(request, link, refused)
    somebody_else = plan.provider_id != found.visit.provider_id
    providers = await providers_of(ours, found.tenant, now)
    return PAGES.render(
        "moving.html",
        somebody_else=somebody_else,
        provider=providers.name(plan.provider_id),
        visit=found.visit,
        zone=found.zone,
        start=wanted.start,
        by_video=plan.state.modality == "telehealth",
        slot=slot,
        path=_path(request, link),
    )


@router.post("/move")
async def move(request: Request, link: str, slot: Annotated[str, Form(max_length=200)]) -> RedirectResponse:
    """Moves the visit; its old time stays its own if the new one can't be had."""
    ours = own(request)
    found = await open_link(ours, link)
    try:
        wanted = SlotId.verify(slot, ours.settings.slot_signing_key, found.tenant, ours.clock())
        return await _do(request, link, "move visit", partial(appointments.reschedule, slot=wanted))
    except Problem as refused:
        return _other_times(request, link, refused)


def _other_times(request: Request, link: str, refused: Problem) -> RedirectResponse:
    """Where a client goes on who wants what can't be had any more."""
    if refused.code not in UNAVAILABLE:
        raise refused
    return RedirectResponse(f"{_path(request, link)}/times?taken=true", 303)


async def _do(
    request: Request, link: str, name: str, change: Callable[..., Awaitable[Appointment]]
) -> RedirectResponse:
    """Makes a move in the trace that booked the visit, then shows the visit as it is."""
    ours = own(request)
    found = await open_link(ours, link)
    move = appointments.Move(
        tenant=found.tenant, appointment_id=found.visit.id, version=None, actor=CLIENT, now=ours.clock()
    )
    visit = found.visit
    with continued(name, visit.traceparent):
        try:
            visit = await ours.database.run(found.tenant, lambda session: change(session, **move))
        except Problem as problem:
            if problem.code not in OVER:
                raise
    return RedirectResponse(_path(request, lasting(ours, found, link, visit)), 303)


def _movable(visit: Appointment, now: datetime) -> bool:
    return visit.status == "booked" and now < visit.start


def _path(request: Request, link: str) -> str:
    return f"{base(own(request))}/a/{link}"


def _slot(request: Request, found: VisitLink, plan: Plan, start: int) -> str:
    ours = own(request)
    return offered(plan, start, ours.clock()).sign(ours.settings.slot_signing_key, found.tenant)
