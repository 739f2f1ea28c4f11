"""Hours that could not be booked before: what a waitlist waits for."""

from bisect import bisect_left
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
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
    known = [] if before is None else _bookable(before, taken, now)
    ends = [until for _, until in known]

    def was_open(begin: int, end: int) -> bool:
        at = bisect_left(ends, end)
        return at < len(known) and known[at][0] <= begin

    starts = free(after, taken, *look_ahead(now), now, SOMEBODY_NEW)
    visits = ((at, at + after.duration) for at in starts)
    return merged(span for span in visits if not was_open(*span))[:MOST]


def hours_opened(provider_id: UUID, spans: Sequence[Span], id: UUID) -> AvailabilityOpened:
    return AvailabilityOpened(
        opening_id=id,
        provider_id=provider_id,
        reason="hours",
        opened=tuple(Opened(begin=moment(begin), end=moment(end)) for begin, end in spans),
        sequence=1,
    )


def _bookable(plan: Plan, taken: Collection[Taken], now: datetime) -> list[Span]:
    starts = free(plan, taken, *look_ahead(now), now, SOMEBODY_NEW)
    return merged((at, at + plan.duration) for at in starts)
