"""What a search asks for: a range, times of the week, and in which order answers come."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple
from uuid import UUID

from services.availability.domain.practice import SECOND, TWO_YEARS
from shared.contracts.slots import DAY, Plan, Span, ceil, date_of, instant, local_day
from shared.errors import invalid

LONGEST_RANGE = timedelta(days=31)

KEPT_BEST_WITHIN = 48 * 3600
"""Seconds. Intakes within two days are kept far more often (72 % against 50-53 %), so they are offered first."""

_THURSDAY = 3
_HOUR = 3600


class TimeOfDay(StrEnum):
    """By the hour at which a visit starts: before 12:00, before 17:00, from then on."""

    MORNING = "morning"
    AFTERNOON = "afternoon"
    EVENING = "evening"


_HOURS = {
    TimeOfDay.MORNING: (0, 12 * _HOUR),
    TimeOfDay.AFTERNOON: (12 * _HOUR, 17 * _HOUR),
    TimeOfDay.EVENING: (17 * _HOUR, DAY),
}


class Offer(NamedTuple):
    """A free slot, and the place of its group in the order of answers."""

    plan: Plan
    start: int
    group: int = 0

    @property
    def position(self) -> tuple[int, int, UUID]:
        return self.group, self.start, self.plan.schedule_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is sought, beside the range."""

    appointment_type_id: UUID
    provider_ids: tuple[UUID, ...] = ()
    location_ids: tuple[UUID, ...] = ()
    modality: str | None = None
    weekdays: frozenset[int] = frozenset()
    times_of_day: frozenset[TimeOfDay] = frozenset()
    prefer: tuple[UUID, ...] = ()

    def fits(self, plan: Plan) -> bool:
        """True for a schedule that this wish is about."""
        state = plan.state
        return (
            state.appointment_type_id == self.appointment_type_id
            and (not self.provider_ids or state.provider_id in self.provider_ids)
            and (not self.location_ids or state.location_id in self.location_ids)
            and self.modality in (None, state.modality)
        )


@dataclass(frozen=True, slots=True)
class Group:
    """Offers that come before all those of the next group, soonest first among themselves."""

    spans: Sequence[Span]
    plans: Sequence[Plan]


def search_range(begin: datetime, end: datetime, now: datetime) -> Span | None:
    """The part of a search that can hold slots, in seconds; None when there is none.

    Raises Problem `range_inverted` or `range_too_long`. The length is by the caller's own clock, so that a
    month in which summer time ends still counts 31 days.
    """
    if begin >= end:
        raise invalid("range_inverted", "`from` should be before `to`.", field="to")
    by_the_clock = end.replace(tzinfo=None) - begin.replace(tzinfo=None)
    if min(end - begin, by_the_clock) > LONGEST_RANGE:
        raise invalid("range_too_long", "A search may span at most 31 days.", field="to")
    begin, end = max(begin, now), min(end, now + TWO_YEARS + SECOND)
    low, high = ceil(begin), ceil(end)
    return (low, high) if low < high else None


def spans_of(wish: Wish, zone: str, begin: int, end: int) -> list[Span]:
    """The parts of a range at the wished times of the week, by the clock of a zone."""
    if not wish.weekdays and not wish.times_of_day:
        return [(begin, end)]
    hours = [_HOURS[part] for part in TimeOfDay if part in wish.times_of_day] or [(0, DAY)]
    found: list[Span] = []
    for day in range(local_day(zone, begin), local_day(zone, end - 1) + 1):
        if wish.weekdays and (day + _THURSDAY) % 7 not in wish.weekdays:
            continue
        for opens, closes in hours:
            low, high = max(instant(zone, day, opens), begin), min(instant(zone, day, closes), end)
            if low < high:
                found.append((low, high))
    return found


def groups(wish: Wish, plans: Sequence[Plan], spans: Sequence[Span], urgent_until: int | None) -> list[Group]:
    """In the order of answers: an intake's first two days before the rest, preferred providers in their order."""
    # Who is named twice counts where they are named first.
    rank = {provider_id: place for place, provider_id in enumerate(dict.fromkeys(wish.prefer))}
    ranked: dict[int, list[Plan]] = {}
    for plan in plans:
        ranked.setdefault(rank.get(plan.provider_id, len(rank)), []).append(plan)
    bands = [list(spans)] if urgent_until is None else [_before(spans, urgent_until), _from(spans, urgent_until)]
    return [Group(band, ranked[place]) for band in bands for place in sorted(ranked)]


def outside(starts: Sequence[int], own: Iterable[Span], duration: int) -> list[int]:
    """Starts at which a client is with nobody else: the rule's `client`, for starts that were found for anybody."""
    found: list[int] = []
    low = 0
    for first, until in own:
        high = bisect_left(starts, first - duration + 1, low)
        found += starts[low:high]
        low = bisect_left(starts, until, high)
    return [*found, *starts[low:]]


def in_spans(starts: Sequence[int], spans: Iterable[Span]) -> Iterator[int]:
    """Those of sorted starts that lie in sorted spans."""
    for low, high in spans:
        yield from starts[bisect_left(starts, low) : bisect_left(starts, high)]


def count_by_day(starts: Sequence[int], zone: str, begin: int, end: int) -> dict[date, int]:
    """How many of the sorted starts lie on each local day of a range; days without any are there too."""
    days = range(local_day(zone, begin), local_day(zone, end - 1) + 1)
    midnights = [bisect_left(starts, instant(zone, day, 0)) for day in (*days, days.stop)]
    return {date_of(day): after - before for day, (before, after) in zip(days, pairwise(midnights), strict=True)}


def _before(spans: Iterable[Span], at: int) -> list[Span]:
    return [(low, min(high, at)) for low, high in spans if low < at]


def _from(spans: Iterable[Span], at: int) -> list[Span]:
    return [(max(low, at), high) for low, high in spans if high > at]
