"""HTTP of booking: route → use case → schema; and the page behind a link."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response
from fastapi import Path as PathParam
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking import repository, schemas, use_cases
from services.booking.domain import Actor, Appointment, SlotTaken
from services.booking.resources import Resources
from shared import paging
from shared.auth import Principal, Role
from shared.capability import Capability
from shared.contracts.availability import Modality
from shared.contracts.slots import SlotId
from shared.contracts.standing import Standing
from shared.errors import Kind, Problem, forbidden, not_found
from shared.idempotency import Answer, Command, Write, etag
from shared.pages import Pages
from shared.telemetry import continued, current_tenant
from shared.web import Caller, problems

router = APIRouter(prefix="/v1", responses=problems(401, 403, 422, 503))
pages = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
_pages = Pages(Path(__file__).parent / "pages")

PARTY = {
    Role.CLIENT: "client",
    Role.PROVIDER: "provider",
    Role.STAFF: "practice",
    Role.ADMIN: "practice",
    Role.APP: "practice",
}
AT_THE_PRACTICE = (Role.PROVIDER, Role.STAFF, Role.ADMIN, Role.APP)
OFFERS_ON_A_PAGE = 6


def _resources(request: Request) -> Resources:
    resources: Resources = request.app.state.resources
    return resources


def _actor(principal: Principal) -> Actor:
    return Actor(PARTY[principal.role], principal.subject)  # type: ignore[arg-type] # the table holds parties


@router.post("/clients", status_code=201, response_model=schemas.ClientBody, operation_id="register_client")
async def register_client(request: Request, body: schemas.NewClient, command: Write) -> Response:
    """Registers a client; contact details and consent go to notifications."""
    command.principal.require("clients:write", *AT_THE_PRACTICE)
    now = _resources(request).clock()

    async def work(session: AsyncSession) -> Answer:
        client = await use_cases.register_client(session, tenant=command.principal.tenant, name=body.name, now=now)
        return Answer(schemas.ClientBody.of(client), 201, client.sequence, f"/v1/clients/{client.id}")

    return await command.run(work)


@router.get("/clients/{client_id}", operation_id="get_client", responses=problems(404))
async def get_client(request: Request, client_id: UUID, caller: Caller) -> schemas.ClientBody:
    """One client."""
    caller.require("clients:read")
    if not caller.may_see_client(client_id):
        raise not_found("client")
    async with _resources(request).database.transaction(caller.tenant) as session:
        return schemas.ClientBody.of(await repository.client(session, client_id))


@router.post(
    "/appointments",
    status_code=201,
    response_model=schemas.AppointmentBody,
    operation_id="book_appointment",
    responses=problems(404, 409, 410),
)
async def book_appointment(request: Request, body: schemas.NewAppointment, command: Write) -> Response:
    """Books an offered slot. 409 `slot_taken` carries up to three `alternatives` that are free now."""
    principal, own = command.principal, _resources(request)
    principal.require("appointments:write")
    if not principal.may_see_client(body.client_id):
        raise forbidden("not_yours", "A client's token books for that client only.")
    now = own.clock()
    slot = SlotId.verify(body.slot, own.settings.slot_signing_key, principal.tenant, now)

    async def work(session: AsyncSession) -> Answer:
        return _answer(
            await use_cases.book(
                session,
                tenant=principal.tenant,
                slot=slot,
                client_id=body.client_id,
                actor=_actor(principal),
                now=now,
            ),
            201,
        )

    return await _or_alternatives(own, principal.tenant, body.client_id, lambda: command.run(work))


async def _or_alternatives(
    own: Resources, tenant: UUID, client_id: UUID, run: Callable[[], Awaitable[Response]]
) -> Response:
    """A refused slot comes with others that are free, found after the contended locks are gone."""
    try:
        return await run()
    except SlotTaken as taken:
        async with own.database.transaction(tenant) as session:
            offers = await use_cases.alternatives(
                session,
                tenant=tenant,
                taken=taken,
                client_id=client_id,
                now=own.clock(),
                key=own.settings.slot_signing_key,
            )
        taken.extra["alternatives"] = [_alternative(offer).model_dump(mode="json") for offer in offers]
        raise


def _alternative(offer: use_cases.Offer) -> schemas.Alternative:
    return schemas.Alternative(
        slot=offer.slot,
        start=offer.start,
        end=offer.end,
        provider_id=offer.schedule.provider_id,
        location_id=offer.schedule.location_id,
        modality=offer.schedule.modality,
    )


@router.get("/appointments", operation_id="list_appointments")
async def list_appointments(
    request: Request,
    caller: Caller,
    client_id: UUID | None = None,
    needs_rebooking: bool | None = None,
    limit: paging.Limit = 50,
    cursor: paging.Cursor = None,
) -> schemas.AppointmentPage:
    """Visits by start; a client's token sees that client's, a provider's token that caseload."""
    caller.require("appointments:read")
    if caller.role is Role.CLIENT:
        client_id = caller.client_id
    async with _resources(request).database.transaction(caller.tenant) as session:
        found = await repository.appointments_after(
            session, paging.decode(cursor), limit + 1, client_id, caller.provider_id, needs_rebooking
        )
    items, after = paging.page(found, limit, lambda visit: (visit.start, visit.id))
    return schemas.AppointmentPage(items=[schemas.AppointmentBody.of(item) for item in items], next=after)


