"""Events that booking listens to: {event: handler} → use case."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.use_cases import answering, following, waitlist
from shared.contracts import Envelope, Event
from shared.contracts.availability import (
    AvailabilityOpened,
    ProviderUnavailable,
    SchedulePublished,
    ScheduleState,
    ScheduleWithdrawn,
)
from shared.contracts.notifications import QuestionAnswered
from shared.handling import Handler


async def on_schedule(session: AsyncSession, envelope: Envelope[ScheduleState], now: datetime) -> None:
    await following.replicate_schedule(session, tenant=envelope.tenant, schedule=envelope.event, now=now)


async def on_absences(session: AsyncSession, envelope: Envelope[ProviderUnavailable], now: datetime) -> None:
    await following.follow_absences(session, tenant=envelope.tenant, news=envelope.event, now=now)


async def on_opened(session: AsyncSession, envelope: Envelope[AvailabilityOpened], now: datetime) -> None:
    await waitlist.follow_opening(session, tenant=envelope.tenant, news=envelope.event, now=now)


async def on_answer(session: AsyncSession, envelope: Envelope[QuestionAnswered], now: datetime) -> None:
    await answering.follow_answer(session, tenant=envelope.tenant, news=envelope.event, now=now)


HANDLERS: Mapping[type[Event], Handler] = {
    SchedulePublished: on_schedule,
    ScheduleWithdrawn: on_schedule,
    ProviderUnavailable: on_absences,
    AvailabilityOpened: on_opened,
    QuestionAnswered: on_answer,
}
