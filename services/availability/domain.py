"""The rules of what a practice offers. Each takes `now` and returns the schedule after it, with its event."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, time, timedelta
from heapq import merge
from itertools import pairwise
from typing import Any
from uuid import UUID

from shared.contracts.availability import Modality, SchedulePublished, ScheduleState, ScheduleWithdrawn, Window
from shared.contracts.booking import AppointmentState, AppointmentStatus
from shared.contracts.slots import SLOT_ID_LIFETIME, Interval, SlotId, free
from shared.errors import conflict, invalid

ZERO = timedelta(0)
SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
WEEK = timedelta(days=7)
TWO_YEARS = timedelta(days=730)
LONGEST_RANGE = timedelta(days=31)

FREE_STATUSES: tuple[AppointmentStatus, ...] = ("cancelled", "entered-in-error")
"""Only these give an appointment's time back."""

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
    """Somebody who sees clients; windows are in the wall time of their zone."""

    id: UUID
    name: str
    zone: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Location:
    """A site, or telehealth."""

    id: UUID
    name: str
    zone: str
    modality: Modality
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
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule(Timing):
    """Provider × appointment type × location, with weekly windows in the wall time of `zone`."""

    id: UUID
    provider_id: UUID
    appointment_type_id: UUID
    location_id: UUID
    modality: Modality
    zone: str
    windows: tuple[Window, ...]
    sequence: int
    created_at: datetime
    changed_at: datetime
    withdrawn_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Occupied:
    """A provider's time that an appointment takes, buffers included; `free` once it was called off."""

    appointment_id: UUID
    provider_id: UUID
    occupied_from: datetime
    occupied_to: datetime
    free: bool
    sequence: int


@dataclass(frozen=True, slots=True)
class Offer:
    """A free slot."""

    schedule: ScheduleState
    start: datetime

    @property
    def end(self) -> datetime:
        return self.start + self.schedule.duration

    @property
    def position(self) -> tuple[datetime, UUID]:
        """Its place among all offers: soonest first, then by schedule."""
        return self.start, self.schedule.schedule_id

    def slot(self, now: datetime) -> SlotId:
        return SlotId(self.schedule.schedule_id, self.start, now + SLOT_ID_LIFETIME)


Change = tuple[Schedule, ScheduleState]


def publish(
    *,
    id: UUID,
    provider: Provider,
    kind: AppointmentType,
    location: Location,
    windows: Sequence[Window],
    zone: str | None,
    overrides: Mapping[str, timedelta],
    now: datetime,
) -> Change:
    """A new schedule: the type's durations but for the overrides, in the provider's zone unless told otherwise."""
    check_windows(windows)
    schedule = Schedule(
        id=id,
        provider_id=provider.id,
        appointment_type_id=kind.id,
        location_id=location.id,
        modality=location.modality,
        zone=zone or provider.zone,
        windows=_in_order(windows),
        sequence=1,
        created_at=now,
        changed_at=now,
        **_timing(kind, overrides),
    )
    return schedule, state(schedule)


def replace_rules(
    schedule: Schedule,
    *,
    provider: Provider,
    kind: AppointmentType,
    windows: Sequence[Window],
    zone: str | None,
    overrides: Mapping[str, timedelta],
    now: datetime,
) -> Change:
    """The same schedule with other windows and durations. Raises Problem `schedule_withdrawn` (409)."""
    if schedule.withdrawn_at is not None:
        raise conflict("schedule_withdrawn", "This schedule was withdrawn; publish a new one.")
    check_windows(windows)
    changed = replace(
        schedule,
        zone=zone or provider.zone,
        windows=_in_order(windows),
        sequence=schedule.sequence + 1,
        changed_at=now,
        **_timing(kind, overrides),
    )
    return changed, state(changed)


def withdraw(schedule: Schedule, now: datetime) -> Change | None:
    """Offers nothing any more; what is booked stays. None when it was withdrawn before."""
    if schedule.withdrawn_at is not None:
        return None
    changed = replace(schedule, sequence=schedule.sequence + 1, changed_at=now, withdrawn_at=now)
    return changed, state(changed)


def state(schedule: Schedule) -> ScheduleState:
    """The schedule as others see it."""
    event = SchedulePublished if schedule.withdrawn_at is None else ScheduleWithdrawn
    values: dict[str, Any] = {field.name: getattr(schedule, field.name) for field in fields(schedule)}
    values["schedule_id"] = values.pop("id")
    return event(**values)


