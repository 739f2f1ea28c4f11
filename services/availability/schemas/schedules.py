"""Bodies: schedules."""

from datetime import timedelta
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field, field_validator

from services.availability.domain.practice import LIMITS
from services.availability.domain.schedules import Rules, Schedule
from services.availability.schemas.common import (
    AT,
    ID,
    OVERRIDE,
    WINDOWS,
    ZONE,
    DayBody,
    PerDay,
    WindowBody,
    Windows,
    example,
)
from services.availability.schemas.practice import TIMING
from shared.bodies import Body, Duration
from shared.contracts.availability import Modality, ScheduleState

_SCHEDULE = {
    "id": ID,
    "provider_id": ID,
    "appointment_type_id": ID,
    "location_id": ID,
    "modality": "in_person",
    "zone": ZONE,
    "windows": WINDOWS,
    "follows_provider": False,
    "new_client_windows": [],
    "overrides": [OVERRIDE],
    "room_ids": [],
    "capacity": 1,
    "most_per_day": 6,
    **TIMING,
    "version": 1,
    "created_at": AT,
    "changed_at": AT,
    "withdrawn_at": None,
}


class ScheduleRules(Body):
    """When a schedule is open, for how many, and the durations in which it differs from its type.

    Left out: the provider's hours, the type's durations.
    """

    model_config = example(windows=WINDOWS, duration="PT80M", most_per_day=6)

    windows: Windows | None = Field(None, description="Left out: the provider's hours, and what overrides them")
    new_client_windows: Windows = Field([], description="Open to new clients only, beside the others")
    overrides: list[DayBody] = Field([], max_length=400, description="Dates on which this schedule has other hours")
    room_ids: list[UUID] = Field([], max_length=50, description="A visit takes one of these rooms of the location")
    capacity: int = Field(1, ge=1, le=200, strict=True, description="Seats of a group; 1 is no group")
    most_per_day: PerDay | None = Field(None, description="Visits on a local date; a group counts once")
    duration: Duration | None = None
    buffer_before: Duration | None = None
    buffer_after: Duration | None = None
    step: Duration | None = None
    minimum_notice: Duration | None = None
    horizon: Duration | None = None
    grace: Duration | None = None

    @field_validator("room_ids")
    @classmethod
    def _rooms_once(cls, rooms: list[UUID]) -> list[UUID]:
        if len(set(rooms)) < len(rooms):
            raise ValueError("should name each room once")
        return rooms

    def rules(self) -> Rules:
        return Rules(
            windows=None if self.windows is None else tuple(item.contract() for item in self.windows),
            new_client_windows=tuple(item.contract() for item in self.new_client_windows),
            overrides=tuple(item.contract() for item in self.overrides),
            room_ids=tuple(self.room_ids),
            capacity=self.capacity,
            most_per_day=self.most_per_day,
            timing={name: value for name in LIMITS if (value := getattr(self, name)) is not None},
        )


class NewSchedule(ScheduleRules):
    """A schedule to publish: provider × appointment type × location, and its rules."""

    model_config = example(provider_id=ID, appointment_type_id=ID, location_id=ID, windows=WINDOWS)

    provider_id: UUID
    appointment_type_id: UUID
    location_id: UUID


class ScheduleBody(BaseModel):
    """A schedule with the windows and durations that hold for it, its own or its provider's and type's."""

    model_config = example(**_SCHEDULE)

    id: UUID
    provider_id: UUID
    appointment_type_id: UUID
    location_id: UUID
    modality: Modality
    zone: str = Field(description="By whose wall clock the windows are: the provider's")
    windows: list[WindowBody]
    follows_provider: bool = Field(description="True where the windows are the provider's hours")
    new_client_windows: list[WindowBody]
    overrides: list[DayBody] = Field(description="Of this schedule alone")
    room_ids: list[UUID]
    capacity: int
    most_per_day: int | None
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
    def of(cls, schedule: Schedule, state: ScheduleState) -> "ScheduleBody":
        own = {
            name: getattr(schedule, name)
            for name in cls.model_fields
            if name not in ("zone", "windows", "new_client_windows", "follows_provider")
        }
        return cls(
            **own,
            zone=state.zone,
            windows=[WindowBody.model_validate(item) for item in state.windows],
            new_client_windows=[WindowBody.model_validate(item) for item in state.new_client_windows],
            follows_provider=schedule.windows is None,
        )


class SchedulePage(BaseModel):
    """Schedules in the order of creation; `next` is the cursor of the page after this one."""

    model_config = example(items=[_SCHEDULE], next=None)

    items: list[ScheduleBody]
    next: str | None
