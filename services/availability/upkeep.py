"""The copy of booking's visits: made anew from the topics, held against booking's truth.

`python -m services.availability.upkeep rebuild | check` (`make rebuild`, `make drift`), beside running services.
"""

import argparse
import asyncio
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TypeVar
from uuid import UUID

import httpx
from aiokafka.errors import KafkaError

from services.availability import repository
from services.availability.clients import Booking
from services.availability.consumers import HANDLERS
from services.availability.domain import taken
from services.availability.domain.taken import Drift, Occupied
from services.availability.resources import MIGRATIONS
from services.availability.settings import Settings
from services.availability.use_cases import projection
from shared import process, replay
from shared.clock import system_clock
from shared.contracts import BY_TYPE, Envelope, Malformed
from shared.contracts.booking import AppointmentState, HoldState
from shared.db import Database
from shared.errors import StartupError
from shared.settings import load

T = TypeVar("T")

BATCH = 500
SETTLE_SECONDS = 2.0
"""How long an event may be on its way before a difference is drift."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild found: visits and holds on the topics, rows that were wrong, rows that nothing speaks of."""

    known: int
    mended: int
    removed: int
    unreadable: int


async def rebuild(
    database: Database, bootstrap_servers: str, now: Callable[[], datetime], practices: Collection[UUID] = ()
) -> Rebuilt:
    """Brings the copy in line with the topics, while the consumer goes on: whatever is newer than the topics stays."""
    # Listed before the topics are read: what was known by then has its event on them.
    before: dict[UUID, set[UUID]] = {}
    for tenant in practices or await _every_practice(database):
        async with database.transaction(tenant) as session:
            before[tenant] = await repository.taken.ids(session)
    newest, unreadable = await _newest(bootstrap_servers)
    known = mended = removed = 0
    for tenant in practices or {*before, *newest}:
        items = newest.get(tenant, {})
        known += len(items)
        moment = now()
        lasting = (item for item in items.values() if item.expires_at is None or item.expires_at > moment)
        for batch in _batches(lasting):
            async with database.transaction(tenant) as session:
                mended += await projection.restore(session, tenant=tenant, items=batch)
        for gone in _batches(iter(before.get(tenant, set()) - items.keys())):
            async with database.transaction(tenant) as session:
                removed += await projection.forget(session, tenant=tenant, ids=gone)
    return Rebuilt(known, mended, removed, unreadable)


async def _every_practice(database: Database) -> list[UUID]:
    async with database.every_tenant() as session:
        return await repository.practice.ids(session)


async def _newest(bootstrap_servers: str) -> tuple[Mapping[UUID, Mapping[UUID, Occupied]], int]:
    """The newest state of every visit and hold by practice, and how many records could not be read."""
    newest: dict[UUID, dict[UUID, Occupied]] = defaultdict(dict)
    unreadable = 0

    def take(record: replay.Record) -> None:
        nonlocal unreadable
        try:
            envelope = Envelope.read(BY_TYPE, record.headers, record.value)
        except Malformed:
            unreadable += 1
            return
        event = envelope.event
        if isinstance(event, AppointmentState):
            item = taken.by_visit(event)
        elif isinstance(event, HoldState):
            item = taken.by_hold(event)
        else:
            unreadable += 1
            return
        found = newest[envelope.tenant].get(item.id)
        if found is None or found.sequence < item.sequence:
            newest[envelope.tenant][item.id] = item

    await replay.read(bootstrap_servers, [event.type for event in HANDLERS], take)
    return newest, unreadable


def _batches(items: Iterator[T]) -> Iterator[list[T]]:
    while batch := list(islice(items, BATCH)):
        yield batch


async def check(
    database: Database, booking: Booking, now: Callable[[], datetime], practices: Collection[UUID] = ()
) -> AsyncIterator[tuple[UUID, int, list[Drift]]]:
    """Of each practice, or of the given ones: how many visits are to come, and where the copy differs."""
    for tenant in practices or await _every_practice(database):
        count, found = await _differences(database, booking, tenant, now())
        if found:
            # An event may have been on its way: what is still so after a while is drift.
            await asyncio.sleep(SETTLE_SECONDS)
            count, again = await _differences(database, booking, tenant, now())
            found = [item for item in again if item in found]
        yield tenant, count, found


async def _differences(database: Database, booking: Booking, tenant: UUID, now: datetime) -> tuple[int, list[Drift]]:
    truth = await booking.standings(tenant, now)
    async with database.transaction(tenant) as session:
        return len(truth), await projection.compare(session, truth=truth, now=now)


@asynccontextmanager
async def _database(settings: Settings) -> AsyncIterator[Database]:
    database = Database(settings.database_url, pool_size=2, name="availability")
    try:
        await database.require(MIGRATIONS)
        yield database
    finally:
        await database.close()


async def _rebuild(settings: Settings, practices: Collection[UUID]) -> int:
    servers = settings.kafka_bootstrap_servers
    try:
        async with _database(settings) as database:
            found = await rebuild(database, servers, system_clock, practices)
    except (KafkaError, TimeoutError) as error:
        raise StartupError(f"Kafka at {servers} doesn't answer ({type(error).__name__}); nothing is lost.") from error
    sys.stdout.write(
        f"{found.known} visits and holds on the topics: {found.mended} rows were wrong and are right now,"
        f" {found.removed} that no event speaks of are removed, {found.unreadable} records could not be read\n"
    )
    return 0


async def _check(settings: Settings, practices: Collection[UUID]) -> int:
    if not settings.booking_api_url:
        raise StartupError("Set AVAILABILITY_BOOKING_API_URL to booking's address, which the check compares with.")
    drifted = 0
    try:
        async with _database(settings) as database, httpx.AsyncClient() as http:
            booking = Booking(http, settings.booking_api_url, settings.slot_signing_key)
            async for tenant, count, found in check(database, booking, system_clock, practices):
                sys.stdout.write(f"practice {tenant}: {count} visits to come, {len(found)} drifted\n")
                for item in found:
                    sys.stdout.write(f"  {item.visit_id} {item.how}\n")
                drifted += len(found)
    except (httpx.HTTPError, ValueError) as error:
        told = f"booking at {settings.booking_api_url} gives no answer to compare with ({type(error).__name__})."
        raise StartupError(f"The check can't go on: {told}") from error
    if drifted:
        sys.stdout.write("`rebuild` mends the copy from the topics; find out why before that.\n")
    return 1 if drifted else 0


async def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m services.availability.upkeep", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, told in (
        ("rebuild", "make the copy of visits and holds anew from the topics"),
        ("check", "compare it with booking; exit code 1 when it has drifted"),
    ):
        commands.add_parser(name, help=told).add_argument("practice", nargs="*", type=UUID, help="only these practices")
    arguments = parser.parse_args()
    settings = load(Settings)
    if arguments.command == "rebuild":
        sys.exit(await _rebuild(settings, arguments.practice))
    sys.exit(await _check(settings, arguments.practice))


if __name__ == "__main__":
    process.run("availability", main)
