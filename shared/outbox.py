"""Events leave a service through its outbox: recorded in the transaction of the change, relayed to Kafka later.

One relay a database is the leader, by a session advisory lock on its own connection. It sends the
oldest unpublished row of each key, waits for every acknowledgement, marks those rows, and only then
sends the next row of a key: order per key holds through any failure, and nothing is published only
once by luck. Delivery is at least once; consumers keep an inbox (`shared.inbox`).
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from opentelemetry.trace import SpanKind
from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Identity,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from shared.clock import pause
from shared.contracts.envelope import TRACEPARENT, Envelope, Event
from shared.db import CONNECTION_FAILURES
from shared.errors import Kind, Problem
from shared.kafka import close, producer_config, told_to_end
from shared.rows import insert_row
from shared.telemetry import current_traceparent, span

log = logging.getLogger(__name__)

MAX_PAYLOAD = 262_144
BATCH = 500
POLL_SECONDS = 0.05
ACK_SECONDS = 20.0
LEADER_LOCK = 0x52_61_70_70  # "Rapp": any constant does, one per database


def outbox_table(metadata: MetaData) -> Table:
    """The service's outbox; `shared.migrations.OUTBOX_V1` creates it."""
    return Table(
        "outbox",
        metadata,
        Column("id", BigInteger, Identity(always=True), primary_key=True),
        Column("tenant_id", Uuid, nullable=False),
        Column("event_id", Uuid, nullable=False),
        Column("topic", Text, nullable=False),
        Column("key", Text, nullable=False),
        Column("headers", LargeBinary, nullable=False),
        Column("payload", LargeBinary, nullable=False),
        Column("traceparent", Text),
        Column("created_at", DateTime(timezone=True), nullable=False),
        Column("published_at", DateTime(timezone=True)),
    )


GIVEN = ("tenant_id", "event_id", "topic", "key", "headers", "payload", "traceparent")
"""The columns of a new row; the database sets the others."""


async def record(session: AsyncSession, table: Table, tenant: UUID, events: Iterable[Event], now: datetime) -> None:
    """Adds events to the caller's transaction; call it after the aggregate's lock is held. Raises as `row` does."""
    rows = [row(tenant, event, now) for event in events]
    for each in rows:
        await insert_row(session, table, each)


def row(tenant: UUID, event: Event, now: datetime) -> dict[str, Any]:
    """An event as values of the outbox.

    Raises Problem `event_too_large` above 256 KiB: an oversized row would block its key for ever.
    """
    payload = event.model_dump_json().encode()
    if len(payload) > MAX_PAYLOAD:
        told = f"All this together is too much for one {event.type} event, which may have {MAX_PAYLOAD} bytes."
        raise Problem(Kind.TOO_LARGE, "event_too_large", told, field="body")
    envelope = Envelope(id=uuid7(), tenant=tenant, time=now, event=event)
    return {
        "tenant_id": tenant,
        "event_id": envelope.id,
        "topic": event.type,
        "key": str(event.subject),
        "headers": pack_headers(envelope.headers()),
        "payload": payload,
        "traceparent": current_traceparent(),
    }


def pack_headers(headers: Sequence[tuple[str, bytes]]) -> bytes:
    return b"\n".join(name.encode() + b":" + value for name, value in headers)


def unpack_headers(packed: bytes) -> list[tuple[str, bytes]]:
    pairs = (line.split(b":", 1) for line in packed.split(b"\n"))
    return [(name.decode(), value) for name, value in pairs]


@dataclass(frozen=True, slots=True)
class Row:
    """One unpublished event."""

    id: int
    topic: str
    key: str
    headers: bytes
    payload: bytes
    traceparent: str | None


