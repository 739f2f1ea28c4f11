"""A plan or flow as it would be for a visit that nobody has booked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from services.notifications.domain.conditions import Facts
from services.notifications.domain.model import Language, Purpose, Visit
from services.notifications.domain.templates import Text
from services.notifications.domain.words import Words
from shared.contracts.availability import Modality
from shared.contracts.notifications import Channel

NOBODY = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Sample:
    """A visit as it could be, and what would be known of it."""

    start: datetime
    booked_at: datetime
    zone: str | None
    modality: Modality
    facts: Facts
    language: Language | None = None
    own: Mapping[tuple[Purpose, Channel, Language], Words] = field(default_factory=dict)

    @property
    def visit(self) -> Visit:
        return Visit(
            id=NOBODY,
            client_id=NOBODY,
            status="booked",
            start=self.start,
            booked_at=self.booked_at,
            changed_at=self.booked_at,
            sequence=1,
            rebooked_from=None,
            end=self.start + timedelta(minutes=50),
            modality=self.modality,
            changed_by="client",
        )


@dataclass(frozen=True, slots=True)
class Said:
    """A message by one of its channels; `problem` where it can't be had by this one."""

    channel: Channel
    text: Text
    parts: int | None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Previewed:
    """A step: when it is due, when it would go, what it says; or the reason why it wouldn't."""

    step: str
    purpose: str | None
    task: str | None
    due_at: datetime | None
    goes_at: datetime | None
    reason: str | None
    words: Sequence[Said] = ()
