"""Every SQL statement of notifications, a module per part of the domain."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications.repository import (
    check_ins,
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
    "check_ins",
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
    "record_rows",
    "secure",
    "tasks",
    "templates",
    "visits",
    "webhooks",
]


async def record(session: AsyncSession, tenant: UUID, new: Iterable[Event], now: datetime) -> None:
    await events.record(session, outbox, tenant, new, now)


async def record_rows(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> None:
    """Events as rows, each made under the span that it belongs to."""
    if rows:
        await session.execute(insert(outbox), rows)
