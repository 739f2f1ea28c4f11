"""A topic, a group and consumers of them, whose effects are rows that can be counted."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from aiokafka import AIOKafkaConsumer, TopicPartition
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.feedback.tables import inbox, outbox
from shared.clock import system_clock
from shared.consumer import Consumer
from shared.contracts.envelope import Envelope
from shared.db import Database
from shared.handling import Handler
from shared.kafka import consumer_config
from shared.outbox import record
from shared.telemetry import trace_id
from shared.topics import PARTITIONS
from tests.support.streams import ThingState, envelope, eventually, new_event_type

TRACE = "0af7651916cd43dd8448eb211c80319c"
QUICK = (timedelta(milliseconds=300), timedelta(milliseconds=600))


class Bench:
    """A topic, a group, a database in which each effect leaves one outbox row, and consumers of them."""

    def __init__(self, database: Database, servers: str) -> None:
        self.database = database
        self.servers = servers
        self.event = new_event_type()
        self.group = f"g{uuid4().hex[:8]}"
        self.tenant = uuid4()
        self.broken: set[UUID] = set()
        self.delay = 0.0
        self.calls: list[tuple[UUID, int]] = []
        self.called_at: list[float] = []
        self.traces: list[str | None] = []

    async def handle(self, session: AsyncSession, item: Envelope[ThingState], now: datetime) -> None:
        self.calls.append((item.event.thing_id, item.event.sequence))
        self.called_at.append(asyncio.get_running_loop().time())
        self.traces.append(trace_id())
        if item.event.thing_id in self.broken:
            raise RuntimeError("this handler has a bug")
        await record(session, outbox, item.tenant, [item.event], now)
        await asyncio.sleep(self.delay)

    def consumer(self, handler: Handler | None = None) -> Consumer:
        return Consumer(
            bootstrap_servers=self.servers,
            group=self.group,
            catalogue={self.event.type: self.event},
            handlers={self.event: handler or self.handle},
            inbox=inbox,
            database=self.database,
            clock=system_clock,
            retry_delays=QUICK,
        )

    @asynccontextmanager
    async def running(self, consumer: Consumer | None = None) -> AsyncIterator[Consumer]:
        one = consumer or self.consumer()
        stop = asyncio.Event()
        task = asyncio.create_task(one.run(stop))
        try:
            await eventually(lambda: _ready(one))
            yield one
        finally:
            stop.set()
            await asyncio.wait_for(task, 30)

    def thing(self, thing: UUID | None = None, sequence: int = 1) -> Envelope[Any]:
        return envelope(self.event(thing_id=thing or uuid4(), sequence=sequence), self.tenant)

    async def effects(self) -> dict[str, int]:
        """How often each thing took effect."""
        async with self.database.transaction(self.tenant) as session:
            rows = await session.execute(text("SELECT key, count(*) AS times FROM outbox GROUP BY key"))
            return {row.key: row.times for row in rows}

    async def committed(self) -> int:
        """How many messages of the topic the group is done with, by its committed offsets."""
        reader = AIOKafkaConsumer(**consumer_config(self.servers, self.group))
        partitions = [TopicPartition(self.event.type, number) for number in range(PARTITIONS)]
        reader.assign(partitions)
        await reader.start()
        try:
            return sum([await reader.committed(one) or 0 for one in partitions])
        finally:
            await reader.stop()

    async def has_effects(self, *things: Envelope[Any]) -> bool:
        found = await self.effects()
        return all(str(one.event.subject) in found for one in things)


async def _ready(consumer: Consumer) -> bool:
    return consumer.ready
