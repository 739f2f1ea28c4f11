"""Planning a message, and dropping one: each with its decision on record."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications import repository
from services.notifications.domain.model import Message
from shared.contracts.notifications import Channel
from shared.telemetry import current_traceparent


async def plan_message(session: AsyncSession, tenant: UUID, message: Message, now: datetime) -> Message | None:
    """Keeps a message and sets its timer; None when its step has one already."""
    message = replace(message, traceparent=current_traceparent())
    return message if await repository.messages.add(session, tenant, message, now) else None


async def drop(session: AsyncSession, tenant: UUID, message: Message, reason: str, now: datetime) -> None:
    """A planned message that is not to be sent any more."""
    await repository.messages.save(session, tenant, message.not_sent(message.channel, reason))
    await decided(session, tenant, message, "not_sent", now, reason=reason)


async def decided(
    session: AsyncSession,
    tenant: UUID,
    message: Message,
    outcome: str,
    now: datetime,
    *,
    channel: Channel | None = None,
    reason: str | None = None,
    until: datetime | None = None,
) -> None:
    """Records why: the answer to "why was this client (not) messaged?"."""
    await repository.decisions.add(
        session,
        tenant,
        client_id=message.client_id,
        message_id=message.id,
        outreach_id=message.outreach_id,
        purpose=message.purpose,
        channel=channel,
        outcome=outcome,
        reason=reason,
        until=until,
        at=now,
    )
