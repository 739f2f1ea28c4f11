"""Events that are handled together where several wait, and one by one where that fails."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiokafka import ConsumerRecord
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.feedback.tables import inbox, outbox
from shared.clock import system_clock
from shared.contracts.envelope import Envelope
from shared.handling import Arrived, Handling
from shared.outbox import record
from shared.telemetry import trace_id, under
from tests.support.consuming import TRACE, Bench
from tests.support.streams import envelope, eventually, publish_raw

pytestmark = pytest.mark.servers


class Together:
    """Notes which events were handled together, and under which trace each; one that is `broken` fails them all."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.calls: list[list[UUID]] = []
        self.traces: list[str | None] = []
        self.broken: set[UUID] = set()
        self.unwanted_by: set[UUID] = set()

    async def handle(self, session: AsyncSession, tenant: UUID, arrived: Sequence[Arrived], now: datetime) -> None:
        self.calls.append([one.envelope.event.subject for one in arrived])
        for one in arrived:
            with under(one.span):
                self.traces.append(trace_id())
        await record(session, outbox, tenant, [one.envelope.event for one in arrived], now)
        if self.broken.intersection(self.calls[-1]):
            raise RuntimeError("this handler has a bug")

    async def is_wanted(self, session: AsyncSession, event_type: str) -> bool:
        assert event_type == self.bench.event.type
        tenant = await session.scalar(text("SELECT current_setting('app.tenant')::uuid"))
        return tenant not in self.unwanted_by

    def handling(self) -> Handling:
        event = self.bench.event
        return Handling(
            group=self.bench.group,
            catalogue={event.type: event},
            handlers={event: self.bench.handle},
            many={event: self.handle},
            wanted={event: self.is_wanted},
            inbox=inbox,
            database=self.bench.database,
            clock=system_clock,
        )


def records(bench: Bench, *envelopes: Envelope[Any]) -> list[Any]:
    return [
        ConsumerRecord(
            bench.event.type,
            0,
            number,
            0,
            0,
            str(one.event.subject).encode(),
            one.event.model_dump_json().encode(),
            None,
            0,
            0,
            one.headers(),
        )
        for number, one in enumerate(envelopes)
    ]


async def test_those_of_a_tenant_share_a_transaction_each_once_and_under_its_own_trace(bench: Bench) -> None:
    if not isinstance(trace.get_tracer_provider(), TracerProvider):
        trace.set_tracer_provider(TracerProvider())
    together = Together(bench)
    first, second = bench.thing(), bench.thing()
    traced = replace(second, traceparent=f"00-{TRACE}-b7ad6b7169203331-01")
    stranger = envelope(bench.event(thing_id=uuid4(), sequence=1), uuid4())
    assert await together.handling().apply_together(records(bench, first, traced, stranger, first))
    assert together.calls == [[first.event.subject, second.event.subject], [stranger.event.subject]]
    assert together.traces[1] == TRACE
    assert len(set(together.traces)) == 3
    assert await bench.effects() == {str(one.event.subject): 1 for one in (first, second)}
    assert await together.handling().apply_together(records(bench, traced, first))
    assert len(together.calls) == 2, "both were known"


async def test_of_what_a_tenant_does_not_want_nothing_is_kept(bench: Bench) -> None:
    together = Together(bench)
    first, second = bench.thing(), bench.thing()
    other = envelope(bench.event(thing_id=uuid4(), sequence=1), uuid4())
    together.unwanted_by.add(first.tenant)
    await together.handling().apply(records(bench, first)[0])
    assert await together.handling().apply_together(records(bench, first, other, second))
    assert together.calls == [[other.event.subject]]
    assert await bench.effects() == {}
    # Wanted from now on, they are new.
    together.unwanted_by.clear()
    await together.handling().apply(records(bench, first)[0])
    assert await together.handling().apply_together(records(bench, first, second, other))
    assert together.calls == [[other.event.subject], [second.event.subject]]
    assert await bench.effects() == {str(one.event.subject): 1 for one in (first, second)}


async def test_one_alone_or_of_a_kind_that_nobody_takes_together_is_left(bench: Bench) -> None:
    together = Together(bench)
    assert not await together.handling().apply_together(records(bench, bench.thing()))
    alone = together.handling()
    alone.many = {}
    assert not await alone.apply_together(records(bench, bench.thing(), bench.thing()))
    assert await bench.effects() == {}


async def test_what_fails_together_leaves_nothing_and_is_handled_one_by_one(bench: Bench) -> None:
    together = Together(bench)
    good, bad, last = bench.thing(), bench.thing(), bench.thing()
    together.broken.add(bad.event.subject)
    bench.broken.add(bad.event.subject)
    consumer = bench.consumer()
    consumer.handling = together.handling()
    for one in (good, bad, last):
        # With the same key, so that they wait in one partition.
        value = one.event.model_dump_json().encode()
        await publish_raw(bench.servers, bench.event.type, value, one.headers())
    async with bench.running(consumer):
        await eventually(lambda: bench.has_effects(good, last))
    assert together.calls, "they were tried together"
    assert await bench.effects() == {str(one.event.subject): 1 for one in (good, last)}
