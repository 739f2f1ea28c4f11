"""What notifications knows of clients, and the lock under which one event at a time is followed."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import ARRAY, Text, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications import tables
from shared.direct import Direct
from shared.rows import keep_newest


async def save(session: AsyncSession, tenant: UUID, client_id: UUID, discharged: bool, sequence: int) -> bool:
    """The same of a client."""
    values = {"id": client_id, "discharged": discharged, "sequence": sequence}
    return await keep_newest(session, tables.clients, tenant, values)


async def is_discharged(session: AsyncSession, client_id: UUID) -> bool:
    return bool(await _DISCHARGED.scalar(session, {"id": client_id}))


_DISCHARGED = Direct(
    select(tables.clients.c.discharged).where(tables.clients.c.id == bindparam("id", type_=tables.clients.c.id.type))
)


async def lock(session: AsyncSession, client_id: UUID) -> None:
    """One event at a time per client: of a miss and the booking that answers it, one must see the other.

    On the id, since a client of whom only visits are known has no row here.
    """
    await lock_all(session, [client_id])


async def lock_all(session: AsyncSession, client_ids: Iterable[UUID]) -> None:
    """The same for several, in one order everywhere."""
    await _LOCK.rows(session, {"ids": sorted(map(str, client_ids))})


async def turns(session: AsyncSession, client_ids: Iterable[UUID]) -> set[UUID]:
    """Of which of these clients messages that count are sent by this transaction alone: the next one counts them."""
    rows = await _TURNS.rows(session, {"ids": sorted(map(str, client_ids))})
    return {UUID(row["id"]) for row in rows}


_IDS = func.unnest(bindparam("ids", type_=ARRAY(Text))).column_valued("id")
_LOCK = Direct(select(func.pg_advisory_xact_lock(func.hashtextextended(_IDS, 0))))
_TURNS = Direct(select(_IDS.label("id")).where(func.pg_try_advisory_xact_lock(func.hashtextextended(_IDS, 1))))
