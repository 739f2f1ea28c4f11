"""What the routes of booking share."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from fastapi import Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking import repository, schemas
from services.booking.domain.appointments import OF_CLIENTS, Actor, Appointment
from services.booking.domain.holds import Hold
from services.booking.domain.slots import SlotTaken
from services.booking.resources import Resources
from services.booking.use_cases import appointments, offers
from shared.auth import Principal, Role
from shared.commands import Answer, Command
from shared.errors import invalid, not_found

PARTY = {
    Role.CLIENT: "client",
    Role.PROVIDER: "provider",
    Role.STAFF: "practice",
    Role.ADMIN: "practice",
    Role.APP: "practice",
}
AT_THE_PRACTICE = (Role.PROVIDER, Role.STAFF, Role.ADMIN, Role.APP)


def own(request: Request) -> Resources:
    resources: Resources = request.app.state.resources
    return resources


def actor_of(principal: Principal) -> Actor:
    return Actor(PARTY[principal.role], principal.subject)  # type: ignore[arg-type] # the table holds parties


def move_of(request: Request, appointment_id: UUID, command: Command) -> appointments.Move:
    return {
        "tenant": command.principal.tenant,
        "appointment_id": appointment_id,
        "version": command.if_match,
        "actor": actor_of(command.principal),
        "now": own(request).clock(),
    }


def answer_of(appointment: Appointment, status: int = 200) -> Answer:
    location = f"/v1/appointments/{appointment.id}" if status == 201 else None
    return Answer(schemas.AppointmentBody.of(appointment), status, appointment.sequence, location)


async def visible(session: AsyncSession, principal: Principal, appointment_id: UUID) -> Appointment:
    """The appointment, if the caller may see it; others' are not found."""
    appointment = await repository.appointments.get(session, appointment_id)
    if principal.role is Role.PROVIDER and appointment.provider_id != principal.provider_id:
        raise not_found("appointment")
    if not principal.may_see_client(appointment.client_id):
        raise not_found("appointment")
    return appointment


def require_own_reason(principal: Principal, reason: str) -> None:
    """Raises Problem `reason_not_yours` where a client's token would speak for the practice or its providers."""
    if principal.role is Role.CLIENT and reason not in OF_CLIENTS:
        told = f"A client's token gives a client's reason: {', '.join(OF_CLIENTS)}."
        raise invalid("reason_not_yours", told, field="reason")


def require_own_hold(principal: Principal, kept: Hold) -> None:
    """Raises Problem `hold_not_found` where a client's token would use somebody else's."""
    if principal.role is Role.CLIENT and kept.held_by != principal.subject and kept.client_id != principal.client_id:
        raise not_found("hold")


async def or_alternatives(
    ours: Resources, tenant: UUID, client_id: UUID | None, run: Callable[[], Awaitable[Response]]
) -> Response:
    """A refused slot comes with others that are free, found after the contended locks are gone."""
    try:
        return await run()
    except SlotTaken as taken:
        async with ours.database.transaction(tenant) as session:
            found = await offers.alternatives(
                session,
                tenant=tenant,
                taken=taken,
                client_id=client_id,
                now=ours.clock(),
                key=ours.settings.slot_signing_key,
            )
        taken.extra["alternatives"] = [alternative(offer).model_dump(mode="json") for offer in found]
        raise


def alternative(offer: offers.Offer) -> schemas.Alternative:
    return schemas.Alternative(
        slot=offer.slot,
        start=offer.start,
        end=offer.end,
        provider_id=offer.schedule.provider_id,
        location_id=offer.schedule.location_id,
        modality=offer.schedule.modality,
    )
