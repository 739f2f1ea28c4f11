"""Check-ins between sessions, and their answers."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Text, cast, literal, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications import tables
from services.notifications.domain.check_ins import NO_CHECK_INS, OF_CHECK_INS, CheckIn, CheckInPlan
from services.notifications.repository.plans import Published, add_version, newest, versions
from services.notifications.repository.visits import in_caseload
from shared.errors import not_found
from shared.rows import dump, every, find, one


async def add_plan(session: AsyncSession, tenant: UUID, plan: CheckInPlan, now: datetime) -> int:
    return await add_version(session, tenant, tables.check_in_plans, now, plan=plan.model_dump(mode="json"))


async def plan(session: AsyncSession, version: int | None = None) -> tuple[int, CheckInPlan]:
    """A check-in plan, by default the newest; version 0 asks nobody."""
    row = await newest(tables.check_in_plans).row(session, {"version": version})
    return (row["version"], CheckInPlan.model_validate(row["plan"])) if row else (0, NO_CHECK_INS)


async def plans(session: AsyncSession, before: int | None, limit: int) -> Sequence[Published]:
    """The versions of the check-in plan, the newest first; `before` goes on after a page."""
    return await versions(session, tables.check_in_plans, before, limit)


async def add(session: AsyncSession, tenant: UUID, new: CheckIn) -> bool:
    """False where this step of the plan has been taken after this visit already."""
    statement = upsert(tables.check_ins).values(tenant_id=tenant, **dump(new)).on_conflict_do_nothing()
    return await session.scalar(statement.returning(tables.check_ins.c.id)) is not None


async def get(session: AsyncSession, check_in_id: UUID, *, lock: bool = False) -> CheckIn:
    """Raises Problem `check_in_not_found`."""
    found = await find(session, CheckIn, tables.check_ins, check_in_id, lock=lock)
    if found is None:
        raise not_found("check_in", "There is no such check-in.")
    return found


async def asked_by(session: AsyncSession, message_id: UUID) -> CheckIn:
    """What a message asks, also one that goes on where another failed. Raises Problem `check_in_not_found`."""
    message, columns = tables.messages.c, tables.check_ins.c
    same = (message.appointment_id == columns.appointment_id) & (message.step == _step_of(columns.number))
    query = select(tables.check_ins).join(tables.messages, (message.tenant_id == columns.tenant_id) & same)
    found = await one(session, CheckIn, query.where(message.id == message_id))
    if found is None:
        raise not_found("check_in", "There is no such check-in.")
    return found


def _step_of(number: ColumnElement[int]) -> ColumnElement[str]:
    return literal(OF_CHECK_INS).concat(cast(number, Text))


async def of_task(session: AsyncSession, task_id: UUID) -> CheckIn | None:
    return await one(session, CheckIn, select(tables.check_ins).where(tables.check_ins.c.task_id == task_id))


async def save(session: AsyncSession, changed: CheckIn) -> None:
    table = tables.check_ins
    await session.execute(update(table).where(table.c.id == changed.id).values(**dump(changed)))


async def page(
    session: AsyncSession,
    after: tuple[datetime, UUID] | None,
    limit: int,
    *,
    client_id: UUID | None = None,
    provider_id: UUID | None = None,
    answered: bool | None = None,
    caseload: UUID | None = None,
) -> Sequence[CheckIn]:
    """Those that match, the newest first."""
    columns = tables.check_ins.c
    query = select(tables.check_ins)
    for column, value in ((columns.client_id, client_id), (columns.provider_id, provider_id)):
        if value is not None:
            query = query.where(column == value)
    if caseload is not None:
        query = query.where(in_caseload(columns.client_id, caseload))
    if answered is not None:
        query = query.where(columns.answered_at.is_not(None) if answered else columns.answered_at.is_(None))
    if after is not None:
        query = query.where(tuple_(columns.due_at, columns.id) < after)
    return await every(session, CheckIn, query.order_by(columns.due_at.desc(), columns.id.desc()).limit(limit))
