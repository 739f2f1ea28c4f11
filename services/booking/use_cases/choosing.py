"""Free times as a page shows them: some days at a time, from booking's own truth."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.booking import repository
from services.booking.domain import choosing
from services.booking.domain.choosing import Day, Wish
from services.booking.repository.taken import But
from services.booking.use_cases.claiming import seeker_of
from shared.contracts.slots import DAY, Plan, ceil, day_number, floor, free, instant, local_day
from shared.telemetry import use_case

DAYS_ON_A_PAGE = 5
FIRST_LOOK = 7 * DAY


@use_case
async def days(
    session: AsyncSession,
    *,
    wish: Wish,
    client_id: UUID | None,
    zone: str,
    first: date | None,
    now: datetime,
    moving: UUID | None = None,
    most: int = DAYS_ON_A_PAGE,
) -> tuple[list[Day], bool]:
    """The first days with free times on or after a local date, and whether there are more; `moving` is a visit that
    doesn't stand in its own way.
    """
    plans = [plan for plan in await repository.schedules.of_type(session, wish.appointment_type_id) if wish.fits(plan)]
    if not plans:
        return [], False
    seeker = await seeker_of(session, plans, client_id, moving)
    low = ceil(now) if first is None else max(ceil(now), instant(zone, day_number(first), 0))
    last = floor(max(now + plan.horizon for plan in plans)) + 1
    found: list[Day] = []
    span = FIRST_LOOK
    while low < last and len(found) <= most:
        # Whole local days, so that no day is cut in two.
        high = min(instant(zone, local_day(zone, low + span), 0), last)
        taken = await repository.taken.near(session, plans, client_id, low, high, now, But(visit_id=moving))
        starts = ((plan, free(plan, taken, low, high, now, seeker)) for plan in plans)
        found += choosing.by_day(starts, wish.part, zone, wish.prefer)
        low, span = high, span * 2
    return found[:most], len(found) > most


@use_case
async def plans_of(session: AsyncSession) -> Sequence[Plan]:
    """Every schedule that can be booked."""
    return await repository.schedules.every(session)


def next_day(days: Sequence[Day]) -> date:
    return days[-1].date + timedelta(days=1)
