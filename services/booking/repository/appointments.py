"""Appointments and their history."""

from collections.abc import Collection
from datetime import datetime
from functools import cache
from typing import Literal
from uuid import UUID

from sqlalchemy import RowMapping, delete, insert, literal, select, tuple_, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.selectable import HasCTE

from services.booking.domain.appointments import Actor, Appointment
from services.booking.domain.slots import SlotTaken
from services.booking.tables import appointments, history, outbox, timers
from shared import outbox as events
from shared import timers as clock
from shared.contracts.booking import FREE_STATUSES
from shared.contracts.envelope import Event
from shared.db import EXCLUSION_VIOLATION, UNIQUE_VIOLATION, constraint, sqlstate
from shared.direct import Direct
from shared.errors import not_found
from shared.rows import bound, dump, every, named, one
from shared.telemetry import current_traceparent

ABSENCE = "appointment.miss"
"""The timer that looks for an absent client."""


async def get(session: AsyncSession, appointment_id: UUID, *, lock: bool = False) -> Appointment:
    """Raises Problem `appointment_not_found`."""
    found = await find(session, appointment_id, lock=lock)
    if found is None:
        raise not_found("appointment")
    return found


async def find(session: AsyncSession, appointment_id: UUID, *, lock: bool = False) -> Appointment | None:
    query = select(appointments).where(appointments.c.id == appointment_id)
    return await one(session, Appointment, query.with_for_update() if lock else query)


async def changed_since(session: AsyncSession, visit: Appointment) -> dict[UUID, int]:
    """Versions of the visit and of those of its client that have changed no earlier than it did."""
    columns = appointments.c
    query = select(columns.id, columns.sequence).where(
        columns.client_id == visit.client_id, columns.changed_at >= visit.changed_at
    )
    return dict((await session.execute(query)).all())


async def among(session: AsyncSession, ids: Collection[UUID]) -> list[Appointment]:
    """Those of these ids that are known."""
    query = select(appointments).where(appointments.c.id.in_(ids)).order_by(appointments.c.start, appointments.c.id)
    return await every(session, Appointment, query)


async def to_come(
    session: AsyncSession, now: datetime, after: tuple[datetime, UUID] | None, limit: int
) -> list[Appointment]:
    """A page of the visits that are not over, those called off too, by start, then id."""
    columns = appointments.c
    query = select(appointments).where(columns.occupied_to > now).order_by(columns.start, columns.id).limit(limit)
    if after is not None:
        query = query.where(tuple_(columns.start, columns.id) > after)
    return await every(session, Appointment, query)


async def page(
    session: AsyncSession,
    after: tuple[datetime, UUID] | None,
    limit: int,
    client_id: UUID | None,
    provider_id: UUID | None,
    needs_rebooking: bool | None = None,
) -> list[Appointment]:
    """A page of appointments by start, then id."""
    query = select(appointments).order_by(appointments.c.start, appointments.c.id).limit(limit)
    if needs_rebooking is not None:
        query = query.where(appointments.c.needs_rebooking.is_(needs_rebooking))
    if provider_id is not None:
        query = query.where(appointments.c.provider_id == provider_id)
    if client_id is not None:
        query = query.where(appointments.c.client_id == client_id)
    if after is not None:
        query = query.where(tuple_(appointments.c.start, appointments.c.id) > after)
    return await every(session, Appointment, query)


async def rebooking_of(session: AsyncSession, appointment_id: UUID) -> Appointment | None:
    """The visit that makes up for a missed one, unless it was called off."""
    columns = appointments.c
    query = select(appointments).where(columns.rebooked_from == appointment_id, columns.status.not_in(FREE_STATUSES))
    return await one(session, Appointment, query)


