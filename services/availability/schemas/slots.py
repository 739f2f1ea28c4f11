"""Bodies: slots, days of a calendar view, and why a time is not offered."""

from collections.abc import Iterable
from datetime import date as Date
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, BaseModel, Field

from services.availability.schemas.common import AT, ID, ZONE, example
from shared.contracts.availability import Blocked, Modality
from shared.contracts.slots import SLOT_ID_LIFETIME, Obstacle, Plan, Rule, Taken, date_of, floor, moment, sign_slot

_SLOT = {
    "slot": "AZnzonwee2qdUy8fahyeEGmoOuBppbQARYCDkcbd4oLoFPPVTAY3xQ",
    "start": "2026-03-04T14:00:00Z",
    "end": "2026-03-04T14:50:00Z",
    "schedule_id": ID,
    "provider_id": ID,
    "location_id": ID,
    "appointment_type_id": ID,
    "modality": "in_person",
    "zone": ZONE,
}
_REASON = {
    "rule": "visit",
    "detail": "inside buffer of an appointment 10:00-10:50",
    "from": "2026-03-04T15:00:00Z",
    "to": "2026-03-04T15:50:00Z",
}
_EXPLAINED = {
    "schedule_id": ID,
    "appointment_type_id": ID,
    "location_id": ID,
    "offered": False,
    "reasons": [_REASON],
}

_RENEWED_EVERY = 60
"""Slots of one minute share their expiry, so that they can be written once."""


class SlotBody(BaseModel):
    """A free slot; `slot` books it. Times are UTC, `zone` is where it takes place."""

    model_config = example(**_SLOT)

    slot: str = Field(description="Opaque; send it to booking unchanged within the hour")
    start: AwareDatetime
    end: AwareDatetime
    schedule_id: UUID
    provider_id: UUID
    location_id: UUID
    appointment_type_id: UUID
    modality: Modality
    zone: str


class SlotPage(BaseModel):
    """Free slots, the soonest first; `next` is the cursor of the page after this one."""

    model_config = example(items=[_SLOT], next=None)

    items: list[SlotBody]
    next: str | None


class DayCount(BaseModel):
    """How many free slots a local day has."""

    model_config = example(date="2026-03-04", slots=7)

    date: Date
    slots: int


class DayList(BaseModel):
    """Every local day of the range, also those without a free slot."""

    model_config = example(zone=ZONE, items=[{"date": "2026-03-04", "slots": 7}])

    zone: str
    items: list[DayCount]


class ReasonBody(BaseModel):
    """A rule that hides a time; `from` and `to` are what it is about, where it is about a time."""

    model_config = example(**_REASON)

    rule: Rule
    detail: str
    begin: AwareDatetime | None = Field(None, alias="from")
    end: AwareDatetime | None = Field(None, alias="to")


class ExplainedBody(BaseModel):
    """One schedule's answer."""

    model_config = example(**_EXPLAINED)

    schedule_id: UUID
    appointment_type_id: UUID
    location_id: UUID
    offered: bool
    reasons: list[ReasonBody]

    @classmethod
    def of(cls, plan: Plan, start: int, obstacles: list[Obstacle]) -> "ExplainedBody":
        state = plan.state
        return cls(
            schedule_id=state.schedule_id,
            appointment_type_id=state.appointment_type_id,
            location_id=state.location_id,
            offered=not obstacles,
            # A full group hides its time once for each of its seats.
            reasons=_once(_reason(plan, start, item) for item in obstacles),
        )


class Explanation(BaseModel):
    """Why a provider's schedules offer a time, or don't."""

    model_config = example(provider_id=ID, start=AT, items=[_EXPLAINED])

    provider_id: UUID
    start: AwareDatetime
    items: list[ExplainedBody]


def _once(reasons: Iterable[ReasonBody]) -> list[ReasonBody]:
    return list({(reason.rule, reason.detail): reason for reason in reasons}.values())


def expiry(now: datetime) -> int:
    """When slots that are given out now expire, in seconds since 1970: in an hour, to the minute after."""
    return floor(now + SLOT_ID_LIFETIME) // _RENEWED_EVERY * _RENEWED_EVERY + _RENEWED_EVERY


