"""Time is passed in.

Rules take `now`; the edges take a `Clock`. Due decisions of timers use the database's clock instead
(`shared.timers`), so that a worker whose clock is wrong sends nothing early.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """The machine's time, aware, in UTC. Only composition roots name it."""
    return datetime.now(UTC)


async def pause(stop: asyncio.Event, seconds: float) -> None:
    """Waits so long, or until `stop`."""
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
