"""What stands in the way of a slot, and the place that a visit in it takes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import NAMESPACE_OID, UUID, uuid5

from shared.contracts.slots import (
    BY_BOOKINGS,
    SLOT_ID_LIFETIME,
    Obstacle,
    Plan,
    Rule,
    SlotId,
    Taken,
    free_room,
    moment,
)
from shared.errors import Kind, Problem, conflict

WHY_NOT: Mapping[Rule, str] = {
    "past": "This time has passed.",
    "minimum_notice": "This time is nearer than the minimum notice of the schedule.",
    "horizon": "This time is further ahead than the schedule can be booked.",
    "new_clients_only": "This time is kept for new clients.",
    "holiday": "The practice is closed on this day.",
    "time_off": "The provider is away at this time.",
    "calendar": "The provider is busy at this time.",
}
NOT_ANY_MORE = "The schedule does not offer this time any more."
OTHER_TERMS = "This schedule has changed: a visit has another length, place or provider now. Search again and look."
UNAVAILABLE = frozenset(("slot_taken", "slot_gone", "slot_past", "slot_expired"))
"""Refusals after which a page shows other times."""


class SlotTaken(Problem):
    """The time is occupied: by the provider's or the client's other visit. The edge adds alternatives."""

    def __init__(self, schedule_id: UUID, start: datetime, rule: Rule = "visit") -> None:
        detail = "This time has just been taken; the alternatives are free now."
        super().__init__(Kind.CONFLICT, "slot_taken", detail, field="slot", rule=rule)
        self.schedule_id = schedule_id
        self.start = start


def offered(plan: Plan, start: int, now: datetime) -> SlotId:
    """A free start, as it can be booked for the next hour."""
    return SlotId(plan.schedule_id, moment(start), now + SLOT_ID_LIFETIME, plan.terms)


def check_terms(plan: Plan, slot: SlotId) -> None:
    """Raises Problem `slot_gone` where the schedule's visits are others by now than the one that was offered."""
    if slot.terms not in (None, plan.terms):
        raise conflict("slot_gone", OTHER_TERMS, field="slot")


@dataclass(frozen=True, slots=True)
class Place:
    """What a visit takes beside its time: a room, where it needs one, and a seat in its group."""

    room_id: UUID | None
    group_id: UUID
    seat: int


def place(plan: Plan, taken: Sequence[Taken], group: Sequence[tuple[UUID, int]], start: int, id: UUID) -> Place:
    """A free start's place for a visit; `group` are the id and the seat of each visit that stands at that start."""
    return place_in(plan, free_room(plan, taken, start), group, start, id)


def place_in(plan: Plan, room_id: UUID | None, group: Sequence[tuple[UUID, int]], start: int, id: UUID) -> Place:
    """As `place`, where the room is known."""
    if not group:
        group_id = id if plan.capacity == 1 else uuid5(NAMESPACE_OID, f"{plan.schedule_id}/{start}")
        return Place(room_id, group_id, 1)
    seats = {seat for _, seat in group}
    return Place(room_id, group[0][0], next(seat for seat in range(1, len(seats) + 2) if seat not in seats))


NOT_TO_OVERRIDE: frozenset[Rule] = frozenset({"past", "visit", "full", "room", "client"})
"""Nobody is in two places, and nothing is booked in the past: no practice can want otherwise."""


def overridden(obstacles: Sequence[Obstacle]) -> list[Obstacle]:
    """What still stands in the way once a practice has decided against its own rules."""
    return [item for item in obstacles if item.rule in NOT_TO_OVERRIDE]


def kept_in_time(obstacles: Sequence[Obstacle]) -> list[Obstacle]:
    """What stands in the way of a time that a hold keeps: it was early enough when it was kept."""
    return [item for item in obstacles if item.rule != "minimum_notice"]


def check_offered(plan: Plan, start: int, obstacles: Sequence[Obstacle]) -> None:
    """Raises Problem `slot_past` (410) or `slot_gone` (409), naming the rule that hides the time, or SlotTaken."""
    rules = [item.rule for item in obstacles]
    for rule in rules:
        if rule == "past":
            raise Problem(Kind.GONE, "slot_past", WHY_NOT[rule], field="slot", rule=rule)
        if rule not in BY_BOOKINGS:
            raise conflict("slot_gone", WHY_NOT.get(rule, NOT_ANY_MORE), field="slot", rule=rule)
    if rules:
        raise SlotTaken(plan.schedule_id, moment(start), rules[0])