async def save(
    session: AsyncSession, tenant: UUID, visit: Appointment, event: Event, actor: Actor, now: datetime
) -> None:
    """Writes a visit as it is now, with its history, its event, and the timer that looks for an absent client.

    Raises SlotTaken when a constraint says so.
    """
    watched = visit.is_awaited
    firing = clock.is_firing(session, tenant, ABSENCE, visit.id)
    if firing and watched:
        await clock.schedule(session, timers, tenant, ABSENCE, visit.id, visit.looked_at)
    who = {"party": actor.party, "subject": actor.subject, "note": actor.note}
    noted = {"appointment_id": visit.id, "at": visit.changed_at, "event": event.type, **who}
    values = (
        named("visit", {"tenant_id": tenant, **dump(visit)})
        | named("history", noted)
        | named("event", events.row(tenant, event, now))
        | named("timer", {"due_at": visit.looked_at, "traceparent": current_traceparent()})
    )
    statement = _written(visit.sequence == 1, "none" if firing else "set" if watched else "removed")
    try:
        await statement.rows(session, values)
    except DBAPIError as error:
        if sqlstate(error) == EXCLUSION_VIOLATION or (
            sqlstate(error) == UNIQUE_VIOLATION and constraint(error) == "appointments_seat_once"
        ):
            raise SlotTaken(visit.schedule_id, visit.start) from error
        raise


NOTED = ("sequence", "status", "start", "reason_code", "provider_id", "schedule_id", "location_id", "modality")
"""What the history keeps of a visit as it was."""


@cache
def _written(new: bool, timer: Literal["set", "removed", "none"]) -> Direct:
    """One statement instead of four: of what a booking takes, round trips are the most."""

    visit = bound("visit", appointments.c)
    shared = {name: visit[name] for name in ("tenant_id", *NOTED)}
    due = {"tenant_id": visit["tenant_id"], "kind": literal(ABSENCE), "key": visit["id"]}
    parts: list[HasCTE] = [
        insert(appointments).values(visit)
        if new
        else update(appointments).where(appointments.c.id == visit["id"]).values(visit),
        insert(history).values(bound("history", history.c) | shared),
        insert(outbox).values(bound("event", [outbox.c[name] for name in events.GIVEN])),
    ]
    if timer == "set":
        parts.append(clock.set_or_moved(timers, due | bound("timer", [timers.c.due_at, timers.c.traceparent])))
    elif timer == "removed":
        parts.append(delete(timers).where(*(timers.c[name] == value for name, value in due.items())))
    return Direct(select(literal(1)).add_cte(*(part.cte() for part in parts)))


async def history_of(session: AsyncSession, appointment_id: UUID) -> list[RowMapping]:
    query = select(history).where(history.c.appointment_id == appointment_id).order_by(history.c.sequence)
    return list((await session.execute(query)).mappings())


async def of_client(
    session: AsyncSession, client_id: UUID, now: datetime, most_past: int
) -> tuple[list[Appointment], list[Appointment]]:
    """A client's visits to come that stand, the next one first; and what is over or called off, the last one first."""
    columns = appointments.c
    theirs = select(appointments).where(columns.client_id == client_id)
    stands = columns.status.in_(("booked", "arrived", "checked-in")) & (columns.end > now)
    coming = await every(session, Appointment, theirs.where(stands).order_by(columns.start, columns.id).limit(100))
    past = theirs.where(~stands, columns.status != "entered-in-error")
    newest_first = past.order_by(columns.start.desc(), columns.id).limit(most_past)
    return coming, await every(session, Appointment, newest_first)


async def coming_of(session: AsyncSession, client_id: UUID, now: datetime) -> list[UUID]:
    """A client's visits that are to take place."""
    columns = appointments.c
    query = select(columns.id).where(
        columns.client_id == client_id, columns.status.in_(("booked", "arrived", "checked-in")), columns.end > now
    )
    return list(await session.scalars(query.order_by(columns.id)))


async def coming(session: AsyncSession, provider_id: UUID, now: datetime) -> list[UUID]:
    columns = appointments.c
    query = select(columns.id).where(
        columns.provider_id == provider_id, columns.status == "booked", columns.start > now, columns.occupied_to > now
    )
    return list(await session.scalars(query.order_by(columns.id)))
