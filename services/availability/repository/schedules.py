"""Schedules, and what was last published of each."""

from collections.abc import Collection
from dataclasses import fields
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, any_, func, insert, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.availability import tables
from services.availability.domain.schedules import Schedule
from services.availability.repository.practice import Position
from shared.contracts.availability import DayHours, SchedulePublished, ScheduleState, Window
from shared.errors import not_found
from shared.rows import dump

_OWN = [column for column in tables.schedules.c if column.name not in ("tenant_id", "published")]


async def add(session: AsyncSession, tenant: UUID, new: Schedule, published: ScheduleState) -> None:
    await session.execute(insert(tables.schedules).values(tenant_id=tenant, **_values(new, published)))


async def save(session: AsyncSession, changed: Schedule, published: ScheduleState) -> None:
    statement = update(tables.schedules).where(tables.schedules.c.id == changed.id)
    await session.execute(statement.values(**_values(changed, published)))


async def get(session: AsyncSession, schedule_id: UUID) -> Schedule:
    """A schedule, withdrawn ones too. Raises Problem `schedule_not_found`."""
    query = select(*_OWN).where(tables.schedules.c.id == schedule_id)
    row = (await session.execute(query)).mappings().one_or_none()
    if row is None:
        raise not_found("schedule")
    return _schedule(row)


async def page(session: AsyncSession, after: Position | None, limit: int, provider_id: UUID | None) -> list[Schedule]:
    """Schedules that are not withdrawn, in the order of creation."""
    columns = tables.schedules.c
    query = select(*_OWN).where(columns.withdrawn_at.is_(None))
    if provider_id is not None:
        query = query.where(columns.provider_id == provider_id)
    if after is not None:
        query = query.where(tuple_(columns.created_at, columns.id) > after)
    query = query.order_by(columns.created_at, columns.id).limit(limit)
    return [_schedule(row) for row in (await session.execute(query)).mappings()]


async def of_provider(session: AsyncSession, provider_id: UUID) -> list[tuple[Schedule, ScheduleState | None]]:
    """A provider's schedules that are not withdrawn, with what is published of each."""
    columns = tables.schedules.c
    query = select(tables.schedules).where(columns.provider_id == provider_id, columns.withdrawn_at.is_(None))
    rows = (await session.execute(query.order_by(columns.id))).mappings()
    return [(_schedule(row), _published(row["published"])) for row in rows]


async def with_own_windows(session: AsyncSession, provider_id: UUID) -> int:
    """How many of a provider's schedules don't go by the provider's weekly hours."""
    columns = tables.schedules.c
    query = select(func.count()).where(
        columns.provider_id == provider_id, columns.withdrawn_at.is_(None), columns.windows.is_not(None)
    )
    return int(await session.scalar(query) or 0)


async def versions(session: AsyncSession) -> dict[UUID, int]:
    """Which schedules are not withdrawn, and the sequence in which each is published."""
    columns = tables.schedules.c
    query = select(columns.id, columns.sequence).where(columns.withdrawn_at.is_(None))
    return {row.id: row.sequence for row in await session.execute(query)}


async def published(session: AsyncSession, ids: Collection[UUID]) -> list[ScheduleState]:
    """What is published of schedules."""
    columns = tables.schedules.c
    rows = await session.scalars(select(columns.published).where(columns.id.in_(ids)))
    return [SchedulePublished.model_validate(row) for row in rows]


async def around(session: AsyncSession, provider_id: UUID, room_id: UUID | None) -> list[ScheduleState]:
    """What is published of a provider's schedules, and of all schedules that use a room."""
    columns = tables.schedules.c
    whose = columns.provider_id == provider_id
    if room_id is not None:
        whose = or_(whose, any_(columns.room_ids) == room_id)
    query = select(columns.published).where(columns.withdrawn_at.is_(None), whose).order_by(columns.id)
    return [SchedulePublished.model_validate(row) for row in await session.scalars(query)]


async def furthest_horizon(session: AsyncSession, provider_id: UUID) -> timedelta | None:
    """The longest horizon of a provider's schedules; None where there is none."""
    columns = tables.schedules.c
    query = select(columns.horizon).where(columns.provider_id == provider_id, columns.withdrawn_at.is_(None))
    longest: timedelta | None = await session.scalar(query.order_by(columns.horizon.desc()).limit(1))
    return longest


def _values(schedule: Schedule, published: ScheduleState) -> dict[str, Any]:
    def dumped(items: Collection[Window] | Collection[DayHours]) -> list[dict[str, Any]]:
        return [item.model_dump(mode="json") for item in items]

    return {
        **dump(schedule),
        "windows": None if schedule.windows is None else dumped(schedule.windows),
        "new_client_windows": dumped(schedule.new_client_windows),
        "overrides": dumped(schedule.overrides),
        "published": published.model_dump(mode="json"),
    }


def _schedule(row: RowMapping) -> Schedule:
    values = {field.name: row[field.name] for field in fields(Schedule)}
    windows = values["windows"]
    return Schedule(
        **{
            **values,
            "windows": None if windows is None else _windows(windows),
            "new_client_windows": _windows(values["new_client_windows"]),
            "overrides": tuple(DayHours.model_validate(item) for item in values["overrides"]),
            "room_ids": tuple(values["room_ids"]),
        }
    )


def _windows(items: list[Any]) -> tuple[Window, ...]:
    return tuple(Window.model_validate(item) for item in items)


def _published(value: Any) -> ScheduleState | None:
    return None if value is None else SchedulePublished.model_validate(value)
