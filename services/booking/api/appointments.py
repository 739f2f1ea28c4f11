"""Routes: visits, from booking to their end."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Unpack
from uuid import UUID

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking import repository, schemas
from services.booking.api.common import (
    AT_THE_PRACTICE,
    actor_of,
    answer_of,
    move_of,
    or_alternatives,
    own,
    require_own_hold,
    require_own_reason,
    visible,
)
from services.booking.domain.appointments import Appointment
from services.booking.use_cases import appointments
from shared import paging
from shared.auth import Role
from shared.commands import Answer, Command, Write, etag
from shared.contracts.slots import SlotId
from shared.errors import forbidden
from shared.telemetry import continued
from shared.web import Caller, problems

router = APIRouter(prefix="/v1", responses=problems(401, 403, 422, 503))


@router.post(
    "/appointments",
    status_code=201,
    response_model=schemas.AppointmentBody,
    operation_id="book_appointment",
    responses=problems(404, 409, 410),
)
async def book_appointment(request: Request, body: schemas.NewAppointment, command: Write) -> Response:
    """Books an offered slot. 409 `slot_taken` carries up to three `alternatives` that are free now."""
    principal, ours = command.principal, own(request)
    principal.require("appointments:write")
    if not principal.may_see_client(body.client_id):
        raise forbidden("not_yours", "A client's token books for that client only.")
    now = ours.clock()
    slot = SlotId.verify(body.slot, ours.settings.slot_signing_key, principal.tenant, now)

    async def work(session: AsyncSession) -> Answer:
        # One that has ended is as good as none.
        kept = await repository.holds.find(session, body.hold_id) if body.hold_id else None
        if kept is not None:
            require_own_hold(principal, kept)
        return answer_of(
            await appointments.book(
                session,
                tenant=principal.tenant,
                slot=slot,
                client_id=body.client_id,
                hold=kept,
                actor=actor_of(principal),
                now=now,
            ),
            201,
        )

    return await or_alternatives(ours, principal.tenant, body.client_id, lambda: command.run(work))


@router.post(
    "/appointments/override",
    status_code=201,
    response_model=schemas.AppointmentBody,
    operation_id="book_anyway",
    responses=problems(404, 409, 410),
)
async def book_anyway(request: Request, body: schemas.Override, command: Write) -> Response:
    """Books a time that is not offered, for the reason that is given: outside hours, too near, one more a day.

    What is occupied stays so: provider, room, client and the seats of a group.
    """
    principal, ours = command.principal, own(request)
    principal.require("appointments:write", Role.STAFF, Role.ADMIN)
    now = ours.clock()

    async def work(session: AsyncSession) -> Answer:
        visit = await appointments.book_anyway(
            session,
            tenant=principal.tenant,
            schedule_id=body.schedule_id,
            start=body.start,
            client_id=body.client_id,
            actor=replace(actor_of(principal), note=body.reason),
            now=now,
        )
        return answer_of(visit, 201)

    return await or_alternatives(ours, principal.tenant, body.client_id, lambda: command.run(work))


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
        if client_id not in (None, caller.client_id):
            raise forbidden("not_yours", "A client's token lists that client's visits only.")
        client_id = caller.client_id
    async with own(request).database.transaction(caller.tenant) as session:
        found = await repository.appointments.page(
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
    async with own(request).database.transaction(caller.tenant) as session:
        appointment = await visible(session, caller, appointment_id)
    response.headers["etag"] = etag(appointment.sequence)
    return schemas.AppointmentBody.of(appointment)


@router.get("/appointments/{appointment_id}/history", operation_id="get_appointment_history", responses=problems(404))
async def get_history(request: Request, appointment_id: UUID, caller: Caller) -> schemas.HistoryBody:
    """Who changed a visit, when and to what."""
    caller.require("appointments:read")
    async with own(request).database.transaction(caller.tenant) as session:
        await visible(session, caller, appointment_id)
        rows = await repository.appointments.history_of(session, appointment_id)
    names = schemas.HistoryEntry.model_fields
    items = [schemas.HistoryEntry(**{name: row[name] for name in names}) for row in rows]
    if caller.role is Role.CLIENT:
        items = [item.model_copy(update={"note": None}) for item in items]
    return schemas.HistoryBody(items=items)


@router.post(
    "/appointments/{appointment_id}/reschedule",
    response_model=schemas.AppointmentBody,
    operation_id="reschedule_appointment",
    responses=problems(404, 409, 410, 412),
)
async def reschedule(request: Request, appointment_id: UUID, body: schemas.Move, command: Write) -> Response:
    """Moves a visit to another slot; the id stays, and so does the old time if the new one can't be had."""
    principal, ours = command.principal, own(request)
    principal.require("appointments:write")
    now = ours.clock()
    slot = SlotId.verify(body.slot, ours.settings.slot_signing_key, principal.tenant, now)
    async with ours.database.transaction(principal.tenant) as reading:
        visit = await visible(reading, principal, appointment_id)

    async def work(session: AsyncSession) -> Answer:
        with continued("move visit", visit.traceparent):
            move = move_of(request, appointment_id, command)
            return answer_of(await appointments.reschedule(session, slot=slot, **move))

    return await or_alternatives(ours, principal.tenant, visit.client_id, lambda: command.run(work))


