"""Events that feedback listens to: {event: handler} → use case."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.feedback import use_cases
from shared.contracts import APPOINTMENT_EVENTS, Envelope, Event
from shared.contracts.booking import AppointmentState
from shared.contracts.notifications import OutreachAdvanced, OutreachEnded, OutreachStarted, OutreachState
from shared.handling import Handler


async def on_appointment(session: AsyncSession, envelope: Envelope[AppointmentState], now: datetime) -> None:
    await use_cases.follow_visit(session, tenant=envelope.tenant, state=envelope.event, now=now)


async def on_outreach(session: AsyncSession, envelope: Envelope[OutreachState], _now: datetime) -> None:
    await use_cases.follow_outreach(session, tenant=envelope.tenant, state=envelope.event)


HANDLERS: Mapping[type[Event], Handler] = {
    **dict.fromkeys(APPOINTMENT_EVENTS, on_appointment),
    **dict.fromkeys((OutreachStarted, OutreachAdvanced, OutreachEnded), on_outreach),
}
