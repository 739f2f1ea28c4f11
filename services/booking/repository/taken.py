"""Whose time is taken, and the locks under which it is."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Select, Table, Uuid, and_, bindparam, func, select, text, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.tables import appointments, holds, providers
from shared.contracts.slots import Plan, Taken, ceil, floor, moment
from shared.direct import Direct
from shared.rows import is_among

# Written out, not bound: only so does the planner know that the partial indexes fit.
LONGEST = timedelta(days=2)
"""No visit lasts longer; so a client's past isn't gone through, by whichever index."""

STANDS = text("appointments.status NOT IN ('cancelled', 'entered-in-error')")
_LIVE = holds.c.expires_at > bindparam("now", type_=holds.c.expires_at.type)


async def lock_provider(session: AsyncSession, provider_id: UUID) -> None:
    """One booking at a time per provider: contenders wait here, where PostgreSQL can't deadlock on them."""
    await _LOCK_PROVIDER.rows(session, {"provider": provider_id})


_LOCK_PROVIDER = Direct(
    select(providers.c.id).where(providers.c.id == bindparam("provider", type_=Uuid)).with_for_update()
)


async def lock_rooms(session: AsyncSession, rooms: Sequence[UUID]) -> None:
    """One booking at a time per room; rooms have no row here, so the lock is on their id."""
    for room in sorted(rooms):
        await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(str(room), 0))))


@dataclass(frozen=True, slots=True)
class But:
    """What doesn't stand in its own way: a visit that is being moved, a hold that is being used."""

    visit_id: UUID | None = None
    hold_id: UUID | None = None


NOTHING = But()


async def near(
    session: AsyncSession,
    plans: Collection[Plan],
    client_id: UUID | None,
    begin: int,
    end: int,
    now: datetime,
    but: But = NOTHING,
) -> list[Taken]:
    """What stands, visits and holds, of the plans' providers and rooms, and of the client, that can hide a start in
    `[begin, end)`.

    Plain comparisons here: `&&` of ranges is not leakproof, so row-level security keeps it from an index.
    """
    reach = max(plan.reach for plan in plans)
    providers, rooms = {plan.provider_id for plan in plans}, {room for plan in plans for room in plan.rooms}
    values = {
        "low": moment(begin - reach),
        "high": moment(end + reach),
        "now": now,
        "provider": next(iter(providers)),
        "providers": list(providers),
        "rooms": list(rooms),
        "client": client_id,
        "visit": but.visit_id,
        "hold": but.hold_id,
    }
    whose = ("provider" if len(providers) == 1 else "providers", *(("rooms",) if rooms else ()))
    query = _near(
        (*whose, "client") if client_id is not None else whose, but.visit_id is not None, but.hold_id is not None
    )
    found = {}
    for id, provider, schedule, room, client, start, end_, first, until in await query.rows(session, values):
        found[id] = Taken(id, provider, schedule, room, client, floor(start), ceil(end_), floor(first), ceil(until))
    return list(found.values())


_Whose = Literal["provider", "providers", "rooms", "client"]


@cache
def _near(whose: tuple[_Whose, ...], visit: bool, hold: bool) -> Direct:
    """A part for each of whom something can be near: what is asked of one key has one good plan, whatever the values
    (see `plans_once`). What is of two of them is found twice.
    """
    parts = []
    for one in whose:
        booked, held = _of(appointments, one).where(STANDS), _of(holds, one).where(_LIVE)
        if visit:
            booked = booked.where(appointments.c.id != bindparam("visit", type_=Uuid))
        if hold:
            held = held.where(holds.c.id != bindparam("hold", type_=Uuid))
        parts += [booked, held]
    return Direct(union_all(*parts))


def _of(table: Table, whose: _Whose) -> Select[Any]:
    columns = table.c
    low, high = bindparam("low", type_=columns.start.type), bindparam("high", type_=columns.start.type)
    near = and_(columns.occupied_to > low, columns.occupied_from < high)
    conditions = {
        "provider": lambda: and_(columns.provider_id == bindparam("provider", type_=Uuid), near),
        "providers": lambda: and_(is_among(columns.provider_id, "providers"), near),
        "rooms": lambda: and_(is_among(columns.room_id, "rooms"), near),
        "client": lambda: and_(
            columns.client_id == bindparam("client", type_=Uuid),
            columns.end > low,
            columns.start < high,
            columns.start > low - LONGEST,
        ),
    }
    return select(
        columns.id,
        columns.provider_id,
        columns.schedule_id,
        columns.room_id,
        columns.client_id,
        columns.start,
        columns.end,
        columns.occupied_from,
        columns.occupied_to,
    ).where(conditions[whose]())


async def group_at(
    session: AsyncSession, schedule_id: UUID, start: datetime, now: datetime, but: But
) -> list[tuple[UUID, int]]:
    """Group and seat of each visit and hold that stands at a start of a schedule."""
    values = {"schedule": schedule_id, "start": start, "now": now, "visit": but.visit_id, "hold": but.hold_id}
    return [(group_id, seat) for group_id, seat in await session.execute(_GROUP, values)]


def _seats(table: Table, but: str) -> Select[Any]:
    columns = table.c
    return select(columns.group_id, columns.seat).where(
        columns.schedule_id == bindparam("schedule"),
        columns.start == bindparam("start"),
        columns.id.is_distinct_from(bindparam(but, type_=columns.id.type)),
    )


_GROUP = union_all(_seats(appointments, "visit").where(STANDS), _seats(holds, "hold").where(_LIVE))


async def is_new(session: AsyncSession, client_id: UUID, but: UUID | None) -> bool:
    """True when the client has no other visit that was not called off."""
    columns = appointments.c
    query = select(columns.id).where(columns.client_id == client_id, STANDS).limit(1)
    if but is not None:
        query = query.where(columns.id != but)
    return await session.scalar(query) is None
