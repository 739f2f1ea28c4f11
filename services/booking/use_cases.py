"""What booking does, a function per verb: load, decide, save, record the event; the caller's transaction."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from itertools import islice
from typing import TypedDict
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from services.booking import domain, repository
from services.booking.domain import Actor, Appointment, CancelReason, Client, SlotTaken
from shared.contracts.availability import ScheduleState, ScheduleWithdrawn
from shared.contracts.booking import AppointmentState
from shared.contracts.slots import SLOT_ID_LIFETIME, Interval, SlotId, free
from shared.errors import conflict, require_version
from shared.telemetry import annotate, current_traceparent, use_case

SYSTEM = Actor("system", "timer")


class Move(TypedDict):
    """What every change of an appointment needs: which, as read in which version, by whom, when."""

    tenant: UUID
    appointment_id: UUID
    version: int | None
    actor: Actor
    now: datetime


@dataclass(frozen=True, slots=True)
class Offer:
    """A free slot, as a caller can book it."""

    slot: str
    schedule: ScheduleState
    start: datetime

    @property
    def end(self) -> datetime:
        return self.start + self.schedule.duration


@use_case
async def register_client(session: AsyncSession, *, tenant: UUID, name: str, now: datetime) -> Client:
    client = Client(id=uuid7(), name=name, registered_at=now)
    await repository.add_client(session, tenant, client)
    await repository.record(session, tenant, domain.register(client), now)
    annotate(client_id=client.id)
    return client


@use_case
async def replicate_schedule(session: AsyncSession, *, tenant: UUID, schedule: ScheduleState, now: datetime) -> None:
    withdrawn_at = now if isinstance(schedule, ScheduleWithdrawn) else None
    await repository.save_schedule(session, tenant, schedule, withdrawn_at)


@use_case
async def book(
    session: AsyncSession, *, tenant: UUID, slot: SlotId, client_id: UUID, actor: Actor, now: datetime
) -> Appointment:
    """Books an offered slot. Raises SlotTaken, or Problem: `slot_gone`, `slot_past`, `client_not_found`."""
    return await _book(session, tenant, slot, client_id, actor, now)


@use_case
async def rebook(
    session: AsyncSession, *, tenant: UUID, missed_id: UUID, slot: SlotId, actor: Actor, now: datetime
) -> Appointment:
    """A new visit for a missed one, by the link in a message; a second tap finds the first one's visit.

    Raises Problem `not_missed` for a visit that nobody missed.
    """
    missed = await repository.appointment(session, missed_id, lock=True)
    if missed.status != "noshow":
        raise conflict("not_missed", "This visit was not missed; there is nothing to make up for.")
    already = await repository.rebooking_of(session, missed.id)
    if already is not None:
        return already
    return await _book(session, tenant, slot, missed.client_id, actor, now, rebooked_from=missed.id)


async def _book(
    session: AsyncSession,
    tenant: UUID,
    slot: SlotId,
    client_id: UUID,
    actor: Actor,
    now: datetime,
    rebooked_from: UUID | None = None,
) -> Appointment:
    schedule = await _schedule(session, slot)
    appointment, event = domain.book(
        id=uuid7(),
        slot=slot,
        schedule=schedule,
        client_id=client_id,
        actor=actor,
        now=now,
        rebooked_from=rebooked_from,
        traceparent=current_traceparent(),
    )
    await _claim_time(session, appointment)
    await repository.add_appointment(session, tenant, appointment, actor)
    await _saved(session, tenant, appointment, event, now)
    return appointment


@use_case
async def reschedule(
    session: AsyncSession,
    *,
    tenant: UUID,
    appointment_id: UUID,
    version: int | None,
    slot: SlotId,
    actor: Actor,
    now: datetime,
) -> Appointment:
    """Moves a visit; the old time stays booked if the new one can't be had."""
    schedule = await _schedule(session, slot)
    before = await repository.appointment(session, appointment_id)
    moved, _ = domain.reschedule(before, slot=slot, schedule=schedule, actor=actor, now=now)
    await _claim_time(session, moved)
    locked = await _locked(session, appointment_id, version)
    appointment, event = domain.reschedule(locked, slot=slot, schedule=schedule, actor=actor, now=now)
    await repository.save_appointment(session, tenant, appointment, actor)
    await _saved(session, tenant, appointment, event, now)
    return appointment


@use_case
async def cancel(
    session: AsyncSession,
    *,
    tenant: UUID,
    appointment_id: UUID,
    version: int | None,
    reason: CancelReason,
    actor: Actor,
    now: datetime,
) -> Appointment:
    locked = await _locked(session, appointment_id, version)
    appointment, event = domain.cancel(locked, reason=reason, actor=actor, now=now)
    await repository.save_appointment(session, tenant, appointment, actor)
    await _saved(session, tenant, appointment, event, now)
    return appointment


@use_case
async def check_in(
    session: AsyncSession,
    *,
    tenant: UUID,
    appointment_id: UUID,
    version: int | None,
    actor: Actor,
    now: datetime,
) -> Appointment:
    locked = await _locked(session, appointment_id, version)
    appointment, event = domain.check_in(locked, actor=actor, now=now)
    await repository.save_appointment(session, tenant, appointment, actor)
    await _saved(session, tenant, appointment, event, now)
    return appointment