async def _move(
    request: Request,
    appointment_id: UUID,
    command: Command,
    name: str,
    change: Callable[..., Awaitable[Appointment]],
) -> Response:
    """Runs a move of a visit that the caller may see, in the trace that booked it."""

    async def work(session: AsyncSession) -> Answer:
        visit = await visible(session, command.principal, appointment_id)
        with continued(name, visit.traceparent):
            return answer_of(await change(session, **move_of(request, appointment_id, command)))

    return await command.run(work)


@router.post(
    "/appointments/{appointment_id}/cancel",
    response_model=schemas.AppointmentBody,
    operation_id="cancel_appointment",
    responses=problems(404, 409, 412),
)
async def cancel(request: Request, appointment_id: UUID, body: schemas.Cancellation, command: Write) -> Response:
    """Calls a visit off; its time is free at once and its reminders are void."""
    command.principal.require("appointments:write")
    require_own_reason(command.principal, body.reason)
    return await _move(
        request, appointment_id, command, "cancel visit", partial(appointments.cancel, reason=body.reason)
    )


@router.post(
    "/appointments/{appointment_id}/running-late",
    response_model=schemas.AppointmentBody,
    operation_id="run_late_for_appointment",
    responses=problems(404, 409, 412),
)
async def run_late(request: Request, appointment_id: UUID, body: schemas.Delay, command: Write) -> Response:
    """The client is on the way; the practice is told, and the visit is not missed before then."""
    command.principal.require("appointments:write")
    return await _move(request, appointment_id, command, "running late", partial(appointments.run_late, by=body.by))


@router.post(
    "/appointments/{appointment_id}/arrive",
    response_model=schemas.AppointmentBody,
    operation_id="arrive_for_appointment",
    responses=problems(404, 409, 412),
)
async def arrive(request: Request, appointment_id: UUID, command: Write) -> Response:
    """The client is in the waiting room, of the site or of the video call."""
    command.principal.require("appointments:write", *AT_THE_PRACTICE)
    return await _move(request, appointment_id, command, "arrive", appointments.arrive)


@router.post(
    "/appointments/{appointment_id}/check-in",
    response_model=schemas.AppointmentBody,
    operation_id="check_in_appointment",
    responses=problems(404, 409, 412),
)
async def check_in(request: Request, appointment_id: UUID, command: Write) -> Response:
    """The practice has taken the client in; whether or not the client was marked as arrived."""
    command.principal.require("appointments:write", *AT_THE_PRACTICE)
    return await _move(request, appointment_id, command, "check in", appointments.check_in)


@router.post(
    "/appointments/{appointment_id}/complete",
    response_model=schemas.AppointmentBody,
    operation_id="complete_appointment",
    responses=problems(404, 409, 412),
)
async def complete(request: Request, appointment_id: UUID, command: Write) -> Response:
    """The visit took place."""
    command.principal.require("appointments:write", *AT_THE_PRACTICE)
    return await _move(request, appointment_id, command, "complete visit", appointments.fulfil)


@router.post(
    "/appointments/{appointment_id}/confirm",
    response_model=schemas.AppointmentBody,
    operation_id="confirm_appointment",
    responses=problems(404, 409, 412),
)
async def confirm(request: Request, appointment_id: UUID, command: Write) -> Response:
    """The client will come. Another time has to be confirmed anew."""
    command.principal.require("appointments:write")
    return await _move(request, appointment_id, command, "confirm visit", appointments.confirm)


@router.post(
    "/appointments/{appointment_id}/retract-miss",
    response_model=schemas.AppointmentBody,
    operation_id="retract_miss",
    responses=problems(404, 409, 412),
)
async def retract_miss(request: Request, appointment_id: UUID, body: schemas.Retraction, command: Write) -> Response:
    """It was no miss: the client was there, or had given notice. The outreach that it began ends."""
    command.principal.require("appointments:write", *AT_THE_PRACTICE)
    return await _move(
        request, appointment_id, command, "retract miss", partial(appointments.retract_miss, reason=body.reason)
    )


@router.post(
    "/appointments/{appointment_id}/enter-in-error",
    response_model=schemas.AppointmentBody,
    operation_id="enter_appointment_in_error",
    responses=problems(404, 412),
)
async def enter_in_error(request: Request, appointment_id: UUID, body: schemas.Correction, command: Write) -> Response:
    """It should never have been in the books: it takes no time and counts nowhere; its history stays."""
    command.principal.require("appointments:write", Role.STAFF, Role.ADMIN)

    async def change(session: AsyncSession, **move: Unpack[appointments.Move]) -> Appointment:
        move["actor"] = replace(move["actor"], note=body.reason)
        return await appointments.enter_in_error(session, **move)

    return await _move(request, appointment_id, command, "enter in error", change)
