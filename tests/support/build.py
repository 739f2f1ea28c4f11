"""Things to test with, each valid unless told otherwise."""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4

from shared.contracts.availability import SchedulePublished, Window
from shared.contracts.booking import AppointmentBooked, AppointmentState

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
"""A Monday, ten in the morning in New York."""


def schedule(**changes: Any) -> SchedulePublished:
    """Weekdays 09:00-17:00 in New York, 50 minutes on the half hour."""
    values: dict[str, Any] = {
        "sequence": 1,
        "schedule_id": uuid4(),
        "provider_id": uuid4(),
        "appointment_type_id": uuid4(),
        "location_id": uuid4(),
        "modality": "in_person",
        "zone": "America/New_York",
        "windows": tuple(Window(weekday=day, start=time(9), end=time(17)) for day in range(5)),
        "duration": timedelta(minutes=50),
        "buffer_after": timedelta(minutes=10),
        "step": timedelta(minutes=30),
    }
    return SchedulePublished.model_validate({**values, **changes})


def appointment_event(
    event: type[AppointmentState] = AppointmentBooked, *, start: datetime | None = None, **changes: Any
) -> AppointmentState:
    """An appointment event; by default a visit booked now for the day after tomorrow."""
    start = start or NOW + timedelta(days=2)
    statuses = {
        "appointment.booked": "booked",
        "appointment.imported": "booked",
        "appointment.rescheduled": "booked",
        "appointment.cancelled": "cancelled",
        "appointment.running_late": "booked",
        "appointment.awaited": "booked",
        "appointment.entered_in_error": "entered-in-error",
        "appointment.arrived": "arrived",
        "appointment.checked_in": "checked-in",
        "appointment.fulfilled": "fulfilled",
        "appointment.missed": "noshow",
        "appointment.flagged": "booked",
        "appointment.confirmed": "booked",
        "appointment.missed_retracted": "arrived",
    }
    values: dict[str, Any] = {
        "sequence": 1,
        "appointment_id": uuid4(),
        "client_id": uuid4(),
        "provider_id": uuid4(),
        "schedule_id": uuid4(),
        "appointment_type_id": uuid4(),
        "location_id": uuid4(),
        "modality": "in_person",
        "status": statuses[event.type],
        "start": start,
        "end": start + timedelta(minutes=50),
        "occupied_from": start,
        "occupied_to": start + timedelta(minutes=60),
        "grace": timedelta(minutes=15),
        "booked_at": NOW,
        "changed_at": NOW,
        "changed_by": "client",
    }
    return event.model_validate({**values, **changes})


def ids(count: int) -> list[UUID]:
    return [uuid4() for _ in range(count)]