@use_case
async def fulfil(
    session: AsyncSession,
    *,
    tenant: UUID,
    appointment_id: UUID,
    version: int | None,
    actor: Actor,
    now: datetime,
) -> Appointment:
    locked = await _locked(session, appointment_id, version)
    appointment, event = domain.fulfil(locked, actor=actor, now=now)
    await repository.save_appointment(session, tenant, appointment, actor)
    await _saved(session, tenant, appointment, event, now)
    return appointment


@use_case
async def notice_miss(
    session: AsyncSession, *, tenant: UUID, appointment_id: UUID, now: datetime
) -> Appointment | None:
    """Marks an absent client's visit as missed; None when somebody checked in, moved or cancelled it meanwhile."""
    locked = await _locked(session, appointment_id, None)
    change = domain.miss(locked, actor=SYSTEM, now=now)
    if change is None:
        return None
    appointment, event = change
    await repository.save_appointment(session, tenant, appointment, SYSTEM)
    await _saved(session, tenant, appointment, event, now)
    return appointment


@use_case
async def alternatives(
    session: AsyncSession,
    *,
    tenant: UUID,
    taken: SlotTaken,
    client_id: UUID,
    now: datetime,
    key: str,
    most: int = 3,
) -> list[Offer]:
    """Free slots like the taken one (same type and modality), the next ones first."""
    schedule = await repository.schedule(session, taken.schedule_id)
    if schedule is None:
        return []
    like = await repository.schedules_of_type(session, schedule.appointment_type_id, schedule.modality)
    return await _offers(session, tenant, like, client_id, max(taken.start, now), now, key, most)


@use_case
async def offers_for(
    session: AsyncSession,
    *,
    tenant: UUID,
    visit: Appointment,
    modality: str | None,
    now: datetime,
    key: str,
    most: int,
) -> list[Offer]:
    """Free slots for a visit like this one, for the page behind a link."""
    like = await repository.schedules_of_type(session, visit.appointment_type_id, modality)
    return await _offers(session, tenant, like, visit.client_id, now, now, key, most)


async def _offers(
    session: AsyncSession,
    tenant: UUID,
    schedules: Sequence[ScheduleState],
    client_id: UUID,
    begin: datetime,
    now: datetime,
    key: str,
    most: int,
) -> list[Offer]:
    """The first free slots across schedules: the rule that availability lists by, over booking's own truth."""
    if not schedules:
        return []
    end = max(now + schedule.horizon for schedule in schedules)
    longest = max(schedule.buffer_before + schedule.duration + schedule.buffer_after for schedule in schedules)
    busy: dict[UUID, list[Interval]] = {}
    providers = list({schedule.provider_id for schedule in schedules})
    for provider_id, interval in await repository.busy(session, providers, begin - longest, end + longest):
        busy.setdefault(provider_id, []).append(interval)
    own = await repository.visits_of(session, client_id, begin - longest, end + longest)

    def offers_of(schedule: ScheduleState) -> Iterator[tuple[datetime, UUID, Offer]]:
        for start in free(schedule, busy.get(schedule.provider_id, []), begin, end, now):
            if any(start < stop and start + schedule.duration > at for at, stop in own):
                continue
            signed = SlotId(schedule.schedule_id, start, now + SLOT_ID_LIFETIME).sign(key, tenant)
            yield start, schedule.schedule_id, Offer(signed, schedule, start)

    in_order = merge(*(offers_of(schedule) for schedule in schedules), key=lambda item: item[:2])
    return [offer for _, _, offer in islice(in_order, most)]


async def _schedule(session: AsyncSession, slot: SlotId) -> ScheduleState:
    schedule = await repository.schedule(session, slot.schedule_id)
    if schedule is None:
        raise conflict("slot_gone", "The practice does not offer this schedule any more; search again.")
    return schedule


async def _claim_time(session: AsyncSession, appointment: Appointment) -> None:
    """Takes the locks, provider before client as everywhere, and raises SlotTaken when somebody was first.

    The look before the locks lets the many losers of a contended slot go without waiting in line.
    """
    if await repository.is_taken(session, appointment):
        raise SlotTaken(appointment.schedule_id, appointment.start)
    await repository.lock_provider(session, appointment.provider_id)
    await repository.client(session, appointment.client_id, lock=True)
    if await repository.is_taken(session, appointment):
        raise SlotTaken(appointment.schedule_id, appointment.start)


async def _locked(session: AsyncSession, appointment_id: UUID, version: int | None) -> Appointment:
    annotate(appointment_id=appointment_id)
    appointment = await repository.appointment(session, appointment_id, lock=True)
    require_version(version, appointment.sequence)
    return appointment


async def _saved(
    session: AsyncSession, tenant: UUID, appointment: Appointment, event: AppointmentState, now: datetime
) -> None:
    await repository.watch_for_miss(session, tenant, appointment)
    await repository.record(session, tenant, event, now)
    annotate(appointment_id=appointment.id, client_id=appointment.client_id)
