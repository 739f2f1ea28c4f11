"""Planning a message, and dropping one: each with its decision on record."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications import repository
from services.notifications.domain.model import Message, Preferences
from shared.contracts.notifications import Channel
from shared.telemetry import current_traceparent

UNKNOWN = "outcome_unknown"
"""A vendor was asked, and only a report of theirs can say whether they have the message."""


async def plan_message(session: AsyncSession, tenant: UUID, message: Message, now: datetime) -> Message | None:
    """Keeps a message and sets its timer; None when its step has one already."""
    planned = await plan_all(session, tenant, [message], now)
    return planned[0] if planned else None


async def plan_all(session: AsyncSession, tenant: UUID, messages: Sequence[Message], now: datetime) -> list[Message]:
    """Keeps messages and sets their timers; those whose step hadn't one yet."""
    parent = current_traceparent()
    planned = [replace(message, traceparent=parent) for message in messages]
    added = await repository.messages.add(session, tenant, planned, now)
    return [message for message in planned if message.id in added]


async def by_wish(session: AsyncSession, message: Message, wished: Preferences | None) -> Message:
    """By the channels that the client wishes; it doesn't go back to one by which it has failed."""
    changed = message.by(wished) if wished else message
    failed = await repository.messages.failed_channels(session, message)
    return replace(changed, channels=tuple(one for one in changed.channels if one not in failed))


async def drop(session: AsyncSession, tenant: UUID, message: Message, reason: str, now: datetime) -> None:
    """A planned message that is not to be sent any more. What a vendor may have already is on record as that."""
    if await repository.hand_overs.find(session, message.id) is not None:
        reason = UNKNOWN
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
