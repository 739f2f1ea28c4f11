"""Every SQL statement of booking, a module per part of the domain."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.repository import (
    appointments,
    calendars,
    clients,
    holds,
    imports,
    policy,
    schedules,
    series,
    taken,
    waitlist,
)
from services.booking.tables import outbox
from shared import outbox as events
from shared.contracts.envelope import Event

__all__ = [
    "appointments",
    "calendars",
    "clients",
    "holds",
    "imports",
    "policy",
    "record",
    "schedules",
    "series",
    "taken",
    "waitlist",
]


async def record(session: AsyncSession, tenant: UUID, event: Event, now: datetime) -> None:
    await events.record(session, outbox, tenant, [event], now)
