"""Fixtures of all tests. Servers are real ones and are started once, when the first test needs them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from importlib import import_module
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from hypothesis import HealthCheck, settings

from deploy.local import postgres as local_postgres
from deploy.local.ports import free_port
from shared.settings import ServiceSettings
from tests.support.issuer import Issuer, practice, start_issuer
from tests.support.servers import Postgres, create_topics, given, scratch, settings_for, start_kafka

settings.register_profile("default", max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("nightly", max_examples=5000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("default")

MakeSettings = Callable[..., Awaitable[ServiceSettings]]
MakeApi = Callable[..., Any]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "servers: needs PostgreSQL or Kafka; they are started by the fixtures")


@pytest_asyncio.fixture(scope="session")
async def postgres() -> AsyncIterator[Postgres]:
    """A real PostgreSQL: the one of DATABASE_URL, or one of our own."""
    url = given("DATABASE_URL")
    if url:
        server = Postgres(url)
        yield server
        await server.drop_all()
        return
    folder = scratch("postgres")
    own = await asyncio.to_thread(local_postgres.start, folder, free_port(), folder / "logs", durable=False)
    yield Postgres(own.admin_url)
    await asyncio.to_thread(own.stop)
    local_postgres.clean(folder)


@pytest_asyncio.fixture(scope="session")
async def kafka() -> AsyncIterator[str]:
    """A real Kafka with every topic: the one of KAFKA_BOOTSTRAP_SERVERS, or one of our own."""
    servers = given("KAFKA_BOOTSTRAP_SERVERS")
    if servers:
        await create_topics(servers)
        yield servers
        return
    own = await asyncio.to_thread(start_kafka)
    await create_topics(own.bootstrap)
    yield own.bootstrap
    await asyncio.to_thread(own.stop)


@pytest_asyncio.fixture(scope="session")
async def issuer() -> AsyncIterator[Issuer]:
    started = await start_issuer()
    yield started
    started.server.close()


@pytest_asyncio.fixture(scope="session")
async def make_settings(postgres: Postgres, issuer: Issuer) -> MakeSettings:
    """`await make_settings("booking", …)`: settings on the service's scratch database (its own with `fresh=True`)."""
    shared: dict[str, str] = {}

    async def make(service: str, *, fresh: bool = False, kafka: str = "127.0.0.1:9", **more: Any) -> ServiceSettings:
        if fresh:
            url = (await postgres.database(service))[0]
        else:
            if service not in shared:
                shared[service] = (await postgres.database(service))[0]
            url = shared[service]
        return settings_for(service, url, kafka, issuer.url, **more)

    return make


@pytest_asyncio.fixture
async def api(make_settings: MakeSettings) -> AsyncIterator[MakeApi]:
    """`async with`-free: `client = await api("booking")` is an HTTP client of the service's application."""
    async with AsyncExitStack() as stack:

        async def make(service: str, settings: ServiceSettings | None = None, **more: Any) -> httpx.AsyncClient:
            own = settings or await make_settings(service)
            app = import_module(f"services.{service}.app").create_app(own, **more)
            await stack.enter_async_context(app.router.lifespan_context(app))
            return await stack.enter_async_context(_client(app, service))

        yield make


@asynccontextmanager
async def _client(app: FastAPI, service: str) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{service}.test", timeout=30) as client:
        client.app = app  # type: ignore[attr-defined] # tests reach the resources through it
        yield client


@pytest.fixture
def tenant() -> UUID:
    return practice()
