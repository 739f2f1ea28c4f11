"""From iCalendar (RFC 5545) to busy times: recurrences, exceptions, whole days, floating times.

A feed is understood as a whole or refused as a whole, naming the line: half a calendar would offer times
at which somebody is busy.
"""

import json
import resource
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import recurring_ical_events
from icalendar import Calendar

from services.availability.clients.errors import FeedError
from services.availability.clients.lines import Located, events, text_of
from services.availability.clients.recurrence import Budget, Refused, check_rule

Busy = tuple[datetime, datetime]
Component = Any
"""One of the library's components; what its properties may be is wider than any check here needs."""

FIRST_YEAR, LAST_YEAR = 1900, 2200
MOST_BUSY = 20_000
"""Before they are merged."""

MOST_MEMORY = 512 * 1024 * 1024

_EXACT = "X-RAPPORT-EXACT"
"""Marks events that last hours by the clock on the sun, not on the wall (RFC 5545, 3.3.6)."""

_MARGIN = timedelta(days=2)
_TIMES = ("DTSTART", "DTEND", "DURATION", "RDATE", "EXDATE", "RRULE", "RECURRENCE-ID", "FREEBUSY")


def busy_times(body: bytes, zone: str, begin: datetime, end: datetime) -> list[Busy]:
    """When a feed says that its owner is busy, in `[begin, end)`: aware times in UTC, in order, merged.

    Whole days and floating times are read on the wall clock of `zone`. Cancelled, transparent and free events are
    left out. Raises FeedError, naming the line where there is one.
    """
    text = text_of(body)
    located = events(text)
    try:
        calendar = Calendar.from_ical(text)
        components = [item for item in calendar.walk() if item.name in ("VEVENT", "VFREEBUSY")]
    except Exception as error:
        # The parser raises whatever it met; the feed is somebody else's, so each is the feed's fault.
        raise FeedError("feed_malformed", "This is no iCalendar feed that can be read.", 1) from error
    if len(components) != len(located):
        raise FeedError("feed_malformed", "This is no iCalendar feed that can be read.", 1)
    budget = Budget()
    for component, place in zip(components, located, strict=True):
        _check(component, place, end, budget)
        if isinstance(_dt(component, "DTSTART"), datetime) and "T" in place.text_of("DURATION"):
            component[_EXACT] = "1"
    found = [*_of_events(calendar, zone, begin, end, located), *_of_free_busy(components, zone)]
    return _merged(found, begin, end)


def _check(component: Component, place: Located, end: datetime, budget: Budget) -> None:
    """Raises FeedError for what can't be computed, naming its line."""
    for name, _ in component.errors:
        if name in _TIMES:
            raise _at(place, name, f"{name} can't be read")
    for name in _TIMES:
        _check_zone(component, place, name)
    if component.name != "VEVENT":
        return
    if "DTSTART" not in component:
        raise _at(place, "DTSTART", "an event has no DTSTART")
    once = ("DTSTART", "DTEND", "DURATION", "RECURRENCE-ID", "RRULE")
    for name in once:
        if len(place.properties.get(name, ())) > 1:
            raise _at(place, name, f"{name} stands there twice in one event")
    start = component["DTSTART"].dt
    _check_year(start, place, "DTSTART")
    _check_length(component, place, start)
    recurrence_id = component.get("RECURRENCE-ID")
    if recurrence_id is not None and str(recurrence_id.params.get("RANGE", "")).upper() == "THISANDFUTURE":
        raise _at(place, "RECURRENCE-ID", "RANGE=THISANDFUTURE is not computed; export the series anew")
    if "RRULE" in component:
        if recurrence_id is not None:
            raise _at(place, "RRULE", "an exception has a recurrence of its own")
        number, value = place.properties["RRULE"][0]
        try:
            check_rule(component["RRULE"], value, start, end, budget)
        except (Refused, ValueError, TypeError, OverflowError, IndexError) as error:
            why = str(error) if isinstance(error, Refused) else "it can't be read"
            raise FeedError("feed_recurrence", f"The recurrence in line {number} is refused: {why}.", number) from error


def _check_length(component: Component, place: Located, start: Any) -> None:
    whole_day = not isinstance(start, datetime)
    if "DTEND" in component:
        if "DURATION" in component:
            raise _at(place, "DURATION", "an event has both DTEND and DURATION")
        stop: Any = component["DTEND"].dt
        _check_year(stop, place, "DTEND")
        if whole_day == isinstance(stop, datetime):
            raise _at(place, "DTEND", "DTSTART and DTEND are of different kinds")
        both_times = isinstance(start, datetime) and isinstance(stop, datetime)
        if both_times and (start.tzinfo is None) != (stop.tzinfo is None):
            raise _at(place, "DTEND", "one of DTSTART and DTEND has a zone and the other has none")
        if stop < start:
            raise _at(place, "DTEND", "an event ends before it begins")
    if "DURATION" in component and component["DURATION"].dt < timedelta(0):
        raise _at(place, "DURATION", "a duration is negative")


