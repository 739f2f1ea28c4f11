"""The things that notifications keeps."""

from dataclasses import dataclass, replace
from datetime import datetime, time
from typing import Literal
from uuid import UUID

from shared.contracts.availability import Modality
from shared.contracts.booking import FREE_STATUSES, AppointmentState, Party
from shared.contracts.notifications import (
    Channel,
    MessageDelivered,
    MessageFailed,
    MessageSent,
    MessageState,
    MessageStatus,
    TaskOutcome,
)
from shared.contracts.waitlist import Fate, OfferState

Language = Literal["en", "es"]
Purpose = Literal[
    "confirmation",
    "cancellation",
    "reminder",
    "confirm_request",
    "missed_you",
    "barrier_question",
    "remote_offer",
    "other_times",
    "closing",
    "rating_request",
    "waitlist_offer",
    "opt_out_confirmation",
    "opt_in_confirmation",
    "help",
    "safety",
    "answer_confirm",
    "answer_move",
    "answer_cancel",
    "secure_message",
    "next_visit",
    "check_in",
    "check_in_thanks",
]
REPLIES: frozenset[Purpose] = frozenset(
    (
        "opt_out_confirmation",
        "opt_in_confirmation",
        "help",
        "safety",
        "answer_confirm",
        "answer_move",
        "answer_cancel",
        "check_in_thanks",
    )
)
"""Answers to what a client just wrote; they go out whatever the hour."""
ABOUT_A_BOOKED_VISIT: frozenset[Purpose] = frozenset(("confirmation", "reminder", "confirm_request"))
"""Void when the visit changes, and outside the caps on automated texts."""
ABOUT_A_VISIT: frozenset[Purpose] = ABOUT_A_BOOKED_VISIT | {"cancellation"}
"""Each of one version of its visit."""
ASKING: frozenset[Purpose] = frozenset(("confirm_request", "check_in"))
"""A digit answers these, where they went by text."""
FROM_A_PERSON: frozenset[Purpose] = frozenset(("secure_message",))
"""Say that a person at the practice has written: no automation, so neither its caps nor its pause are for them."""
OUTSIDE_QUOTA: frozenset[Purpose] = ABOUT_A_BOOKED_VISIT | FROM_A_PERSON | REPLIES
"""However many there are, none of them counts as an automated text of its day and week."""
OUTREACH: frozenset[Purpose] = frozenset(
    ("missed_you", "barrier_question", "remote_offer", "other_times", "closing", "next_visit")
)
"""Void when the outreach ends."""

NOT_BEEN = frozenset(("cancelled", "noshow", "entered-in-error"))
"""Of a visit: the client was not there, whatever was heard before."""
TOOK_PLACE = frozenset(("arrived", "checked-in", "fulfilled"))
"""Of a visit: the client was there."""


@dataclass(frozen=True, slots=True)
class Sender:
    """How a practice presents itself: its neutral name, phone and addresses, and when it may be heard."""

    name: str
    phone: str
    sms_from: str
    email_from: str
    alert_email: str
    opens: time = time(8)
    closes: time = time(21)
    language: Language = "en"
    concerns_owner: str | None = None
    """Subject of whoever answers what worries clients."""
    bounces_to: str | None = None
    """Where mails return that can't be delivered; by default to `email_from`."""


@dataclass(frozen=True, slots=True)
class Preferences:
    """What a client wishes: by which channels, the first one first; in which language; between which hours.

    No channels are any. It goes before what plans and flows say, and never beyond what the client has agreed to.
    """

    client_id: UUID
    channels: tuple[Channel, ...] = ()
    language: Language | None = None
    opens: time | None = None
    closes: time | None = None


@dataclass(frozen=True, slots=True)
class Pause:
    """A person looks after this client, not this system, until a person lifts that."""

    client_id: UUID
    reason: str
    at: datetime
    lifted_at: datetime | None = None
    lifted_by: str | None = None


@dataclass(frozen=True, slots=True)
class Contact:
    """Where a client can be reached; an unknown zone is None."""

    client_id: UUID
    email: str | None
    phone: str | None
    zone: str | None

    def address(self, channel: Channel) -> str | None:
        return self.email if channel == "email" else self.phone


@dataclass(frozen=True, slots=True)
class Visit:
    """What notifications knows of an appointment: the replica of its last event."""

    id: UUID
    client_id: UUID
    status: str
    start: datetime
    booked_at: datetime
    changed_at: datetime
    sequence: int
    rebooked_from: UUID | None
    end: datetime | None = None
    """Unknown of visits from before this was kept, like what follows."""
    modality: Modality | None = None
    confirmed_at: datetime | None = None
    changed_by: Party | None = None
    provider_id: UUID | None = None

    @property
    def is_called_off(self) -> bool:
        """By somebody else than its client, who may not know of it."""
        return self.status in FREE_STATUSES and self.changed_by != "client"

    @property
    def is_moved(self) -> bool:
        """By somebody else than its client, who has not said since that they know."""
        if self.changed_at <= self.booked_at or self.changed_by in ("client", None):
            return False
        return self.confirmed_at is None or self.confirmed_at < self.changed_at

    @classmethod
    def of(cls, state: AppointmentState) -> "Visit":
        return cls(
            id=state.appointment_id,
            client_id=state.client_id,
            status=state.status,
            start=state.start,
            booked_at=state.booked_at,
            changed_at=state.changed_at,
            sequence=state.sequence,
            rebooked_from=state.rebooked_from,
            end=state.end,
            modality=state.modality,
            confirmed_at=state.confirmed_at,
            changed_by=state.changed_by,
            provider_id=state.provider_id,
        )


