"""One consumer of Kafka that retries, dead-letters and recovers.

One task per partition. A message that fails goes to `<topic>.<group>.retry` and comes back after a
while; when that doesn't help it ends in `<topic>.<group>.dlq`, and its partition has long gone on. An
outage of the database is no fault of the message: the partition waits and tries it again in place.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from aiokafka import (
    AIOKafkaConsumer,
    AIOKafkaProducer,
    ConsumerRebalanceListener,
    ConsumerRecord,
    TopicPartition,
)
from aiokafka.errors import (
    CommitFailedError,
    IllegalStateError,
    KafkaError,
    MessageSizeTooLargeError,
)
from opentelemetry.trace import SpanKind
from prometheus_client import Counter, Gauge
from sqlalchemy import Table

from shared.clock import Clock, pause
from shared.contracts.envelope import TRACEPARENT, Event
from shared.db import Database, is_outage
from shared.handling import Handler, Handling, ManyHandler, Wanted
from shared.kafka import (
    ATTEMPT,
    ERROR,
    NOT_BEFORE,
    OFFSET,
    ORIGIN,
    PARTITION,
    close,
    consumer_config,
    dead_letter_topic,
    producer_config,
    retry_topic,
    told_to_end,
)
from shared.numbers import digits
from shared.telemetry import current_traceparent, span

log = logging.getLogger(__name__)

RETRY_DELAYS = (timedelta(seconds=1), timedelta(seconds=5), timedelta(seconds=30))
DRAIN_SECONDS = 25.0
COMMIT_SECONDS = 10.0
WATCH_SECONDS = 10.0
STALL_SECONDS = 60.0
MOST_WAITING = 100
"""Messages taken of one partition that wait to be handled; no more are taken until they are in hand."""
POLL_SECONDS = 0.2
ROOM_SECONDS = 0.05
"""For so long what comes of other partitions waits at most while one of them is full."""

HANDLED = Counter("kafka_messages_total", "Messages handled, by outcome", ["topic", "outcome"])
LAG = Gauge("kafka_consumer_lag", "Messages not yet handled", ["topic", "partition"])
OLDEST = Gauge("kafka_oldest_unhandled_seconds", "Age of the message in hand", ["topic", "partition"])


@dataclass(slots=True)
class _Partition:
    """The work in hand of one partition: what was fetched and waits, and the task that works through it."""

    waiting: "deque[ConsumerRecord[bytes, bytes]]" = field(default_factory=deque)
    task: asyncio.Task[None] | None = None
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_full(self) -> bool:
        return len(self.waiting) >= MOST_WAITING


class _Progress:
    """Watches that messages which wait are fetched; every 10 s it asks the broker how many there are."""

    def __init__(self) -> None:
        self.checked = self.moved = time.monotonic()
        self.positions: dict[TopicPartition, int] = {}

    async def check(self, consumer: AIOKafkaConsumer, in_hand: Mapping[TopicPartition, _Partition]) -> None:
        """Raises TimeoutError when messages wait at the broker and no position has moved for a minute."""
        now = time.monotonic()
        if now - self.checked < WATCH_SECONDS:
            return
        self.checked = now
        assigned = consumer.assignment()
        if not assigned:
            return
        ends = await asyncio.wait_for(consumer.end_offsets(assigned), 15)
        positions = {tp: await asyncio.wait_for(consumer.position(tp), 15) for tp in assigned & consumer.assignment()}
        for partition, position in positions.items():
            fetched = len(in_hand[partition].waiting) if partition in in_hand else 0
            LAG.labels(partition.topic, partition.partition).set(max(0, ends[partition] - position) + fetched)
        full = {tp for tp, state in in_hand.items() if state.is_full}
        waiting = any(ends[tp] > at for tp, at in positions.items() if tp not in full)
        if not waiting or positions != self.positions:
            self.moved, self.positions = now, positions
        elif now - self.moved > STALL_SECONDS:
            raise TimeoutError("messages wait, but none come")


class _StartOver(Exception):
    """A batch failed in a way that nobody foresaw: its client goes, and another one takes the batch up again."""


class Consumer:
    """One consumer group's member: {event type: handler}, each event in a transaction of its tenant."""

    def __init__(
        self,
        *,
        bootstrap_servers: str,
        group: str,
        catalogue: Mapping[str, type[Event]],
        handlers: Mapping[type[Event], Handler],
        inbox: Table,
        database: Database,
        clock: Clock,
        many: Mapping[type[Event], ManyHandler] | None = None,
        wanted: Mapping[type[Event], Wanted] | None = None,
        retry_delays: Sequence[timedelta] = RETRY_DELAYS,
    ) -> None:
        self.bootstrap_servers = bootstrap_servers
        self.group = group
        self.clock = clock
        self.handling = Handling(
            group=group,
            catalogue=catalogue,
            handlers=handlers,
            many=many or {},
            wanted=wanted or {},
            inbox=inbox,
            database=database,
            clock=clock,
        )
        self.retry_delays = retry_delays
        self.ready = False
        self._producer: AIOKafkaProducer | None = None
        self._partitions: dict[TopicPartition, _Partition] = {}
        self._room = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Consumes until `stop`, then drains. A lost broker means a new client, however often."""
        while not stop.is_set():
            try:
                await self._consume(stop)
            except (KafkaError, OSError, TimeoutError, _StartOver, asyncio.CancelledError) as error:
                if isinstance(error, asyncio.CancelledError) and told_to_end():
                    raise
                self.ready = False
                log.warning("consumer starts over: %s", type(error).__name__)
                await pause(stop, 1.0)

    async def _consume(self, stop: asyncio.Event) -> None:
        topics = [name for topic in self.handling.handlers for name in (topic, retry_topic(topic, self.group))]
        consumer = AIOKafkaConsumer(**consumer_config(self.bootstrap_servers, self.group))
        producer = AIOKafkaProducer(**producer_config(self.bootstrap_servers, self.group))
        self._producer = producer
        failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        try:
            await asyncio.wait_for(producer.start(), 20)
            consumer.subscribe(topics, listener=_Listener(self))
            await asyncio.wait_for(consumer.start(), 60)
            self.ready = True
            await self._poll(consumer, failure, stop)
        finally:
            self.ready = False
            await self.drain(list(self._partitions))
            failure.cancel()
            await close(consumer)
            await close(producer)

    async def _poll(self, consumer: AIOKafkaConsumer, failure: asyncio.Future[None], stop: asyncio.Event) -> None:
        watch = _Progress()
        while not stop.is_set():
            batches = await self._next(consumer)
            if failure.done():
                # Before anything that follows is begun: it would be committed past what failed.
                failure.result()
            for partition, records in batches.items():
                state = self._partitions.setdefault(partition, _Partition())
                state.waiting.extend(records)
                if state.task is None or state.task.done():
                    state.task = asyncio.create_task(self._work(consumer, partition, state, failure))
            await watch.check(consumer, self._partitions)

    async def _next(
        self, consumer: AIOKafkaConsumer
    ) -> Mapping[TopicPartition, Sequence["ConsumerRecord[bytes, bytes]"]]:
        """What has come of the partitions that have room.

        They are named, and none is ever paused: of a paused one aiokafka throws away what it has fetched, to fetch it
        again once the fetch under way is over, which takes half a second.
        """
        assigned = consumer.assignment()
        room = [one for one in assigned if one not in self._partitions or not self._partitions[one].is_full]
        if len(room) == len(assigned):
            everything: Mapping[TopicPartition, Any] = await consumer.getmany(
                timeout_ms=int(POLL_SECONDS * 1000), max_records=MOST_WAITING
            )
            return everything
        self._room.clear()
        batches: Mapping[TopicPartition, Any] = {}
        if room:
            batches = await consumer.getmany(*room, timeout_ms=0, max_records=MOST_WAITING)
        if not batches:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._room.wait(), ROOM_SECONDS)
        return batches

    async def _work(
        self,
        consumer: AIOKafkaConsumer,
        partition: TopicPartition,
        state: _Partition,
        failure: asyncio.Future[None],
    ) -> None:
        """Works through what waits of one partition, and commits as far as it came."""
        try:
            while state.waiting and not state.stop.is_set():
                batch = [state.waiting.popleft() for _ in range(min(len(state.waiting), MOST_WAITING))]
                self._room.set()
                done = await self._through(partition, batch, state.stop)
                if done is not None:
                    await asyncio.wait_for(consumer.commit({partition: done + 1}), COMMIT_SECONDS)
        except (CommitFailedError, IllegalStateError):
            log.info("a batch is no longer this member's; another one handles it again")
        except (KafkaError, OSError, TimeoutError) as error:
            _fail(failure, error)
        except asyncio.CancelledError:
            if told_to_end():
                raise
            _fail(failure, _StartOver("CancelledError"))
        except Exception as error:
            # Nothing of the batch may be passed over, whatever happened to it.
            log.exception("a batch failed")
            _fail(failure, _StartOver(type(error).__name__))

    async def _through(
        self, partition: TopicPartition, batch: Sequence["ConsumerRecord[bytes, bytes]"], stop: asyncio.Event
    ) -> int | None:
        """The offset of the last record that was handled; None where there was none before `stop`."""
        done: int | None = None
        oldest = OLDEST.labels(partition.topic, partition.partition)
        oldest.set(max(0.0, self.clock().timestamp() - batch[0].timestamp / 1000))
        if await self.handling.apply_together(batch):
            HANDLED.labels(partition.topic, "applied").inc(len(batch))
            oldest.set(0)
            return int(batch[-1].offset)
        for record in batch:
            oldest.set(max(0.0, self.clock().timestamp() - record.timestamp / 1000))
            if not await self._until_due(record, stop) or not await self.handle(record, stop):
                break
            done = record.offset
        oldest.set(0)
        return done

    async def _until_due(self, record: "ConsumerRecord[bytes, bytes]", stop: asyncio.Event) -> bool:
        """Waits, outside any handler, until a retried message is due; False when told to stop meanwhile."""
        delay = _seconds_until(_headers(record).get(NOT_BEFORE, b""), self.clock())
        if delay > 0:
            await pause(stop, delay)
        return not stop.is_set()

    async def handle(self, record: "ConsumerRecord[bytes, bytes]", stop: asyncio.Event) -> bool:
        """Applies one record or passes it on; False when told to stop before either was possible."""
        backoff = 0.2
        while not stop.is_set():
            try:
                await self.handling.apply(record)
                HANDLED.labels(record.topic, "applied").inc()
                return True
            except Exception as error:
                # Whatever a handler raises must not stop its partition: it is retried and dead-lettered.
                if not is_outage(error):
                    log.exception("a message failed", extra={"fields": _where(record)})
                    await self._pass_on(record, error)
                    return True
                log.warning("the database is away, a message waits: %s", type(error).__name__)
                await pause(stop, backoff)
                backoff = min(backoff * 2, 5.0)
        return False

    async def _pass_on(self, record: "ConsumerRecord[bytes, bytes]", error: Exception) -> None:
        """To the retry topic while tries are left, then to the dead-letter topic."""
        headers = _headers(record)
        origin = headers.get(ORIGIN, record.topic.encode()).decode(errors="replace")
        attempt = digits(headers.get(ATTEMPT, b"")) or 0
        # The type, and our own texts: a driver's message may quote a value.
        reason = f"{type(error).__name__}: {error}" if isinstance(error, ValueError) else type(error).__name__
        headers |= {ORIGIN: origin.encode(), ERROR: reason.encode(), ATTEMPT: str(attempt + 1).encode()}
        if attempt < len(self.retry_delays):
            topic = retry_topic(origin, self.group)
            headers[NOT_BEFORE] = (self.clock() + self.retry_delays[attempt]).isoformat().encode()
        else:
            topic = dead_letter_topic(origin, self.group)
            headers.pop(NOT_BEFORE, None)
        try:
            await self._send(topic, record.key, record.value, headers)
        except MessageSizeTooLargeError:
            # With the headers it no longer fits: what is left is where it lies, and why it is a dead letter.
            topic = dead_letter_topic(origin, self.group)
            where = {PARTITION: str(record.partition).encode(), OFFSET: str(record.offset).encode()}
            told = f"{reason}; its {len(record.value or b'')} bytes are too large to be kept".encode()
            await self._send(topic, record.key, b"", _small(headers) | where | {ERROR: told})
        HANDLED.labels(record.topic, "retried" if topic.endswith(".retry") else "dead").inc()

    async def _send(self, topic: str, key: bytes | None, value: bytes | None, headers: dict[str, bytes]) -> None:
        if self._producer is None:
            raise TimeoutError("the producer is gone")
        parent = headers.get(TRACEPARENT, b"").decode(errors="replace") or None
        with span(f"{topic} publish", SpanKind.PRODUCER, parent=parent):
            headers = headers | {TRACEPARENT: (current_traceparent() or "").encode()}
            sending = self._producer.send_and_wait(topic, value, key=key, headers=list(headers.items()))
            await asyncio.wait_for(sending, 20)

    async def drain(self, partitions: Sequence[TopicPartition]) -> None:
        """Lets the messages in hand of these partitions finish, for at most 25 s."""
        tasks = []
        for partition in partitions:
            state = self._partitions.pop(partition, None)
            if state is not None:
                state.stop.set()
                if state.task is not None and not state.task.done():
                    tasks.append(state.task)
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=DRAIN_SECONDS)
            for task in late:
                task.cancel()


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc] # aiokafka ships no types
    """Partitions that go are drained first, so that their offsets are committed by who handled them."""

    def __init__(self, consumer: Consumer) -> None:
        self.consumer = consumer

    async def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> None:
        await self.consumer.drain(list(revoked))

    async def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        log.info("%d partitions assigned", len(assigned))


def _where(record: "ConsumerRecord[bytes, bytes]") -> dict[str, Any]:
    return {"topic": record.topic, "partition": record.partition, "offset": record.offset}


def _fail(failure: asyncio.Future[None], error: Exception) -> None:
    if not failure.done():
        failure.set_exception(error)


def _headers(record: "ConsumerRecord[bytes, bytes]") -> dict[str, bytes]:
    """A record's headers; somebody else's may have no value."""
    return {name: value or b"" for name, value in record.headers}


def _small(headers: dict[str, bytes]) -> dict[str, bytes]:
    return {name: value for name, value in headers.items() if len(value) <= 1_000}


def _seconds_until(moment: bytes, now: datetime) -> float:
    """How long until a time in a header; nothing where it is none, since then nobody may wait for it."""
    try:
        return (datetime.fromisoformat(moment.decode()) - now).total_seconds()
    except (ValueError, TypeError):
        return 0.0
