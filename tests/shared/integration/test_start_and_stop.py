"""Processes against real servers: migrations missing, the broker missing, and a clean stop on SIGTERM."""

import asyncio
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from deploy.local.ports import free_port
from shared.settings import ServiceSettings
from tests.conftest import MakeSettings
from tests.shared.unit.test_settings_and_start import run
from tests.support.servers import Postgres
from tests.support.streams import eventually

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

            async def ready() -> bool:
                try:
                    return (await http.get("/readyz")).status_code == 200
                except httpx.HTTPError:
                    return False

            await eventually(ready, 30)
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
