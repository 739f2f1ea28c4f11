"""An event takes effect once: its id is recorded in the transaction of its effect."""

from collections.abc import Sequence
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Column, DateTime, MetaData, Table, Text, Uuid, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.dml import ReturningInsert

from shared.direct import Direct


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


async def first_times(
    session: AsyncSession, table: Table, tenant: UUID, event_ids: Sequence[UUID], topic: str
) -> set[UUID]:
    """The same of many: those that this transaction may act on."""
    found = await _firsts(table).rows(session, {"tenant": tenant, "ids": event_ids, "topic": topic})
    return {row["event_id"] for row in found}


@cache
def _firsts(table: Table) -> Direct:
    columns = table.c
    ids = func.unnest(bindparam("ids", type_=ARRAY(Uuid)))
    rows = select(bindparam("tenant", type_=Uuid), ids, bindparam("topic", type_=Text))
    kept = insert(table).from_select([columns.tenant_id, columns.event_id, columns.topic], rows)
    return Direct(kept.on_conflict_do_nothing().returning(columns.event_id))


@cache
def _first(table: Table) -> ReturningInsert[Any]:
    return insert(table).on_conflict_do_nothing().returning(table.c.event_id)
