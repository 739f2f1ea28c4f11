"""Routes: reminder plans and outreach flows."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications import repository, schemas
from services.notifications.api.common import ADMINISTRATION, AT_THE_PRACTICE, links_of, own
from services.notifications.domain.outreach import OutreachFlow
from services.notifications.domain.plans import ReminderPlan
from services.notifications.use_cases import practice, previews
from shared.commands import Answer, Write
from shared.contracts.notifications import OutreachTrigger
from shared.errors import not_found
from shared.web import Caller, problems

router = APIRouter(prefix="/v1", responses=problems(401, 403, 422, 503))

Version = Annotated[int, Path(ge=0, le=2**31 - 1)]


@router.post("/reminder-plans", status_code=201, response_model=schemas.PlanBody, operation_id="publish_reminder_plan")
async def publish_plan(request: Request, body: ReminderPlan, command: Write) -> Response:
    """Publishes a new version of the reminder plan; visits booked from now on follow it."""
    command.principal.require("messages:write", *ADMINISTRATION)
    now = own(request).clock()

    async def work(session: AsyncSession) -> Answer:
        version = await practice.publish_plan(session, tenant=command.principal.tenant, plan=body, now=now)
        return Answer(schemas.PlanBody(version=version, plan=body), 201)

    return await command.run(work)


@router.get("/reminder-plans/current", operation_id="get_reminder_plan")
async def get_plan(request: Request, caller: Caller) -> schemas.PlanBody:
    """The reminder plan in force."""
    caller.require("messages:read", *AT_THE_PRACTICE)
    async with own(request).database.transaction(caller.tenant) as session:
        version, plan = await repository.plans.plan(session)
    return _plan(version, plan)


@router.get("/reminder-plans/{version}", operation_id="get_reminder_plan_version", responses=problems(404))
async def get_plan_version(request: Request, version: Version, caller: Caller) -> schemas.PlanBody:
    """A reminder plan as it was published; 0 is the default one."""
    caller.require("messages:read", *AT_THE_PRACTICE)
    async with own(request).database.transaction(caller.tenant) as session:
        found, plan = await repository.plans.plan(session, version)
    if found != version:
        raise not_found("reminder_plan", "There is no such version of the reminder plan.")
    return _plan(version, plan)


@router.post("/reminder-plans/preview", operation_id="preview_reminder_plan", responses=problems(409))
async def preview_plan(request: Request, body: schemas.PlanPreview, caller: Caller) -> schemas.Preview:
    """Every message of a plan for a visit as it could be: when it would go and what it would say. Nothing is kept."""
    caller.require("messages:read", *AT_THE_PRACTICE)
    ours = own(request)
    async with ours.database.transaction(caller.tenant) as session:
        found = await previews.preview_plan(
            session, plan=body.plan, sample=body.visit.sample(), links=links_of(ours, caller.tenant), now=ours.clock()
        )
    return schemas.Preview(items=[schemas.PreviewedStep.of(step) for step in found])


@router.post("/outreach-flows", status_code=201, response_model=schemas.FlowBody, operation_id="publish_outreach_flow")
async def publish_flow(request: Request, body: OutreachFlow, command: Write) -> Response:
    """Publishes a new version of the outreach flow; outreach under way keeps the version it began with."""
    command.principal.require("messages:write", *ADMINISTRATION)
    now = own(request).clock()

    async def work(session: AsyncSession) -> Answer:
        version = await practice.publish_flow(session, tenant=command.principal.tenant, flow=body, now=now)
        return Answer(schemas.FlowBody(version=version, flow=body), 201)

    return await command.run(work)


@router.get("/outreach-flows/current", operation_id="get_outreach_flow")
async def get_flow(request: Request, caller: Caller, trigger: OutreachTrigger = "missed") -> schemas.FlowBody:
    """The outreach flow in force for what sets it going."""
    caller.require("messages:read", *AT_THE_PRACTICE)
    async with own(request).database.transaction(caller.tenant) as session:
        version, flow = await repository.plans.flow(session, trigger)
    return _flow(version, flow)


@router.get("/outreach-flows/{version}", operation_id="get_outreach_flow_version", responses=problems(404))
async def get_flow_version(
    request: Request, version: Version, caller: Caller, trigger: OutreachTrigger = "missed"
) -> schemas.FlowBody:
    """An outreach flow as it was published; 0 is the default one for what sets it going."""
    caller.require("messages:read", *AT_THE_PRACTICE)
    async with own(request).database.transaction(caller.tenant) as session:
        found, flow = await repository.plans.flow(session, trigger, version)
    if found != version:
        raise not_found("outreach_flow", "There is no such version of the outreach flow.")
    return _flow(version, flow)


@router.post("/outreach-flows/preview", operation_id="preview_outreach_flow", responses=problems(409))
async def preview_flow(request: Request, body: schemas.FlowPreview, caller: Caller) -> schemas.Preview:
    """Every step of a flow as if a visit were missed, and what it has for each barrier. Nothing is kept."""
    caller.require("messages:read", *AT_THE_PRACTICE)
    ours = own(request)
    async with ours.database.transaction(caller.tenant) as session:
        found = await previews.preview_flow(
            session,
            trigger=body.trigger,
            flow=body.flow,
            sample=body.visit.sample(),
            links=links_of(ours, caller.tenant),
            now=ours.clock(),
        )
    return schemas.Preview(items=[schemas.PreviewedStep.of(step) for step in found])


# One that was published before a rule was made holds as it is, and is shown as it is.


def _plan(version: int, plan: ReminderPlan) -> schemas.PlanBody:
    return schemas.PlanBody.model_construct(version=version, plan=plan)


def _flow(version: int, flow: OutreachFlow) -> schemas.FlowBody:
    return schemas.FlowBody.model_construct(version=version, flow=flow)
