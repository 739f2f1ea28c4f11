"""Visits that come and go in bulk."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, ColumnElement, Table, and_, any_, insert, literal, or_, select, tuple_
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.domain.appointments import Actor, Appointment, Change
from services.booking.domain.clients import Client
from services.booking.domain.imports import Standing
from services.booking.repository.appointments import ABSENCE, NOTED
from services.booking.repository.schedules import RULES, plan_from
from services.booking.repository.taken import STANDS
from services.booking.tables import appointments, clients, history, holds, outbox, providers, schedules, timers
from shared import outbox as events
from shared.contracts.slots import Plan, Taken, ceil, floor, moment
from shared.rows import dump, every
from shared.telemetry import current_traceparent


def _among(column: Column[Any], values: Collection[object]) -> ColumnElement[bool]:
    """One parameter, however many values: thousands would be too many for a statement."""
    return column == any_(literal(list(values), ARRAY(column.type)))


async def lock_providers(session: AsyncSession, ids: Collection[UUID]) -> None:
    """Each provider's one booking at a time, in one order."""
    await session.execute(
        select(providers.c.id).where(_among(providers.c.id, ids)).order_by(providers.c.id).with_for_update()
    )


async def clients_of(session: AsyncSession, ids: Collection[UUID], *, lock: bool) -> dict[UUID, Client]:
    query = select(clients).where(_among(clients.c.id, ids)).order_by(clients.c.id)
    found = await every(session, Client, query.with_for_update(key_share=True) if lock else query)
    return {client.id: client for client in found}


async def plans_of(session: AsyncSession, ids: Collection[UUID]) -> tuple[dict[UUID, Plan], set[UUID]]:
    """Schedules, the withdrawn ones too; and which those are."""
    columns = schedules.c
    query = select(columns.id, columns.withdrawn_at, RULES).where(_among(columns.id, ids))
    rows = (await session.execute(query)).all()
    return {id: plan_from(rules) for id, _, rules in rows}, {id for id, at, _ in rows if at is not None}


async def known_as(session: AsyncSession, names: Sequence[str]) -> dict[str, Appointment]:
    """Visits by external id; where a name is a visit's own id, by that. One that was entered in error is none."""
    columns = appointments.c
    right = columns.status != "entered-in-error"
    theirs = await every(session, Appointment, select(appointments).where(_among(columns.external_id, names), right))
    ids = [id for id in map(_id, names) if id is not None]
    ours = await every(session, Appointment, select(appointments).where(_among(columns.id, ids), right)) if ids else []
    return {str(visit.id): visit for visit in ours} | {visit.external_id or "": visit for visit in theirs}


def _id(name: str) -> UUID | None:
    try:
        return UUID(name)
    except ValueError:
        return None


async def standing(
    session: AsyncSession, plans: Collection[Plan], client_ids: Collection[UUID], begin: int, end: int, now: datetime
) -> Standing:
    """What takes time of these providers, rooms and clients between two times: visits, and holds that live."""
    found = Standing()
    booked = select(*_seats(appointments)).where(STANDS, _whose(appointments, plans, client_ids, begin, end))
    held = select(*_seats(holds)).where(holds.c.expires_at > now, _whose(holds, plans, client_ids, begin, end))
    for query in (booked, held):
        rows = await session.execute(query)
        for group_id, seat, id, provider, schedule, room, client, start, until, first, last in rows:
            taken = Taken(id, provider, schedule, room, client, floor(start), ceil(until), floor(first), ceil(last))
            found.add(taken, group_id, seat)
    return found


def _seats(table: Table) -> Sequence[ColumnElement[Any]]:
    names = (
        "group_id",
        "seat",
        "id",
        "provider_id",
        "schedule_id",
        "room_id",
        "client_id",
        "start",
        "end",
        "occupied_from",
        "occupied_to",
    )
    return [table.c[name] for name in names]


def _whose(
    table: Table, plans: Collection[Plan], client_ids: Collection[UUID], begin: int, end: int
) -> ColumnElement[bool]:
    columns, low, high = table.c, moment(begin), moment(end)
    near = and_(columns.occupied_to > low, columns.occupied_from < high)
    rooms = {room for plan in plans for room in plan.rooms}
    return or_(
        and_(_among(columns.provider_id, {plan.provider_id for plan in plans}), near),
        and_(_among(columns.room_id, rooms), near),
        and_(_among(columns.client_id, client_ids), columns.end > low, columns.start < high),
    )


async def add(session: AsyncSession, tenant: UUID, changes: Sequence[Change], actor: Actor, now: datetime) -> None:
    """Writes new visits with their history, their events, and the timers that notice absent clients."""
    traceparent = current_traceparent()
    noted = {"tenant_id": tenant, "party": actor.party, "subject": actor.subject, "note": actor.note, "at": now}
    visits, notes, told, watched = [], [], [], []
    for visit, event in changes:
        row = dump(visit)
        visits.append({"tenant_id": tenant, **row})
        shared = {name: row[name] for name in NOTED}
        notes.append({"appointment_id": visit.id, "event": event.type, **noted, **shared})
        told.append(events.row(tenant, event, now))
        if visit.is_awaited:
            due = {"kind": ABSENCE, "key": visit.id, "due_at": visit.looked_at}
            watched.append({"tenant_id": tenant, "traceparent": traceparent, **due})
    for table, rows in ((appointments, visits), (history, notes), (outbox, told), (timers, watched)):
        if rows:
            await session.execute(insert(table), rows)


async def page(
    session: AsyncSession,
    begin: datetime | None,
    end: datetime | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Appointment]:
    """Visits that start in a range, whatever became of them, by start, then id; none that was entered in error."""
    columns = appointments.c
    query = select(appointments).where(columns.status != "entered-in-error")
    if begin is not None:
        query = query.where(columns.start >= begin)
    if end is not None:
        query = query.where(columns.start < end)
    if after is not None:
        query = query.where(tuple_(columns.start, columns.id) > after)
    return await every(session, Appointment, query.order_by(columns.start, columns.id).limit(limit))
