"""Events that booking listens to: {event: handler} → use case."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.booking import tables, use_cases
from shared.contracts import Envelope, Event
from shared.contracts.availability import SchedulePublished, ScheduleState, ScheduleWithdrawn
from shared.inbox import first_time
from shared.kafka import Handler


async def on_schedule(session: AsyncSession, envelope: Envelope, now: datetime) -> None:
    schedule = envelope.event
    assert isinstance(schedule, ScheduleState)  # noqa: S101 -- the mapping below says so
    if await first_time(session, tables.inbox, envelope.tenant, envelope.id, schedule.type):
        await use_cases.replicate_schedule(session, tenant=envelope.tenant, schedule=schedule, now=now)


HANDLERS: Mapping[type[Event], Handler] = {SchedulePublished: on_schedule, ScheduleWithdrawn: on_schedule}
