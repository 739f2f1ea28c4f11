"""Events of availability: what can be booked with whom, where and when."""

from datetime import time, timedelta
from typing import Annotated, ClassVar, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field

from shared.contracts.envelope import Contract, Event

Modality = Literal["in_person", "telehealth"]


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError("should be an IANA time zone such as America/New_York") from error
    return name


ZoneName = Annotated[str, AfterValidator(_known_zone)]


class Window(Contract):
    """Opening hours of one weekday in the provider's wall time; `end` ≤ `start` runs into the next day."""

    weekday: int = Field(ge=0, le=6, description="0 = Monday")
    start: time
    end: time


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
