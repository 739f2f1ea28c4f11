"""What notifications knows of the waitlist's offers."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications import tables
from services.notifications.domain.model import (
    Offer,
)
from shared.rows import dump, keep_newest, one


async def save(session: AsyncSession, tenant: UUID, offer: Offer) -> bool:
    """The same of an offer."""
    return await keep_newest(session, tables.offers, tenant, dump(offer))


async def find(session: AsyncSession, offer_id: UUID | None) -> Offer | None:
    return await one(session, Offer, select(tables.offers).where(tables.offers.c.id == offer_id))
