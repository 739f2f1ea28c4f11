"""Routes: the practice, its holidays, providers, locations, rooms and appointment types."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from services.availability import repository
from services.availability.api.common import ADMINISTRATION, AT_THE_PRACTICE, commit, own
from services.availability.domain.hours import Holiday
from services.availability.domain.practice import Practice
from services.availability.domain.schedules import LOOK_BACK
from services.availability.schemas import practice as schemas
from services.availability.use_cases import hours, practice
from services.availability.use_cases.publishing import republish_all
from shared import paging
from shared.auth import Principal
from shared.bodies import Day
from shared.commands import Answer, Command, Write
from shared.errors import not_found
from shared.web import Caller, problems

MOST_SECONDS = 5.0
"""Of a request that republishes a whole practice; the rest is the worker's."""

router = APIRouter(prefix="/v1", responses=problems(401, 403, 422, 503))


@router.put(
    "/practices/{practice_id}",
    response_model=schemas.PracticeBody,
    operation_id="set_practice",
    responses=problems(404, 409),
)
async def set_practice(request: Request, practice_id: UUID, body: schemas.NewPractice, command: Write) -> Response:
    """Sets the name and zone of the token's own practice."""
    command.principal.require("schedules:write", *ADMINISTRATION)
    _require_own(command.principal, practice_id)

    async def work(session: AsyncSession) -> Answer:
        new = Practice(id=practice_id, name=body.name, zone=body.zone)
        return Answer(schemas.PracticeBody.of(await practice.set_practice(session, practice=new)))

    return await commit(request, command, work)


@router.get("/practices/{practice_id}", operation_id="get_practice", responses=problems(404))
async def get_practice(request: Request, practice_id: UUID, caller: Caller) -> schemas.PracticeBody:
    """The token's own practice."""
    caller.require("schedules:read", *AT_THE_PRACTICE)
    _require_own(caller, practice_id)
    async with own(request).database.transaction(caller.tenant) as session:
        found = await repository.practice.practice(session)
    if found is None:
        raise not_found("practice", "The practice has set no name and zone yet; PUT them here.")
    return schemas.PracticeBody.of(found)


def _require_own(principal: Principal, practice_id: UUID) -> None:
    if practice_id != principal.tenant:
        raise not_found("practice", "A token opens its own practice only.")


@router.post(
    "/providers",
    status_code=201,
    response_model=schemas.ProviderBody,
    operation_id="add_provider",
    responses=problems(409),
)
async def add_provider(request: Request, body: schemas.NewProvider, command: Write) -> Response:
    """Adds somebody who sees clients."""
    command.principal.require("schedules:write", *ADMINISTRATION)
    tenant, now = command.principal.tenant, own(request).clock()

    async def work(session: AsyncSession) -> Answer:
        added = await practice.add_provider(session, tenant=tenant, name=body.name, zone=body.zone, now=now)
        return Answer(schemas.ProviderBody.of(added), 201, location=f"/v1/providers/{added.id}")

    return await commit(request, command, work)


@router.get("/providers", operation_id="list_providers")
async def list_providers(
    request: Request, caller: Caller, limit: paging.Limit = 50, cursor: paging.Cursor = None
) -> schemas.ProviderPage:
    """Everybody who sees clients."""
    caller.require("schedules:read", *AT_THE_PRACTICE)
    async with own(request).database.transaction(caller.tenant) as session:
        found = await repository.practice.providers_page(session, paging.decode(cursor), limit + 1)
    items, after = paging.page(found, limit, lambda item: (item.created_at, item.id))
    return schemas.ProviderPage(items=[schemas.ProviderBody.of(item) for item in items], next=after)


@router.get("/providers/{provider_id}", operation_id="get_provider", responses=problems(404))
async def get_provider(request: Request, provider_id: UUID, caller: Caller) -> schemas.ProviderBody:
    """One provider."""
    caller.require("schedules:read", *AT_THE_PRACTICE)
    async with own(request).database.transaction(caller.tenant) as session:
        return schemas.ProviderBody.of(await repository.practice.provider(session, provider_id))


