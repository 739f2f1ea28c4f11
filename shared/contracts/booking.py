"""Events of booking: clients by id, and the life of an appointment."""

from datetime import datetime, timedelta
from typing import ClassVar, Literal
from uuid import UUID

from shared.contracts.availability import Modality
from shared.contracts.envelope import Event

AppointmentStatus = Literal[
    "proposed",
    "pending",
    "booked",
    "arrived",
    "checked-in",
    "fulfilled",
    "cancelled",
    "noshow",
    "waitlist",
    "entered-in-error",
]
"""Appointment status of FHIR R4."""

Party = Literal["client", "provider", "practice", "system"]


class ClientRegistered(Event):
    """A client is known to the practice; nothing but the id leaves booking."""

    producer: ClassVar[str] = "booking"
    type: ClassVar[str] = "client.registered"

    client_id: UUID

    @property
    def subject(self) -> UUID:
        return self.client_id


class AppointmentState(Event):
    """An appointment as it stands."""

    producer: ClassVar[str] = "booking"

    appointment_id: UUID
    client_id: UUID
    provider_id: UUID
    schedule_id: UUID
    appointment_type_id: UUID
    location_id: UUID
    modality: Modality
    status: AppointmentStatus
    start: datetime
    end: datetime
    occupied_from: datetime
    occupied_to: datetime
    grace: timedelta
    booked_at: datetime
    changed_at: datetime
    changed_by: Party
    reason_code: str | None = None
    rebooked_from: UUID | None = None

    @property
    def subject(self) -> UUID:
        return self.appointment_id


class AppointmentBooked(AppointmentState):
    """A client has a visit; `rebooked_from` names the missed one that it makes up for."""

    type: ClassVar[str] = "appointment.booked"


class AppointmentRescheduled(AppointmentState):
    """The same appointment at another time."""

    type: ClassVar[str] = "appointment.rescheduled"


class AppointmentCancelled(AppointmentState):
    """Called off, by `changed_by`, with a reason code; its time is free."""

    type: ClassVar[str] = "appointment.cancelled"


class AppointmentArrived(AppointmentState):
    """The client is there (checked in)."""

    type: ClassVar[str] = "appointment.arrived"


class AppointmentFulfilled(AppointmentState):
    """The visit took place."""

    type: ClassVar[str] = "appointment.fulfilled"


class AppointmentMissed(AppointmentState):
    """No notice and absent at start + grace."""

    type: ClassVar[str] = "appointment.missed"
