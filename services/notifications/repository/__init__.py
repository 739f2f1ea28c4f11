"""Every SQL statement of notifications."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, RowMapping, Table, func, insert, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from services.notifications import tables
from services.notifications.domain.model import (
    ABOUT_A_BOOKED_VISIT,
    ABOUT_A_VISIT,
    REPLIES,
    Message,
    Offer,
    Visit,
)
from services.notifications.domain.outreach import DEFAULT_FLOW, Outreach, OutreachFlow
from services.notifications.domain.plans import DEFAULT_PLAN, ReminderPlan
from services.notifications.repository.people import (
    add_consent as add_consent,
)
from services.notifications.repository.people import (
    client_by_phone as client_by_phone,
)
from services.notifications.repository.people import (
    consented_channels as consented_channels,
)
from services.notifications.repository.people import (
    consents_of as consents_of,
)
from services.notifications.repository.people import (
    contact as contact,
)
from services.notifications.repository.people import (
    is_paused as is_paused,
)
from services.notifications.repository.people import (
    is_suppressed as is_suppressed,
)
from services.notifications.repository.people import (
    pause as pause,
)
from services.notifications.repository.people import (
    save_contact as save_contact,
)
from services.notifications.repository.people import (
    save_sender as save_sender,
)
from services.notifications.repository.people import (
    sender as sender,
)
from services.notifications.repository.people import (
    suppress as suppress,
)
from services.notifications.repository.people import (
    unsuppress as unsuppress,
)
from shared import outbox as events
from shared import timers as clock
from shared.contracts.envelope import Event
from shared.contracts.feedback import Barrier
from shared.errors import not_found
from shared.rows import dump, every, keep_newest, one

SEND, STEP, ALERT = "message.send", "outreach.step", "task.alert"


async def add_plan(session: AsyncSession, tenant: UUID, plan: ReminderPlan, now: datetime) -> int:
    return await _add_version(session, tenant, tables.reminder_plans, now, plan=plan.model_dump(mode="json"))


async def add_flow(session: AsyncSession, tenant: UUID, flow: OutreachFlow, now: datetime) -> int:
    return await _add_version(session, tenant, tables.outreach_flows, now, flow=flow.model_dump(mode="json"))


async def _add_version(session: AsyncSession, tenant: UUID, table: Table, now: datetime, **values: Any) -> int:
    """The next version; two at the same time wait for each other at the primary key."""
    next_version = select(func.coalesce(func.max(table.c.version), 0) + 1).scalar_subquery()
    statement = insert(table).values(tenant_id=tenant, version=next_version, created_at=now, **values)
    return int(await session.scalar(statement.returning(table.c.version)))


async def plan(session: AsyncSession) -> tuple[int, ReminderPlan]:
    """The newest reminder plan; version 0 is the default one."""
    query = select(tables.reminder_plans).order_by(tables.reminder_plans.c.version.desc()).limit(1)
    row = (await session.execute(query)).mappings().first()
    return (row["version"], ReminderPlan.model_validate(row["plan"])) if row else (0, DEFAULT_PLAN)


async def flow(session: AsyncSession, version: int | None = None) -> tuple[int, OutreachFlow]:
    """An outreach flow, by default the newest; version 0 is the default one."""
    columns = tables.outreach_flows.c
    query = select(tables.outreach_flows).order_by(columns.version.desc()).limit(1)
    if version is not None:
        query = query.where(columns.version == version)
    row = (await session.execute(query)).mappings().first()
    return (row["version"], OutreachFlow.model_validate(row["flow"])) if row else (0, DEFAULT_FLOW)


async def save_visit(session: AsyncSession, tenant: UUID, visit: Visit) -> bool:
    """Keeps the newest state, in whatever order states arrive; True when this one was news."""
    return await keep_newest(session, tables.visits, tenant, dump(visit))


async def save_offer(session: AsyncSession, tenant: UUID, offer: Offer) -> bool:
    """The same of an offer."""
    return await keep_newest(session, tables.offers, tenant, dump(offer))


async def offer(session: AsyncSession, offer_id: UUID | None) -> Offer | None:
    return await one(session, Offer, select(tables.offers).where(tables.offers.c.id == offer_id))


async def save_client(session: AsyncSession, tenant: UUID, client_id: UUID, discharged: bool, sequence: int) -> bool:
    """The same of a client."""
    values = {"id": client_id, "discharged": discharged, "sequence": sequence}
    return await keep_newest(session, tables.clients, tenant, values)


async def is_discharged(session: AsyncSession, client_id: UUID) -> bool:
    query = select(tables.clients.c.discharged).where(tables.clients.c.id == client_id)
    return bool(await session.scalar(query))


async def lock_client(session: AsyncSession, client_id: UUID) -> None:
    """One event at a time per client: of a miss and the booking that answers it, one must see the other.

    On the id, since a client of whom only visits are known has no row here.
    """
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(str(client_id), 0))))


async def visit(session: AsyncSession, visit_id: UUID | None, *, lock: bool = False) -> Visit | None:
    query = select(tables.visits).where(tables.visits.c.id == visit_id)
    return await one(session, Visit, query.with_for_update() if lock else query)


async def sequences(session: AsyncSession, visit_ids: Iterable[UUID]) -> dict[UUID, int]:
    """The newest version of each visit that has arrived here."""
    columns = tables.visits.c
    rows = await session.execute(select(columns.id, columns.sequence).where(columns.id.in_(list(visit_ids))))
    return dict(rows.all())


async def booked_since(session: AsyncSession, client_id: UUID, since: datetime) -> Visit | None:
    """A visit that the client has booked or moved since then and not called off."""
    columns = tables.visits.c
    query = (
        select(tables.visits)
        .where(columns.client_id == client_id, columns.status == "booked", columns.changed_at >= since)
        .order_by(columns.changed_at, columns.id)
        .limit(1)
    )
    return await one(session, Visit, query)


async def add_message(session: AsyncSession, tenant: UUID, message: Message) -> bool:
    """False when this step of this plan or flow has its message already."""
    values = dump(message)
    added = await session.scalar(
        upsert(tables.messages)
        .values(tenant_id=tenant, **values)
        .on_conflict_do_nothing()
        .returning(tables.messages.c.id)
    )
    if added is not None and message.status == "planned":
        await clock.schedule(session, tables.timers, tenant, SEND, message.id, message.due_at)
    return added is not None


async def save_message(session: AsyncSession, tenant: UUID, message: Message) -> None:
    values = dump(message)
    await session.execute(update(tables.messages).where(tables.messages.c.id == message.id).values(**values))
    if message.status == "planned":
        await clock.schedule(session, tables.timers, tenant, SEND, message.id, message.due_at)
    else:
        await clock.cancel(session, tables.timers, tenant, SEND, message.id)


async def message(session: AsyncSession, message_id: UUID, *, lock: bool = False) -> Message:
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


def of_offer(offer_id: UUID) -> ColumnElement[bool]:
    return tables.messages.c.offer_id == offer_id


def of_outreach(outreach_id: UUID) -> ColumnElement[bool]:
    return tables.messages.c.outreach_id == outreach_id


async def messages_of(
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
        columns.purpose.not_in([*ABOUT_A_BOOKED_VISIT, *REPLIES]),
    )
    return int(await session.scalar(query) or 0)


async def add_decision(session: AsyncSession, tenant: UUID, **values: Any) -> None:
    await session.execute(insert(tables.decisions).values(tenant_id=tenant, id=uuid7(), **values))


async def last_decision(session: AsyncSession, message_id: UUID) -> tuple[str, str | None] | None:
    """Outcome and reason of the newest decision about a message."""
    columns = tables.decisions.c
    query = select(columns.outcome, columns.reason).where(columns.message_id == message_id)
    found = (await session.execute(query.order_by(columns.at.desc(), columns.id.desc()).limit(1))).one_or_none()
    return None if found is None else (found.outcome, found.reason)


async def decisions_of(
    session: AsyncSession, client_id: UUID, after: tuple[datetime, UUID] | None, limit: int
) -> list[RowMapping]:
    columns = tables.decisions.c
    query = select(tables.decisions).where(columns.client_id == client_id)
    if after is not None:
        query = query.where(tuple_(columns.at, columns.id) > after)
    return list((await session.execute(query.order_by(columns.at, columns.id).limit(limit))).mappings())


async def add_outreach(session: AsyncSession, tenant: UUID, new: Outreach) -> bool:
    """False when this miss has its outreach already, running or ended."""
    added = await session.scalar(
        upsert(tables.outreach)
        .values(tenant_id=tenant, **dump(new))
        .on_conflict_do_nothing(constraint="outreach_once_a_miss")
        .returning(tables.outreach.c.id)
    )
    return added is not None


async def save_outreach(session: AsyncSession, tenant: UUID, changed: Outreach) -> None:
    table = tables.outreach
    await session.execute(update(table).where(table.c.id == changed.id).values(**dump(changed)))
    if changed.status == "ended":
        await clock.cancel(session, tables.timers, tenant, STEP, changed.id)


async def wake_outreach(session: AsyncSession, tenant: UUID, outreach_id: UUID, at: datetime) -> None:
    await clock.schedule(session, tables.timers, tenant, STEP, outreach_id, at)


async def outreach(session: AsyncSession, outreach_id: UUID | None, *, lock: bool = False) -> Outreach | None:
    query = select(tables.outreach).where(tables.outreach.c.id == outreach_id)
    return await one(session, Outreach, query.with_for_update() if lock else query)


async def outreach_of_visit(session: AsyncSession, visit_id: UUID) -> Outreach | None:
    query = select(tables.outreach).where(tables.outreach.c.appointment_id == visit_id).with_for_update()
    return await one(session, Outreach, query)


async def keep_barrier(session: AsyncSession, tenant: UUID, visit_id: UUID, barrier: Barrier, at: datetime) -> None:
    """The first answer for a visit stays."""
    values = {"appointment_id": visit_id, "barrier": barrier, "reported_at": at}
    await session.execute(upsert(tables.barriers).values(tenant_id=tenant, **values).on_conflict_do_nothing())


async def barrier(session: AsyncSession, visit_id: UUID) -> Barrier | None:
    query = select(tables.barriers.c.barrier).where(tables.barriers.c.appointment_id == visit_id)
    found: Barrier | None = await session.scalar(query)
    return found


async def running_outreach(session: AsyncSession, client_id: UUID) -> list[Outreach]:
    """A client's running outreach, locked, in the order of ids."""
    columns = tables.outreach.c
    query = (
        select(tables.outreach)
        .where(columns.client_id == client_id, columns.status == "running")
        .order_by(columns.id)
        .with_for_update()
    )
    return await every(session, Outreach, query)


