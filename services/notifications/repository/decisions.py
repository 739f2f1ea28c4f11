"""Why something was sent, put off or not sent."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, insert, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from services.notifications import tables


async def add(session: AsyncSession, tenant: UUID, **values: Any) -> None:
    await session.execute(insert(tables.decisions).values(tenant_id=tenant, id=uuid7(), **values))


async def last(session: AsyncSession, message_id: UUID) -> tuple[str, str | None] | None:
    """Outcome and reason of the newest decision about a message."""
    columns = tables.decisions.c
    query = select(columns.outcome, columns.reason).where(columns.message_id == message_id)
    found = (await session.execute(query.order_by(columns.at.desc(), columns.id.desc()).limit(1))).one_or_none()
    return None if found is None else (found.outcome, found.reason)


async def page(
    session: AsyncSession, client_id: UUID, after: tuple[datetime, UUID] | None, limit: int
) -> list[RowMapping]:
    columns = tables.decisions.c
    query = select(tables.decisions).where(columns.client_id == client_id)
    if after is not None:
        query = query.where(tuple_(columns.at, columns.id) > after)
    return list((await session.execute(query.order_by(columns.at, columns.id).limit(limit))).mappings())


async def latest(session: AsyncSession, client_id: UUID, most: int) -> list[RowMapping]:
    """The newest first."""
    columns = tables.decisions.c
    query = select(tables.decisions).where(columns.client_id == client_id)
    return list((await session.execute(query.order_by(columns.at.desc(), columns.id.desc()).limit(most))).mappings())
