"""Processes against real servers: migrations missing, the broker missing, and a clean stop on SIGTERM."""

import asyncio
import json
import os
import signal
import socket
import sys
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import httpx
import pytest
from sqlalchemy import text

from deploy.local.ports import free_port
from shared.db import Database
from shared.settings import ServiceSettings
from tests.conftest import MakeSettings
from tests.shared.unit.test_settings_and_start import run
from tests.support.issuer import Issuer
from tests.support.servers import Postgres
from tests.support.streams import eventually
from tests.support.wire import Wire, wire

pytestmark = pytest.mark.servers
ROOT = Path(__file__).parents[3]


def environment(service: str, settings: ServiceSettings, **changes: Any) -> dict[str, str]:
    values = {**settings.model_dump(exclude_none=True), **changes}
    named = {f"{service.upper()}_{name.upper()}": str(value) for name, value in values.items()}
    return {"PATH": os.environ["PATH"], **named}


@pytest.mark.parametrize("kind", ["app", "worker"])
async def test_without_migrations(kind: str, make_settings: MakeSettings, postgres: Postgres) -> None:
    settings = await make_settings("booking", fresh=True)
    owner = settings.database_url.replace("_app:", "_owner:")
    connection = await asyncpg.connect(owner)
    await connection.execute("DROP TABLE alembic_version")
    await connection.close()
    code, said = await run("booking", kind, environment("booking", settings))
    assert code == 1
    assert "migration none" in said
    assert "python -m services.booking.migrations" in said
    assert len(said.splitlines()) == 1


async def test_a_worker_without_its_broker(make_settings: MakeSettings) -> None:
    settings = await make_settings("booking")
    code, said = await run("booking", "worker", environment("booking", settings))
    assert code == 1
    assert said.startswith("booking can't start: Kafka at 127.0.0.1:9 doesn't answer")
    assert len(said.splitlines()) == 1


async def test_a_request_under_way_is_answered_before_the_process_ends(
    make_settings: MakeSettings, kafka: str, issuer: Issuer
) -> None:
    settings: Any = await make_settings("booking")
    port, tenant = free_port(), uuid4()
    env = environment("booking", settings, kafka_bootstrap_servers=kafka, port=port)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.booking.app", cwd=ROOT, env=env, stdout=asyncio.subprocess.DEVNULL
    )
    database = Database(settings.database_url, pool_size=1, name="booking")
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=15) as http:
            await eventually(partial(_ready, http), 30)
            headers = {**issuer.headers(tenant), "idempotency-key": "one"}
            async with database.transaction(tenant) as session:
                await session.execute(
                    text(
                        "INSERT INTO idempotency_keys (tenant_id, principal, route, key, body_hash)"
                        " VALUES (:tenant, 'staff-1', 'POST /v1/clients', 'one', '')"
                    ),
                    {"tenant": tenant},
                )
                # The request waits for our uncommitted key.
                under_way = asyncio.create_task(http.post("/v1/clients", json={"name": "A"}, headers=headers))
                await eventually(partial(_waits, database.url), 5)
                process.send_signal(signal.SIGTERM)
                await session.rollback()
            answer = await asyncio.wait_for(under_way, 10)
        assert answer.status_code == 201
        assert await asyncio.wait_for(process.wait(), 15) == 0
    finally:
        await database.close()
        if process.returncode is None:
            process.kill()


async def _ready(http: httpx.AsyncClient) -> bool:
    try:
        return (await http.get("/readyz")).status_code == 200
    except httpx.HTTPError:
        return False


async def _waits(url: str) -> bool:
    connection = await asyncpg.connect(url)
    try:
        query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        return bool(await connection.fetchval(query))
    finally:
        await connection.close()


