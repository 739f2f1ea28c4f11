"""Messages: planned, then sent or not."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import CTE, ColumnElement, Table, func, literal, select, tuple_, update
from sqlalchemy.dialects.postgresql import Insert
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.selectable import HasCTE
from uuid_utils.compat import uuid7

from services.notifications import tables
from services.notifications.domain.model import (
    ABOUT_A_BOOKED_VISIT,
    ABOUT_A_VISIT,
    FROM_A_PERSON,
    REPLIES,
    Message,
)
from shared import timers as clock
from shared.direct import Direct
from shared.errors import not_found
from shared.rows import bound, dump, every, named, one
from shared.telemetry import current_traceparent

SEND, LOOK_UP = "message.send", "message.look_up"


async def add(session: AsyncSession, tenant: UUID, message: Message, now: datetime) -> bool:
    """Keeps a message with its decision and, where it is to be sent, its timer.

    False, and nothing written, when this step of this plan or flow has its message already.
    """
    planned = message.status == "planned"
    decision = {
        "id": uuid7(),
        "outcome": "planned" if planned else "not_sent",
        "reason": message.reason,
        "until": message.due_at if planned else None,
        "at": now,
    }
    values = (
        named("message", {"tenant_id": tenant, **dump(message)})
        | named("decision", decision)
        | named("timer", {"traceparent": current_traceparent()})
    )
    return await _added(planned).scalar(session, values) is not None


@cache
def _added(planned: bool) -> Direct:
    """One statement instead of three: a booking has four messages, and of planning them round trips are the most."""
    message = bound("message", tables.messages.c)
    columns = tables.messages.c
    kept = upsert(tables.messages).values(message).on_conflict_do_nothing()
    added = kept.returning(columns.tenant_id, columns.id, columns.due_at).cte("added")
    shared = {name: message[name] for name in ("client_id", "outreach_id", "purpose")}
    own = bound("decision", [tables.decisions.c[name] for name in ("id", "outcome", "reason", "until", "at")])
    decision = {"tenant_id": added.c.tenant_id, "message_id": added.c.id, **shared, **own}
    parts: list[HasCTE] = [_with(tables.decisions, decision, added)]
    if planned:
        # The message is new: no timer of its own can be there.
        timer = {"tenant_id": added.c.tenant_id, "kind": literal(SEND), "key": added.c.id, "due_at": added.c.due_at}
        timer |= bound("timer", [tables.timers.c.traceparent])
        parts.append(_with(tables.timers, timer, added))
    return Direct(select(added.c.id).add_cte(*(part.cte() for part in parts)))


def _with(table: Table, values: Mapping[str, ColumnElement[Any]], added: CTE) -> Insert:
    """A row beside the message, if that was added."""
    return upsert(table).from_select(list(values), select(*values.values()).select_from(added))


async def save(session: AsyncSession, tenant: UUID, message: Message) -> None:
    values = dump(message)
    await session.execute(update(tables.messages).where(tables.messages.c.id == message.id).values(**values))
    if message.status == "planned":
        await clock.schedule(session, tables.timers, tenant, SEND, message.id, message.due_at)
    else:
        await clock.cancel(session, tables.timers, tenant, SEND, message.id)


async def get(session: AsyncSession, message_id: UUID, *, lock: bool = False) -> Message:
    """Raises Problem `message_not_found`."""
    query = select(tables.messages).where(tables.messages.c.id == message_id)
    found = await one(session, Message, query.with_for_update() if lock else query)
    if found is None:
        raise not_found("message")
    return found


async def planned(session: AsyncSession, where: ColumnElement[bool]) -> list[Message]:
    """Messages not sent yet that match, locked, in the order of their ids."""
    return await _locked(session, tables.messages.c.status == "planned", where)


async def under_way(session: AsyncSession, where: ColumnElement[bool]) -> list[Message]:
    """The same, with those that are sent and may still fail and go on by another channel."""
    return await _locked(session, tables.messages.c.status.in_(["planned", "sent"]), where)


async def _locked(session: AsyncSession, *where: ColumnElement[bool]) -> list[Message]:
    query = select(tables.messages).where(*where).order_by(tables.messages.c.id).with_for_update()
    return await every(session, Message, query)


def of_visit(visit_id: UUID) -> ColumnElement[bool]:
    columns = tables.messages.c
    return (columns.appointment_id == visit_id) & columns.purpose.in_(ABOUT_A_VISIT)


def asking(client_ids: Sequence[UUID]) -> ColumnElement[bool]:
    """Those that ask something of these clients."""
    columns = tables.messages.c
    return columns.client_id.in_(client_ids) & (columns.purpose == "confirm_request")


def of_offer(offer_id: UUID) -> ColumnElement[bool]:
    return tables.messages.c.offer_id == offer_id


def of_outreach(outreach_id: UUID) -> ColumnElement[bool]:
    return tables.messages.c.outreach_id == outreach_id


async def page(
    session: AsyncSession, client_id: UUID, after: tuple[datetime, UUID] | None, limit: int
) -> list[Message]:
    columns = tables.messages.c
    query = select(tables.messages).where(columns.client_id == client_id)
    if after is not None:
        query = query.where(tuple_(columns.due_at, columns.id) > after)
    return await every(session, Message, query.order_by(columns.due_at, columns.id).limit(limit))


async def texts_since(session: AsyncSession, client_id: UUID, since: datetime) -> int:
    """Automated texts beyond reminders and replies that went out since then."""
    columns = tables.messages.c
    query = select(func.count()).where(
        columns.client_id == client_id,
        columns.channel == "sms",
        columns.sent_at > since,
        columns.purpose.not_in([*ABOUT_A_BOOKED_VISIT, *REPLIES, *FROM_A_PERSON]),
    )
    return int(await session.scalar(query) or 0)


async def arrived(
    session: AsyncSession,
    step: str,
    *,
    visit_id: UUID | None = None,
    sequence: int | None = None,
    outreach_id: UUID | None = None,
) -> bool | None:
    """Whether the message of a step has arrived, by whichever channel; None where there was none.

    Of a mail that was taken and has not bounced nobody says more than that.
    """
    columns = tables.messages.c
    query = select(columns.status, columns.channel).where(columns.step == step)
    if outreach_id is not None:
        query = query.where(columns.outreach_id == outreach_id)
    else:
        query = query.where(columns.appointment_id == visit_id, columns.appointment_sequence == sequence)
    found = (await session.execute(query)).all()
    return any(row.status == "delivered" or tuple(row) == ("sent", "email") for row in found) if found else None


async def look_up_at(session: AsyncSession, tenant: UUID, message_id: UUID, at: datetime) -> None:
    """Sets when the carrier is asked what became of a message."""
    await clock.schedule(session, tables.timers, tenant, LOOK_UP, message_id, at)


async def look_up_no_more(session: AsyncSession, tenant: UUID, message_id: UUID) -> None:
    await clock.cancel(session, tables.timers, tenant, LOOK_UP, message_id)