@dataclass(frozen=True, slots=True)
class Offer:
    """What notifications knows of a freed time that a client on the waitlist is offered."""

    id: UUID
    client_id: UUID
    start: datetime
    expires_at: datetime
    fate: Fate
    sequence: int

    @classmethod
    def of(cls, state: OfferState) -> "Offer":
        return cls(
            id=state.offer_id,
            client_id=state.client_id,
            start=state.start,
            expires_at=state.expires_at,
            fate=state.fate,
            sequence=state.sequence,
        )

    def is_open(self, now: datetime) -> bool:
        return self.fate == "open" and now < self.expires_at


QuestionKind = Literal["visit", "check_in"]


@dataclass(frozen=True, slots=True)
class Question:
    """What a text asked, about a visit to come or how the client is; its id is the message's."""

    id: UUID
    phone: str
    client_id: UUID
    appointment_id: UUID
    kind: QuestionKind
    start: datetime | None
    """Of the visit to come, as it was asked about."""
    open_until: datetime
    asked_at: datetime
    answer: str | None = None
    answered_at: datetime | None = None


TaskStatus = Literal["open", "claimed", "closed"]


@dataclass(frozen=True, slots=True)
class Task:
    """What a person at the practice should do, by when; nobody in particular, until somebody takes it on."""

    id: UUID
    client_id: UUID | None
    kind: str
    opened_at: datetime
    due_at: datetime
    outreach_id: UUID | None = None
    inbound_id: UUID | None = None
    appointment_id: UUID | None = None
    provider_id: UUID | None = None
    """Whom it is for, where that is one provider."""
    status: TaskStatus = "open"
    owner: str | None = None
    outcome: TaskOutcome | None = None
    closed_at: datetime | None = None
    version: int = 1


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one client: planned, then sent or not, each with its reason.

    `channels` is the ladder still open to it, `channel` the rung that it stands on; `step` names the place
    in the plan or flow that it comes from.
    """

    id: UUID
    client_id: UUID
    appointment_id: UUID | None
    appointment_sequence: int | None
    outreach_id: UUID | None
    offer_id: UUID | None
    purpose: Purpose
    step: str
    channels: tuple[Channel, ...]
    channel: Channel
    status: MessageStatus
    due_at: datetime
    sequence: int = 1
    reason: str | None = None
    sent_at: datetime | None = None
    delivered_at: datetime | None = None
    carrier_id: str | None = None
    traceparent: str | None = None
    plan_version: int | None = None
    """Of the reminder plan that it is a step of."""
    vendor: str | None = None
    """Who carried it, or was the last to fail."""
    address: str | None = None
    """To which it went; the client's may be another one by now."""

    def by(self, wished: Preferences) -> "Message":
        """The same by the channels that its client wishes; an answer goes by the one that it answers."""
        return self if self.purpose in REPLIES or not wished.channels else replace(self, channels=wished.channels)

    def _changed(self, **changes: object) -> "Message":
        return replace(self, sequence=self.sequence + 1, **changes)  # type: ignore[arg-type] # names are checked by tests

    def sent(self, channel: Channel, vendor: str, carrier_id: str, address: str, now: datetime) -> "Message":
        went = {"channel": channel, "vendor": vendor, "carrier_id": carrier_id, "address": address, "sent_at": now}
        return self._changed(status="sent", reason=None, **went)

    def not_sent(self, channel: Channel, reason: str) -> "Message":
        return self._changed(status="not_sent", channel=channel, reason=reason)

    def failed(self, reason: str) -> "Message":
        return self._changed(status="failed", reason=reason)

    def delivered(self, now: datetime) -> "Message":
        return self._changed(status="delivered", delivered_at=now)

    def deferred(self, until: datetime) -> "Message":
        return self._changed(due_at=until)


@dataclass(frozen=True, slots=True)
class Begun:
    """A vendor has been asked to carry a message, and has not answered yet."""

    message_id: UUID
    channel: Channel
    vendor: str
    begun_at: datetime
    address: str | None = None
    sender: str | None = None
    digest: str | None = None
    """Of the words that it was given."""


def counts(message: Message) -> bool:
    """Whether it may go as one of the automated texts of its client's day and week: whether it may depends on others
    that go at the same time.
    """
    return message.purpose not in OUTSIDE_QUOTA and "sms" in message.channels


_RANK: dict[MessageStatus, int] = {"planned": 0, "not_sent": 1, "sent": 1, "failed": 2, "delivered": 2}


def moves_forward(message: Message, status: MessageStatus) -> bool:
    """Carriers report late, twice and out of order: a status only moves forward."""
    return _RANK[status] > _RANK[message.status]


_EVENTS: dict[MessageStatus, type[MessageState]] = {
    "sent": MessageSent,
    "delivered": MessageDelivered,
    "failed": MessageFailed,
}


def message_event(message: Message) -> MessageState:
    """The event of a message's status; only what left the house has one."""
    return _EVENTS[message.status](
        sequence=message.sequence,
        message_id=message.id,
        client_id=message.client_id,
        appointment_id=message.appointment_id,
        outreach_id=message.outreach_id,
        purpose=message.purpose,
        channel=message.channel,
        status=message.status,
        reason=message.reason,
        due_at=message.due_at,
        sent_at=message.sent_at,
        delivered_at=message.delivered_at,
    )
