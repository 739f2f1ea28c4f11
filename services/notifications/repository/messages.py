"""Messages: planned, then sent or not."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Integer,
    all_,
    bindparam,
    case,
    cast,
    delete,
    func,
    literal,
    select,
    tuple_,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from services.notifications import tables
from services.notifications.domain.model import (
    ABOUT_A_VISIT,
    ASKING,
    OUTSIDE_QUOTA,
    Message,
    Visit,
)
from services.notifications.domain.outreach import OF_FLOW
from services.notifications.repository.decisions import OF_CARRIERS
from shared import timers as clock
from shared.contracts.notifications import Channel
from shared.direct import Direct
from shared.errors import not_found
from shared.rows import dump, every, find, given, is_among, many, update_row

SEND, LOOK_UP = "message.send", "message.look_up"


async def add(session: AsyncSession, tenant: UUID, messages: Sequence[Message], now: datetime) -> set[UUID]:
    """Keeps messages, each with its decision and, where it is to be sent, its timer.

    The ids of those that are new: where a step of a plan or flow has its message already nothing is written.
    """
    if not messages:
        return set()
    rows = [{"tenant_id": tenant, **dump(message)} for message in messages]
    decisions = [{"message_id": message.id, "id": uuid7()} for message in messages]
    found = await _added().rows(session, {"message": many(rows), "decision": many(decisions), "now": now})
    return {row["id"] for row in found}


@cache
def _added() -> Direct:
    """One statement, however many there are: of planning a booking's four messages round trips are the most."""
    names = [column.name for column in tables.messages.c]
    message = given("message", tables.messages.c)
    kept = upsert(tables.messages).from_select(names, select(*(message.c[name] for name in names)))
    added = kept.on_conflict_do_nothing().returning(*tables.messages.c).cte("added")
    decision = given("decision", [tables.decisions.c.message_id, tables.decisions.c.id])
    planned = added.c.status == "planned"
    why = select(
        added.c.tenant_id,
        decision.c.id,
        added.c.client_id,
        added.c.id,
        added.c.outreach_id,
        added.c.purpose,
        added.c.status,
        added.c.reason,
        case((planned, added.c.due_at)),
        bindparam("now", type_=tables.decisions.c.at.type),
    ).join_from(added, decision, decision.c.message_id == added.c.id)
    # The message is new: no timer of its own can be there.
    when = select(added.c.tenant_id, literal(SEND), added.c.id, added.c.due_at, added.c.traceparent).where(planned)
    told = "tenant_id", "id", "client_id", "message_id", "outreach_id", "purpose", "outcome", "reason", "until", "at"
    parts = (
        upsert(tables.decisions).from_select(told, why),
        upsert(tables.timers).from_select(["tenant_id", "kind", "key", "due_at", "traceparent"], when),
    )
    return Direct(select(added.c.id).add_cte(*(part.cte() for part in parts)))


async def save(session: AsyncSession, tenant: UUID, message: Message) -> None:
    """What is planned still keeps the channels that it was planned with: a client's wish is asked for at each try."""
    values = dump(message)
    if message.status == "planned":
        del values["channels"]
    await update_row(session, tables.messages, values)
    if message.status == "planned":
        await clock.schedule(session, tables.timers, tenant, SEND, message.id, message.due_at)
    else:
        await clock.cancel(session, tables.timers, tenant, SEND, message.id)


async def save_sent(
    session: AsyncSession,
    tenant: UUID,
    sent: Sequence[Message],
    decisions: Sequence[Mapping[str, Any]],
    look_ups: Mapping[UUID, datetime],
) -> None:
    """Messages that have gone, why, and when their carriers are asked what became of them; their own timers are the
    caller's.
    """
    if not sent:
        return
    rows = [{"tenant_id": tenant, **dump(message)} for message in sent]
    why = [{"tenant_id": tenant, "id": uuid7(), "outreach_id": None, "until": None, **one} for one in decisions]
    asked = [
        {
            "tenant_id": tenant,
            "kind": LOOK_UP,
            "key": message.id,
            "due_at": look_ups[message.id],
            "traceparent": message.traceparent,
        }
        for message in sent
        if message.id in look_ups
    ]
    values = {"message": many(rows), "decision": many(why), "timer": many(asked)}
    await _kept_sent().rows(session, values)


