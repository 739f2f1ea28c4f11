"""Timed work of availability: {kind of timer: handler} → use case."""

from collections.abc import Mapping
from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession

from services.availability import repository
from services.availability.clients import FeedError
from services.availability.domain.calendars import Calendar
from services.availability.repository.calendars import REFRESH
from services.availability.repository.hours import REPUBLISH
from services.availability.resources import Resources
from services.availability.use_cases import calendars
from services.availability.use_cases.calendars import Reading
from services.availability.use_cases.publishing import republish_all
from shared.contracts.slots import ceil, floor
from shared.errors import Problem
from shared.timers import Handler, Timer, try_later

MOST_SECONDS = 20.0
"""Of one go: the database ends a transaction that is idle for half a minute, as the timer's own is meanwhile."""

TOO_LARGE = Reading(
    code="schedule_too_large",
    detail="With these busy times the provider's hours are too much to publish: have fewer overrides, or fewer events.",
)


def timers(resources: Resources) -> Mapping[str, Handler]:
    async def on_refresh(session: AsyncSession, timer: Timer) -> None:
        try:
            calendar = await repository.calendars.get(session, timer.key)
        except Problem:
            return  # it was removed meanwhile
        reading = await _read(session, resources, calendar, timer)
        apply = partial(calendars.take_reading, session, tenant=timer.tenant, calendar_id=calendar.id, now=timer.now)
        try:
            async with session.begin_nested():
                await apply(reading=reading)
        except Problem as problem:
            if problem.code != "event_too_large":
                raise
            await apply(reading=TOO_LARGE)

    async def on_republish(session: AsyncSession, timer: Timer) -> None:
        done = await republish_all(
            resources.database, tenant=timer.tenant, now=resources.clock(), most_seconds=MOST_SECONDS
        )
        if not done:
            try_later(session)

    return {REFRESH: on_refresh, REPUBLISH: on_republish}


async def _read(session: AsyncSession, resources: Resources, calendar: Calendar, timer: Timer) -> Reading:
    until = await calendars.read_until(session, calendar.provider_id, timer.now)
    full = calendars.must_read_in_full(calendar, until)
    try:
        fetched = await resources.feeds.fetch(
            calendar.url, None if full else calendar.etag, None if full else calendar.last_modified
        )
        if fetched.body is None:
            return Reading(etag=fetched.etag, last_modified=fetched.last_modified)
        # Asked for between the two waits: the database ends a transaction that is idle for as long as both.
        provider = await repository.practice.provider(session, calendar.provider_id)
        busy = await resources.feeds.busy(fetched.body, provider.zone, timer.now, until)
    except FeedError as error:
        return Reading(code=error.code, detail=error.detail, line=error.line)
    return Reading(
        busy=[(floor(begin), ceil(end)) for begin, end in busy],
        until=until,
        etag=fetched.etag,
        last_modified=fetched.last_modified,
    )
