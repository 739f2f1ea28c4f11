"""Bodies about the waitlist."""

from datetime import date, datetime, time, timedelta
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field, model_validator

from services.booking.domain.waitlist import Entry, Offer, Rules
from services.booking.schemas.examples import ID, example
from shared.bodies import Body, Day, Duration
from shared.contracts.availability import Modality, Window, ZoneName
from shared.contracts.waitlist import EntryStatus, Fate


def _wall(value: time) -> time:
    if value.tzinfo is not None or value.microsecond:
        raise ValueError("should be a wall-clock time such as 17:00, without an offset")
    return value


Wall = Annotated[time, AfterValidator(_wall)]


class EntryWindow(Body):
    """Hours of one weekday in which the client can come; `end` ≤ `start` runs into the next day."""

    weekday: int = Field(ge=0, le=6, description="0 = Monday")
    start: Wall
    end: Wall

    def window(self) -> Window:
        return Window(weekday=self.weekday, start=self.start, end=self.end)


class NewEntry(Body):
    """What a client waits for, and when they can come; whatever is left out may be any."""

    model_config = example(
        client_id=ID,
        appointment_type_id=ID,
        zone="America/New_York",
        windows=[{"weekday": 1, "start": "17:00", "end": "20:00"}],
        last_day="2026-03-31",
    )

    client_id: UUID | None = Field(None, description="A client's token needs none")
    appointment_type_id: UUID
    provider_ids: tuple[UUID, ...] = Field((), max_length=50)
    location_ids: tuple[UUID, ...] = Field((), max_length=50)
    modality: Modality | None = None
    zone: ZoneName = Field(description="The clock of days and hours: the client's")
    windows: tuple[EntryWindow, ...] = Field((), max_length=28, description="None: at any hour")
    first_day: Day | None = None
    last_day: Day | None = None
    swaps: UUID | None = Field(
        None,
        description="A visit of the client that moves to the freed time when accepted: to an earlier one, unless "
        "`last_day` says how late it may be",
    )

    @model_validator(mode="after")
    def _in_order(self) -> "NewEntry":
        if self.first_day is not None and self.last_day is not None and self.last_day < self.first_day:
            raise ValueError("last_day should not be before first_day")
        return self


class EntryBody(BaseModel):
    """A client's place on the waitlist."""

    model_config = example(
        id=ID,
        client_id=ID,
        appointment_type_id=ID,
        provider_ids=[],
        location_ids=[],
        modality=None,
        zone="America/New_York",
        windows=[{"weekday": 1, "start": "17:00:00", "end": "20:00:00"}],
        first_day=None,
        last_day="2026-03-31",
        swaps=None,
        status="waiting",
        joined_at="2026-03-02T15:04:05Z",
        appointment_id=None,
        version=1,
    )

    id: UUID
    client_id: UUID
    appointment_type_id: UUID
    provider_ids: tuple[UUID, ...]
    location_ids: tuple[UUID, ...]
    modality: Modality | None
    zone: str
    windows: tuple[Window, ...]
    first_day: date | None
    last_day: date | None
    swaps: UUID | None
    status: EntryStatus
    joined_at: AwareDatetime
    appointment_id: UUID | None = Field(description="The visit that filled it")
    version: int

    @classmethod
    def of(cls, entry: Entry) -> "EntryBody":
        names = cls.model_fields.keys() - {"version"}
        return cls(**{name: getattr(entry, name) for name in names}, version=entry.sequence)


class EntryPage(BaseModel):
    """Places on the waitlist, the longest waiting first."""

    items: list[EntryBody]
    next: str | None = Field(description="Cursor of the next page")


class OfferBody(BaseModel):
    """A freed time that was offered, and what became of that."""

    model_config = example(
        id=ID,
        entry_id=ID,
        client_id=ID,
        schedule_id=ID,
        provider_id=ID,
        modality="in_person",
        start="2026-03-04T22:00:00Z",
        end="2026-03-04T22:50:00Z",
        offered_at="2026-03-02T15:04:05Z",
        expires_at="2026-03-02T15:19:05Z",
        fate="open",
        decided_at=None,
        appointment_id=None,
    )

    id: UUID
    entry_id: UUID
    client_id: UUID
    schedule_id: UUID
    provider_id: UUID
    modality: Modality
    start: AwareDatetime
    end: AwareDatetime
    offered_at: AwareDatetime
    expires_at: AwareDatetime
    fate: Fate = Field(description="`lost`: somebody was faster; `withdrawn`: the client waits no more")
    decided_at: datetime | None
    appointment_id: UUID | None

    @classmethod
    def of(cls, offer: Offer) -> "OfferBody":
        return cls(**{name: getattr(offer, name) for name in cls.model_fields})


class OfferList(BaseModel):
    """Every offer that somebody on the waitlist was made, in order."""

    items: list[OfferBody]


class NewWaitlistRules(Body):
    """How a practice offers freed times."""

    model_config = example(at_once=3, open_for="PT15M", cut_off="PT2H", earliest="08:00", latest="21:00")

    at_once: int = Field(3, description="Clients who are offered the same time together, 1 to 20")
    open_for: Duration = Field(timedelta(minutes=15), description="How long each has to accept")
    cut_off: Duration = Field(timedelta(hours=2), description="Nearer to its start than this a time is not offered")
    earliest: Wall = Field(time(8), description="Offers are made from then on, on the practice's wall clock")
    latest: Wall = Field(time(21), description="and until then")


class WaitlistRulesBody(BaseModel):
    """How a practice offers freed times; version 0 are the defaults."""

    model_config = example(at_once=3, open_for="PT15M", cut_off="PT2H", earliest="08:00", latest="21:00", version=0)

    at_once: int
    open_for: timedelta
    cut_off: timedelta
    earliest: time
    latest: time
    version: int = Field(description="Also the ETag")

    @classmethod
    def of(cls, rules: Rules) -> "WaitlistRulesBody":
        return cls(**{name: getattr(rules, name) for name in cls.model_fields})
