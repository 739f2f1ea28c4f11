"""Holidays, overrides and time off."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from services.availability import tables
from services.availability.domain.hours import Holiday, TimeOff
from shared import timers
from shared.contracts.availability import DayHours
from shared.errors import not_found
from shared.rows import dump, every, one


async def save_holiday(session: AsyncSession, tenant: UUID, holiday: Holiday) -> None:
    await session.execute(
        upsert(tables.holidays)
        .values(tenant_id=tenant, day=holiday.day, name=holiday.name)
        .on_conflict_do_update(index_elements=["tenant_id", "day"], set_={"name": holiday.name})
    )


async def drop_holiday(session: AsyncSession, day: date) -> bool:
    """False when there was none."""
    found = await session.execute(
        delete(tables.holidays).where(tables.holidays.c.day == day).returning(tables.holidays.c.day)
    )
    return found.first() is not None


async def holidays(session: AsyncSession, since: date) -> list[Holiday]:
    query = select(tables.holidays).where(tables.holidays.c.day >= since).order_by(tables.holidays.c.day)
    return await every(session, Holiday, query)


REPUBLISH = "practice.republish"


async def republish_at(session: AsyncSession, tenant: UUID, at: datetime) -> None:
    """When whoever changed something for the whole practice has not published all of it, a timer does."""
    await timers.schedule(session, tables.timers, tenant, REPUBLISH, tenant, at)


async def republished(session: AsyncSession, tenant: UUID, at: datetime) -> None:
    """Nothing is left for the timer that was set for then; one that was set anew meanwhile stays."""
    columns = tables.timers.c
    await session.execute(
        delete(tables.timers).where(columns.kind == REPUBLISH, columns.key == tenant, columns.due_at == at)
    )


async def save_override(session: AsyncSession, tenant: UUID, provider_id: UUID, item: DayHours) -> None:
    contracts: dict[str, Any] = item.model_dump(mode="json", include={"windows", "new_client_windows"})
    await session.execute(
        upsert(tables.overrides)
        .values(tenant_id=tenant, provider_id=provider_id, day=item.date, **contracts)
        .on_conflict_do_update(index_elements=["tenant_id", "provider_id", "day"], set_=contracts)
    )


async def drop_override(session: AsyncSession, provider_id: UUID, day: date) -> bool:
    """False when there was none."""
    columns = tables.overrides.c
    statement = delete(tables.overrides).where(columns.provider_id == provider_id, columns.day == day)
    return (await session.execute(statement.returning(columns.day))).first() is not None


async def overrides(session: AsyncSession, provider_id: UUID, since: date) -> list[DayHours]:
    columns = tables.overrides.c
    query = select(tables.overrides).where(columns.provider_id == provider_id, columns.day >= since)
    rows = (await session.execute(query.order_by(columns.day))).mappings()
    return [
        DayHours.model_validate(
            {"date": row["day"], "windows": row["windows"], "new_client_windows": row["new_client_windows"]}
        )
        for row in rows
    ]


async def add_time_off(session: AsyncSession, tenant: UUID, new: TimeOff) -> None:
    await session.execute(insert(tables.time_off).values(tenant_id=tenant, **dump(new)))


async def drop_time_off(session: AsyncSession, provider_id: UUID, id: UUID) -> TimeOff:
    """Raises Problem `time_off_not_found`."""
    columns = tables.time_off.c
    found = await one(
        session, TimeOff, select(tables.time_off).where(columns.id == id, columns.provider_id == provider_id)
    )
    if found is None:
        raise not_found("time_off")
    await session.execute(delete(tables.time_off).where(columns.id == id))
    return found


async def time_off(session: AsyncSession, provider_id: UUID, since: datetime) -> list[TimeOff]:
    return await every(session, TimeOff, _TIME_OFF, {"provider": provider_id, "since": since})


_OFF = tables.time_off.c
_TIME_OFF = (
    select(tables.time_off)
    .where(_OFF.provider_id == bindparam("provider"), _OFF.ends_at > bindparam("since", type_=_OFF.ends_at.type))
    .order_by(_OFF.begins_at, _OFF.id)
)
