"""Events of feedback: what clients were asked and what, in codes, they said."""

from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

from shared.contracts.envelope import Event

Instrument = Literal["barrier", "alliance"]
Barrier = Literal["transport", "cost", "time", "fit", "forgot", "unwell", "other"]


class RequestState(Event):
    """A question put to a client about one visit."""

    producer: ClassVar[str] = "feedback"

    request_id: UUID
    client_id: UUID
    appointment_id: UUID
    instrument: Instrument
    requested_at: datetime
    submitted_at: datetime | None

    @property
    def subject(self) -> UUID:
        return self.request_id


class FeedbackRequested(RequestState):
    """The client should be asked; notifications does."""

    type: ClassVar[str] = "feedback.requested"


class FeedbackSubmitted(RequestState):
    """The client answered; scores stay in feedback."""

    type: ClassVar[str] = "feedback.submitted"


class BarrierReported(RequestState):
    """What kept the client from coming, as a code."""

    type: ClassVar[str] = "barrier.reported"

    barrier: Barrier


class EngagementState(Event):
    """Whether a client in care comes back, as far as the calendar tells."""

    producer: ClassVar[str] = "feedback"

    client_id: UUID
    last_appointment_id: UUID
    """The last visit that took place."""
    since: datetime
    """When this came to be so."""

    @property
    def subject(self) -> UUID:
        return self.client_id


class ClientUnscheduled(EngagementState):
    """The client is in care and nothing is booked."""

    type: ClassVar[str] = "client.unscheduled"


class ClientDisengaging(EngagementState):
    """The time since the last visit is long for this client's cadence."""

    type: ClassVar[str] = "client.disengaging"


class AllianceLow(RequestState):
    """A rating after a session was low; the clinician should know the same day."""

    type: ClassVar[str] = "alliance.low"

    provider_id: UUID
