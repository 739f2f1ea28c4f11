"""Events that notifications listens to: {event: handler} → use case."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications.use_cases import bookings, offers, outreach, visits, webhooks
from shared.contracts import APPOINTMENT_EVENTS, CATALOGUE, Envelope, Event
from shared.contracts.booking import (
    AppointmentBooked,
    AppointmentState,
    ClientDischarged,
    ClientRegistered,
    ClientState,
)
from shared.contracts.feedback import (
    BarrierReported,
    ClientDisengaging,
    ClientUnscheduled,
    EngagementState,
    FeedbackRequested,
)
from shared.contracts.waitlist import OfferState, WaitlistOffered, WaitlistOfferEnded
from shared.handling import Arrived, Handler, ManyHandler, Wanted


async def on_appointment(session: AsyncSession, envelope: Envelope[AppointmentState], now: datetime) -> None:
    await visits.follow_visit(session, tenant=envelope.tenant, state=envelope.event, now=now)


async def on_offer(session: AsyncSession, envelope: Envelope[OfferState], now: datetime) -> None:
    await offers.follow_offer(session, tenant=envelope.tenant, state=envelope.event, now=now)


async def on_client(session: AsyncSession, envelope: Envelope[ClientState], now: datetime) -> None:
    await outreach.follow_client(session, tenant=envelope.tenant, state=envelope.event, now=now)


async def on_barrier(session: AsyncSession, envelope: Envelope[BarrierReported], now: datetime) -> None:
    await outreach.learn_barrier(session, tenant=envelope.tenant, report=envelope.event, now=now)


async def on_engagement(session: AsyncSession, envelope: Envelope[EngagementState], now: datetime) -> None:
    await outreach.reach_out(session, tenant=envelope.tenant, state=envelope.event, now=now)


async def on_request(session: AsyncSession, envelope: Envelope[FeedbackRequested], now: datetime) -> None:
    await visits.ask_for_rating(session, tenant=envelope.tenant, request=envelope.event, now=now)


_FOLLOWED: Mapping[type[Event], Handler] = {
    **dict.fromkeys(APPOINTMENT_EVENTS, on_appointment),
    WaitlistOffered: on_offer,
    WaitlistOfferEnded: on_offer,
    ClientRegistered: on_client,
    ClientDischarged: on_client,
    BarrierReported: on_barrier,
    ClientUnscheduled: on_engagement,
    ClientDisengaging: on_engagement,
    FeedbackRequested: on_request,
}


def _told(follow: Handler | None) -> Handler:
    """What this service does with an event, and then whoever wants to hear of it outside."""

    async def on_event(session: AsyncSession, envelope: Envelope[Event], now: datetime) -> None:
        if follow is not None:
            await follow(session, envelope, now)
        await webhooks.follow(session, envelope.tenant, envelope.event, envelope.time, now)

    return on_event


HANDLERS: Mapping[type[Event], Handler] = {event: _told(_FOLLOWED.get(event)) for event in CATALOGUE}


async def on_bookings(session: AsyncSession, tenant: UUID, arrived: Sequence[Arrived], now: datetime) -> None:
    await bookings.follow_bookings(session, tenant=tenant, arrived=arrived, now=now)
    await webhooks.follow_all(session, tenant, arrived, now)


async def on_told(session: AsyncSession, tenant: UUID, arrived: Sequence[Arrived], now: datetime) -> None:
    await webhooks.follow_all(session, tenant, arrived, now)


_ONLY_TOLD = [event for event in CATALOGUE if event not in _FOLLOWED]
MANY: Mapping[type[Event], ManyHandler] = {**dict.fromkeys(_ONLY_TOLD, on_told), AppointmentBooked: on_bookings}
WANTED: Mapping[type[Event], Wanted] = dict.fromkeys(_ONLY_TOLD, webhooks.is_wanted)