class Relay:
    """Publishes the outbox of one database for as long as it leads."""

    def __init__(self, database_url: str, bootstrap_servers: str, service: str) -> None:
        self.database_url = database_url
        self.bootstrap_servers = bootstrap_servers
        self.service = service

    async def run(self, stop: asyncio.Event) -> None:
        """Leads, or waits to lead, until `stop`; any failure begins again from the oldest unpublished row."""
        while not stop.is_set():
            try:
                async with self._leadership(stop) as connection:
                    if connection is not None:
                        await self._lead(connection, stop)
            except (*CONNECTION_FAILURES, KafkaError, asyncio.CancelledError) as error:
                if isinstance(error, asyncio.CancelledError) and told_to_end():
                    raise
                log.warning("relay starts over: %s", type(error).__name__)
                await pause(stop, 1.0)

    async def _lead(self, connection: "asyncpg.Connection[Any]", stop: asyncio.Event) -> None:
        producer = AIOKafkaProducer(**producer_config(self.bootstrap_servers, self.service))
        try:
            await asyncio.wait_for(producer.start(), ACK_SECONDS)
            while not stop.is_set():
                # Few at a time would cost Kafka, and each of its readers, as much as many.
                if await publish_batch(connection, producer) < BATCH:
                    await pause(stop, POLL_SECONDS)
        finally:
            await close(producer)

    @asynccontextmanager
    async def _leadership(self, stop: asyncio.Event) -> "AsyncIterator[asyncpg.Connection[Any] | None]":
        """The connection that holds the leader's lock; None when told to stop while waiting for it."""
        connection = await asyncpg.connect(
            self.database_url,
            timeout=5,
            command_timeout=10,
            server_settings={"application_name": f"{self.service}-relay", "app.every_tenant": "on"},
        )
        try:
            while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", LEADER_LOCK):
                await pause(stop, 0.5)
                if stop.is_set():
                    yield None
                    return
            yield connection
        finally:
            await _quietly_close(connection)


async def publish_batch(connection: "asyncpg.Connection[Any]", producer: AIOKafkaProducer) -> int:
    """Publishes up to 500 rows in rounds of one row a key; returns how many. Raises at the first failed round."""
    records = await connection.fetch(
        "SELECT id, topic, key, headers, payload, traceparent FROM outbox"
        " WHERE published_at IS NULL ORDER BY id LIMIT $1",
        BATCH,
    )
    for batch in rounds(Row(**dict(item)) for item in records):
        results = await asyncio.wait_for(
            asyncio.gather(*(_send(producer, row) for row in batch), return_exceptions=True), ACK_SECONDS
        )
        sent = [row.id for row, result in zip(batch, results, strict=True) if result is None]
        await connection.execute(
            "UPDATE outbox SET published_at = clock_timestamp() WHERE id = ANY($1::bigint[])", sent
        )
        for result in results:
            if isinstance(result, BaseException):
                raise result
    return len(records)


def rounds(rows: Iterable[Row]) -> list[list[Row]]:
    """Rows grouped so that an aggregate appears once in each group, oldest first: order holds across topics too."""
    groups: list[list[Row]] = []
    seen: dict[str, int] = {}
    for row in rows:
        index = seen.get(row.key, -1) + 1
        seen[row.key] = index
        if index == len(groups):
            groups.append([])
        groups[index].append(row)
    return groups


async def _send(producer: AIOKafkaProducer, row: Row) -> None:
    with span(
        f"{row.topic} publish",
        SpanKind.PRODUCER,
        parent=row.traceparent,
        attributes={
            "messaging.system": "kafka",
            "messaging.destination.name": row.topic,
            "aggregate.id": row.key,
        },
    ):
        trace = current_traceparent()
        headers = unpack_headers(row.headers)
        if trace:
            headers.append((TRACEPARENT, trace.encode()))
        await producer.send_and_wait(row.topic, row.payload, key=row.key.encode(), headers=headers)


async def _quietly_close(connection: "asyncpg.Connection[Any]") -> None:
    try:
        await connection.close(timeout=2)
    except CONNECTION_FAILURES:
        connection.terminate()
