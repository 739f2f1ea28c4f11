"""The outbox and its relay: nothing lost, order per aggregate kept, whatever is killed in between."""

import asyncio
import signal
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaTimeoutError
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from sqlalchemy import text

from services.feedback.tables import outbox
from shared.contracts.envelope import Event
from shared.db import Database
from shared.errors import Problem
from shared.kafka import producer_config
from shared.outbox import MAX_PAYLOAD, Relay, Row, publish_batch, record, rounds
from shared.telemetry import span
from tests.conftest import MakeSettings
from tests.support.build import NOW
from tests.support.streams import ThingState, eventually, make_topics, new_event_type, read_all, running
from tests.support.victim import Work, dies

pytestmark = pytest.mark.servers


class Bench:
    """A database, a relay's connection, a producer and a topic of one test's own."""

    def __init__(self, database: Database, servers: str, event: type[ThingState]) -> None:
        self.database = database
        self.servers = servers
        self.event = event
        self.tenant = uuid4()

    async def connect(self) -> "asyncpg.Connection[Any]":
        return await asyncpg.connect(self.database.url, server_settings={"app.every_tenant": "on"})

    async def producer(self) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(**producer_config(self.servers, "test"))
        await producer.start()
        return producer

    async def add(self, thing: UUID, *sequences: int) -> None:
        for sequence in sequences:
            async with self.database.transaction(self.tenant) as session:
                await record(session, outbox, self.tenant, [self.make(thing, sequence)], NOW)

    def make(self, thing: UUID, sequence: int) -> Event:
        return self.event(thing_id=thing, sequence=sequence)

    async def published(self) -> list[tuple[str, int]]:
        records = await read_all(self.servers, self.event.type)
        return [(item.key.decode(), int(dict(item.headers)["ce_sequence"])) for item in records]

    async def unpublished(self) -> int:
        async with self.database.every_tenant() as session:
            return int(await session.scalar(text("SELECT count(*) FROM outbox WHERE published_at IS NULL")) or 0)


@pytest.fixture
async def bench(make_settings: MakeSettings, kafka: str) -> Any:
    settings = await make_settings("feedback", fresh=True)
    event = new_event_type()
    await make_topics(kafka, event, "test")
    database = Database(settings.database_url, pool_size=4, name="feedback")
    yield Bench(database, kafka, event)
    await database.close()


async def test_a_row_that_commits_after_a_younger_one_is_published_too(bench: Bench) -> None:
    older, younger = uuid4(), uuid4()
    connection, producer = await bench.connect(), await bench.producer()
    try:
        async with bench.database.transaction(bench.tenant) as slow:
            await record(slow, outbox, bench.tenant, [bench.make(older, 1)], NOW)
            await bench.add(younger, 1)
            assert await publish_batch(connection, producer) == 1
        assert await publish_batch(connection, producer) == 1
        assert await publish_batch(connection, producer) == 0
    finally:
        await producer.stop()
        await connection.close()
    assert sorted(await bench.published()) == sorted([(str(older), 1), (str(younger), 1)])


async def test_what_was_rolled_back_is_never_published(bench: Bench) -> None:
    with pytest.raises(RuntimeError):
        async with bench.database.transaction(bench.tenant) as session:
            await record(session, outbox, bench.tenant, [bench.make(uuid4(), 1)], NOW)
            raise RuntimeError("the use case fails")
    assert await bench.unpublished() == 0


async def relay_until_empty(bench: Bench) -> None:
    stop = asyncio.Event()
    with running(Relay(bench.database.url, bench.servers, "test").run(stop)) as relay:
        await eventually(lambda: _none_left(bench))
        stop.set()
        await relay


async def _none_left(bench: Bench) -> bool:
    return await bench.unpublished() == 0


async def test_a_relay_killed_between_commit_and_publish_leaves_all_to_the_next(bench: Bench) -> None:
    thing = uuid4()
    await bench.add(thing, 1, 2, 3)
    killed = await dies("before it publishes", Work(bench.database.url, bench.servers, bench.event.type))
    assert killed == -signal.SIGKILL
    assert (await bench.published(), await bench.unpublished()) == ([], 3)
    await relay_until_empty(bench)
    assert await bench.published() == [(str(thing), 1), (str(thing), 2), (str(thing), 3)]


