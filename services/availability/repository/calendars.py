"""Calendars that providers keep elsewhere."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.availability import tables
from services.availability.domain.calendars import Calendar
from shared import timers
from shared.errors import not_found
from shared.rows import dump, load

REFRESH = "calendar.refresh"


async def add(session: AsyncSession, tenant: UUID, new: Calendar) -> None:
    await session.execute(insert(tables.calendars).values(tenant_id=tenant, **_values(new)))


async def save(session: AsyncSession, changed: Calendar) -> None:
    statement = update(tables.calendars).where(tables.calendars.c.id == changed.id)
    await session.execute(statement.values(**_values(changed)))


async def drop(session: AsyncSession, tenant: UUID, calendar_id: UUID) -> None:
    await timers.cancel(session, tables.timers, tenant, REFRESH, calendar_id)
    await session.execute(delete(tables.calendars).where(tables.calendars.c.id == calendar_id))


async def get(session: AsyncSession, calendar_id: UUID, provider_id: UUID | None = None) -> Calendar:
    """Raises Problem `calendar_not_found`."""
    query = select(tables.calendars).where(tables.calendars.c.id == calendar_id)
    if provider_id is not None:
        query = query.where(tables.calendars.c.provider_id == provider_id)
    row = (await session.execute(query)).mappings().one_or_none()
    if row is None:
        raise not_found("calendar")
    return _calendar(row)


async def of_provider(session: AsyncSession, provider_id: UUID) -> list[Calendar]:
    columns = tables.calendars.c
    query = select(tables.calendars).where(columns.provider_id == provider_id)
    rows = await session.execute(query.order_by(columns.created_at, columns.id))
    return [_calendar(row) for row in rows.mappings()]


async def refresh_at(session: AsyncSession, tenant: UUID, calendar_id: UUID, at: datetime) -> None:
    """Sets the timer that reads the feed."""
    await timers.schedule(session, tables.timers, tenant, REFRESH, calendar_id, at)


def _values(calendar: Calendar) -> dict[str, Any]:
    return {**dump(calendar), "busy": [list(span) for span in calendar.busy]}


def _calendar(row: RowMapping) -> Calendar:
    return load(Calendar, {**row, "busy": [(begin, end) for begin, end in row["busy"]]})
