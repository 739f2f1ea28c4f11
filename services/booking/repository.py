"""Every SQL statement of booking."""

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cache, lru_cache
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import (
    RowMapping,
    Select,
    Text,
    and_,
    bindparam,
    cast,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.selectable import HasCTE

from services.booking.domain import Actor, Appointment, Client, SlotTaken
from services.booking.tables import appointments, clients, history, outbox, providers, schedules, timers
from shared import outbox as events
from shared import timers as clock
from shared.contracts.availability import Blocked, ProviderUnavailable, SchedulePublished, ScheduleState
from shared.contracts.envelope import Event
from shared.contracts.slots import Plan, Span, Taken, ceil, floor, moment
from shared.db import EXCLUSION_VIOLATION, UNIQUE_VIOLATION, constraint, sqlstate
from shared.errors import not_found
from shared.rows import bound, dump, every, named, one
from shared.telemetry import current_traceparent

MISS = "appointment.miss"

# Written out, not bound: only so does the planner know that the partial indexes fit.
_STANDS = text("appointments.status NOT IN ('cancelled', 'entered-in-error')")


async def add_client(session: AsyncSession, tenant: UUID, client: Client) -> None:
    await session.execute(insert(clients).values(tenant_id=tenant, **dump(client)))


async def client(session: AsyncSession, client_id: UUID, *, lock: bool = False) -> Client:
    """Raises Problem `client_not_found`. A lock keeps two bookings from putting a client in two places."""
    found = await one(session, Client, _LOCK_CLIENT if lock else _CLIENT, {"client": client_id})
    if found is None:
        raise not_found("client", field="client_id")
    return found


_CLIENT = select(clients).where(clients.c.id == bindparam("client"))
_LOCK_CLIENT = _CLIENT.with_for_update(key_share=True)


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


async def plan(session: AsyncSession, schedule_id: UUID) -> Plan | None:
    """The schedule as it stands; None when it is unknown here or withdrawn."""
    rules = await session.scalar(_RULES_OF_ONE, {"schedule": schedule_id})
    return _plan(rules) if rules is not None else None


async def plans_of_type(session: AsyncSession, appointment_type_id: UUID, modality: str | None = None) -> list[Plan]:
    query = select(_RULES).where(
        schedules.c.appointment_type_id == appointment_type_id, schedules.c.withdrawn_at.is_(None)
    )
    if modality is not None:
        query = query.where(schedules.c.modality == modality)
    return [_plan(rules) for rules in await session.scalars(query)]


_RULES = cast(schedules.c.rules, Text)
_RULES_OF_ONE = select(_RULES).where(schedules.c.id == bindparam("schedule"), schedules.c.withdrawn_at.is_(None))


@lru_cache(maxsize=1000)
def _plan(rules: str) -> Plan:
    """The same text is the same plan: it isn't read again, and remembers the days that it has worked out."""
    return Plan(SchedulePublished.model_validate_json(rules))


async def lock_provider(session: AsyncSession, provider_id: UUID, *, wait: bool = True) -> bool:
    """One booking at a time per provider: contenders wait here, where PostgreSQL can't deadlock on them.

    False when somebody has the lock and there is to be no waiting.
    """
    query = _LOCK_PROVIDER if wait else _TRY_PROVIDER
    return await session.scalar(query, {"provider": provider_id}) is not None


_PROVIDER = select(providers.c.id).where(providers.c.id == bindparam("provider"))
_LOCK_PROVIDER, _TRY_PROVIDER = _PROVIDER.with_for_update(), _PROVIDER.with_for_update(skip_locked=True)


async def lock_rooms(session: AsyncSession, rooms: Sequence[UUID]) -> None:
    """One booking at a time per room; rooms have no row here, so the lock is on their id."""
    for room in sorted(rooms):
        await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(str(room), 0))))


async def taken(
    session: AsyncSession,
    plans: Collection[Plan],
    client_id: UUID | None,
    begin: int,
    end: int,
    but: UUID | None = None,
) -> list[Taken]:
    """What stands of the plans' providers and rooms, and of the client, that can hide a start in `[begin, end)`.

    Plain comparisons here: `&&` of ranges is not leakproof, so row-level security keeps it from an index.
    """
    reach = max(plan.reach for plan in plans)
    providers, rooms = {plan.provider_id for plan in plans}, {room for plan in plans for room in plan.rooms}
    values = {
        "low": moment(begin - reach),
        "high": moment(end + reach),
        "providers": list(providers),
        "rooms": list(rooms),
        "client": client_id,
        "but": but,
    }
    query = _taken(bool(rooms), client_id is not None, but is not None)
    return [
        Taken(visit, provider, schedule, room, client, floor(start), ceil(end), floor(first), ceil(until))
        for visit, provider, schedule, room, client, start, end, first, until in await session.execute(query, values)
    ]


@cache
def _taken(rooms: bool, client: bool, but: bool) -> Select[Any]:
    columns = appointments.c
    low, high = bindparam("low", type_=columns.start.type), bindparam("high", type_=columns.start.type)
    near = and_(columns.occupied_to > low, columns.occupied_from < high)
    whose = [and_(columns.provider_id.in_(bindparam("providers", expanding=True)), near)]
    if rooms:
        whose.append(and_(columns.room_id.in_(bindparam("rooms", expanding=True)), near))
    if client:
        whose.append(and_(columns.client_id == bindparam("client"), columns.end > low, columns.start < high))
    query = select(
        columns.id,
        columns.provider_id,
        columns.schedule_id,
        columns.room_id,
        columns.client_id,
        columns.start,
        columns.end,
        columns.occupied_from,
        columns.occupied_to,
    ).where(_STANDS, or_(*whose))
    return query.where(columns.id != bindparam("but")) if but else query


