"""Bodies about series of visits."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from services.booking.domain.appointments import Appointment, CancelReason
from services.booking.domain.series import Scope, Series, Verdict
from services.booking.schemas.appointments import Alternative, AppointmentBody
from services.booking.schemas.examples import ID, SLOT, example
from shared.bodies import Body
from shared.contracts.availability import ScheduleState

PARTIAL = "Do what can be done and leave the rest out; otherwise it's all or none"
RRULE = "FREQ=WEEKLY;COUNT=12"
_HIDDEN = {
    "start": "2026-03-10T14:00:00Z",
    "rule": "visit",
    "detail": "The provider has another visit at this time.",
}


class AskedSeries(Body):
    """A series to look at: its first slot, and the rule by which it recurs on the wall clock of the schedule."""

    model_config = example(slot=SLOT, client_id=ID, rrule=RRULE)

    slot: str = Field(min_length=1, max_length=200, description="Opaque id of the first visit's slot")
    client_id: UUID
    rrule: str = Field(
        min_length=1,
        max_length=300,
        description="RFC 5545 RRULE with COUNT or UNTIL; FREQ is DAILY, WEEKLY or MONTHLY; 52 visits at most",
    )


class NewSeries(AskedSeries):
    """A series to book."""

    model_config = example(slot=SLOT, client_id=ID, rrule=RRULE, partial=False)

    partial: bool = Field(False, strict=True, description=PARTIAL)


class _Change(Body):
    appointment_id: UUID = Field(description="The visit of the series that `this` is")
    scope: Scope


class SeriesCancellation(_Change):
    """From which visit on the series is called off, and why."""

    model_config = example(appointment_id=ID, scope="this-and-following", reason="client_request")

    reason: CancelReason = "client_request"


class SeriesMove(_Change):
    """Another slot for this visit; those after it move as far by the wall clock."""

    model_config = example(appointment_id=ID, scope="this-and-following", slot=SLOT, partial=False)

    slot: str = Field(min_length=1, max_length=200)
    partial: bool = Field(False, strict=True, description=PARTIAL)


class Occurrence(BaseModel):
    """A visit of a series as it could be booked now, or why it couldn't and what is free near it."""

    model_config = example(**_HIDDEN, end="2026-03-10T14:50:00Z", bookable=False, alternatives=[])

    start: datetime
    end: datetime
    bookable: bool
    rule: str | None = Field(None, description="The rule that hides this time")
    detail: str | None = None
    alternatives: list[Alternative] = []

    @classmethod
    def of(cls, verdict: Verdict, schedule: ScheduleState, alternatives: list[Alternative]) -> "Occurrence":
        start = verdict.wish.start
        return cls(
            start=start,
            end=start + schedule.duration,
            bookable=verdict.problem is None,
            rule=verdict.rule,
            detail=verdict.why_not,
            alternatives=alternatives,
        )


class SeriesPreview(BaseModel):
    """Every occurrence, in order; `bookable` where all are."""

    model_config = example(
        bookable=True, items=[{"start": "2026-03-03T15:00:00Z", "end": "2026-03-03T15:50:00Z", "bookable": True}]
    )

    bookable: bool
    items: list[Occurrence]


class Refusal(BaseModel):
    """A visit that could not be had. `appointment_id` is the one that stays where it was, in a move."""

    model_config = example(**_HIDDEN, appointment_id=None)

    start: datetime
    rule: str | None
    detail: str
    appointment_id: UUID | None = None

    @classmethod
    def of(cls, verdict: Verdict, visits: Mapping[UUID, Appointment]) -> "Refusal":
        return cls(
            start=verdict.wish.start,
            rule=verdict.rule,
            detail=verdict.why_not or "",
            appointment_id=verdict.wish.id if verdict.wish.id in visits else None,
        )


class SeriesBody(BaseModel):
    """A series and its visits by start, those called off too; each has its own life cycle and ETag."""

    model_config = example(
        id=ID,
        client_id=ID,
        schedule_id=ID,
        rrule=RRULE,
        booked_at="2026-03-02T15:04:05Z",
        appointments=[],
        left_out=[_HIDDEN],
    )

    id: UUID
    client_id: UUID
    schedule_id: UUID = Field(description="The schedule that it was booked with")
    rrule: str = Field(description="As it was booked; its visits may have moved since")
    booked_at: AwareDatetime
    appointments: list[AppointmentBody]
    left_out: list[Refusal] = Field([], description="What this request could not do, where `partial` was asked for")

    @classmethod
    def of(cls, series: Series, visits: Sequence[Appointment], left_out: Sequence[Verdict] = ()) -> "SeriesBody":
        by_id = {visit.id: visit for visit in visits}
        return cls(
            id=series.id,
            client_id=series.client_id,
            schedule_id=series.schedule_id,
            rrule=series.rrule,
            booked_at=series.booked_at,
            appointments=[AppointmentBody.of(visit) for visit in visits],
            left_out=[Refusal.of(item, by_id) for item in left_out],
        )