@router.post(
    "/locations",
    status_code=201,
    response_model=schemas.LocationBody,
    operation_id="add_location",
    responses=problems(409),
)
async def add_location(request: Request, body: schemas.NewLocation, command: Write) -> Response:
    """Adds a site, or telehealth."""
    command.principal.require("schedules:write", *ADMINISTRATION)
    tenant, now = command.principal.tenant, own(request).clock()

    async def work(session: AsyncSession) -> Answer:
        added = await practice.add_location(session, tenant=tenant, now=now, **body.model_dump())
        return Answer(schemas.LocationBody.of(added), 201, location=f"/v1/locations/{added.id}")

    return await commit(request, command, work)


@router.get("/locations", operation_id="list_locations")
async def list_locations(
    request: Request, caller: Caller, limit: paging.Limit = 50, cursor: paging.Cursor = None
) -> schemas.LocationPage:
    """All sites, and telehealth."""
    caller.require("schedules:read", *AT_THE_PRACTICE)
    async with own(request).database.transaction(caller.tenant) as session:
        found = await repository.practice.locations_page(session, paging.decode(cursor), limit + 1)
    items, after = paging.page(found, limit, lambda item: (item.created_at, item.id))
    return schemas.LocationPage(items=[schemas.LocationBody.of(item) for item in items], next=after)


@router.get("/locations/{location_id}", operation_id="get_location", responses=problems(404))
async def get_location(request: Request, location_id: UUID, caller: Caller) -> schemas.LocationBody:
    """One location."""
    caller.require("schedules:read", *AT_THE_PRACTICE)
    async with own(request).database.transaction(caller.tenant) as session:
        location = await repository.practice.location(session, location_id)
    if location is None:
        raise not_found("location")
    return schemas.LocationBody.of(location)


@router.post(
    "/appointment-types",
    status_code=201,
    response_model=schemas.AppointmentTypeBody,
    operation_id="add_appointment_type",
    responses=problems(409),
)
async def add_appointment_type(request: Request, body: schemas.NewAppointmentType, command: Write) -> Response:
    """Adds a kind of visit."""
    command.principal.require("schedules:write", *ADMINISTRATION)
    tenant, now = command.principal.tenant, own(request).clock()

    async def work(session: AsyncSession) -> Answer:
        added = await practice.add_appointment_type(
            session, tenant=tenant, name=body.name, intake=body.intake, timing=body.timing(), now=now
        )
        return Answer(schemas.AppointmentTypeBody.of(added), 201, location=f"/v1/appointment-types/{added.id}")

    return await commit(request, command, work)


@router.get("/appointment-types", operation_id="list_appointment_types")
async def list_appointment_types(
    request: Request, caller: Caller, limit: paging.Limit = 50, cursor: paging.Cursor = None
) -> schemas.AppointmentTypePage:
    """All kinds of visit."""
    caller.require("schedules:read", *AT_THE_PRACTICE)
    async with own(request).database.transaction(caller.tenant) as session:
        found = await repository.practice.appointment_types_page(session, paging.decode(cursor), limit + 1)
    items, after = paging.page(found, limit, lambda item: (item.created_at, item.id))
    return schemas.AppointmentTypePage(items=[schemas.AppointmentTypeBody.of(item) for item in items], next=after)


@router.get("/appointment-types/{appointment_type_id}", operation_id="get_appointment_type", responses=problems(404))
async def get_appointment_type(
    request: Request, appointment_type_id: UUID, caller: Caller
) -> schemas.AppointmentTypeBody:
    """One kind of visit."""
    caller.require("schedules:read", *AT_THE_PRACTICE)
    async with own(request).database.transaction(caller.tenant) as session:
        kind = await repository.practice.appointment_type(session, appointment_type_id)
    if kind is None:
        raise not_found("appointment_type")
    return schemas.AppointmentTypeBody.of(kind)