async def group_at(
    session: AsyncSession, schedule_id: UUID, start: datetime, but: UUID | None
) -> list[tuple[UUID, int]]:
    """Group and seat of each visit that stands at a start of a schedule."""
    columns = appointments.c
    query = select(columns.group_id, columns.seat).where(
        columns.schedule_id == schedule_id, columns.start == start, columns.id != but, _STANDS
    )
    return [(group_id, seat) for group_id, seat in await session.execute(query)]


async def is_new(session: AsyncSession, client_id: UUID, but: UUID | None) -> bool:
    """True when the client has no other visit that was not called off."""
    columns = appointments.c
    query = select(columns.id).where(columns.client_id == client_id, _STANDS).limit(1)
    if but is not None:
        query = query.where(columns.id != but)
    return await session.scalar(query) is None


async def save_absences(session: AsyncSession, tenant: UUID, news: ProviderUnavailable) -> None:
    """Keeps the newest absences of a provider, in whatever order they arrive."""
    values = {
        "absences": [item.model_dump(mode="json") for item in news.blocked],
        "absences_sequence": news.sequence,
    }
    await session.execute(
        upsert(providers)
        .values(tenant_id=tenant, id=news.provider_id, **values)
        .on_conflict_do_update(
            index_elements=["tenant_id", "id"],
            set_=values,
            where=providers.c.absences_sequence < news.sequence,
        )
    )


async def absences(session: AsyncSession, provider_id: UUID) -> list[Span]:
    """When a provider will be away."""
    found = await session.scalar(select(providers.c.absences).where(providers.c.id == provider_id))
    return [(floor(item.begin), ceil(item.end)) for item in map(Blocked.model_validate, found or ())]


async def coming_visits(session: AsyncSession, provider_id: UUID, now: datetime) -> list[UUID]:
    columns = appointments.c
    query = select(columns.id).where(
        columns.provider_id == provider_id, columns.status == "booked", columns.start > now, columns.occupied_to > now
    )
    return list(await session.scalars(query.order_by(columns.id)))


async def appointment(session: AsyncSession, appointment_id: UUID, *, lock: bool = False) -> Appointment:
    """Raises Problem `appointment_not_found`."""
    query = select(appointments).where(appointments.c.id == appointment_id)
    found = await one(session, Appointment, query.with_for_update() if lock else query)
    if found is None:
        raise not_found("appointment")
    return found


async def changed_since(session: AsyncSession, visit: Appointment) -> dict[UUID, int]:
    """Versions of the visit and of those of its client that have changed no earlier than it did."""
    columns = appointments.c
    query = select(columns.id, columns.sequence).where(
        columns.client_id == visit.client_id, columns.changed_at >= visit.changed_at
    )
    return dict((await session.execute(query)).all())


async def to_come(
    session: AsyncSession, now: datetime, after: tuple[datetime, UUID] | None, limit: int
) -> list[Appointment]:
    """A page of the visits that are not over, those called off too, by start, then id."""
    columns = appointments.c
    query = select(appointments).where(columns.occupied_to > now).order_by(columns.start, columns.id).limit(limit)
    if after is not None:
        query = query.where(tuple_(columns.start, columns.id) > after)
    return await every(session, Appointment, query)


async def appointments_after(
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
    query = select(appointments).where(columns.rebooked_from == appointment_id, columns.status != "cancelled")
    return await one(session, Appointment, query)


async def save(
    session: AsyncSession, tenant: UUID, visit: Appointment, event: Event, actor: Actor, now: datetime
) -> None:
    """Writes a visit as it is now, with its history, its event, and the timer that notices an absent client.

    Raises SlotTaken when a constraint says so.
    """
    watched = visit.status == "booked"
    firing = clock.is_firing(session, tenant, MISS, visit.id)
    if firing and watched:
        await clock.schedule(session, timers, tenant, MISS, visit.id, visit.missed_at)
    noted = {"appointment_id": visit.id, "at": visit.changed_at, "party": actor.party, "subject": actor.subject}
    values = (
        named("visit", {"tenant_id": tenant, **dump(visit)})
        | named("history", noted)
        | named("event", events.row(tenant, event, now))
        | named("timer", {"due_at": visit.missed_at, "traceparent": current_traceparent()})
    )
    statement = _written(visit.sequence == 1, "none" if firing else "set" if watched else "removed")
    try:
        await session.execute(statement, values)
    except DBAPIError as error:
        if sqlstate(error) == EXCLUSION_VIOLATION or (
            sqlstate(error) == UNIQUE_VIOLATION and constraint(error) == "appointments_seat_once"
        ):
            raise SlotTaken(visit.schedule_id, visit.start) from error
        raise


@cache
def _written(new: bool, timer: Literal["set", "removed", "none"]) -> Select[Any]:
    """One statement instead of four: of what a booking takes, round trips are the most."""

    visit = bound("visit", appointments.c)
    shared = {name: visit[name] for name in ("tenant_id", "sequence", "status", "start", "reason_code")}
    due = {"tenant_id": visit["tenant_id"], "kind": literal(MISS), "key": visit["id"]}
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
    return select(literal(1)).add_cte(*(part.cte() for part in parts))


async def history_of(session: AsyncSession, appointment_id: UUID) -> list[RowMapping]:
    query = select(history).where(history.c.appointment_id == appointment_id).order_by(history.c.sequence)
    return list((await session.execute(query)).mappings())


async def record(session: AsyncSession, tenant: UUID, event: Event, now: datetime) -> None:
    await events.record(session, outbox, tenant, [event], now)
