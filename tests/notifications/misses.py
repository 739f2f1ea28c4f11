"""Missed visits and what follows them, for the tests of outreach."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from services.notifications.use_cases import visits
from shared.contracts.booking import (
    AppointmentBooked,
    AppointmentMissed,
    AppointmentState,
)
from shared.contracts.feedback import BarrierReported, FeedbackRequested
from tests.notifications.conftest import SOON, Practice
from tests.support.build import appointment_event

QUICK_FLOW: dict[str, Any] = {
    "steps": [
        {"after": "PT0S", "message": "missed_you", "channels": ["sms", "email"]},
        {
            "after": "PT0S",
            "message": "barrier_question",
            "channels": ["email"],
            "when": {"barriers": ["unknown"]},
        },
        {"after": "PT0S", "task": "call_client"},
    ],
    "on_barrier": {"transport": {"message": "remote_offer", "channels": ["sms", "email"]}, "cost": {"task": "talk"}},
    "gives_up_after": "PT1S",
}


TWO_STEPS = {
    "steps": [QUICK_FLOW["steps"][0], {"after": "P7D", "message": "closing", "channels": ["email"]}],
    "gives_up_after": "P14D",
}


ONE_STEP = {**QUICK_FLOW, "steps": QUICK_FLOW["steps"][:1], "gives_up_after": "P14D"}


async def missed(practice: Practice, **changes: Any) -> AppointmentMissed:
    now = await practice.now()
    event = appointment_event(
        AppointmentMissed,
        client_id=practice.client,
        sequence=2,
        start=changes.pop("start", now - timedelta(minutes=15)),
        booked_at=now - timedelta(days=3),
        changed_at=now,
        changed_by="system",
        **changes,
    )
    assert isinstance(event, AppointmentMissed)
    return event


async def next_visit(practice: Practice, **changes: Any) -> AppointmentState:
    now = await practice.now()
    values = {"client_id": practice.client, "start": now + SOON, "booked_at": now, "changed_at": now}
    return appointment_event(AppointmentBooked, **{**values, **changes})


def reported(practice: Practice, visit: AppointmentState, barrier: str = "transport") -> BarrierReported:
    return BarrierReported.model_validate(
        {
            "sequence": 2,
            "request_id": uuid4(),
            "client_id": practice.client,
            "appointment_id": visit.appointment_id,
            "instrument": "barrier",
            "requested_at": visit.changed_at,
            "submitted_at": visit.changed_at,
            "barrier": barrier,
        }
    )


async def ask_for_rating(practice: Practice, visit: AppointmentState) -> None:
    """Feedback asks how a visit was."""
    now = await practice.now()
    request = FeedbackRequested(
        sequence=1,
        request_id=uuid4(),
        client_id=visit.client_id,
        appointment_id=visit.appointment_id,
        instrument="alliance",
        requested_at=now,
        submitted_at=None,
    )
    async with practice.resources.database.transaction(practice.tenant) as session:
        await visits.ask_for_rating(session, tenant=practice.tenant, request=request, now=now)
