"""Many bookings at once: what `visits` plans for one, for far less each.

On a Monday morning, or after an outage, thousands of bookings wait; one by one they took a dozen statements each.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications import repository
from services.notifications.domain.model import Message, Visit
from services.notifications.domain.plans import plan_messages
from services.notifications.use_cases.visits import follow_visit
from shared.handling import Arrived
from shared.telemetry import annotate, current_traceparent, span, under


async def follow_bookings(session: AsyncSession, *, tenant: UUID, arrived: Sequence[Arrived], now: datetime) -> None:
    """Plans the reminders of new visits. One of which something is known already, or whose client is reached out to,
    is followed by itself.
    """
    visits = [Visit.of(one.envelope.event) for one in arrived]
    clients = {visit.client_id for visit in visits}
    await repository.clients.lock_all(session, clients)
    reached_out_to = await repository.outreach.running_among(session, clients)
    seen = set(await repository.visits.sequences(session, [visit.id for visit in visits]))
    version, plan = await repository.plans.plan(session)
    new: list[Visit] = []
    messages: list[Message] = []
    for one, visit in zip(arrived, visits, strict=True):
        with under(one.span):
            if visit.client_id in reached_out_to or visit.id in seen or visit.status != "booked":
                await follow_visit(session, tenant=tenant, state=one.envelope.event, now=now)
                continue
            with span("notifications.follow_visit"):
                annotate(appointment_id=visit.id, client_id=visit.client_id)
                parent = current_traceparent()
                planned = plan_messages(plan, visit, now, version=version)
        seen.add(visit.id)
        new.append(visit)
        messages.extend(replace(message, traceparent=parent) for message in planned)
    await repository.visits.add(session, tenant, new)
    await repository.messages.add(session, tenant, messages, now)
