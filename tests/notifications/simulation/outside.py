"""What is outside the service, in virtual time: the clock, the carriers with their ledger, and booking."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from uuid import UUID

from services.notifications.clients import Booking
from services.notifications.clients.outbound import CarrierRefused, CarrierUnavailable, Outbound
from shared.contracts.booking import AppointmentState
from shared.contracts.notifications import Channel
from shared.contracts.standing import Standing
from tests.notifications.simulation.clients import Truth
from tests.notifications.simulation.rules import HandedOver


@dataclass(slots=True)
class Clock:
    now: datetime

    def __call__(self) -> datetime:
        return self.now


@dataclass(slots=True)
class Ledger:
    """What was given to carriers, under which truth, and who hears of it."""

    clock: Clock
    holders: dict[str, dict[UUID, Truth]] = field(default_factory=dict)
    """By address, whoever has it now."""
    stopped: set[str] = field(default_factory=set)
    entries: list[HandedOver] = field(default_factory=list)
    alerts: int = 0
    heard: Callable[[HandedOver], None] = lambda _: None

    def note(self, channel: Channel, message: Outbound) -> None:
        truths = dict(self.holders.get(message.to, {}))
        stopped = message.to in self.stopped
        entry = HandedOver(
            self.clock.now, message.id, channel, message.to, message.subject, message.body, stopped, truths
        )
        self.entries.append(entry)
        self.heard(entry)


@dataclass(slots=True)
class Vendor:
    """A carrier that takes nearly everything; some it refuses, sometimes it is away."""

    name: str
    channel: Channel
    ledger: Ledger
    random: Random
    taken: set[UUID] = field(default_factory=set)

    @property
    def knows_repetitions(self) -> bool:
        return self.channel != "email"

    async def send(self, message: Outbound) -> str:
        chance = self.random.random()
        if chance < 0.005:
            raise CarrierUnavailable("away")
        if chance < 0.01:
            raise CarrierRefused(f"{self.channel}_30007")
        if message.to.endswith("desk.example"):
            self.ledger.alerts += 1
        elif message.id not in self.taken:
            self.taken.add(message.id)
            self.ledger.note(self.channel, message)
        return f"{self.name}-{message.id}"


class KnownVisits(Booking):
    """Booking, asked without a network."""

    visits: Mapping[UUID, AppointmentState]
    of_client: Callable[[UUID], Iterable[AppointmentState]]

    @classmethod
    def over(
        cls,
        asked: Booking,
        visits: Mapping[UUID, AppointmentState],
        of_client: Callable[[UUID], Iterable[AppointmentState]],
    ) -> "KnownVisits":
        made = cls(asked.settings, asked.wire)
        object.__setattr__(made, "visits", visits)
        object.__setattr__(made, "of_client", of_client)
        return made

    async def standing(self, tenant: UUID, appointment_id: UUID, now: datetime) -> Standing:  # noqa: ARG002 -- as it is asked
        about = self.visits[appointment_id]
        mine = self.of_client(about.client_id)
        changed = {one.appointment_id: one.sequence for one in mine if one.changed_at >= about.changed_at}
        return Standing(sequences=changed)

    async def standings(self, tenant: UUID, visits: Sequence[UUID], now: datetime) -> dict[UUID, int]:  # noqa: ARG002 -- see above
        return {one: self.visits[one].sequence for one in visits if one in self.visits}
