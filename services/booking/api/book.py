"""The practice's page to book on: kind of visit, with whom, when, review, booked. Only the last two steps write."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking import repository
from services.booking.api.common import own
from services.booking.api.links import VISIT_LINK_LIFETIME
from services.booking.api.new_client import WHAT_IS_RIGHT, NewClientForm
from services.booking.api.pages import PAGES, base, by_video
from services.booking.domain.choosing import Part, Wish
from services.booking.domain.holds import Hold
from services.booking.domain.slots import UNAVAILABLE, offered
from services.booking.resources import Resources
from services.booking.use_cases import choosing, holds, self_booking
from shared.capability import Capability
from shared.contracts.availability import Modality
from shared.contracts.directory import Directory
from shared.contracts.slots import Plan, SlotId
from shared.errors import Kind, Problem, not_found
from shared.telemetry import current_tenant

router = APIRouter(prefix="/book/{practice}", include_in_schema=False, default_response_class=HTMLResponse)

REVIEW_LASTS = timedelta(minutes=30)
"""Of the address of a review; the hold itself ends sooner."""

Me = Annotated[str, Query(max_length=100)]
MeField = Annotated[str, Form(max_length=100)]


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who looks at which practice's page; `me` is the personal link of a known client."""

    tenant: UUID
    names: Directory
    me: str
    client_id: UUID | None

    @property
    def zone(self) -> str:
        return self.names.zone

    def path(self, ours: Resources, *steps: str, **query: str | None) -> str:
        values = {"me": self.me, **query}
        text = urlencode({name: value for name, value in values.items() if value})
        return "/".join([base(ours), "book", str(self.tenant), *steps]) + (f"?{text}" if text else "")

    def provider(self, provider_id: UUID) -> str:
        return next((item.name for item in self.names.providers if item.id == provider_id), "A provider")

    def label(self, plan: Plan) -> str:
        """What is said of a time beside when it is."""
        return f", with {self.provider(plan.provider_id)}" + by_video(plan)

    def place(self, location_id: UUID) -> str:
        return next((item.name for item in self.names.locations if item.id == location_id), "The practice")

    def kind(self, type_id: UUID) -> str:
        return next((item.name for item in self.names.appointment_types if item.id == type_id), "Visit")


async def _visitor(ours: Resources, practice: UUID, me: str, now: datetime) -> Visitor:
    """Raises Problem `no_self_booking` where the practice doesn't take bookings, or not from who asks."""
    current_tenant.set(practice)
    client_id: UUID | None = None
    if me:
        found = Capability.verify(me, ours.settings.link_signing_key, "client", now)
        if found.tenant != practice:
            raise not_found("link", "This link is for another practice.")
        client_id = found.subject
    async with ours.database.transaction(practice) as session:
        policy = await repository.policy.get(session)
    if policy.self_booking == "off" or (policy.self_booking == "clients" and client_id is None):
        raise Problem(
            Kind.NOT_FOUND,
            "no_self_booking",
            "No visits can be booked on this page. Please call the practice, or open the link that it gave you.",
        )
    names = await ours.names.of(practice, now)
    if names is None:
        raise not_found("practice", "There is no such practice.")
    return Visitor(practice, names, me, client_id)


@router.get("")
async def kinds(request: Request, practice: UUID, me: Me = "") -> HTMLResponse:
    """The kinds of visit that can be booked."""
    ours = own(request)
    visitor = await _visitor(ours, practice, me, ours.clock())
    async with ours.database.transaction(practice) as session:
        plans = await choosing.plans_of(session)
    bookable = {plan.state.appointment_type_id for plan in plans}
    return PAGES.render(
        "book.html",
        practice=visitor.names.name,
        kinds=[
            (item, visitor.path(ours, "times", type=str(item.id)))
            for item in visitor.names.appointment_types
            if item.id in bookable
        ],
    )


