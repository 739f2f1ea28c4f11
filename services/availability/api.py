"""HTTP of availability: route → use case → schema."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from services.availability import repository, schemas, use_cases
from services.availability.domain import Practice, Schedule
from services.availability.resources import Resources
from shared import paging
from shared.auth import Principal, Role
from shared.contracts.availability import Modality
from shared.errors import Kind, Problem, forbidden, not_found
from shared.idempotency import Answer, Write, etag
from shared.web import Caller, problems

router = APIRouter(prefix="/v1", responses=problems(401, 403, 422, 503))

AT_THE_PRACTICE = (Role.PROVIDER, Role.STAFF, Role.ADMIN, Role.APP)
ADMINISTRATION = (Role.STAFF, Role.ADMIN, Role.APP)


def _resources(request: Request) -> Resources:
    resources: Resources = request.app.state.resources
    return resources


@router.put(
    "/practices/{practice_id}",
    response_model=schemas.PracticeBody,
    operation_id="set_practice",
    responses=problems(404, 409),
)
async def set_practice(practice_id: UUID, body: schemas.NewPractice, command: Write) -> Response:
    """Sets the name and zone of the token's own practice."""
    command.principal.require("schedules:write", *ADMINISTRATION)
    _require_own(command.principal, practice_id)

    async def work(session: AsyncSession) -> Answer:
        practice = Practice(id=practice_id, name=body.name, zone=body.zone)
        return Answer(schemas.PracticeBody.of(await use_cases.set_practice(session, practice=practice)))

    return await command.run(work)


@router.get("/practices/{practice_id}", operation_id="get_practice", responses=problems(404))
async def get_practice(request: Request, practice_id: UUID, caller: Caller) -> schemas.PracticeBody:
    """The token's own practice."""
    caller.require("schedules:read", *AT_THE_PRACTICE)
    _require_own(caller, practice_id)
    async with _resources(request).database.transaction(caller.tenant) as session:
        practice = await repository.practice(session)
    if practice is None:
        raise not_found("practice", "The practice has set no name and zone yet; PUT them here.")
    return schemas.PracticeBody.of(practice)


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
    tenant, now = command.principal.tenant, _resources(request).clock()

    async def work(session: AsyncSession) -> Answer:
        added = await use_cases.add_provider(session, tenant=tenant, name=body.name, zone=body.zone, now=now)
        return Answer(schemas.ProviderBody.of(added), 201, location=f"/v1/providers/{added.id}")

    return await command.run(work)


@router.get("/providers", operation_id="list_providers")
async def list_providers(
    request: Request, caller: Caller, limit: paging.Limit = 50, cursor: paging.Cursor = None
) -> schemas.ProviderPage:
    """Everybody who sees clients."""
    caller.require("schedules:read", *AT_THE_PRACTICE)
    async with _resources(request).database.transaction(caller.tenant) as session:
        found = await repository.providers_page(session, paging.decode(cursor), limit + 1)
    items, after = paging.page(found, limit, lambda item: (item.created_at, item.id))
    return schemas.ProviderPage(items=[schemas.ProviderBody.of(item) for item in items], next=after)


@router.get("/providers/{provider_id}", operation_id="get_provider", responses=problems(404))
async def get_provider(request: Request, provider_id: UUID, caller: Caller) -> schemas.ProviderBody:
    """One provider."""
    caller.require("schedules:read", *AT_THE_PRACTICE)
    async with _resources(request).database.transaction(caller.tenant) as session:
        provider = await repository.provider(session, provider_id)
    if provider is None:
        raise not_found("provider")
    return schemas.ProviderBody.of(provider)


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
    tenant, now = command.principal.tenant, _resources(request).clock()

    async def work(session: AsyncSession) -> Answer:
        added = await use_cases.add_location(session, tenant=tenant, now=now, **body.model_dump())
        return Answer(schemas.LocationBody.of(added), 201, location=f"/v1/locations/{added.id}")

    return await command.run(work)


