"""Events of the waitlist: who waits for what, which freed times they are offered, and what became of it."""

from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

from pydantic import Field

from shared.contracts.availability import Modality
from shared.contracts.envelope import Event

EntryStatus = Literal["waiting", "filled", "left"]
Fate = Literal["open", "accepted", "declined", "expired", "lost", "withdrawn"]
"""Of an offer. `lost`: somebody was faster; `withdrawn`: its client got another time, or waits no more."""


class EntryState(Event):
    """Somebody's place on the waitlist."""

    producer: ClassVar[str] = "booking"

    entry_id: UUID
    client_id: UUID
    appointment_type_id: UUID
    status: EntryStatus
    joined_at: datetime
    appointment_id: UUID | None = Field(None, description="The visit that filled it")

    @property
    def subject(self) -> UUID:
        return self.entry_id


class WaitlistJoined(EntryState):
    """A client waits for a time."""

    type: ClassVar[str] = "waitlist.joined"


class WaitlistFilled(EntryState):
    """A freed time was accepted: the client has a visit, or their visit has moved to it."""

    type: ClassVar[str] = "waitlist.filled"


class WaitlistLeft(EntryState):
    """The client waits no more."""

    type: ClassVar[str] = "waitlist.left"


class OfferState(Event):
    """A freed time that a waiting client may have, until `expires_at` or until somebody is faster."""

    producer: ClassVar[str] = "booking"

    offer_id: UUID
    entry_id: UUID
    client_id: UUID
    schedule_id: UUID
    provider_id: UUID
    modality: Modality
    start: datetime
    end: datetime
    offered_at: datetime
    expires_at: datetime
    fate: Fate

    @property
    def subject(self) -> UUID:
        return self.offer_id


class WaitlistOffered(OfferState):
    """A freed time is offered; the first to accept has it."""

    type: ClassVar[str] = "waitlist.offered"


class WaitlistOfferEnded(OfferState):
    """An offer stands no more; `fate` says why."""

    type: ClassVar[str] = "waitlist.offer_ended"
