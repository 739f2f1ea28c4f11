"""What persons at the practice should do."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, insert, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications import tables
from services.notifications.domain.model import Task, TaskStatus
from services.notifications.domain.tasks import ALARMED, Seer
from services.notifications.repository.visits import in_caseload
from shared import timers as clock
from shared.errors import not_found
from shared.rows import dump, every, one

ALERT, OVERDUE = "task.alert", "task.overdue"


async def add(session: AsyncSession, tenant: UUID, task: Task, *, alert: bool, overdue: bool = False) -> None:
    """With `alert`, the practice gets a mail, at once; of some kinds, and with `overdue`, once the task is overdue."""
    await session.execute(insert(tables.tasks).values(tenant_id=tenant, **dump(task)))
    if alert:
        await clock.schedule(session, tables.timers, tenant, ALERT, task.id, task.opened_at)
    if overdue or task.kind in ALARMED:
        await clock.schedule(session, tables.timers, tenant, OVERDUE, task.id, task.due_at)


async def get(session: AsyncSession, task_id: UUID, *, lock: bool = False) -> Task:
    """Raises Problem `task_not_found`."""
    query = select(tables.tasks).where(tables.tasks.c.id == task_id)
    found = await one(session, Task, query.with_for_update() if lock else query)
    if found is None:
        raise not_found("task")
    return found


async def is_one(session: AsyncSession, task_id: UUID) -> bool:
    """Whether there is a task of this id."""
    return await session.scalar(select(tables.tasks.c.id).where(tables.tasks.c.id == task_id)) is not None


async def unfinished(session: AsyncSession, client_id: UUID | None, kinds: Sequence[str]) -> list[Task]:
    """A client's tasks of these kinds, or those about none, that are not closed; locked, in one order."""
    columns = tables.tasks.c
    query = select(tables.tasks).where(
        columns.client_id.is_not_distinct_from(client_id), columns.kind.in_(kinds), columns.status != "closed"
    )
    return await every(session, Task, query.order_by(columns.id).with_for_update())


async def is_open(session: AsyncSession, client_id: UUID, kind: str) -> bool:
    """Whether a client has a task of this kind that is not closed; locks nothing."""
    columns = tables.tasks.c
    query = select(columns.id).where(columns.client_id == client_id, columns.kind == kind, columns.status != "closed")
    return await session.scalar(query.limit(1)) is not None


async def is_asked(
    session: AsyncSession, client_id: UUID, kind: str, by: datetime, appointment_id: UUID | None = None
) -> bool:
    """Whether a client has a task of this kind (and of this visit) that is due by then and not closed; who asks at the
    same time waits.

    It locks no task: whoever asks has a message in hand, and who has the task may be about to want that.
    """
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"{kind} {client_id}", 0))))
    columns = tables.tasks.c
    query = select(columns.id).where(columns.client_id == client_id, columns.kind == kind, columns.status != "closed")
    query = query.where(columns.due_at <= by)
    if appointment_id is not None:
        query = query.where(columns.appointment_id == appointment_id)
    return await session.scalar(query.limit(1)) is not None


async def unfinished_of_visit(session: AsyncSession, appointment_id: UUID) -> list[Task]:
    """Tasks about a visit that are not closed; locked."""
    columns = tables.tasks.c
    query = select(tables.tasks).where(columns.appointment_id == appointment_id, columns.status != "closed")
    return await every(session, Task, query.order_by(columns.id).with_for_update())


async def save(session: AsyncSession, task: Task) -> None:
    table = tables.tasks
    await session.execute(update(table).where(table.c.id == task.id).values(**dump(task)))


async def overdue_no_more(session: AsyncSession, tenant: UUID, task: Task) -> None:
    await clock.cancel(session, tables.timers, tenant, OVERDUE, task.id)


async def page(
    session: AsyncSession,
    after: tuple[datetime, UUID] | None,
    limit: int,
    status: TaskStatus | None = None,
    kind: str | None = None,
    owner: str | None = None,
    client_id: UUID | None = None,
    provider_id: UUID | None = None,
    *,
    unfinished: bool = False,
    seen_by: Seer | None = None,
) -> list[Task]:
    """Tasks that match, those due first before the others; of a provider those that they have or that are about their
    clients.
    """
    columns = tables.tasks.c
    wanted = {columns.status: status, columns.kind: kind, columns.owner: owner, columns.client_id: client_id}
    wanted[columns.provider_id] = provider_id
    query = select(tables.tasks).where(*(column == value for column, value in wanted.items() if value is not None))
    if unfinished:
        query = query.where(columns.status != "closed")
    if seen_by is not None:
        mine = (columns.owner == seen_by.subject) | (columns.provider_id == seen_by.provider_id)
        query = query.where(mine | in_caseload(columns.client_id, seen_by.provider_id))
    if after is not None:
        query = query.where(tuple_(columns.due_at, columns.id) > after)
    return await every(session, Task, query.order_by(columns.due_at, columns.id).limit(limit))
