"""Load on the same cores as what it measures: by `wrk` (Debian's package), or by a client that costs little."""

import asyncio
import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from tempfile import NamedTemporaryFile
from typing import Any
from urllib.parse import urlsplit

_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}


@dataclass(frozen=True, slots=True)
class Run:
    """Requests a second, and latencies in milliseconds."""

    per_second: float
    p50: float
    p99: float


# Each request begins a second later than the one before, so that no two are the same question.
_ALL_DIFFERENT = """
local count = 0
request = function()
  count = count + 1
  local minutes, seconds = math.floor(count / 60) % 60, count % 60
  local path = wrk.path:gsub("@@", string.format("%02d%%%%3A%02d", minutes, seconds))
  return wrk.format("GET", path)
end
"""


def wrk(url: str, token: str | None, *, connections: int, seconds: int = 5, different: bool = False) -> Run:
    """One run; fails when any answer was no success, since errors are fast.

    `different`: `@@` in the URL stands for minutes and seconds, and is another in each request.
    """
    program = shutil.which("wrk")
    if program is None:
        raise SystemExit("bench: wrk is not installed; on Debian: apt-get install wrk")
    command = [program, "-t1", f"-c{connections}", f"-d{seconds}s", "--latency"]
    if token is not None:
        command += ["-H", f"authorization: Bearer {token}"]
    with NamedTemporaryFile("w", suffix=".lua") as script:
        if different:
            script.write(_ALL_DIFFERENT)
            script.flush()
            command += ["-s", script.name]
        out = subprocess.run([*command, url], capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in out or "Socket errors" in out:
        raise SystemExit(f"bench: {url} did not answer every request well:\n{out}")
    run = Run(float(_found(r"Requests/sec:\s+([\d.]+)", out)), _latency("50%", out), _latency("99%", out))
    if not run.per_second:
        raise SystemExit(f"bench: {url} answered nothing in {seconds} s")
    return run


class Wire:
    """HTTP/1.1 over connections that stay, at a tenth of a library's cost: the cores are for what is measured."""

    def __init__(self, url: str, token: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._token = token
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def ask(self, method: str, path: str, body: Any = None, key: str | None = None) -> tuple[int, Any]:
        """Status and JSON of an answer."""
        sent = json.dumps(body).encode() if body is not None else b""
        head = f"{method} {path} HTTP/1.1\r\nhost: {self._host}\r\nauthorization: Bearer {self._token}\r\n"
        head += f"idempotency-key: {key}\r\n" if key else ""
        head += f"content-type: application/json\r\ncontent-length: {len(sent)}\r\n\r\n"
        while self._idle and self._idle[-1][0].at_eof():
            self._idle.pop()  # the server has closed it meanwhile
        reader, writer = self._idle.pop() if self._idle else await asyncio.open_connection(self._host, self._port)
        writer.write(head.encode() + sent)
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().lower().split("\r\n")
        length = next(int(line.split(":")[1]) for line in lines if line.startswith("content-length:"))
        answer = await reader.readexactly(length)
        self._idle.append((reader, writer))
        return int(lines[0].split()[1]), json.loads(answer)

    def close(self) -> None:
        for _, writer in self._idle:
            writer.close()


def _latency(rank: str, out: str) -> float:
    value, unit = re.findall(rf"{rank}\s+([\d.]+)(us|ms|s|m)", out)[0]
    return float(value) * _UNITS[unit]


def _found(pattern: str, out: str) -> str:
    found = re.search(pattern, out)
    if found is None:
        raise SystemExit(f"bench: wrk's answer is not understood:\n{out}")
    return found.group(1)
