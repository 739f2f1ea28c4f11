"""Which topics there are, and creating what is missing; topics are never made by being written to."""

import asyncio
from collections.abc import Sequence

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import TopicAlreadyExistsError, for_code

from shared.contracts.envelope import Event
from shared.kafka import close, dead_letter_topic, retry_topic

PARTITIONS = 3
COMPACTED = {"cleanup.policy": "compact", "min.compaction.lag.ms": str(7 * 86_400_000)}
"""Every event is kept for a week, as long as others are; after that each key's latest, for ever."""


async def topics(bootstrap_servers: str) -> set[str]:
    """The names of all topics."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers, request_timeout_ms=20_000)
    await asyncio.wait_for(admin.start(), 20)
    try:
        return set(await admin.list_topics())
    finally:
        await close(admin)


async def ensure_topics(
    bootstrap_servers: str,
    events: Sequence[type[Event]],
    consumed: Sequence[str],
    group: str,
    replication: int,
) -> list[str]:
    """Creates what is missing: the topics of own events, and retry and dead-letter topics of consumed ones.

    Consumed topics are created too, so that services may be set up in any order. Returns the new names.
    """
    wanted: dict[str, NewTopic] = {}
    for event in events:
        settings = COMPACTED if event.compacted else {}
        wanted[event.type] = NewTopic(event.type, PARTITIONS, replication, topic_configs=settings)
    for topic in consumed:
        for name in (retry_topic(topic, group), dead_letter_topic(topic, group)):
            keep = {"retention.ms": str(30 * 86_400_000)}
            wanted[name] = NewTopic(name, 1, replication, topic_configs=keep)
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers, request_timeout_ms=20_000)
    await asyncio.wait_for(admin.start(), 20)
    try:
        existing = set(await admin.list_topics())
        missing = [topic for name, topic in wanted.items() if name not in existing]
        if missing:
            response = await admin.create_topics(missing)
            for name, code, *_ in response.topic_errors:
                if code not in (0, TopicAlreadyExistsError.errno):
                    raise for_code(code)(f"topic {name} could not be created")
        await _led(bootstrap_servers, sorted(wanted))
        return [topic.name for topic in missing]
    finally:
        await close(admin)


async def _led(bootstrap_servers: str, topics: Sequence[str]) -> None:
    """Waits until every partition has a leader, which takes some 100 ms after creation."""
    client = AIOKafkaClient(bootstrap_servers=bootstrap_servers)
    await client.bootstrap()
    try:
        client.set_topics(topics)
        for _ in range(100):
            await client.force_metadata_update()
            if all(_is_led(client, topic) for topic in topics):
                return
            await asyncio.sleep(0.05)
        raise TimeoutError("topics have no leader after 5 s")
    finally:
        await client.close()


def _is_led(client: AIOKafkaClient, topic: str) -> bool:
    partitions = client.cluster.partitions_for_topic(topic)
    return bool(partitions) and client.cluster.available_partitions_for_topic(topic) == partitions
