"""HTTP bodies of availability."""

import re
from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Annotated, Any
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from services.availability.domain import LIMITS, AppointmentType, Location, Offer, Practice, Provider, Schedule
from shared.contracts.availability import Modality, Window, ZoneName
from shared.web import Body

_ID = "0199f3a2-7c1e-7b6a-9d53-2f1f6a1c9e10"
_AT = "2026-03-02T15:04:05Z"
_ZONE = "America/New_York"
_PRACTICE = {"id": _ID, "name": "Maple Practice", "zone": _ZONE}
_PROVIDER = {"id": _ID, "name": "Dr. Ada Okoro", "zone": _ZONE, "created_at": _AT}
_LOCATION = {"id": _ID, "name": "Elm Street", "zone": _ZONE, "modality": "in_person", "created_at": _AT}
_TIMING = {
    "duration": "PT50M",
    "buffer_before": "PT0S",
    "buffer_after": "PT10M",
    "step": "PT30M",
    "minimum_notice": "PT2H",
    "horizon": "P60D",
    "grace": "PT15M",
}
_TYPE = {"id": _ID, "name": "Session", **_TIMING, "created_at": _AT}
_WINDOWS = [
    {"weekday": 0, "start": "09:00:00", "end": "17:00:00"},
    {"weekday": 2, "start": "12:00:00", "end": "20:00:00"},
]
_SCHEDULE = {
    "id": _ID,
    "provider_id": _ID,
    "appointment_type_id": _ID,
    "location_id": _ID,
    "modality": "in_person",
    "zone": _ZONE,
    "windows": _WINDOWS,
    **_TIMING,
    "version": 1,
    "created_at": _AT,
    "changed_at": _AT,
    "withdrawn_at": None,
}
_SLOT = {
    "slot": "pctqhbygazc6dmg2auorao3iiru22htqngwszadzszo3yenpgnerjsbzrfhngaqj",
    "start": "2026-03-04T14:00:00Z",
    "end": "2026-03-04T14:50:00Z",
    "schedule_id": _ID,
    "provider_id": _ID,
    "location_id": _ID,
    "appointment_type_id": _ID,
    "modality": "in_person",
    "zone": _ZONE,
}

MOST_WINDOWS = 168
_DURATION = re.compile(
    r"P(?=[0-9T])([0-9]{1,6}W)?([0-9]{1,6}D)?(T(?=[0-9])([0-9]{1,9}H)?([0-9]{1,9}M)?([0-9]{1,9}S)?)?"
)
_WALL = re.compile(r"[0-9]{2}:[0-9]{2}(:[0-9]{2})?")
_RFC3339 = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ].+")


def _duration(value: Any) -> Any:
    if isinstance(value, timedelta) or (isinstance(value, str) and _DURATION.fullmatch(value)):
        return value
    raise ValueError("should be an ISO 8601 duration of weeks, days, hours, minutes and whole seconds, such as PT50M")


def _wall(value: Any) -> Any:
    if isinstance(value, time) or (isinstance(value, str) and _WALL.fullmatch(value)):
        return value
    raise ValueError("should be a wall time such as 09:00 or 09:00:30; midnight is 00:00")


def _moment(value: Any) -> Any:
    if isinstance(value, datetime) or (isinstance(value, str) and _RFC3339.fullmatch(value)):
        return value
    raise ValueError("should be an RFC 3339 time with its offset, such as 2026-03-02T15:00:00Z")


Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")
]
Duration = Annotated[timedelta, BeforeValidator(_duration)]
WallTime = Annotated[time, BeforeValidator(_wall)]
Moment = Annotated[AwareDatetime, BeforeValidator(_moment)]


def _example(**values: Any) -> ConfigDict:
    return ConfigDict(extra="forbid", from_attributes=True, json_schema_extra={"example": values})


def _without(example: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in example.items() if name not in names}


class NewPractice(Body):
    """The practice as it should be."""

    model_config = _example(**_without(_PRACTICE, "id"))

    name: Name
    zone: ZoneName


class PracticeBody(BaseModel):
    """The practice."""

    model_config = _example(**_PRACTICE)

    id: UUID
    name: str
    zone: str

    @classmethod
    def of(cls, practice: Practice) -> "PracticeBody":
        return cls.model_validate(practice)


class NewProvider(Body):
    """Somebody who sees clients; their windows are in the wall time of this zone."""

    model_config = _example(**_without(_PROVIDER, "id", "created_at"))

    name: Name
    zone: ZoneName


class ProviderBody(BaseModel):
    """A provider."""

    model_config = _example(**_PROVIDER)

    id: UUID
    name: str
    zone: str
    created_at: AwareDatetime

    @classmethod
    def of(cls, provider: Provider) -> "ProviderBody":
        return cls.model_validate(provider)


class ProviderPage(BaseModel):
    """Providers in the order of creation; `next` is the cursor of the page after this one."""

    model_config = _example(items=[_PROVIDER], next=None)

    items: list[ProviderBody]
    next: str | None


class NewLocation(Body):
    """A site, or telehealth."""

    model_config = _example(**_without(_LOCATION, "id", "created_at"))

    name: Name
    zone: ZoneName
    modality: Modality


class LocationBody(BaseModel):
    """A location."""

    model_config = _example(**_LOCATION)

    id: UUID
    name: str
    zone: str
    modality: Modality
    created_at: AwareDatetime

    @classmethod
    def of(cls, location: Location) -> "LocationBody":
        return cls.model_validate(location)


