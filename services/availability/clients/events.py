"""The events of a feed (RFC 5545, 3.6.1): each read from its component, or refused by its line, and then when it takes
place, recurrences and exceptions included."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any

from services.availability.clients.errors import FeedError
from services.availability.clients.lines import Line, Located
from services.availability.clients.recurrence import Budget, Refused, Rule, read_rule
from services.availability.clients.times import Kind, Length, ZoneFails, instant, is_skipped, kind_of, like, wall

Busy = tuple[datetime, datetime]
Component = Any
"""One of the library's components; what its properties may be is wider than any check here needs."""

FIRST_YEAR, LAST_YEAR = 1600, 2200
"""Birthdays without a year are written with 1604 by some programs."""

_ONCE = ("UID", "DTSTART", "DTEND", "DURATION", "RECURRENCE-ID", "RRULE", "SEQUENCE", "STATUS", "TRANSP")
_NEAR = timedelta(days=2)
_ZONE_FAILS = "the feed's own definition of the zone can't be computed"


@dataclass(frozen=True, slots=True)
class Event:
    """One VEVENT: an event, a series, or (with `replaces`) what became of one occurrence of a series."""

    place: Located = field(compare=False)
    uid: str
    sequence: int
    busy: bool
    start: date
    length: Length
    replaces: date | None
    rule: Rule | None
    more: tuple[tuple[date, Length], ...]
    """RDATE: further occurrences, each with its length."""
    excluded: tuple[date, ...]


def read_event(component: Component, place: Located, zone: tzinfo) -> Event:
    """Raises FeedError, naming the line, for what can't be understood beyond doubt."""
    for name in _ONCE:
        if len(place.lines_of(name)) > 1:
            raise at(place.lines_of(name)[1].number, f"{name} stands there twice in one event")
    if "DTSTART" not in component:
        raise at(place.line, "an event has no DTSTART")
    if "EXRULE" in component:
        raise at(place.line_of("EXRULE"), "EXRULE is of an older standard and not computed")
    (_, start), *_ = moments(component, place, "DTSTART")
    length = _length(component, place, start, zone)
    if wall(start).year + length.longest / timedelta(days=365) > LAST_YEAR:
        raise at(place.line_of("DURATION"), f"an event ends after the year {LAST_YEAR}")
    replaces = _replaces(component, place)
    rule = None
    for line in place.lines_of("RRULE"):
        try:
            rule = read_rule(line.value, start)
        except Refused as error:
            raise refused(line.number, error) from error
    text = place.text_of("SEQUENCE").strip()
    if text and not text.isdecimal():
        raise at(place.line_of("SEQUENCE"), "SEQUENCE should be a number")
    kind, kinds = kind_of(start), ("RDATE", "EXDATE")
    more, excluded = (list(_listed(component, place, name, kind)) for name in kinds)
    if more and replaces is not None:
        raise at(place.line_of("RDATE"), "an exception has further dates of its own")
    return Event(
        place=place,
        uid=str(component.get("UID", "")).strip(),
        sequence=int(text[:9] or 0),
        busy=_is_busy(component),
        start=start,
        length=length,
        replaces=replaces,
        rule=rule,
        more=tuple((value, own or length) for value, own in more),
        excluded=tuple(value for value, _ in excluded),
    )


def busy_times(events: Iterable[Event], zone: tzinfo, begin: datetime, end: datetime, budget: Budget) -> Iterator[Busy]:
    """When the owner is busy by these events, in UTC; each overlaps `[begin, end)`. Raises FeedError."""
    series: dict[str, list[Event]] = defaultdict(list)
    for number, event in enumerate(events):
        # Without a UID nothing belongs together.
        series[event.uid or f"\0{number}"].append(event)
    for related in series.values():
        try:
            for event, start, length in _of_series(related, zone, begin, end, budget):
                low = instant(start, zone)
                if event.busy and low < end and (high := length.end(start, zone)) > begin:
                    yield low, high
        except ZoneFails as error:
            raise at(related[0].place.line_of("DTSTART"), _ZONE_FAILS) from error


