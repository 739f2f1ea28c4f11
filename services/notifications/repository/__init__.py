"""Every SQL statement of notifications, a module per part of the domain."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications.repository import (
    clients,
    decisions,
    hand_overs,
    inbound,
    messages,
    offers,
    outreach,
    people,
    plans,
    questions,
    reconciling,
    secure,
    tasks,
    templates,
    visits,
    webhooks,
)
from services.notifications.tables import outbox
from shared import outbox as events
from shared.contracts.envelope import Event

__all__ = [
    "clients",
    "decisions",
    "hand_overs",
    "inbound",
    "messages",
    "offers",
    "outreach",
    "people",
    "plans",
    "questions",
    "reconciling",
    "record",
    "secure",
    "tasks",
    "templates",
    "visits",
    "webhooks",
]


async def record(session: AsyncSession, tenant: UUID, new: Iterable[Event], now: datetime) -> None:
    await events.record(session, outbox, tenant, new, now)
