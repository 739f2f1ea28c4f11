"""A published schedule made ready for computing: when it is open, on whose wall clock."""

from collections.abc import Iterable, Iterator
from datetime import date, time, timedelta
from functools import cached_property
from hashlib import sha256

from shared.contracts.availability import Hours, ScheduleState, Window
from shared.contracts.slots.ids import TERMS_BYTES
from shared.contracts.slots.zones import DAY, ceil, floor, instant, local_day

Span = tuple[int, int]
"""Half-open, in seconds since 1970."""

_FIRST_DAY = date(1970, 1, 1).toordinal()
_THURSDAY = 3
_SECOND = timedelta(seconds=1)


class Opening:
    """Time without a gap in which a visit may lie, and the wall clocks on which it may begin."""

    __slots__ = ("begin", "clocks", "end")

    def __init__(self, begin: int, end: int, zone: str) -> None:
        self.begin = begin
        self.end = end
        self.clocks: list[tuple[str, int, int]] = [(zone, begin, end)]

    def add(self, begin: int, end: int, zone: str) -> None:
        """Takes in a window that touches or overlaps: a visit may span midnight where both days are open."""
        self.end = max(self.end, end)
        last_zone, last_begin, last_end = self.clocks[-1]
        if zone == last_zone and begin <= last_end:
            self.clocks[-1] = (zone, last_begin, max(last_end, end))
        else:
            self.clocks.append((zone, begin, end))


class Plan:
    """The rules of one schedule in whole seconds; see `ScheduleState` for what they mean."""

    def __init__(self, state: ScheduleState) -> None:
        self.state = state
        self.schedule_id = state.schedule_id
        self.provider_id = state.provider_id
        self.rooms = state.room_ids
        self.capacity = state.capacity
        self.duration = _seconds(state.duration)
        self.before = _seconds(state.buffer_before)
        self.after = _seconds(state.buffer_after)
        self.step = _seconds(state.step)
        self.notice = state.minimum_notice
        self.horizon = state.horizon
        self.most_per_day = state.most_per_day
        self.provider_most_per_day = state.provider_most_per_day
        self.blocked = [(floor(item.begin), ceil(item.end), item) for item in state.blocked]
        self.holidays = frozenset(day_number(day) for day in state.holidays)
        self._weekly = _by_weekday(state.windows)
        self._weekly_new = _by_weekday(state.new_client_windows)
        self.overridden = {day_number(item.date): item for item in state.overrides}
        self._travels = [(day_number(trip.first), day_number(trip.last), trip.zone) for trip in state.travels]
        self._favours_new = bool(state.new_client_windows) or any(item.new_client_windows for item in state.overrides)
        self._days: dict[tuple[int, bool], tuple[tuple[int, int, str], ...]] = {}

    @cached_property
    def terms(self) -> bytes:
        """A mark of what is booked with a slot: with whom, of which type, where, how and how long. A slot id carries
        it, so that nobody books what they weren't shown.
        """
        state = self.state
        ids = (state.provider_id, state.appointment_type_id, state.location_id)
        text = f"{' '.join(map(str, ids))} {state.modality} {self.duration}"
        return sha256(text.encode()).digest()[:TERMS_BYTES]

    @cached_property
    def usual(self) -> "Plan":
        """The same without the hours that are set for single dates."""
        return Plan(self.state.model_copy(update={"overrides": ()})) if self.overridden else self

    @property
    def reach(self) -> int:
        """How far from a start something can be that hides it, in seconds: a visit's length, or a local day.

        A day that is begun on one wall clock and ended on another's lasts up to 26 hours longer.
        """
        length = self.before + self.duration + self.after
        if self.most_per_day is None and self.provider_most_per_day is None:
            return length
        return max(length, (2 * DAY if self._travels else DAY) + DAY // 4)

    @property
    def favours_new_clients(self) -> bool:
        """True when new clients are offered times that others are not."""
        return self._favours_new

    def occupied(self, start: int) -> Span:
        """The time that a visit takes from its provider and room: buffers included."""
        return start - self.before, start + self.duration + self.after

    def zone_on(self, day: int) -> str:
        """Whose wall clock the windows of a local day go by."""
        for first, last, zone in self._travels:
            if first <= day <= last:
                return zone
        return self.state.zone

    def day_of(self, at: int) -> int:
        """The local day of a time; while travelling, the day at the place of the trip."""
        for first, last, zone in reversed(self._travels):
            day = local_day(zone, at)
            if first <= day <= last:
                return day
        return local_day(self.state.zone, at)

    def day_span(self, day: int) -> Span:
        """From midnight to midnight on that day's wall clock."""
        zone = self.zone_on(day)
        return instant(zone, day, 0), instant(zone, day + 1, 0)

    def days(self, begin: int, end: int) -> range:
        """All local days that may touch `[begin, end)`, whatever the zone."""
        return range(begin // DAY - 1, (end - 1) // DAY + 2)

    def windows(self, begin: int, end: int, new_client: bool) -> Iterator[tuple[int, int, str]]:
        """Opening hours that touch `[begin, end)`: (begin, end, zone)."""
        days = self.days(begin, end)
        # A day earlier too: an overnight window may reach into the first.
        for day in range(days.start - 1, days.stop):
            for window in self._windows_of(day, new_client):
                if window[0] < end and window[1] > begin:
                    yield window

    def openings(self, begin: int, end: int, new_client: bool) -> list[Opening]:
        """Opening hours around `[begin, end)`, merged where they touch, in order."""
        found: list[Opening] = []
        # Beyond both ends too: a visit that begins inside may run on into the next window.
        for opens, closes, zone in sorted(self.windows(begin - DAY, end + self.duration, new_client)):
            if found and opens <= found[-1].end:
                found[-1].add(opens, closes, zone)
            else:
                found.append(Opening(opens, closes, zone))
        return found

    def _windows_of(self, day: int, new_client: bool) -> tuple[tuple[int, int, str], ...]:
        known = self._days.get((day, new_client))
        if known is None:
            zone = self.zone_on(day)
            spans = (
                (instant(zone, day, opens), instant(zone, day, closes))
                for opens, closes in self._hours(day, new_client)
            )
            known = self._days[day, new_client] = tuple(
                (opens, closes, zone) for opens, closes in spans if opens < closes
            )
        return known

    def _hours(self, day: int, new_client: bool) -> Iterable[Span]:
        override = self.overridden.get(day)
        if override is not None:
            hours = override.windows + override.new_client_windows if new_client else override.windows
            return [wall_span(item) for item in hours]
        weekday = (day + _THURSDAY) % 7
        return self._weekly[weekday] + self._weekly_new[weekday] if new_client else self._weekly[weekday]


def day_number(day: date) -> int:
    """A date as days since 1970-01-01."""
    return day.toordinal() - _FIRST_DAY


def date_of(day: int) -> date:
    return date.fromordinal(day + _FIRST_DAY)


def wall_span(hours: Hours | Window) -> Span:
    """Opening hours as seconds past midnight; beyond 24 h where they run into the next day."""
    opens, closes = seconds_of(hours.start), seconds_of(hours.end)
    return opens, closes if closes > opens else closes + DAY


def seconds_of(wall: time) -> int:
    return wall.hour * 3600 + wall.minute * 60 + wall.second


def _by_weekday(windows: Iterable[Window]) -> list[list[Span]]:
    days: list[list[Span]] = [[] for _ in range(7)]
    for window in windows:
        days[window.weekday].append(wall_span(window))
    return days


def _seconds(duration: timedelta) -> int:
    return -(-duration // _SECOND)
