"""Visits as booking tells of them, and a plan for them, for the tests of messages."""

from typing import Any

from shared.contracts.booking import (
    AppointmentBooked,
    AppointmentState,
)
from tests.notifications.conftest import SOON, Practice
from tests.support.build import appointment_event

NOW_PLAN = {
    "steps": [
        {"purpose": "reminder", "anchor": "booking", "offset": "PT0S", "channels": ["sms", "email"]},
    ]
}
"""One reminder, due at once."""


async def visit(practice: Practice, event: type[AppointmentState] = AppointmentBooked, **changes: Any) -> Any:
    now = await practice.now()
    values = {"client_id": practice.client, "start": now + SOON, "booked_at": now, "changed_at": now}
    return appointment_event(event, **{**values, **changes})


def later(of: AppointmentState, kind: type[AppointmentState], **changes: Any) -> AppointmentState:
    return kind.model_validate(of.model_dump() | {"sequence": of.sequence + 1, "changed_by": "practice"} | changes)