@router.get("/appointments/{appointment_id}", operation_id="get_appointment", responses=problems(404))
async def get_appointment(
    request: Request, response: Response, appointment_id: UUID, caller: Caller
) -> schemas.AppointmentBody:
    """One visit; the ETag is its version."""
    caller.require("appointments:read")
    async with _resources(request).database.transaction(caller.tenant) as session:
        appointment = await _visible(session, caller, appointment_id)
    response.headers["etag"] = etag(appointment.sequence)
    return schemas.AppointmentBody.of(appointment)


@router.get("/standing/{proof}", operation_id="get_standing", responses=problems(404, 410))
async def get_standing(request: Request, proof: Annotated[str, PathParam(max_length=100)]) -> Standing:
    """How a visit stands now, for the service that is about to message its client; `proof` is signed by it."""
    own = _resources(request)
    asked = Capability.verify(proof, own.settings.link_signing_key, "standing", own.clock())
    current_tenant.set(asked.tenant)
    async with own.database.transaction(asked.tenant) as session:
        visit = await repository.appointment(session, asked.subject)
        return Standing(sequences=await repository.changed_since(session, visit))


@router.get("/appointments/{appointment_id}/history", operation_id="get_appointment_history", responses=problems(404))
async def get_history(request: Request, appointment_id: UUID, caller: Caller) -> schemas.HistoryBody:
    """Who changed a visit, when and to what."""
    caller.require("appointments:read")
    async with _resources(request).database.transaction(caller.tenant) as session:
        await _visible(session, caller, appointment_id)
        rows = await repository.history_of(session, appointment_id)
    names = schemas.HistoryEntry.model_fields
    return schemas.HistoryBody(items=[schemas.HistoryEntry(**{name: row[name] for name in names}) for row in rows])


@router.post(
    "/appointments/{appointment_id}/reschedule",
    response_model=schemas.AppointmentBody,
    operation_id="reschedule_appointment",
    responses=problems(404, 409, 410, 412),
)
async def reschedule(request: Request, appointment_id: UUID, body: schemas.Move, command: Write) -> Response:
    """Moves a visit to another slot; the id stays, and so does the old time if the new one can't be had."""
    principal, own = command.principal, _resources(request)
    principal.require("appointments:write")
    now = own.clock()
    slot = SlotId.verify(body.slot, own.settings.slot_signing_key, principal.tenant, now)
    async with own.database.transaction(principal.tenant) as reading:
        visit = await _visible(reading, principal, appointment_id)

    async def work(session: AsyncSession) -> Answer:
        with continued("move visit", visit.traceparent):
            move = _move(request, appointment_id, command)
            return _answer(await use_cases.reschedule(session, slot=slot, **move))

    return await _or_alternatives(own, principal.tenant, visit.client_id, lambda: command.run(work))


@router.post(
    "/appointments/{appointment_id}/cancel",
    response_model=schemas.AppointmentBody,
    operation_id="cancel_appointment",
    responses=problems(404, 409, 412),
)
async def cancel(request: Request, appointment_id: UUID, body: schemas.Cancellation, command: Write) -> Response:
    """Calls a visit off; its time is free at once and its reminders are void."""
    command.principal.require("appointments:write")

    async def work(session: AsyncSession) -> Answer:
        visit = await _visible(session, command.principal, appointment_id)
        with continued("cancel visit", visit.traceparent):
            move = _move(request, appointment_id, command)
            return _answer(await use_cases.cancel(session, reason=body.reason, **move))

    return await command.run(work)


@router.post(
    "/appointments/{appointment_id}/check-in",
    response_model=schemas.AppointmentBody,
    operation_id="check_in_appointment",
    responses=problems(404, 409, 412),
)
async def check_in(request: Request, appointment_id: UUID, command: Write) -> Response:
    """The client has arrived."""
    command.principal.require("appointments:write", *AT_THE_PRACTICE)

    async def work(session: AsyncSession) -> Answer:
        visit = await _visible(session, command.principal, appointment_id)
        with continued("check in", visit.traceparent):
            return _answer(await use_cases.check_in(session, **_move(request, appointment_id, command)))

    return await command.run(work)


