"""Bodies: practice, provider, location, room, appointment type, holiday."""

from datetime import date as Date
from datetime import timedelta
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from services.availability.domain.hours import Holiday
from services.availability.domain.practice import LIMITS, AppointmentType, Location, Practice, Provider, Room
from services.availability.schemas.common import (
    AT,
    ID,
    ZONE,
    example,
    without,
)
from shared.bodies import Body, Duration, Name
from shared.contracts.availability import Modality, ZoneName

_PRACTICE = {"id": ID, "name": "Maple Practice", "zone": ZONE}
_PROVIDER = {"id": ID, "name": "Dr. Ada Okoro", "zone": ZONE, "created_at": AT}
_LOCATION = {"id": ID, "name": "Elm Street", "zone": ZONE, "modality": "in_person", "created_at": AT}
_ROOM = {"id": ID, "location_id": ID, "name": "Room 2", "created_at": AT}
_HOLIDAY = {"date": "2026-12-25", "name": "Christmas Day"}
TIMING = {
    "duration": "PT50M",
    "buffer_before": "PT0S",
    "buffer_after": "PT10M",
    "step": "PT30M",
    "minimum_notice": "PT2H",
    "horizon": "P60D",
    "grace": "PT15M",
}
_TYPE = {"id": ID, "name": "Session", "intake": False, **TIMING, "created_at": AT}


class NewPractice(Body):
    """The practice as it should be."""

    model_config = example(**without(_PRACTICE, "id"))

    name: Name
    zone: ZoneName


class PracticeBody(BaseModel):
    """The practice."""

    model_config = example(**_PRACTICE)

    id: UUID
    name: str
    zone: str

    @classmethod
    def of(cls, practice: Practice) -> "PracticeBody":
        return cls.model_validate(practice)


class NewProvider(Body):
    """Somebody who sees clients; their windows are in the wall time of this zone."""

    model_config = example(**without(_PROVIDER, "id", "created_at"))

    name: Name
    zone: ZoneName


class ProviderBody(BaseModel):
    """A provider."""

    model_config = example(**_PROVIDER)

    id: UUID
    name: str
    zone: str
    created_at: AwareDatetime

    @classmethod
    def of(cls, provider: Provider) -> "ProviderBody":
        return cls.model_validate(provider)


class ProviderPage(BaseModel):
    """Providers in the order of creation; `next` is the cursor of the page after this one."""

    model_config = example(items=[_PROVIDER], next=None)

    items: list[ProviderBody]
    next: str | None


class NewLocation(Body):
    """A site, or telehealth."""

    model_config = example(**without(_LOCATION, "id", "created_at"))

    name: Name
    zone: ZoneName
    modality: Modality


class LocationBody(BaseModel):
    """A location."""

    model_config = example(**_LOCATION)

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

    model_config = example(items=[_LOCATION], next=None)

    items: list[LocationBody]
    next: str | None


class NewRoom(Body):
    """A room of a site: one visit or group at a time."""

    model_config = example(**without(_ROOM, "id", "created_at"))

    location_id: UUID
    name: Name


class RoomBody(BaseModel):
    """A room."""

    model_config = example(**_ROOM)

    id: UUID
    location_id: UUID
    name: str
    created_at: AwareDatetime

    @classmethod
    def of(cls, room: Room) -> "RoomBody":
        return cls.model_validate(room)


class RoomPage(BaseModel):
    """Rooms in the order of creation; `next` is the cursor of the page after this one."""

    model_config = example(items=[_ROOM], next=None)

    items: list[RoomBody]
    next: str | None


class NewHoliday(Body):
    """What the day is called."""

    model_config = example(name="Christmas Day")

    name: Name


class HolidayBody(BaseModel):
    """A date on which the practice is closed, but for who has an override with windows there."""

    model_config = example(**_HOLIDAY)

    date: Date
    name: str

    @classmethod
    def of(cls, holiday: Holiday) -> "HolidayBody":
        return cls(date=holiday.day, name=holiday.name)


class HolidayList(BaseModel):
    """Holidays to come, in order."""

    model_config = example(items=[_HOLIDAY])

    items: list[HolidayBody]


class NewAppointmentType(Body):
    """A kind of visit with the durations that its schedules take unless they have their own."""

    model_config = example(**without(_TYPE, "id", "created_at"))

    name: Name
    intake: bool = Field(False, description="A client's first visit: searches rank those within two days first")
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

    model_config = example(**_TYPE)

    id: UUID
    name: str
    intake: bool
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

    model_config = example(items=[_TYPE], next=None)

    items: list[AppointmentTypeBody]
    next: str | None
