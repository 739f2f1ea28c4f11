"""The composition root of notifications: what the API, the worker and the tests run on."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Table

from services.notifications import tables
from services.notifications.clients import Booking, Carriers, open_carriers
from services.notifications.clients.hooks import Hooks
from services.notifications.settings import Settings
from shared.auth import Verifier
from shared.clock import Clock, system_clock
from shared.db import Database
from shared.http import checking, open_http
from shared.wire import Wire

BESIDE = 2
MIGRATIONS = Path(__file__).parent / "migrations"


@dataclass(frozen=True, slots=True)
class Resources:
    """Everything that a process of notifications holds open."""

    settings: Settings
    database: Database
    beside: Database
    """A few connections more, for what is committed beside a transaction that goes on."""
    verifier: Verifier
    clock: Clock
    carriers: Carriers
    booking: Booking
    hooks: Hooks
    idempotency_keys: Table = tables.idempotency_keys


@asynccontextmanager
async def open_resources(settings: Settings, clock: Clock = system_clock) -> AsyncIterator[Resources]:
    """Opens and, at the end, closes them. Raises StartupError when the database is away or not migrated."""
    database = Database(settings.database_url, pool_size=settings.pool_size, name="notifications")
    beside = Database(settings.database_url, pool_size=BESIDE, name="notifications")
    try:
        await database.require(MIGRATIONS)
        addresses = settings.booking_api_url, settings.sms_api_url, settings.sms_2_api_url or ""
        wire = Wire(checking(*addresses))
        async with open_http(settings.auth_jwks_url) as http, aclosing(wire):
            verifier = Verifier(
                issuer=settings.auth_issuer,
                audience=settings.auth_audience,
                jwks_url=settings.auth_jwks_url,
                http=http,
            )
            yield Resources(
                settings,
                database,
                beside,
                verifier,
                clock,
                open_carriers(settings, wire, clock),
                Booking(settings, wire),
                Hooks(settings.insecure_webhooks),
            )
    finally:
        await beside.close()
        await database.close()
