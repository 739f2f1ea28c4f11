"""A provider's hours, overrides and time off, and the practice's holidays."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from services.availability import repository
from services.availability.domain import hours, taken
from services.availability.domain.hours import Holiday, TimeOff, WeeklyHours
from services.availability.domain.practice import Provider
from services.availability.domain.schedules import LOOK_BACK
from services.availability.use_cases.publishing import republish
from shared.contracts.availability import DayHours
from shared.errors import invalid, not_found, require_version
from shared.telemetry import annotate, use_case

MOST_HOLIDAYS = 200
MOST_OVERRIDES = 400
MOST_TIME_OFF = 200
LEFT_TO_THE_TIMER_AFTER = timedelta(seconds=20)


@use_case
async def set_hours(
    session: AsyncSession, *, tenant: UUID, provider_id: UUID, version: int, wanted: WeeklyHours, now: datetime
) -> Provider:
    """Raises Problem `windows_overlap`, `travel_inverted` or `travel_overlap`; whatever is booked stays."""
    hours.check_windows(wanted.windows)
    hours.check_windows(wanted.new_client_windows, "new_client_windows")
    hours.check_travels(wanted.travels)
    provider = await _locked(session, provider_id)
    require_version(version, provider.version)
    changed = replace(
        provider,
        windows=hours.in_order(wanted.windows),
        new_client_windows=hours.in_order(wanted.new_client_windows),
        travels=tuple(sorted(wanted.travels, key=lambda trip: trip.first)),
        most_per_day=wanted.most_per_day,
        version=provider.version + 1,
    )
    await repository.practice.save_provider(session, changed)
    await republish(session, tenant, changed, now)
    return changed


@use_case
async def set_override(
    session: AsyncSession, *, tenant: UUID, provider_id: UUID, item: DayHours, now: datetime
) -> DayHours:
    """Other hours on one date; none at all closes it. Raises Problem `windows_overlap`, `override_past` or
    `too_many_overrides`.
    """
    hours.check_hours(item.windows)
    hours.check_hours(item.new_client_windows, "new_client_windows")
    if item.date < (now - LOOK_BACK).date():
        raise invalid("override_past", "This date is over; what was open then can't be changed.", field="date")
    provider = await _locked(session, provider_id)
    known = await repository.hours.overrides(session, provider_id, (now - LOOK_BACK).date())
    if len(known) >= MOST_OVERRIDES and all(one.date != item.date for one in known):
        raise invalid("too_many_overrides", f"A provider may have {MOST_OVERRIDES} overrides to come.", field="date")
    await repository.hours.save_override(session, tenant, provider_id, item)
    await republish(session, tenant, provider, now)
    return item


@use_case
async def drop_override(session: AsyncSession, *, tenant: UUID, provider_id: UUID, day: date, now: datetime) -> None:
    """The weekly hours hold again. Raises Problem `override_not_found`."""
    provider = await _locked(session, provider_id)
    if not await repository.hours.drop_override(session, provider_id, day):
        raise not_found("override")
    await republish(session, tenant, provider, now)


@use_case
async def add_time_off(
    session: AsyncSession, *, tenant: UUID, provider_id: UUID, begins_at: datetime, ends_at: datetime, now: datetime
) -> TimeOff:
    """A provider will be away; booking is told where visits are met. Raises Problem `time_off_…`."""
    hours.check_time_off(begins_at, ends_at, now)
    provider = await _locked(session, provider_id)
    if len(await repository.hours.time_off(session, provider_id, now)) >= MOST_TIME_OFF:
        raise invalid("too_many_time_off", f"A provider may have {MOST_TIME_OFF} times off to come.", field="begins_at")
    new = TimeOff(id=uuid7(), provider_id=provider_id, begins_at=begins_at, ends_at=ends_at)
    await repository.hours.add_time_off(session, tenant, new)
    await _after_absence(session, tenant, provider, [new], now)
    return new


@use_case
async def drop_time_off(
    session: AsyncSession, *, tenant: UUID, provider_id: UUID, time_off_id: UUID, now: datetime
) -> None:
    """The provider is there after all. Raises Problem `time_off_not_found`."""
    provider = await _locked(session, provider_id)
    gone = await repository.hours.drop_time_off(session, provider_id, time_off_id)
    await _after_absence(session, tenant, provider, [gone], now)


@use_case
async def set_holiday(session: AsyncSession, *, tenant: UUID, holiday: Holiday, now: datetime) -> Holiday:
    """The whole practice is closed on a date, but for who has an override with windows there.

    Schedules follow one by one: `publishing.republish_all` after the commit, or else the timer. Raises Problem
    `holiday_past` or `too_many_holidays`.
    """
    if holiday.day < (now - LOOK_BACK).date():
        raise invalid("holiday_past", "This date is over; what was open then can't be changed.", field="date")
    known = await repository.hours.holidays(session, (now - LOOK_BACK).date())
    if len(known) >= MOST_HOLIDAYS and all(one.day != holiday.day for one in known):
        raise invalid("too_many_holidays", f"A practice may have {MOST_HOLIDAYS} holidays to come.", field="date")
    await repository.hours.save_holiday(session, tenant, holiday)
    await repository.hours.republish_at(session, tenant, now + LEFT_TO_THE_TIMER_AFTER)
    return holiday


@use_case
async def drop_holiday(session: AsyncSession, *, tenant: UUID, day: date, now: datetime) -> None:
    """Raises Problem `holiday_not_found`."""
    if not await repository.hours.drop_holiday(session, day):
        raise not_found("holiday")
    await repository.hours.republish_at(session, tenant, now + LEFT_TO_THE_TIMER_AFTER)


async def tell_booking(session: AsyncSession, tenant: UUID, provider_id: UUID, now: datetime) -> None:
    """Sends `provider.unavailable` with all time off to come."""
    away = await repository.hours.time_off(session, provider_id, now)
    sequence = await repository.practice.next_absences(session, provider_id)
    await repository.practice.record(session, tenant, taken.unavailable(provider_id, away, sequence, now), now)


async def _after_absence(
    session: AsyncSession, tenant: UUID, provider: Provider, about: Sequence[TimeOff], now: datetime
) -> None:
    await republish(session, tenant, provider, now)
    visits = await repository.taken.coming_visits(session, provider.id, now)
    if any(taken.meets(visit, about, now) for visit in visits):
        await tell_booking(session, tenant, provider.id, now)


async def _locked(session: AsyncSession, provider_id: UUID) -> Provider:
    annotate(provider_id=provider_id)
    return await repository.practice.provider(session, provider_id, lock=True)
