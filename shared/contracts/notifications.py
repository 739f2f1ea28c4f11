"""Events of notifications: messages, consent, outreach and tasks; ids and reasons, never a text or an address."""

from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

from shared.contracts.envelope import Event

Channel = Literal["sms", "email", "voice"]
MessageStatus = Literal["planned", "sent", "delivered", "failed", "not_sent"]
TaskOutcome = Literal["done", "reached", "not_reached", "rebooked", "declined", "handed_on", "not_needed"]
OutreachEnd = Literal[
    "rebooked",
    "returned",
    "declined",
    "reached",
    "opted_out",
    "discharged",
    "no_response",
    "held_out",
    "visit_changed",
    "safety",
    "superseded",
]
OutreachTrigger = Literal["missed", "unscheduled", "disengaging"]


class MessageState(Event):
    """A message to a client as it stands."""

    producer: ClassVar[str] = "notifications"

    message_id: UUID
    client_id: UUID
    appointment_id: UUID | None
    outreach_id: UUID | None
    purpose: str
    channel: Channel
    status: MessageStatus
    reason: str | None
    due_at: datetime
    sent_at: datetime | None
    delivered_at: datetime | None

    @property
    def subject(self) -> UUID:
        return self.message_id


class MessageSent(MessageState):
    """Handed to the carrier or mail server."""

    type: ClassVar[str] = "message.sent"


class MessageDelivered(MessageState):
    """The carrier says that it arrived."""

    type: ClassVar[str] = "message.delivered"


class MessageFailed(MessageState):
    """The carrier refused it or could not deliver it."""

    type: ClassVar[str] = "message.failed"


class MessageReceived(Event):
    """A client's text came in; what it was taken for, never its words."""

    producer: ClassVar[str] = "notifications"
    type: ClassVar[str] = "message.received"

    message_id: UUID
    client_id: UUID | None
    channel: Channel
    meaning: Literal["opt_out", "opt_in", "help", "safety", "other", "answer"]
    received_at: datetime

    @property
    def subject(self) -> UUID:
        return self.message_id


class ConsentChanged(Event):
    """A client agreed to a channel, or withdrew."""

    producer: ClassVar[str] = "notifications"
    type: ClassVar[str] = "consent.changed"

    client_id: UUID
    channel: Channel
    granted: bool
    wording_version: str
    source: str
    at: datetime

    @property
    def subject(self) -> UUID:
        return self.client_id


class OutreachState(Event):
    """An outreach as it stands: after one missed appointment, or after the last one of whoever doesn't come back."""

    producer: ClassVar[str] = "notifications"

    outreach_id: UUID
    client_id: UUID
    appointment_id: UUID
    flow_version: int
    status: Literal["running", "ended"]
    step: int
    held_out: bool
    barrier: str | None
    end_reason: OutreachEnd | None
    rebooked_appointment_id: UUID | None
    started_at: datetime
    ended_at: datetime | None
    trigger: OutreachTrigger = "missed"

    @property
    def subject(self) -> UUID:
        return self.outreach_id


class OutreachStarted(OutreachState):
    """A miss, or what else `trigger` says, set a flow going (or held the client out of it, for comparison)."""

    type: ClassVar[str] = "outreach.started"


class OutreachAdvanced(OutreachState):
    """The flow took a step or learned a barrier."""

    type: ClassVar[str] = "outreach.advanced"


class OutreachEnded(OutreachState):
    """Nothing further will be sent; `end_reason` says why."""

    type: ClassVar[str] = "outreach.ended"


class TaskOpened(Event):
    """A person at the practice is asked to do something."""

    producer: ClassVar[str] = "notifications"
    type: ClassVar[str] = "task.opened"

    task_id: UUID
    client_id: UUID
    kind: str
    opened_at: datetime
    outreach_id: UUID | None

    @property
    def subject(self) -> UUID:
        return self.task_id


class TaskClosed(Event):
    """A person at the practice has done what they were asked, or says why not."""

    producer: ClassVar[str] = "notifications"
    type: ClassVar[str] = "task.closed"

    task_id: UUID
    client_id: UUID
    kind: str
    opened_at: datetime
    closed_at: datetime
    outcome: TaskOutcome
    outreach_id: UUID | None

    @property
    def subject(self) -> UUID:
        return self.task_id


class CheckInAnswered(Event):
    """A client has said between sessions how they are; what they said stays in notifications."""

    producer: ClassVar[str] = "notifications"
    type: ClassVar[str] = "checkin.answered"

    check_in_id: UUID
    client_id: UUID
    appointment_id: UUID
    provider_id: UUID
    answered_at: datetime

    @property
    def subject(self) -> UUID:
        return self.check_in_id


class QuestionAnswered(Event):
    """A client has answered what a text asked about a visit; booking does what the answer says."""

    producer: ClassVar[str] = "notifications"
    type: ClassVar[str] = "question.answered"

    question_id: UUID
    client_id: UUID
    appointment_id: UUID
    start: datetime
    answer: Literal["confirm", "move", "cancel"]
    answered_at: datetime

    @property
    def subject(self) -> UUID:
        return self.appointment_id
