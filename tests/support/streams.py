"""An event type and topics of one test alone, and ways to read a topic."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar
from uuid import UUID, uuid4

from aiokafka import AIOKafkaProducer, ConsumerRecord

from shared import replay
from shared.contracts.envelope import Envelope, Event
from shared.kafka import producer_config
from shared.topics import ensure_topics
from tests.support.build import NOW


class ThingState(Event):
    """A thing that only tests know."""

    producer: ClassVar[str] = "test"
    thing_id: UUID

    @property
    def subject(self) -> UUID:
        return self.thing_id


def new_event_type(**attributes: Any) -> type[ThingState]:
    """An event type with a topic of its own."""
    own = {"type": f"thing.t{uuid4().hex[:10]}", "__doc__": "A thing changed."}
    return type("Thing", (ThingState,), own | attributes)


async def make_topics(servers: str, event: type[Event], group: str) -> None:
    await ensure_topics(servers, [event], [event.type], group, 1)


async def publish(servers: str, *envelopes: Envelope[Event]) -> None:
    """Straight to the topic, past any outbox."""
    producer = AIOKafkaProducer(**producer_config(servers, "test"))
    await producer.start()
    try:
        for one in envelopes:
            await producer.send_and_wait(
                one.event.type,
                one.event.model_dump_json().encode(),
                key=str(one.event.subject).encode(),
                headers=one.headers(),
            )
    finally:
        await producer.stop()


async def publish_raw(servers: str, topic: str, value: bytes, headers: list[tuple[str, bytes]]) -> None:
    producer = AIOKafkaProducer(**producer_config(servers, "test"))
    await producer.start()
    try:
        await producer.send_and_wait(topic, value, key=b"raw", headers=headers)
    finally:
        await producer.stop()


def envelope(event: Event, tenant: UUID) -> Envelope[Event]:
    return Envelope(id=uuid4(), tenant=tenant, time=NOW, event=event)


async def read_all(servers: str, topic: str) -> list["ConsumerRecord[bytes, bytes]"]:
    """Every record of a topic, in the order of its partitions' offsets."""
    records: list[Any] = []
    await replay.read(servers, [topic], records.append)
    return records


async def eventually(look: Callable[[], Awaitable[Any]], seconds: float = 20) -> Any:
    """What `look` returns once it is true; the test fails when that takes too long."""
    async with asyncio.timeout(seconds):
        while True:
            found = await look()
            if found:
                return found
            await asyncio.sleep(0.05)


@contextmanager
def running(coroutine: Any) -> Iterator["asyncio.Task[None]"]:
    """A task for the time of a block."""
    task = asyncio.create_task(coroutine)
    try:
        yield task
    finally:
        task.cancel()
