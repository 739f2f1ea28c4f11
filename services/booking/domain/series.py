"""A series of visits: which of its occurrences can be had, and where they move together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from services.booking.domain.appointments import Appointment
from services.booking.domain.recurrence import at_wall, wall_of
from services.booking.domain.slots import WHY_NOT, check_offered
from shared.contracts.slots import Plan, Rule, Seeker, Taken, ceil, floor, free_room, hidden
from shared.errors import Kind, Problem, conflict

Scope = Literal["this", "this-and-following"]


@dataclass(frozen=True, slots=True)
class Series:
    """What was asked for when it was booked; each visit has a life of its own and may have moved since."""

    id: UUID
    client_id: UUID
    schedule_id: UUID
    rrule: str
    booked_at: datetime


@dataclass(frozen=True, slots=True)
class Wish:
    """A visit and the time that it should have."""

    id: UUID
    start: datetime


TAKEN: Mapping[Rule, str] = {
    "visit": "The provider has another visit at this time.",
    "full": "The group at this time is full.",
    "room": "No room is free at this time.",
    "client": "The client has another visit at this time.",
    "most_per_day": "This day has as many visits of the schedule as it may.",
    "provider_most_per_day": "The provider has as many visits on this day as they may.",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a wish can be had: what it takes, or the problem that stands in its way."""

    wish: Wish
    taken: Taken | None = None
    problem: Problem | None = None

    @property
    def rule(self) -> Rule | None:
        """The rule that hides the time; None too where the schedule is not what it was."""
        return self.problem.extra.get("rule") if self.problem else None

    @property
    def why_not(self) -> str | None:
        if self.problem is None:
            return None
        return TAKEN.get(self.rule, self.problem.detail) if self.rule else self.problem.detail


class SeriesRefused(Problem):
    """Some occurrences can't be had, so nothing was written. The edge adds each with its alternatives."""

    def __init__(self, plan: Plan, client_id: UUID, verdicts: Sequence[Verdict]) -> None:
        refused = sum(item.problem is not None for item in verdicts)
        detail = f"{refused} of {len(verdicts)} visits can't be had; choose others for them, or ask for `partial`."
        super().__init__(Kind.CONFLICT, "series_conflicts", detail, field="rrule")
        self.plan = plan
        self.client_id = client_id
        self.verdicts = verdicts


def check_begins_ahead(start: datetime, now: datetime) -> None:
    """Raises Problem `slot_past`: a series begins in the future."""
    if start <= now:
        raise Problem(Kind.GONE, "slot_past", WHY_NOT["past"], field="slot", rule="past")


def weigh(
    plan: Plan, taken: Sequence[Taken], wishes: Sequence[Wish], client_id: UUID, now: datetime, seeker: Seeker
) -> list[Verdict]:
    """Goes by the rule of single visits, as if each were booked before the next is asked for."""
    stands, verdicts = list(taken), []
    for wish in wishes:
        start = floor(wish.start)
        near = around(plan, stands, start, start + 1)
        try:
            check_offered(plan, start, hidden(plan, near, start, now, seeker))
        except Problem as problem:
            verdicts.append(Verdict(wish, problem=problem))
            continue
        place = Taken(
            wish.id,
            plan.provider_id,
            plan.schedule_id,
            free_room(plan, near, start),
            client_id,
            start,
            start + plan.duration,
            *plan.occupied(start),
        )
        stands.append(place)
        verdicts.append(Verdict(wish, taken=place))
        seeker = replace(seeker, is_new=False)
    return verdicts


def weigh_moves(
    plan: Plan, taken: Sequence[Taken], wishes: Sequence[Wish], client_id: UUID, now: datetime, seeker: Seeker
) -> list[Verdict]:
    """As `weigh`, for visits that leave their old times; one that can't move stays, and may be in another's way."""
    moving = {wish.id for wish in wishes}
    refused: dict[UUID, Verdict] = {}
    while True:
        left = [item for item in taken if item.id not in moving]
        verdicts = weigh(plan, left, [wish for wish in wishes if wish.id in moving], client_id, now, seeker)
        stuck = {item.wish.id: item for item in verdicts if item.problem is not None}
        if not stuck:
            had = {item.wish.id: item for item in verdicts} | refused
            return [had[wish.id] for wish in wishes]
        refused |= stuck
        moving -= stuck.keys()


def around(plan: Plan, taken: Sequence[Taken], begin: int, end: int) -> list[Taken]:
    """What of it can hide a start in `[begin, end)`."""
    low, high = begin - plan.reach, end + plan.reach
    return [
        item
        for item in taken
        if (item.occupied_to > low and item.occupied_from < high) or (item.end > low and item.start < high)
    ]


def of_scope(visits: Sequence[Appointment], this: Appointment, scope: Scope) -> list[Appointment]:
    """This visit, and where asked for those after it that are booked still; by start."""
    following = [item for item in visits if item.id != this.id and item.start > this.start and item.status == "booked"]
    return [this, *sorted(following, key=lambda item: (item.start, item.id))] if scope != "this" else [this]


def shifted(visits: Sequence[tuple[Appointment, str]], target: datetime, zone: str) -> list[Wish]:
    """The first visit at the target, the others as far by the wall clock from where they are; each with the zone that
    it is in now. A time that a change of the clock skips is read with the offset before it.
    """
    this, first_zone = visits[0]
    shift = wall_of(target, zone) - wall_of(this.start, first_zone)
    moved = [Wish(visit.id, at_wall(wall_of(visit.start, own) + shift, zone)) for visit, own in visits[1:]]
    return [Wish(this.id, target), *moved]


def in_order(verdicts: Sequence[Verdict], before: dict[UUID, Appointment]) -> list[Verdict]:
    """Those that move, in an order in which none takes a time that another of them is yet to leave."""
    moves = [item for item in verdicts if item.taken is not None]
    later = any(item.wish.start > before[item.wish.id].start for item in moves)
    return sorted(moves, key=lambda item: before[item.wish.id].start, reverse=later)


def span_of(wishes: Sequence[Wish]) -> tuple[int, int]:
    """From the first start to the last, half-open."""
    starts = [wish.start for wish in wishes]
    return floor(min(starts)), ceil(max(starts)) + 1


def require_member(visit: Appointment, series_id: UUID) -> None:
    """Raises Problem `not_of_series`: the visit says where in the series something changes."""
    if visit.series_id != series_id:
        raise conflict("not_of_series", "This visit is not of this series; name one that is.", field="appointment_id")