def check_timing(timing: Mapping[str, timedelta]) -> None:
    """Raises Problem `duration_out_of_range` or `notice_beyond_horizon`, naming the field."""
    for name, (least, most) in LIMITS.items():
        if not least <= timing[name] <= most:
            raise invalid(
                "duration_out_of_range", f"{name} should be between {_words(least)} and {_words(most)}.", field=name
            )
    if timing["minimum_notice"] > timing["horizon"]:
        raise invalid(
            "notice_beyond_horizon",
            "The minimum notice is longer than the horizon, so nothing could ever be booked.",
            field="minimum_notice",
        )


def _timing(kind: AppointmentType, overrides: Mapping[str, timedelta]) -> dict[str, Any]:
    timing = {name: getattr(kind, name) for name in LIMITS} | dict(overrides)
    check_timing(timing)
    return timing


def _words(value: timedelta) -> str:
    if value == ZERO:
        return "nothing"
    return f"{value.days} days" if value > DAY else "1 day" if value == DAY else f"{value.seconds} second"


def check_windows(windows: Sequence[Window]) -> None:
    """Raises Problem `windows_missing` or `windows_overlap`; windows may touch, and may run into the next day."""
    if not windows:
        raise invalid("windows_missing", "A schedule needs a window; DELETE withdraws it.", field="windows")
    spans = sorted((*_span(window), index) for index, window in enumerate(windows))
    # The week is a circle: Sunday night may reach into Monday.
    begin, end, index = spans[0]
    for (_, closes, one), (opens, _, other) in pairwise([*spans, (begin + WEEK, end + WEEK, index)]):
        if opens < closes:
            first, second = sorted((one, other))
            raise invalid(
                "windows_overlap",
                f"windows.{first} and windows.{second} overlap; one that ends at or before its start runs into the"
                " next day.",
                field=f"windows.{second}",
            )


def _span(window: Window) -> tuple[timedelta, timedelta]:
    """A window as time since Monday 00:00."""
    opens, closes = _since_midnight(window.start), _since_midnight(window.end)
    begin = DAY * window.weekday
    return begin + opens, begin + (closes if closes > opens else closes + DAY)


def _since_midnight(wall: time) -> timedelta:
    return timedelta(hours=wall.hour, minutes=wall.minute, seconds=wall.second)


def _in_order(windows: Sequence[Window]) -> tuple[Window, ...]:
    return tuple(sorted(windows, key=_span))


def occupied_by(visit: AppointmentState) -> Occupied:
    """The time that a visit takes from its provider as it stands."""
    return Occupied(
        appointment_id=visit.appointment_id,
        provider_id=visit.provider_id,
        occupied_from=visit.occupied_from,
        occupied_to=visit.occupied_to,
        free=visit.status in FREE_STATUSES,
        sequence=visit.sequence,
    )


def search_range(begin: datetime, end: datetime, now: datetime) -> Interval | None:
    """The part of a search that can hold slots; None when there is none.

    Raises Problem `range_inverted` or `range_too_long`. The length is by the caller's own clock, so that a
    month in which summer time ends still counts 31 days.
    """
    if begin >= end:
        raise invalid("range_inverted", "`from` should be before `to`.", field="to")
    by_the_clock = end.replace(tzinfo=None) - begin.replace(tzinfo=None)
    if min(end - begin, by_the_clock) > LONGEST_RANGE:
        raise invalid("range_too_long", "A search may span at most 31 days.", field="to")
    begin, end = max(begin, now), min(end, now + TWO_YEARS + SECOND)
    return (begin, end) if begin < end else None


def reach(schedules: Sequence[ScheduleState]) -> timedelta:
    """How far beyond a search's range an occupied time can hide a slot in it."""
    return max(schedule.buffer_before + schedule.duration + schedule.buffer_after for schedule in schedules)


def offers(
    schedules: Sequence[ScheduleState],
    busy: Mapping[UUID, Sequence[Interval]],
    begin: datetime,
    end: datetime,
    after: tuple[datetime, UUID] | None,
    now: datetime,
) -> Iterator[Offer]:
    """Free slots of all schedules after a position, soonest first, computed only as far as they are taken."""
    if after is not None:
        begin = max(begin, after[0])

    def of(schedule: ScheduleState) -> Iterator[Offer]:
        for start in free(schedule, busy.get(schedule.provider_id, ()), begin, end, now):
            offer = Offer(schedule, start)
            if after is None or offer.position > after:
                yield offer

    return (
        merge(*(of(schedule) for schedule in schedules), key=lambda offer: offer.position) if begin < end else iter(())
    )
