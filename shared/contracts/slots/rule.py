"""Which starts a published schedule offers: the one rule for whoever lists, explains or books them.

`_ruled` gathers everything that speaks for and against starts in a range. `free` takes what is left,
`hidden` looks one start up in it: neither knows a rule that the other doesn't.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

from shared.contracts.availability import Blocked
from shared.contracts.slots.plan import Opening, Plan, Span
from shared.contracts.slots.zones import ceil, floor, grid

Rule = Literal[
    "past",
    "minimum_notice",
    "horizon",
    "outside_hours",
    "override",
    "new_clients_only",
    "off_grid",
    "holiday",
    "time_off",
    "calendar",
    "visit",
    "full",
    "room",
    "client",
    "most_per_day",
    "provider_most_per_day",
]
"""Why a start is not offered. The last six go by what is booked; whoever was faster decides them."""

BY_BOOKINGS: frozenset[Rule] = frozenset({"visit", "full", "room", "client", "most_per_day", "provider_most_per_day"})

_LONG_AGO, _FAR_AHEAD = -(1 << 62), 1 << 62


class Taken(NamedTuple):
    """A visit or a hold that stands, in seconds since 1970."""

    id: UUID
    provider_id: UUID
    schedule_id: UUID
    room_id: UUID | None
    client_id: UUID | None
    start: int
    end: int
    occupied_from: int
    occupied_to: int


@dataclass(frozen=True, slots=True)
class Seeker:
    """For whom a slot is sought. Somebody unknown may be anybody but a new client."""

    client_id: UUID | None = None
    is_new: bool = False


ANYBODY = Seeker()


class Obstacle(NamedTuple):
    """Starts in `[first, until)` are hidden by a rule, because of a visit, an absence or a date."""

    rule: Rule
    first: int
    until: int
    because: "Taken | Blocked | int | None" = None


@dataclass(frozen=True, slots=True)
class _Ruled:
    """What speaks for and against the starts of a range."""

    openings: Sequence[Opening]
    obstacles: Sequence[Obstacle]
    joinable: Collection[int]
    full_days: Mapping[int, Sequence[Rule]]


def free(
    plan: Plan, taken: Iterable[Taken], begin: int, end: int, now: datetime, seeker: Seeker = ANYBODY
) -> list[int]:
    """Starts in `[begin, end)` that can be booked now, soonest first.

    `taken` is what stands of the provider, the schedule's rooms and the seeker around the range; more does no harm.
    """
    return open_starts(plan, taken, *within_notice(plan, begin, end, now), seeker)


def within_notice(plan: Plan, begin: int, end: int, now: datetime) -> Span:
    """The part of `[begin, end)` that is neither too near nor too far ahead; it may be empty."""
    return max(begin, ceil(now + plan.notice), ceil(now)), min(end, floor(now + plan.horizon) + 1)


def open_starts(plan: Plan, taken: Iterable[Taken], begin: int, end: int, seeker: Seeker = ANYBODY) -> list[int]:
    """Starts in `[begin, end)` by every rule but those that go by what time it is now."""
    if begin >= end:
        return []
    ruled = _ruled(plan, taken, begin, end, seeker)
    found: list[int] = []
    hidden = merged((item.first, item.until) for item in ruled.obstacles)
    for opening in ruled.openings:
        first, until = max(opening.begin, begin), min(opening.end - plan.duration + 1, end)
        for gap in _gaps(first, until, hidden):
            _add_grid(found, plan, opening, gap)
    if ruled.full_days:
        found = [at for at in found if plan.day_of(at) not in ruled.full_days or at in ruled.joinable]
    return found


def hidden(plan: Plan, taken: Iterable[Taken], start: int, now: datetime, seeker: Seeker = ANYBODY) -> list[Obstacle]:
    """Every rule that hides a start; none where it can be booked now."""
    ruled = _ruled(plan, taken, start, start + 1, seeker)
    found = list(_by_time(plan, start, now))
    found += _by_hours(plan, ruled, start, seeker)
    found += [item for item in ruled.obstacles if item.first <= start < item.until]
    day = plan.day_of(start)
    if start not in ruled.joinable:
        found += [Obstacle(rule, start, start + 1, day) for rule in ruled.full_days.get(day, ())]
    return found


def free_room(plan: Plan, taken: Iterable[Taken], start: int) -> UUID | None:
    """The room that a visit at a free start would take: its group's, or the first in order that is free."""
    occupied_from, occupied_to = plan.occupied(start)
    busy = set()
    for item in taken:
        if item.schedule_id == plan.schedule_id and item.start == start and item.room_id is not None:
            return item.room_id
        if item.occupied_from < occupied_to and item.occupied_to > occupied_from:
            busy.add(item.room_id)
    return next((room for room in plan.rooms if room not in busy), None)


