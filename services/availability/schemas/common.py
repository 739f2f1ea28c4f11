"""What bodies of availability are made of: names, durations, wall times, moments; and their examples."""

import re
from collections.abc import Mapping
from datetime import time
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field

from shared.bodies import Body, Day
from shared.contracts.availability import DayHours, Hours, Travel, Window, ZoneName

ID = "0199f3a2-7c1e-7b6a-9d53-2f1f6a1c9e10"
AT = "2026-03-02T15:04:05Z"
ZONE = "America/New_York"
WINDOWS = [
    {"weekday": 0, "start": "09:00:00", "end": "17:00:00"},
    {"weekday": 2, "start": "12:00:00", "end": "20:00:00"},
]
HOURS = {"start": "13:00:00", "end": "18:00:00"}
OVERRIDE = {"date": "2026-12-24", "windows": [HOURS], "new_client_windows": []}

MOST_WINDOWS = 168

_WALL = re.compile(r"[0-9]{2}:[0-9]{2}(:[0-9]{2})?")


def _wall(value: Any) -> Any:
    if isinstance(value, time) or (isinstance(value, str) and _WALL.fullmatch(value)):
        return value
    raise ValueError("should be a wall time such as 09:00 or 09:00:30; midnight is 00:00")


WallTime = Annotated[time, BeforeValidator(_wall)]
PerDay = Annotated[int, Field(ge=1, le=1000, strict=True)]


def example(**values: Any) -> ConfigDict:
    return ConfigDict(extra="forbid", from_attributes=True, json_schema_extra={"example": values})


def without(example: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in example.items() if name not in names}


class WindowBody(Body):
    """Opening hours of one weekday in wall time; `end` at or before `start` runs into the next day."""

    model_config = example(**WINDOWS[0])

    weekday: int = Field(ge=0, le=6, strict=True, description="0 = Monday")
    start: WallTime
    end: WallTime

    def contract(self) -> Window:
        return Window(weekday=self.weekday, start=self.start, end=self.end)


class HoursBody(Body):
    """Opening hours of one date in wall time; `end` at or before `start` runs into the next day."""

    model_config = example(**HOURS)

    start: WallTime
    end: WallTime

    def contract(self) -> Hours:
        return Hours(start=self.start, end=self.end)


class DayBody(Body):
    """What replaces the weekly windows on one local date; no window at all closes it."""

    model_config = example(**OVERRIDE)

    date: Day
    windows: list[HoursBody] = Field(max_length=MOST_WINDOWS)
    new_client_windows: list[HoursBody] = Field([], max_length=MOST_WINDOWS, description="Open to new clients only")

    def contract(self) -> DayHours:
        return DayHours(
            date=self.date,
            windows=tuple(item.contract() for item in self.windows),
            new_client_windows=tuple(item.contract() for item in self.new_client_windows),
        )


class TravelBody(Body):
    """Local dates, both included, on which the provider works by another zone's wall clock."""

    model_config = example(first="2026-06-01", last="2026-06-12", zone="Europe/Paris")

    first: Day
    last: Day
    zone: ZoneName

    def contract(self) -> Travel:
        return Travel(first=self.first, last=self.last, zone=self.zone)


Windows = Annotated[list[WindowBody], Field(max_length=MOST_WINDOWS)]