def _of_series(
    related: list[Event], zone: tzinfo, begin: datetime, end: datetime, budget: Budget
) -> Iterator[tuple[Event, date, Length]]:
    masters: dict[object, Event] = {}
    exceptions: dict[object, Event] = {}
    for event in related:
        if event.replaces is None:
            _take(masters, None, event)
        else:
            _take(exceptions, _same(event.replaces), event)
    # An exception is an event of its own, also where its series is missing, or excludes the date that it replaces.
    for event in exceptions.values():
        yield event, event.start, event.length
    for master in masters.values():
        for event in exceptions.values():
            if event.replaces is not None:
                check_kind(event.place.line_of("RECURRENCE-ID"), "RECURRENCE-ID", event.replaces, kind_of(master.start))
        without = exceptions.keys() | {_same(value) for value in master.excluded}
        for start, length in _occurrences(master, zone, begin, end, budget):
            if _same(start) not in without:
                yield master, start, length


def _take(found: dict[object, Event], key: object, event: Event) -> None:
    """The later version (SEQUENCE) of two events that claim to be the same one."""
    other = found.get(key)
    if other is None or event.sequence > other.sequence:
        found[key] = event
    elif event.sequence == other.sequence and event != other:
        told = f"two events claim to be the same one: the one of line {other.place.line} has the same UID and SEQUENCE"
        raise at(event.place.line_of("UID"), told)


def _occurrences(
    event: Event, zone: tzinfo, begin: datetime, end: datetime, budget: Budget
) -> Iterator[tuple[date, Length]]:
    """Those that may overlap `[begin, end)`."""
    # A date that stands there twice takes place once: busy times are merged, and the longer one counts.
    yield from event.more
    if event.rule is None:
        yield event.start, event.length
        return
    first = wall(begin) - event.length.longest - _NEAR

    def skipped(shown: datetime) -> bool:
        return is_skipped(like(event.start, shown), zone)

    try:
        for shown in event.rule.walls(first, wall(end) + _NEAR, budget, skipped):
            if shown >= first:
                yield like(event.start, shown), event.length
    except Refused as error:
        raise refused(event.place.line_of("RRULE"), error) from error


def _same(value: date) -> object:
    """Equal for two ways to write the same moment, and never for two moments."""
    return instant(value, value.tzinfo) if isinstance(value, datetime) and value.tzinfo is not None else value


def _length(component: Component, place: Located, start: date, zone: tzinfo) -> Length:
    if "DTEND" in component:
        if "DURATION" in component:
            raise at(place.line_of("DURATION"), "an event has both DTEND and DURATION")
        (line, stop), *_ = moments(component, place, "DTEND")
        check_kind(line, "DTEND", stop, kind_of(start))
        # Two times on one wall are compared on it: with a begin in a gap the instants may be the other way round.
        if stop < start:
            raise at(line, "an event ends before it begins")
        return Length.between(start, stop, zone)
    if "DURATION" in component:
        found = Length.of(place.text_of("DURATION"))
        if found is None:
            raise at(place.line_of("DURATION"), "DURATION can't be read, or is negative")
        if kind_of(start) is not Kind.DAY:
            return found
        days, rest = divmod(found.exact, timedelta(days=1))
        if rest:
            raise at(place.line_of("DURATION"), "an event of whole days lasts a part of one")
        return Length(days=max(found.days + timedelta(days=days), timedelta(days=1)))
    # RFC 5545, 3.6.1: without an end an event of a date lasts that day, one of a time no time at all.
    return Length(days=timedelta(days=1)) if kind_of(start) is Kind.DAY else Length()


def _replaces(component: Component, place: Located) -> date | None:
    if "RECURRENCE-ID" not in component:
        return None
    (line, value), *_ = moments(component, place, "RECURRENCE-ID")
    if "RANGE" in component["RECURRENCE-ID"].params:
        raise at(line, "an exception for a range of dates (RANGE) is not computed; export the series anew")
    if "RRULE" in component:
        raise at(place.line_of("RRULE"), "an exception has a recurrence of its own")
    return value


