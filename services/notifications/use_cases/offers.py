"""Following the offers of the waitlist: whoever is offered a freed time hears of it at once."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications import repository
from services.notifications.domain.model import Offer
from services.notifications.domain.plans import new_message
from services.notifications.use_cases.messages import drop, plan_message
from shared.contracts.waitlist import OfferState
from shared.telemetry import annotate, use_case


@use_case
async def follow_offer(session: AsyncSession, *, tenant: UUID, state: OfferState, now: datetime) -> None:
    """Plans the message of an open offer, and drops it when the offer has ended before it went."""
    offer = Offer.of(state)
    annotate(offer_id=offer.id, client_id=offer.client_id)
    await repository.clients.lock(session, offer.client_id)
    if not await repository.offers.save(session, tenant, offer):
        return
    if offer.fate == "open":
        message = new_message(
            client_id=offer.client_id,
            purpose="waitlist_offer",
            step=f"offer.{offer.id}",
            channels=("sms", "email"),
            due_at=now,
            offer_id=offer.id,
        )
        await plan_message(session, tenant, message, now)
        return
    for message in await repository.messages.planned(session, repository.messages.of_offer(offer.id)):
        await drop(session, tenant, message, "offer_over", now)
