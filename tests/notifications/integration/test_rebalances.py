"""Exactly one message per visit, version, step and channel while workers come and go: by the carrier's ledger."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from services.notifications import tables
from services.notifications.consumers import HANDLERS, MANY
from shared.clock import system_clock
from shared.consumer import Consumer
from shared.contracts import APPOINTMENT_EVENTS, BY_TYPE
from shared.contracts.booking import AppointmentConfirmed, AppointmentState
from shared.topics import ensure_topics
from tests.notifications.conftest import Practice
from tests.notifications.integration.test_exactly_once import AT_ONCE, consenting, history
from tests.support.streams import envelope, eventually, publish

pytestmark = pytest.mark.servers
CLIENTS = 16
FOLLOWED = {event: HANDLERS[event] for event in APPOINTMENT_EVENTS}


@asynccontextmanager
async def worker(practice: Practice, kafka: str, group: str) -> AsyncIterator[Consumer]:
    """A member of the group, with timers of its own, until it is told to stop."""
    consumer = Consumer(
        bootstrap_servers=kafka,
        group=group,
        catalogue=BY_TYPE,
        handlers=FOLLOWED,
        many=MANY,
        inbox=tables.inbox,
        database=practice.resources.database,
        clock=system_clock,
    )
    stop = asyncio.Event()
    tasks = [asyncio.create_task(consumer.run(stop)), asyncio.create_task(practice.runner().run(stop))]
    try:
        yield consumer
    finally:
        stop.set()
        await asyncio.gather(*tasks)


async def test_while_workers_come_and_go_each_message_goes_once(practice: Practice, kafka: str) -> None:
    await practice.open()
    await practice.call("POST", "/v1/reminder-plans", 201, json=AT_ONCE)
    group = f"rebalanced-{uuid4().hex[:8]}"
    await ensure_topics(kafka, [], [event.type for event in FOLLOWED], group, 1)
    clients: dict[UUID, str] = {
        uuid4(): f"+1305{201 + number:03d}{uuid4().int % 10_000:04d}" for number in range(CLIENTS)
    }
    events: list[AppointmentState] = []
    for client, phone in clients.items():
        await consenting(practice, client, phone)
        practice.client = client
        events += await history(practice, AppointmentConfirmed)
    for event in events:
        practice.outside.booking.learn(event, practice.tenant)
    # Each comes twice: the second time under another id, as if its producer had crashed and begun anew.
    arriving = [*events, *events]
    random.Random(7).shuffle(arriving)  # noqa: S311 -- an order that can be repeated, no secret

    async def handled(share: float) -> bool:
        async with practice.resources.database.transaction(practice.tenant) as session:
            done = await session.scalar(text("SELECT count(*) FROM inbox"))
        return bool(done >= share * len(arriving))

    publishing = asyncio.create_task(publish(kafka, *(envelope(event, practice.tenant) for event in arriving)))
    async with AsyncExitStack() as staying:
        async with worker(practice, kafka, group):
            await eventually(lambda: handled(0.1), 60)
            await staying.enter_async_context(worker(practice, kafka, group))
            await eventually(lambda: handled(0.3), 60)
        async with worker(practice, kafka, group):
            await eventually(lambda: handled(0.6), 60)
        await staying.enter_async_context(worker(practice, kafka, group))
        await publishing
        await eventually(lambda: handled(1), 60)
        await eventually(lambda: everything_sent(practice), 60)
    ledger = Counter(one.to for one in practice.outside.carrier.store.messages if one.channel == "sms")
    assert {phone: ledger[phone] for phone in clients.values()} == dict.fromkeys(clients.values(), 1)


async def everything_sent(practice: Practice) -> bool:
    async with practice.resources.database.transaction(practice.tenant) as session:
        waiting = await session.scalar(text("SELECT count(*) FROM messages WHERE status = 'planned'"))
    return not waiting
