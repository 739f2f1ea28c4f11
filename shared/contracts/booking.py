"""Events of booking: clients by id, and the life of an appointment."""

from datetime import datetime, timedelta
from typing import ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

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

FREE_STATUSES: tuple[AppointmentStatus, ...] = ("cancelled", "entered-in-error")
"""Only these give an appointment's time back."""


class ClientState(Event):
    """A client of the practice; nothing but the id leaves booking."""

    producer: ClassVar[str] = "booking"

    client_id: UUID

    @property
    def subject(self) -> UUID:
        return self.client_id


class ClientRegistered(ClientState):
    """A client is known to the practice, or is in care again."""

    type: ClassVar[str] = "client.registered"


class ClientDischarged(ClientState):
    """A client is in care no more: nothing can be booked for them, and no outreach goes to them."""

    type: ClassVar[str] = "client.discharged"


class AppointmentState(Event):
    """An appointment as it stands. The latest per key is kept, so that whoever follows can begin anew."""

    producer: ClassVar[str] = "booking"
    compacted: ClassVar[bool] = True

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
    room_id: UUID | None = None
    needs_rebooking: bool = Field(False, description="The provider has become unavailable at this time")
    late: bool = Field(False, description="Called off within the practice's window before its start")
    confirmed_at: datetime | None = Field(None, description="When the client said that they will come, at this time")
    late_by: timedelta | None = Field(None, description="How late the client says they will be")
    series_id: UUID | None = Field(None, description="The series that it was booked with")

    @property
    def subject(self) -> UUID:
        return self.appointment_id


class AppointmentBooked(AppointmentState):
    """A client has a visit; `rebooked_from` names the missed one that it makes up for."""

    type: ClassVar[str] = "appointment.booked"


class AppointmentImported(AppointmentState):
    """A visit that was made in another system, past or to come: nothing follows from it but its reminders."""

    type: ClassVar[str] = "appointment.imported"


class AppointmentRescheduled(AppointmentState):
    """The same appointment at another time."""

    type: ClassVar[str] = "appointment.rescheduled"


class AppointmentCancelled(AppointmentState):
    """Called off, by `changed_by`, with a reason code; its time is free."""

    type: ClassVar[str] = "appointment.cancelled"


class AppointmentConfirmed(AppointmentState):
    """The client said that they will come; the time is as it was."""

    type: ClassVar[str] = "appointment.confirmed"


class AppointmentEnteredInError(AppointmentState):
    """It should never have been in the books: it takes no time, and counts nowhere."""

    type: ClassVar[str] = "appointment.entered_in_error"


class AppointmentRunningLate(AppointmentState):
    """The client is on the way and says how late they will be; they are missed no sooner."""

    type: ClassVar[str] = "appointment.running_late"


class AppointmentAwaited(AppointmentState):
    """It has begun and nobody has said that the client is there: the provider is asked, before it counts as missed."""

    type: ClassVar[str] = "appointment.awaited"

    missed_at: AwareDatetime = Field(description="When it counts as missed, if nobody says more")


class AppointmentArrived(AppointmentState):
    """The client is there, in the waiting room: nothing is missed any more."""

    type: ClassVar[str] = "appointment.arrived"


class AppointmentCheckedIn(AppointmentState):
    """The practice has taken the client in: forms and particulars are done."""

    type: ClassVar[str] = "appointment.checked_in"


class AppointmentFulfilled(AppointmentState):
    """The visit took place."""

    type: ClassVar[str] = "appointment.fulfilled"


class AppointmentFlagged(AppointmentState):
    """The provider has become unavailable at its time, or is available again: see `needs_rebooking`."""

    type: ClassVar[str] = "appointment.flagged"


class AppointmentMissed(AppointmentState):
    """No notice and absent at start + grace."""

    type: ClassVar[str] = "appointment.missed"


class AppointmentMissedRetracted(AppointmentState):
    """It was no miss: the client was there (arrived), or had given notice (cancelled). What it began is undone."""

    type: ClassVar[str] = "appointment.missed_retracted"


class HoldState(Event):
    """A slot that somebody is about to book."""

    producer: ClassVar[str] = "booking"

    hold_id: UUID
    provider_id: UUID
    schedule_id: UUID
    start: datetime
    end: datetime
    occupied_from: datetime
    occupied_to: datetime
    expires_at: datetime
    client_id: UUID | None = None
    room_id: UUID | None = None

    @property
    def subject(self) -> UUID:
        return self.hold_id


class SlotHeld(HoldState):
    """A slot is kept for somebody until `expires_at`."""

    type: ClassVar[str] = "slot.held"


class SlotReleased(HoldState):
    """A hold has ended, by a booking, by whoever held it, or by its time."""

    type: ClassVar[str] = "slot.released"

    because: Literal["booked", "released", "expired"] = Field("released", description="`booked`: its time is not free")
    appointment_id: UUID | None = Field(None, description="The visit that took its place, when `booked`")
