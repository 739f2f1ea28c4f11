"""Whatever changes a schedule's rules ends here: what is published of it is renewed where it differs."""

import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from math import inf
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from services.availability import repository
from services.availability.domain import opening, schedules
from services.availability.domain.practice import Provider
from services.availability.domain.schedules import Around, Schedule
from shared.contracts.availability import ScheduleState
from shared.contracts.slots import Plan, Span, merged
from shared.db import Database
from shared.errors import Problem
from shared.telemetry import annotate, use_case

log = logging.getLogger(__name__)


async def around(session: AsyncSession, provider: Provider, now: datetime) -> Around:
    """What holds for every schedule of a provider."""
    since = now - schedules.LOOK_BACK
    calendars = await repository.calendars.of_provider(session, provider.id)
    return Around(
        provider=provider,
        overrides=await repository.hours.overrides(session, provider.id, since.date()),
        holidays=await repository.hours.holidays(session, since.date()),
        time_off=await repository.hours.time_off(session, provider.id, since),
        busy=[span for calendar in calendars for span in calendar.busy],
    )


async def publish(
    session: AsyncSession,
    tenant: UUID,
    schedule: Schedule,
    holding: Around,
    now: datetime,
    before: ScheduleState | None = None,
    *,
    added: bool = False,
) -> ScheduleState:
    """Saves a schedule and publishes it under its next sequence, and tells what it opens."""
    state = await _publish(session, tenant, schedule, holding, now, added=added)
    await _announce_opened(session, tenant, [(before, state)], now)
    return state


async def _publish(
    session: AsyncSession, tenant: UUID, schedule: Schedule, holding: Around, now: datetime, *, added: bool = False
) -> ScheduleState:
    schedule = replace(schedule, sequence=schedule.sequence + 1)
    state = schedules.state(schedule, holding, now)
    save = repository.schedules.add(session, tenant, schedule, state) if added else None
    await (save or repository.schedules.save(session, schedule, state))
    await repository.practice.record(session, tenant, state, now)
    await repository.changes.announce(session, tenant, None)
    annotate(schedule_id=schedule.id, provider_id=schedule.provider_id)
    return state


async def republish(session: AsyncSession, tenant: UUID, provider: Provider, now: datetime) -> None:
    """Publishes those of a provider's schedules that are no longer as they were, and tells once what that opens; the
    caller holds the provider.
    """
    holding = await around(session, provider, now)
    changed: list[tuple[ScheduleState | None, ScheduleState]] = []
    for schedule, before in await repository.schedules.of_provider(session, provider.id):
        if schedules.differs(before, schedules.state(schedule, holding, now)):
            changed.append((before, await _publish(session, tenant, schedule, holding, now)))
    await _announce_opened(session, tenant, changed, now)


@use_case
async def republish_all(database: Database, *, tenant: UUID, now: datetime, most_seconds: float = inf) -> bool:
    """After a change that holds for the whole practice: provider by provider, each in a transaction of its own, so that
    news of one is never kept waiting by hundreds of others. False when some are left to do.
    """
    began, done = time.monotonic(), True
    async with database.transaction(tenant) as session:
        provider_ids = await repository.practice.provider_ids(session)
    for provider_id in provider_ids:
        if time.monotonic() - began > most_seconds:
            return False

        async def one(session: AsyncSession, provider_id: UUID = provider_id) -> None:
            await republish(session, tenant, await repository.practice.provider(session, provider_id, lock=True), now)

        try:
            await database.run(tenant, one)
        except Problem as problem:
            log.warning("a provider's schedules were not published anew: %s", problem.code)
            done = False
    return done


async def _announce_opened(
    session: AsyncSession, tenant: UUID, changes: Sequence[tuple[ScheduleState | None, ScheduleState]], now: datetime
) -> None:
    """Tells what changes of one provider's schedules open."""
    opened: list[Span] = []
    for before, after in changes:
        plan, known = Plan(after), Plan(before) if before is not None else None
        plans = [plan] if known is None else [plan, known]
        near = await repository.taken.near(session, plans, *opening.look_ahead(now), now)
        opened += opening.newly_open(known, plan, [taken for taken, _ in near], now)
    if opened:
        event = opening.announced(changes[0][1].provider_id, "hours", merged(opened)[: opening.MOST], uuid7())
        await repository.practice.record(session, tenant, event, now)
