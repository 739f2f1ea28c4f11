"""Holds; the row goes when the hold ends."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.domain.holds import Hold
from services.booking.tables import holds, timers
from shared import timers as clock
from shared.errors import not_found
from shared.rows import dump, one

EXPIRE = "hold.expire"


async def add(session: AsyncSession, tenant: UUID, kept: Hold) -> None:
    await session.execute(insert(holds).values(tenant_id=tenant, **dump(kept)))
    await clock.schedule(session, timers, tenant, EXPIRE, kept.id, kept.expires_at)


async def get(session: AsyncSession, hold_id: UUID, *, lock: bool = False) -> Hold:
    """Raises Problem `hold_not_found`, for one that has ended too."""
    found = await find(session, hold_id, lock=lock)
    if found is None:
        raise not_found("hold", "There is no such hold, or it has ended; choose the slot again.")
    return found


async def find(session: AsyncSession, hold_id: UUID, *, lock: bool = False) -> Hold | None:
    query = select(holds).where(holds.c.id == hold_id)
    return await one(session, Hold, query.with_for_update() if lock else query)


async def extend(session: AsyncSession, tenant: UUID, kept: Hold) -> None:
    await session.execute(update(holds).where(holds.c.id == kept.id).values(dump(kept)))
    await clock.schedule(session, timers, tenant, EXPIRE, kept.id, kept.expires_at)


async def end(session: AsyncSession, tenant: UUID, hold_id: UUID) -> Hold | None:
    """Removes a hold; None when it had ended already."""
    ended = await one(session, Hold, delete(holds).where(holds.c.id == hold_id).returning(holds))
    if ended is not None:
        await clock.cancel(session, timers, tenant, EXPIRE, hold_id)
    return ended


async def live_of_nobody(session: AsyncSession, now: datetime) -> int:
    """How many slots are kept without a client."""
    query = select(func.count()).where(holds.c.client_id.is_(None), holds.c.expires_at > now)
    return int(await session.scalar(query) or 0)


async def live_of(session: AsyncSession, client_id: UUID, now: datetime) -> int:
    """How many slots are kept for a client."""
    query = select(func.count()).where(holds.c.client_id == client_id, holds.c.expires_at > now)
    return int(await session.scalar(query) or 0)