@router.post(
    "/appointments/{appointment_id}/complete",
    response_model=schemas.AppointmentBody,
    operation_id="complete_appointment",
    responses=problems(404, 409, 412),
)
async def complete(request: Request, appointment_id: UUID, command: Write) -> Response:
    """The visit took place."""
    command.principal.require("appointments:write", *AT_THE_PRACTICE)

    async def work(session: AsyncSession) -> Answer:
        visit = await _visible(session, command.principal, appointment_id)
        with continued("complete visit", visit.traceparent):
            return _answer(await use_cases.fulfil(session, **_move(request, appointment_id, command)))

    return await command.run(work)


def _move(request: Request, appointment_id: UUID, command: Command) -> use_cases.Move:
    return {
        "tenant": command.principal.tenant,
        "appointment_id": appointment_id,
        "version": command.if_match,
        "actor": _actor(command.principal),
        "now": _resources(request).clock(),
    }


def _answer(appointment: Appointment, status: int = 200) -> Answer:
    location = f"/v1/appointments/{appointment.id}" if status == 201 else None
    return Answer(schemas.AppointmentBody.of(appointment), status, appointment.sequence, location)


async def _visible(session: AsyncSession, principal: Principal, appointment_id: UUID) -> Appointment:
    """The appointment, if the caller may see it; others' are not found."""
    appointment = await repository.appointment(session, appointment_id)
    if principal.role is Role.PROVIDER and appointment.provider_id != principal.provider_id:
        raise not_found("appointment")
    if not principal.may_see_client(appointment.client_id):
        raise not_found("appointment")
    return appointment


def _visit_link(own: Resources, link: str, now: datetime) -> tuple[Capability, bool]:
    """The visit behind a link, and whether the link opens on times that need no travel."""
    key = own.settings.link_signing_key
    try:
        found, remote = Capability.verify(link, key, "visit", now), False
    except Problem as problem:
        if problem.kind is not Kind.NOT_FOUND:
            raise
        found, remote = Capability.verify(link, key, "remote", now), True
    current_tenant.set(found.tenant)
    return found, remote


@pages.get("/a/{link}")
async def visit_page(
    request: Request, link: str, modality: Modality | None = None, taken: bool = False
) -> HTMLResponse:
    """The visit behind a link; a missed one can be booked anew. Looking changes nothing."""
    own = _resources(request)
    now = own.clock()
    visit_link, remote = _visit_link(own, link, now)
    modality = modality or ("telehealth" if remote else None)
    async with own.database.transaction(visit_link.tenant) as session:
        visit = await repository.appointment(session, visit_link.subject)
        rebooked = await repository.rebooking_of(session, visit.id)
        missed = visit.status == "noshow" and rebooked is None
        offers = await use_cases.offers_for(
            session,
            tenant=visit_link.tenant,
            visit=visit,
            modality=modality,
            now=now,
            key=own.settings.slot_signing_key,
            most=OFFERS_ON_A_PAGE if missed else 0,
        )
        schedule = await repository.schedule(session, visit.schedule_id)
    survey = Capability("barrier", visit_link.tenant, visit.id, visit_link.expires)
    return _pages.render(
        "visit.html",
        visit=visit,
        rebooked=rebooked,
        offers=offers,
        taken=taken,
        modality=modality,
        zone=schedule.zone if schedule else "UTC",
        link=link,
        base=own.settings.public_url.rstrip("/"),
        feedback=own.settings.feedback_public_url.rstrip("/"),
        survey=survey.sign(own.settings.link_signing_key),
    )


@pages.post("/a/{link}/book")
async def rebook(
    request: Request,
    link: str,
    slot: Annotated[str, Form(max_length=200)],
    modality: Annotated[Modality | None, Form()] = None,
) -> Response:
    """Books another time for a missed visit, then shows it."""
    own = _resources(request)
    now = own.clock()
    visit_link, _ = _visit_link(own, link, now)
    tenant = visit_link.tenant
    offered = SlotId.verify(slot, own.settings.slot_signing_key, tenant, now)
    async with own.database.transaction(tenant) as reading:
        missed = await repository.appointment(reading, visit_link.subject)
    page = f"{own.settings.public_url.rstrip('/')}/a/{link}"
    # The trace of the missed visit goes on here, so that ops see booking, miss and return as one.
    with continued("rebook by link", missed.traceparent):
        try:
            await own.database.run(
                tenant,
                lambda session: use_cases.rebook(
                    session,
                    tenant=tenant,
                    missed_id=missed.id,
                    slot=offered,
                    actor=Actor("client", "link"),
                    now=now,
                ),
            )
        except SlotTaken:
            page += "?taken=true" + (f"&modality={modality}" if modality else "")
    return RedirectResponse(page, 303)
