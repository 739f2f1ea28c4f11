"""An appointment's life, from booking to its end."""

from datetime import datetime, timedelta
from functools import partial
from typing import Protocol, TypedDict, Unpack
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from services.booking import repository
from services.booking.domain import appointments, slots
from services.booking.domain.appointments import SYSTEM, Actor, Appointment, CancelReason, Change, RetractReason
from services.booking.domain.holds import Hold, check_slot
from services.booking.repository.taken import NOTHING, But
from services.booking.use_cases.claiming import Minding, ask, claim
from services.booking.use_cases.holds import ended, minding
from shared.contracts.slots import SlotId
from shared.errors import conflict, require_version
from shared.telemetry import annotate, current_traceparent, use_case


class Move(TypedDict):
    """What every change of an appointment needs: which, as read in which version, by whom, when."""

    tenant: UUID
    appointment_id: UUID
    version: int | None
    actor: Actor
    now: datetime


@use_case
async def book(
    session: AsyncSession,
    *,
    tenant: UUID,
    slot: SlotId,
    client_id: UUID,
    hold: Hold | None = None,
    actor: Actor,
    now: datetime,
    id: UUID | None = None,
) -> Appointment:
    """Books an offered slot, or one that a hold keeps.

    Raises SlotTaken, or Problem: `slot_gone`, `slot_past`, `client_not_found`, `hold_of_another_slot`,
    `hold_of_another_client`.
    """
    if hold is None:
        return await _book(session, tenant, slot, client_id, actor, now, id=id)
    check_slot(hold, slot, client_id)
    visit = await _book(
        session, tenant, slot, client_id, actor, now, id=id, but=But(hold_id=hold.id), minding=minding(hold, now)
    )
    await ended(session, tenant, hold.id, "booked", now, visit.id)
    return visit


@use_case
async def book_anyway(
    session: AsyncSession,
    *,
    tenant: UUID,
    schedule_id: UUID,
    start: datetime,
    client_id: UUID,
    actor: Actor,
    now: datetime,
) -> Appointment:
    """Books a time that the schedule does not offer: the practice decides so, and says why in the actor's note.

    Raises SlotTaken where somebody or something is occupied, or Problem: `slot_gone`, `slot_past`, `client_not_found`.
    """
    slot = SlotId(schedule_id, start, now)
    return await _book(session, tenant, slot, client_id, actor, now, minding=slots.overridden)


@use_case
async def rebook(
    session: AsyncSession, *, tenant: UUID, missed_id: UUID, slot: SlotId, actor: Actor, now: datetime
) -> Appointment:
    """A new visit for a missed one, by the link in a message; a second tap finds the first one's visit.

    Raises Problem `not_missed` for a visit that nobody missed, `not_alike` for a time of another type.
    """
    missed = await repository.appointments.get(session, missed_id, lock=True)
    if missed.status != "noshow":
        raise conflict("not_missed", "This visit was not missed; there is nothing to make up for.")
    already = await repository.appointments.rebooking_of(session, missed.id)
    if already is not None:
        return already
    appointments.check_alike(missed, (await ask(session, slot)).plan.state)
    return await _book(session, tenant, slot, missed.client_id, actor, now, rebooked_from=missed.id)


async def _book(
    session: AsyncSession,
    tenant: UUID,
    slot: SlotId,
    client_id: UUID,
    actor: Actor,
    now: datetime,
    *,
    id: UUID | None = None,
    rebooked_from: UUID | None = None,
    but: But = NOTHING,
    minding: Minding = list,
) -> Appointment:
    asked = await ask(session, slot)
    id = id or uuid7()
    place = await claim(session, asked, client_id, id, now, but, minding)
    change = appointments.book(
        id=id,
        slot=slot,
        schedule=asked.plan.state,
        place=place,
        client_id=client_id,
        actor=actor,
        now=now,
        rebooked_from=rebooked_from,
        traceparent=current_traceparent(),
    )
    return await saved(session, tenant, change, actor, now)


