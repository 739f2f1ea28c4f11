"""What booking does, a function per verb: load, decide, save, record the event; the caller's transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import nsmallest
from typing import TypedDict
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from services.booking import domain, repository
from services.booking.domain import Actor, Appointment, CancelReason, Change, Client, Place, SlotTaken
from shared.contracts.availability import ProviderUnavailable, ScheduleState, ScheduleWithdrawn
from shared.contracts.slots import DAY, SLOT_ID_LIFETIME, Plan, Seeker, SlotId, Taken, ceil, floor, free, hidden, moment
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
async def follow_absences(
    session: AsyncSession, *, tenant: UUID, news: ProviderUnavailable, now: datetime
) -> list[Appointment]:
    """Flags the coming visits for which the provider will be away, and takes the flag off those that may stay."""
    annotate(provider_id=news.provider_id)
    await repository.save_absences(session, tenant, news)
    absences = await repository.absences(session, news.provider_id)
    flagged = []
    for visit_id in await repository.coming_visits(session, news.provider_id, now):
        locked = await repository.appointment(session, visit_id, lock=True)
        change = domain.flag(locked, absences=absences, actor=SYSTEM, now=now)
        if change is not None:
            flagged.append(await _saved(session, tenant, change, SYSTEM, now))
    return flagged


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
    plan = await _plan(session, slot)
    id = uuid7()
    place = await _claim(session, plan, slot, client_id, id, now)
    change = domain.book(
        id=id,
        slot=slot,
        schedule=plan.state,
        place=place,
        client_id=client_id,
        actor=actor,
        now=now,
        rebooked_from=rebooked_from,
        traceparent=current_traceparent(),
    )
    return await _saved(session, tenant, change, actor, now)


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
    plan = await _plan(session, slot)
    before = await repository.appointment(session, appointment_id)
    domain.check_movable(before, now)
    place = await _claim(session, plan, slot, before.client_id, appointment_id, now)
    locked = await _locked(session, appointment_id, version)
    change = domain.reschedule(locked, slot=slot, schedule=plan.state, place=place, actor=actor, now=now)
    return await _saved(session, tenant, change, actor, now)


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
    return await _saved(session, tenant, domain.cancel(locked, reason=reason, actor=actor, now=now), actor, now)


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
    return await _saved(session, tenant, domain.check_in(locked, actor=actor, now=now), actor, now)


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
    return await _saved(session, tenant, domain.fulfil(locked, actor=actor, now=now), actor, now)


@use_case
async def notice_miss(
    session: AsyncSession, *, tenant: UUID, appointment_id: UUID, now: datetime
) -> Appointment | None:
    """Marks an absent client's visit as missed; None when somebody checked in, moved or cancelled it meanwhile."""
    locked = await _locked(session, appointment_id, None)
    change = domain.miss(locked, actor=SYSTEM, now=now)
    if change is None:
        return None
    return await _saved(session, tenant, change, SYSTEM, now)


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
    plan = await repository.plan(session, taken.schedule_id)
    if plan is None:
        return []
    like = await repository.plans_of_type(session, plan.state.appointment_type_id, plan.state.modality)
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
    like = await repository.plans_of_type(session, visit.appointment_type_id, modality)
    return await _offers(session, tenant, like, visit.client_id, now, now, key, most)


async def _offers(
    session: AsyncSession,
    tenant: UUID,
    plans: Sequence[Plan],
    client_id: UUID,
    begin: datetime,
    now: datetime,
    key: str,
    most: int,
) -> list[Offer]:
    """The first free slots across schedules: the rule that availability lists by, over booking's own truth.

    The near future is looked at first, since that is where most answers lie.
    """
    if not plans:
        return []
    seeker = await _seeker(session, plans, client_id, None)
    low, last = ceil(begin), floor(max(now + plan.horizon for plan in plans)) + 1
    found: list[tuple[int, UUID, Plan]] = []
    span = 4 * DAY
    while low < last and len(found) < most:
        high = min(low + span, last)
        taken = await repository.taken(session, plans, client_id, low, high)
        starts = ((at, plan.schedule_id, plan) for plan in plans for at in free(plan, taken, low, high, now, seeker))
        found += nsmallest(most - len(found), starts, key=lambda item: item[:2])
        low, span = high, span * 2
    expires = now + SLOT_ID_LIFETIME
    return [
        Offer(SlotId(plan.schedule_id, moment(at), expires).sign(key, tenant), plan.state, moment(at))
        for at, _, plan in found
    ]


async def _plan(session: AsyncSession, slot: SlotId) -> Plan:
    plan = await repository.plan(session, slot.schedule_id)
    if plan is None:
        raise conflict("slot_gone", "The practice does not offer this schedule any more; search again.")
    return plan


async def _claim(
    session: AsyncSession, plan: Plan, slot: SlotId, client_id: UUID, visit_id: UUID, now: datetime
) -> Place:
    """Takes the locks, provider before rooms before client as everywhere, and then the place at that time.

    Raises SlotTaken when somebody was first, Problem `slot_past` or `slot_gone` when the schedule offers it no more.
    """
    start = floor(slot.start)
    if not await repository.lock_provider(session, plan.provider_id, wait=False):
        # Somebody books there right now: who has lost already needn't wait in line.
        await _require_free(session, plan, start, client_id, visit_id, now)
        await repository.lock_provider(session, plan.provider_id)
    await repository.lock_rooms(session, plan.rooms)
    await repository.client(session, client_id, lock=True)
    taken = await _require_free(session, plan, start, client_id, visit_id, now)
    # Whoever has no group is alone at a start that is free.
    group = await repository.group_at(session, plan.schedule_id, slot.start, visit_id) if plan.capacity > 1 else []
    return domain.place(plan, taken, group, start, visit_id)


async def _require_free(
    session: AsyncSession, plan: Plan, start: int, client_id: UUID, visit_id: UUID, now: datetime
) -> list[Taken]:
    seeker = await _seeker(session, [plan], client_id, visit_id)
    taken = await repository.taken(session, [plan], client_id, start, start + 1, but=visit_id)
    domain.check_offered(plan, start, hidden(plan, taken, start, now, seeker))
    return taken


async def _seeker(session: AsyncSession, plans: Sequence[Plan], client_id: UUID, but: UUID | None) -> Seeker:
    """Who seeks; whether the client is new is looked up only where it matters."""
    is_new = any(plan.favours_new_clients for plan in plans) and await repository.is_new(session, client_id, but)
    return Seeker(client_id, is_new)


async def _locked(session: AsyncSession, appointment_id: UUID, version: int | None) -> Appointment:
    annotate(appointment_id=appointment_id)
    appointment = await repository.appointment(session, appointment_id, lock=True)
    require_version(version, appointment.sequence)
    return appointment


async def _saved(session: AsyncSession, tenant: UUID, change: Change, actor: Actor, now: datetime) -> Appointment:
    visit, event = change
    await repository.save(session, tenant, visit, event, actor, now)
    annotate(appointment_id=visit.id, client_id=visit.client_id)
    return visit
