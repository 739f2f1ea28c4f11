"""Free slots, found by booking itself: instead of a taken one, or on the page behind a link."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import nsmallest
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from services.booking import repository
from services.booking.domain import slots
from services.booking.domain.appointments import Appointment
from services.booking.domain.choosing import is_after_hours
from services.booking.domain.series import Verdict
from services.booking.domain.slots import SlotTaken
from services.booking.use_cases.claiming import seeker_of
from shared.contracts.availability import ScheduleState
from shared.contracts.slots import DAY, Plan, ceil, floor, free, moment
from shared.telemetry import use_case

NEAR = 3 * DAY


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
async def alternatives(
    session: AsyncSession,
    *,
    tenant: UUID,
    taken: SlotTaken,
    client_id: UUID | None,
    now: datetime,
    key: str,
    most: int = 3,
) -> list[Offer]:
    """Free slots like the taken one (same type and modality), the next ones first."""
    plan = await repository.schedules.plan(session, taken.schedule_id)
    if plan is None:
        return []
    like = await repository.schedules.of_type(session, plan.state.appointment_type_id, plan.state.modality)
    return await _offers(session, tenant, like, client_id, max(taken.start, now), now, key, most)


@use_case
async def for_visit(
    session: AsyncSession,
    *,
    tenant: UUID,
    visit: Appointment,
    modality: str | None,
    now: datetime,
    key: str,
    most: int,
    after_hours: str | None = None,
) -> list[Offer]:
    """Free slots for a visit like this one, for the page behind a link; with a zone for `after_hours`, those in the
    evenings and at weekends there.
    """
    like = await repository.schedules.of_type(session, visit.appointment_type_id, modality)
    return await _offers(session, tenant, like, visit.client_id, now, now, key, most, after_hours)


@use_case
async def near_each(
    session: AsyncSession,
    *,
    tenant: UUID,
    plan: Plan,
    client_id: UUID,
    verdicts: Sequence[Verdict],
    now: datetime,
    key: str,
    most: int = 3,
) -> dict[UUID, list[Offer]]:
    """For each occurrence of a series that can't be had, the free slots nearest to it that leave the others possible.

    Same type and modality, within three days; by the id of the wish.
    """
    refused = [item.wish for item in verdicts if item.problem is not None]
    state = plan.state
    like = await repository.schedules.of_type(session, state.appointment_type_id, state.modality)
    if not refused or not like:
        return {}
    seeker = await seeker_of(session, like, client_id, None)
    kept = [item.taken for item in verdicts if item.taken is not None]
    found = {}
    for wish in refused:
        at = floor(wish.start)
        nearest: list[tuple[int, int, UUID, Plan]] = []
        for span in (DAY // 2, NEAR):
            low, high = max(at - span, ceil(now)), at + span
            if len(nearest) < most and low < high:
                taken = await repository.taken.near(session, like, client_id, low, high, now)
                starts = (
                    (abs(start - at), start, other.schedule_id, other)
                    for other in like
                    for start in free(other, [*taken, *kept], low, high, now, seeker)
                )
                nearest = nsmallest(most, starts, key=lambda item: item[:3])
        found[wish.id] = [_offer(tenant, other, start, now, key) for _, start, _, other in nearest]
    return found


async def _offers(
    session: AsyncSession,
    tenant: UUID,
    plans: Sequence[Plan],
    client_id: UUID | None,
    begin: datetime,
    now: datetime,
    key: str,
    most: int,
    after_hours: str | None = None,
) -> list[Offer]:
    """The first free slots across schedules: the rule that availability lists by, over booking's own truth.

    The near future is looked at first, since that is where most answers lie.
    """
    if not plans:
        return []
    seeker = await seeker_of(session, plans, client_id, None)
    low, last = ceil(begin), floor(max(now + plan.horizon for plan in plans)) + 1
    found: list[tuple[int, UUID, Plan]] = []
    span, zone = 4 * DAY, ZoneInfo(after_hours) if after_hours else None
    while low < last and len(found) < most:
        high = min(low + span, last)
        taken = await repository.taken.near(session, plans, client_id, low, high, now)
        starts = (
            (at, plan.schedule_id, plan)
            for plan in plans
            for at in free(plan, taken, low, high, now, seeker)
            if zone is None or is_after_hours(moment(at).astimezone(zone))
        )
        found += nsmallest(most - len(found), starts, key=lambda item: item[:2])
        low, span = high, span * 2
    return [_offer(tenant, plan, at, now, key) for at, _, plan in found]


def _offer(tenant: UUID, plan: Plan, at: int, now: datetime, key: str) -> Offer:
    slot = slots.offered(plan, at, now)
    return Offer(slot.sign(key, tenant), plan.state, slot.start)
