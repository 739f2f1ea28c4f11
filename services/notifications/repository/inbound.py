"""Texts from clients."""

from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications import tables


async def add(session: AsyncSession, tenant: UUID, **values: Any) -> bool:
    """False when the carrier has brought this text before."""
    statement = upsert(tables.inbound).values(tenant_id=tenant, **values)
    added = await session.scalar(
        statement.on_conflict_do_nothing(constraint="inbound_once").returning(tables.inbound.c.id)
    )
    return added is not None


async def find(session: AsyncSession, inbound_id: UUID) -> RowMapping | None:
    query = select(tables.inbound).where(tables.inbound.c.id == inbound_id)
    return (await session.execute(query)).mappings().first()
