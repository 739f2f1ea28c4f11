"""Series; their visits are appointments."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.domain.appointments import Appointment
from services.booking.domain.series import Series
from services.booking.tables import appointments, schedules, series
from shared.errors import not_found
from shared.rows import dump, every, one


async def add(session: AsyncSession, tenant: UUID, new: Series) -> None:
    await session.execute(insert(series).values(tenant_id=tenant, **dump(new)))


async def get(session: AsyncSession, series_id: UUID) -> Series:
    """Raises Problem `series_not_found`."""
    found = await one(session, Series, select(series).where(series.c.id == series_id))
    if found is None:
        raise not_found("series")
    return found


async def visits(session: AsyncSession, series_id: UUID) -> list[Appointment]:
    """Every visit of a series by start."""
    query = select(appointments).where(appointments.c.series_id == series_id)
    return await every(session, Appointment, query.order_by(appointments.c.start, appointments.c.id))


async def lock_visits(session: AsyncSession, series_id: UUID) -> list[Appointment]:
    """The visits that can still change, locked by id, the order of whoever locks several."""
    columns = appointments.c
    query = select(appointments).where(columns.series_id == series_id, columns.status.in_(("booked", "arrived")))
    return await every(session, Appointment, query.order_by(columns.id).with_for_update())


async def zones(session: AsyncSession, schedule_ids: Collection[UUID]) -> dict[UUID, str]:
    """The wall clocks of schedules, of those that are withdrawn too."""
    query = select(schedules.c.id, schedules.c.rules["zone"].astext).where(schedules.c.id.in_(schedule_ids))
    return dict((await session.execute(query)).all())
