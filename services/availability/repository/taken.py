"""The projection of booking's topics."""

from collections.abc import Callable, Collection
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, Select, and_, bindparam, cast, delete, func, insert, or_, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from services.availability.domain.taken import Occupied
from services.availability.tables import changes, occupied
from shared.contracts.slots import Plan, Span, Taken, moment
from shared.rows import bound, dump, every, named, one


def _second(column: ColumnElement[datetime], rounded: Callable[..., Any]) -> ColumnElement[int]:
    """A time in whole seconds, made by PostgreSQL: a practice has tens of thousands of them in a search."""
    return cast(rounded(func.date_part("epoch", column)), BigInteger)


_TAKEN = (
    occupied.c.id,
    occupied.c.provider_id,
    occupied.c.schedule_id,
    occupied.c.room_id,
    occupied.c.client_id,
    _second(occupied.c.starts_at, func.floor),
    _second(occupied.c.ends_at, func.ceil),
    _second(occupied.c.occupied_from, func.floor),
    _second(occupied.c.occupied_to, func.ceil),
    _second(occupied.c.expires_at, func.floor),
)
"""The fields of `Taken`, and when it ends by itself."""


async def add(session: AsyncSession, tenant: UUID, item: Occupied) -> bool:
    """Keeps and announces what wasn't known at all; False, and nothing done, when it was.

    In one statement, since nearly every event is of this kind and they come as fast as clients book.
    """
    return await session.scalar(_ADD, named("new", {"tenant_id": tenant, **dump(item)})) is not None


_NEW = upsert(occupied).on_conflict_do_nothing().values(bound("new", occupied.c)).returning(*occupied.c).cte("new")
_ADD = (
    insert(changes)
    .from_select(["tenant_id", "provider_id", "room_id"], select(_NEW.c.tenant_id, _NEW.c.provider_id, _NEW.c.room_id))
    .returning(changes.c.id)
)


async def save(session: AsyncSession, tenant: UUID, item: Occupied) -> tuple[bool, Occupied | None]:
    """Keeps the newest state of what is known, in whatever order and however often states arrive.

    True when this was newer, with what was known before.
    """
    before = await one(session, Occupied, _KNOWN, {"id": item.id})
    return await _put(session, tenant, item, where=occupied.c.sequence < item.sequence), before


_KNOWN = select(occupied).where(occupied.c.id == bindparam("id")).with_for_update()


async def restore(session: AsyncSession, tenant: UUID, items: Collection[Occupied]) -> list[Occupied]:
    """Makes each row say what its newest event says; a row of a later event stays.

    Returns what was wrong: the new state of each, and the old one where there was one.
    """
    query = select(occupied).where(occupied.c.id.in_([item.id for item in items])).order_by(occupied.c.id)
    before = {found.id: found for found in await every(session, Occupied, query.with_for_update())}
    wrong = [item for item in items if before.get(item.id) != item]
    mended: list[Occupied] = []
    for item in wrong:
        if await _put(session, tenant, item, where=occupied.c.sequence <= item.sequence):
            mended += [item, *([before[item.id]] if item.id in before else [])]
    return mended


async def _put(session: AsyncSession, tenant: UUID, item: Occupied, *, where: ColumnElement[bool]) -> bool:
    """Writes a state, in place of another only where that one meets the condition; False when it didn't."""
    values = dump(item)
    saved = await session.execute(
        upsert(occupied)
        .values(tenant_id=tenant, **values)
        .on_conflict_do_update(index_elements=["tenant_id", "id"], set_=values, where=where)
        .returning(occupied.c.id)
    )
    return saved.first() is not None


async def ids(session: AsyncSession) -> set[UUID]:
    """Every visit and hold that is known."""
    return set(await session.scalars(select(occupied.c.id)))


async def remove(session: AsyncSession, ids: Collection[UUID]) -> list[Occupied]:
    """Forgets visits and holds; returns what they were."""
    query = delete(occupied).where(occupied.c.id.in_(ids)).returning(occupied)
    return await every(session, Occupied, query)


async def visits_to_come(session: AsyncSession, now: datetime, ids: Collection[UUID]) -> dict[UUID, Occupied]:
    """The visits that are not over, and those with these ids."""
    columns = occupied.c
    query = select(occupied).where(
        columns.expires_at.is_(None), or_(columns.occupied_to > now, columns.id.in_(list(ids)))
    )
    return {item.id: item for item in await every(session, Occupied, query)}


