"""The consumer: each effect once, poison out of the way, nothing lost on a rebalance or a crash."""

import asyncio
import signal
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared import dlq
from shared.consumer import Consumer
from shared.contracts.envelope import Envelope
from shared.kafka import (
    consumer_config,
    dead_letter_topic,
    producer_config,
    retry_topic,
)
from tests.support.consuming import QUICK, TRACE, Bench
from tests.support.streams import (
    eventually,
    publish,
    publish_raw,
    read_all,
)
from tests.support.victim import Work, dies

pytestmark = pytest.mark.servers


def test_the_settings_are_the_safe_ones() -> None:
    producer, consumer = producer_config("k:9092", "s"), consumer_config("k:9092", "g")
    assert producer["acks"] == "all"
    assert not producer["enable_idempotence"]
    assert 10_000 <= producer["request_timeout_ms"] <= 15_000
    assert "transactional_id" not in producer
    assert consumer["auto_offset_reset"] == "earliest"
    assert consumer["enable_auto_commit"] is False
    assert consumer["rebalance_timeout_ms"] == 60_000
    assert "group_instance_id" not in consumer


async def test_the_same_event_twice_takes_effect_once(bench: Bench) -> None:
    one, last = bench.thing(), bench.thing()
    await publish(bench.servers, one, one, one, last)
    async with bench.running():
        await eventually(lambda: bench.has_effects(one, last))
    assert await bench.effects() == {str(one.event.subject): 1, str(last.event.subject): 1}


async def test_a_poison_message_is_retried_dead_lettered_passed_by_and_replayed_after_a_fix(bench: Bench) -> None:
    poison, after = replace(bench.thing(), traceparent=f"00-{TRACE}-b7ad6b7169203331-01"), bench.thing()
    bench.broken.add(poison.event.subject)
    letters = dead_letter_topic(bench.event.type, bench.group)

    async def dead() -> list[dlq.DeadLetter]:
        return await dlq.read(bench.servers, [letters])

    async with bench.running():
        await publish(bench.servers, poison, after)
        await eventually(lambda: bench.has_effects(after))
        [letter] = await eventually(dead)
        assert letter.summary()["attempts"] == len(QUICK) + 1
        assert letter.summary()["error"] == "RuntimeError"
        assert letter.id == str(poison.id)
        for topic in (retry_topic(bench.event.type, bench.group), letters):
            for kept in await read_all(bench.servers, topic):
                [parent] = [value for name, value in kept.headers if name == "traceparent"]
                assert parent.decode().split("-")[1] == TRACE
        assert bench.calls.count((poison.event.subject, 1)) == len(QUICK) + 1
        times = [at for at, call in zip(bench.called_at, bench.calls, strict=True) if call[0] == poison.event.subject]
        waits = [later - earlier for earlier, later in pairwise(times)]
        assert all(wait >= delay.total_seconds() for wait, delay in zip(waits, QUICK, strict=True))
        assert not await bench.has_effects(poison)

        bench.broken.clear()
        assert await dlq.replay(bench.servers, letters, letter.id) == 1
        await eventually(lambda: bench.has_effects(poison))
    assert await dead() == []
    assert await bench.effects() == {str(poison.event.subject): 1, str(after.event.subject): 1}


async def test_garbage_ends_in_the_dead_letter_topic_without_its_words_in_the_reason(bench: Bench) -> None:
    await publish_raw(bench.servers, bench.event.type, b"Sam Rivera, +12025550123", [("ce_type", b"x")])
    after = bench.thing()
    async with bench.running():
        await publish(bench.servers, after)
        await eventually(lambda: bench.has_effects(after))

        async def dead() -> list[dlq.DeadLetter]:
            return await dlq.read(bench.servers, [dead_letter_topic(bench.event.type, bench.group)])

        [letter] = await eventually(dead)
    assert "Malformed" in letter.summary()["error"]
    assert "Sam" not in letter.summary()["error"]


