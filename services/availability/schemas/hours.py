"""Bodies: a provider's hours, overrides, time off and calendars."""

from datetime import datetime, timedelta
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from services.availability.domain.calendars import Calendar
from services.availability.domain.hours import TimeOff, WeeklyHours
from services.availability.domain.practice import Provider
from services.availability.schemas.common import (
    AT,
    HOURS,
    ID,
    OVERRIDE,
    WINDOWS,
    ZONE,
    DayBody,
    HoursBody,
    PerDay,
    TravelBody,
    WindowBody,
    Windows,
    example,
    without,
)
from shared.bodies import Body, Duration, Moment, Name
from shared.contracts.availability import DayHours

_TRIP = {"first": "2026-06-01", "last": "2026-06-12", "zone": "Europe/Paris"}
_HOURS = {"windows": WINDOWS, "new_client_windows": [], "travels": [_TRIP], "most_per_day": 8}
_TIME_OFF = {"id": ID, "begins_at": "2026-07-06T13:00:00Z", "ends_at": "2026-07-18T01:00:00Z"}
_CALENDAR = {
    "id": ID,
    "name": "Hospital rota",
    "host": "calendar.example.org",
    "refresh_every": "PT15M",
    "stale_after": "PT2H",
    "fetched_at": AT,
    "checked_at": AT,
    "stale": False,
    "error_code": None,
    "error_line": None,
    "error_detail": None,
    "busy_times": 12,
    "created_at": AT,
}


class HoursRules(Body):
    """A provider's weekly hours in their own zone; every schedule without windows of its own goes by them."""

    model_config = example(**_HOURS)

    windows: Windows
    new_client_windows: Windows = Field([], description="Open to new clients only, beside the others")
    travels: list[TravelBody] = Field([], max_length=100)
    most_per_day: PerDay | None = Field(None, description="All visits on a local date; a group counts once")

    def wanted(self) -> WeeklyHours:
        return WeeklyHours(
            windows=[item.contract() for item in self.windows],
            new_client_windows=[item.contract() for item in self.new_client_windows],
            travels=[item.contract() for item in self.travels],
            most_per_day=self.most_per_day,
        )


class ProviderHoursBody(BaseModel):
    """A provider's weekly hours."""

    model_config = example(**_HOURS, zone=ZONE, version=3)

    windows: list[WindowBody]
    new_client_windows: list[WindowBody]
    travels: list[TravelBody]
    most_per_day: int | None
    zone: str
    version: int = Field(description="Also the ETag")

    @classmethod
    def of(cls, provider: Provider) -> "ProviderHoursBody":
        return cls.model_validate(provider)


class DayRules(Body):
    """Hours of one date; none at all closes it."""

    model_config = example(windows=[HOURS])

    windows: list[HoursBody] = Field(max_length=168)
    new_client_windows: list[HoursBody] = Field([], max_length=168, description="Open to new clients only")


class OverrideList(BaseModel):
    """Overrides to come, in order of their date."""

    model_config = example(items=[OVERRIDE])

    items: list[DayBody]

    @classmethod
    def of(cls, found: list[DayHours]) -> "OverrideList":
        return cls(items=[DayBody.model_validate(item) for item in found])


class NewTimeOff(Body):
    """Time that a provider isn't there."""

    model_config = example(**without(_TIME_OFF, "id"))

    begins_at: Moment
    ends_at: Moment


class TimeOffBody(BaseModel):
    """Time off."""

    model_config = example(**_TIME_OFF)

    id: UUID
    begins_at: AwareDatetime
    ends_at: AwareDatetime

    @classmethod
    def of(cls, item: TimeOff) -> "TimeOffBody":
        return cls.model_validate(item)


class TimeOffList(BaseModel):
    """Time off that isn't over, in order."""

    model_config = example(items=[_TIME_OFF])

    items: list[TimeOffBody]


class NewCalendar(Body):
    """A calendar that a provider keeps elsewhere, by the secret address of its iCalendar feed."""

    model_config = example(name="Hospital rota", url="https://calendar.example.org/feeds/3f9a.ics")

    name: Name
    url: str = Field(max_length=2000, description="https; kept, and never shown again")
    refresh_every: Duration = timedelta(minutes=15)
    stale_after: Duration = Field(timedelta(hours=2), description="Unread for so long it is reported as stale")


class CalendarBody(BaseModel):
    """A calendar, and how fresh what is known of it is. `stale`: what it last said still holds, but somebody
    should look."""

    model_config = example(**_CALENDAR)

    id: UUID
    name: str
    host: str
    refresh_every: timedelta
    stale_after: timedelta
    fetched_at: AwareDatetime | None = Field(description="When it was last read in full, or found unchanged")
    checked_at: AwareDatetime | None = Field(description="When it was last tried")
    stale: bool
    error_code: str | None = Field(description="Why the last try failed")
    error_line: int | None = Field(description="The line of the feed that can't be read")
    error_detail: str | None
    busy_times: int
    created_at: AwareDatetime

    @classmethod
    def of(cls, calendar: Calendar, now: datetime) -> "CalendarBody":
        computed = {"host": calendar.host, "busy_times": len(calendar.busy), "stale": calendar.is_stale(now)}
        own = {name: getattr(calendar, name) for name in cls.model_fields if name not in computed}
        return cls(**own, **computed)


class CalendarList(BaseModel):
    """A provider's calendars in the order of creation."""

    model_config = example(items=[_CALENDAR])

    items: list[CalendarBody]
