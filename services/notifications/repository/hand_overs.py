"""Messages of which a vendor has been asked and the outcome is not known yet."""

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cache
from uuid import UUID

from sqlalchemy import Text, bindparam, delete, func, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications import tables
from services.notifications.domain.model import Begun
from shared.direct import Direct
from shared.rows import dump, every, given, is_among, many, one


async def begin(session: AsyncSession, tenant: UUID, begun: Sequence[Begun]) -> dict[UUID, str]:
    """By message, which vendor is to be asked: this one or, if there is one already, the one that was asked before."""
    rows = many({"tenant_id": tenant, **dump(each)} for each in begun)
    return {row["message_id"]: row["vendor"] for row in await _begun().rows(session, {"begun": rows})}


@cache
def _begun() -> Direct:
    table = tables.hand_overs
    names = [column.name for column in table.c]
    begun = given("begun", table.c)
    kept = upsert(table).from_select(names, select(*(begun.c[name] for name in names)))
    same = {"message_id": kept.excluded.message_id}
    asked = kept.on_conflict_do_update(index_elements=["tenant_id", "message_id"], set_=same)
    return Direct(asked.returning(table.c.message_id, table.c.vendor))


async def find(session: AsyncSession, message_id: UUID) -> Begun | None:
    """Who was asked and has not answered."""
    return await one(session, Begun, _FOUND, {"id": message_id})


async def is_alone(session: AsyncSession, begun: Begun) -> bool:
    """Whether this transaction, until it ends, is the only one that says whose is what this vendor has for this
    address.
    """
    values = {"id": f"{begun.channel} {begun.vendor} {begun.address}"}
    return bool(await _ALONE.scalar(session, values))


_ALONE = Direct(select(func.pg_try_advisory_xact_lock(func.hashtextextended(bindparam("id", type_=Text), 2))))


async def others(session: AsyncSession, begun: Begun) -> list[Begun]:
    """What is as unknown at the same vendor, for the same address."""
    columns = tables.hand_overs.c
    same = (getattr(columns, name) == getattr(begun, name) for name in ("channel", "vendor", "address"))
    query = select(tables.hand_overs).where(columns.message_id != begun.message_id, *same)
    return await every(session, Begun, query)


_OF_MESSAGE = tables.hand_overs.c.message_id == bindparam("id", type_=tables.hand_overs.c.message_id.type)
_FOUND = Direct(select(tables.hand_overs).where(_OF_MESSAGE))
_ENDED = Direct(delete(tables.hand_overs).where(_OF_MESSAGE))
_AMONG = Direct(select(tables.hand_overs.c.message_id).where(is_among(tables.hand_overs.c.message_id, "ids")))


async def among(session: AsyncSession, message_ids: Collection[UUID]) -> set[UUID]:
    """Those of these messages of which somebody was asked and has not answered."""
    return {row["message_id"] for row in await _AMONG.rows(session, {"ids": list(message_ids)})}


async def end(session: AsyncSession, message_id: UUID) -> None:
    await _ENDED.rows(session, {"id": message_id})


async def forget(session: AsyncSession, before: datetime) -> None:
    """Those of which no report will come any more, and which nobody asks about."""
    waits = select(tables.messages.c.id).where(
        tables.messages.c.id == tables.hand_overs.c.message_id, tables.messages.c.status == "planned"
    )
    await session.execute(delete(tables.hand_overs).where(tables.hand_overs.c.begun_at < before, ~waits.exists()))
