"""Routes: what persons at the practice should do."""

from collections.abc import Awaitable, Callable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications import repository, schemas
from services.notifications.api.common import AT_THE_PRACTICE, own, require_task, seer
from services.notifications.domain.model import Task, TaskStatus
from services.notifications.use_cases import closing, tasks
from shared import paging
from shared.commands import Answer, Command, Write, etag
from shared.web import Caller, problems

router = APIRouter(prefix="/v1", responses=problems(401, 403, 422, 503))


@router.get("/tasks", operation_id="list_tasks")
async def list_tasks(
    request: Request,
    caller: Caller,
    status: TaskStatus | None = None,
    kind: Annotated[str | None, Query(max_length=40)] = None,
    owner: Annotated[str | None, Query(max_length=200)] = None,
    client_id: UUID | None = None,
    provider_id: UUID | None = None,
    limit: paging.Limit = 50,
    cursor: paging.Cursor = None,
) -> schemas.TaskPage:
    """What persons at the practice should do, what is due first before the rest."""
    caller.require("messages:read", *AT_THE_PRACTICE)
    async with own(request).database.transaction(caller.tenant) as session:
        after = paging.decode(cursor)
        found = await repository.tasks.page(
            session, after, limit + 1, status, kind, owner, client_id, provider_id, seen_by=seer(caller)
        )
    items, following = paging.page(found, limit, lambda task: (task.due_at, task.id))
    return schemas.TaskPage(items=[_body(task) for task in items], next=following)


@router.get("/tasks/{task_id}", operation_id="get_task", responses=problems(404))
async def get_task(request: Request, response: Response, task_id: UUID, caller: Caller) -> schemas.TaskStory:
    """A task with what led to it."""
    caller.require("messages:read", *AT_THE_PRACTICE)
    async with own(request).database.transaction(caller.tenant) as session:
        await require_task(session, caller, task_id)
        task = await repository.tasks.get(session, task_id)
        text = await repository.inbound.find(session, task.inbound_id) if task.inbound_id else None
        written = await repository.secure.of_task(session, task.id)
        check_in = await repository.check_ins.of_task(session, task.id)
        decisions = await repository.decisions.latest(session, task.client_id, 100) if task.client_id else []
        letters = await repository.secure.written(session, task.client_id, 20) if task.client_id else []
        run = await repository.outreach.find(session, task.outreach_id) if task.outreach_id else None
    response.headers["etag"] = etag(task.version)
    said = schemas.InboundText.model_fields
    return schemas.TaskStory(
        **_body(task).model_dump(),
        text=schemas.InboundText(**{name: text[name] for name in said}) if text else None,
        messages=[schemas.SecureMessageBody.model_validate(one, from_attributes=True) for one in written],
        check_in=schemas.CheckInBody.model_validate(check_in) if check_in else None,
        barrier=run.barrier if run else None,
        written=[schemas.WrittenBody.model_validate(one, from_attributes=True) for one in letters],
        decisions=[schemas.Decision.of(row) for row in decisions],
    )


@router.post(
    "/tasks/{task_id}/claim",
    response_model=schemas.TaskBody,
    operation_id="claim_task",
    responses=problems(404, 409, 412),
)
async def claim_task(task_id: UUID, command: Write) -> Response:
    """Takes a task on; also one that somebody else has."""
    subject = command.principal.subject
    return await _change(
        command, task_id, lambda session: tasks.claim(session, task_id=task_id, version=command.if_match, owner=subject)
    )


@router.post(
    "/tasks/{task_id}/release",
    response_model=schemas.TaskBody,
    operation_id="release_task",
    responses=problems(404, 409, 412),
)
async def release_task(task_id: UUID, command: Write) -> Response:
    """Gives a task back, for anybody to take on."""
    return await _change(
        command, task_id, lambda session: tasks.give_back(session, task_id=task_id, version=command.if_match)
    )


@router.post(
    "/tasks/{task_id}/close",
    response_model=schemas.TaskBody,
    operation_id="close_task",
    responses=problems(404, 409, 412),
)
async def close_task(request: Request, task_id: UUID, body: schemas.Outcome, command: Write) -> Response:
    """Closes a task, with what came of it.

    `reached` and `rebooked` end the outreach that it is of, `declined` every outreach to this client.
    """
    principal, now = command.principal, own(request).clock()
    return await _change(
        command,
        task_id,
        lambda session: closing.close(
            session,
            tenant=principal.tenant,
            task_id=task_id,
            version=command.if_match,
            by=principal.subject,
            outcome=body.outcome,
            now=now,
        ),
    )


async def _change(command: Command, task_id: UUID, change: Callable[[AsyncSession], Awaitable[Task]]) -> Response:
    command.principal.require("messages:write", *AT_THE_PRACTICE)

    async def work(session: AsyncSession) -> Answer:
        await require_task(session, command.principal, task_id)
        task = await change(session)
        return Answer(_body(task), 200, task.version)

    return await command.run(work)


def _body(task: Task) -> schemas.TaskBody:
    return schemas.TaskBody.model_validate(task)