def _listed(component: Component, place: Located, name: str, kind: Kind) -> Iterator[tuple[date, Length | None]]:
    for line, value, length in _values(component, place, name):
        check_kind(line.number, name, value, kind)
        yield value, length


def _is_busy(component: Component) -> bool:
    def said(name: str) -> str:
        return str(component.get(name, "")).strip().upper()

    free = said("STATUS") == "CANCELLED" or said("TRANSP") == "TRANSPARENT"
    return not free and said("X-MICROSOFT-CDO-BUSYSTATUS") != "FREE"


def moments(component: Component, place: Located, name: str) -> list[tuple[int, date]]:
    """Each moment that a property names, with its line. Raises FeedError."""
    return [(line.number, value) for line, value, _ in _values(component, place, name)]


def _values(component: Component, place: Located, name: str) -> Iterator[tuple[Line, date, Length | None]]:
    found = component.get(name, [])
    items = found if isinstance(found, list) else [found]
    lines = place.lines_of(name)
    if len(lines) != len(items):
        raise at(place.line_of(name), f"{name} can't be read")
    for line, item in zip(lines, items, strict=True):
        _check_form(line, name)
        for part in item.dts if hasattr(item, "dts") else [item]:
            length = None
            value: Any = part.dt
            if isinstance(value, tuple) and name == "RDATE":
                value, length = _period(line, value)
            if not isinstance(value, date):
                raise at(line.number, f"{name} is no date")
            if not FIRST_YEAR <= value.year <= LAST_YEAR:
                raise at(line.number, f"{name} lies outside the years {FIRST_YEAR}-{LAST_YEAR}")
            # A zone that nobody knows would be read as a floating time, which is hours wrong.
            zone = str(item.params.get("TZID", ""))
            if zone and kind_of(value) is Kind.FLOATING:
                raise at(line.number, f"the zone {zone[:60]!r} is not known and not defined in the feed")
            try:
                instant(value, UTC)
            except ZoneFails as error:
                raise at(line.number, _ZONE_FAILS) from error
            yield line, value, length


def _check_form(line: Line, name: str) -> None:
    """A line that contradicts itself is hours wrong, whichever half of it is believed (RFC 5545, 3.3.4 and 3.3.5)."""
    head = line.whole[: len(line.whole) - len(line.value)].upper()
    value = line.value.upper()
    if head.count(";TZID=") > 1:
        raise at(line.number, f"{name} names two zones")
    if ";TZID=" in head and re.search(r"Z(/|,|\s|$)", value):
        raise at(line.number, f"{name} is in UTC (Z) and names a zone too")
    if re.search(r";VALUE=DATE(;|:|$)", head) and "T" in value:
        raise at(line.number, f"{name} is said to be a whole day and has a time")


def _period(line: Line, value: tuple[Any, Any]) -> tuple[Any, Length]:
    start, stop = value
    if isinstance(stop, timedelta):
        length = Length(exact=stop)
    elif kind_of(start) is Kind.FIXED and kind_of(stop) is Kind.FIXED:
        length = Length(exact=instant(stop, stop.tzinfo) - instant(start, start.tzinfo))
    else:
        length = Length(exact=wall(stop) - wall(start))
    if length.exact < timedelta(0):
        raise at(line.number, "a period ends before it begins")
    return start, length


def check_kind(line: int, name: str, value: date, kind: Kind) -> None:
    """Raises FeedError where a value can't be compared with its event's begin without guessing."""
    if kind_of(value) is not kind:
        raise at(line, f"{name} is {kind_of(value).value}, but DTSTART is {kind.value}")


def at(line: int, told: str) -> FeedError:
    return FeedError("feed_malformed", f"Line {line}: {told}.", line)


def refused(line: int, error: Refused) -> FeedError:
    return FeedError("feed_recurrence", f"The recurrence in line {line} is refused: {error}.", line)
