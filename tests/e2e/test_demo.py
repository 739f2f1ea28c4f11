"""`make demo` end to end, as a newcomer runs it: its own servers, processes and ports, and nothing left behind."""

import asyncio
import json
import os
import re
import sys

import psutil
import pytest

from deploy.local.settings import SERVICES
from deploy.local.stack import ROOT
from tests.support.servers import scratch

pytestmark = pytest.mark.servers


async def test_the_demo_plays_the_whole_loop_and_leaves_nothing_behind() -> None:
    state = scratch("demo")
    given = ("DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS")
    environment = {name: value for name, value in os.environ.items() if name not in given}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "deploy.local.demo",
        str(state),
        cwd=ROOT,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
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
    left = [
        one.info for one in psutil.process_iter(["pid", "cmdline"]) if str(state) in " ".join(one.info["cmdline"] or ())
    ]
    assert left == []
