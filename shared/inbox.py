"""An event takes effect once: its id is recorded in the transaction of its effect."""

from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Column, DateTime, MetaData, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.dml import ReturningInsert


def inbox_table(metadata: MetaData) -> Table:
    """The service's inbox; `shared.migrations.INBOX_V1` creates it."""
    return Table(
        "inbox",
        metadata,
        Column("tenant_id", Uuid, primary_key=True),
        Column("event_id", Uuid, primary_key=True),
        Column("topic", Text, nullable=False),
        Column("received_at", DateTime(timezone=True), nullable=False, server_default=text("clock_timestamp()")),
    )


async def first_time(session: AsyncSession, table: Table, tenant: UUID, event_id: UUID, topic: str) -> bool:
    """True for the one transaction that may act on this event.

    A second one waits here for the first to commit or to roll back.
    """
    values = {"tenant_id": tenant, "event_id": event_id, "topic": topic}
    return await session.scalar(_first(table), values) is not None


@cache
def _first(table: Table) -> ReturningInsert[Any]:
    return insert(table).on_conflict_do_nothing().returning(table.c.event_id)
