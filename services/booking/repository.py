"""Every SQL statement of booking."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, and_, insert, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.domain import Actor, Appointment, Client, SlotTaken
from services.booking.tables import appointments, clients, history, outbox, providers, schedules, timers
from shared import outbox as events
from shared import timers as clock
from shared.contracts.availability import SchedulePublished, ScheduleState
from shared.contracts.envelope import Event
from shared.contracts.slots import Interval
from shared.db import EXCLUSION_VIOLATION, sqlstate
from shared.errors import not_found
from shared.rows import dump, every, one

MISS = "appointment.miss"

# Written out, not bound: only so does the planner know that the partial indexes fit.
_STANDS = text("appointments.status NOT IN ('cancelled', 'entered-in-error')")


async def add_client(session: AsyncSession, tenant: UUID, client: Client) -> None:
    await session.execute(insert(clients).values(tenant_id=tenant, **dump(client)))


async def client(session: AsyncSession, client_id: UUID, *, lock: bool = False) -> Client:
    """Raises Problem `client_not_found`. A lock keeps two bookings from putting a client in two places."""
    query = select(clients).where(clients.c.id == client_id)
    if lock:
        query = query.with_for_update(key_share=True)
    found = await one(session, Client, query)
    if found is None:
        raise not_found("client")
    return found


async def save_schedule(
    session: AsyncSession, tenant: UUID, schedule: ScheduleState, withdrawn_at: datetime | None
) -> None:
    """Keeps the newest state of a schedule, in whatever order states arrive."""
    await session.execute(upsert(providers).values(tenant_id=tenant, id=schedule.provider_id).on_conflict_do_nothing())
    values = {
        "provider_id": schedule.provider_id,
        "appointment_type_id": schedule.appointment_type_id,
        "modality": schedule.modality,
        "sequence": schedule.sequence,
        "withdrawn_at": withdrawn_at,
        "rules": schedule.model_dump(mode="json"),
    }
    await session.execute(
        upsert(schedules)
        .values(tenant_id=tenant, id=schedule.schedule_id, **values)
        .on_conflict_do_update(
            index_elements=["tenant_id", "id"], set_=values, where=schedules.c.sequence < schedule.sequence
        )
    )


async def schedule(session: AsyncSession, schedule_id: UUID) -> ScheduleState | None:
    """The schedule as it stands; None when it is unknown here or withdrawn."""
    rules = await session.scalar(
        select(schedules.c.rules).where(schedules.c.id == schedule_id, schedules.c.withdrawn_at.is_(None))
    )
    return SchedulePublished.model_validate(rules) if rules is not None else None


async def schedules_of_type(
    session: AsyncSession, appointment_type_id: UUID, modality: str | None = None
) -> list[ScheduleState]:
    query = select(schedules.c.rules).where(
        schedules.c.appointment_type_id == appointment_type_id, schedules.c.withdrawn_at.is_(None)
    )
    if modality is not None:
        query = query.where(schedules.c.modality == modality)
    return [SchedulePublished.model_validate(rules) for rules in await session.scalars(query)]


async def lock_provider(session: AsyncSession, provider_id: UUID) -> None:
    """One booking at a time per provider: contenders wait here, where PostgreSQL can't deadlock on them."""
    await session.execute(select(providers.c.id).where(providers.c.id == provider_id).with_for_update())


async def busy(
    session: AsyncSession, provider_ids: Sequence[UUID], begin: datetime, end: datetime
) -> list[tuple[UUID, Interval]]:
    """Occupied times of providers that touch `[begin, end)`.

    Plain comparisons here and below: `&&` of ranges is not leakproof, so row-level security keeps it from an index.
    """
    columns = appointments.c
    rows = await session.execute(
        select(columns.provider_id, columns.occupied_from, columns.occupied_to).where(
            columns.provider_id.in_(provider_ids),
            _STANDS,
            columns.occupied_to > begin,
            columns.occupied_from < end,
        )
    )
    return [(provider, (occupied_from, occupied_to)) for provider, occupied_from, occupied_to in rows]


