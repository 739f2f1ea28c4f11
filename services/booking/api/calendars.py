"""Routes: a visit's calendar file, private feeds, and the way into a visit by video."""

from collections.abc import Sequence
from hashlib import sha256
from uuid import UUID

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking import repository, schemas
from services.booking.api.common import own, visible
from services.booking.api.pages import base
from services.booking.domain.appointments import Appointment
from services.booking.domain.calendars import Feed, read_token
from services.booking.resources import Resources
from services.booking.use_cases import calendars
from shared.auth import Principal, Role
from shared.commands import Answer, Write
from shared.contracts.booking import FREE_STATUSES
from shared.errors import Problem, forbidden, not_found
from shared.invitations import OPAQUE, Entry, Method, calendar
from shared.telemetry import current_tenant
from shared.web import Caller, problems

router = APIRouter(prefix="/v1", responses=problems(401, 403, 422, 503))
feeds = APIRouter(include_in_schema=False)


@router.get(
    "/appointments/{appointment_id}/calendar.ics",
    operation_id="get_appointment_calendar",
    response_class=Response,
    responses=problems(404),
)
async def appointment_calendar(request: Request, appointment_id: UUID, caller: Caller) -> Response:
    """A visit as a calendar file: when it is, and nothing of what."""
    caller.require("appointments:read")
    async with own(request).database.transaction(caller.tenant) as session:
        visit = await visible(session, caller, appointment_id)
    return calendar_file([visit])


@router.get(
    "/appointments/{appointment_id}/join",
    operation_id="join_appointment",
    responses=problems(404, 409, 410),
)
async def join(request: Request, appointment_id: UUID, caller: Caller) -> schemas.Join:
    """Where a visit by video takes place; told from 15 minutes before its start until 15 minutes after its end."""
    caller.require("appointments:read")
    ours = own(request)
    async with ours.database.transaction(caller.tenant) as session:
        visit = await visible(session, caller, appointment_id)
        door = await calendars.join(session, visit=visit, key=ours.settings.link_signing_key, now=ours.clock())
    return schemas.Join(url=door.url, opens_at=door.opens_at, closes_at=door.closes_at)


@router.post(
    "/calendars",
    status_code=201,
    response_model=schemas.NewCalendarBody,
    operation_id="open_calendar",
    responses=problems(404),
)
async def open_calendar(request: Request, body: schemas.NewCalendar, command: Write) -> Response:
    """Makes a private feed that any calendar program can follow. Its address is told this once: keep it as a key."""
    principal, ours = command.principal, own(request)
    principal.require("appointments:read")
    _require_own(principal, body.provider_id, body.client_id)
    now = ours.clock()

    async def work(session: AsyncSession) -> Answer:
        feed, token = await calendars.open_feed(
            session, tenant=principal.tenant, subject=principal.subject, now=now, **body.model_dump()
        )
        made = schemas.NewCalendarBody(id=feed.id, url=f"{base(ours)}/calendars/{token}.ics")
        return Answer(made, 201, location=f"/v1/calendars/{feed.id}")

    return await command.run(work)


@router.get("/calendars", operation_id="list_calendars")
async def list_calendars(
    request: Request, caller: Caller, provider_id: UUID | None = None, client_id: UUID | None = None
) -> schemas.CalendarList:
    """Private feeds; a client's or a provider's token sees its own."""
    caller.require("appointments:read")
    if caller.role is Role.CLIENT:
        client_id = caller.client_id
    if caller.role is Role.PROVIDER:
        provider_id = caller.provider_id
    async with own(request).database.transaction(caller.tenant) as session:
        found = await repository.calendars.of(session, provider_id, client_id)
    return schemas.CalendarList(items=[schemas.CalendarBody.of(feed) for feed in found])


@router.delete(
    "/calendars/{calendar_id}",
    response_model=schemas.CalendarBody,
    operation_id="revoke_calendar",
    responses=problems(404),
)
async def revoke_calendar(request: Request, calendar_id: UUID, command: Write) -> Response:
    """Revokes a feed: its address opens nothing from now on."""
    principal = command.principal
    principal.require("appointments:read")
    now = own(request).clock()

    async def work(session: AsyncSession) -> Answer:
        feed = await calendars.revoke_feed(session, feed_id=calendar_id, now=now)
        try:
            _require_own(principal, feed.provider_id, feed.client_id)
        except Problem as problem:
            raise not_found("calendar", "There is no such calendar.") from problem
        return Answer(schemas.CalendarBody.of(feed), 200)

    return await command.run(work)


@feeds.get("/calendars/{token}.ics")
async def read_calendar(request: Request, token: str) -> Response:
    """A private feed; the address is the key."""
    ours = own(request)
    tenant, token_hash = read_token(token)
    current_tenant.set(tenant)
    now = ours.clock()
    async with ours.database.transaction(tenant) as session:
        feed, visits = await calendars.read_feed(session, token_hash=token_hash, now=now)
    answer = calendar_file(visits, titles=await _titles(ours, tenant, feed))
    etag = f'"{sha256(bytes(answer.body)).hexdigest()[:32]}"'
    headers = {"etag": etag, "cache-control": "private, no-cache", "x-robots-tag": "noindex"}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    answer.headers.update(headers)
    return answer


async def _titles(ours: Resources, tenant: UUID, feed: Feed) -> dict[UUID, str]:
    """What visits are called, by type; nothing where their names can't be had right now."""
    if feed.titles == "opaque":
        return {}
    try:
        names = await ours.names.of(tenant, ours.clock())
    except Problem:
        return {}
    return {item.id: item.name for item in names.appointment_types} if names else {}


def calendar_file(
    visits: Sequence[Appointment], method: Method = "PUBLISH", titles: dict[UUID, str] | None = None
) -> Response:
    entries = [
        Entry(
            visit.id,
            visit.sequence,
            visit.start,
            visit.end,
            visit.changed_at,
            title=(titles or {}).get(visit.appointment_type_id, OPAQUE),
            called_off=visit.status in FREE_STATUSES,
        )
        for visit in visits
    ]
    headers = {"content-disposition": 'attachment; filename="visit.ics"', "cache-control": "no-store"}
    return Response(calendar(method, entries), media_type="text/calendar; charset=utf-8", headers=headers)


def _require_own(principal: Principal, provider_id: UUID | None, client_id: UUID | None) -> None:
    """A client's token speaks for that client, a provider's for that provider."""
    if principal.role is Role.CLIENT and (client_id is None or client_id != principal.client_id):
        raise forbidden("not_yours", "A client's token opens a feed of that client only.", field="client_id")
    if principal.role is Role.PROVIDER and (provider_id is None or provider_id != principal.provider_id):
        raise forbidden("not_yours", "A provider's token opens a feed of that provider only.", field="provider_id")
