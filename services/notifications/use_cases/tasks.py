"""What persons at the practice should do: opened, taken on, closed."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications import repository
from services.notifications.clients import Booking
from services.notifications.domain import tasks
from services.notifications.domain.model import ABOUT_A_VISIT, FROM_A_PERSON, Message, Task
from services.notifications.domain.policy import is_change
from services.notifications.domain.tasks import IS_CLIENT_THERE, TELL_CHANGE, UNREACHABLE, About
from services.notifications.use_cases.messages import decided
from shared.contracts.notifications import TaskClosed, TaskOpened, TaskOutcome
from shared.db import Database
from shared.errors import conflict, require_version
from shared.telemetry import annotate, use_case

NOTHING_ELSE = About()


async def open_task(
    session: AsyncSession,
    tenant: UUID,
    client_id: UUID | None,
    kind: str,
    now: datetime,
    about: About = NOTHING_ELSE,
    *,
    owner: str | None = None,
    due_at: datetime | None = None,
    alert: bool = False,
    overdue: bool = False,
) -> Task:
    """Asks a person to do something; with `alert`, also by mail to the practice, at once, with `overdue` once it is.

    One about a number that is no client's is told to nobody but the practice.
    """
    task = tasks.open_task(kind, client_id, now, about, owner=owner, due_at=due_at)
    await repository.tasks.add(session, tenant, task, alert=alert, overdue=overdue)
    if client_id is not None:
        event = TaskOpened(
            sequence=1, task_id=task.id, client_id=client_id, kind=kind, opened_at=now, outreach_id=about.outreach_id
        )
        await repository.record(session, tenant, [event], now)
    return task


async def nobody_reached(session: AsyncSession, tenant: UUID, message: Message, now: datetime) -> Task | None:
    """What a person wrote, or a message of a visit to come, or that it won't, has failed by its last channel: somebody
    finds another way.

    One task a client, unless that is due too late for this visit; but one for each visit that is off or elsewhere than
    they know, since each is news.

    Outreach and check-ins have persons of their own. The message may be locked.
    """
    visit, about, due_at = None, NOTHING_ELSE, now + tasks.OTHERWISE
    if message.purpose in ABOUT_A_VISIT:
        visit = await repository.visits.find(session, message.appointment_id)
        if visit is None or visit.start <= now:
            return None
        if not (visit.is_called_off if message.purpose == "cancellation" else visit.status == "booked"):
            return None
        if visit.sequence != message.appointment_sequence:
            # Of a version that is no more.
            return None
        about, due_at = About(appointment_id=visit.id), tasks.due_before(visit.start, now)
    elif message.purpose not in FROM_A_PERSON:
        return None
    changed = visit is not None and is_change(message, visit)
    of_visit = about.appointment_id if changed else None
    kind = TELL_CHANGE if changed else UNREACHABLE
    if await repository.tasks.is_asked(session, message.client_id, kind, due_at, of_visit):
        return None
    await decided(
        session,
        tenant,
        message,
        "person_asked",
        now,
        channel=message.channel,
        reason=TELL_CHANGE if changed else UNREACHABLE,
    )
    return await open_task(session, tenant, message.client_id, kind, now, about, due_at=due_at)


async def must_hear(session: AsyncSession, message: Message) -> bool:
    """Whether a person tells what it says to whoever wants no messages, too: what a person wrote, or that a visit is
    off or moved.
    """
    visit = await repository.visits.find(session, message.appointment_id) if message.appointment_id else None
    return message.purpose in FROM_A_PERSON or (visit is not None and is_change(message, visit))


async def alerts_fail(session: AsyncSession, tenant: UUID, now: datetime) -> None:
    """Whoever looks at the tasks hears, once, that no mail would tell them."""
    if not await repository.tasks.unfinished(session, None, [tasks.ALERTS_FAIL]):
        await open_task(session, tenant, None, tasks.ALERTS_FAIL, now)


@use_case
async def claim(session: AsyncSession, *, task_id: UUID, version: int | None, owner: str) -> Task:
    """Raises Problem `task_not_found`, `task_closed` or `version_mismatch`."""
    return await _changed(session, tasks.claim(await locked(session, task_id, version), owner))


@use_case
async def give_back(session: AsyncSession, *, task_id: UUID, version: int | None) -> Task:
    """Raises Problem `task_not_found`, `task_closed` or `version_mismatch`."""
    return await _changed(session, tasks.give_back(await locked(session, task_id, version)))


@use_case
async def say_there(
    database: Database, *, tenant: UUID, task_id: UUID, by: str, now: datetime, booking: Booking
) -> None:
    """Answers the question whether a client is there: booking is told, and then the task is done.

    Raises Unavailable, or Problem: `task_not_found`, `not_asked`, or what booking refuses it with.
    """
    async with database.transaction(tenant) as session:
        task = await repository.tasks.get(session, task_id)
    if task.kind != IS_CLIENT_THERE or task.appointment_id is None:
        raise conflict("not_asked", "This task doesn't ask whether a client is there.")
    if task.status != "closed":
        await booking.arrived(tenant, task.appointment_id, by, now)
    async with database.transaction(tenant) as session:
        # The event of it may have been faster.
        found = await repository.tasks.get(session, task_id, lock=True)
        if found.status != "closed":
            await finish(session, tenant, found, by, "done", now)


async def finish(session: AsyncSession, tenant: UUID, task: Task, by: str, outcome: TaskOutcome, now: datetime) -> Task:
    """Closes a task that is locked, and tells so."""
    closed = tasks.close(task, by, outcome, now)
    if closed.client_id is not None:
        event = TaskClosed(
            sequence=2,
            task_id=closed.id,
            client_id=closed.client_id,
            kind=closed.kind,
            opened_at=closed.opened_at,
            closed_at=now,
            outcome=outcome,
            outreach_id=closed.outreach_id,
        )
        await repository.record(session, tenant, [event], now)
    await repository.tasks.overdue_no_more(session, tenant, closed)
    return await _changed(session, closed)


async def locked(session: AsyncSession, task_id: UUID, version: int | None) -> Task:
    annotate(task_id=task_id)
    task = await repository.tasks.get(session, task_id, lock=True)
    require_version(version, task.version)
    return task


async def _changed(session: AsyncSession, task: Task) -> Task:
    await repository.tasks.save(session, task)
    return task
