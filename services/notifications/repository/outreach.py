"""Runs of the outreach flow, and the barriers that clients named."""

from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, select, tuple_
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications import tables
from services.notifications.domain.outreach import Outreach
from services.notifications.repository.visits import in_caseload
from shared import rows
from shared import timers as clock
from shared.contracts.feedback import Barrier
from shared.direct import Direct
from shared.rows import dump, every, is_among, one, update_row

STEP = "outreach.step"


async def add(session: AsyncSession, tenant: UUID, new: Outreach) -> bool:
    """False when there is one already of this miss, or of this last visit, running or ended."""
    added = await session.scalar(
        upsert(tables.outreach)
        .values(tenant_id=tenant, **dump(new))
        .on_conflict_do_nothing()
        .returning(tables.outreach.c.id)
    )
    return added is not None


async def save(session: AsyncSession, tenant: UUID, changed: Outreach) -> None:
    await update_row(session, tables.outreach, dump(changed))
    if changed.status == "ended":
        await clock.cancel(session, tables.timers, tenant, STEP, changed.id)


async def wake(session: AsyncSession, tenant: UUID, outreach_id: UUID, at: datetime) -> None:
    await clock.schedule(session, tables.timers, tenant, STEP, outreach_id, at)


async def among(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID | None, Outreach]:
    """Those of these ids that are known."""
    if not ids:
        return {}
    return {found.id: found for found in await every(session, Outreach, _AMONG, {"ids": list(ids)})}


_AMONG = Direct(select(tables.outreach).where(is_among(tables.outreach.c.id, "ids")))


async def find(session: AsyncSession, outreach_id: UUID | None, *, lock: bool = False) -> Outreach | None:
    return await rows.find(session, Outreach, tables.outreach, outreach_id, lock=lock)


async def of_visit(session: AsyncSession, visit_id: UUID) -> Outreach | None:
    """That after it was missed, the last time; locked."""
    columns = tables.outreach.c
    query = select(tables.outreach).where(columns.appointment_id == visit_id, columns.trigger == "missed")
    return await one(session, Outreach, query.order_by(columns.id.desc()).limit(1).with_for_update())


async def keep_barrier(session: AsyncSession, tenant: UUID, visit_id: UUID, barrier: Barrier, at: datetime) -> None:
    """The first answer for a visit stays."""
    values = {"appointment_id": visit_id, "barrier": barrier, "reported_at": at}
    await session.execute(upsert(tables.barriers).values(tenant_id=tenant, **values).on_conflict_do_nothing())


async def barrier(session: AsyncSession, visit_id: UUID) -> Barrier | None:
    query = select(tables.barriers.c.barrier).where(tables.barriers.c.appointment_id == visit_id)
    found: Barrier | None = await session.scalar(query)
    return found


async def unwanted_since(session: AsyncSession, client_id: UUID, since: datetime) -> str | None:
    """How an outreach to this client ended since then, where they wanted none."""
    columns = tables.outreach.c
    query = select(columns.end_reason).where(
        columns.client_id == client_id,
        columns.ended_at >= since,
        columns.end_reason.in_(("declined", "opted_out")),
    )
    found: str | None = await session.scalar(query.order_by(columns.ended_at.desc()).limit(1))
    return found


async def running_among(session: AsyncSession, client_ids: Iterable[UUID]) -> set[UUID]:
    """Those of these clients who are reached out to."""
    columns = tables.outreach.c
    query = select(columns.client_id).where(columns.client_id.in_(list(client_ids)), columns.status == "running")
    return set(await session.scalars(query))


async def running(session: AsyncSession, client_id: UUID) -> list[Outreach]:
    """A client's running outreach, locked, in the order of ids."""
    return await every(session, Outreach, _RUNNING, {"client": client_id})


_CLIENT = bindparam("client", type_=tables.outreach.c.client_id.type)
_RUNNING = Direct(
    select(tables.outreach)
    .where(tables.outreach.c.client_id == _CLIENT, tables.outreach.c.status == "running")
    .order_by(tables.outreach.c.id)
    .with_for_update()
)


async def page(
    session: AsyncSession,
    client_id: UUID | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
    caseload: UUID | None = None,
) -> list[Outreach]:
    columns = tables.outreach.c
    query = select(tables.outreach)
    if caseload is not None:
        query = query.where(in_caseload(columns.client_id, caseload))
    if client_id is not None:
        query = query.where(columns.client_id == client_id)
    if after is not None:
        query = query.where(tuple_(columns.started_at, columns.id) > after)
    return await every(session, Outreach, query.order_by(columns.started_at, columns.id).limit(limit))


async def last_barrier(session: AsyncSession, client_id: UUID) -> Barrier | None:
    """What a client named as in the way the last time."""
    found: Barrier | None = await _LAST_BARRIER.scalar(session, {"client": client_id})
    return found


_OF_BARRIER = (tables.visits.c.tenant_id == tables.barriers.c.tenant_id) & (
    tables.visits.c.id == tables.barriers.c.appointment_id
)
_LAST_BARRIER = Direct(
    select(tables.barriers.c.barrier)
    .join(tables.visits, _OF_BARRIER)
    .where(tables.visits.c.client_id == _CLIENT)
    .order_by(tables.barriers.c.reported_at.desc())
    .limit(1)
)
