"""A calendar that a provider keeps elsewhere: how fresh what we know of it is."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import urlsplit
from uuid import UUID

from shared.contracts.availability import CalendarRefreshed, CalendarStale, CalendarState
from shared.contracts.slots import Span

MOST_BUSY = 1_500
"""Busy stretches of one provider's calendars; more would not fit an event, and no calendar of a person has them."""

QUICKEST, SLOWEST = timedelta(seconds=1), timedelta(days=1)
LONGEST_UNREAD = timedelta(days=30)
FAILED_AGAIN_AFTER = timedelta(minutes=1)
"""At the soonest: a feed that hangs must not be what timers do all day."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """A feed by URL. `busy` is what it said when last read in full; it holds until the next full reading."""

    id: UUID
    provider_id: UUID
    name: str
    url: str
    refresh_every: timedelta
    stale_after: timedelta
    created_at: datetime
    etag: str | None = None
    last_modified: str | None = None
    checked_at: datetime | None = None
    fetched_at: datetime | None = None
    stale: bool = False
    error_code: str | None = None
    error_line: int | None = None
    error_detail: str | None = None
    busy: tuple[Span, ...] = ()
    busy_until: datetime | None = None
    sequence: int = 0

    def is_stale(self, now: datetime) -> bool:
        """True when it was told, and also when nobody tries any more: age alone makes it so."""
        return self.stale or now - (self.fetched_at or self.created_at) >= self.stale_after

    @property
    def host(self) -> str:
        """All of the address that may be shown: the rest is a secret."""
        return urlsplit(self.url).hostname or ""


def refreshed(
    calendar: Calendar,
    *,
    busy: Sequence[Span],
    until: datetime,
    etag: str | None,
    last_modified: str | None,
    now: datetime,
) -> tuple[Calendar, CalendarState | None]:
    """Read in full; the event when it had been stale."""
    fresh = replace(
        calendar,
        busy=tuple(busy),
        busy_until=until,
        etag=etag,
        last_modified=last_modified,
        checked_at=now,
        fetched_at=now,
        stale=False,
        error_code=None,
        error_line=None,
        error_detail=None,
    )
    if not calendar.stale:
        return fresh, None
    fresh = replace(fresh, sequence=calendar.sequence + 1)
    return fresh, _event(CalendarRefreshed, fresh)


def failed(
    calendar: Calendar, *, code: str, detail: str, line: int | None, now: datetime
) -> tuple[Calendar, CalendarState | None]:
    """Could not be read: what it said before stays applied; the event when that has become too old."""
    worse = replace(calendar, checked_at=now, error_code=code, error_line=line, error_detail=detail)
    since = calendar.fetched_at or calendar.created_at
    if calendar.stale or now - since < calendar.stale_after:
        return worse, None
    worse = replace(worse, stale=True, sequence=calendar.sequence + 1)
    return worse, _event(CalendarStale, worse)


def _event(kind: type[CalendarState], calendar: Calendar) -> CalendarState:
    return kind(
        calendar_id=calendar.id,
        provider_id=calendar.provider_id,
        fetched_at=calendar.fetched_at or calendar.created_at,
        stale=calendar.stale,
        reason_code=calendar.error_code,
        sequence=calendar.sequence,
    )


def still_busy(busy: Iterable[Span], now: datetime) -> list[Span]:
    """What of it isn't over: all that a reading can change for others."""
    return [span for span in busy if span[1] > now.timestamp()]


def next_try(calendar: Calendar) -> timedelta:
    """How long until a calendar is read again."""
    failed = calendar.error_code is not None
    return max(calendar.refresh_every, FAILED_AGAIN_AFTER) if failed else calendar.refresh_every
