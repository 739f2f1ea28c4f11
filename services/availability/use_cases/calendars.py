"""Calendars that providers keep elsewhere: added, read again and again, removed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from services.availability import repository
from services.availability.domain import calendars
from services.availability.domain.calendars import Calendar
from services.availability.use_cases.publishing import republish
from shared.contracts.slots import Span
from shared.errors import invalid
from shared.telemetry import annotate, use_case

MOST_CALENDARS = 10
LEAST_AHEAD = timedelta(days=62)
"""So far ahead a calendar is read at least, beyond the horizon of the provider's schedules."""

READ_AGAIN_AFTER = timedelta(days=7)
"""A feed that never changes is still read in full this often, since its recurrences go on beyond what was read."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a feed said, or why it couldn't be read. `busy` None: unchanged since the last time."""

    busy: Sequence[Span] | None = None
    until: datetime | None = None
    etag: str | None = None
    last_modified: str | None = None
    code: str | None = None
    detail: str = ""
    line: int | None = None


@use_case
async def add_calendar(
    session: AsyncSession,
    *,
    tenant: UUID,
    provider_id: UUID,
    name: str,
    url: str,
    refresh_every: timedelta,
    stale_after: timedelta,
    now: datetime,
) -> Calendar:
    """The feed is read at once, and then again and again. Raises Problem `refresh_out_of_range` or
    `too_many_calendars`."""
    if not calendars.QUICKEST <= refresh_every <= calendars.SLOWEST:
        raise invalid("refresh_out_of_range", "refresh_every should be 1 second to 1 day.", field="refresh_every")
    if stale_after > calendars.LONGEST_UNREAD:
        raise invalid("stale_too_late", "stale_after should be at most 30 days.", field="stale_after")
    if stale_after < refresh_every:
        raise invalid("stale_too_soon", "stale_after should be no shorter than refresh_every.", field="stale_after")
    await repository.practice.provider(session, provider_id, lock=True)
    if len(await repository.calendars.of_provider(session, provider_id)) >= MOST_CALENDARS:
        raise invalid("too_many_calendars", f"A provider may have {MOST_CALENDARS} calendars.", field="url")
    calendar = Calendar(
        id=uuid7(),
        provider_id=provider_id,
        name=name,
        url=url,
        refresh_every=refresh_every,
        stale_after=stale_after,
        created_at=now,
    )
    await repository.calendars.add(session, tenant, calendar)
    await repository.calendars.refresh_at(session, tenant, calendar.id, now)
    annotate(calendar_id=calendar.id, provider_id=provider_id)
    return calendar


@use_case
async def refresh_soon(
    session: AsyncSession, *, tenant: UUID, provider_id: UUID, calendar_id: UUID, now: datetime
) -> Calendar:
    """Reads the feed again at once. Raises Problem `calendar_not_found`."""
    calendar = await repository.calendars.get(session, calendar_id, provider_id)
    await repository.calendars.refresh_at(session, tenant, calendar.id, now)
    return calendar


@use_case
async def drop_calendar(
    session: AsyncSession, *, tenant: UUID, provider_id: UUID, calendar_id: UUID, now: datetime
) -> None:
    """What the feed said no longer hides anything. Raises Problem `calendar_not_found`."""
    provider = await repository.practice.provider(session, provider_id, lock=True)
    calendar = await repository.calendars.get(session, calendar_id, provider_id)
    await repository.calendars.drop(session, tenant, calendar.id)
    await republish(session, tenant, provider, now)


async def read_until(session: AsyncSession, provider_id: UUID, now: datetime) -> datetime:
    """How far ahead a provider's feeds have to be read."""
    horizon = await repository.schedules.furthest_horizon(session, provider_id) or LEAST_AHEAD
    return now + max(horizon, LEAST_AHEAD) + 2 * READ_AGAIN_AFTER


def must_read_in_full(calendar: Calendar, until: datetime) -> bool:
    """True when "unchanged" would not do: what was read doesn't reach far enough ahead."""
    return calendar.busy_until is None or calendar.busy_until < until - READ_AGAIN_AFTER


async def read_further(session: AsyncSession, tenant: UUID, provider_id: UUID, now: datetime) -> None:
    """Reads at once what a longer horizon of the provider's schedules offers beyond what was read."""
    until = await read_until(session, provider_id, now)
    for calendar in await repository.calendars.of_provider(session, provider_id):
        if must_read_in_full(calendar, until):
            await repository.calendars.refresh_at(session, tenant, calendar.id, now)


@use_case
async def take_reading(
    session: AsyncSession, *, tenant: UUID, calendar_id: UUID, reading: Reading, now: datetime
) -> None:
    """Applies what a feed said; one that couldn't be read changes nothing but its freshness."""
    annotate(calendar_id=calendar_id)
    provider_id = (await repository.calendars.get(session, calendar_id)).provider_id
    provider = await repository.practice.provider(session, provider_id, lock=True)
    calendar = await repository.calendars.get(session, calendar_id)
    if reading.code is None and reading.busy is not None:
        others = await repository.calendars.of_provider(session, provider_id)
        known = sum(len(other.busy) for other in others if other.id != calendar_id)
        if known + len(reading.busy) > calendars.MOST_BUSY:
            reading = Reading(
                code="feed_too_many_events",
                detail=f"The provider's calendars have more than {calendars.MOST_BUSY} busy times ahead.",
            )
    if reading.code is not None:
        changed, event = calendars.failed(
            calendar, code=reading.code, detail=reading.detail, line=reading.line, now=now
        )
    else:
        changed, event = calendars.refreshed(
            calendar,
            busy=calendar.busy if reading.busy is None else reading.busy,
            until=reading.until or calendar.busy_until or now,
            etag=reading.etag or (calendar.etag if reading.busy is None else None),
            last_modified=reading.last_modified or (calendar.last_modified if reading.busy is None else None),
            now=now,
        )
    await repository.calendars.save(session, changed)
    if event is not None:
        await repository.practice.record(session, tenant, event, now)
    if calendars.still_busy(changed.busy, now) != calendars.still_busy(calendar.busy, now):
        await republish(session, tenant, provider, now)
    await repository.calendars.refresh_at(session, tenant, calendar_id, now + calendars.next_try(changed))
