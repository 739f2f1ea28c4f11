"""Real PostgreSQL and Kafka for tests, and a migrated scratch database for each service."""

import asyncio
import atexit
import os
import shutil
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg

from deploy.local import kafka
from deploy.local.ports import free_port
from deploy.local.stack import STATE
from services.availability.settings import Settings as Availability
from services.booking.settings import Settings as Booking
from services.feedback.settings import Settings as Feedback
from services.notifications.settings import Settings as Notifications
from shared.contracts import CATALOGUE
from shared.migrations import upgrade
from shared.settings import ServiceSettings
from shared.topics import ensure_topics

SLOT_KEY, LINK_KEY = "slot-" * 8, "link-" * 8
SETTINGS: dict[str, type[ServiceSettings]] = {
    "availability": Availability,
    "booking": Booking,
    "feedback": Feedback,
    "notifications": Notifications,
}


@dataclass
class Postgres:
    """A server and the scratch databases made on it."""

    admin_url: str
    made: list[str] = field(default_factory=list)

    async def database(self, service: str) -> tuple[str, str]:
        """A new, migrated database of a service: (URL of the serving role, URL of the owner)."""
        name = f"test_{service}_{uuid4().hex[:8]}"
        connection = await asyncpg.connect(self.admin_url)
        try:
            for role in ("owner", "app"):
                await _role(connection, f"test_{service}_{role}")
            await connection.execute(f'CREATE DATABASE {name} OWNER "test_{service}_owner"')
        finally:
            await connection.close()
        self.made.append(name)
        owner, app = (self._url(f"test_{service}_{role}", name) for role in ("owner", "app"))
        folder = import_module(f"services.{service}.resources").MIGRATIONS
        await asyncio.to_thread(upgrade, owner, folder, f"test_{service}_app")
        return app, owner

    def _url(self, role: str, database: str) -> str:
        host = self.admin_url.rsplit("@", 1)[-1].split("/", 1)[0]
        return f"postgresql://{role}:test@{host}/{database}"

    async def drop_all(self) -> None:
        connection = await asyncpg.connect(self.admin_url)
        try:
            for name in self.made:
                await connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        finally:
            await connection.close()


async def _role(connection: "asyncpg.Connection[Any]", name: str) -> None:
    if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", name):
        await connection.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'test' NOSUPERUSER NOBYPASSRLS NOCREATEDB")


async def create_topics(bootstrap_servers: str) -> None:
    """Every topic of every service."""
    for service in SETTINGS:
        consumed = [event.type for event in import_module(f"services.{service}.consumers").HANDLERS]
        own = [event for event in CATALOGUE if event.producer == service]
        await ensure_topics(bootstrap_servers, own, consumed, service, 1)


def settings_for(service: str, database_url: str, bootstrap_servers: str, issuer: str, **more: Any) -> ServiceSettings:
    """Settings of a service for tests; keys are the same for all, as in production."""
    values: dict[str, Any] = {
        "database_url": database_url,
        "kafka_bootstrap_servers": bootstrap_servers,
        "auth_issuer": issuer,
        "auth_audience": "rapport",
        "auth_jwks_url": f"{issuer}/jwks.json",
        "public_url": f"http://{service}.test",
        "slot_signing_key": SLOT_KEY,
        "link_signing_key": LINK_KEY,
        "availability_api_url": "http://127.0.0.1:9",
        "booking_api_url": "http://127.0.0.1:9",
        "notifications_api_url": "http://127.0.0.1:9",
        "booking_public_url": "http://booking.test",
        "notifications_public_url": "http://notifications.test",
        "feedback_public_url": "http://feedback.test",
        "smtp_host": "127.0.0.1",
        "smtp_port": 9,
        "smtp_starttls": False,
        "smtp_2_starttls": False,
        "sms_api_url": "http://127.0.0.1:9",
        "sms_account_sid": "AC0",
        "sms_auth_token": "carrier-token",
        **more,
    }
    model = SETTINGS[service]
    return model(**{name: value for name, value in values.items() if name in model.model_fields})


def scratch(name: str) -> Path:
    """An empty folder of this test run, under the project's state."""
    folder = STATE / "test" / f"{name}-{os.getpid()}-{uuid4().hex[:6]}"
    folder.mkdir(parents=True)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def start_kafka() -> kafka.KafkaServer:
    """A broker of one's own, which a test may stop, kill and start again."""
    folder = scratch("kafka")
    return kafka.start(folder, free_port(), free_port(), folder / "logs")


def given(name: str) -> str | None:
    """A server that the environment names, to use instead of starting one."""
    return os.environ.get(name) or None
