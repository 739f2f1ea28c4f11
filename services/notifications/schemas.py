"""HTTP bodies of notifications."""

from datetime import time
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from services.notifications.domain.model import Contact, Message, Purpose, Sender
from services.notifications.domain.outreach import DEFAULT_FLOW, Outreach, OutreachFlow
from services.notifications.domain.plans import DEFAULT_PLAN, ReminderPlan
from services.notifications.domain.policy import EARLIEST, LATEST
from shared.bodies import Body
from shared.contracts.availability import ZoneName
from shared.contracts.feedback import Barrier
from shared.contracts.notifications import Channel, MessageStatus, OutreachEnd

_ID = "0199f3a2-7c1e-7b6a-9d53-2f1f6a1c9e10"
_AT = "2026-03-02T15:04:05Z"

Phone = Annotated[str, Field(pattern=r"^\+[1-9][0-9]{6,14}$", description="E.164, such as +12025550123")]
Email = Annotated[str, Field(pattern=r"^[^@\s<>,;\"]+@[^@\s<>,;\"]+\.[^@\s<>,;\"]+$", max_length=254)]


def _example(**values: Any) -> ConfigDict:
    return ConfigDict(extra="forbid", from_attributes=True, json_schema_extra={"example": values})


class SenderBody(Body):
    """How the practice presents itself in messages: neutral, and short enough for a text."""

    model_config = _example(
        name="Maple Practice",
        phone="+12025550100",
        sms_from="+12025550111",
        email_from="hello@maple.example",
        alert_email="desk@maple.example",
        opens="08:00:00",
        closes="21:00:00",
    )

    name: str = Field(min_length=1, max_length=20, pattern=r"^[^{}\r\n]+$", description="Says nothing of the care")
    phone: Phone
    sms_from: Phone
    email_from: Email
    alert_email: Email = Field(description="Where a person is reached when one is needed at once")
    opens: time = Field(EARLIEST, description="Messages go out from this time in the recipient's zone")
    closes: time = Field(LATEST, description="… and until this time")

    @model_validator(mode="after")
    def _within_law(self) -> "SenderBody":
        if self.opens.tzinfo or self.closes.tzinfo:
            raise ValueError("opens and closes should be times without a zone: each recipient's own counts")
        if not EARLIEST <= self.opens < self.closes <= LATEST:
            raise ValueError("opens and closes should lie within 08:00 and 21:00, opens first")
        return self

    def sender(self) -> Sender:
        return Sender(**self.model_dump())


class ContactBody(Body):
    """Where a client can be reached. Leave the zone out when it isn't known: all plausible ones are respected."""

    model_config = _example(email="sam@example.org", phone="+12025550123", zone="America/New_York")

    email: Email | None = None
    phone: Phone | None = None
    zone: ZoneName | None = None

    def contact(self, client_id: UUID) -> Contact:
        return Contact(client_id=client_id, email=self.email, phone=self.phone, zone=self.zone)


class ConsentBody(Body):
    """A yes or no to a channel, for the address in use, in the words that were shown."""

    model_config = _example(channel="sms", granted=True, wording_version="2026-01", source="intake form")

    channel: Channel
    granted: bool
    wording_version: str = Field(min_length=1, max_length=80)
    source: str = Field(min_length=1, max_length=80)


class ConsentRecord(BaseModel):
    """One yes or no, kept for good."""

    model_config = _example(
        channel="sms",
        address="+12025550123",
        granted=True,
        wording_version="2026-01",
        source="intake form",
        actor="staff-7",
        at=_AT,
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


class PlanBody(BaseModel):
    """A version of the reminder plan; 0 is the default one."""

    model_config = _example(version=1, plan=DEFAULT_PLAN.model_dump(mode="json"))

    version: int
    plan: ReminderPlan


class FlowBody(BaseModel):
    """A version of the outreach flow; 0 is the default one."""

    model_config = _example(version=1, flow=DEFAULT_FLOW.model_dump(mode="json"))

    version: int
    flow: OutreachFlow


class MessageBody(BaseModel):
    """A message of the log; its reason says why it was not sent or failed."""

    model_config = _example(
        id=_ID,
        client_id=_ID,
        appointment_id=_ID,
        outreach_id=None,
        purpose="reminder",
        channel="sms",
        status="delivered",
        reason=None,
        due_at=_AT,
        sent_at=_AT,
        delivered_at=_AT,
    )

    id: UUID
    client_id: UUID
    appointment_id: UUID | None
    outreach_id: UUID | None
    purpose: Purpose
    channel: Channel
    status: MessageStatus
    reason: str | None
    due_at: AwareDatetime
    sent_at: AwareDatetime | None
    delivered_at: AwareDatetime | None

    @classmethod
    def of(cls, message: Message) -> "MessageBody":
        return cls.model_validate(message)


class MessagePage(BaseModel):
    items: list[MessageBody]
    next: str | None


class Decision(BaseModel):
    """Why something was planned, sent, put off or not sent."""

    model_config = _example(
        at=_AT,
        message_id=_ID,
        outreach_id=None,
        purpose="reminder",
        channel="sms",
        outcome="channel_closed",
        reason="no_consent",
        until=None,
    )

    at: AwareDatetime
    message_id: UUID | None
    outreach_id: UUID | None
    purpose: str
    channel: Channel | None
    outcome: str
    reason: str | None
    until: AwareDatetime | None


class Explanation(BaseModel):
    """Every decision about messaging a client, oldest first."""

    items: list[Decision]
    next: str | None


class OutreachBody(BaseModel):
    """The outreach after one miss."""

    model_config = _example(
        id=_ID,
        client_id=_ID,
        appointment_id=_ID,
        flow_version=0,
        status="ended",
        step=1,
        held_out=False,
        barrier="transport",
        end_reason="rebooked",
        rebooked_appointment_id=_ID,
        started_at=_AT,
        ended_at=_AT,
    )

    id: UUID
    client_id: UUID
    appointment_id: UUID
    flow_version: int
    status: Literal["running", "ended"]
    step: int = Field(description="Steps taken")
    held_out: bool
    barrier: Barrier | None
    end_reason: OutreachEnd | None
    rebooked_appointment_id: UUID | None
    started_at: AwareDatetime
    ended_at: AwareDatetime | None

    @classmethod
    def of(cls, run: Outreach) -> "OutreachBody":
        return cls.model_validate(run)


class OutreachPage(BaseModel):
    items: list[OutreachBody]
    next: str | None


class TaskBody(BaseModel):
    """Something that a person at the practice should do."""

    model_config = _example(id=_ID, client_id=_ID, outreach_id=_ID, kind="call_client", opened_at=_AT)

    id: UUID
    client_id: UUID
    outreach_id: UUID | None
    kind: str
    opened_at: AwareDatetime


class TaskPage(BaseModel):
    items: list[TaskBody]
    next: str | None