class LocationPage(BaseModel):
    """Locations in the order of creation; `next` is the cursor of the page after this one."""

    model_config = _example(items=[_LOCATION], next=None)

    items: list[LocationBody]
    next: str | None


class NewAppointmentType(Body):
    """A kind of visit with the durations that its schedules take unless they have their own."""

    model_config = _example(**_without(_TYPE, "id", "created_at"))

    name: Name
    duration: Duration
    buffer_before: Duration = timedelta(0)
    buffer_after: Duration = timedelta(0)
    step: Duration = Field(description="Visits start on this grid, counted from local midnight")
    minimum_notice: Duration = Field(timedelta(0), description="Nothing nearer than this can be booked")
    horizon: Duration = Field(timedelta(days=60), description="Nothing further ahead than this can be booked")
    grace: Duration = Field(timedelta(minutes=15), description="Who is absent this long after the start has missed it")

    def timing(self) -> dict[str, timedelta]:
        return {name: getattr(self, name) for name in LIMITS}


class AppointmentTypeBody(BaseModel):
    """An appointment type."""

    model_config = _example(**_TYPE)

    id: UUID
    name: str
    duration: timedelta
    buffer_before: timedelta
    buffer_after: timedelta
    step: timedelta
    minimum_notice: timedelta
    horizon: timedelta
    grace: timedelta
    created_at: AwareDatetime

    @classmethod
    def of(cls, kind: AppointmentType) -> "AppointmentTypeBody":
        return cls.model_validate(kind)


class AppointmentTypePage(BaseModel):
    """Appointment types in the order of creation; `next` is the cursor of the page after this one."""

    model_config = _example(items=[_TYPE], next=None)

    items: list[AppointmentTypeBody]
    next: str | None


class WindowBody(Body):
    """Opening hours of one weekday in wall time; `end` at or before `start` runs into the next day."""

    model_config = _example(**_WINDOWS[0])

    weekday: int = Field(ge=0, le=6, description="0 = Monday")
    start: WallTime
    end: WallTime


class ScheduleRules(Body):
    """When a schedule is open, and the durations in which it differs from its type; left out is the type's."""

    model_config = _example(windows=_WINDOWS, zone=_ZONE, duration="PT80M")

    windows: list[WindowBody] = Field(max_length=MOST_WINDOWS)
    zone: ZoneName | None = Field(None, description="Of the windows; the provider's where left out")
    duration: Duration | None = None
    buffer_before: Duration | None = None
    buffer_after: Duration | None = None
    step: Duration | None = None
    minimum_notice: Duration | None = None
    horizon: Duration | None = None
    grace: Duration | None = None

    def opening(self) -> list[Window]:
        return [Window(weekday=item.weekday, start=item.start, end=item.end) for item in self.windows]

    def overrides(self) -> dict[str, timedelta]:
        return {name: value for name in LIMITS if (value := getattr(self, name)) is not None}


class NewSchedule(ScheduleRules):
    """A schedule to publish: provider × appointment type × location, and its rules."""

    model_config = _example(provider_id=_ID, appointment_type_id=_ID, location_id=_ID, windows=_WINDOWS)

    provider_id: UUID
    appointment_type_id: UUID
    location_id: UUID


class ScheduleBody(BaseModel):
    """A schedule with the durations that hold for it."""

    model_config = _example(**_SCHEDULE)

    id: UUID
    provider_id: UUID
    appointment_type_id: UUID
    location_id: UUID
    modality: Modality
    zone: str
    windows: list[WindowBody]
    duration: timedelta
    buffer_before: timedelta
    buffer_after: timedelta
    step: timedelta
    minimum_notice: timedelta
    horizon: timedelta
    grace: timedelta
    version: int = Field(description="Also the ETag")
    created_at: AwareDatetime
    changed_at: AwareDatetime
    withdrawn_at: AwareDatetime | None

    @classmethod
    def of(cls, schedule: Schedule) -> "ScheduleBody":
        shared = {name: getattr(schedule, name) for name in cls.model_fields if name != "version"}
        return cls(**shared, version=schedule.sequence)


class SchedulePage(BaseModel):
    """Schedules in the order of creation; `next` is the cursor of the page after this one."""

    model_config = _example(items=[_SCHEDULE], next=None)

    items: list[ScheduleBody]
    next: str | None


class SlotBody(BaseModel):
    """A free slot; `slot` books it. Times are UTC, `zone` is where it takes place."""

    model_config = _example(**_SLOT)

    slot: str = Field(description="Opaque; send it to booking unchanged within the hour")
    start: AwareDatetime
    end: AwareDatetime
    schedule_id: UUID
    provider_id: UUID
    location_id: UUID
    appointment_type_id: UUID
    modality: Modality
    zone: str

    @classmethod
    def of(cls, offer: Offer, slot: str) -> "SlotBody":
        schedule = offer.schedule
        return cls(
            slot=slot,
            start=offer.start,
            end=offer.end,
            schedule_id=schedule.schedule_id,
            provider_id=schedule.provider_id,
            location_id=schedule.location_id,
            appointment_type_id=schedule.appointment_type_id,
            modality=schedule.modality,
            zone=schedule.zone,
        )


class SlotPage(BaseModel):
    """Free slots, the soonest first; `next` is the cursor of the page after this one."""

    model_config = _example(items=[_SLOT], next=None)

    items: list[SlotBody]
    next: str | None
