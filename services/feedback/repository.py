"""Every SQL statement of feedback."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from services.feedback import tables
from services.feedback.domain import OutreachRun, Request, Visit
from shared import outbox as events
from shared.contracts.envelope import Event
from shared.contracts.feedback import Instrument
from shared.rows import dump, every, keep_newest, one


async def save_visit(session: AsyncSession, tenant: UUID, visit: Visit) -> bool:
    """Keeps the newest state, in whatever order states arrive; True when this one was news."""
    return await keep_newest(session, tables.visits, tenant, dump(visit))


async def save_outreach(session: AsyncSession, tenant: UUID, run: OutreachRun) -> None:
    """Keeps the newest state, in whatever order states arrive."""
    await keep_newest(session, tables.outreach, tenant, dump(run))


async def visit(session: AsyncSession, visit_id: UUID) -> Visit | None:
    return await one(session, Visit, select(tables.visits).where(tables.visits.c.id == visit_id))


async def visits_page(
    session: AsyncSession, client_id: UUID, after: tuple[datetime, UUID] | None, limit: int
) -> list[Visit]:
    """A client's attendance history, by start."""
    columns = tables.visits.c
    query = select(tables.visits).where(columns.client_id == client_id)
    if after is not None:
        query = query.where(tuple_(columns.start, columns.id) > after)
    return await every(session, Visit, query.order_by(columns.start, columns.id).limit(limit))


async def visits_between(session: AsyncSession, begin: datetime, end: datetime) -> list[Visit]:
    columns = tables.visits.c
    query = select(tables.visits).where(columns.start >= begin, columns.start < end)
    return await every(session, Visit, query.order_by(columns.start, columns.id))


async def outreach_between(session: AsyncSession, begin: datetime, end: datetime) -> list[OutreachRun]:
    columns = tables.outreach.c
    query = select(tables.outreach).where(columns.started_at >= begin, columns.started_at < end)
    return await every(session, OutreachRun, query.order_by(columns.started_at, columns.id))


async def add_request(session: AsyncSession, tenant: UUID, request: Request) -> bool:
    """False when this was asked about this visit before."""
    added = await session.scalar(
        upsert(tables.requests)
        .values(tenant_id=tenant, **dump(request))
        .on_conflict_do_nothing(constraint="requests_once")
        .returning(tables.requests.c.id)
    )
    return added is not None


async def request(session: AsyncSession, appointment_id: UUID, instrument: Instrument) -> Request | None:
    """The request, locked."""
    columns = tables.requests.c
    query = select(tables.requests).where(columns.appointment_id == appointment_id, columns.instrument == instrument)
    return await one(session, Request, query.with_for_update())


async def save_request(session: AsyncSession, request: Request) -> None:
    statement = update(tables.requests).where(tables.requests.c.id == request.id)
    await session.execute(statement.values(**dump(request)))


async def requests_page(
    session: AsyncSession, client_id: UUID, after: tuple[datetime, UUID] | None, limit: int
) -> list[Request]:
    columns = tables.requests.c
    query = select(tables.requests).where(columns.client_id == client_id)
    if after is not None:
        query = query.where(tuple_(columns.requested_at, columns.id) > after)
    return await every(session, Request, query.order_by(columns.requested_at, columns.id).limit(limit))


async def add_response(
    session: AsyncSession, tenant: UUID, request_id: UUID, answers: Mapping[str, Any], now: datetime
) -> None:
    await session.execute(
        insert(tables.responses).values(tenant_id=tenant, request_id=request_id, answers=dict(answers), at=now)
    )


async def answers_of(session: AsyncSession, request_ids: Iterable[UUID]) -> dict[UUID, dict[str, Any]]:
    columns = tables.responses.c
    rows = await session.execute(
        select(columns.request_id, columns.answers).where(columns.request_id.in_(list(request_ids)))
    )
    return {row.request_id: row.answers for row in rows}


async def record(session: AsyncSession, tenant: UUID, new: Iterable[Event], now: datetime) -> None:
    await events.record(session, tables.outbox, tenant, new, now)
