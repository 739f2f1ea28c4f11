"""Clients as they could be: where they are, what they have agreed to, what they wish; made up, by a seed."""

from dataclasses import dataclass, field
from datetime import datetime, time
from random import Random
from uuid import UUID

from services.notifications.domain.model import Language
from shared.contracts.booking import AppointmentState
from shared.contracts.notifications import Channel

ZONES = (
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Phoenix",
    "America/Los_Angeles",
    "Pacific/Honolulu",
)


@dataclass(frozen=True, slots=True)
class Truth:
    """What holds of a client at a moment, kept apart from the service: what it does is held against it."""

    client: UUID
    phone: str
    email: str | None
    zone: str | None
    agreed: frozenset[tuple[Channel, str]]
    """Channels, each with the address that was agreed to."""
    wished: tuple[Channel, ...] = ()
    opens: time | None = None
    closes: time | None = None
    language: Language | None = None
    paused: bool = False
    discharged: bool = False
    last_booked: datetime | None = None
    """When the client last booked or moved a visit."""

    def address(self, channel: Channel) -> str | None:
        return self.email if channel == "email" else self.phone


@dataclass(slots=True)
class Client:
    """One life: what is true of it now, and its visits as they stand."""

    truth: Truth
    random: Random
    visits: dict[UUID, AppointmentState] = field(default_factory=dict)
    attended: AppointmentState | None = None
    sequence: int = 1

    def coming(self, now: datetime) -> AppointmentState | None:
        """The next visit that stands."""
        mine = [one for one in self.visits.values() if one.status == "booked" and one.start > now]
        return min(mine, key=lambda one: one.start, default=None)


def someone(random: Random, number: int, practice: int, phone: str | None, eventful: float = 1) -> Client:
    """A client, who may share the number of another one (`phone`); wishes are as much more frequent."""
    client = UUID(int=random.getrandbits(128), version=4)
    phone = (
        phone
        or f"+1{(201, 202, 303, 305, 312, 415, 602, 808)[practice % 8]}{200 + number // 10_000}{number % 10_000:04d}"
    )
    email = f"client-{practice}-{number}@example.org" if random.random() < 0.9 else None
    agreed: set[tuple[Channel, str]] = set()
    if random.random() < 0.85:
        agreed.add(("sms", phone))
    if email is not None and random.random() < 0.8:
        agreed.add(("email", email))
    if random.random() < 0.2:
        agreed.add(("voice", phone))
    wished: tuple[Channel, ...] = ()
    if random.random() < min(0.15 * eventful, 0.5):
        wished = random.choice([("email",), ("sms",), ("email", "sms"), ("voice", "email")])
    narrow = random.random() < 0.1
    return Client(
        Truth(
            client,
            phone,
            email,
            random.choice(ZONES) if random.random() < 0.95 else None,
            frozenset(agreed),
            wished,
            time(10) if narrow else None,
            time(18) if narrow else None,
            "es" if random.random() < 0.2 else None,
        ),
        Random(random.getrandbits(64)),  # noqa: S311 -- lives that can be repeated, no secrets
    )