@router.get("/times")
async def times(
    request: Request,
    practice: UUID,
    type: UUID,
    provider: str = "",
    modality: str = "",
    part: Part = "any",
    first: date | None = None,
    taken: bool = False,
    me: Me = "",
) -> HTMLResponse:
    """Days with free times, and what narrows them down."""
    ours, now = own(request), own(request).clock()
    visitor = await _visitor(ours, practice, me, now)
    wish = Wish(type, _uuid(provider), _modality(modality), part)
    async with ours.database.transaction(practice) as session:
        plans = [plan for plan in await choosing.plans_of(session) if plan.state.appointment_type_id == type]
        found, more = await choosing.days(
            session, wish=wish, client_id=visitor.client_id, zone=visitor.zone, first=first, now=now
        )
    chosen = {"type": str(type), "provider": provider, "modality": modality, "part": part}
    return PAGES.render(
        "times.html",
        visitor=visitor,
        kind=visitor.kind(type),
        chosen=chosen,
        providers=sorted({(visitor.provider(plan.provider_id), str(plan.provider_id)) for plan in plans}),
        modalities={plan.state.modality for plan in plans},
        days=found,
        slot=lambda start, plan: _slot(ours, practice, plan, start, now),
        label=visitor.label,
        keep=visitor.path(ours, "hold"),
        filter=f"{base(ours)}/book/{practice}/times",
        start_over=visitor.path(ours),
        more=visitor.path(ours, "times", **chosen, first=str(choosing.next_day(found))) if more else None,
        taken=taken,
    )


@router.post("/hold")
async def keep(
    request: Request, practice: UUID, slot: Annotated[str, Form(max_length=200)], me: Me = ""
) -> RedirectResponse:
    """Keeps a time, then shows it for review."""
    ours, now = own(request), own(request).clock()
    visitor = await _visitor(ours, practice, me, now)
    wanted = SlotId.verify(slot, ours.settings.slot_signing_key, practice, now)
    try:
        kept = await ours.database.run(
            practice,
            lambda session: self_booking.keep(
                session, tenant=practice, slot=wanted, client_id=visitor.client_id, now=now
            ),
        )
    except Problem as refused:
        return await _instead(ours, visitor, wanted.schedule_id, refused)
    return RedirectResponse(visitor.path(ours, "review", _hold_link(ours, visitor, kept.id, now)), 303)


@router.get("/review/{hold}")
async def review(request: Request, practice: UUID, hold: str, me: Me = "") -> HTMLResponse:
    """What is about to be booked, until when it is kept, and who comes."""
    ours, now = own(request), own(request).clock()
    visitor = await _visitor(ours, practice, me, now)
    kept, plan = await _kept(ours, visitor, hold, now)
    return _review(ours, visitor, hold, kept, plan, now)


@router.post("/review/{hold}/extend")
async def extend(request: Request, practice: UUID, hold: str, me: Me = "") -> RedirectResponse:
    """Five minutes more, twice at most."""
    ours, now = own(request), own(request).clock()
    visitor = await _visitor(ours, practice, me, now)
    hold_id = _hold_id(ours, visitor, hold, now)
    kept, _ = await _kept(ours, visitor, hold, now)
    try:
        await ours.database.run(
            practice, lambda session: holds.extend(session, tenant=practice, hold_id=hold_id, now=now)
        )
    except Problem as refused:
        return await _instead(ours, visitor, kept.schedule_id, refused)
    return RedirectResponse(visitor.path(ours, "review", hold), 303)


@router.post("/review/{hold}/release")
async def release(request: Request, practice: UUID, hold: str, me: Me = "") -> RedirectResponse:
    """Gives the time back, and shows the others."""
    ours, now = own(request), own(request).clock()
    visitor = await _visitor(ours, practice, me, now)
    kept, _ = await _kept(ours, visitor, hold, now)
    await ours.database.run(
        practice,
        lambda session: holds.end(session, tenant=practice, hold_id=kept.id, because="released", now=now),
    )
    return RedirectResponse(await _other_times(ours, visitor, kept.schedule_id, taken=False), 303)


@router.post("/review/{hold}/book", response_model=None)
async def book(
    request: Request, practice: UUID, hold: str, form: Annotated[NewClientForm, Form()], me: Me = ""
) -> HTMLResponse | RedirectResponse:
    """Books what is kept; a second press finds the first one's visit."""
    ours, now = own(request), own(request).clock()
    visitor = await _visitor(ours, practice, me, now)
    hold_id = _hold_id(ours, visitor, hold, now)
    client_id, name = visitor.client_id or self_booking.new_client(hold_id), None
    async with ours.database.transaction(practice) as session:
        already = await repository.appointments.find(session, hold_id)
        found = await repository.holds.find(session, hold_id)
    if visitor.client_id is None and already is None:
        intake, errors = form.read(visitor.zone)
        kept, plan = await _kept(ours, visitor, hold, now)
        if intake is None:
            return _review(ours, visitor, hold, kept, plan, now, form, errors)
        name = form.name
        try:
            async with ours.database.transaction(practice) as session:
                await self_booking.check_still_free(session, kept, now)
        except Problem as refused:
            return await _instead(ours, visitor, kept.schedule_id, refused)
        try:
            await ours.contacts.take_in(practice, client_id, intake, now)
        except Problem as refused:
            field = refused.field or ""
            if refused.code != "contact_refused" or field not in WHAT_IS_RIGHT:
                raise
            return _review(ours, visitor, hold, kept, plan, now, form, {field: WHAT_IS_RIGHT[field]})
    try:
        visit = await ours.database.run(
            practice,
            lambda session: self_booking.book(
                session, tenant=practice, hold_id=hold_id, client_id=client_id, new_name=name, now=now
            ),
        )
    except Problem as refused:
        return await _instead(ours, visitor, found.schedule_id if found else None, refused)
    expires = max(now, visit.start) + VISIT_LINK_LIFETIME
    link = Capability("visit", practice, visit.id, expires).sign(ours.settings.link_signing_key)
    return RedirectResponse(f"{base(ours)}/a/{link}", 303)


