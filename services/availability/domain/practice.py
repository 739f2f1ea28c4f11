"""Who and what a practice consists of, and how long its visits take."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from shared.contracts.availability import Modality, Travel, Window
from shared.errors import invalid

ZERO = timedelta(0)
SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
TWO_YEARS = timedelta(days=730)

LIMITS: Mapping[str, tuple[timedelta, timedelta]] = {
    "duration": (SECOND, DAY),
    "buffer_before": (ZERO, DAY),
    "buffer_after": (ZERO, DAY),
    "step": (SECOND, DAY),
    "minimum_notice": (ZERO, TWO_YEARS),
    "horizon": (SECOND, TWO_YEARS),
    "grace": (ZERO, DAY),
}
"""The shortest and the longest that each duration may be."""


@dataclass(frozen=True, slots=True)
class Practice:
    """The tenant itself."""

    id: UUID
    name: str
    zone: str


@dataclass(frozen=True, slots=True)
class Provider:
    """Somebody who sees clients. Their hours hold for every schedule that has none of its own."""

    id: UUID
    name: str
    zone: str
    created_at: datetime
    windows: tuple[Window, ...] = ()
    new_client_windows: tuple[Window, ...] = ()
    travels: tuple[Travel, ...] = ()
    most_per_day: int | None = None
    version: int = 1


@dataclass(frozen=True, slots=True)
class Location:
    """A site, or telehealth."""

    id: UUID
    name: str
    zone: str
    modality: Modality
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Room:
    """A room of a site; one visit or group at a time."""

    id: UUID
    location_id: UUID
    name: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How long a visit takes and what surrounds it, on what grid it starts, how near and far it can be booked."""

    duration: timedelta
    buffer_before: timedelta
    buffer_after: timedelta
    step: timedelta
    minimum_notice: timedelta
    horizon: timedelta
    grace: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class AppointmentType(Timing):
    """A kind of visit; its schedules take its durations unless they have their own."""

    id: UUID
    name: str
    intake: bool
    created_at: datetime


def timing(kind: AppointmentType, overrides: Mapping[str, timedelta]) -> dict[str, Any]:
    """The type's durations but for the overrides."""
    found = {name: getattr(kind, name) for name in LIMITS} | dict(overrides)
    check_timing(found)
    return found


def check_timing(timing: Mapping[str, timedelta]) -> None:
    """Raises Problem `duration_out_of_range`, `step_uneven` or `notice_beyond_horizon`, naming the field."""
    for name, (least, most) in LIMITS.items():
        if not least <= timing[name] <= most:
            raise invalid(
                "duration_out_of_range", f"{name} should be between {_words(least)} and {_words(most)}.", field=name
            )
    if DAY % timing["step"]:
        raise invalid("step_uneven", "A step should divide the day evenly, as PT15M does.", field="step")
    if timing["minimum_notice"] > timing["horizon"]:
        raise invalid(
            "notice_beyond_horizon",
            "The minimum notice is longer than the horizon, so nothing could ever be booked.",
            field="minimum_notice",
        )


def _words(value: timedelta) -> str:
    if value == ZERO:
        return "nothing"
    return f"{value.days} days" if value > DAY else "1 day" if value == DAY else f"{value.seconds} second"
