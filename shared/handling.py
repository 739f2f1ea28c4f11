"""What an event does: once, in a transaction of its tenant, under a span that continues its trace.

Most handlers take one event. Where a service has one that takes many for far less than one by one, those of a tenant
that wait in a partition share a transaction; when that fails, each is tried by itself, so that one bad event costs the
others nothing but time.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from aiokafka import ConsumerRecord
from opentelemetry.trace import Span, SpanKind
from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncSession

from shared.clock import Clock
from shared.contracts.envelope import Envelope, Event
from shared.db import Database, is_outage
from shared.inbox import first_time, first_times
from shared.telemetry import current_tenant, span

log = logging.getLogger(__name__)

Handler = Callable[[AsyncSession, Envelope[Any], datetime], Awaitable[None]]
"""Applies one event, once, in the given transaction, at the given time."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """One of many events, with the span that lasts until its effect is committed."""

    envelope: Envelope[Any]
    span: Span


ManyHandler = Callable[[AsyncSession, UUID, Sequence[Arrived], datetime], Awaitable[None]]
"""Applies events of one type and tenant, each once and in their order, in the given transaction, at the given time."""

Wanted = Callable[[AsyncSession, str], Awaitable[bool]]
"""Whether anybody of the session's tenant wants events of this type; where nobody does, nothing is kept of them."""


class Handling:
    """{event type: handler} of one consumer group; {event type: handler of many}, and whether one is wanted, where
    there is such.
    """

    def __init__(
        self,
        *,
        group: str,
        catalogue: Mapping[str, type[Event]],
        handlers: Mapping[type[Event], Handler],
        many: Mapping[type[Event], ManyHandler],
        wanted: Mapping[type[Event], Wanted],
        inbox: Table,
        database: Database,
        clock: Clock,
    ) -> None:
        self.group = group
        self.catalogue = catalogue
        self.handlers = {event.type: handler for event, handler in handlers.items()}
        self.many = {event.type: handler for event, handler in many.items()}
        self.wanted = {event.type: wanted for event, wanted in wanted.items()}
        self.inbox = inbox
        self.database = database
        self.clock = clock

    async def apply(self, record: "ConsumerRecord[bytes, bytes]") -> None:
        """Applies one record. Raises Malformed, or whatever its handler or the database raises."""
        envelope = self._read(record)
        token = current_tenant.set(envelope.tenant)
        try:
            with self._span(envelope, record.topic):
                async with self.database.transaction(envelope.tenant) as session:
                    if not await self._is_wanted(session, record.topic):
                        return
                    if await first_time(session, self.inbox, envelope.tenant, envelope.id, record.topic):
                        await self.handlers[envelope.event.type](session, envelope, self.clock())
        finally:
            current_tenant.reset(token)

    async def apply_together(self, records: Sequence["ConsumerRecord[bytes, bytes]"]) -> bool:
        """Applies all of a topic's records, in one transaction a tenant; False where each must be tried by itself.

        What was committed before that is not applied again: the inbox knows it.
        """
        if len(records) < 2 or records[0].topic not in self.many:
            return False
        try:
            tenants: dict[UUID, list[Envelope[Any]]] = {}
            for record in records:
                envelope = self._read(record)
                tenants.setdefault(envelope.tenant, []).append(envelope)
            for tenant, envelopes in tenants.items():
                await self._all_of(tenant, envelopes, records[0].topic)
        except Exception as error:  # one by one, what is wrong with one of them is seen to
            told = "%d messages can't be handled together: %s"
            log.warning(told, len(records), type(error).__name__, exc_info=not is_outage(error))
            return False
        return True

    async def _all_of(self, tenant: UUID, envelopes: Sequence[Envelope[Any]], topic: str) -> None:
        token = current_tenant.set(tenant)
        try:
            with ExitStack() as spans:
                # An event that was published twice may be here twice.
                each = {one.id: one for one in envelopes}
                async with self.database.transaction(tenant) as session:
                    if not await self._is_wanted(session, topic):
                        return
                    new = await first_times(session, self.inbox, tenant, list(each), topic)
                    arrived = [
                        Arrived(one, spans.enter_context(self._span(one, topic, current=False)))
                        for one in each.values()
                        if one.id in new
                    ]
                    if arrived:
                        await self.many[topic](session, tenant, arrived, self.clock())
        finally:
            current_tenant.reset(token)

    async def _is_wanted(self, session: AsyncSession, topic: str) -> bool:
        wanted = self.wanted.get(topic)
        return wanted is None or await wanted(session, topic)

    def _read(self, record: "ConsumerRecord[bytes, bytes]") -> Envelope[Event]:
        return Envelope.read(self.catalogue, record.headers, record.value)

    def _span(self, envelope: Envelope[Event], topic: str, *, current: bool = True) -> AbstractContextManager[Span]:
        return span(
            f"{envelope.event.type} process",
            SpanKind.CONSUMER,
            parent=envelope.traceparent,
            attributes={
                "messaging.system": "kafka",
                "messaging.destination.name": topic,
                "messaging.consumer.group.name": self.group,
                "aggregate.id": str(envelope.event.subject),
            },
            current=current,
        )
