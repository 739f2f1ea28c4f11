"""Bodies about messages and the reasons for them."""

from collections.abc import Mapping
from typing import Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from services.notifications.domain.mail_reports import MailMeaning
from services.notifications.domain.model import Message, Purpose
from services.notifications.domain.rules import Rule
from services.notifications.schemas.examples import AT, ID, example
from shared.contracts.notifications import Channel, MessageStatus


class MessageBody(BaseModel):
    """A message of the log; its reason says why it was not sent or failed."""

    model_config = example(
        id=ID,
        client_id=ID,
        appointment_id=ID,
        outreach_id=None,
        purpose="reminder",
        channel="sms",
        status="delivered",
        reason=None,
        due_at=AT,
        sent_at=AT,
        delivered_at=AT,
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

    model_config = example(
        at=AT,
        message_id=ID,
        outreach_id=None,
        purpose="reminder",
        channel="sms",
        outcome="channel_closed",
        reason="no_consent",
        rule=2,
        until=None,
        appointment_id=ID,
        step="plan.2",
        plan_version=3,
        flow_version=None,
        due_at=AT,
        sent_at=None,
        delivered_at=None,
        vendor=None,
        trace_id="0af7651916cd43dd8448eb211c80319c",
    )

    at: AwareDatetime
    message_id: UUID | None
    outreach_id: UUID | None
    purpose: str
    channel: Channel | None
    outcome: str
    reason: str | None
    rule: Rule | None = Field(
        description="Which of the rules that protect people the reason falls under: 1 STOP, 2 no text without a yes, "
        "3 hours, 4 quota and length, 5 neutral words, 6 the client's wish, 7 words of danger; None for any other"
    )
    until: AwareDatetime | None
    appointment_id: UUID | None = Field(description="Of the message; this and what follows is as it stands now")
    step: str | None = Field(description="Where in its plan or flow it comes from")
    plan_version: int | None = Field(description="Of the reminder or check-in plan; 0 is the default one")
    flow_version: int | None = Field(description="Of the outreach flow; 0 is the default one")
    due_at: AwareDatetime | None
    sent_at: AwareDatetime | None
    delivered_at: AwareDatetime | None
    vendor: str | None = Field(description="Who carried it, or was the last to fail")
    trace_id: str | None = Field(description="To follow it from the booking to the carrier's report")

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Decision":
        shared = {name: row[name] for name in cls.model_fields if name != "trace_id"}
        traceparent = row["traceparent"]
        return cls(**shared, trace_id=traceparent.split("-")[1] if traceparent else None)


class MailReportBody(BaseModel):
    """What a mail that came back was taken for, and which message it is about."""

    model_config = example(meaning="failed", message_id=ID)

    meaning: MailMeaning | Literal["reply", "nothing"]
    message_id: UUID | None


class ReconciliationBody(BaseModel):
    """Once an hour: what should have gone out within it, and what became of that."""

    model_config = example(
        at=AT,
        expected=42,
        sent=40,
        failed=0,
        not_sent=2,
        waiting=0,
        overdue=0,
        unheard=[],
        unplanned=0,
        refused=0,
        alarm=False,
    )

    at: AwareDatetime
    expected: int = Field(description="Messages due within the hour before; the next four figures add up to it")
    sent: int
    failed: int
    not_sent: int = Field(description="Each with its reason, in the explanation of its client")
    waiting: int
    overdue: int = Field(description="Due for more than 15 minutes, neither sent nor put off")
    unheard: list[UUID] = Field(description="Visits of which booking knows more than has arrived here; at most 100")
    unplanned: int = Field(description="Coming visits without a single message on record")
    refused: int = Field(
        description="Of these, what a carrier wouldn't take or bring, or nobody knows; another channel may have"
    )
    alarm: bool


class ReconciliationPage(BaseModel):
    items: list[ReconciliationBody]
    next: str | None


class Explanation(BaseModel):
    """Every decision about messaging a client, oldest first."""

    items: list[Decision]
    next: str | None
