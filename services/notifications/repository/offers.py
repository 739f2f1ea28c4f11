"""What notifications knows of the waitlist's offers."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications import tables
from services.notifications.domain.model import (
    Offer,
)
from shared.rows import dump, every, keep_newest


async def save(session: AsyncSession, tenant: UUID, offer: Offer) -> bool:
    """The same of an offer."""
    return await keep_newest(session, tables.offers, tenant, dump(offer))


async def among(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID | None, Offer]:
    """Those of these ids that are known."""
    if not ids:
        return {}
    query = select(tables.offers).where(tables.offers.c.id.in_(ids))
    return {found.id: found for found in await every(session, Offer, query)}
