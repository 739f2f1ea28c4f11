"""Why something was sent, put off or not sent."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from services.notifications import tables
from services.notifications.domain.model import Message
from services.notifications.domain.rules import rule_of
from shared.contracts.notifications import Channel
from shared.rows import insert_row


async def add(session: AsyncSession, tenant: UUID, **values: Any) -> None:
    await insert_row(session, tables.decisions, {"tenant_id": tenant, "id": uuid7(), **values})


async def last(session: AsyncSession, message: Message) -> tuple[str, str | None] | None:
    """Outcome and reason of the newest decision about a message, looked for among those about its client."""
    columns = tables.decisions.c
    about = (columns.client_id == message.client_id) & (columns.message_id == message.id)
    query = select(columns.outcome, columns.reason).where(about)
    found = (await session.execute(query.order_by(columns.at.desc(), columns.id.desc()).limit(1))).one_or_none()
    return None if found is None else (found.outcome, found.reason)


async def waits_since(session: AsyncSession, message: Message, channel: Channel | None = None) -> datetime | None:
    """When a message first waited, or did so for a carrier of this channel."""
    columns = tables.decisions.c
    about = (columns.client_id == message.client_id) & (columns.message_id == message.id)
    query = select(func.min(columns.at)).where(about, columns.outcome == "waiting")
    if channel is not None:
        query = query.where(columns.reason.regexp_match(OF_CARRIERS[channel]))
    found: datetime | None = await session.scalar(query)
    return found


OF_CARRIERS: dict[Channel, str] = {"sms": "^sms_", "voice": "^voice_", "email": "^(smtp|email|mail_server)_"}
"""Reasons that carriers give, with their codes."""
_MESSAGES = tables.messages.c
_BEFORE = tables.messages.alias("before")
_SAME_STEP = ("tenant_id", "appointment_id", "appointment_sequence", "step")
_OF_STEP = (
    select(func.max(_BEFORE.c.plan_version))
    .where(
        _MESSAGES.outreach_id.is_(None),
        _BEFORE.c.outreach_id.is_(None),
        *(_BEFORE.c[name] == _MESSAGES[name] for name in _SAME_STEP),
    )
    .correlate(tables.messages)
    .scalar_subquery()
)
"""The version of the plan from the first message of a step, where this one goes on by another channel."""
_SHOWN = (
    select(
        tables.decisions,
        tables.messages.c.appointment_id,
        tables.messages.c.step,
        tables.messages.c.due_at,
        tables.messages.c.sent_at,
        tables.messages.c.delivered_at,
        tables.messages.c.vendor,
        func.coalesce(_MESSAGES.plan_version, _OF_STEP).label("plan_version"),
        tables.outreach.c.flow_version,
        func.coalesce(tables.messages.c.traceparent, tables.outreach.c.traceparent).label("traceparent"),
    )
    .outerjoin(
        tables.messages,
        (tables.messages.c.tenant_id == tables.decisions.c.tenant_id)
        & (tables.messages.c.id == tables.decisions.c.message_id),
    )
    .outerjoin(
        tables.outreach,
        (tables.outreach.c.tenant_id == tables.decisions.c.tenant_id)
        & (tables.outreach.c.id == tables.decisions.c.outreach_id),
    )
)
"""Decisions, each with the message that it is about."""


async def page(
    session: AsyncSession,
    client_id: UUID,
    after: tuple[datetime, UUID] | None,
    limit: int,
    appointment_id: UUID | None = None,
) -> list[dict[str, Any]]:
    """The oldest first; of one visit, with those about its outreach. Each has the rule that its reason falls under."""
    columns = tables.decisions.c
    query = _SHOWN.where(columns.client_id == client_id)
    if appointment_id is not None:
        of_message = tables.messages.c.appointment_id == appointment_id
        query = query.where(of_message | (tables.outreach.c.appointment_id == appointment_id))
    if after is not None:
        query = query.where(tuple_(columns.at, columns.id) > after)
    return await _shown(session, query.order_by(columns.at, columns.id).limit(limit))


async def latest(
    session: AsyncSession, client_id: UUID, most: int, before: tuple[datetime, UUID] | None = None
) -> list[dict[str, Any]]:
    """The newest first."""
    columns = tables.decisions.c
    query = _SHOWN.where(columns.client_id == client_id)
    if before is not None:
        query = query.where(tuple_(columns.at, columns.id) < before)
    return await _shown(session, query.order_by(columns.at.desc(), columns.id.desc()).limit(most))


async def _shown(session: AsyncSession, query: Select[Any]) -> list[dict[str, Any]]:
    rows = (await session.execute(query)).mappings()
    return [{**row, "rule": rule_of(row["reason"])} for row in rows]
