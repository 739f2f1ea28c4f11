"""Practices, providers, locations, rooms and appointment types."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import RowMapping, Table, insert, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from services.availability import tables
from services.availability.domain.practice import AppointmentType, Location, Practice, Provider, Room
from shared import outbox as events
from shared.contracts.availability import Travel, Window
from shared.contracts.envelope import Event
from shared.errors import not_found
from shared.rows import dump, every, load, one

T = TypeVar("T")

Position = tuple[datetime, UUID]


async def page(session: AsyncSession, model: type[T], table: Table, after: Position | None, limit: int) -> list[T]:
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


async def ids(session: AsyncSession) -> list[UUID]:
    """Every practice that this transaction sees; one over every tenant sees them all."""
    return list(await session.scalars(select(tables.practices.c.tenant_id).order_by(tables.practices.c.tenant_id)))


async def add_provider(session: AsyncSession, tenant: UUID, new: Provider) -> None:
    await session.execute(insert(tables.providers).values(tenant_id=tenant, absences_sequence=0, **_of_provider(new)))


async def save_provider(session: AsyncSession, changed: Provider) -> None:
    statement = update(tables.providers).where(tables.providers.c.id == changed.id)
    await session.execute(statement.values(**_of_provider(changed)))


async def provider(session: AsyncSession, provider_id: UUID, *, lock: bool = False) -> Provider:
    """Raises Problem `provider_not_found`. Locked: nobody else changes anything that is published of them."""
    query = select(tables.providers).where(tables.providers.c.id == provider_id)
    row = (await session.execute(query.with_for_update() if lock else query)).mappings().one_or_none()
    if row is None:
        raise not_found("provider")
    return _provider(row)


async def hold_provider(session: AsyncSession, *provider_ids: UUID) -> None:
    """Keeps a provider's absences, and what is told of their time, as they are until the transaction ends."""
    column = tables.providers.c.id
    await session.execute(
        select(column).where(column.in_(provider_ids)).order_by(column).with_for_update(key_share=True)
    )


async def provider_ids(session: AsyncSession) -> list[UUID]:
    """All providers, in the order in which they are to be locked."""
    return list(await session.scalars(select(tables.providers.c.id).order_by(tables.providers.c.id)))


async def providers_page(session: AsyncSession, after: Position | None, limit: int) -> list[Provider]:
    columns = tables.providers.c
    query = select(tables.providers).order_by(columns.created_at, columns.id).limit(limit)
    if after is not None:
        query = query.where(tuple_(columns.created_at, columns.id) > after)
    return [_provider(row) for row in (await session.execute(query)).mappings()]


async def next_absences(session: AsyncSession, provider_id: UUID) -> int:
    """The sequence of the next word about a provider's absences."""
    columns = tables.providers.c
    statement = (
        update(tables.providers)
        .where(columns.id == provider_id)
        .values(absences_sequence=columns.absences_sequence + 1)
        .returning(columns.absences_sequence)
    )
    return int((await session.execute(statement)).scalar_one())


async def add_location(session: AsyncSession, tenant: UUID, new: Location) -> None:
    await session.execute(insert(tables.locations).values(tenant_id=tenant, **dump(new)))


async def location(session: AsyncSession, location_id: UUID) -> Location | None:
    return await one(session, Location, select(tables.locations).where(tables.locations.c.id == location_id))


async def locations_page(session: AsyncSession, after: Position | None, limit: int) -> list[Location]:
    return await page(session, Location, tables.locations, after, limit)


async def add_room(session: AsyncSession, tenant: UUID, new: Room) -> None:
    await session.execute(insert(tables.rooms).values(tenant_id=tenant, **dump(new)))


async def rooms_page(session: AsyncSession, after: Position | None, limit: int) -> list[Room]:
    return await page(session, Room, tables.rooms, after, limit)


async def rooms_at(session: AsyncSession, location_id: UUID, ids: Collection[UUID]) -> set[UUID]:
    """Those of the ids that are rooms of a location."""
    columns = tables.rooms.c
    query = select(columns.id).where(columns.location_id == location_id, columns.id.in_(ids))
    return set(await session.scalars(query))


async def add_appointment_type(session: AsyncSession, tenant: UUID, new: AppointmentType) -> None:
    await session.execute(insert(tables.appointment_types).values(tenant_id=tenant, **dump(new)))


async def appointment_type(session: AsyncSession, type_id: UUID) -> AppointmentType | None:
    columns = tables.appointment_types.c
    return await one(session, AppointmentType, select(tables.appointment_types).where(columns.id == type_id))


async def appointment_types_page(session: AsyncSession, after: Position | None, limit: int) -> list[AppointmentType]:
    return await page(session, AppointmentType, tables.appointment_types, after, limit)


async def ids_of(session: AsyncSession, table: Table) -> frozenset[UUID]:
    """The ids of all rows that this transaction sees."""
    return frozenset(await session.scalars(select(table.c.id)))


async def intakes(session: AsyncSession) -> dict[UUID, bool]:
    """All appointment types: whether each is a first visit."""
    columns = tables.appointment_types.c
    rows = await session.execute(select(columns.id, columns.intake))
    return {row.id: row.intake for row in rows}


async def record(session: AsyncSession, tenant: UUID, event: Event, now: datetime) -> None:
    await events.record(session, tables.outbox, tenant, [event], now)


def _of_provider(provider: Provider) -> dict[str, Any]:
    contracts = {
        name: [item.model_dump(mode="json") for item in getattr(provider, name)]
        for name in ("windows", "new_client_windows", "travels")
    }
    return {**dump(provider), **contracts}


def _provider(row: RowMapping) -> Provider:
    return load(
        Provider,
        {
            **row,
            "windows": [Window.model_validate(item) for item in row["windows"]],
            "new_client_windows": [Window.model_validate(item) for item in row["new_client_windows"]],
            "travels": [Travel.model_validate(item) for item in row["travels"]],
        },
    )
