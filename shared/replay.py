"""Reading topics again from their beginning, as for a rebuild or for dead letters."""

import asyncio
from collections.abc import Callable, Iterable
from typing import TypeAlias

from aiokafka import AIOKafkaConsumer, ConsumerRecord

from shared.kafka import close

Record: TypeAlias = "ConsumerRecord[bytes | None, bytes | None]"


async def read(bootstrap_servers: str, names: Iterable[str], take: Callable[[Record], None]) -> None:
    """Gives every record that is there now to `take`, each partition's in order; joins no group, commits nothing.

    Raises KafkaError or TimeoutError when Kafka doesn't answer.
    """
    consumer = AIOKafkaConsumer(
        *names, bootstrap_servers=bootstrap_servers, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    await asyncio.wait_for(consumer.start(), 15)
    try:
        partitions = consumer.assignment()
        ends = await consumer.end_offsets(partitions)
        while any([await consumer.position(one) < ends[one] for one in partitions]):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                for record in records:
                    take(record)
    finally:
        await close(consumer)