@router.post(
    "/rooms",
    status_code=201,
    response_model=schemas.RoomBody,
    operation_id="add_room",
    responses=problems(409),
)
async def add_room(request: Request, body: schemas.NewRoom, command: Write) -> Response:
    """Adds a room of a site."""
    command.principal.require("schedules:write", *ADMINISTRATION)
    tenant, now = command.principal.tenant, own(request).clock()

    async def work(session: AsyncSession) -> Answer:
        added = await practice.add_room(session, tenant=tenant, location_id=body.location_id, name=body.name, now=now)
        return Answer(schemas.RoomBody.of(added), 201)

    return await commit(request, command, work)


@router.get("/rooms", operation_id="list_rooms")
async def list_rooms(
    request: Request, caller: Caller, limit: paging.Limit = 50, cursor: paging.Cursor = None
) -> schemas.RoomPage:
    """All rooms."""
    caller.require("schedules:read", *AT_THE_PRACTICE)
    async with own(request).database.transaction(caller.tenant) as session:
        found = await repository.practice.rooms_page(session, paging.decode(cursor), limit + 1)
    items, after = paging.page(found, limit, lambda item: (item.created_at, item.id))
    return schemas.RoomPage(items=[schemas.RoomBody.of(item) for item in items], next=after)


@router.put(
    "/practices/{practice_id}/holidays/{date}",
    response_model=schemas.HolidayBody,
    operation_id="set_holiday",
    responses=problems(404, 409),
)
async def set_holiday(
    request: Request, practice_id: UUID, date: Day, body: schemas.NewHoliday, command: Write
) -> Response:
    """Closes the practice on a date, but for who has an override with windows there."""
    command.principal.require("schedules:write", *ADMINISTRATION)
    _require_own(command.principal, practice_id)
    now = own(request).clock()

    async def work(session: AsyncSession) -> Answer:
        holiday = Holiday(day=date, name=body.name)
        return Answer(
            schemas.HolidayBody.of(await hours.set_holiday(session, tenant=practice_id, holiday=holiday, now=now))
        )

    return await _for_all_schedules(request, command, work, now)


@router.delete(
    "/practices/{practice_id}/holidays/{date}",
    status_code=204,
    operation_id="drop_holiday",
    responses=problems(404, 409),
)
async def drop_holiday(request: Request, practice_id: UUID, date: Day, command: Write) -> Response:
    """The practice is open on that date after all."""
    command.principal.require("schedules:write", *ADMINISTRATION)
    _require_own(command.principal, practice_id)
    now = own(request).clock()

    async def work(session: AsyncSession) -> Answer:
        await hours.drop_holiday(session, tenant=practice_id, day=date, now=now)
        return Answer(None, 204)

    return await _for_all_schedules(request, command, work, now)


async def _for_all_schedules(
    request: Request, command: Command, work: Callable[[AsyncSession], Awaitable[Answer]], now: datetime
) -> Response:
    """Runs a command and publishes what it changes of all providers; what takes longer is left to the worker."""
    response, tenant, database = await command.run(work), command.principal.tenant, own(request).database
    if await republish_all(database, tenant=tenant, now=now, most_seconds=MOST_SECONDS):
        async with database.transaction(tenant) as session:
            await repository.hours.republished(session, tenant, now + hours.LEFT_TO_THE_TIMER_AFTER)
    await own(request).board.look()
    return response


@router.get("/practices/{practice_id}/holidays", operation_id="list_holidays", responses=problems(404))
async def list_holidays(request: Request, practice_id: UUID, caller: Caller) -> schemas.HolidayList:
    """Holidays to come."""
    caller.require("schedules:read", *AT_THE_PRACTICE)
    _require_own(caller, practice_id)
    since = (own(request).clock() - LOOK_BACK).date()
    async with own(request).database.transaction(caller.tenant) as session:
        found = await repository.hours.holidays(session, since)
    return schemas.HolidayList(items=[schemas.HolidayBody.of(item) for item in found])
