"""Topics as they are made: each event's own, and what a consumer group needs beside it."""

from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from shared.contracts import APPOINTMENT_EVENTS
from shared.contracts.availability import SchedulePublished
from shared.contracts.envelope import Event
from shared.topics import ensure_topics, topics
from tests.support.streams import new_event_type

pytestmark = pytest.mark.servers
WEEK_MS, MONTH_MS = str(7 * 86_400_000), str(30 * 86_400_000)


async def settings_of(servers: str, topic: str) -> dict[str, str]:
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    try:
        [answer] = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    finally:
        await admin.close()
    [resource] = answer.resources
    entries: list[Any] = resource[4]
    return {entry[0]: entry[1] for entry in entries}


async def test_events_that_are_kept_by_key_are_compacted_but_not_within_a_week(kafka: str) -> None:
    events: tuple[type[Event], ...] = (*APPOINTMENT_EVENTS, SchedulePublished)
    assert all(event.compacted for event in events)
    passing, kept = new_event_type(), new_event_type(compacted=True)
    assert sorted(await ensure_topics(kafka, [kept, passing], [], "test", 1)) == sorted([kept.type, passing.type])
    found = await settings_of(kafka, kept.type)
    assert (found["cleanup.policy"], found["min.compaction.lag.ms"]) == ("compact", WEEK_MS)
    assert (await settings_of(kafka, passing.type))["cleanup.policy"] == "delete"


async def test_a_consumer_group_has_topics_for_retries_and_for_what_it_gives_up(kafka: str) -> None:
    event = new_event_type()
    made = await ensure_topics(kafka, [event], [event.type], "test", 1)
    assert sorted(made) == sorted([event.type, f"{event.type}.test.retry", f"{event.type}.test.dlq"])
    assert set(made) <= await topics(kafka)
    assert (await settings_of(kafka, f"{event.type}.test.dlq"))["retention.ms"] == MONTH_MS
    assert await ensure_topics(kafka, [event], [event.type], "test", 1) == [], "a second time makes nothing"
