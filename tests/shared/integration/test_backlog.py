"""What waits in a partition is taken as it is worked through: fetched once, and in nobody's way."""

import asyncio
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiokafka.consumer import fetcher
from sqlalchemy.ext.asyncio import AsyncSession

from shared.consumer import MOST_WAITING
from shared.contracts.envelope import Envelope
from tests.support.consuming import Bench
from tests.support.streams import eventually, publish

pytestmark = pytest.mark.servers
BACKLOG = 3 * MOST_WAITING + 50


async def test_a_backlog_is_fetched_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not again for each hundred of it: that takes half a second each, and all of it comes again."""
    fetched: list[str] = []
    make = fetcher.FetchResult.__init__

    def counted(self: Any, tp: Any, **more: Any) -> None:
        fetched.append(tp.topic)
        make(self, tp, **more)

    monkeypatch.setattr(fetcher.FetchResult, "__init__", counted)
    thing = uuid4()
    await publish(bench.servers, *(bench.thing(thing, number) for number in range(1, BACKLOG + 1)))
    async with bench.running():
        await eventually(lambda: _all_of(bench, thing, BACKLOG))
    assert [sequence for _, sequence in bench.calls] == list(range(1, BACKLOG + 1))
    assert fetched.count(bench.event.type) == 1


async def test_a_partition_that_is_full_is_in_no_others_way_and_goes_on_where_it_was(bench: Bench) -> None:
    held, go_on = uuid4(), asyncio.Event()

    async def waits(session: AsyncSession, item: Envelope[Any], now: datetime) -> None:
        if item.event.thing_id == held:
            await go_on.wait()
        await bench.handle(session, item, now)

    await publish(bench.servers, *(bench.thing(held, number) for number in range(1, BACKLOG + 1)))
    async with bench.running(bench.consumer(waits)) as consumer:
        await eventually(lambda: _is_full(consumer))
        # Of so many at least one is in another partition.
        others = [bench.thing() for _ in range(12)]
        await publish(bench.servers, *others)
        await eventually(lambda: _some_of(bench, others))
        assert max(len(state.waiting) for state in consumer._partitions.values()) < 2 * MOST_WAITING
        go_on.set()
        await eventually(lambda: _all_of(bench, held, BACKLOG))
    assert [number for thing, number in bench.calls if thing == held] == list(range(1, BACKLOG + 1))


async def _is_full(consumer: Any) -> bool:
    return any(state.is_full for state in consumer._partitions.values())


async def _some_of(bench: Bench, things: list[Envelope[Any]]) -> bool:
    return bool({one.event.subject for one in things} & {thing for thing, _ in bench.calls})


async def _all_of(bench: Bench, thing: UUID, number: int) -> bool:
    return (await bench.effects()).get(str(thing), 0) == number