async def test_a_relay_killed_between_publish_and_mark_is_repeated_and_order_holds(bench: Bench) -> None:
    thing, other = uuid4(), uuid4()
    await bench.add(thing, 1, 2)
    await bench.add(other, 1)
    killed = await dies("before it marks", Work(bench.database.url, bench.servers, bench.event.type))
    assert killed == -signal.SIGKILL
    assert sorted(await bench.published()) == sorted([(str(thing), 1), (str(other), 1)])
    assert await bench.unpublished() == 3
    await relay_until_empty(bench)
    seen = await bench.published()
    assert [sequence for key, sequence in seen if key == str(thing)] == [1, 1, 2]
    assert [sequence for key, sequence in seen if key == str(other)] == [1, 1]


class RefusesOnce:
    """A producer whose broker refuses the first record of one key."""

    def __init__(self, producer: AIOKafkaProducer, key: str) -> None:
        self.producer, self.key, self.refused = producer, key.encode(), False

    async def send_and_wait(self, topic: str, value: bytes, *, key: bytes, headers: Any) -> Any:
        if key == self.key and not self.refused:
            self.refused = True
            raise KafkaTimeoutError
        return await self.producer.send_and_wait(topic, value, key=key, headers=headers)


async def test_after_a_refusal_no_younger_row_of_that_aggregate_overtakes(bench: Bench) -> None:
    bad, good = uuid4(), uuid4()
    await bench.add(bad, 1, 2, 3)
    await bench.add(good, 1, 2)
    connection, producer = await bench.connect(), await bench.producer()
    try:
        flaky = RefusesOnce(producer, str(bad))
        with pytest.raises(KafkaTimeoutError):
            await publish_batch(connection, flaky)
        await publish_batch(connection, producer)
    finally:
        await producer.stop()
        await connection.close()
    seen = await bench.published()
    assert [sequence for key, sequence in seen if key == str(bad)] == [1, 2, 3]
    assert [sequence for key, sequence in seen if key == str(good)] == [1, 2]


async def leaders(bench: Bench) -> int:
    query = text(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    async with bench.database.every_tenant() as session:
        return int(await session.scalar(query) or 0)


async def test_of_two_relays_one_leads_and_the_other_takes_over(bench: Bench) -> None:
    things = [uuid4() for _ in range(5)]
    first_stop, second_stop = asyncio.Event(), asyncio.Event()
    with (
        running(Relay(bench.database.url, bench.servers, "test").run(first_stop)) as first,
        running(Relay(bench.database.url, bench.servers, "test").run(second_stop)),
    ):
        for sequence in range(1, 21):
            for thing in things:
                await bench.add(thing, sequence)
            assert await leaders(bench) <= 1
            if sequence == 10:
                await eventually(lambda: _none_left(bench))
                assert await leaders(bench) == 1
                first_stop.set()
                await first
        await eventually(lambda: _none_left(bench))
        second_stop.set()
    seen = await bench.published()
    for thing in things:
        assert [sequence for key, sequence in seen if key == str(thing)] == list(range(1, 21))


async def test_the_trace_goes_on_over_the_outbox_with_exactly_one_traceparent(bench: Bench) -> None:
    if not isinstance(trace.get_tracer_provider(), TracerProvider):
        trace.set_tracer_provider(TracerProvider())
    with span("POST /v1/things") as request:
        wanted = format(request.get_span_context().trace_id, "032x")
        await bench.add(uuid4(), 1)
    connection, producer = await bench.connect(), await bench.producer()
    try:
        await publish_batch(connection, producer)
    finally:
        await producer.stop()
        await connection.close()
    [item] = await read_all(bench.servers, bench.event.type)
    found = [value.decode() for name, value in item.headers if name == "traceparent"]
    assert len(found) == 1
    assert found[0].split("-")[1] == wanted


async def test_an_oversized_event_is_refused_at_the_insert(bench: Bench) -> None:
    class Huge(ThingState):
        type = bench.event.type
        padding: str

    with pytest.raises(Problem, match="262144"):
        async with bench.database.transaction(bench.tenant) as session:
            event = Huge(thing_id=uuid4(), sequence=1, padding="x" * MAX_PAYLOAD)
            await record(session, outbox, bench.tenant, [event], NOW)
    assert await bench.unpublished() == 0


def test_rounds_hold_each_aggregate_once_oldest_first_also_across_topics() -> None:
    pairs = [("a", "A"), ("b", "A"), ("a", "B"), ("a", "A"), ("b", "B")]
    rows = [Row(number, topic, key, b"", b"", None) for number, (topic, key) in enumerate(pairs)]
    assert [[row.id for row in group] for group in rounds(rows)] == [[0, 2], [1, 4], [3]]
