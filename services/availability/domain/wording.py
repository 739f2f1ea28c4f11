"""Opening hours as people write them: `9:00am-12:30pm, 14:00-17:00`."""

import re
from collections.abc import Sequence
from datetime import time

from shared.contracts.availability import Hours, Window
from shared.errors import invalid

_CLOCK = re.compile(r"(\d{1,2})(?::([0-5]\d))?\s*(am|pm)?", re.IGNORECASE)
_HALF = 12


def read_hours(text: str, field: str, name: str) -> tuple[Hours, ...]:
    """Windows from text, separated by commas; nothing is none. Raises Problem `hours_not_understood`."""
    parts = [part.strip() for part in text.replace(";", ",").split(",") if part.strip()]
    return tuple(_window(part, field, name) for part in parts)


def write_hours(hours: Sequence[Hours | Window]) -> str:
    """What `read_hours` reads."""
    return ", ".join(f"{write_clock(item.start)}-{write_clock(item.end)}" for item in hours)


def write_clock(wall: time) -> str:
    """`9:00am`."""
    return f"{wall.hour % _HALF or _HALF}:{wall.minute:02d}{'am' if wall.hour < _HALF else 'pm'}"


def _window(text: str, field: str, name: str) -> Hours:
    written = re.split(r"\s*(?:-|–|—|to)\s*", text, flags=re.IGNORECASE)
    ends = [_clock(part) for part in written]
    if len(ends) != 2 or ends[0] is None or ends[1] is None:
        raise invalid(
            "hours_not_understood",
            f"{name}: “{text}” is no window. Write 9:00am-5:00pm or 09:00-17:00, several with commas.",
            field=field,
        )
    if _unclear(written):
        raise invalid(
            "hours_not_understood",
            f"{name}: “{text}” may be before noon or after. Write am or pm, or 24 hours such as 09:00-17:00.",
            field=field,
        )
    return Hours(start=ends[0], end=ends[1])


def _unclear(written: Sequence[str]) -> bool:
    """True for `9-5` and `9am-05:00`: an hour up to 12 without a half, and nothing shows that the day has 24 hours."""
    found = [clock for part in written if (clock := _CLOCK.fullmatch(part))]
    bare = [clock for clock in found if not clock[3]]
    if any(not 1 <= int(clock[1]) <= _HALF for clock in bare):
        return False
    if len(bare) < len(found):
        return bool(bare)
    return any(not clock[2] or len(clock[1]) == 1 for clock in bare)


def _clock(text: str) -> time | None:
    found = _CLOCK.fullmatch(text)
    if found is None:
        return None
    hour, minute, half = int(found[1]), int(found[2] or 0), (found[3] or "").lower()
    if half:
        if not 1 <= hour <= _HALF:
            return None
        hour = hour % _HALF + (_HALF if half == "pm" else 0)
    if hour == 24 and minute == 0:
        hour = 0  # the end of the day is the next one's beginning
    return time(hour, minute) if hour < 24 else None
