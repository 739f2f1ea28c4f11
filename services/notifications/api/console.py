"""The console's pages of notifications: tasks to work through, conversations, and a client's message story."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, get_args
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications import repository
from services.notifications.api.common import (
    ADMINISTRATION,
    AT_THE_PRACTICE,
    caseload,
    own,
    require_client,
    require_task,
    seer,
)
from services.notifications.clients import Unavailable
from services.notifications.domain.secure import LONGEST, LONGEST_SENT, typed
from services.notifications.domain.tasks import IS_CLIENT_THERE
from services.notifications.use_cases import closing, practice, secure, tasks
from shared import paging
from shared.auth import Principal, Role
from shared.console import OwnForm, Visitor, base
from shared.contracts.notifications import TaskOutcome
from shared.errors import Kind, Problem, invalid
from shared.pages import Pages
from shared.web import STATUS

router = APIRouter(prefix="/console", include_in_schema=False, default_response_class=HTMLResponse)
pages = Pages(Path(__file__).parent.parent / "pages", console=True)
pages.filters(
    words=lambda code: str(code).replace("_", " "),
    at=lambda moment: f"{moment.astimezone(ZoneInfo('UTC')):%Y-%m-%d %H:%M} UTC",
)
ON_A_PAGE = 100
OUTCOMES: tuple[TaskOutcome, ...] = get_args(TaskOutcome)
SHOWN_AGAIN = frozenset((Kind.CONFLICT, Kind.INVALID, Kind.PRECONDITION_FAILED))
"""Refusals that are said on the page that was sent."""

_NO_ANSWER = {
    "booking_away": "Booking can't be reached right now; nothing was changed.",
    "booking_silent": "Booking hasn't answered. If this task is still here in a minute, please press again.",
}

Work = Callable[[AsyncSession], Awaitable[Any]]


@router.get("")
async def open_tasks(request: Request, visitor: Visitor, cursor: paging.Cursor = None) -> HTMLResponse:
    """What is to be done, what is due first before the rest."""
    visitor.require("messages:read", *AT_THE_PRACTICE)
    now = own(request).clock()
    async with own(request).database.transaction(visitor.tenant) as session:
        found = await repository.tasks.page(
            session, paging.decode(cursor), ON_A_PAGE + 1, unfinished=True, seen_by=seer(visitor)
        )
    items, after = paging.page(found, ON_A_PAGE, lambda task: (task.due_at, task.id))
    return render(request, "tasks.html", tasks=items, next=after, now=now, me=visitor.subject)


@router.get("/conversations")
async def conversations(request: Request, visitor: Visitor, cursor: paging.Cursor = None) -> HTMLResponse:
    """Who has written, the newest first."""
    visitor.require("messages:read", *AT_THE_PRACTICE)
    async with own(request).database.transaction(visitor.tenant) as session:
        found = await repository.secure.conversations(session, paging.decode(cursor), ON_A_PAGE + 1, caseload(visitor))
    items, after = paging.page(found, ON_A_PAGE, lambda one: (one.last_at, one.client_id))
    return render(request, "conversations.html", conversations=items, next=after)


@router.get("/tasks/{task_id}")
async def one_task(request: Request, task_id: UUID, visitor: Visitor) -> HTMLResponse:
    """A task with what led to it, and what can be done about it."""
    visitor.require("messages:read", *AT_THE_PRACTICE)
    return await _task(request, visitor, task_id)


@router.post("/tasks/{task_id}/there", dependencies=[OwnForm], response_model=None)
async def say_there(request: Request, task_id: UUID, visitor: Visitor) -> Response:
    """The client is there: booking is told, and the task is done."""
    visitor.require("messages:write", *AT_THE_PRACTICE)
    ours = own(request)
    async with ours.database.transaction(visitor.tenant) as session:
        await require_task(session, visitor, task_id)
    try:
        await tasks.say_there(
            ours.database,
            tenant=visitor.tenant,
            task_id=task_id,
            by=visitor.subject,
            now=ours.clock(),
            booking=ours.booking,
        )
    except Unavailable as error:
        return await _task(request, visitor, task_id, Problem(Kind.UNAVAILABLE, error.code, _NO_ANSWER[error.code]))
    except Problem as problem:
        if problem.kind not in SHOWN_AGAIN:
            raise
        return await _task(request, visitor, task_id, problem)
    return RedirectResponse(f"{base(request)}/console", 303)


@router.post("/tasks/{task_id}/{move}", dependencies=[OwnForm], response_model=None)
async def change_task(
    request: Request,
    task_id: UUID,
    move: str,
    visitor: Visitor,
    version: Annotated[int, Form(ge=1)],
    outcome: Annotated[TaskOutcome, Form()] = "done",
) -> Response:
    """Takes a task on, gives it back, or closes it with what came of it."""
    visitor.require("messages:write", *AT_THE_PRACTICE)
    now, tenant, me = own(request).clock(), visitor.tenant, visitor.subject
    moves: dict[str, Work] = {
        "claim": lambda session: tasks.claim(session, task_id=task_id, version=version, owner=me),
        "release": lambda session: tasks.give_back(session, task_id=task_id, version=version),
        "close": lambda session: closing.close(
            session, tenant=tenant, task_id=task_id, version=version, by=me, outcome=outcome, now=now
        ),
    }
    if move not in moves:
        raise Problem(Kind.NOT_FOUND, "move_not_found", "A task is claimed, released or closed.")

    async def work(session: AsyncSession) -> None:
        await require_task(session, visitor, task_id)
        await moves[move](session)

    told = await _done(request, visitor, work)
    if told is not None:
        return await _task(request, visitor, task_id, told)
    where = "" if move == "close" else f"/tasks/{task_id}"
    return RedirectResponse(f"{base(request)}/console{where}", 303)


@router.get("/clients/{client_id}")
async def client_story(
    request: Request, client_id: UUID, visitor: Visitor, cursor: paging.Cursor = None
) -> HTMLResponse:
    """What a client was sent or not and why, what was written, and whether automation is paused."""
    visitor.require("messages:read", *AT_THE_PRACTICE)
    return await _client(request, visitor, client_id, before=paging.decode(cursor))


@router.post("/clients/{client_id}/write", dependencies=[OwnForm], response_model=None)
async def write(
    request: Request, client_id: UUID, visitor: Visitor, body: Annotated[str, Form(max_length=LONGEST_SENT)] = ""
) -> Response:
    """Writes to a client; that answers what they have written."""
    visitor.require("messages:write", *AT_THE_PRACTICE)
    now = own(request).clock()

    async def work(session: AsyncSession) -> None:
        await require_client(session, visitor, client_id)
        text = typed(body)
        if not text:
            raise invalid("nothing_written", "Please write something first.", field="body")
        await secure.write_as_practice(
            session, tenant=visitor.tenant, client_id=client_id, body=text, by=visitor.subject, now=now
        )

    return await _to_client(request, visitor, client_id, work)


@router.post("/clients/{client_id}/resume", dependencies=[OwnForm], response_model=None)
async def resume(request: Request, client_id: UUID, visitor: Visitor) -> Response:
    """Lifts a pause."""
    visitor.require("messages:write", Role.PROVIDER, *ADMINISTRATION)
    now, by = own(request).clock(), visitor.subject

    async def work(session: AsyncSession) -> None:
        await require_client(session, visitor, client_id)
        await practice.resume(session, tenant=visitor.tenant, client_id=client_id, by=by, now=now)

    return await _to_client(request, visitor, client_id, work)


async def _done(request: Request, visitor: Principal, work: Work) -> Problem | None:
    """What kept the work from being done, where the page can say it."""
    try:
        await own(request).database.run(visitor.tenant, work)
    except Problem as problem:
        if problem.kind not in SHOWN_AGAIN:
            raise
        return problem
    return None


async def _to_client(request: Request, visitor: Principal, client_id: UUID, work: Work) -> Response:
    told = await _done(request, visitor, work)
    if told is not None:
        return await _client(request, visitor, client_id, told)
    return RedirectResponse(f"{base(request)}/console/clients/{client_id}", 303)


async def _task(request: Request, visitor: Principal, task_id: UUID, told: Problem | None = None) -> HTMLResponse:
    async with own(request).database.transaction(visitor.tenant) as session:
        await require_task(session, visitor, task_id)
        task = await repository.tasks.get(session, task_id)
        text = await repository.inbound.find(session, task.inbound_id) if task.inbound_id else None
        visit = await repository.visits.find(session, task.appointment_id) if task.appointment_id else None
        written = await repository.secure.of_task(session, task.id)
        check_in = await repository.check_ins.of_task(session, task.id)
        decisions = await repository.decisions.latest(session, task.client_id, 20) if task.client_id else []
        letters = await repository.secure.written(session, task.client_id, 20) if task.client_id else []
        run = await repository.outreach.find(session, task.outreach_id) if task.outreach_id else None
    return render(
        request,
        "task.html",
        told,
        task=task,
        visit=visit,
        asks=task.kind == IS_CLIENT_THERE and task.status != "closed",
        text=text,
        check_in=check_in,
        written=written,
        letters=letters,
        barrier=run.barrier if run else None,
        decisions=decisions,
        outcomes=OUTCOMES,
        me=visitor.subject,
        longest=LONGEST,
    )


async def _client(
    request: Request,
    visitor: Principal,
    client_id: UUID,
    told: Problem | None = None,
    before: paging.Position | None = None,
) -> HTMLResponse:
    async with own(request).database.transaction(visitor.tenant) as session:
        await require_client(session, visitor, client_id)
        found = await repository.decisions.latest(session, client_id, ON_A_PAGE + 1, before)
        written = await repository.secure.written(session, client_id, ON_A_PAGE)
        paused = await repository.people.last_pause(session, client_id)
    decisions, after = paging.page(found, ON_A_PAGE, lambda row: (row["at"], row["id"]))
    return render(
        request,
        "client.html",
        told,
        client_id=client_id,
        decisions=decisions,
        next=after,
        written=written,
        paused=paused if paused is not None and paused.lifted_at is None else None,
        longest=LONGEST,
    )


def render(request: Request, template: str, told: Problem | None = None, **values: Any) -> HTMLResponse:
    """A page of the console; what kept something from being done is said on it, and is its status."""
    status = STATUS[told.kind] if told else 200
    return pages.render(template, status, base=base(request), told=told.detail if told else None, **values)