@router.get("/locations", operation_id="list_locations")
async def list_locations(
    request: Request, caller: Caller, limit: paging.Limit = 50, cursor: paging.Cursor = None
) -> schemas.LocationPage:
    """All sites, and telehealth."""
    caller.require("schedules:read", *AT_THE_PRACTICE)
    async with _resources(request).database.transaction(caller.tenant) as session:
        found = await repository.locations_page(session, paging.decode(cursor), limit + 1)
    items, after = paging.page(found, limit, lambda item: (item.created_at, item.id))
    return schemas.LocationPage(items=[schemas.LocationBody.of(item) for item in items], next=after)


@router.get("/locations/{location_id}", operation_id="get_location", responses=problems(404))
async def get_location(request: Request, location_id: UUID, caller: Caller) -> schemas.LocationBody:
    """One location."""
    caller.require("schedules:read", *AT_THE_PRACTICE)
    async with _resources(request).database.transaction(caller.tenant) as session:
        location = await repository.location(session, location_id)
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
    tenant, now = command.principal.tenant, _resources(request).clock()

    async def work(session: AsyncSession) -> Answer:
        added = await use_cases.add_appointment_type(
            session, tenant=tenant, name=body.name, timing=body.timing(), now=now
        )
        return Answer(schemas.AppointmentTypeBody.of(added), 201, location=f"/v1/appointment-types/{added.id}")

    return await command.run(work)


@router.get("/appointment-types", operation_id="list_appointment_types")
async def list_appointment_types(
    request: Request, caller: Caller, limit: paging.Limit = 50, cursor: paging.Cursor = None
) -> schemas.AppointmentTypePage:
    """All kinds of visit."""
    caller.require("schedules:read", *AT_THE_PRACTICE)
    async with _resources(request).database.transaction(caller.tenant) as session:
        found = await repository.appointment_types_page(session, paging.decode(cursor), limit + 1)
    items, after = paging.page(found, limit, lambda item: (item.created_at, item.id))
    return schemas.AppointmentTypePage(items=[schemas.AppointmentTypeBody.of(item) for item in items], next=after)


@router.get("/appointment-types/{appointment_type_id}", operation_id="get_appointment_type", responses=problems(404))
async def get_appointment_type(
    request: Request, appointment_type_id: UUID, caller: Caller
) -> schemas.AppointmentTypeBody:
    """One kind of visit."""
    caller.require("schedules:read", *AT_THE_PRACTICE)
    async with _resources(request).database.transaction(caller.tenant) as session:
        kind = await repository.appointment_type(session, appointment_type_id)
    if kind is None:
        raise not_found("appointment_type")
    return schemas.AppointmentTypeBody.of(kind)


@router.post(
    "/schedules",
    status_code=201,
    response_model=schemas.ScheduleBody,
    operation_id="publish_schedule",
    responses=problems(409),
)
async def publish_schedule(request: Request, body: schemas.NewSchedule, command: Write) -> Response:
    """Publishes a schedule: its slots are offered from now on."""
    principal, now = command.principal, _resources(request).clock()
    principal.require("schedules:write", *AT_THE_PRACTICE)
    if principal.role is Role.PROVIDER and principal.provider_id != body.provider_id:
        raise forbidden("not_yours", "A provider's token publishes that provider's schedules only.")

    async def work(session: AsyncSession) -> Answer:
        return _answer(
            await use_cases.publish_schedule(
                session,
                tenant=principal.tenant,
                provider_id=body.provider_id,
                appointment_type_id=body.appointment_type_id,
                location_id=body.location_id,
                windows=body.opening(),
                zone=body.zone,
                overrides=body.overrides(),
                now=now,
            ),
            201,
        )

    return await command.run(work)


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
    async with _resources(request).database.transaction(caller.tenant) as session:
        found = await repository.schedules_page(session, paging.decode(cursor), limit + 1, provider)
    items, after = paging.page(found, limit, lambda item: (item.created_at, item.id))
    return schemas.SchedulePage(items=[schemas.ScheduleBody.of(item) for item in items], next=after)


@router.get("/schedules/{schedule_id}", operation_id="get_schedule", responses=problems(404))
async def get_schedule(request: Request, response: Response, schedule_id: UUID, caller: Caller) -> schemas.ScheduleBody:
    """One schedule, withdrawn ones too; the ETag is its version."""
    caller.require("schedules:read", *AT_THE_PRACTICE)
    async with _resources(request).database.transaction(caller.tenant) as session:
        schedule = await _visible(session, caller, schedule_id)
    response.headers["etag"] = etag(schedule.sequence)
    return schemas.ScheduleBody.of(schedule)


