"""What a client can choose from on a page: kinds of visit, providers, and days with their free times."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from operator import itemgetter
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from shared.contracts.availability import Modality
from shared.contracts.slots import Plan, date_of, local_day, moment

Part = Literal["any", "morning", "afternoon", "evening", "weekend"]
NOON, EVENING, SATURDAY = 12, 17, 5
MOST_A_DAY = 96
"""Times of one day on a page: every quarter of an hour, around the clock."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody looks for; None is any. Parts of the day are those of the practice's clock."""

    appointment_type_id: UUID
    provider_id: UUID | None = None
    modality: Modality | None = None
    part: Part = "any"
    prefer: UUID | None = None
    """Whose times come first where others have them too."""

    def fits(self, plan: Plan) -> bool:
        return self.provider_id in (None, plan.provider_id) and self.modality in (None, plan.state.modality)


def in_part(part: Part, wall: datetime) -> bool:
    """True when a start, in wall time, is in that part of the day or week."""
    if part == "weekend":
        return wall.weekday() >= SATURDAY
    if part == "morning":
        return wall.hour < NOON
    if part == "afternoon":
        return NOON <= wall.hour < EVENING
    return part == "any" or wall.hour >= EVENING


def is_after_hours(wall: datetime) -> bool:
    """For who works or learns at other times: in the evening, or at the weekend."""
    return in_part("evening", wall) or in_part("weekend", wall)


@dataclass(frozen=True, slots=True)
class Day:
    """A local date with its free starts, each with whom it would be: the first who is free."""

    date: date
    times: tuple[tuple[int, Plan], ...]


def by_day(found: Iterable[tuple[Plan, Iterable[int]]], part: Part, zone: str, prefer: UUID | None = None) -> list[Day]:
    """The first free starts of each local date, each start once and with who is preferred, or the first who is free.

    `found` are the starts of each schedule, in order: of a day, no more of one are looked at than can be shown.
    """
    local = ZoneInfo(zone)
    days: dict[int, dict[int, Plan]] = {}
    for plan, starts in sorted(found, key=lambda item: _rank(item[0], prefer)):
        seen: Counter[int] = Counter()
        for start in starts:
            day = local_day(zone, start)
            if seen[day] < MOST_A_DAY and in_part(part, moment(start).astimezone(local)):
                seen[day] += 1
                days.setdefault(day, {}).setdefault(start, plan)
    shown = {day: sorted(times.items(), key=itemgetter(0))[:MOST_A_DAY] for day, times in days.items()}
    return [Day(date_of(day), tuple(times)) for day, times in sorted(shown.items())]


def _rank(plan: Plan, prefer: UUID | None) -> tuple[bool, UUID, UUID]:
    return plan.provider_id != prefer, plan.provider_id, plan.schedule_id
