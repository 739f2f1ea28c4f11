"""Carriers that fail, or answer only when they are told to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from uuid import UUID

from sqlalchemy import text

from services.notifications.clients import Carriers, Outbound, Vendor
from services.notifications.resources import Resources
from shared.contracts.notifications import Channel
from tests.notifications.conftest import Practice


@dataclass
class Slow:
    """A carrier that answers only when it is told to."""

    own: Vendor
    name: str = "sms"
    knows_repetitions: bool = True
    called: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, message: Outbound) -> str:
        self.called.set()
        await self.go_on.wait()
        return await self.own.send(message)


def carried_by(own: Resources, *vendors: Vendor, channel: Channel = "sms") -> Resources:
    """The same service with other carriers of texts, or of this."""
    return replace(own, carriers=Carriers({**own.carriers.vendors, channel: vendors}))


@asynccontextmanager
async def on_its_way(practice: Practice) -> AsyncIterator[Slow]:
    """A booked visit's text is with the carrier, who answers at the end of the block."""
    own = practice.resources
    slow = Slow(own.carriers.vendors["sms"][0])
    practice.resources = carried_by(own, slow)
    runner = practice.runner()
    [timer] = await practice.claimed(runner)
    sending_now = asyncio.create_task(runner.fire(timer))
    await asyncio.wait_for(slow.called.wait(), 5)
    yield slow
    await sending_now
    practice.resources = own


async def waits_for_a_lock(practice: Practice) -> bool:
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    async with practice.resources.database.transaction(practice.tenant) as session:
        return bool(await session.scalar(text(query)))


@dataclass
class Failing:
    """A carrier that fails as often as there are errors for it, then carries."""

    own: Vendor
    errors: list[Exception]
    name: str = "sms"
    knows_repetitions: bool = True
    asked: list[UUID] = field(default_factory=list)

    async def send(self, message: Outbound) -> str:
        self.asked.append(message.id)
        if self.errors:
            raise self.errors.pop(0)
        return await self.own.send(message)
