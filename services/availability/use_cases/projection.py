"""What booking's topics say: visits and holds take time and give it back."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from services.availability import repository
from services.availability.domain import taken
from services.availability.domain.taken import Occupied
from services.availability.use_cases.hours import tell_booking
from shared.contracts.booking import AppointmentState, HoldState
from shared.telemetry import annotate, use_case


@use_case
async def follow_visit(session: AsyncSession, *, tenant: UUID, state: AppointmentState, now: datetime) -> None:
    annotate(appointment_id=state.appointment_id)
    await _follow(session, tenant, taken.by_visit(state), now)


@use_case
async def follow_hold(session: AsyncSession, *, tenant: UUID, state: HoldState, now: datetime) -> None:
    await _follow(session, tenant, taken.by_hold(state), now)


async def _follow(session: AsyncSession, tenant: UUID, item: Occupied, now: datetime) -> None:
    newer, before = await repository.taken.save(session, tenant, item)
    if not newer:
        return
    touched = {(item.provider_id, item.room_id)}
    if before is not None:
        touched.add((before.provider_id, before.room_id))
    for provider_id, room_id in touched:
        await repository.changes.announce(session, tenant, provider_id, room_id)
    event = taken.opened(before, item, uuid7(), now)
    if event is not None:
        await repository.practice.record(session, tenant, event, now)
    away = await repository.hours.time_off(session, item.provider_id, now)
    if taken.meets(item, away, now) and not (before is not None and taken.meets(before, away, now)):
        # Booked by somebody who hadn't heard of the time off yet.
        await tell_booking(session, tenant, item.provider_id, now)
