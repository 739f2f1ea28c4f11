"""What booking's topics say: visits and holds take time and give it back."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from services.availability import repository
from services.availability.domain import opening, taken
from services.availability.domain.taken import Drift, Occupied
from services.availability.use_cases.hours import tell_booking
from shared.contracts.booking import (
    AppointmentBooked,
    AppointmentImported,
    AppointmentRescheduled,
    AppointmentState,
    HoldState,
    SlotReleased,
)
from shared.contracts.slots import Plan, Span, merged
from shared.contracts.standing import VisitStanding
from shared.telemetry import annotate, use_case


@use_case
async def follow_visit(session: AsyncSession, *, tenant: UUID, state: AppointmentState, now: datetime) -> None:
    annotate(appointment_id=state.appointment_id)
    # Of a remark the place is known by the event that brought the visit there, heard of already or still to come.
    comes = isinstance(state, AppointmentBooked | AppointmentImported | AppointmentRescheduled)
    await _follow(session, tenant, taken.by_visit(state), now, comes=comes)


@use_case
async def follow_hold(session: AsyncSession, *, tenant: UUID, state: HoldState, now: datetime) -> None:
    visit: Occupied | None = None
    if isinstance(state, SlotReleased) and state.appointment_id is not None:
        # Whoever calls that visit off meanwhile sees this hold gone, or is seen here.
        await repository.practice.hold_provider(session, state.provider_id)
        visit = await repository.taken.known(session, state.appointment_id)
    await _follow(session, tenant, taken.by_hold(state), now, opens=taken.gives_back(state, visit))


@use_case
async def restore(session: AsyncSession, *, tenant: UUID, items: Collection[Occupied]) -> int:
    """Makes the copy say what the newest events of these visits and holds say; how many rows were wrong.

    Nothing is told to others: nothing has happened, only what was wrong here is right again.
    """
    mended = await repository.taken.restore(session, tenant, items)
    await _announce(session, tenant, mended)
    return len({item.id for item in mended})


@use_case
async def forget(session: AsyncSession, *, tenant: UUID, ids: Collection[UUID]) -> int:
    """Removes from the copy what no event speaks of; how many there were."""
    removed = await repository.taken.remove(session, ids)
    await _announce(session, tenant, removed)
    return len(removed)


@use_case
async def compare(session: AsyncSession, *, truth: Sequence[VisitStanding], now: datetime) -> list[Drift]:
    """Where the copy of the visits to come differs from booking's truth."""
    here = await repository.taken.visits_to_come(session, now, {visit.id for visit in truth})
    return taken.drift(here, truth)


async def _announce(session: AsyncSession, tenant: UUID, items: Iterable[Occupied]) -> None:
    for provider_id, room_id in {(item.provider_id, item.room_id) for item in items}:
        await repository.changes.announce(session, tenant, provider_id, room_id)


async def _announce_opened(
    session: AsyncSession,
    tenant: UUID,
    gone: Occupied,
    reason: Literal["cancelled", "moved", "released"],
    now: datetime,
) -> None:
    """Tells what can be booked since: of its provider, and of all who use its room."""
    plans = [Plan(state) for state in await repository.schedules.around(session, gone.provider_id, gone.room_id)]
    if not plans:
        return
    stood = gone.while_it_stood()
    longest = max(plan.reach + plan.duration for plan in plans)
    span = stood.occupied_from - longest, stood.occupied_to + longest
    near = [item for item, _ in await repository.taken.near(session, plans, *span, now)]
    opened: dict[UUID, list[Span]] = defaultdict(list)
    for plan in plans:
        opened[plan.provider_id] += opening.given_back(plan, near, stood, now)
    for provider_id, spans in opened.items():
        if spans:
            event = opening.announced(provider_id, reason, merged(spans)[: opening.MOST], uuid7())
            await repository.practice.record(session, tenant, event, now)


async def _follow(
    session: AsyncSession, tenant: UUID, item: Occupied, now: datetime, *, opens: bool = True, comes: bool = True
) -> None:
    """`opens`: what it gives back is free then. `comes`: the news is that it has come to where it is."""
    before: Occupied | None = None
    if not await repository.taken.add(session, tenant, item):
        newer, before = await repository.taken.save(session, tenant, item)
        if not newer:
            if opens and comes and before is not None and taken.has_moved(item, before):
                # It has moved on from a place that was not heard of until now.
                await _give_back(session, tenant, [item], before, now)
            return
        await _announce(session, tenant, [item] if before is None else [item, before])
    if opens:
        await _give_back(session, tenant, taken.stood(before, item), item, now)
    if not taken.is_to_come(item, now):
        return
    await _hold(session, [item] if before is None else [item, before])
    away = await repository.hours.time_off(session, item.provider_id, now)
    if taken.meets(item, away, now) and taken.has_moved(before, item):
        # Booked there by somebody who hadn't heard of the time off yet.
        await tell_booking(session, tenant, item.provider_id, now)


async def _give_back(
    session: AsyncSession, tenant: UUID, places: Sequence[Occupied], since: Occupied, now: datetime
) -> None:
    """Tells of each place that a visit or hold has given back, where it stands or has ended since."""
    for place in places:
        if (reason := taken.gave_back(place, since, now)) is not None:
            await _hold(session, [*places, since])
            await _announce_opened(session, tenant, place, reason, now)


async def _hold(session: AsyncSession, items: Iterable[Occupied]) -> None:
    """Whoever enters time off meanwhile sees this visit, or is seen here; so does who calls off another in its hour."""
    await repository.practice.hold_provider(session, *(item.provider_id for item in items))
