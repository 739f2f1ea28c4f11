"""Messages of which a vendor has been asked and the outcome is not known yet."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications import tables
from shared.contracts.notifications import Channel


async def begin(
    session: AsyncSession, tenant: UUID, message_id: UUID, channel: Channel, vendor: str, now: datetime
) -> str:
    """Which vendor is to be asked: this one or, if there is one already, the one that was asked before."""
    values = {"message_id": message_id, "channel": channel, "vendor": vendor, "begun_at": now}
    await session.execute(upsert(tables.hand_overs).values(tenant_id=tenant, **values).on_conflict_do_nothing())
    columns = tables.hand_overs.c
    asked = await session.scalar(select(columns.vendor).where(columns.message_id == message_id))
    return str(asked)


async def channel(session: AsyncSession, message_id: UUID) -> Channel | None:
    """By which channel somebody was asked and has not answered."""
    columns = tables.hand_overs.c
    found: Channel | None = await session.scalar(select(columns.channel).where(columns.message_id == message_id))
    return found


async def among(session: AsyncSession, message_ids: Collection[UUID]) -> set[UUID]:
    """Those of these messages of which somebody was asked and has not answered."""
    column = tables.hand_overs.c.message_id
    return set(await session.scalars(select(column).where(column.in_(message_ids))))


async def end(session: AsyncSession, message_id: UUID) -> None:
    await session.execute(delete(tables.hand_overs).where(tables.hand_overs.c.message_id == message_id))