def _ruled(plan: Plan, taken: Iterable[Taken], begin: int, end: int, seeker: Seeker) -> _Ruled:
    everything = list(taken)
    joinable, full = _groups(plan, everything)
    obstacles = [*_absences(plan, begin, end), *_visits(plan, everything, joinable, full, seeker)]
    if plan.rooms:
        obstacles += _rooms(plan, everything, joinable)
    return _Ruled(
        openings=plan.openings(begin, end, seeker.is_new),
        obstacles=obstacles,
        joinable=joinable,
        full_days=_full_days(plan, everything),
    )


def _groups(plan: Plan, taken: Sequence[Taken]) -> tuple[frozenset[int], frozenset[int]]:
    """Starts of groups that have met or will, with a seat left and with none."""
    if plan.capacity == 1:
        return frozenset(), frozenset()
    seats = Counter(item.start for item in taken if item.schedule_id == plan.schedule_id)
    left = frozenset(start for start, count in seats.items() if count < plan.capacity)
    return left, frozenset(seats) - left


def _absences(plan: Plan, begin: int, end: int) -> Iterator[Obstacle]:
    """Holidays and time off close the hours; events of other calendars keep their distance by the buffers too."""
    reach = plan.duration + plan.before + plan.after
    for day in plan.days(begin, end + plan.duration) if plan.holidays else ():
        if day in plan.holidays:
            midnight, next_midnight = plan.day_span(day)
            yield Obstacle("holiday", midnight - plan.duration + 1, next_midnight, day)
    for blocked_from, blocked_to, item in plan.blocked:
        if blocked_from < end + reach and blocked_to > begin - reach:
            if item.because == "calendar":
                yield Obstacle("calendar", *_too_near(plan, blocked_from, blocked_to), item)
            else:
                yield Obstacle("time_off", blocked_from - plan.duration + 1, blocked_to, item)


def _visits(
    plan: Plan, taken: Sequence[Taken], joinable: Collection[int], full: Collection[int], seeker: Seeker
) -> Iterator[Obstacle]:
    for item in taken:
        if seeker.client_id is not None and item.client_id == seeker.client_id:
            yield Obstacle("client", item.start - plan.duration + 1, item.end, item)
        if item.provider_id != plan.provider_id:
            continue
        first, until = _too_near(plan, item.occupied_from, item.occupied_to)
        if item.schedule_id != plan.schedule_id or item.start not in joinable:
            rule: Rule = "full" if item.schedule_id == plan.schedule_id and item.start in full else "visit"
            yield Obstacle(rule, first, until, item)
        else:
            yield Obstacle("visit", first, item.start, item)
            yield Obstacle("visit", item.start + 1, until, item)


def _too_near(plan: Plan, occupied_from: int, occupied_to: int) -> Span:
    """Starts whose occupied time would overlap this."""
    return occupied_from - plan.duration - plan.after + 1, occupied_to + plan.before


def _rooms(plan: Plan, taken: Sequence[Taken], joinable: Collection[int]) -> Iterator[Obstacle]:
    """Starts at which every room that would do is taken."""
    by_room: dict[UUID, list[Span]] = defaultdict(list)
    for item in taken:
        if item.room_id in plan.rooms:
            by_room[item.room_id].append(_too_near(plan, item.occupied_from, item.occupied_to))
    hidden = merged(by_room[plan.rooms[0]])
    for room in plan.rooms[1:]:
        hidden = _common(hidden, merged(by_room[room]))
    for first, until in hidden:
        low = first
        for start in sorted(at for at in joinable if first <= at < until):
            yield Obstacle("room", low, start)
            low = start + 1
        yield Obstacle("room", low, until)