@use_case
async def reschedule(session: AsyncSession, *, slot: SlotId, **move: Unpack[Move]) -> Appointment:
    """Moves a visit; the old time stays booked if the new one can't be had."""
    asked, visit_id, now = await ask(session, slot), move["appointment_id"], move["now"]
    before = await repository.appointments.get(session, visit_id)
    appointments.check_movable(before, now)
    place = await claim(session, asked, before.client_id, visit_id, now, But(visit_id=visit_id))
    return await _moved(
        session, move, partial(appointments.reschedule, slot=slot, schedule=asked.plan.state, place=place)
    )


@use_case
async def cancel(session: AsyncSession, *, reason: CancelReason, **move: Unpack[Move]) -> Appointment:
    """Calls the visit off; its time is free at once."""
    policy = await repository.policy.get(session)
    return await _moved(session, move, partial(appointments.cancel, reason=reason, policy=policy))


@use_case
async def confirm(session: AsyncSession, **move: Unpack[Move]) -> Appointment:
    """The client will come; saying it twice changes nothing."""
    return await _moved(session, move, appointments.confirm)


@use_case
async def run_late(session: AsyncSession, *, by: timedelta, **move: Unpack[Move]) -> Appointment:
    """The client is on the way; whoever waits hears of it, and the visit is not missed before then."""
    return await _moved(session, move, partial(appointments.run_late, by=by))


@use_case
async def arrive(session: AsyncSession, **move: Unpack[Move]) -> Appointment:
    """The client is in the waiting room."""
    return await _moved(session, move, appointments.arrive)


@use_case
async def check_in(session: AsyncSession, **move: Unpack[Move]) -> Appointment:
    """The practice has taken the client in."""
    return await _moved(session, move, appointments.check_in)


@use_case
async def fulfil(session: AsyncSession, **move: Unpack[Move]) -> Appointment:
    """The visit took place."""
    return await _moved(session, move, appointments.fulfil)


@use_case
async def retract_miss(session: AsyncSession, *, reason: RetractReason, **move: Unpack[Move]) -> Appointment:
    """Undoes a miss; whoever follows undoes what it began."""
    return await _moved(session, move, partial(appointments.retract, reason=reason))


@use_case
async def enter_in_error(session: AsyncSession, **move: Unpack[Move]) -> Appointment:
    """Takes a visit out of the books; its history stays, with who says so and why."""
    return await _moved(session, move, appointments.enter_in_error)


@use_case
async def notice_absence(session: AsyncSession, *, tenant: UUID, appointment_id: UUID, now: datetime) -> Appointment:
    """Asks whether an absent client is there, and then marks the visit as missed, unless somebody checked in, moved or
    cancelled it meanwhile.
    """
    move = Move(tenant=tenant, appointment_id=appointment_id, version=None, actor=SYSTEM, now=now)
    return await _moved(session, move, appointments.notice_absence)


class _Rule(Protocol):
    def __call__(self, appointment: Appointment, /, *, actor: Actor, now: datetime) -> Change | None: ...


async def _moved(session: AsyncSession, move: Move, rule: _Rule) -> Appointment:
    """Changes a visit by one of the domain's rules, or leaves it where the rule finds nothing to change."""
    locked = await _locked(session, move["appointment_id"], move["version"])
    change = rule(locked, actor=move["actor"], now=move["now"])
    return locked if change is None else await saved(session, move["tenant"], change, move["actor"], move["now"])


async def _locked(session: AsyncSession, appointment_id: UUID, version: int | None) -> Appointment:
    annotate(appointment_id=appointment_id)
    appointment = await repository.appointments.get(session, appointment_id, lock=True)
    require_version(version, appointment.sequence)
    return appointment


async def saved(session: AsyncSession, tenant: UUID, change: Change, actor: Actor, now: datetime) -> Appointment:
    visit, event = change
    await repository.appointments.save(session, tenant, visit, event, actor, now)
    annotate(appointment_id=visit.id, client_id=visit.client_id)
    return visit
