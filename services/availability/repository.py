"""Every SQL statement of availability."""

from collections.abc import Collection
from dataclasses import fields
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import RowMapping, Table, insert, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from services.availability import tables
from services.availability.domain import AppointmentType, Location, Occupied, Practice, Provider, Schedule
from shared import outbox as events
from shared.contracts.availability import Window
from shared.contracts.envelope import Event
from shared.contracts.slots import Interval
from shared.errors import not_found
from shared.rows import dump, every, one

T = TypeVar("T")

Position = tuple[datetime, UUID]


async def _page(session: AsyncSession, model: type[T], table: Table, after: Position | None, limit: int) -> list[T]:
    """In the order of creation."""
    columns = table.c
    query = select(table).order_by(columns.created_at, columns.id).limit(limit)
    if after is not None:
        query = query.where(tuple_(columns.created_at, columns.id) > after)
    return await every(session, model, query)


async def save_practice(session: AsyncSession, practice: Practice) -> None:
    values = {"name": practice.name, "zone": practice.zone}
    await session.execute(
        upsert(tables.practices)
        .values(tenant_id=practice.id, **values)
        .on_conflict_do_update(index_elements=["tenant_id"], set_=values)
    )


async def practice(session: AsyncSession) -> Practice | None:
    """The one practice that this transaction sees."""
    columns = tables.practices.c
    return await one(session, Practice, select(columns.tenant_id.label("id"), columns.name, columns.zone))


async def add_provider(session: AsyncSession, tenant: UUID, new: Provider) -> None:
    await session.execute(insert(tables.providers).values(tenant_id=tenant, **dump(new)))


async def provider(session: AsyncSession, provider_id: UUID) -> Provider | None:
    return await one(session, Provider, select(tables.providers).where(tables.providers.c.id == provider_id))


async def providers_page(session: AsyncSession, after: Position | None, limit: int) -> list[Provider]:
    return await _page(session, Provider, tables.providers, after, limit)


async def add_location(session: AsyncSession, tenant: UUID, new: Location) -> None:
    await session.execute(insert(tables.locations).values(tenant_id=tenant, **dump(new)))


async def location(session: AsyncSession, location_id: UUID) -> Location | None:
    return await one(session, Location, select(tables.locations).where(tables.locations.c.id == location_id))


async def locations_page(session: AsyncSession, after: Position | None, limit: int) -> list[Location]:
    return await _page(session, Location, tables.locations, after, limit)


async def add_appointment_type(session: AsyncSession, tenant: UUID, new: AppointmentType) -> None:
    await session.execute(insert(tables.appointment_types).values(tenant_id=tenant, **dump(new)))


async def appointment_type(session: AsyncSession, type_id: UUID) -> AppointmentType | None:
    columns = tables.appointment_types.c
    return await one(session, AppointmentType, select(tables.appointment_types).where(columns.id == type_id))


async def appointment_types_page(session: AsyncSession, after: Position | None, limit: int) -> list[AppointmentType]:
    return await _page(session, AppointmentType, tables.appointment_types, after, limit)


async def unknown_providers(session: AsyncSession, ids: Collection[UUID]) -> set[UUID]:
    """Those of the ids that name no provider of the practice."""
    return await _unknown(session, tables.providers, ids)


async def unknown_locations(session: AsyncSession, ids: Collection[UUID]) -> set[UUID]:
    """Those of the ids that name no location of the practice."""
    return await _unknown(session, tables.locations, ids)


async def _unknown(session: AsyncSession, table: Table, ids: Collection[UUID]) -> set[UUID]:
    if not ids:
        return set()
    return set(ids) - set(await session.scalars(select(table.c.id).where(table.c.id.in_(ids))))


async def add_schedule(session: AsyncSession, tenant: UUID, new: Schedule) -> None:
    await session.execute(insert(tables.schedules).values(tenant_id=tenant, **_schedule_values(new)))


async def save_schedule(session: AsyncSession, changed: Schedule) -> None:
    statement = update(tables.schedules).where(tables.schedules.c.id == changed.id)
    await session.execute(statement.values(**_schedule_values(changed)))


async def schedule(session: AsyncSession, schedule_id: UUID, *, lock: bool = False) -> Schedule:
    """A schedule, withdrawn ones too. Raises Problem `schedule_not_found`."""
    query = select(tables.schedules).where(tables.schedules.c.id == schedule_id)
    row = (await session.execute(query.with_for_update() if lock else query)).mappings().one_or_none()
    if row is None:
        raise not_found("schedule")
    return _schedule(row)


async def schedules_page(
    session: AsyncSession, after: Position | None, limit: int, provider_id: UUID | None
) -> list[Schedule]:
    """Schedules that are not withdrawn, in the order of creation."""
    columns = tables.schedules.c
    query = select(tables.schedules).where(columns.withdrawn_at.is_(None))
    if provider_id is not None:
        query = query.where(columns.provider_id == provider_id)
    if after is not None:
        query = query.where(tuple_(columns.created_at, columns.id) > after)
    query = query.order_by(columns.created_at, columns.id).limit(limit)
    return [_schedule(row) for row in (await session.execute(query)).mappings()]


async def schedules_of_type(
    session: AsyncSession,
    appointment_type_id: UUID,
    provider_ids: Collection[UUID],
    location_ids: Collection[UUID],
    modality: str | None,
) -> list[Schedule]:
    """Schedules that are not withdrawn; an empty collection restricts nothing."""
    columns = tables.schedules.c
    query = select(tables.schedules).where(
        columns.appointment_type_id == appointment_type_id, columns.withdrawn_at.is_(None)
    )
    if provider_ids:
        query = query.where(columns.provider_id.in_(provider_ids))
    if location_ids:
        query = query.where(columns.location_id.in_(location_ids))
    if modality is not None:
        query = query.where(columns.modality == modality)
    return [_schedule(row) for row in (await session.execute(query)).mappings()]


async def save_occupied(session: AsyncSession, tenant: UUID, visit: Occupied) -> None:
    """Keeps the newest state of a visit, in whatever order and however often states arrive."""
    values = dump(visit)
    await session.execute(
        upsert(tables.occupied)
        .values(tenant_id=tenant, **values)
        .on_conflict_do_update(
            index_elements=["tenant_id", "appointment_id"],
            set_=values,
            where=tables.occupied.c.sequence < visit.sequence,
        )
    )


async def busy(
    session: AsyncSession, provider_ids: Collection[UUID], begin: datetime, end: datetime
) -> list[tuple[UUID, Interval]]:
    """Occupied times of providers that touch `[begin, end)`.

    Plain comparisons, since row-level security keeps `&&` of ranges out of an index: it isn't leakproof.
    """
    columns = tables.occupied.c
    rows = await session.execute(
        select(columns.provider_id, columns.occupied_from, columns.occupied_to).where(
            columns.provider_id.in_(provider_ids),
            columns.free.is_(False),
            columns.occupied_to > begin,
            columns.occupied_from < end,
        )
    )
    return [(provider_id, (occupied_from, occupied_to)) for provider_id, occupied_from, occupied_to in rows]


async def record(session: AsyncSession, tenant: UUID, event: Event, now: datetime) -> None:
    await events.record(session, tables.outbox, tenant, [event], now)


def _schedule_values(schedule: Schedule) -> dict[str, Any]:
    return {**dump(schedule), "windows": [window.model_dump(mode="json") for window in schedule.windows]}


def _schedule(row: RowMapping) -> Schedule:
    values = {field.name: row[field.name] for field in fields(Schedule)}
    return Schedule(**{**values, "windows": tuple(Window.model_validate(window) for window in row["windows"])})