def write(plan: Plan, start: int, expires: int, key: str, tenant: UUID) -> bytes:
    """A slot as JSON, like SlotBody's (a test holds them together): an answer may have hundreds."""
    slot = sign_slot(plan.schedule_id, plan.terms, start, expires, key.encode(), tenant)
    state = plan.state
    return (
        f'{{"slot":"{slot}","start":"{_utc(start)}","end":"{_utc(start + plan.duration)}"'
        f',"schedule_id":"{state.schedule_id}","provider_id":"{state.provider_id}"'
        f',"location_id":"{state.location_id}","appointment_type_id":"{state.appointment_type_id}"'
        f',"modality":"{state.modality}","zone":"{plan.zone_on(plan.day_of(start))}"}}'
    ).encode()


def _utc(at: int) -> str:
    return f"{moment(at).isoformat()[:-6]}Z"


def _reason(plan: Plan, start: int, obstacle: Obstacle) -> ReasonBody:
    because = obstacle.because
    begin, end = None, None
    if isinstance(because, Taken):
        begin, end = moment(because.start), moment(because.end)
    elif isinstance(because, Blocked):
        begin, end = because.begin, because.end
    return ReasonBody.model_validate(
        {"rule": obstacle.rule, "detail": _words(plan, start, obstacle), "from": begin, "to": end}
    )


def _words(plan: Plan, start: int, obstacle: Obstacle) -> str:
    day = plan.day_of(start)
    zone = plan.zone_on(day)
    because, rule = obstacle.because, obstacle.rule
    if isinstance(because, Taken):
        return _of_visit(plan, start, rule, because, zone)
    if isinstance(because, Blocked):
        what = "time off" if rule == "time_off" else "an event of a calendar kept elsewhere"
        return f"{what} {_from_to(because.begin, because.end, zone)}"
    about = date_of(because) if isinstance(because, int) else date_of(day)
    told: dict[str, str] = {
        "past": "in the past",
        "minimum_notice": f"notice of {_length(plan.notice)}",
        "horizon": f"further ahead than {_length(plan.horizon)}",
        "outside_hours": "the visit would not lie within opening hours",
        "override": f"outside the hours set for {about}",
        "new_clients_only": "kept for new clients",
        "off_grid": f"not on the grid of {_length(timedelta(seconds=plan.step))} from local midnight",
        "holiday": f"holiday of the practice on {about}",
        "most_per_day": f"over {plan.most_per_day} a day of this schedule",
        "provider_most_per_day": f"over {plan.provider_most_per_day} a day of the provider",
        "room": "no room is free",
    }
    return told[rule]


def _of_visit(plan: Plan, start: int, rule: Rule, visit: Taken, zone: str) -> str:
    when = f"{_clock(moment(visit.start), zone)}-{_clock(moment(visit.end), zone)}"
    if rule == "client":
        return f"the client has a visit {when}"
    if rule == "full":
        return f"the group {when} has no seat left"
    during = visit.start < start + plan.duration and visit.end > start
    return f"{'during' if during else 'inside buffer of'} an appointment {when}"


def _from_to(begin: datetime, end: datetime, zone: str) -> str:
    """With their dates where they are on different ones: `2026-03-10 16:00 - 2026-03-20 10:00`."""
    first, last = begin.astimezone(ZoneInfo(zone)), end.astimezone(ZoneInfo(zone))
    if first.date() == last.date():
        return f"{first:%H:%M}-{last:%H:%M}"
    return f"{first:%Y-%m-%d %H:%M} - {last:%Y-%m-%d %H:%M}"


def _clock(at: datetime, zone: str) -> str:
    return at.astimezone(ZoneInfo(zone)).strftime("%H:%M")


def _length(value: timedelta) -> str:
    hours, seconds = divmod(int(value.total_seconds()), 3600)
    if seconds == 0 and hours:
        return f"{hours // 24} days" if hours % 24 == 0 and hours > 48 else f"{hours} h"
    minutes, rest = divmod(int(value.total_seconds()), 60)
    return f"{minutes} min" if rest == 0 else f"{int(value.total_seconds())} s"