@cache
def _kept_sent() -> Direct:
    columns = tables.messages.c
    message = given("message", columns)
    changed = {name: message.c[name] for name in ("channels", "channel", "status", "sequence", "reason", "sent_at")}
    changed |= {name: message.c[name] for name in ("carrier_id", "vendor", "address")}
    kept = update(tables.messages).where(columns.id == message.c.id).values(changed).returning(columns.id).cte("kept")
    decision = given("decision", tables.decisions.c)
    told = [column.name for column in tables.decisions.c]
    timer = given("timer", [tables.timers.c[name] for name in _OF_TIMER])
    parts = (
        upsert(tables.decisions).from_select(told, select(*(decision.c[name] for name in told))),
        clock.all_set_or_moved(tables.timers, _OF_TIMER, select(*(timer.c[name] for name in _OF_TIMER))),
        delete(tables.hand_overs).where(tables.hand_overs.c.message_id.in_(select(kept.c.id))),
    )
    return Direct(select(func.count()).select_from(kept).add_cte(*(part.cte() for part in parts)))


_OF_TIMER = ("tenant_id", "kind", "key", "due_at", "traceparent")


async def get(session: AsyncSession, message_id: UUID, *, lock: bool = False) -> Message:
    """Raises Problem `message_not_found`."""
    found = await find(session, Message, tables.messages, message_id, lock=lock)
    if found is None:
        raise not_found("message")
    return found


async def known(session: AsyncSession, message_id: UUID) -> Message | None:
    """Locked; None where there is no such message."""
    return await find(session, Message, tables.messages, message_id, lock=True)


async def is_planned(session: AsyncSession, client_id: UUID, step: str) -> bool:
    """Whether a step of this client has its message already, sent or not."""
    columns = tables.messages.c
    query = select(columns.id).where(columns.client_id == client_id, columns.step == step).limit(1)
    return await session.scalar(query) is not None


async def failed_channels(session: AsyncSession, message: Message) -> set[Channel]:
    """By which the message of this step has failed already, or which have refused it while it waits for another; and
    those with which another of its messages begins, since that is what each has for its own.
    """
    values = {name: getattr(message, name) for name in ("id", "client_id", *_OF_STEP)}
    return {row["channel"] for row in await _FAILED.rows(session, values)}


_OF_STEP = ("appointment_id", "appointment_sequence", "outreach_id", "offer_id", "step")
_PARAMETERS = {name: bindparam(name, type_=tables.messages.c[name].type) for name in ("id", "client_id", *_OF_STEP)}
_WHY = tables.decisions.c
_FAILED = Direct(
    select(tables.messages.c.channel)
    .where(
        tables.messages.c.client_id == _PARAMETERS["client_id"],
        tables.messages.c.status == "failed",
        *(tables.messages.c[name].is_not_distinct_from(_PARAMETERS[name]) for name in _OF_STEP),
    )
    .union(
        select(tables.messages.c.channels[1]).where(
            tables.messages.c.client_id == _PARAMETERS["client_id"],
            tables.messages.c.id != _PARAMETERS["id"],
            *(tables.messages.c[name].is_not_distinct_from(_PARAMETERS[name]) for name in _OF_STEP),
        ),
        select(_WHY.channel).where(
            _WHY.client_id == _PARAMETERS["client_id"],
            _WHY.message_id == _PARAMETERS["id"],
            _WHY.outcome == "channel_closed",
            _WHY.reason.regexp_match(
                "|".join(("^(no_words|words_unfit|address_malformed|text_too_long)$", *OF_CARRIERS.values()))
            ),
        ),
    )
)


_FREE = Direct(
    select(tables.messages)
    .where(is_among(tables.messages.c.id, "ids"), tables.messages.c.status == "planned")
    .order_by(tables.messages.c.id)
    .with_for_update(skip_locked=True)
)


async def free(session: AsyncSession, ids: Collection[UUID]) -> list[Message]:
    """Those of these that are planned, locked; one that somebody has in hand is left out."""
    return await every(session, Message, _FREE, {"ids": list(ids)})


async def carried(session: AsyncSession, client_ids: Collection[UUID], carrier_ids: Collection[str]) -> set[str]:
    """Those of these names that a carrier has for a message of one of these clients."""
    columns = tables.messages.c
    query = select(columns.carrier_id).where(columns.client_id.in_(client_ids), columns.carrier_id.in_(carrier_ids))
    return {name for name in await session.scalars(query) if name is not None}


async def planned(session: AsyncSession, where: ColumnElement[bool]) -> list[Message]:
    """Messages not sent yet that match, locked, in the order of their ids."""
    return await _locked(session, tables.messages.c.status == "planned", where)


async def whatever_became(session: AsyncSession, where: ColumnElement[bool]) -> list[Message]:
    """The same, with those that have gone, arrived or failed: what comes after them depends on it."""
    return await _locked(session, where)


async def _locked(session: AsyncSession, *where: ColumnElement[bool]) -> list[Message]:
    query = select(tables.messages).where(*where).order_by(tables.messages.c.id).with_for_update()
    return await every(session, Message, query)


