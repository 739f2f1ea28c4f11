"""Events that availability listens to: {event: handler} → use case."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.availability.use_cases import projection
from shared.contracts import APPOINTMENT_EVENTS, Envelope, Event
from shared.contracts.booking import AppointmentState, HoldState, SlotHeld, SlotReleased
from shared.handling import Handler


async def on_appointment(session: AsyncSession, envelope: Envelope[AppointmentState], now: datetime) -> None:
    await projection.follow_visit(session, tenant=envelope.tenant, state=envelope.event, now=now)


async def on_hold(session: AsyncSession, envelope: Envelope[HoldState], now: datetime) -> None:
    await projection.follow_hold(session, tenant=envelope.tenant, state=envelope.event, now=now)


HANDLERS: Mapping[type[Event], Handler] = {
    **dict.fromkeys(APPOINTMENT_EVENTS, on_appointment),
    SlotHeld: on_hold,
    SlotReleased: on_hold,
}
