"""A provider's week, day by day: when they are there, why not, and what is booked."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from services.availability.domain.hours import Holiday, TimeOff
from services.availability.domain.practice import Provider
from services.availability.domain.taken import Occupied
from shared.contracts.availability import DayHours, Hours, Window
from shared.contracts.slots import day_number, instant, moment, seconds_of

DAYS = 7


@dataclass(frozen=True, slots=True)
class Away:
    """The part of a time off that lies on a day."""

    item: TimeOff
    begin: datetime
    end: datetime
    whole_day: bool


@dataclass(frozen=True, slots=True)
class Day:
    """One local date: its hours, by which rule, and what lies on it. Times are UTC, to be shown in `zone`."""

    date: date
    zone: str
    hours: Sequence[Hours]
    for_new: Sequence[Hours]
    override: DayHours | None
    holiday: Holiday | None
    away: Sequence[Away]
    visits: Sequence[Occupied]


def monday_of(day: date) -> date:
    return day - timedelta(days=day.weekday())


def zone_on(provider: Provider, day: date) -> str:
    """Where the provider is on a date."""
    return next((trip.zone for trip in provider.travels if trip.first <= day <= trip.last), provider.zone)


def span(provider: Provider, day: date) -> tuple[datetime, datetime]:
    """From a day's midnight to the next day's, each by the clock of where the provider is then: whatever the trips, a
    time is on one day.
    """
    begin, end = (_midnight(provider, on) for on in (day, day + timedelta(days=1)))
    return begin, max(begin, end)


def _midnight(provider: Provider, day: date) -> datetime:
    return moment(instant(zone_on(provider, day), day_number(day), 0))


def week(
    provider: Provider,
    monday: date,
    *,
    overrides: Iterable[DayHours],
    holidays: Mapping[date, Holiday],
    time_off: Sequence[TimeOff],
    visits: Sequence[Occupied],
) -> list[Day]:
    """The seven days from a Monday on."""
    overridden = {item.date: item for item in overrides}
    days = []
    for day in (monday + timedelta(days=number) for number in range(DAYS)):
        begin, end = span(provider, day)
        override, holiday = overridden.get(day), holidays.get(day)
        if override is not None:
            hours, for_new = override.windows, override.new_client_windows
        elif holiday is not None:
            hours, for_new = (), ()
        else:
            hours, for_new = _on(provider.windows, day), _on(provider.new_client_windows, day)
        days.append(
            Day(
                date=day,
                zone=zone_on(provider, day),
                hours=hours,
                for_new=for_new,
                override=override,
                holiday=holiday,
                away=[
                    Away(
                        item,
                        max(item.begins_at, begin),
                        min(item.ends_at, end),
                        item.begins_at <= begin and item.ends_at >= end,
                    )
                    for item in time_off
                    if item.begins_at < end and item.ends_at > begin
                ],
                visits=[visit for visit in visits if begin <= visit.starts_at < end],
            )
        )
    return days


def _on(windows: Iterable[Window], day: date) -> tuple[Hours, ...]:
    return tuple(Hours(start=one.start, end=one.end) for one in windows if one.weekday == day.weekday())


def wall(day: date, clock: time, zone: str) -> datetime:
    """A local date and time as an instant; one that doesn't exist counts by the offset before the change."""
    return moment(instant(zone, day_number(day), seconds_of(clock)))
