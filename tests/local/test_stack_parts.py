"""The parts of the local stack: downloads, ports, processes, the issuer; each failure one sentence."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from uuid import UUID

import jwt
import psutil
import pytest

from deploy.local import cache, kafka, postgres, processes
from deploy.local.errors import PortTaken, StackError
from deploy.local.issuer import PRACTICE, Issuer
from deploy.local.ports import choose, free_port
from deploy.local.stack import Stack

ROOT = Path(__file__).parents[2]


def test_a_download_that_is_another_file_is_dropped(tmp_path: Path) -> None:
    got = tmp_path / "got.jar"
    got.write_bytes(b"not what was promised")
    with pytest.raises(StackError, match="not the file that was expected"):
        cache.keep(got, tmp_path / "kept.jar", "0" * 64)
    assert not got.exists()
    assert not (tmp_path / "kept.jar").exists()


def test_a_checked_download_is_kept_and_not_fetched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for jar in cache.pinned("kafka"):
        target = tmp_path / "rapport" / "jars" / jar.file_name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(b"")
    assert len(cache.jars("kafka")) == len(cache.pinned("kafka")) > 40


def test_what_cannot_be_fetched_is_named_with_the_way_round(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv(cache.MIRROR, f"http://127.0.0.1:{free_port()}/maven")
    with pytest.raises(StackError) as refusal:
        cache.jars("zipkin")
    said = str(refusal.value)
    assert "io.zipkin:zipkin-server:3.5.1" in said
    assert cache.MIRROR in said
    assert "\n" not in said


def test_every_pinned_jar_has_a_digest_and_a_place() -> None:
    every = [*cache.pinned("kafka"), *cache.pinned("zipkin")]
    assert len({jar.file_name for jar in every}) == len(every)
    assert all(len(jar.sha256) == 64 for jar in every)


def test_a_taken_port_is_replaced_by_a_free_one() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert free_port(port) != port
    chosen = choose()
    assert len(set(chosen.values())) == len(chosen)


def sleeper(tmp_path: Path, name: str = "sleeper") -> processes.Running:
    return processes.start(name, [sys.executable, "-c", "import time; time.sleep(600)"], tmp_path / "logs")


def test_only_the_process_that_was_started_is_stopped(tmp_path: Path) -> None:
    ours, other = sleeper(tmp_path), sleeper(tmp_path, "other")
    stranger = processes.Running("ours", other.pid, other.started - 1000, other.log)
    stranger.stop(1)
    assert other.alive(), "a pid that was used again is somebody else's"
    ours.stop(5)
    assert not ours.alive()
    other.stop(5)


def test_a_process_that_does_not_hear_is_made_to_end(tmp_path: Path) -> None:
    code = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('on', flush=True); time.sleep(600)"
    )
    deaf = processes.start("deaf", [sys.executable, "-c", code], tmp_path)
    processes.wait_until("deaf", deaf, lambda: "on" in Path(deaf.log).read_text(), 5)
    began = time.monotonic()
    deaf.stop(0.3)
    assert not deaf.alive()
    assert time.monotonic() - began < 5


# Not SIGINT: a shell has what it starts in the background ignore that, and so do the tests' own children then.
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_each_way_of_being_told_to_stop_ends_a_command_tidily(number: signal.Signals) -> None:
    script = f"""
import os, time
from deploy.local import processes
processes.stop_when_told()
try:
    os.kill(os.getpid(), {int(number)})
    time.sleep(10)
except KeyboardInterrupt:
    print("tidied up")
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=20, check=True
    )
    assert done.stdout == "tidied up\n"


def test_records_of_dead_processes_are_dropped(tmp_path: Path) -> None:
    one = sleeper(tmp_path)
    processes.record(tmp_path / "run", one)
    assert [found.pid for found in processes.recorded(tmp_path / "run")] == [one.pid]
    one.send(signal.SIGKILL)
    psutil.Process(one.pid).wait(5)
    assert processes.recorded(tmp_path / "run") == []
    assert list((tmp_path / "run").glob("*.json")) == []


def test_a_process_that_ends_at_once_says_why(tmp_path: Path) -> None:
    dying = processes.start("dying", [sys.executable, "-c", "print('no such broker'); raise SystemExit(3)"], tmp_path)
    with pytest.raises(StackError, match="no such broker"):
        processes.wait_until("dying", dying, lambda: False, 10)