async def visits_of(session: AsyncSession, client_id: UUID, begin: datetime, end: datetime) -> list[Interval]:
    """Times at which a client has a visit in `[begin, end)`."""
    columns = appointments.c
    rows = await session.execute(
        select(columns.start, columns.end).where(
            columns.client_id == client_id,
            _STANDS,
            columns.end > begin,
            columns.start < end,
        )
    )
    return [(start, stop) for start, stop in rows]


async def is_taken(session: AsyncSession, appointment: Appointment) -> bool:
    """True when another visit of the provider or the client is in the way."""
    columns = appointments.c
    overlaps = and_(columns.occupied_to > appointment.occupied_from, columns.occupied_from < appointment.occupied_to)
    meets = and_(columns.end > appointment.start, columns.start < appointment.end)
    found = await session.scalar(
        select(columns.id)
        .where(
            columns.id != appointment.id,
            _STANDS,
            and_(columns.provider_id == appointment.provider_id, overlaps)
            | and_(columns.client_id == appointment.client_id, meets),
        )
        .limit(1)
    )
    return found is not None


async def appointment(session: AsyncSession, appointment_id: UUID, *, lock: bool = False) -> Appointment:
    """Raises Problem `appointment_not_found`."""
    query = select(appointments).where(appointments.c.id == appointment_id)
    found = await one(session, Appointment, query.with_for_update() if lock else query)
    if found is None:
        raise not_found("appointment")
    return found


async def appointments_after(
    session: AsyncSession,
    after: tuple[datetime, UUID] | None,
    limit: int,
    client_id: UUID | None,
    provider_id: UUID | None,
) -> list[Appointment]:
    """A page of appointments by start, then id."""
    query = select(appointments).order_by(appointments.c.start, appointments.c.id).limit(limit)
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
    query = select(appointments).where(columns.rebooked_from == appointment_id, columns.status != "cancelled")
    return await one(session, Appointment, query)


async def add_appointment(session: AsyncSession, tenant: UUID, new: Appointment, actor: Actor) -> None:
    """Raises SlotTaken when the exclusion constraint says so."""
    await _guarded(session, insert(appointments).values(tenant_id=tenant, **dump(new)), new)
    await _note(session, tenant, new, actor)


async def save_appointment(session: AsyncSession, tenant: UUID, changed: Appointment, actor: Actor) -> None:
    """Raises SlotTaken when the exclusion constraint says so."""
    statement = update(appointments).where(appointments.c.id == changed.id).values(**dump(changed))
    await _guarded(session, statement, changed)
    await _note(session, tenant, changed, actor)


async def _guarded(session: AsyncSession, statement: Any, appointment: Appointment) -> None:
    try:
        await session.execute(statement)
    except DBAPIError as error:
        if sqlstate(error) == EXCLUSION_VIOLATION:
            raise SlotTaken(appointment.schedule_id, appointment.start) from error
        raise


async def _note(session: AsyncSession, tenant: UUID, changed: Appointment, actor: Actor) -> None:
    await session.execute(
        insert(history).values(
            tenant_id=tenant,
            appointment_id=changed.id,
            sequence=changed.sequence,
            status=changed.status,
            start=changed.start,
            at=changed.changed_at,
            party=actor.party,
            subject=actor.subject,
            reason_code=changed.reason_code,
        )
    )


async def history_of(session: AsyncSession, appointment_id: UUID) -> list[RowMapping]:
    query = select(history).where(history.c.appointment_id == appointment_id).order_by(history.c.sequence)
    return list((await session.execute(query)).mappings())


async def watch_for_miss(session: AsyncSession, tenant: UUID, appointment: Appointment) -> None:
    """Sets, moves or removes the timer that notices an absent client."""
    if appointment.status == "booked":
        await clock.schedule(session, timers, tenant, MISS, appointment.id, appointment.missed_at)
    else:
        await clock.cancel(session, timers, tenant, MISS, appointment.id)


async def record(session: AsyncSession, tenant: UUID, event: Event, now: datetime) -> None:
    await events.record(session, outbox, tenant, [event], now)
