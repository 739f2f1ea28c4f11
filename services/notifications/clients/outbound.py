"""A message to hand over, and what can become of that."""

from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Literal, Protocol
from uuid import UUID

from services.notifications.domain.model import Language
from services.notifications.domain.words import DEFAULT_LANGUAGE
from shared.contracts.notifications import Channel
from shared.invitations import Method
from shared.timers import NotNow

Because = Literal["message", "address", "opt_out"]


@dataclass(frozen=True, slots=True)
class Outbound:
    """One message to hand over. A repetition has the same id, by which carriers and mail programs recognise it."""

    id: UUID
    to: str
    sender: str
    subject: str
    body: str
    callback_url: str | None = None
    html: str | None = None
    """A mail's other form, for programs that show it."""
    unsubscribe_url: str | None = None
    """Where one press ends mails of this kind (RFC 8058)."""
    calendar: bytes | None = None
    """A calendar file that goes with a mail; its method says what a calendar is to do with it."""
    calendar_method: Method = "REQUEST"
    returns_to: str | None = None
    """Where a mail returns that can't be delivered; by default to its sender."""
    language: Language = DEFAULT_LANGUAGE
    """In which a call is spoken."""


class Vendor(Protocol):
    """Somebody who carries messages of one channel."""

    @property
    def name(self) -> str: ...

    @property
    def knows_repetitions(self) -> bool:
        """Whether it takes a message only once that it is given twice under one id."""
        ...

    def send(self, message: Outbound) -> Awaitable[str]:
        """Hands a message over; returns the vendor's name for it. Raises CarrierRefused, CarrierUnavailable, or
        OutcomeUnknown.
        """
        ...


class CarrierRefused(Exception):
    """The vendor won't take this message, now or later; the code says why (`sms_21610`, `smtp_550`).

    Because of the message itself; because nobody is ever reached at this address; or because its owner has opted out.
    """

    def __init__(self, code: str, because: Because = "message") -> None:
        super().__init__(code)
        self.code = code
        self.because = because


class Unavailable(NotNow):
    """Who is needed for sending can't be reached or is overloaded; the code says who and why (`sms_http_503`)."""

    def __init__(self, code: str, after: timedelta | None = None) -> None:
        super().__init__(code, after=after)
        self.code = code


class CarrierUnavailable(Unavailable):
    """The vendor has not taken the message; later, or another one, may help. `after` is when it wants to be asked."""

    vendor: str | None = None

    def __init__(self, code: str, after: timedelta | None = None, *, of_address: bool = False) -> None:
        """`of_address`: the vendor is well, and says that this one address can't be reached now."""
        super().__init__(code, after)
        self.of_address = of_address


class OutcomeUnknown(Unavailable):
    """The vendor may have taken the message and has not said so: no other may be asked before that is known."""


@dataclass(frozen=True, slots=True)
class HandedOver:
    """Which vendor has taken a message, and what it calls it."""

    channel: Channel
    vendor: str
    carrier_id: str


def digest_of(words: str) -> str:
    """By which words are known again without being kept."""
    return sha256(words.encode()).hexdigest()
