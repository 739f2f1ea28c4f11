"""`make demo` end to end, as a newcomer runs it: its own servers, processes and ports, and nothing left behind."""

import asyncio
import json
import os
import re
import signal
import sys
from uuid import uuid4

import psutil
import pytest

from deploy.local.settings import SERVICES
from deploy.local.stack import ROOT
from tests.support.servers import scratch

pytestmark = pytest.mark.servers


class Demo:
    """`make demo` under a mark of its own, which whatever it starts inherits."""

    def __init__(self) -> None:
        self.state = scratch("demo")
        self.mark = uuid4().hex

    async def start(self) -> asyncio.subprocess.Process:
        given = ("DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS")
        environment = {name: value for name, value in os.environ.items() if name not in given}
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "deploy.local.demo",
            str(self.state),
            cwd=ROOT,
            env={**environment, "RAPPORT_TEST_MARK": self.mark},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )

    def alive(self) -> list[str]:
        """Whatever it started and is still there."""
        found = []
        for one in psutil.process_iter(["cmdline", "environ"]):
            command = " ".join(one.info["cmdline"] or ())
            if self.mark in (one.info["environ"] or {}).values() or str(self.state) in command:
                found.append(command)
        return found


async def test_the_demo_plays_the_whole_loop_and_leaves_nothing_behind() -> None:
    demo = Demo()
    state, process = demo.state, await demo.start()
    output, _ = await asyncio.wait_for(process.communicate(), 300)
    printed = output.decode()
    assert process.returncode == 0, printed[-3000:]
    last = printed.strip().splitlines()[-1]
    assert re.fullmatch(r"demo: ok, \d+ checks", last), printed[-3000:]

    summary = json.loads((state / "demo.json").read_text())
    assert summary["ok"] is True
    assert summary["checks"] >= 30
    assert len(summary["trace_id"]) == 32
    assert all(step["at_seconds"] >= 0 and step["what"] for step in summary["steps"])
    for service in SERVICES:
        for kind in ("api", "worker"):
            assert summary["memory_mb"][f"{service} {kind}"] <= 120
            assert summary["start_seconds"][f"{service} {kind}"] > 0
    for name in ("we missed you", "carrier", "trace", "recovered visit"):
        assert name in printed
    for log in (state / "logs").glob("*.log"):
        if log.name.split("-")[0] in SERVICES:
            words = log.read_text()
            for told in ("example.org", "+1202555", "Sam Rivera", "/a/", "/s/"):
                assert told not in words, f"{log.name} tells {told}"
    assert demo.alive() == []


async def test_a_demo_that_is_ended_early_leaves_nothing_behind() -> None:
    """By SIGTERM; that SIGHUP ends a command alike, tests/local shows."""
    demo = Demo()
    process = await demo.start()
    assert process.stdout is not None
    async with asyncio.timeout(120):
        while b"availability api" not in await process.stdout.readline():
            assert process.returncode is None
    assert len(demo.alive()) >= 6, "the mark finds what runs: demo, PostgreSQL, Kafka, receivers, issuer, a service"
    process.send_signal(signal.SIGTERM)
    output, _ = await asyncio.wait_for(process.communicate(), 90)
    assert process.returncode == 1
    assert b"demo: stopped" in output
    assert demo.alive() == []