def of_visit(visit: Visit, sequence: int | None = None) -> ColumnElement[bool]:
    """Of any version, or of one; looked for among its client's messages."""
    columns = tables.messages.c
    found = (columns.client_id == visit.client_id) & (columns.appointment_id == visit.id)
    found &= columns.purpose.in_(ABOUT_A_VISIT)
    return found if sequence is None else found & (columns.appointment_sequence == sequence)


def asking(client_ids: Sequence[UUID]) -> ColumnElement[bool]:
    """Those that ask something of these clients."""
    columns = tables.messages.c
    return columns.client_id.in_(client_ids) & columns.purpose.in_(ASKING)


def checking_in(client_id: UUID) -> ColumnElement[bool]:
    columns = tables.messages.c
    return (columns.client_id == client_id) & (columns.purpose == "check_in")


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


@cache
def _texts() -> Direct:
    columns, begun = tables.messages.c, tables.hand_overs.c
    counted = columns.purpose != all_(literal(sorted(OUTSIDE_QUOTA), ARRAY(columns.purpose.type)))
    of_them = is_among(columns.client_id, "clients")
    week, day = (bindparam(name, type_=columns.sent_at.type) for name in ("week", "day"))
    sent = select(columns.client_id, columns.sent_at.label("at")).where(
        of_them, columns.channel == "sms", columns.sent_at > week, counted
    )
    perhaps = select(columns.client_id, begun.begun_at.label("at")).where(
        of_them,
        columns.id == begun.message_id,
        columns.sent_at.is_(None),
        begun.channel == "sms",
        begun.begun_at > week,
        counted,
        ~is_among(columns.id, "asked"),
    )
    both = union_all(sent, perhaps).subquery()
    query = select(
        both.c.client_id,
        func.count().filter(both.c.at > day).label("day"),
        func.count().label("week"),
        func.max(both.c.at).label("last"),
    )
    return Direct(query.group_by(both.c.client_id))


async def texts_of(
    session: AsyncSession, asked: Collection[Message], day: datetime, week: datetime
) -> dict[UUID, tuple[int, int, datetime]]:
    """By client of these messages, how many automated texts count against the quota and went out since these two
    times, or may have: other ones than these; and when the last one did.
    """
    if not asked:
        return {}
    clients = {message.client_id for message in asked}
    values = {"clients": list(clients), "asked": [message.id for message in asked], "day": day, "week": week}
    return {row["client_id"]: (row["day"], row["week"], row["last"]) for row in await _texts().rows(session, values)}


async def has_lines(session: AsyncSession, client_id: UUID, since: datetime) -> bool:
    """Whether the crisis lines went to a client by mail since then, or are about to."""
    columns = tables.messages.c
    by_mail = (columns.client_id == client_id, columns.purpose == "safety", columns.channel == "email")
    on_its_way = (columns.due_at > since, columns.status.in_(("planned", "sent", "delivered")))
    return await session.scalar(select(columns.id).where(*by_mail, *on_its_way).limit(1)) is not None


async def arrived(session: AsyncSession, message: Message, step: str) -> bool | None:
    """Whether the message of another step of the same plan has arrived, by whichever channel; None where there was
    none.

    Of a mail that was taken and has not bounced nobody says more than that.
    """
    values = {name: getattr(message, name) for name in _OF_PLAN}
    found = await _CAME.rows(session, {**values, "step": step})
    return any(_has_arrived(row["status"], row["channel"]) for row in found) if found else None


_OF_PLAN = ("client_id", "appointment_id", "appointment_sequence")
_CAME = Direct(
    select(tables.messages.c.status, tables.messages.c.channel).where(
        *(tables.messages.c[name] == _PARAMETERS[name] for name in ("step", *_OF_PLAN))
    )
)


async def last_arrived(session: AsyncSession, outreach_id: UUID) -> bool | None:
    """The same of the last step of an outreach that had a message. Steps are taken in their order, if not each."""
    columns = tables.messages.c
    number = cast(func.substr(columns.step, len(OF_FLOW) + 1), Integer)
    query = select(columns.status, columns.channel, number.label("number")).where(
        columns.outreach_id == outreach_id, columns.step.startswith(OF_FLOW)
    )
    found = (await session.execute(query)).all()
    last = max((row.number for row in found), default=None)
    return None if last is None else any(_has_arrived(row.status, row.channel) for row in found if row.number == last)


def _has_arrived(status: str, channel: str) -> bool:
    return status == "delivered" or (status, channel) == ("sent", "email")


async def look_up_at(session: AsyncSession, tenant: UUID, message_id: UUID, at: datetime) -> None:
    """Sets when the carrier is asked what became of a message."""
    await clock.schedule(session, tables.timers, tenant, LOOK_UP, message_id, at)


async def look_up_no_more(session: AsyncSession, tenant: UUID, message_id: UUID) -> None:
    await clock.cancel(session, tables.timers, tenant, LOOK_UP, message_id)
