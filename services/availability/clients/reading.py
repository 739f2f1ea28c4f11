"""From iCalendar (RFC 5545) to busy times: recurrences, exceptions, whole days, floating times.

A feed is understood as a whole or refused as a whole, naming the line: half a calendar would offer times
at which somebody is busy.
"""

import json
import resource
import sys
import warnings
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from icalendar import Calendar, Component
from icalendar.timezone import tzp

from services.availability.clients import events
from services.availability.clients.errors import FeedError
from services.availability.clients.events import FIRST_YEAR, LAST_YEAR, Busy, at, read_event
from services.availability.clients.lines import READ, ZONES, Line, Located, components, text_of
from services.availability.clients.recurrence import Budget
from services.availability.clients.times import Kind, ZoneFails, instant, kind_of

MOST_BUSY = 40_000
"""Before they are merged."""

MOST_MEMORY = 512 * 1024 * 1024
MOST_SECONDS = 20
"""Of computing, for a process that nobody waits for any more."""

_TIMES = ("DTSTART", "DTEND", "DURATION", "RDATE", "EXDATE", "RRULE", "RECURRENCE-ID", "FREEBUSY", "SEQUENCE")
_UNREADABLE = "this can't be read as RFC 5545 writes it"


def busy_times(body: bytes, zone: str, begin: datetime, end: datetime) -> list[Busy]:
    """When a feed says that its owner is busy, in `[begin, end)`: aware times in UTC, in order, merged.

    Whole days and floating times are read on the wall clock of `zone`. Cancelled, transparent and free events are
    left out. Raises FeedError, naming the line where there is one.
    """
    begin, end, own = begin.astimezone(UTC), end.astimezone(UTC), _zone(zone)
    located = components(text_of(body))
    for place in located:
        if place.kind in ZONES:
            _check_zone(place)
    read = list(zip(_parsed(body, located), (place for place in located if place.kind in READ), strict=True))
    budget = Budget()
    found = [read_event(component, place, own) for component, place in read if place.kind == "VEVENT"]
    busy: list[Busy] = []
    for kind in (
        events.busy_times(found, own, begin, end, budget),
        _of_free_busy((item for item in read if item[1].kind == "VFREEBUSY"), own),
    ):
        for item in kind:
            busy.append(item)
            if len(busy) > MOST_BUSY:
                raise FeedError("feed_too_many_events", f"The feed has more than {MOST_BUSY} events in that time.")
    return _merged(busy, begin, end)


def _parsed(body: bytes, located: list[Located]) -> list[Any]:
    """The events and free-busy times, as the library reads them. Raises FeedError."""
    # Zones that an earlier feed defined are forgotten.
    tzp.use_zoneinfo()
    with warnings.catch_warnings():
        # It warns where it takes `/vendor/Europe/Paris` for Europe/Paris, which is what programs mean by it.
        warnings.simplefilter("ignore")
        try:
            calendar = Calendar.from_ical(text_of(body))
            found = [item for item in calendar.walk() if item.name in READ]
        except Exception as error:
            # The parser raises whatever it met; the feed is somebody else's, so each is the feed's fault.
            raise at(_culprit(located), _UNREADABLE) from error
    places = [place for place in located if place.kind in READ]
    if [item.name for item in found] != [place.kind for place in places]:
        raise at(1, _UNREADABLE)
    for component, place in zip(found, places, strict=True):
        for name, _ in component.errors:
            if name in _TIMES:
                line = next((line for line in place.lines_of(name) if _alone(place, line)), None)
                raise at(line.number if line else place.line_of(name), f"{name} can't be read")
    return found


def _culprit(located: list[Located]) -> int:
    """The line that the parser fell over; the first one where none makes it fall alone."""
    lines = [(line, place) for place in located for lines in place.properties.values() for line in lines]
    for line, place in sorted(lines, key=lambda item: item[0].number):
        wrong = _alone(place, line)
        # An event with a wrong line is still an event, a zone is none.
        if wrong is None or (wrong and place.kind in ZONES):
            return line.number
    return 1


def _alone(place: Located, line: Line) -> list[Any] | None:
    """What the parser finds wrong with a line that stands alone in its component; None when it falls over it."""
    # A zone is built from all its lines together, so one of them is read as an event's.
    kind = "VEVENT" if place.kind in (*ZONES, "VTIMEZONE") else place.kind
    try:
        errors: list[Any] = Component.from_ical(f"BEGIN:{kind}\r\n{line.whole}\r\nEND:{kind}\r\n").errors
    except Exception:  # noqa: BLE001 -- whatever it raises, this line is what it raises it for
        return None
    return errors


def _check_zone(place: Located) -> None:
    """A zone of the feed's own is computed by the library, which trusts its rules."""
    for line in place.lines_of("RRULE"):
        parts = dict(part.partition("=")[::2] for part in line.value.upper().strip().split(";"))
        if parts.get("FREQ") != "YEARLY" or parts.keys() & {"BYHOUR", "BYMINUTE", "BYSECOND"}:
            raise FeedError(
                "feed_recurrence", f"The zone's rule in line {line.number} should be FREQ=YEARLY.", line.number
            )
    for name in ("DTSTART", "TZOFFSETFROM", "TZOFFSETTO"):
        if not place.lines_of(name):
            raise at(place.line, f"a zone's part has no {name}")


def _of_free_busy(read: Iterable[tuple[Any, Located]], zone: tzinfo) -> Iterator[Busy]:
    for component, place in read:
        found = component.get("FREEBUSY", [])
        items = found if isinstance(found, list) else [found]
        for item in items:
            if str(item.params.get("FBTYPE", "BUSY")).upper() == "FREE":
                continue
            low, high = item.start, item.end
            if kind_of(low) is Kind.DAY or kind_of(low) is not kind_of(high):
                raise at(place.line_of("FREEBUSY"), "FREEBUSY should be a period in UTC")
            if not all(FIRST_YEAR <= value.year <= LAST_YEAR for value in (low, high)):
                raise at(place.line_of("FREEBUSY"), f"FREEBUSY lies outside the years {FIRST_YEAR}-{LAST_YEAR}")
            try:
                yield instant(low, zone), instant(high, zone)
            except ZoneFails as error:
                raise at(place.line_of("FREEBUSY"), _UNREADABLE) from error


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise FeedError("feed_zone_unknown", f"The provider's zone {name!r} is not known.") from error


def _merged(spans: Iterable[Busy], begin: datetime, end: datetime) -> list[Busy]:
    found: list[Busy] = []
    for first, last in sorted(spans):
        # Where it began stays: cut off at the moment of reading, it would be news each time.
        low, high = first, min(last, end)
        if max(low, begin) >= high:
            continue
        if found and low <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], high)
        else:
            found.append((low, high))
    return found


def main() -> None:
    """Reads the feed on stdin and prints, as JSON, its busy times or why there are none; see `apart`."""
    # A bound that holds even where no check above does.
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
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
