"""Routes: check-ins between sessions, their plans, and the page on which one tap answers."""

from typing import Annotated
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Form, Path, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications import repository, schemas
from services.notifications.api.common import ADMINISTRATION, AT_THE_PRACTICE, caseload, links_of, own, require_client
from services.notifications.api.pages import render
from services.notifications.domain.check_ins import CheckIn, CheckInAnswer, CheckInPlan
from services.notifications.resources import Resources
from services.notifications.use_cases import check_ins, practice, previews
from shared import paging
from shared.auth import Role
from shared.capability import Capability
from shared.commands import Answer, Write
from shared.errors import not_found
from shared.telemetry import current_tenant
from shared.web import Caller, problems

router = APIRouter(prefix="/v1", responses=problems(401, 403, 422, 503))
page = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.post(
    "/check-in-plans", status_code=201, response_model=schemas.CheckInPlanBody, operation_id="publish_check_in_plan"
)
async def publish_plan(request: Request, body: CheckInPlan, command: Write) -> Response:
    """Publishes a new version of the check-in plan; it follows visits that take place from now on."""
    command.principal.require("messages:write", *ADMINISTRATION)
    now = own(request).clock()

    async def work(session: AsyncSession) -> Answer:
        version = await practice.publish_check_ins(session, tenant=command.principal.tenant, plan=body, now=now)
        return Answer(schemas.CheckInPlanBody(version=version, plan=body), 201)

    return await command.run(work)


@router.get("/check-in-plans/current", operation_id="get_check_in_plan")
async def get_plan(request: Request, caller: Caller) -> schemas.CheckInPlanBody:
    """The check-in plan in force."""
    caller.require("messages:read", *AT_THE_PRACTICE)
    async with own(request).database.transaction(caller.tenant) as session:
        version, plan = await repository.check_ins.plan(session)
    return schemas.CheckInPlanBody(version=version, plan=plan)


@router.get("/check-in-plans/{version}", operation_id="get_check_in_plan_version", responses=problems(404))
async def get_plan_version(
    request: Request, version: Annotated[int, Path(ge=0, le=2**31 - 1)], caller: Caller
) -> schemas.CheckInPlanBody:
    """A check-in plan as it was published; 0 asks nobody."""
    caller.require("messages:read", *AT_THE_PRACTICE)
    async with own(request).database.transaction(caller.tenant) as session:
        found, plan = await repository.check_ins.plan(session, version)
    if found != version:
        raise not_found("check_in_plan", "There is no such version of the check-in plan.")
    return schemas.CheckInPlanBody(version=version, plan=plan)


@router.post("/check-in-plans/preview", operation_id="preview_check_in_plan", responses=problems(409))
async def preview_plan(request: Request, body: schemas.CheckInPreview, caller: Caller) -> schemas.Preview:
    """Every check-in after a visit as it could be: when it would go and what it would say. Nothing is kept."""
    caller.require("messages:read", *AT_THE_PRACTICE)
    ours = own(request)
    async with ours.database.transaction(caller.tenant) as session:
        found = await previews.preview_check_ins(
            session, plan=body.plan, sample=body.visit.sample(), links=links_of(ours, caller.tenant), now=ours.clock()
        )
    return schemas.Preview(items=[schemas.PreviewedStep.of(step) for step in found])


@router.get("/check-ins", operation_id="list_check_ins")
async def list_check_ins(
    request: Request,
    caller: Caller,
    client_id: UUID | None = None,
    provider_id: UUID | None = None,
    answered: bool | None = None,
    limit: paging.Limit = 50,
    cursor: paging.Cursor = None,
) -> schemas.CheckInPage:
    """Who was or will be asked how they are, and what they said, the newest first."""
    caller.require("messages:read", *AT_THE_PRACTICE)
    async with own(request).database.transaction(caller.tenant) as session:
        found = await repository.check_ins.page(
            session,
            paging.decode(cursor),
            limit + 1,
            client_id=client_id,
            provider_id=provider_id,
            answered=answered,
            caseload=caseload(caller),
        )
    items, after = paging.page(found, limit, lambda one: (one.due_at, one.id))
    return schemas.CheckInPage(items=[_body(item) for item in items], next=after)


@router.post(
    "/check-ins/{check_in_id}/answer",
    response_model=schemas.CheckInBody,
    operation_id="answer_check_in",
    responses=problems(404),
)
async def answer_check_in(
    request: Request, check_in_id: UUID, body: schemas.NewCheckInAnswer, command: Write
) -> Response:
    """Says how the client is, as the client; the first answer stands."""
    principal, now = command.principal, own(request).clock()
    principal.require("messages:write", Role.CLIENT, Role.APP)

    async def work(session: AsyncSession) -> Answer:
        await require_client(session, principal, (await repository.check_ins.get(session, check_in_id)).client_id)
        answered = await check_ins.answer(
            session, tenant=principal.tenant, check_in_id=check_in_id, said=body.answer, now=now
        )
        return Answer(_body(answered))

    return await command.run(work)


@page.get("/c/{link}")
async def check_in_page(request: Request, link: str) -> HTMLResponse:
    """Asks how the client is, or thanks. Looking changes nothing; only a pressed button does."""
    ours = own(request)
    asked = _opened(ours, link)
    async with ours.database.transaction(asked.tenant) as session:
        check_in = await repository.check_ins.asked_by(session, asked.subject)
        visit = await repository.visits.find(session, check_in.appointment_id)
        links = links_of(ours, asked.tenant)
        return await render(
            session,
            "check_in.html",
            check_in.client_id,
            check_in=check_in,
            about=visit.start if visit else None,
            path=_path(ours, link),
            write=links.inbox(check_in.client_id, ours.clock(), only_write=True),
        )


@page.post("/c/{link}")
async def answer_on_page(request: Request, link: str, answer: Annotated[CheckInAnswer, Form()]) -> RedirectResponse:
    ours = own(request)
    asked = _opened(ours, link)

    async def work(session: AsyncSession) -> None:
        check_in = await repository.check_ins.asked_by(session, asked.subject)
        await check_ins.answer(session, tenant=asked.tenant, check_in_id=check_in.id, said=answer, now=ours.clock())

    await ours.database.run(asked.tenant, work)
    return RedirectResponse(_path(ours, link), 303)


def _opened(ours: Resources, link: str) -> Capability:
    """Raises Problem as `Capability.verify` does."""
    asked = Capability.verify(link, ours.settings.link_signing_key, "check_in", ours.clock())
    current_tenant.set(asked.tenant)
    return asked


def _path(ours: Resources, link: str) -> str:
    return f"{ours.settings.public_url.rstrip('/')}/c/{quote(link)}"


def _body(check_in: CheckIn) -> schemas.CheckInBody:
    return schemas.CheckInBody.model_validate(check_in, from_attributes=True)