@router.put(
    "/schedules/{schedule_id}",
    response_model=schemas.ScheduleBody,
    operation_id="replace_schedule",
    responses=problems(404, 409, 412, 428),
)
async def replace_schedule(
    request: Request, schedule_id: UUID, body: schemas.ScheduleRules, command: Write
) -> Response:
    """Replaces windows, zone and durations; needs `If-Match`. What is booked stays."""
    principal, now = command.principal, _resources(request).clock()
    principal.require("schedules:write", *AT_THE_PRACTICE)
    version = command.if_match
    if version is None:
        raise Problem(
            Kind.PRECONDITION_REQUIRED,
            "if_match_missing",
            "Send the ETag of the schedule that you read as If-Match, so that nobody's change is lost.",
            field="If-Match",
        )

    async def work(session: AsyncSession) -> Answer:
        await _visible(session, principal, schedule_id)
        return _answer(
            await use_cases.replace_schedule(
                session,
                tenant=principal.tenant,
                schedule_id=schedule_id,
                version=version,
                windows=body.opening(),
                zone=body.zone,
                overrides=body.overrides(),
                now=now,
            )
        )

    return await command.run(work)


@router.delete(
    "/schedules/{schedule_id}",
    response_model=schemas.ScheduleBody,
    operation_id="withdraw_schedule",
    responses=problems(404, 409, 412),
)
async def withdraw_schedule(request: Request, schedule_id: UUID, command: Write) -> Response:
    """Withdraws a schedule: it offers nothing any more, what is booked stays. A second time changes nothing."""
    principal, now = command.principal, _resources(request).clock()
    principal.require("schedules:write", *AT_THE_PRACTICE)

    async def work(session: AsyncSession) -> Answer:
        await _visible(session, principal, schedule_id)
        return _answer(
            await use_cases.withdraw_schedule(
                session, tenant=principal.tenant, schedule_id=schedule_id, version=command.if_match, now=now
            )
        )

    return await command.run(work)


def _answer(schedule: Schedule, status: int = 200) -> Answer:
    location = f"/v1/schedules/{schedule.id}" if status == 201 else None
    return Answer(schemas.ScheduleBody.of(schedule), status, schedule.sequence, location)


async def _visible(session: AsyncSession, principal: Principal, schedule_id: UUID) -> Schedule:
    """The schedule, if the caller may see it; another provider's is not found."""
    schedule = await repository.schedule(session, schedule_id)
    if principal.role is Role.PROVIDER and schedule.provider_id != principal.provider_id:
        raise not_found("schedule")
    return schedule


Ids = Annotated[list[UUID], Query(max_length=100, description="Repeat it for several; left out for all")]


@router.get("/slots", operation_id="search_slots")
async def search_slots(
    request: Request,
    caller: Caller,
    appointment_type: UUID,
    begin: Annotated[schemas.Moment, Query(alias="from", description="Slots that start at or after this time")],
    end: Annotated[schemas.Moment, Query(alias="to", description="… and before this one, at most 31 days later")],
    provider: Ids = [],  # noqa: B006 -- FastAPI copies a default, and an empty list documents better than null
    location: Ids = [],  # noqa: B006 -- as above
    modality: Modality | None = None,
    limit: paging.Limit = 50,
    cursor: paging.Cursor = None,
) -> schemas.SlotPage:
    """Free slots, the soonest first. What is offered here can be booked within the hour, unless somebody is faster."""
    caller.require("slots:read")
    own = _resources(request)
    now = own.clock()
    async with own.database.transaction(caller.tenant) as session:
        found = await use_cases.search(
            session,
            appointment_type_id=appointment_type,
            begin=begin,
            end=end,
            provider_ids=provider,
            location_ids=location,
            modality=modality,
            after=paging.decode(cursor),
            most=limit + 1,
            now=now,
        )
    offers, after = paging.page(found, limit, lambda offer: offer.position)
    key = own.settings.slot_signing_key
    items = [schemas.SlotBody.of(offer, offer.slot(now).sign(key, caller.tenant)) for offer in offers]
    return schemas.SlotPage(items=items, next=after)