@pytest.mark.parametrize("kind", ["app", "worker"])
async def test_it_gets_ready_and_stops_on_sigterm(kind: str, make_settings: MakeSettings, kafka: str) -> None:
    settings = await make_settings("booking")
    port = free_port()
    env = environment("booking", settings, kafka_bootstrap_servers=kafka, port=port, worker_port=port, drain_seconds=10)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        f"services.booking.{kind}",
        cwd=ROOT,
        env=env,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=5) as http:
            await eventually(partial(_ready, http), 30)
            assert (await http.get("/healthz")).json() == {"status": "alive"}
            metrics = (await http.get("/metrics")).text
        for name in ("outbox_oldest_unpublished_seconds", "timers_oldest_due_seconds", "timers_failed"):
            assert f"\n{name} " in metrics
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        output, _ = await asyncio.wait_for(process.communicate(), 30)
        assert process.returncode == 0, output.decode()[-2000:]
        assert time.monotonic() - began < 12
        for line in output.decode().splitlines():
            assert json.loads(line)["service"] == "booking"
    finally:
        if process.returncode is None:
            process.kill()


@asynccontextmanager
async def behind_a_wire(settings: Any, **more: Any) -> AsyncIterator[tuple[Wire, Process, httpx.AsyncClient]]:
    """Booking's API whose database can fall silent, ready to serve."""
    parts, port = urlsplit(settings.database_url), free_port()
    async with wire(parts.hostname or "", parts.port or 5432) as line:
        url = settings.database_url.replace(f":{parts.port}/", f":{line.port}/")
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "services.booking.app",
            cwd=ROOT,
            env=environment("booking", settings, database_url=url, port=port, **more),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=15) as http:
                await eventually(partial(_database_is, http, "ok"), 30)
                yield line, process, http
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


async def test_a_database_that_falls_silent_is_said_and_does_not_keep_a_process_from_stopping(
    make_settings: MakeSettings, issuer: Issuer
) -> None:
    async with behind_a_wire(await make_settings("booking"), drain_seconds=1) as (line, process, http):
        line.silent = True
        await eventually(partial(_database_is, http, "does not answer"), 10)
        assert (await http.get("/healthz")).status_code == 200
        line.silent = False
        await eventually(partial(_database_is, http, "ok"), 10)
        list_all = partial(http.get, "/v1/appointments", headers=issuer.headers(uuid4()))
        # Some connections lie idle, and closing one takes an answer of the server too.
        await asyncio.gather(*(list_all() for _ in range(6)))
        line.silent = True
        request = asyncio.create_task(list_all())
        await eventually(partial(_database_is, http, "does not answer"), 10)
        process.send_signal(signal.SIGTERM)
        _, said = await asyncio.wait_for(process.communicate(), 20)
        assert process.returncode == 1
        assert b"does not let go; ended hard" in said
        [answer] = await asyncio.gather(request, return_exceptions=True)
        assert isinstance(answer, httpx.TransportError) or answer.status_code >= 500  # type: ignore[union-attr] # else an answer


async def test_a_request_on_a_frozen_database_is_answered_in_time_and_the_next_ones_too(
    make_settings: MakeSettings, issuer: Issuer
) -> None:
    settings = await make_settings("booking")
    async with behind_a_wire(settings, request_seconds=1, pool_size=2) as (line, _, http):
        list_all = partial(http.get, "/v1/appointments", headers=issuer.headers(uuid4()))
        await asyncio.gather(*(list_all() for _ in range(4)))
        line.silent = True
        # More than there are connections, one after the other.
        for answer in [await list_all() for _ in range(4)]:
            assert (answer.status_code, answer.json()["code"]) == (503, "not_in_time")
            assert answer.headers["retry-after"] == "5"
        line.silent = False
        await eventually(partial(_lists, list_all), 10)


async def _lists(list_all: Callable[[], Awaitable[httpx.Response]]) -> bool:
    return (await list_all()).status_code == 200


async def _database_is(http: httpx.AsyncClient, state: str) -> bool:
    try:
        answer = await http.get("/readyz")
    except httpx.TransportError:
        return False
    return bool(answer.json()["checks"]["database"] == state)


async def test_a_taken_port_is_said_in_one_sentence(make_settings: MakeSettings) -> None:
    settings = await make_settings("booking")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, said = await run("booking", "app", environment("booking", settings, port=port, host="127.0.0.1"))
    assert code == 1
    assert said.startswith(f"Can't listen at 127.0.0.1:{port} (Address already in use); set BOOKING_PORT")
    assert len(said.splitlines()) == 1
