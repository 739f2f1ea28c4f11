"""The practice's reminder plans and outreach flows, each in versions."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Table, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications import tables
from services.notifications.domain.outreach import DEFAULT_FLOWS, OutreachFlow
from services.notifications.domain.plans import DEFAULT_PLAN, ReminderPlan
from shared.contracts.notifications import OutreachTrigger


async def add_plan(session: AsyncSession, tenant: UUID, plan: ReminderPlan, now: datetime) -> int:
    return await add_version(session, tenant, tables.reminder_plans, now, plan=plan.model_dump(mode="json"))


async def add_flow(session: AsyncSession, tenant: UUID, flow: OutreachFlow, now: datetime) -> int:
    return await add_version(session, tenant, tables.outreach_flows, now, flow=flow.model_dump(mode="json"))


async def add_version(session: AsyncSession, tenant: UUID, table: Table, now: datetime, **values: Any) -> int:
    """The next version; two at the same time wait for each other at the primary key."""
    next_version = select(func.coalesce(func.max(table.c.version), 0) + 1).scalar_subquery()
    statement = insert(table).values(tenant_id=tenant, version=next_version, created_at=now, **values)
    return int(await session.scalar(statement.returning(table.c.version)))


async def plan(session: AsyncSession, version: int | None = None) -> tuple[int, ReminderPlan]:
    """A reminder plan, by default the newest; version 0 is the default one."""
    columns = tables.reminder_plans.c
    query = select(tables.reminder_plans).order_by(columns.version.desc()).limit(1)
    if version is not None:
        query = query.where(columns.version == version)
    row = (await session.execute(query)).mappings().first()
    return (row["version"], ReminderPlan.model_validate(row["plan"])) if row else (0, DEFAULT_PLAN)


async def flow(session: AsyncSession, trigger: OutreachTrigger, version: int | None = None) -> tuple[int, OutreachFlow]:
    """An outreach flow, by default the newest with this trigger; version 0 is the default one."""
    columns = tables.outreach_flows.c
    of_trigger = func.coalesce(columns.flow["trigger"].astext, "missed") == trigger
    query = select(tables.outreach_flows).where(of_trigger).order_by(columns.version.desc()).limit(1)
    if version is not None:
        query = query.where(columns.version == version)
    row = (await session.execute(query)).mappings().first()
    return (row["version"], OutreachFlow.model_validate(row["flow"])) if row else (0, DEFAULT_FLOWS[trigger])
