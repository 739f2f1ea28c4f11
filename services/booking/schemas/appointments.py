"""Bodies about visits."""

from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field, field_validator

from services.booking.domain.appointments import Appointment, CancelReason, RetractReason
from services.booking.schemas.examples import ID, SLOT, example
from shared.bodies import Body, Duration
from shared.contracts.availability import Modality
from shared.contracts.booking import AppointmentStatus, Party


class NewAppointment(Body):
    """A booking: a slot id as `GET /v1/slots` gave it, and who comes."""

    model_config = example(slot=SLOT, client_id=ID)

    slot: str = Field(min_length=1, max_length=200, description="Opaque id of an offered slot")
    client_id: UUID
    hold_id: UUID | None = Field(
        None, description="The hold that keeps this slot; one that has ended is as good as none"
    )


class Override(Body):
    """A visit at a time that its schedule does not offer, and why the practice wants it."""

    model_config = example(
        schedule_id=ID, start="2026-03-04T14:05:00Z", client_id=ID, reason="in crisis, agreed by phone"
    )

    schedule_id: UUID
    start: AwareDatetime = Field(description="In whole seconds")
    client_id: UUID
    reason: str = Field(min_length=3, max_length=500, description="Kept in the visit's history; never in an event")

    @field_validator("start")
    @classmethod
    def _in_reach(cls, start: datetime) -> datetime:
        if start.microsecond or not 2000 <= start.year <= 2200:
            raise ValueError("should be in whole seconds, between the years 2000 and 2200")
        return start.astimezone(UTC)


class Move(Body):
    """Another slot for a visit."""

    model_config = example(slot=SLOT)

    slot: str = Field(min_length=1, max_length=200)


class Correction(Body):
    """Why a visit should never have been in the books."""

    model_config = example(reason="entered for the wrong client")

    reason: str = Field(min_length=3, max_length=500, description="Kept in the visit's history; never in an event")


class Delay(Body):
    """How late a client will be."""

    model_config = example(by="PT10M")

    by: Duration = Field(description="At most PT30M")


class Cancellation(Body):
    """Why a visit is called off."""

    model_config = example(reason="client_request")

    reason: CancelReason = "client_request"


class Retraction(Body):
    """Why a miss was none: the client was there, or had given notice that nobody entered."""

    model_config = example(reason="was_there")

    reason: RetractReason


class AppointmentBody(BaseModel):
    """A visit; the status is FHIR R4's. Times are UTC."""

    model_config = example(
        id=ID,
        client_id=ID,
        provider_id=ID,
        schedule_id=ID,
        appointment_type_id=ID,
        location_id=ID,
        modality="in_person",
        status="booked",
        start="2026-03-04T14:00:00Z",
        end="2026-03-04T14:50:00Z",
        missed_at="2026-03-04T14:15:00Z",
        booked_at="2026-03-02T15:04:05Z",
        changed_at="2026-03-02T15:04:05Z",
        changed_by="client",
        version=1,
        reason_code=None,
        rebooked_from=None,
        room_id=None,
        needs_rebooking=False,
        confirmed_at=None,
        late=False,
        late_by=None,
        series_id=None,
        external_id=None,
    )

    id: UUID
    client_id: UUID
    provider_id: UUID
    schedule_id: UUID
    appointment_type_id: UUID
    location_id: UUID
    modality: Modality
    status: AppointmentStatus
    start: AwareDatetime
    end: AwareDatetime
    missed_at: AwareDatetime = Field(description="When an absent client counts as missing")
    booked_at: AwareDatetime
    changed_at: AwareDatetime
    changed_by: Party
    version: int = Field(description="Also the ETag")
    reason_code: str | None
    rebooked_from: UUID | None = Field(description="The missed visit that this one makes up for")
    room_id: UUID | None
    needs_rebooking: bool = Field(description="The provider will be away: the practice should offer another time")
    confirmed_at: AwareDatetime | None = Field(description="When the client said that they will come, at this time")
    late: bool = Field(description="Called off within the practice's window before its start")
    late_by: timedelta | None = Field(description="How late the client says they will be")
    series_id: UUID | None = Field(description="The series that it was booked with")
    external_id: str | None = Field(description="What the system calls it that it was imported from")

    @classmethod
    def of(cls, appointment: Appointment) -> "AppointmentBody":
        shared = {name: getattr(appointment, name) for name in cls.model_fields if name != "version"}
        return cls(**shared, version=appointment.sequence)


class AppointmentPage(BaseModel):
    """Visits by start; `next` is the cursor of the page after this one."""

    items: list[AppointmentBody]
    next: str | None


class HistoryEntry(BaseModel):
    """One change of a visit: what it became, when, by whom."""

    model_config = example(
        sequence=1,
        status="booked",
        start="2026-03-04T14:00:00Z",
        at="2026-03-02T15:04:05Z",
        party="client",
        subject="link",
        reason_code=None,
        note=None,
        event="appointment.booked",
        provider_id=ID,
        schedule_id=ID,
        location_id=ID,
        modality="in_person",
    )

    sequence: int
    status: AppointmentStatus
    start: AwareDatetime
    at: AwareDatetime
    party: Party
    subject: str = Field(description="Subject of the token, or `link` or `timer`")
    reason_code: str | None
    note: str | None = Field(description="Why, in words; not for clients")
    event: str | None = Field(description="What was done; unknown of what is older than this record, like what follows")
    provider_id: UUID | None
    schedule_id: UUID | None
    location_id: UUID | None
    modality: Modality | None


class HistoryBody(BaseModel):
    items: list[HistoryEntry]
    next: Literal[None] = None


class Alternative(BaseModel):
    """A free slot instead of a taken one."""

    slot: str
    start: datetime
    end: datetime
    provider_id: UUID
    location_id: UUID
    modality: Modality
