"""What is kept of a message that a carrier has: that it went, why, its event, and what it asks."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications import repository
from services.notifications.clients import HandedOver
from services.notifications.domain.model import Message, Visit, message_event
from services.notifications.domain.questions import question
from services.notifications.use_cases.messages import decided

LOOK_UP_AFTER = (timedelta(minutes=10), timedelta(hours=1), timedelta(hours=6))
"""Without a report for so long since it went, the carrier is asked."""


def look_up_at(message: Message, now: datetime) -> datetime | None:
    """When to ask what became of a message that has gone; of mails nobody reports that they arrived."""
    return None if message.channel == "email" else now + LOOK_UP_AFTER[0]


async def keep_sent(
    session: AsyncSession,
    tenant: UUID,
    message: Message,
    given: HandedOver,
    address: str,
    visit: Visit | None,
    now: datetime,
) -> Message:
    """The message as sent to this address."""
    if given.channel not in message.channels:
        # By the client's wish, now or then: the others are next, should this one not arrive.
        message = replace(message, channels=(given.channel, *message.channels))
    sent = message.sent(given.channel, given.vendor, given.carrier_id, address, now)
    await repository.messages.save(session, tenant, sent)
    await repository.hand_overs.end(session, message.id)
    if (at := look_up_at(sent, now)) is not None:
        await repository.messages.look_up_at(session, tenant, message.id, at)
    await repository.record(session, tenant, [message_event(sent)], now)
    await decided(session, tenant, sent, "sent", now, channel=sent.channel)
    if given.channel == "sms" and (asks := question(message, address, visit, now)) is not None:
        await repository.questions.ask(session, tenant, asks)
    return sent
