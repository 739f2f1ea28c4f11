"""The demo's practice: everything short enough to watch, nothing faked.

Durations are data, so seconds are as good as days. The practice lies where it is daytime now, so that
the quiet hours hold at any hour of this machine.
"""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

ZONES = (
    "Pacific/Auckland",
    "Asia/Tokyo",
    "Asia/Kolkata",
    "Europe/Athens",
    "Europe/London",
    "America/Sao_Paulo",
    "America/New_York",
    "America/Los_Angeles",
    "Pacific/Honolulu",
)

VISIT = timedelta(seconds=5)
GRACE = timedelta(seconds=3)
CHOICE = 18
"""Which of the free times the client chooses, one a second: reminders fall due 9 and 6 s before the start."""
GIVES_UP = timedelta(seconds=24)
"""After the miss; all steps of the flow lie before it."""


def daytime_zone(now: datetime) -> str:
    """A zone where it is between 09:00 and 19:00; the list leaves no gap."""
    for zone in ZONES:
        if 9 <= now.astimezone(ZoneInfo(zone)).hour < 19:
            return zone
    raise RuntimeError("no zone of the list has daytime")


def seconds(value: timedelta) -> str:
    return f"PT{int(value.total_seconds())}S"


def appointment_type() -> dict[str, Any]:
    return {
        "name": "Session",
        "duration": seconds(VISIT),
        "buffer_before": "PT0S",
        "buffer_after": "PT1S",
        "step": "PT1S",
        "minimum_notice": "PT0S",
        "horizon": "PT2H",
        "grace": seconds(GRACE),
    }


def all_week() -> list[dict[str, Any]]:
    """Open around the clock: a window that ends at its own start runs into the next day."""
    return [{"weekday": day, "start": "00:00:00", "end": "00:00:00"} for day in range(7)]


def reminder_plan() -> dict[str, Any]:
    return {
        "steps": [
            {"purpose": "confirmation", "anchor": "booking", "offset": "PT0S", "channels": ["email"]},
            {"purpose": "reminder", "anchor": "start", "offset": "PT9S", "channels": ["email"]},
            {"purpose": "reminder", "anchor": "start", "offset": "PT6S", "channels": ["sms", "email"]},
        ]
    }


def outreach_flow() -> dict[str, Any]:
    both = ["sms", "email"]
    return {
        "steps": [
            {"after": "PT0S", "message": "missed_you", "channels": both},
            {"after": "PT10S", "message": "barrier_question", "channels": both, "when": {"barriers": ["unknown"]}},
            {"after": "PT16S", "task": "call_client"},
            {"after": "PT20S", "message": "closing", "channels": ["email"]},
        ],
        "on_barrier": {"transport": {"message": "remote_offer", "channels": both}},
        "gives_up_after": seconds(GIVES_UP),
    }