@pytest.mark.parametrize(
    "header",
    [
        ("traceparent", b"\xff\xfe"),
        ("traceparent", None),
        ("x-attempt", b"abc"),
        ("x-not-before", b"soon"),
        ("foo", None),
    ],
)
async def test_a_record_with_odd_headers_is_dead_lettered_and_takes_no_other_along(
    header: tuple[str, bytes | None], bench: Bench
) -> None:
    before, after = bench.thing(), bench.thing()
    letters = dead_letter_topic(bench.event.type, bench.group)
    await publish(bench.servers, before)
    await publish_raw(bench.servers, bench.event.type, b"no event", [header])  # type: ignore[list-item] # that is the point
    await publish(bench.servers, after)

    async def dead() -> list[dlq.DeadLetter]:
        return await dlq.read(bench.servers, [letters])

    async with bench.running():
        await eventually(lambda: bench.has_effects(before, after))
        [letter] = await eventually(dead)
    assert letter.value == b"no event"
    assert letter.summary()["error"].startswith("Malformed")


async def test_letters_without_an_id_are_told_apart_and_each_is_replayed(bench: Bench) -> None:
    letters = dead_letter_topic(bench.event.type, bench.group)
    for number in range(3):
        await publish_raw(bench.servers, bench.event.type, b"no event %d" % number, [])

    async def dead() -> list[dlq.DeadLetter]:
        return await dlq.read(bench.servers, [letters])

    async def three() -> bool:
        return len(await dead()) == 3

    async with bench.running():
        await eventually(three)
    assert len({letter.id for letter in await dead()}) == 3
    assert await dlq.replay(bench.servers, letters) == 3
    assert await dead() == []


async def test_a_record_that_is_too_large_to_be_kept_is_told_of_and_passed_by(bench: Bench) -> None:
    after = bench.thing()
    await publish_raw(bench.servers, bench.event.type, b"x" * 1_048_450, [])
    await publish(bench.servers, after)

    async def dead() -> list[dlq.DeadLetter]:
        return await dlq.read(bench.servers, [dead_letter_topic(bench.event.type, bench.group)])

    async with bench.running():
        await eventually(lambda: bench.has_effects(after))
        [letter] = await eventually(dead)
    assert (letter.value, letter.headers["x-origin-offset"].isdigit()) == (b"", True)
    assert "1048450 bytes" in letter.summary()["error"]


async def test_a_batch_that_fails_unforeseen_is_taken_up_again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever goes wrong outside a handler: nothing is committed past it, nor by a batch that follows at once."""
    thing = uuid4()
    things = [bench.thing(thing, sequence) for sequence in range(1, 251)]
    handle = Consumer.handle
    failed: list[Any] = []

    async def fails_once(self: Consumer, record: Any, stop: asyncio.Event) -> bool:
        if not failed:
            failed.append(record)
            raise RuntimeError("nobody foresaw this")
        return await handle(self, record, stop)

    async def all_of_it() -> bool:
        return len(set(bench.calls)) == len(things)

    monkeypatch.setattr(Consumer, "handle", fails_once)
    await publish(bench.servers, *things)
    async with bench.running():
        await eventually(all_of_it)
    assert failed
    assert await bench.effects() == {str(thing): len(things)}


async def test_a_consumer_killed_between_database_commit_and_offset_commit_repeats_no_effect(bench: Bench) -> None:
    one = bench.thing()
    await publish(bench.servers, one)
    work = Work(bench.database.url, bench.servers, bench.event.type, bench.group)
    assert await dies("before it commits its offset", work) == -signal.SIGKILL
    assert await bench.effects() == {str(one.event.subject): 1}
    assert await bench.committed() == 0

    last = bench.thing()
    await publish(bench.servers, last)
    async with bench.running():
        await eventually(lambda: bench.has_effects(last))
    assert await bench.effects() == {str(one.event.subject): 1, str(last.event.subject): 1}
    assert await bench.committed() == 2


async def test_a_consumer_that_stops_finishes_what_it_has_in_hand(bench: Bench) -> None:
    """Its effect is committed, and so is its offset, so that the next member isn't given it again."""
    one = bench.thing()
    began, go_on, stop = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def slow(session: AsyncSession, item: Envelope[Any], now: datetime) -> None:
        began.set()
        await go_on.wait()
        await bench.handle(session, item, now)

    await publish(bench.servers, one)
    consuming = asyncio.create_task(bench.consumer(slow).run(stop))
    await asyncio.wait_for(began.wait(), 20)
    stop.set()
    left, _ = await asyncio.wait({consuming}, timeout=1)
    go_on.set()
    await asyncio.wait_for(consuming, 20)
    assert not left, "it left while a handler was running"
    assert await bench.effects() == {str(one.event.subject): 1}
    assert await bench.committed() == 1


