"""Under which of the rules that protect people a reason falls; docs/notifications.md has them by their numbers.

Each reason that can be put on record stands here, with its rule or among those that have none; a test looks for
others.
"""

import re
from typing import Literal

Rule = Literal[1, 2, 3, 4, 5, 6, 7]

RULES: dict[str, Rule] = {
    "opted_out": 1,
    "sms_21610": 1,  # the carrier knows of a STOP
    "no_consent": 2,
    "quiet_hours": 3,
    "quiet_hours_until_start": 3,
    "quiet_hours_until_over": 3,
    "daily_text_cap": 4,
    "weekly_text_cap": 4,
    "text_too_long": 4,
    "paused_for_safety": 7,
    "safety": 7,
}
WITHOUT_RULE = frozenset(
    (
        # What the message is about has changed, or is over.
        "answered",
        "booked_in_another_system",
        "declined",
        "discharged",
        "held_out",
        "no_response",
        "offer_over",
        "outreach_ended",
        "outreach_running",
        "reached",
        "rebooked",
        "returned",
        "superseded",
        "told_already",
        "too_late_when_booked",
        "too_late_when_heard",
        "visit_changed",
        "visit_booked",
        "visit_since",
        "visit_started",
        # There is no way to the client, or no words for it.
        "address_malformed",
        "landline",
        "mail_server_unable",
        "no_address",
        "no_channel",
        "no_contact",
        "no_sender",
        "no_words",
        "nobody_reached",
        "tell_change",
        "unreachable",
        "undelivered",
        "words_unfit",
        # It waits for somebody, or somebody has it in hand.
        "booking_away",
        "booking_silent",
        "mail_server_away",
        "mail_server_silent",
        "news_on_the_way",
        "not_planned",
        "not_taken",
        "outcome_awaited",
        "outcome_unknown",
        "practice",
        "task_open",
    )
)
_OPEN = re.compile(r"condition_[a-z_]+|(sms|voice|email|smtp)_[a-z0-9_.]+")
"""A condition of the practice's own plan that doesn't hold; what a carrier says."""


def rule_of(reason: str | None) -> Rule | None:
    return None if reason is None else RULES.get(reason)


def is_known(reason: str) -> bool:
    """True when it has been decided whether a rule is behind it."""
    return reason in RULES or reason in WITHOUT_RULE or _OPEN.fullmatch(reason) is not None
