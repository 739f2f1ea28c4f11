"""Bodies about where clients can be reached, and what they agreed to."""

from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from services.notifications.domain.model import Contact
from services.notifications.schemas.addresses import Email, Phone
from services.notifications.schemas.examples import AT, example
from shared.bodies import Body
from shared.contracts.availability import ZoneName
from shared.contracts.notifications import Channel


class ContactBody(Body):
    """Where a client can be reached. Leave the zone out when it isn't known: all plausible ones are respected."""

    model_config = example(email="sam@example.org", phone="+12025550123", zone="America/New_York")

    email: Email | None = None
    phone: Phone | None = None
    zone: ZoneName | None = None

    def contact(self, client_id: UUID) -> Contact:
        return Contact(client_id=client_id, email=self.email, phone=self.phone, zone=self.zone)


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


class ConsentList(BaseModel):
    items: list[ConsentRecord]
    next: Literal[None] = None
