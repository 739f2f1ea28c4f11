"""Hours that could not be booked before: what a waitlist waits for."""

from bisect import bisect_left
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from shared.contracts.availability import AvailabilityOpened, Opened, ScheduleWithdrawn
from shared.contracts.slots import Plan, Seeker, Span, Taken, ceil, floor, free, merged, moment

LOOK_AHEAD = timedelta(days=62)
"""Nobody waits for a time further ahead than this."""

MOST = 1_000

SOMEBODY_NEW = Seeker(is_new=True)
"""To whom everything is offered that is offered to anybody."""


def look_ahead(now: datetime) -> Span:
    return ceil(now), floor(now + LOOK_AHEAD)


def newly_open(before: Plan | None, after: Plan, taken: Collection[Taken], now: datetime) -> list[Span]:
    """Time of the visits that can be booked after a change of rules, and was not open to booking before it.

    `taken` is what stands around the time ahead: the change may be that a visit's hour takes one more client.
    """
    if isinstance(after.state, ScheduleWithdrawn):
        return []
    known = [] if before is None else _visits(before, taken, look_ahead(now), now)
    return _beyond(known, _visits(after, taken, look_ahead(now), now))


def given_back(plan: Plan, taken: Collection[Taken], gone: Taken, now: datetime) -> list[Span]:
    """The same after a visit or hold stands no more, or stands elsewhere; `taken` is what stands since.

    Not all of its time need open, if its provider is away or something else hides it; and more than its time may: the
    room of another provider's visit, or a day that was full.
    """
    reach = plan.reach + plan.duration
    around = gone.occupied_from - reach, min(gone.occupied_to + reach, look_ahead(now)[1])
    before = [*(item for item in taken if item.id != gone.id), gone]
    return _beyond(_visits(plan, before, around, now), _visits(plan, taken, around, now))


def announced(
    provider_id: UUID, reason: Literal["cancelled", "moved", "released", "hours"], spans: Sequence[Span], id: UUID
) -> AvailabilityOpened:
    return AvailabilityOpened(
        opening_id=id,
        provider_id=provider_id,
        reason=reason,
        opened=tuple(Opened(begin=moment(begin), end=moment(end)) for begin, end in spans),
        sequence=1,
    )


def _visits(plan: Plan, taken: Collection[Taken], within: Span, now: datetime) -> list[Span]:
    """The visits that can be booked, each from start to end."""
    return [(at, at + plan.duration) for at in free(plan, taken, *within, now, SOMEBODY_NEW)]


def _beyond(before: Sequence[Span], after: Sequence[Span]) -> list[Span]:
    """Time of visits that doesn't lie within the time of visits before."""
    known = merged(before)
    ends = [until for _, until in known]

    def was_open(begin: int, end: int) -> bool:
        at = bisect_left(ends, end)
        return at < len(known) and known[at][0] <= begin

    return merged(span for span in after if not was_open(*span))[:MOST]