async def outreach_page(
    session: AsyncSession, client_id: UUID | None, after: tuple[datetime, UUID] | None, limit: int
) -> list[Outreach]:
    columns = tables.outreach.c
    query = select(tables.outreach)
    if client_id is not None:
        query = query.where(columns.client_id == client_id)
    if after is not None:
        query = query.where(tuple_(columns.started_at, columns.id) > after)
    return await every(session, Outreach, query.order_by(columns.started_at, columns.id).limit(limit))


async def add_inbound(session: AsyncSession, tenant: UUID, **values: Any) -> bool:
    """False when the carrier has brought this text before."""
    statement = upsert(tables.inbound).values(tenant_id=tenant, **values)
    added = await session.scalar(
        statement.on_conflict_do_nothing(constraint="inbound_once").returning(tables.inbound.c.id)
    )
    return added is not None


async def add_task(session: AsyncSession, tenant: UUID, *, alert: bool, **values: Any) -> None:
    await session.execute(insert(tables.tasks).values(tenant_id=tenant, **values))
    if alert:
        await clock.schedule(session, tables.timers, tenant, ALERT, values["id"], values["opened_at"])


async def tasks_page(session: AsyncSession, after: tuple[datetime, UUID] | None, limit: int) -> list[RowMapping]:
    columns = tables.tasks.c
    query = select(tables.tasks)
    if after is not None:
        query = query.where(tuple_(columns.opened_at, columns.id) > after)
    return list((await session.execute(query.order_by(columns.opened_at, columns.id).limit(limit))).mappings())


async def record(session: AsyncSession, tenant: UUID, new: Iterable[Event], now: datetime) -> None:
    await events.record(session, tables.outbox, tenant, new, now)
