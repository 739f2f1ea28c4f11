"""A process that can't start says why in one sentence and exits with a failure."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from services.booking.settings import Settings
from shared.db import head
from shared.errors import StartupError
from shared.settings import load
from tests.support.servers import SETTINGS, settings_for

ROOT = Path(__file__).parents[3]
SERVICES = sorted(SETTINGS)
COMMANDS = [(service, kind) for service in SERVICES for kind in ("app", "worker", "migrations")]


def environment(service: str, **changes: str | None) -> dict[str, str]:
    """A complete environment of a service, with servers that nobody runs."""
    settings = settings_for(service, "postgresql://app:secret@127.0.0.1:9/rapport", "127.0.0.1:9", "http://127.0.0.1:9")
    values: dict[str, str | None] = {name: str(value) for name, value in settings.model_dump(exclude_none=True).items()}
    values |= {"owner_database_url": "postgresql://owner:secret@127.0.0.1:9/rapport", **changes}
    named = {f"{service.upper()}_{name.upper()}": value for name, value in values.items() if value is not None}
    return {"PATH": os.environ["PATH"], **named}


async def run(service: str, kind: str, env: dict[str, str]) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        f"services.{service}.{kind}",
        cwd=ROOT,
        env=env,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode is not None
    return process.returncode, (output + errors).decode().strip()


@pytest.mark.parametrize(("service", "kind"), COMMANDS)
async def test_without_a_setting(service: str, kind: str) -> None:
    code, said = await run(service, kind, environment(service, kafka_bootstrap_servers=None))
    assert code == 1
    assert said == f"Can't start: {service.upper()}_KAFKA_BOOTSTRAP_SERVERS is missing."


@pytest.mark.parametrize(("service", "kind"), COMMANDS)
async def test_without_its_database(service: str, kind: str) -> None:
    code, said = await run(service, kind, environment(service))
    assert code == 1
    assert len(said.splitlines()) == 1
    assert service in said
    assert "127.0.0.1:9/rapport" in said
    assert "DATABASE_URL" in said
    assert "secret" not in said
    assert "Traceback" not in said


def test_every_wrong_setting_is_named_with_what_would_be_right(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("BOOKING_")]:
        monkeypatch.delenv(name)
    for name, value in environment("booking", database_url="mysql://x", slot_signing_key="short").items():
        monkeypatch.setenv(name, value)
    with pytest.raises(StartupError) as refusal:
        load(Settings)
    said = str(refusal.value)
    assert "BOOKING_DATABASE_URL should look like postgresql://" in said
    assert "BOOKING_SLOT_SIGNING_KEY should have at least 32 characters" in said
    assert "mysql" not in said


@pytest.mark.parametrize("service", SERVICES)
def test_revisions_are_named_as_their_files(service: str) -> None:
    versions = sorted((ROOT / "services" / service / "migrations" / "versions").glob("[0-9]*.py"))
    for path in versions:
        assert f'revision = "{path.stem}"' in path.read_text()
    assert head(ROOT / "services" / service / "migrations") == versions[-1].stem