@pytest.mark.parametrize("first_byte", range(0, 256, 4))
def test_no_id_of_a_cluster_looks_like_an_option(first_byte: int) -> None:
    name = kafka.cluster_id(UUID(bytes=bytes([first_byte]) + b"\xff" * 15))
    assert not name.startswith("-")
    assert len(name) == 22


def test_who_else_answers_at_a_port_is_not_taken_for_the_process(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as somebody:
        port = somebody.getsockname()[1]
        script = f"import socket, time; socket.create_server(('127.0.0.1', {port}))"
        running = processes.start("late", [sys.executable, "-c", script], tmp_path)
        with pytest.raises(PortTaken, match=r"late ended at once: .*Address already in use"):
            processes.wait_until("late", running, lambda: processes.listens(running, port), 10)
        own = psutil.Process()
        here = processes.Running("here", own.pid, own.create_time(), "")
        assert processes.listens(here, port)
        assert not processes.listens(here, free_port())


def test_a_broken_start_is_not_joined_but_stopped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stack = Stack(tmp_path, own_servers=True)
    left = processes.start("booking api", [sys.executable, "-c", "import time; time.sleep(60)"], tmp_path)
    processes.record(stack.run_dir, left)
    (stack.run_dir / "stack.json").write_text("{}")
    assert not stack._joined_whole()
    assert not left.alive()
    assert "Of an earlier start only booking api still run; starting anew." in capsys.readouterr().out
    assert list(stack.run_dir.iterdir()) == []


def test_tokens_are_verified_by_the_published_key(tmp_path: Path) -> None:
    issuer = Issuer(tmp_path, "http://issuer.test")
    again = Issuer(tmp_path, "http://issuer.test")
    key = jwt.PyJWKSet.from_dict(again.jwks()).keys[0]
    claims: dict[str, Any] = jwt.decode(
        issuer.token("client", client="c1"), key, ["RS256"], audience="rapport", issuer="http://issuer.test"
    )
    assert (claims["role"], claims["client_id"], claims["practice_id"]) == ("client", "c1", PRACTICE)
    assert (tmp_path / "key.pem").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("role", "words"), [("emperor", "There is no role"), ("client", "client=<id>"), ("provider", "provider=<id>")]
)
def test_a_token_that_makes_no_sense_is_refused_in_a_sentence(role: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(StackError, match=words):
        Issuer(tmp_path, "http://issuer.test").token(role)


def test_the_token_command_prints_a_token_or_a_sentence() -> None:
    command = [sys.executable, "-m", "deploy.local", "token", "--role"]
    good = subprocess.run([*command, "staff"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert good.returncode == 0
    assert jwt.decode(good.stdout.strip(), options={"verify_signature": False})["role"] == "staff"
    bad = subprocess.run([*command, "client"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert bad.returncode == 1
    assert bad.stderr.strip() == "A token of role=client needs client=<id>."


def test_databases_given_in_part_are_refused_with_what_is_missing() -> None:
    with pytest.raises(StackError, match="BOOKING_OWNER_DATABASE_URL"):
        postgres.given_urls({"BOOKING_DATABASE_URL": "postgresql://a@b/c"})
    assert postgres.given_urls({}) is None


def test_a_given_kafka_that_is_away_is_one_sentence_and_nothing_is_left(tmp_path: Path) -> None:
    away = {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9", "DATABASE_URL": "postgresql://a:secret@127.0.0.1:9/b"}
    run = [sys.executable, "-m", "deploy.local.demo", str(tmp_path)]
    done = subprocess.run(run, cwd=ROOT, env={**os.environ, **away}, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.strip().endswith("doesn't answer; start it, or unset KAFKA_BOOTSTRAP_SERVERS.")
    assert "Traceback" not in done.stderr + done.stdout
    assert processes.recorded(tmp_path / "run") == []


def test_a_given_postgresql_that_is_away_is_one_sentence_without_its_password() -> None:
    with pytest.raises(StackError, match="DATABASE_URL's PostgreSQL doesn't let us in") as refusal:
        asyncio.run(postgres.create_databases("postgresql://a:secret@127.0.0.1:9/b", {}))
    assert "secret" not in str(refusal.value)
