"""Bodies about where clients can be reached, and what they agreed to."""

from datetime import time
from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field, model_validator

from services.notifications.domain.model import Contact, Language, Preferences
from services.notifications.domain.policy import EARLIEST, LATEST
from services.notifications.schemas.examples import AT, ID, example
from shared.bodies import Body
from shared.contracts.availability import ZoneName
from shared.contracts.intake import Intake
from shared.contracts.notifications import Channel
from shared.emails import Email
from shared.phones import Phone


class ContactBody(Body):
    """Where a client can be reached. Leave the zone out when it isn't known: all plausible ones are respected."""

    model_config = example(email="sam@example.org", phone="+12025550123", zone="America/New_York")

    email: Email | None = None
    phone: Phone | None = None
    zone: ZoneName | None = None

    def contact(self, client_id: UUID) -> Contact:
        return Contact(client_id=client_id, email=self.email, phone=self.phone, zone=self.zone)


class IntakeBody(Intake):
    """What somebody new has entered; the number is looked at here."""

    phone: Phone | None = None


class PreferencesBody(Body):
    """What a client wishes; it goes before what plans and flows say, within what the client has agreed to."""

    model_config = example(channels=["email"], language="es", opens="10:00:00", closes="18:00:00")

    channels: list[Channel] = Field(
        [], max_length=3, description="Only these, the first one first; none: as plans and flows say"
    )
    language: Language | None = Field(None, description="By default the practice's")
    opens: time | None = Field(None, description="No message before this time of the client's day")
    closes: time | None = Field(None, description="… nor from this time on")

    @model_validator(mode="after")
    def _fit(self) -> "PreferencesBody":
        if len(set(self.channels)) != len(self.channels):
            raise ValueError("channels should name each channel once")
        if (self.opens is None) != (self.closes is None):
            raise ValueError("opens and closes go together")
        if self.opens is not None and self.closes is not None:
            if self.opens.tzinfo or self.closes.tzinfo:
                raise ValueError("opens and closes should be times without a zone: the client's own counts")
            if not EARLIEST <= self.opens < self.closes <= LATEST:
                raise ValueError("opens and closes should lie within 08:00 and 21:00, opens first")
        return self

    def preferences(self, client_id: UUID) -> Preferences:
        return Preferences(client_id, tuple(self.channels), self.language, self.opens, self.closes)


class ConsentBody(Body):
    """A yes or no to a channel, for the address in use, in the words that were shown."""

    model_config = example(channel="sms", granted=True, wording_version="2026-01", source="intake form")

    channel: Channel
    granted: bool
    wording_version: str = Field(min_length=1, max_length=80)
    source: str = Field(min_length=1, max_length=80)


class ConsentRecord(BaseModel):
    """One yes or no, kept for good."""

    model_config = example(
        channel="sms",
        address="+12025550123",
        granted=True,
        wording_version="2026-01",
        source="intake form",
        actor="staff-7",
        at=AT,
    )

    channel: Channel
    address: str
    granted: bool
    wording_version: str
    source: str
    actor: str
    at: AwareDatetime
    stopped: bool = Field(
        False, description="When it is recorded: this number has said STOP, maybe as another's; its START lifts that"
    )


class PauseBody(BaseModel):
    """Since when and why a person looks after a client, not this system; and who lifted that, and when."""

    model_config = example(client_id=ID, reason="safety", at=AT, lifted_at=None, lifted_by=None)

    client_id: UUID
    reason: str = Field(description="`safety` or `practice`")
    at: AwareDatetime
    lifted_at: AwareDatetime | None
    lifted_by: str | None


class ConsentList(BaseModel):
    items: list[ConsentRecord]
    next: Literal[None] = None
