"""The practice's reminder plans and outreach flows, each in versions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import BindParameter, ColumnElement, Table, Text, bindparam, func, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications import tables
from services.notifications.domain.conditions import KEPT
from services.notifications.domain.outreach import DEFAULT_FLOWS, OutreachFlow
from services.notifications.domain.plans import DEFAULT_PLAN, ReminderPlan
from shared.contracts.notifications import OutreachTrigger
from shared.direct import Direct


@dataclass(frozen=True, slots=True)
class Published:
    """A version of a plan or flow; it held until the next one came, or it holds still."""

    version: int
    since: datetime
    until: datetime | None


async def lock(session: AsyncSession, tenant: UUID) -> None:
    """One publication at a time: who comes second must see what the first has published."""
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"published {tenant}", 0))))


async def add_plan(session: AsyncSession, tenant: UUID, plan: ReminderPlan, now: datetime) -> int:
    return await add_version(session, tenant, tables.reminder_plans, now, plan=plan.model_dump(mode="json"))


async def add_flow(session: AsyncSession, tenant: UUID, flow: OutreachFlow, now: datetime) -> int:
    return await add_version(session, tenant, tables.outreach_flows, now, flow=flow.model_dump(mode="json"))


async def add_version(session: AsyncSession, tenant: UUID, table: Table, now: datetime, **values: Any) -> int:
    """The next version."""
    next_version = select(func.coalesce(func.max(table.c.version), 0) + 1).scalar_subquery()
    statement = insert(table).values(tenant_id=tenant, version=next_version, created_at=now, **values)
    return int(await session.scalar(statement.returning(table.c.version)))


async def plan(session: AsyncSession, version: int | None = None) -> tuple[int, ReminderPlan]:
    """A reminder plan, by default the newest; version 0 is the default one."""
    row = await newest(tables.reminder_plans).row(session, {"version": version})
    return (row["version"], ReminderPlan.model_validate(row["plan"], context=KEPT)) if row else (0, DEFAULT_PLAN)


@cache
def newest(table: Table, *which: ColumnElement[bool]) -> Direct:
    """The version that is asked for, by default the newest, of those that match."""
    version = bindparam("version", type_=table.c.version.type)
    is_it = or_(version.is_(None), table.c.version == version)
    return Direct(select(table).where(is_it, *which).order_by(table.c.version.desc()).limit(1))


async def flow(session: AsyncSession, trigger: OutreachTrigger, version: int | None = None) -> tuple[int, OutreachFlow]:
    """An outreach flow, by default the newest with this trigger; version 0 is the default one."""
    row = await _newest_flow().row(session, {"version": version, "trigger": trigger})
    return (
        (row["version"], OutreachFlow.model_validate(row["flow"], context=KEPT)) if row else (0, DEFAULT_FLOWS[trigger])
    )


@cache
def _newest_flow() -> Direct:
    return newest(tables.outreach_flows, _is_of(bindparam("trigger", type_=Text)))


async def plans(session: AsyncSession, before: int | None, limit: int) -> Sequence[Published]:
    """The versions of the reminder plan, the newest first; `before` goes on after a page."""
    return await versions(session, tables.reminder_plans, before, limit)


async def flows(session: AsyncSession, trigger: OutreachTrigger, before: int | None, limit: int) -> Sequence[Published]:
    """The same of the outreach flow with this trigger."""
    return await versions(session, tables.outreach_flows, before, limit, _is_of(trigger))


def _is_of(trigger: OutreachTrigger | BindParameter[str]) -> ColumnElement[bool]:
    return func.coalesce(tables.outreach_flows.c.flow["trigger"].astext, "missed") == trigger


async def versions(
    session: AsyncSession, table: Table, before: int | None, limit: int, *which: ColumnElement[bool]
) -> Sequence[Published]:
    """Those of a table that match, the newest first."""
    until = func.lead(table.c.created_at).over(order_by=table.c.version)
    every = select(table.c.version, table.c.created_at, until.label("until")).where(*which).subquery()
    query = select(every).order_by(every.c.version.desc()).limit(limit)
    if before is not None:
        query = query.where(every.c.version < before)
    return [Published(*row) for row in await session.execute(query)]
