"""Reading a feed in a process of its own: what somebody else wrote can neither hold up nor bloat the worker."""

import asyncio
import json
import sys
from datetime import datetime

from services.availability.clients.errors import FeedError

SECONDS = 20.0
_MODULE = "services.availability.clients.reading"


async def read_apart(
    body: bytes, zone: str, begin: datetime, end: datetime, *, seconds: float = SECONDS
) -> list[tuple[datetime, datetime]]:
    """`busy_times` of a feed, with an end to it. Raises FeedError, also `feed_too_complex` when it takes too long."""
    command = (sys.executable, "-m", _MODULE, zone, begin.isoformat(), end.isoformat())
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.DEVNULL)
    try:
        answer, _ = await asyncio.wait_for(process.communicate(body), seconds)
    except TimeoutError as error:
        raise _too_complex(f"takes longer than {seconds:g} seconds to read") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise _too_complex("needs more memory or time to be read than it may have")
    found = json.loads(answer)
    if "busy" not in found:
        raise FeedError(found["code"], found["detail"], found["line"])
    return [(datetime.fromisoformat(low), datetime.fromisoformat(high)) for low, high in found["busy"]]


def _too_complex(what: str) -> FeedError:
    return FeedError("feed_too_complex", f"The calendar {what}.")