async def test_a_consumer_to_which_nothing_comes_though_messages_wait_starts_over(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch = AIOKafkaConsumer.getmany
    deaf: list[AIOKafkaConsumer] = []

    async def comes_to_the_second_client_only(self: AIOKafkaConsumer, **how: Any) -> Any:
        if not deaf:
            deaf.append(self)
        if self is deaf[0]:
            await asyncio.sleep(0.05)
            return {}
        return await fetch(self, **how)

    monkeypatch.setattr(AIOKafkaConsumer, "getmany", comes_to_the_second_client_only)
    monkeypatch.setattr("shared.consumer.WATCH_SECONDS", 0.1)
    monkeypatch.setattr("shared.consumer.STALL_SECONDS", 0.5)
    one = bench.thing()
    await publish(bench.servers, one)
    async with bench.running():
        await eventually(lambda: bench.has_effects(one))
    assert deaf


async def test_a_rebalance_while_handlers_run_loses_nothing_and_repeats_no_effect(bench: Bench) -> None:
    bench.delay = 0.02
    things = [bench.thing() for _ in range(60)]
    await publish(bench.servers, *things)
    async with bench.running(), bench.running():
        await eventually(lambda: bench.has_effects(things[0]))
        async with bench.running():
            await eventually(lambda: bench.has_effects(*things), seconds=60)
    assert await bench.effects() == {str(one.event.subject): 1 for one in things}


async def test_while_the_database_is_away_messages_wait_and_none_is_dead_lettered(bench: Bench) -> None:
    one = bench.thing()
    away, tried = True, asyncio.Event()

    async def handle(session: AsyncSession, item: Envelope[Any], now: datetime) -> None:
        if away:
            tried.set()
            raise ConnectionRefusedError("the database is away")
        await bench.handle(session, item, now)

    await publish(bench.servers, one)
    async with bench.running(bench.consumer(handle)):
        await asyncio.wait_for(tried.wait(), 20)
        assert await bench.effects() == {}
        away = False
        await eventually(lambda: bench.has_effects(one))
    assert await read_all(bench.servers, retry_topic(bench.event.type, bench.group)) == []


async def test_the_handler_runs_in_the_trace_of_the_message(bench: Bench) -> None:
    traced = replace(bench.thing(), traceparent=f"00-{TRACE}-b7ad6b7169203331-01")
    await publish(bench.servers, traced)
    async with bench.running():
        await eventually(lambda: bench.has_effects(traced))
    assert bench.traces == [TRACE]


async def test_a_value_that_fits_no_column_is_dead_lettered_rather_than_waited_for(bench: Bench) -> None:
    async def handle(session: AsyncSession, item: Envelope[Any], _now: datetime) -> None:
        if item.event.sequence > 2**31:
            await session.execute(text("SELECT CAST(:number AS integer)"), {"number": item.event.sequence})
        await bench.handle(session, item, _now)

    huge, after = bench.thing(sequence=2**40), bench.thing()

    async def dead() -> list[dlq.DeadLetter]:
        return await dlq.read(bench.servers, [dead_letter_topic(bench.event.type, bench.group)])

    await publish(bench.servers, huge, after)
    async with bench.running(bench.consumer(handle)):
        await eventually(lambda: bench.has_effects(after))
        [letter] = await eventually(dead)
    assert letter.id == str(huge.id)
