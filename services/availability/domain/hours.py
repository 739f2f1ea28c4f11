"""Opening hours and what changes them for a time: overrides, holidays, trips, time off."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from uuid import UUID

from shared.contracts.availability import DayHours, Hours, Travel, Window
from shared.contracts.slots import DAY, Span, seconds_of, wall_span
from shared.errors import Problem, invalid

WEEK = 7 * DAY
LONGEST_TIME_OFF = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Holiday:
    """A local date on which the practice is closed, whoever works there."""

    day: date
    name: str


@dataclass(frozen=True, slots=True)
class TimeOff:
    """Time that a provider isn't there."""

    id: UUID
    provider_id: UUID
    begins_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklyHours:
    """What a provider's schedules go by unless they have windows of their own."""

    windows: Sequence[Window]
    new_client_windows: Sequence[Window]
    travels: Sequence[Travel]
    most_per_day: int | None


def check_windows(windows: Sequence[Window], field: str = "windows") -> None:
    """Raises Problem `windows_overlap`; windows may touch, and may run into the next day."""
    if not windows:
        return
    spans = sorted((*_since_monday(window), index) for index, window in enumerate(windows))
    # The week is a circle: Sunday night may reach into Monday.
    begin, end, index = spans[0]
    for (_, closes, one), (opens, _, other) in pairwise([*spans, (begin + WEEK, end + WEEK, index)]):
        if opens < closes:
            raise _overlap(field, one, other)


def check_hours(hours: Sequence[Hours], field: str = "windows") -> None:
    """The same for the windows of one date."""
    spans = sorted((*wall_span(item), index) for index, item in enumerate(hours))
    for (_, closes, one), (opens, _, other) in pairwise(spans):
        if opens < closes:
            raise _overlap(field, one, other)


def check_overrides(overrides: Sequence[DayHours], field: str = "overrides") -> None:
    """Raises Problem `override_twice` or `windows_overlap`."""
    seen: set[date] = set()
    for index, item in enumerate(overrides):
        if item.date in seen:
            raise invalid("override_twice", f"{item.date} is overridden more than once.", field=f"{field}.{index}.date")
        seen.add(item.date)
        check_hours(item.windows, f"{field}.{index}.windows")
        check_hours(item.new_client_windows, f"{field}.{index}.new_client_windows")


def check_travels(travels: Sequence[Travel]) -> None:
    """Raises Problem `travel_inverted` or `travel_overlap`."""
    for index, trip in enumerate(travels):
        if trip.last < trip.first:
            raise invalid("travel_inverted", "A trip ends before it begins.", field=f"travels.{index}.last")
    in_order = sorted(enumerate(travels), key=lambda item: item[1].first)
    for (_, one), (index, other) in pairwise(in_order):
        if other.first <= one.last:
            raise invalid(
                "travel_overlap", "Two trips share a date; a provider is in one place.", field=f"travels.{index}.first"
            )


def check_time_off(begins_at: datetime, ends_at: datetime, now: datetime) -> None:
    """Raises Problem `time_off_inverted`, `time_off_too_long` or `time_off_past`."""
    if begins_at >= ends_at:
        raise invalid("time_off_inverted", "Time off should begin before it ends.", field="ends_at")
    if ends_at - begins_at > LONGEST_TIME_OFF:
        raise invalid("time_off_too_long", "Time off may last 366 days at most.", field="ends_at")
    if ends_at <= now:
        raise invalid("time_off_past", "This time off is over already.", field="ends_at")


def in_order(windows: Sequence[Window]) -> tuple[Window, ...]:
    return tuple(sorted(windows, key=_since_monday))


def limited(day: date, hours: Sequence[Hours], weekly: Sequence[Window]) -> tuple[Hours, ...]:
    """What is left of a date's hours within the weekly windows of a schedule that has its own."""
    own = [wall_span(window) for window in weekly if window.weekday == day.weekday()]
    spans = ((max(opens, first), min(closes, last)) for opens, closes in map(wall_span, hours) for first, last in own)
    return tuple(Hours(start=_wall(opens), end=_wall(closes)) for opens, closes in sorted(spans) if opens < closes)


def _wall(seconds: int) -> time:
    minutes, second = divmod(seconds % DAY, 60)
    return time(minutes // 60, minutes % 60, second)


def _since_monday(window: Window) -> Span:
    """A window in seconds since Monday 00:00."""
    opens, closes = seconds_of(window.start), seconds_of(window.end)
    begin = DAY * window.weekday
    return begin + opens, begin + (closes if closes > opens else closes + DAY)


def _overlap(field: str, one: int, other: int) -> Problem:
    first, second = sorted((one, other))
    return invalid(
        "windows_overlap",
        f"{field}.{first} and {field}.{second} overlap; one that ends at or before its start runs into the next day.",
        field=f"{field}.{second}",
    )
