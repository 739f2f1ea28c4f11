"""What persons at the practice should do."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, insert, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications import tables
from shared import timers as clock

ALERT = "task.alert"


async def add(session: AsyncSession, tenant: UUID, *, alert: bool, **values: Any) -> None:
    await session.execute(insert(tables.tasks).values(tenant_id=tenant, **values))
    if alert:
        await clock.schedule(session, tables.timers, tenant, ALERT, values["id"], values["opened_at"])


async def page(session: AsyncSession, after: tuple[datetime, UUID] | None, limit: int) -> list[RowMapping]:
    columns = tables.tasks.c
    query = select(tables.tasks)
    if after is not None:
        query = query.where(tuple_(columns.opened_at, columns.id) > after)
    return list((await session.execute(query.order_by(columns.opened_at, columns.id).limit(limit))).mappings())
