"""Events that availability listens to: {event: handler} → use case."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.availability import use_cases
from shared.contracts import APPOINTMENT_EVENTS, Envelope, Event
from shared.contracts.booking import AppointmentState
from shared.kafka import Handler


async def on_appointment(session: AsyncSession, envelope: Envelope[AppointmentState], _now: datetime) -> None:
    await use_cases.follow_visit(session, tenant=envelope.tenant, state=envelope.event)


HANDLERS: Mapping[type[Event], Handler] = dict.fromkeys(APPOINTMENT_EVENTS, on_appointment)
