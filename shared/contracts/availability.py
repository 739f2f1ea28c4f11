"""Events of availability: what can be booked with whom, where and when."""

from datetime import date, datetime, time, timedelta
from typing import Annotated, ClassVar, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field

from shared.contracts.envelope import Contract, Event

Modality = Literal["in_person", "telehealth"]


def known_zone(name: str) -> str:
    """The name of an IANA zone. Raises ValueError, also for what only some machines know beside them."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(_NO_ZONE) from error
    if name in ("posixrules", "localtime", "Factory") or name.startswith(("posix/", "right/")):
        # Files beside the zones on some machines, and missing on others.
        raise ValueError(_NO_ZONE)
    return name


_NO_ZONE = "should be an IANA time zone such as America/New_York"
ZoneName = Annotated[str, AfterValidator(known_zone)]


class Window(Contract):
    """Opening hours of one weekday in the provider's wall time; `end` ≤ `start` runs into the next day."""

    weekday: int = Field(ge=0, le=6, description="0 = Monday")
    start: time
    end: time


class Hours(Contract):
    """Opening hours of one date in wall time; `end` ≤ `start` runs into the next day."""

    start: time
    end: time


class DayHours(Contract):
    """What replaces the weekly windows on one local date; no window at all closes it."""

    date: date
    windows: tuple[Hours, ...]
    new_client_windows: tuple[Hours, ...] = ()


class Travel(Contract):
    """Local dates, both included, on which the provider's wall clock is another zone's."""

    first: date
    last: date
    zone: ZoneName


class Blocked(Contract):
    """Time that the provider isn't there: their time off, or an event of a calendar that they keep elsewhere."""

    begin: datetime
    end: datetime
    because: Literal["time_off", "calendar"]


class ScheduleState(Event):
    """A schedule (provider × appointment type × location) with every rule that decides its slots."""

    producer: ClassVar[str] = "availability"

    schedule_id: UUID
    provider_id: UUID
    appointment_type_id: UUID
    location_id: UUID
    modality: Modality
    zone: ZoneName
    windows: tuple[Window, ...]
    duration: timedelta
    buffer_before: timedelta = timedelta(0)
    buffer_after: timedelta = timedelta(0)
    step: timedelta
    minimum_notice: timedelta = timedelta(0)
    horizon: timedelta = timedelta(days=60)
    grace: timedelta = timedelta(minutes=15)
    new_client_windows: tuple[Window, ...] = Field((), description="Open beside `windows`, to new clients only")
    overrides: tuple[DayHours, ...] = Field((), description="In order of their date, each date once")
    holidays: tuple[date, ...] = Field((), description="Local dates on which nothing takes place")
    travels: tuple[Travel, ...] = Field((), description="In order, never two on one date")
    blocked: tuple[Blocked, ...] = ()
    room_ids: tuple[UUID, ...] = Field((), description="A visit needs one of these; none where it needs no room")
    capacity: int = Field(1, ge=1, description="Clients that one start can take: more than one is a group")
    most_per_day: int | None = Field(None, ge=1, description="Visits of this schedule on a local date")
    provider_most_per_day: int | None = Field(None, ge=1, description="All visits of the provider on a local date")

    @property
    def subject(self) -> UUID:
        return self.schedule_id


class SchedulePublished(ScheduleState):
    """A schedule is new or has changed; the latest per key is kept (compacted topic)."""

    type: ClassVar[str] = "schedule.published"
    compacted: ClassVar[bool] = True


class ScheduleWithdrawn(ScheduleState):
    """A schedule offers nothing any more; what is booked stays."""

    type: ClassVar[str] = "schedule.withdrawn"


class ProviderUnavailable(Event):
    """A provider's absences changed while visits were booked in them: booking flags those, and unflags others."""

    producer: ClassVar[str] = "availability"
    type: ClassVar[str] = "provider.unavailable"

    provider_id: UUID
    blocked: tuple[Blocked, ...] = Field(description="All absences to come, in order")

    @property
    def subject(self) -> UUID:
        return self.provider_id


class Opened(Contract):
    """Time that could not be booked before."""

    begin: datetime
    end: datetime


class AvailabilityOpened(Event):
    """Visits with a provider can be booked that could not: one was called off or moved, a hold ended, or a rule
    changed. `opened` is the time of these visits."""

    producer: ClassVar[str] = "availability"
    type: ClassVar[str] = "availability.opened"

    opening_id: UUID
    provider_id: UUID
    reason: Literal["cancelled", "moved", "released", "hours"]
    opened: tuple[Opened, ...]

    @property
    def subject(self) -> UUID:
        return self.opening_id


class CalendarState(Event):
    """A calendar that a provider keeps elsewhere, as Rapport knows it."""

    producer: ClassVar[str] = "availability"

    calendar_id: UUID
    provider_id: UUID
    fetched_at: datetime = Field(description="When it was last read in full; what it said then stays applied")
    stale: bool
    reason_code: str | None = Field(None, description="Why it can't be read")

    @property
    def subject(self) -> UUID:
        return self.calendar_id


class CalendarStale(CalendarState):
    """A calendar could not be read for longer than the practice allows: somebody should look."""

    type: ClassVar[str] = "calendar.stale"


class CalendarRefreshed(CalendarState):
    """A stale calendar was read again."""

    type: ClassVar[str] = "calendar.refreshed"
