"""HTTP bodies of booking."""

from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator

from services.booking.domain.appointments import Appointment, CancelReason, RetractReason
from services.booking.domain.clients import Client
from services.booking.domain.holds import Hold
from services.booking.domain.policy import Policy
from shared.bodies import Body, Duration, Name
from shared.contracts.availability import Modality
from shared.contracts.booking import AppointmentStatus, Party

_ID = "0199f3a2-7c1e-7b6a-9d53-2f1f6a1c9e10"
_SLOT = "AZnzonwee2qdUy8fahyeEGmoOuBppbQARYCDkcbd4oLoFPPVTAY3xQ"


def _example(**values: Any) -> ConfigDict:
    return ConfigDict(extra="forbid", json_schema_extra={"example": values})


class NewClient(Body):
    """A client to register. The name stays in booking; contact details go to notifications."""

    model_config = _example(name="Sam Rivera")

    name: Name


class ClientBody(BaseModel):
    """A registered client."""

    model_config = _example(id=_ID, name="Sam Rivera", registered_at="2026-03-02T15:04:05Z")

    id: UUID
    name: str
    registered_at: AwareDatetime

    @classmethod
    def of(cls, client: Client) -> "ClientBody":
        return cls(id=client.id, name=client.name, registered_at=client.registered_at)


class NewAppointment(Body):
    """A booking: a slot id as `GET /v1/slots` gave it, and who comes."""

    model_config = _example(slot=_SLOT, client_id=_ID)

    slot: str = Field(min_length=1, max_length=200, description="Opaque id of an offered slot")
    client_id: UUID
    hold_id: UUID | None = Field(
        None, description="The hold that keeps this slot; one that has ended is as good as none"
    )


class Override(Body):
    """A visit at a time that its schedule does not offer, and why the practice wants it."""

    model_config = _example(
        schedule_id=_ID, start="2026-03-04T14:05:00Z", client_id=_ID, reason="in crisis, agreed by phone"
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


class NewHold(Body):
    """A slot to keep for somebody who is about to book it."""

    model_config = _example(slot=_SLOT, client_id=_ID)

    slot: str = Field(min_length=1, max_length=200, description="Opaque id of an offered slot")
    client_id: UUID | None = Field(None, description="For whom, where that is known already")


class HoldBody(BaseModel):
    """A slot that is kept until `expires_at`; send its id along when you book."""

    model_config = _example(
        id=_ID,
        schedule_id=_ID,
        provider_id=_ID,
        client_id=None,
        start="2026-03-04T14:00:00Z",
        end="2026-03-04T14:50:00Z",
        expires_at="2026-03-02T15:09:05Z",
        extensions_left=2,
    )

    id: UUID
    schedule_id: UUID
    provider_id: UUID
    client_id: UUID | None
    start: AwareDatetime
    end: AwareDatetime
    expires_at: AwareDatetime
    extensions_left: int = Field(description="How often five minutes more can be had")

    @classmethod
    def of(cls, kept: Hold) -> "HoldBody":
        return cls(**{name: getattr(kept, name) for name in cls.model_fields})


class Move(Body):
    """Another slot for a visit."""

    model_config = _example(slot=_SLOT)

    slot: str = Field(min_length=1, max_length=200)


class Cancellation(Body):
    """Why a visit is called off."""

    model_config = _example(reason="client_request")

    reason: CancelReason = "client_request"


class Retraction(Body):
    """Why a miss was none: the client was there, or had given notice that nobody entered."""

    model_config = _example(reason="was_there")

    reason: RetractReason


class AppointmentBody(BaseModel):
    """A visit; the status is FHIR R4's. Times are UTC."""

    model_config = _example(
        id=_ID,
        client_id=_ID,
        provider_id=_ID,
        schedule_id=_ID,
        appointment_type_id=_ID,
        location_id=_ID,
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

    @classmethod
    def of(cls, appointment: Appointment) -> "AppointmentBody":
        shared = {name: getattr(appointment, name) for name in cls.model_fields if name != "version"}
        return cls(**shared, version=appointment.sequence)


class NewPolicy(Body):
    """What a practice decides for itself."""

    model_config = _example(late_within="P1D")

    late_within: Duration = Field(description="Called off nearer to its start than this, a visit counts as late")


class PolicyBody(BaseModel):
    """What a practice has decided; version 0 are the defaults."""

    model_config = _example(late_within="P1D", version=0)

    late_within: timedelta
    version: int = Field(description="Also the ETag")

    @classmethod
    def of(cls, policy: Policy) -> "PolicyBody":
        return cls(late_within=policy.late_within, version=policy.version)


class AppointmentPage(BaseModel):
    """Visits by start; `next` is the cursor of the page after this one."""

    items: list[AppointmentBody]
    next: str | None


class HistoryEntry(BaseModel):
    """One change of a visit: what it became, when, by whom."""

    model_config = _example(
        sequence=1,
        status="booked",
        start="2026-03-04T14:00:00Z",
        at="2026-03-02T15:04:05Z",
        party="client",
        subject="link",
        reason_code=None,
        note=None,
    )

    sequence: int
    status: AppointmentStatus
    start: AwareDatetime
    at: AwareDatetime
    party: Party
    subject: str = Field(description="Subject of the token, or `link` or `timer`")
    reason_code: str | None
    note: str | None = Field(description="Why, in words; not for clients")


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