def _full_days(plan: Plan, taken: Sequence[Taken]) -> Mapping[int, Sequence[Rule]]:
    """Local days that hold as many visits as they may, by which limits; a group counts once."""
    if plan.most_per_day is None and plan.provider_most_per_day is None:
        return {}
    mine = {(item.schedule_id, item.start) for item in taken if item.provider_id == plan.provider_id}
    of_provider = Counter(plan.day_of(start) for _, start in mine)
    of_schedule = Counter(plan.day_of(start) for schedule_id, start in mine if schedule_id == plan.schedule_id)
    limits: tuple[tuple[Rule, int | None, Counter[int]], ...] = (
        ("most_per_day", plan.most_per_day, of_schedule),
        ("provider_most_per_day", plan.provider_most_per_day, of_provider),
    )
    days: dict[int, list[Rule]] = defaultdict(list)
    for rule, most, visits in limits:
        for day, count in visits.items():
            if most is not None and count >= most:
                days[day].append(rule)
    return days


def _by_time(plan: Plan, start: int, now: datetime) -> Iterator[Obstacle]:
    if start < ceil(now):
        yield Obstacle("past", _LONG_AGO, ceil(now))
    elif start < ceil(now + plan.notice):
        yield Obstacle("minimum_notice", _LONG_AGO, ceil(now + plan.notice))
    if start > floor(now + plan.horizon):
        yield Obstacle("horizon", floor(now + plan.horizon) + 1, _FAR_AHEAD)


def _by_hours(plan: Plan, ruled: _Ruled, start: int, seeker: Seeker) -> Iterator[Obstacle]:
    end = start + plan.duration
    within = _around(ruled.openings, start, end)
    kept = None
    if within is None and not seeker.is_new:
        kept = _around(plan.openings(start, start + 1, True), start, end)
        if kept is not None:
            yield Obstacle("new_clients_only", start, start + 1)
    opening = within or kept
    if opening is not None:
        if not _on_grid(plan, opening, start):
            yield Obstacle("off_grid", start, start + 1)
        return
    day = plan.day_of(start)
    # The hours of a date hide what the usual ones have; what neither has lies outside hours. A visit in the small
    # hours may be of the day before's, one that ends after midnight of the day after's too.
    dates = [one for one in (day, day - 1, day + 1) if one in plan.overridden]
    if dates and _around(plan.usual.openings(start, start + 1, seeker.is_new), start, end) is not None:
        yield Obstacle("override", start, start + 1, dates[0])
    else:
        yield Obstacle("outside_hours", start, start + 1)


def _around(openings: Iterable[Opening], start: int, end: int) -> Opening | None:
    """The opening in which a visit would lie."""
    return next((item for item in openings if item.begin <= start and end <= item.end), None)


def _on_grid(plan: Plan, opening: Opening, start: int) -> bool:
    found: list[int] = []
    _add_grid(found, plan, opening, (start, start + 1))
    return bool(found)


def _add_grid(found: list[int], plan: Plan, opening: Opening, span: Span) -> None:
    first, until = span
    if len(opening.clocks) == 1:
        for times in grid(opening.clocks[0][0], plan.step, first, until):
            found.extend(times)
        return
    # While somebody travels, two wall clocks may hold at once.
    both: set[int] = set()
    for zone, begin, end in opening.clocks:
        if max(begin, first) < min(end, until):
            for times in grid(zone, plan.step, max(begin, first), min(end, until)):
                both.update(times)
    found.extend(sorted(both))


def _gaps(first: int, until: int, hidden: Sequence[Span]) -> Iterator[Span]:
    """What is left of `[first, until)` between merged spans."""
    for begin, end in hidden:
        if begin >= until:
            break
        if end > first:
            if begin > first:
                yield first, begin
            first = end
    if first < until:
        yield first, until


def merged(spans: Iterable[Span]) -> list[Span]:
    """Spans that touch or overlap, as one; in order."""
    found: list[Span] = []
    for begin, end in sorted(spans):
        if begin >= end:
            continue
        if found and begin <= found[-1][1]:
            if end > found[-1][1]:
                found[-1] = found[-1][0], end
        else:
            found.append((begin, end))
    return found


def _common(one: Sequence[Span], other: Sequence[Span]) -> list[Span]:
    """Where two lists of merged spans overlap."""
    found, left, right = [], 0, 0
    while left < len(one) and right < len(other):
        begin, end = max(one[left][0], other[right][0]), min(one[left][1], other[right][1])
        if begin < end:
            found.append((begin, end))
        if one[left][1] < other[right][1]:
            left += 1
        else:
            right += 1
    return found
