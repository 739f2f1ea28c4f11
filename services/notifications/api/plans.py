"""Routes: reminder plans and outreach flows."""

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications import repository, schemas
from services.notifications.api.common import ADMINISTRATION, AT_THE_PRACTICE, own
from services.notifications.domain.outreach import OutreachFlow
from services.notifications.domain.plans import ReminderPlan
from services.notifications.use_cases import practice
from shared.commands import Answer, Write
from shared.web import Caller, problems

router = APIRouter(prefix="/v1", responses=problems(401, 403, 422, 503))


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
    return schemas.PlanBody(version=version, plan=plan)


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
async def get_flow(request: Request, caller: Caller) -> schemas.FlowBody:
    """The outreach flow in force."""
    caller.require("messages:read", *AT_THE_PRACTICE)
    async with own(request).database.transaction(caller.tenant) as session:
        version, flow = await repository.plans.flow(session)
    return schemas.FlowBody(version=version, flow=flow)
