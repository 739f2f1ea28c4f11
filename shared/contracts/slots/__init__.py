"""Slots: their signed ids, and the one rule that says which starts a published schedule offers.

Availability lists and explains slots with it and booking accepts them with it, from the same
`schedule.published`, so that offered means bookable.
"""

from shared.contracts.slots.ids import SLOT_ID_LIFETIME, SlotId, sign_slot
from shared.contracts.slots.plan import Plan, Span, date_of, day_number, seconds_of, wall_span
from shared.contracts.slots.rule import (
    ANYBODY,
    BY_BOOKINGS,
    Obstacle,
    Rule,
    Seeker,
    Taken,
    free,
    free_room,
    hidden,
    merged,
    open_starts,
    within_notice,
)
from shared.contracts.slots.zones import DAY, ceil, floor, instant, local_day, moment

__all__ = [
    "ANYBODY",
    "BY_BOOKINGS",
    "DAY",
    "SLOT_ID_LIFETIME",
    "Obstacle",
    "Plan",
    "Rule",
    "Seeker",
    "SlotId",
    "Span",
    "Taken",
    "ceil",
    "date_of",
    "day_number",
    "floor",
    "free",
    "free_room",
    "hidden",
    "instant",
    "local_day",
    "merged",
    "moment",
    "open_starts",
    "seconds_of",
    "sign_slot",
    "wall_span",
    "within_notice",
]