def _check_year(value: date, place: Located, name: str) -> None:
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise _at(place, name, f"{name} lies outside the years {FIRST_YEAR}-{LAST_YEAR}")


def _check_zone(component: Component, place: Located, name: str) -> None:
    """A zone that nobody knows would be read as a floating time, which is hours wrong."""
    found = component.get(name)
    for item in found if isinstance(found, list) else [found]:
        named = str(item.params.get("TZID", "")) if item is not None and hasattr(item, "params") else ""
        if not named:
            continue
        values = [part.dt for part in item.dts] if hasattr(item, "dts") else [item.dt]
        for value in values:
            first = value[0] if isinstance(value, tuple) else value
            if isinstance(first, datetime) and first.tzinfo is None:
                raise _at(place, name, f"the zone {named[:60]!r} is not known and not defined in the feed")


def _of_events(calendar: Calendar, zone: str, begin: datetime, end: datetime, located: list[Located]) -> Iterator[Busy]:
    try:
        query = recurring_ical_events.of(calendar, components=["VEVENT"])
        occurrences = query.between(begin - _MARGIN, end + _MARGIN)
    except Exception as error:
        # As above: what the library can't compute is refused, whatever it raises.
        raise FeedError("feed_malformed", "The events of this feed contradict each other.", _first(located)) from error
    if len(occurrences) > MOST_BUSY:
        raise FeedError("feed_too_many_events", f"The feed has more than {MOST_BUSY} events in that time.")
    for event in occurrences:
        if _is_busy(event):
            begins, ends = _aware(event["DTSTART"].dt, zone), _aware(_end(event), zone)
            if _EXACT in event:
                # The library adds hours on the wall clock, also where that jumps meanwhile.
                ends = begins + (_end(event).replace(tzinfo=None) - event["DTSTART"].dt.replace(tzinfo=None))
            yield begins, ends


def _dt(component: Component, name: str) -> Any:
    return component[name].dt if name in component else None


def _first(located: list[Located]) -> int | None:
    return located[0].line if located else None


def _is_busy(event: Component) -> bool:
    def said(name: str) -> str:
        return str(event.get(name, "")).strip().upper()

    free = said("STATUS") == "CANCELLED" or said("TRANSP") == "TRANSPARENT"
    return not free and said("X-MICROSOFT-CDO-BUSYSTATUS") != "FREE"


def _end(event: Component) -> Any:
    """RFC 5545, 3.6.1: without an end an event of a date lasts that day, one of a time no time at all."""
    start: date = event["DTSTART"].dt
    if "DTEND" in event:
        stop: date = event["DTEND"].dt
    elif "DURATION" in event:
        stop = start + event["DURATION"].dt
    else:
        return start if isinstance(start, datetime) else start + timedelta(days=1)
    if not isinstance(start, datetime) and stop == start:
        return start + timedelta(days=1)
    return stop


def _of_free_busy(components: Iterable[Component], zone: str) -> Iterator[Busy]:
    for component in components:
        if component.name != "VFREEBUSY":
            continue
        found = component.get("FREEBUSY", [])
        for item in found if isinstance(found, list) else [found]:
            if str(item.params.get("FBTYPE", "BUSY")).upper() == "FREE":
                continue
            yield _aware(item.start, zone), _aware(item.end, zone)


def _aware(value: date, zone: str) -> datetime:
    """In UTC. An ambiguous wall time is the earlier one; one that doesn't exist goes by the offset before."""
    if not isinstance(value, datetime):
        value = datetime.combine(value, time(0))
    if value.tzinfo is None:
        value = value.replace(tzinfo=_zone(zone))
    return value.replace(fold=0).astimezone(UTC)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except ZoneInfoNotFoundError as error:
        raise FeedError("feed_malformed", f"The provider's zone {name!r} is not known.") from error


def _merged(spans: Iterable[Busy], begin: datetime, end: datetime) -> list[Busy]:
    found: list[Busy] = []
    for first, last in sorted(spans):
        low, high = max(first, begin), min(last, end)
        if low >= high:
            continue
        if found and low <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], high)
        else:
            found.append((low, high))
    return found


def _at(place: Located, name: str, told: str) -> FeedError:
    line = place.line_of(name)
    return FeedError("feed_malformed", f"Line {line}: {told}.", line)


def main() -> None:
    """Reads the feed on stdin and prints, as JSON, its busy times or why there are none; see `apart`."""
    # A bound that holds even where no check above does.
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    zone, begin, end = sys.argv[1:]
    answer: dict[str, Any]
    try:
        found = busy_times(sys.stdin.buffer.read(), zone, datetime.fromisoformat(begin), datetime.fromisoformat(end))
        answer = {"busy": [(low.isoformat(), high.isoformat()) for low, high in found]}
    except FeedError as error:
        answer = {"code": error.code, "detail": error.detail, "line": error.line}
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main()
