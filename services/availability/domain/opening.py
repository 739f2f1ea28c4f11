"""Hours that could not be booked before: what a waitlist waits for."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from shared.contracts.availability import AvailabilityOpened, Opened, ScheduleState, ScheduleWithdrawn
from shared.contracts.slots import Plan, Span, ceil, floor, moment

LOOK_AHEAD = timedelta(days=62)
"""Nobody waits for a time further ahead than this."""

MOST = 200


def newly_open(before: ScheduleState | None, after: ScheduleState, now: datetime) -> list[Span]:
    """What is open after a change of rules and was not before it, from now on; long enough for a visit."""
    if isinstance(after, ScheduleWithdrawn):
        return []
    begin = ceil(now + after.minimum_notice)
    end = floor(now + min(after.horizon, LOOK_AHEAD))
    if begin >= end:
        return []
    known = [] if before is None else _open(Plan(before), begin, end)
    plan = Plan(after)
    news = _without(_open(plan, begin, end), known)
    return [(low, high) for low, high in news if high - low >= plan.duration][:MOST]


def hours_opened(provider_id: UUID, spans: Sequence[Span], id: UUID) -> AvailabilityOpened:
    return AvailabilityOpened(
        opening_id=id,
        provider_id=provider_id,
        reason="hours",
        opened=tuple(Opened(begin=moment(begin), end=moment(end)) for begin, end in spans),
        sequence=1,
    )


def _open(plan: Plan, begin: int, end: int) -> list[Span]:
    """Opening hours of a schedule but for what closes them, whatever is booked."""
    hours = ((max(item.begin, begin), min(item.end, end)) for item in plan.openings(begin, end, new_client=True))
    closed = [(low, high) for low, high, _ in plan.blocked]
    closed += [plan.day_span(day) for day in plan.holidays]
    return _without([(low, high) for low, high in hours if low < high], closed)


def _without(spans: Iterable[Span], holes: Iterable[Span]) -> list[Span]:
    """What is left of sorted spans outside holes."""
    found: list[Span] = []
    in_order = sorted(holes)
    for first, high in spans:
        low = first
        for begin, end in in_order:
            if end <= low:
                continue
            if begin >= high:
                break
            if begin > low:
                found.append((low, begin))
            low = max(low, end)
        if low < high:
            found.append((low, high))
    return found
