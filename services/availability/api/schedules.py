"""Routes: schedules."""

from uuid import UUID

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from services.availability import repository
from services.availability.api.common import AT_THE_PRACTICE, commit, own
from services.availability.domain.schedules import Schedule
from services.availability.schemas import schedules as schemas
from services.availability.use_cases import schedules
from shared import paging
from shared.auth import Principal, Role
from shared.commands import Answer, Write, etag
from shared.contracts.availability import ScheduleState
from shared.errors import forbidden, not_found
from shared.web import Caller, problems

router = APIRouter(prefix="/v1", responses=problems(401, 403, 422, 503))


@router.post(
    "/schedules",
    status_code=201,
    response_model=schemas.ScheduleBody,
    operation_id="publish_schedule",
    responses=problems(409),
)
async def publish_schedule(request: Request, body: schemas.NewSchedule, command: Write) -> Response:
    """Publishes a schedule: its slots are offered from now on."""
    principal, now = command.principal, own(request).clock()
    principal.require("schedules:write", *AT_THE_PRACTICE)
    if principal.role is Role.PROVIDER and principal.provider_id != body.provider_id:
        raise forbidden("not_yours", "A provider's token publishes that provider's schedules only.")

    async def work(session: AsyncSession) -> Answer:
        return _answer(
            *await schedules.publish_schedule(
                session,
                tenant=principal.tenant,
                provider_id=body.provider_id,
                appointment_type_id=body.appointment_type_id,
                location_id=body.location_id,
                rules=body.rules(),
                now=now,
            ),
            status=201,
        )

    return await commit(request, command, work)


@router.get("/schedules", operation_id="list_schedules")
async def list_schedules(
    request: Request,
    caller: Caller,
    provider: UUID | None = None,
    limit: paging.Limit = 50,
    cursor: paging.Cursor = None,
) -> schemas.SchedulePage:
    """Schedules that are not withdrawn; a provider's token sees that provider's."""
    caller.require("schedules:read", *AT_THE_PRACTICE)
    if caller.role is Role.PROVIDER:
        provider = caller.provider_id
    async with own(request).database.transaction(caller.tenant) as session:
        found = await repository.schedules.page(session, paging.decode(cursor), limit + 1, provider)
        items, after = paging.page(found, limit, lambda item: (item.created_at, item.id))
        states = await repository.schedules.published(session, [item.id for item in items])
    published = {state.schedule_id: state for state in states}
    bodies = [schemas.ScheduleBody.of(item, published[item.id]) for item in items]
    return schemas.SchedulePage(items=bodies, next=after)


@router.get("/schedules/{schedule_id}", operation_id="get_schedule", responses=problems(404))
async def get_schedule(request: Request, response: Response, schedule_id: UUID, caller: Caller) -> schemas.ScheduleBody:
    """One schedule, withdrawn ones too; the ETag is its version."""
    caller.require("schedules:read", *AT_THE_PRACTICE)
    async with own(request).database.transaction(caller.tenant) as session:
        await _visible(session, caller, schedule_id)
        schedule, state = await schedules.get_schedule(session, schedule_id=schedule_id, now=own(request).clock())
    response.headers["etag"] = etag(schedule.version)
    return schemas.ScheduleBody.of(schedule, state)


@router.put(
    "/schedules/{schedule_id}",
    response_model=schemas.ScheduleBody,
    operation_id="replace_schedule",
    responses=problems(404, 409, 412, 428),
)
async def replace_schedule(
    request: Request, schedule_id: UUID, body: schemas.ScheduleRules, command: Write
) -> Response:
    """Replaces windows and durations; needs `If-Match`. What is booked stays."""
    principal, now = command.principal, own(request).clock()
    principal.require("schedules:write", *AT_THE_PRACTICE)
    version = command.version_read

    async def work(session: AsyncSession) -> Answer:
        await _visible(session, principal, schedule_id)
        return _answer(
            *await schedules.replace_schedule(
                session,
                tenant=principal.tenant,
                schedule_id=schedule_id,
                version=version,
                rules=body.rules(),
                now=now,
            )
        )

    return await commit(request, command, work)


@router.delete(
    "/schedules/{schedule_id}",
    response_model=schemas.ScheduleBody,
    operation_id="withdraw_schedule",
    responses=problems(404, 409, 412),
)
async def withdraw_schedule(request: Request, schedule_id: UUID, command: Write) -> Response:
    """Withdraws a schedule: it offers nothing any more, what is booked stays. A second time changes nothing."""
    principal, now = command.principal, own(request).clock()
    principal.require("schedules:write", *AT_THE_PRACTICE)

    async def work(session: AsyncSession) -> Answer:
        await _visible(session, principal, schedule_id)
        return _answer(
            *await schedules.withdraw_schedule(
                session, tenant=principal.tenant, schedule_id=schedule_id, version=command.if_match, now=now
            )
        )

    return await commit(request, command, work)


def _answer(schedule: Schedule, state: ScheduleState, status: int = 200) -> Answer:
    location = f"/v1/schedules/{schedule.id}" if status == 201 else None
    return Answer(schemas.ScheduleBody.of(schedule, state), status, schedule.version, location)


async def _visible(session: AsyncSession, principal: Principal, schedule_id: UUID) -> None:
    """Raises Problem `schedule_not_found` also for another provider's, where the caller is one."""
    schedule = await repository.schedules.get(session, schedule_id)
    if principal.role is Role.PROVIDER and schedule.provider_id != principal.provider_id:
        raise not_found("schedule")