def _review(
    ours: Resources,
    visitor: Visitor,
    hold: str,
    kept: Hold,
    plan: Plan,
    now: datetime,
    form: NewClientForm | None = None,
    errors: Mapping[str, str] | None = None,
) -> HTMLResponse:
    """The review; with errors, the form as it was filled in."""
    return PAGES.render(
        "review.html",
        422 if errors else 200,
        visitor=visitor,
        kept=kept,
        is_kept=kept.expires_at > now,
        kind=visitor.kind(plan.state.appointment_type_id),
        duration=plan.state.duration,
        provider=visitor.provider(plan.provider_id),
        place=visitor.place(plan.state.location_id),
        by_video=plan.state.modality == "telehealth",
        form=form or NewClientForm(),
        errors=errors or {},
        book=visitor.path(ours, "review", hold, "book"),
        extend=visitor.path(ours, "review", hold, "extend"),
        release=visitor.path(ours, "review", hold, "release"),
    )


async def _kept(ours: Resources, visitor: Visitor, hold: str, now: datetime) -> tuple[Hold, Plan]:
    """Raises Problem `hold_not_found`, in the words of this page."""
    hold_id = _hold_id(ours, visitor, hold, now)

    async def read(session: AsyncSession) -> tuple[Hold | None, Plan | None]:
        kept = await repository.holds.find(session, hold_id)
        return kept, await repository.schedules.plan(session, kept.schedule_id) if kept else None

    async with ours.database.transaction(visitor.tenant) as session:
        kept, plan = await read(session)
    if kept is None or plan is None:
        raise Problem(
            Kind.GONE, "hold_not_found", "The time to book has run out. Nothing was booked; please choose again."
        )
    return kept, plan


async def _instead(ours: Resources, visitor: Visitor, schedule_id: UUID | None, refused: Problem) -> RedirectResponse:
    """Other times, for somebody who wants what can't be had any more."""
    if schedule_id is None or refused.code not in UNAVAILABLE:
        raise refused
    return RedirectResponse(await _other_times(ours, visitor, schedule_id), 303)


async def _other_times(ours: Resources, visitor: Visitor, schedule_id: UUID, *, taken: bool = True) -> str:
    async with ours.database.transaction(visitor.tenant) as session:
        plan = await repository.schedules.plan(session, schedule_id)
    if plan is None:
        return visitor.path(ours)
    return visitor.path(ours, "times", type=str(plan.state.appointment_type_id), taken="true" if taken else None)


def _slot(ours: Resources, tenant: UUID, plan: Plan, start: int, now: datetime) -> str:
    return offered(plan, start, now).sign(ours.settings.slot_signing_key, tenant)


def _hold_link(ours: Resources, visitor: Visitor, hold_id: UUID, now: datetime) -> str:
    return Capability("hold", visitor.tenant, hold_id, now + REVIEW_LASTS).sign(ours.settings.link_signing_key)


def _hold_id(ours: Resources, visitor: Visitor, hold: str, now: datetime) -> UUID:
    found = Capability.verify(hold, ours.settings.link_signing_key, "hold", now)
    if found.tenant != visitor.tenant:
        raise not_found("link", "This link is for another practice.")
    return found.subject


def _uuid(text: str) -> UUID | None:
    """An empty choice is any; so is one that is no id, for nobody types it by hand."""
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


def _modality(text: str) -> Modality | None:
    return text if text in ("in_person", "telehealth") else None  # type: ignore[return-value] # it is one of these
