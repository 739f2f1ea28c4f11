"""A relay or a consumer in a process of its own, which the kernel kills at a chosen moment.

`python -m tests.support.victim <moment>` with what it works on as JSON in `VICTIM`.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from sqlalchemy.ext.asyncio import AsyncSession

from services.feedback.tables import inbox, outbox
from shared.clock import system_clock
from shared.consumer import Consumer
from shared.contracts.envelope import Envelope
from shared.db import Database
from shared.outbox import Relay, record
from tests.support.streams import ThingState, new_event_type

MOMENTS: dict[str, tuple[type, str]] = {
    "before it publishes": (AIOKafkaProducer, "send_and_wait"),
    "before it marks": (asyncpg.Connection, "execute"),
    "before it commits its offset": (AIOKafkaConsumer, "commit"),
}
"""Each is the call that the process doesn't live to make."""


@dataclass(frozen=True)
class Work:
    """A database, a broker, the event type of a test, and the consumer's group."""

    database_url: str
    bootstrap_servers: str
    event_type: str
    group: str = ""


async def dies(moment: str, work: Work) -> int:
    """Runs the victim; returns what its end left as return code (-9: killed, as it should be)."""
    environment = {**os.environ, "VICTIM": json.dumps(asdict(work))}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.victim", moment, env=environment
    )
    try:
        return await asyncio.wait_for(process.wait(), 60)
    finally:
        if process.returncode is None:
            process.kill()


async def leave_outbox_row(session: AsyncSession, item: Envelope[ThingState], now: datetime) -> None:
    """A handler whose effect can be counted."""
    await record(session, outbox, item.tenant, [item.event], now)


async def _die(*_arguments: Any, **_more: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


async def _main(moment: str, work: Work) -> None:
    run: Callable[[asyncio.Event], Awaitable[None]] = Relay(work.database_url, work.bootstrap_servers, "test").run
    if work.group:
        event = new_event_type(type=work.event_type)
        run = Consumer(
            bootstrap_servers=work.bootstrap_servers,
            group=work.group,
            catalogue={event.type: event},
            handlers={event: leave_outbox_row},
            inbox=inbox,
            database=Database(work.database_url, pool_size=2, name="feedback"),
            clock=system_clock,
        ).run
    owner, call = MOMENTS[moment]
    setattr(owner, call, _die)
    await run(asyncio.Event())


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], Work(**json.loads(os.environ["VICTIM"]))))
