"""A person closes a task, with what came of it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications import repository
from services.notifications.domain.model import Task
from services.notifications.use_cases import outreach, tasks
from shared.contracts.notifications import TaskOutcome
from shared.db import be_patient
from shared.telemetry import use_case


@use_case
async def close(
    session: AsyncSession,
    *,
    tenant: UUID,
    task_id: UUID,
    version: int | None,
    by: str,
    outcome: TaskOutcome,
    now: datetime,
) -> Task:
    """What the client wrote that it is about counts as read; who was reached, or wants none, is written to no more by
    the outreach that it is of. Raises as `claim`.
    """
    await be_patient(session)
    about = await repository.tasks.get(session, task_id)
    if about.client_id is not None:
        # As whoever writes back does, so that neither waits for the other.
        await repository.clients.lock(session, about.client_id)
    task = await tasks.locked(session, task_id, version)
    await repository.secure.mark_read_of_task(session, task_id, now)
    closed = await tasks.finish(session, tenant, task, by, outcome, now)
    await outreach.end_for_task(session, tenant, closed, now)
    return closed
