"""Time is passed in.

Rules take `now`; the edges take a `Clock`. Due decisions of timers use the database's clock instead
(`shared.timers`), so that a worker whose clock is wrong sends nothing early.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """The machine's time, aware, in UTC. Only composition roots name it."""
    return datetime.now(UTC)


def iso_duration(value: timedelta) -> str:
    """ISO 8601 of a duration without calendar parts, to the second: 90 min → `PT1H30M`."""
    seconds = int(value.total_seconds())
    sign, seconds = ("-", -seconds) if seconds < 0 else ("", seconds)
    days, seconds = divmod(seconds, 86_400)
    hours, seconds = divmod(seconds, 3_600)
    minutes, seconds = divmod(seconds, 60)
    time = "".join(f"{n}{unit}" for n, unit in ((hours, "H"), (minutes, "M"), (seconds, "S")) if n)
    date = f"{days}D" if days else ""
    return f"{sign}P{date}{'T' + time if time else ''}" if date or time else "PT0S"
