"""A schedule, and what is published of it: its own rules, those of its provider, the practice's holidays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from services.availability.domain.hours import (
    Holiday,
    TimeOff,
    check_overrides,
    check_windows,
    in_order,
    limited,
)
from services.availability.domain.practice import (
    LIMITS,
    AppointmentType,
    Location,
    Provider,
    Timing,
    check_timing,
    timing,
)
from shared.contracts.availability import (
    Blocked,
    DayHours,
    Modality,
    SchedulePublished,
    ScheduleState,
    ScheduleWithdrawn,
    Window,
)
from shared.contracts.slots import Span, moment
from shared.errors import conflict, invalid

LOOK_BACK = timedelta(days=2)
"""What lies further back no longer touches a slot in any zone, and isn't published."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a practice says of one schedule; left out is the type's or the provider's."""

    windows: tuple[Window, ...] | None
    new_client_windows: tuple[Window, ...] = ()
    overrides: tuple[DayHours, ...] = ()
    room_ids: tuple[UUID, ...] = ()
    capacity: int = 1
    most_per_day: int | None = None
    timing: Mapping[str, timedelta]

    def check(self) -> None:
        """Raises Problem `windows_missing`, `windows_overlap` or `override_twice`."""
        if self.windows is not None and not self.windows and not self.new_client_windows:
            raise invalid("windows_missing", "A schedule needs a window; DELETE withdraws it.", field="windows")
        check_windows(self.windows or ())
        check_windows(self.new_client_windows, "new_client_windows")
        check_overrides(self.overrides)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule(Timing):
    """Provider × appointment type × location. `windows` None: open in the provider's hours."""

    id: UUID
    provider_id: UUID
    appointment_type_id: UUID
    location_id: UUID
    modality: Modality
    windows: tuple[Window, ...] | None
    new_client_windows: tuple[Window, ...]
    overrides: tuple[DayHours, ...]
    room_ids: tuple[UUID, ...]
    capacity: int
    most_per_day: int | None
    version: int
    sequence: int
    created_at: datetime
    changed_at: datetime
    withdrawn_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Around:
    """What holds for every schedule of a provider."""

    provider: Provider
    overrides: Sequence[DayHours] = ()
    holidays: Sequence[Holiday] = ()
    time_off: Sequence[TimeOff] = ()
    busy: Sequence[Span] = ()


def publish(
    *, id: UUID, provider: Provider, kind: AppointmentType, location: Location, rules: Rules, now: datetime
) -> Schedule:
    """A new schedule on its provider's wall clock; the type's durations but for its own."""
    rules.check()
    return Schedule(
        id=id,
        provider_id=provider.id,
        appointment_type_id=kind.id,
        location_id=location.id,
        modality=location.modality,
        version=1,
        sequence=0,
        created_at=now,
        changed_at=now,
        **_ruled(kind, rules),
    )


def replace_rules(schedule: Schedule, *, kind: AppointmentType, rules: Rules, now: datetime) -> Schedule:
    """The same schedule with other rules. Raises Problem `schedule_withdrawn` (409)."""
    if schedule.withdrawn_at is not None:
        raise conflict("schedule_withdrawn", "This schedule was withdrawn; publish a new one.")
    rules.check()
    return replace(schedule, version=schedule.version + 1, changed_at=now, **_ruled(kind, rules))


def withdraw(schedule: Schedule, now: datetime) -> Schedule | None:
    """Offers nothing any more; what is booked stays. None when it was withdrawn before."""
    if schedule.withdrawn_at is not None:
        return None
    return replace(schedule, version=schedule.version + 1, changed_at=now, withdrawn_at=now)


def _ruled(kind: AppointmentType, rules: Rules) -> dict[str, Any]:
    durations = timing(kind, rules.timing)
    check_timing(durations)
    return {
        "windows": None if rules.windows is None else in_order(rules.windows),
        "new_client_windows": in_order(rules.new_client_windows),
        "overrides": tuple(sorted(rules.overrides, key=lambda item: item.date)),
        "room_ids": rules.room_ids,
        "capacity": rules.capacity,
        "most_per_day": rules.most_per_day,
        **durations,
    }


def state(schedule: Schedule, around: Around, now: datetime) -> ScheduleState:
    """The schedule as others see it: every rule that decides its slots, whoever made it."""
    provider = around.provider
    follows = schedule.windows is None
    weekly = provider.windows if schedule.windows is None else schedule.windows
    yesterday = (now - LOOK_BACK).date()
    overrides = {item.date: _for(schedule, item) for item in around.overrides if item.date >= yesterday}
    overrides |= {item.date: item for item in schedule.overrides if item.date >= yesterday}
    open_anyway = {day for day, item in overrides.items() if item.windows or item.new_client_windows}
    event = SchedulePublished if schedule.withdrawn_at is None else ScheduleWithdrawn
    return event(
        schedule_id=schedule.id,
        provider_id=schedule.provider_id,
        appointment_type_id=schedule.appointment_type_id,
        location_id=schedule.location_id,
        modality=schedule.modality,
        zone=provider.zone,
        windows=weekly,
        new_client_windows=(*schedule.new_client_windows, *(provider.new_client_windows if follows else ())),
        overrides=tuple(overrides[day] for day in sorted(overrides)),
        holidays=tuple(
            sorted(item.day for item in around.holidays if item.day >= yesterday and item.day not in open_anyway)
        ),
        travels=tuple(sorted((trip for trip in provider.travels if trip.last >= yesterday), key=_first)),
        blocked=blocked(around, now),
        room_ids=schedule.room_ids,
        capacity=schedule.capacity,
        most_per_day=schedule.most_per_day,
        provider_most_per_day=provider.most_per_day,
        sequence=schedule.sequence,
        **{name: getattr(schedule, name) for name in LIMITS},
    )


def blocked(around: Around, now: datetime) -> tuple[Blocked, ...]:
    """Time off and busy calendars, in order, without what is long over."""
    since = now - LOOK_BACK
    off = [Blocked(begin=item.begins_at, end=item.ends_at, because="time_off") for item in around.time_off]
    busy = [Blocked(begin=moment(begin), end=moment(end), because="calendar") for begin, end in around.busy]
    found = (item for item in (*off, *busy) if item.end > since)
    return tuple(sorted(found, key=lambda item: (item.begin, item.end, item.because)))


def differs(one: ScheduleState | None, other: ScheduleState) -> bool:
    """True when somebody who knows the one must hear of the other."""
    return one is None or one.model_dump(exclude={"sequence"}) != other.model_dump(exclude={"sequence"})


def _for(schedule: Schedule, item: DayHours) -> DayHours:
    """A provider's override as it holds for a schedule: one with windows of its own stays within them.

    What the override keeps for new clients is theirs within all of the schedule's windows.
    """
    if schedule.windows is None:
        return item
    windows = limited(item.date, item.windows, schedule.windows)
    news = limited(item.date, item.windows, schedule.new_client_windows)
    kept = limited(item.date, item.new_client_windows, (*schedule.windows, *schedule.new_client_windows))
    return DayHours(date=item.date, windows=windows, new_client_windows=(*news, *kept))


def _first(trip: Any) -> date:
    day: date = trip.first
    return day