async def near(
    session: AsyncSession,
    plans: Collection[Plan],
    begin: int,
    end: int,
    now: datetime,
    *,
    client_id: UUID | None = None,
    but: UUID | None = None,
) -> list[tuple[Taken, int | None]]:
    """What stands of the plans' providers and rooms, and of the client, that can hide a start in `[begin, end)`.

    With each, when it ends by itself: a hold's expiry. Plain comparisons, since row-level security keeps
    `&&` of ranges out of an index: it isn't leakproof.
    """
    reach = max(plan.reach for plan in plans)
    rooms = {room for plan in plans for room in plan.rooms}
    values = {
        "low": moment(begin - reach),
        "high": moment(end + reach),
        "now": now,
        "providers": list({plan.provider_id for plan in plans}),
        "rooms": list(rooms),
        "client": client_id,
        "but": but,
    }
    query = _near(bool(rooms), client_id is not None, but is not None)
    return [(Taken(*taken), expires) for *taken, expires in await session.execute(query, values)]


@cache
def _near(rooms: bool, client: bool, but: bool) -> Select[Any]:
    columns = occupied.c
    low, high, now = (bindparam(name, type_=columns.starts_at.type) for name in ("low", "high", "now"))
    touches = and_(columns.occupied_to > low, columns.occupied_from < high)
    whose: list[ColumnElement[bool]] = [and_(columns.provider_id.in_(bindparam("providers", expanding=True)), touches)]
    if rooms:
        whose.append(and_(columns.room_id.in_(bindparam("rooms", expanding=True)), touches))
    if client:
        whose.append(and_(columns.client_id == bindparam("client"), columns.ends_at > low, columns.starts_at < high))
    stands = or_(columns.expires_at.is_(None), columns.expires_at > now)
    query = select(*_TAKEN).where(~columns.free, stands, or_(*whose))
    return query.where(columns.id != bindparam("but")) if but else query


async def of_client(
    session: AsyncSession, client_id: UUID, begin: int, end: int, now: datetime, but: UUID | None = None
) -> list[Span]:
    """When a client is with somebody in `[begin, end)`; in order."""
    columns = occupied.c
    query = select(_second(columns.starts_at, func.floor), _second(columns.ends_at, func.ceil)).where(
        columns.client_id == client_id,
        ~columns.free,
        or_(columns.expires_at.is_(None), columns.expires_at > now),
        columns.ends_at > moment(begin),
        columns.starts_at < moment(end),
    )
    if but is not None:
        query = query.where(columns.id != but)
    return [(first, until) for first, until in await session.execute(query.order_by(columns.starts_at))]


async def known(session: AsyncSession, id: UUID) -> Occupied | None:
    """A visit or a hold."""
    return await one(session, Occupied, select(occupied).where(occupied.c.id == id))


async def is_new(session: AsyncSession, client_id: UUID, but: UUID | None) -> bool:
    """True when the client has no other visit that was not called off."""
    columns = occupied.c
    query = select(columns.id).where(columns.client_id == client_id, ~columns.free, columns.expires_at.is_(None))
    if but is not None:
        query = query.where(columns.id != but)
    return await session.scalar(query.limit(1)) is None


async def visits_between(session: AsyncSession, provider_id: UUID, begin: datetime, end: datetime) -> list[Occupied]:
    """A provider's visits that stand and start in `[begin, end)`, in order."""
    columns = occupied.c
    query = select(occupied).where(
        columns.provider_id == provider_id,
        ~columns.free,
        columns.expires_at.is_(None),
        columns.occupied_to > begin,
        columns.starts_at >= begin,
        columns.starts_at < end,
    )
    return await every(session, Occupied, query.order_by(columns.starts_at, columns.id))


async def coming_visits(session: AsyncSession, provider_id: UUID, now: datetime) -> list[Occupied]:
    """A provider's visits to come that stand."""
    columns = occupied.c
    query = select(occupied).where(
        columns.provider_id == provider_id,
        ~columns.free,
        columns.expires_at.is_(None),
        columns.occupied_to > now,
        columns.starts_at > now,
    )
    return await every(session, Occupied, query)
