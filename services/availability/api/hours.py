"""Routes: a provider's hours, overrides and time off."""

from uuid import UUID

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from services.availability import repository
from services.availability.api.common import AT_THE_PRACTICE, commit, own, require_own_hours
from services.availability.domain.schedules import LOOK_BACK
from services.availability.schemas import hours as schemas
from services.availability.schemas.common import DayBody
from services.availability.use_cases import hours
from shared.bodies import Day
from shared.commands import Answer, Write, etag
from shared.contracts.availability import DayHours
from shared.web import Caller, problems

router = APIRouter(prefix="/v1/providers/{provider_id}", responses=problems(401, 403, 404, 422, 503))


@router.get("/hours", operation_id="get_hours")
async def get_hours(
    request: Request, response: Response, provider_id: UUID, caller: Caller
) -> schemas.ProviderHoursBody:
    """A provider's weekly hours; the ETag is their version."""
    caller.require("schedules:read", *AT_THE_PRACTICE)
    async with own(request).database.transaction(caller.tenant) as session:
        provider = await repository.practice.provider(session, provider_id)
    response.headers["etag"] = etag(provider.version)
    return schemas.ProviderHoursBody.of(provider)


@router.put(
    "/hours", response_model=schemas.ProviderHoursBody, operation_id="set_hours", responses=problems(409, 412, 428)
)
async def set_hours(request: Request, provider_id: UUID, body: schemas.HoursRules, command: Write) -> Response:
    """Replaces a provider's weekly hours, trips and daily limit; needs `If-Match`. What is booked stays."""
    require_own_hours(command.principal, provider_id)
    tenant, now, version = command.principal.tenant, own(request).clock(), command.version_read

    async def work(session: AsyncSession) -> Answer:
        provider = await hours.set_hours(
            session, tenant=tenant, provider_id=provider_id, version=version, wanted=body.wanted(), now=now
        )
        return Answer(schemas.ProviderHoursBody.of(provider), 200, provider.version)

    return await commit(request, command, work)


@router.get("/overrides", operation_id="list_overrides")
async def list_overrides(request: Request, provider_id: UUID, caller: Caller) -> schemas.OverrideList:
    """Dates to come on which the provider has other hours."""
    caller.require("schedules:read", *AT_THE_PRACTICE)
    since = (own(request).clock() - LOOK_BACK).date()
    async with own(request).database.transaction(caller.tenant) as session:
        await repository.practice.provider(session, provider_id)
        return schemas.OverrideList.of(await repository.hours.overrides(session, provider_id, since))


@router.put("/overrides/{date}", response_model=DayBody, operation_id="set_override", responses=problems(409))
async def set_override(
    request: Request, provider_id: UUID, date: Day, body: schemas.DayRules, command: Write
) -> Response:
    """Sets the hours of one local date in place of the weekly ones; no window closes it."""
    require_own_hours(command.principal, provider_id)
    tenant, now = command.principal.tenant, own(request).clock()
    item = DayHours(
        date=date,
        windows=tuple(window.contract() for window in body.windows),
        new_client_windows=tuple(window.contract() for window in body.new_client_windows),
    )

    async def work(session: AsyncSession) -> Answer:
        await hours.set_override(session, tenant=tenant, provider_id=provider_id, item=item, now=now)
        return Answer(DayBody.model_validate(item))

    return await commit(request, command, work)


@router.delete("/overrides/{date}", status_code=204, operation_id="drop_override", responses=problems(409))
async def drop_override(request: Request, provider_id: UUID, date: Day, command: Write) -> Response:
    """The weekly hours hold again on that date."""
    require_own_hours(command.principal, provider_id)
    tenant, now = command.principal.tenant, own(request).clock()

    async def work(session: AsyncSession) -> Answer:
        await hours.drop_override(session, tenant=tenant, provider_id=provider_id, day=date, now=now)
        return Answer(None, 204)

    return await commit(request, command, work)


@router.get("/time-off", operation_id="list_time_off")
async def list_time_off(request: Request, provider_id: UUID, caller: Caller) -> schemas.TimeOffList:
    """Time off that isn't over."""
    caller.require("schedules:read", *AT_THE_PRACTICE)
    async with own(request).database.transaction(caller.tenant) as session:
        await repository.practice.provider(session, provider_id)
        found = await repository.hours.time_off(session, provider_id, own(request).clock())
    return schemas.TimeOffList(items=[schemas.TimeOffBody.of(item) for item in found])


@router.post(
    "/time-off",
    status_code=201,
    response_model=schemas.TimeOffBody,
    operation_id="add_time_off",
    responses=problems(409),
)
async def add_time_off(request: Request, provider_id: UUID, body: schemas.NewTimeOff, command: Write) -> Response:
    """The provider will be away. Visits booked meanwhile stay, and are flagged for the practice to rebook."""
    require_own_hours(command.principal, provider_id)
    tenant, now = command.principal.tenant, own(request).clock()

    async def work(session: AsyncSession) -> Answer:
        added = await hours.add_time_off(
            session,
            tenant=tenant,
            provider_id=provider_id,
            begins_at=body.begins_at,
            ends_at=body.ends_at,
            now=now,
        )
        return Answer(schemas.TimeOffBody.of(added), 201)

    return await commit(request, command, work)


@router.delete("/time-off/{time_off_id}", status_code=204, operation_id="drop_time_off", responses=problems(409))
async def drop_time_off(request: Request, provider_id: UUID, time_off_id: UUID, command: Write) -> Response:
    """The provider is there after all; visits flagged for it may stay."""
    require_own_hours(command.principal, provider_id)
    tenant, now = command.principal.tenant, own(request).clock()

    async def work(session: AsyncSession) -> Answer:
        await hours.drop_time_off(session, tenant=tenant, provider_id=provider_id, time_off_id=time_off_id, now=now)
        return Answer(None, 204)

    return await commit(request, command, work)
