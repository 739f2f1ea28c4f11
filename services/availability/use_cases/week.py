"""A provider's week, as a person reads it."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.availability import repository
from services.availability.domain.practice import Provider
from services.availability.domain.week import DAYS, Day, monday_of, span, week, zone_on
from shared.contracts.slots import date_of, floor, local_day
from shared.telemetry import annotate, use_case


@dataclass(frozen=True, slots=True)
class Week:
    """A week; some schedules may have windows of their own, which the provider's hours don't change."""

    provider: Provider
    days: list[Day]
    schedules_of_their_own: int


@use_case
async def look(session: AsyncSession, *, provider_id: UUID, day: date | None, now: datetime) -> Week:
    """The week that a date lies in, or today where the provider is. Raises Problem `provider_not_found`."""
    annotate(provider_id=provider_id)
    provider = await repository.practice.provider(session, provider_id)
    today = date_of(local_day(zone_on(provider, now.date()), floor(now)))
    monday = monday_of(day or today)
    begin, _ = span(provider, monday)
    _, end = span(provider, monday + timedelta(days=DAYS - 1))
    holidays = {one.day: one for one in await repository.hours.holidays(session, monday)}
    return Week(
        provider=provider,
        days=week(
            provider,
            monday,
            overrides=await repository.hours.overrides(session, provider_id, monday),
            holidays=holidays,
            time_off=await repository.hours.time_off(session, provider_id, begin),
            visits=await repository.taken.visits_between(session, provider_id, begin, end),
        ),
        schedules_of_their_own=await repository.schedules.with_own_windows(session, provider_id),
    )
