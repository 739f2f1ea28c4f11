"""Private feeds."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.domain.appointments import Appointment
from services.booking.domain.calendars import LOOK_AHEAD, LOOK_BACK, MOST, Feed, unknown
from services.booking.tables import appointments, calendars
from shared.rows import dump, every, one


async def add(session: AsyncSession, tenant: UUID, feed: Feed) -> None:
    await session.execute(insert(calendars).values(tenant_id=tenant, **dump(feed)))


async def get(session: AsyncSession, feed_id: UUID) -> Feed:
    """Raises Problem `calendar_not_found`."""
    found = await one(session, Feed, select(calendars).where(calendars.c.id == feed_id))
    if found is None:
        raise unknown()
    return found


async def by_token(session: AsyncSession, token_hash: bytes) -> Feed:
    """Raises Problem `calendar_not_found`, for one that was revoked too."""
    columns = calendars.c
    query = select(calendars).where(columns.token_hash == token_hash, columns.revoked_at.is_(None))
    found = await one(session, Feed, query)
    if found is None:
        raise unknown()
    return found


async def of(session: AsyncSession, provider_id: UUID | None, client_id: UUID | None) -> list[Feed]:
    """Feeds of a provider or a client, or all; revoked ones too, in order."""
    columns = calendars.c
    query = select(calendars).order_by(columns.created_at, columns.id).limit(1000)
    if provider_id is not None:
        query = query.where(columns.provider_id == provider_id)
    if client_id is not None:
        query = query.where(columns.client_id == client_id)
    return await every(session, Feed, query)


async def revoke(session: AsyncSession, feed_id: UUID, now: datetime) -> None:
    columns = calendars.c
    query = update(calendars).where(columns.id == feed_id, columns.revoked_at.is_(None))
    await session.execute(query.values(revoked_at=now))


async def visits(session: AsyncSession, feed: Feed, now: datetime) -> list[Appointment]:
    """The visits in a feed: those that stand, from a month ago until a year from now, in order."""
    columns = appointments.c
    whose = columns.client_id == feed.client_id if feed.client_id else columns.provider_id == feed.provider_id
    query = select(appointments).where(
        whose,
        columns.status.not_in(("cancelled", "entered-in-error")),
        columns.start >= now - LOOK_BACK,
        columns.start < now + LOOK_AHEAD,
    )
    return await every(session, Appointment, query.order_by(columns.start, columns.id).limit(MOST))
