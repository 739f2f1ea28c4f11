"""Looks at what should have gone out."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, exists, func, insert, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications.domain.reconciling import Reconciliation
from services.notifications.repository.decisions import OF_CARRIERS
from services.notifications.tables import decisions, messages, reconciliations, timers, visits
from shared import timers as clock
from shared.paging import Position
from shared.rows import dump, every, one

RECONCILE = "reconcile"
_STOPPED = ("sms_21610",)
"""The client has said STOP there."""


async def figures(session: AsyncSession, now: datetime, hour: timedelta, patience: timedelta) -> dict[str, int]:
    """What became of the messages that were due within an hour; and what is overdue, from whenever."""
    columns = messages.c

    def of(*statuses: str) -> ColumnElement[int]:
        return func.count().filter(columns.status.in_(statuses))

    why = decisions.c
    by_carriers = exists().where(
        why.client_id == columns.client_id,
        why.message_id == columns.id,
        why.reason.in_(("outcome_unknown", "no_words")) | why.reason.regexp_match("|".join(OF_CARRIERS.values())),
        why.reason.not_in(_STOPPED),
        why.outcome != "waiting",
    )
    # One that went by another channel was refused by the first.
    refused = (columns.status == "failed") | by_carriers
    due = (columns.due_at > now - hour) & (columns.due_at <= now)
    query = select(
        func.count().label("expected"),
        of("sent", "delivered").label("sent"),
        of("failed").label("failed"),
        of("not_sent").label("not_sent"),
        of("planned").label("waiting"),
        func.count().filter(refused).label("refused"),
    ).where(due)
    overdue = select(func.count()).where(columns.status == "planned", columns.due_at < now - patience)
    found = (await session.execute(query)).mappings().one()
    return {**found, "overdue": int(await session.scalar(overdue) or 0)}


async def unplanned(session: AsyncSession, now: datetime, patience: timedelta) -> int:
    """Coming visits, heard of a while ago, without a single message on record."""
    any_message = exists().where(
        messages.c.tenant_id == visits.c.tenant_id,
        messages.c.appointment_id == visits.c.id,
        messages.c.step.startswith("plan."),
    )
    query = select(func.count()).where(
        visits.c.status == "booked", visits.c.start > now, visits.c.changed_at < now - patience, ~any_message
    )
    return int(await session.scalar(query) or 0)


async def add(session: AsyncSession, tenant: UUID, found: Reconciliation) -> None:
    await session.execute(insert(reconciliations).values(tenant_id=tenant, **dump(found)))


async def last(session: AsyncSession) -> Reconciliation | None:
    columns = reconciliations.c
    return await one(session, Reconciliation, select(reconciliations).order_by(columns.at.desc()).limit(1))


async def page(session: AsyncSession, after: Position | None, limit: int) -> list[Reconciliation]:
    """The newest first."""
    columns = reconciliations.c
    query = select(reconciliations)
    if after is not None:
        query = query.where(tuple_(columns.at, columns.id) < after)
    return await every(session, Reconciliation, query.order_by(columns.at.desc(), columns.id.desc()).limit(limit))


async def look_at(session: AsyncSession, tenant: UUID, at: datetime) -> None:
    """Sets when the practice's messages are looked at next."""
    await clock.schedule(session, timers, tenant, RECONCILE, tenant, at)
