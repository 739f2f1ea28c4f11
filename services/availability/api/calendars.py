"""Routes: calendars that a provider keeps elsewhere."""

from uuid import UUID

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from services.availability import repository
from services.availability.api.common import AT_THE_PRACTICE, commit, own, require_own_hours
from services.availability.clients import FeedError, check_url
from services.availability.schemas import hours as schemas
from services.availability.use_cases import calendars
from shared.commands import Answer, Write
from shared.errors import invalid
from shared.web import Caller, problems

router = APIRouter(prefix="/v1/providers/{provider_id}/calendars", responses=problems(401, 403, 404, 422, 503))


@router.get("", operation_id="list_calendars")
async def list_calendars(request: Request, provider_id: UUID, caller: Caller) -> schemas.CalendarList:
    """A provider's calendars, and how fresh each is."""
    caller.require("schedules:read", *AT_THE_PRACTICE)
    async with own(request).database.transaction(caller.tenant) as session:
        await repository.practice.provider(session, provider_id)
        found = await repository.calendars.of_provider(session, provider_id)
    return schemas.CalendarList(items=[schemas.CalendarBody.of(item, own(request).clock()) for item in found])


@router.get("/{calendar_id}", operation_id="get_calendar")
async def get_calendar(request: Request, provider_id: UUID, calendar_id: UUID, caller: Caller) -> schemas.CalendarBody:
    """One calendar, and how fresh it is."""
    caller.require("schedules:read", *AT_THE_PRACTICE)
    async with own(request).database.transaction(caller.tenant) as session:
        found = await repository.calendars.get(session, calendar_id, provider_id)
    return schemas.CalendarBody.of(found, own(request).clock())


@router.post(
    "", status_code=201, response_model=schemas.CalendarBody, operation_id="add_calendar", responses=problems(409)
)
async def add_calendar(request: Request, provider_id: UUID, body: schemas.NewCalendar, command: Write) -> Response:
    """Follows an iCalendar feed: what it says is busy is not offered. The worker reads it at once."""
    require_own_hours(command.principal, provider_id)
    tenant, now = command.principal.tenant, own(request).clock()
    try:
        check_url(body.url, own(request).settings.insecure_feeds)
    except FeedError as error:
        raise invalid(error.code, error.detail, field="url") from error

    async def work(session: AsyncSession) -> Answer:
        added = await calendars.add_calendar(
            session, tenant=tenant, provider_id=provider_id, now=now, **body.model_dump()
        )
        location = f"/v1/providers/{provider_id}/calendars/{added.id}"
        return Answer(schemas.CalendarBody.of(added, now), 201, location=location)

    return await commit(request, command, work)


@router.post(
    "/{calendar_id}/refresh",
    status_code=202,
    response_model=schemas.CalendarBody,
    operation_id="refresh_calendar",
    responses=problems(409),
)
async def refresh_calendar(request: Request, provider_id: UUID, calendar_id: UUID, command: Write) -> Response:
    """Has the worker read the feed again now; `checked_at` tells when it has."""
    require_own_hours(command.principal, provider_id)
    tenant, now = command.principal.tenant, own(request).clock()

    async def work(session: AsyncSession) -> Answer:
        found = await calendars.refresh_soon(
            session, tenant=tenant, provider_id=provider_id, calendar_id=calendar_id, now=now
        )
        return Answer(schemas.CalendarBody.of(found, now), 202)

    return await commit(request, command, work)


@router.delete("/{calendar_id}", status_code=204, operation_id="drop_calendar", responses=problems(409))
async def drop_calendar(request: Request, provider_id: UUID, calendar_id: UUID, command: Write) -> Response:
    """Follows the feed no more; what it said hides nothing from now on."""
    require_own_hours(command.principal, provider_id)
    tenant, now = command.principal.tenant, own(request).clock()

    async def work(session: AsyncSession) -> Answer:
        await calendars.drop_calendar(session, tenant=tenant, provider_id=provider_id, calendar_id=calendar_id, now=now)
        return Answer(None, 204)

    return await commit(request, command, work)
