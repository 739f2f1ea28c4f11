"""What notifications knows of visits: a replica of `appointment.*`."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from functools import cache
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, any_, bindparam, exists, func, insert, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications import tables
from services.notifications.domain.model import (
    TOOK_PLACE,
    Visit,
)
from shared import rows
from shared.direct import Direct
from shared.rows import dump, every, given, is_among, keep_newest, many, one, update_row


async def save(session: AsyncSession, tenant: UUID, visit: Visit) -> bool:
    """Keeps the newest state, in whatever order states arrive; True when this one was news."""
    return await keep_newest(session, tables.visits, tenant, dump(visit))


async def learn(session: AsyncSession, visit: Visit) -> None:
    """Keeps what is known of its last version beside."""
    await update_row(session, tables.visits, dump(visit))


async def add(session: AsyncSession, tenant: UUID, visits: Sequence[Visit]) -> None:
    """Keeps visits of which nothing is known yet."""
    if visits:
        await _added().rows(session, {"visit": many({"tenant_id": tenant, **dump(visit)} for visit in visits)})


@cache
def _added() -> Direct:
    names = [column.name for column in tables.visits.c]
    visit = given("visit", tables.visits.c)
    return Direct(insert(tables.visits).from_select(names, select(*(visit.c[name] for name in names))))


_AMONG = Direct(select(tables.visits).where(is_among(tables.visits.c.id, "ids")))


async def among(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID | None, Visit]:
    """Those of these ids that are known."""
    if not ids:
        return {}
    return {found.id: found for found in await every(session, Visit, _AMONG, {"ids": list(ids)})}


async def find(session: AsyncSession, visit_id: UUID | None, *, lock: bool = False) -> Visit | None:
    return await rows.find(session, Visit, tables.visits, visit_id, lock=lock)


async def sequences(session: AsyncSession, visit_ids: Iterable[UUID]) -> dict[UUID, int]:
    """The newest version of each visit that has arrived here."""
    return {row["id"]: row["sequence"] for row in await _SEQUENCES.rows(session, {"ids": list(visit_ids)})}


_SEQUENCES = Direct(select(tables.visits.c.id, tables.visits.c.sequence).where(is_among(tables.visits.c.id, "ids")))


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


def in_caseload(client_id: ColumnElement[UUID], provider_id: UUID) -> ColumnElement[bool]:
    """Whether a visit of the client, past or to come, is this provider's.

    Looked for by client, of whom there are few visits: an index by provider would cost each booking a fifth more.
    """
    visits = tables.visits.alias("of_caseload")
    return exists().where(visits.c.client_id == client_id, visits.c.provider_id == provider_id)


async def is_in_caseload(session: AsyncSession, client_id: UUID, provider_id: UUID) -> bool:
    columns = tables.visits.c
    mine = select(columns.id).where(columns.client_id == client_id, columns.provider_id == provider_id)
    return await session.scalar(mine.limit(1)) is not None


async def has_coming(session: AsyncSession, client_id: UUID, now: datetime) -> bool:
    """Whether a client has a visit to come."""
    columns = tables.visits.c
    coming = (columns.client_id == client_id, columns.status == "booked", columns.start > now)
    return await session.scalar(select(columns.id).where(*coming).limit(1)) is not None


async def has_come_since(session: AsyncSession, client_id: UUID, since: datetime) -> bool:
    """Whether a client has been to a visit that began after that."""
    columns = tables.visits.c
    come = (columns.client_id == client_id, columns.start > since, columns.status.in_(TOOK_PLACE))
    return await session.scalar(select(columns.id).where(*come).limit(1)) is not None


async def is_followed(session: AsyncSession, visit: Visit) -> bool:
    """Whether a client has been to a later visit, or missed one."""
    columns = tables.visits.c
    later = (
        columns.client_id == visit.client_id,
        columns.start > visit.start,
        columns.status.in_([*TOOK_PLACE, "noshow"]),
    )
    return await session.scalar(select(columns.id).where(*later).limit(1)) is not None


async def past_of(session: AsyncSession, visit: Visit) -> tuple[bool, int]:
    """Whether a client has been to a visit before this one, and how many were missed so far."""
    row = await _past().row(session, {"client": visit.client_id, "start": visit.start})
    return (row["been"] > 0, row["misses"]) if row else (False, 0)


@cache
def _past() -> Direct:
    columns = tables.visits.c
    took_place = columns.status == any_(literal(sorted(TOOK_PLACE), ARRAY(columns.status.type)))
    before = columns.start < bindparam("start", type_=columns.start.type)
    return Direct(
        select(
            func.count().filter(took_place, before).label("been"),
            func.count().filter(columns.status == "noshow").label("misses"),
        ).where(columns.client_id == bindparam("client", type_=columns.client_id.type))
    )
