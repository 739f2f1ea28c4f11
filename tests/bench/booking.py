"""`make bench-booking`: how many bookings a second one process takes, beside what others write, and how soon told."""

import argparse
import asyncio
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from tempfile import NamedTemporaryFile
from uuid import UUID, uuid4

import asyncpg
import httpx
from aiokafka import AIOKafkaConsumer

from deploy.local.ports import free_port
from deploy.local.stack import Stack
from services.booking.repository.schedules import plan_from
from shared.contracts.slots import Plan, SlotId, ceil, floor, free, moment
from tests.bench.figures import Figures
from tests.bench.load import Wire
from tests.bench.reference import SCHEMA
from tests.bench.slots import Practice, only
from tests.support.build import schedule
from tests.support.servers import scratch

RUNS = 3
SECONDS = 3.0
PROVIDERS = 50
CONTENDERS, CONTENDED = 32, 60
TOLD = 300
OPEN = [{"weekday": day, "start": "00:00", "end": "00:00"} for day in range(7)]

Ask = Callable[[], Awaitable[float]]


async def rate(asks: Iterator[Ask], concurrency: int) -> tuple[float, float]:
    """Answers a second for a while, and the 99th percentile of their milliseconds."""
    times: list[float] = []
    end = time.perf_counter() + SECONDS

    async def work() -> None:
        while time.perf_counter() < end:
            times.append(await next(asks)())

    began = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(concurrency)))
    took = time.perf_counter() - began
    return len(times) / took, percentile(times, 0.99)


def percentile(times: list[float], share: float) -> float:
    return sorted(times)[min(len(times) - 1, int(len(times) * share))]


async def timed(wire: Wire, path: str, body: object, key: str | None = None) -> float:
    began = time.perf_counter()
    status, answer = await wire.ask("POST", path, body, key)
    if status != 201:
        raise SystemExit(f"bench: a booking without a rival was refused: {answer}")
    return (time.perf_counter() - began) * 1000


@asynccontextmanager
async def references(url: str) -> AsyncIterator[Wire]:
    """The other ways, in one process of their own."""
    port = free_port()
    command = [
        "-m",
        "uvicorn",
        "tests.bench.reference:app",
        "--port",
        str(port),
        "--no-access-log",
        "--log-level",
        "error",
    ]
    environment = {**os.environ, "BENCH_DATABASE_URL": url}
    process = await asyncio.create_subprocess_exec(sys.executable, *command, env=environment)
    try:
        async with httpx.AsyncClient() as http:
            for _ in range(100):
                try:
                    await http.get(f"http://127.0.0.1:{port}/openapi.json")
                    break
                except httpx.TransportError:
                    await asyncio.sleep(0.1)
        wire = Wire(f"http://127.0.0.1:{port}", "none")
        yield wire
        wire.close()
    finally:
        process.terminate()
        await process.wait()


async def measure_references(figures: Figures, url: str) -> dict[tuple[str, int], float]:
    found = {}
    async with references(url) as wire:
        for path, name in (
            ("/asyncpg", "FastAPI + asyncpg, two inserts"),
            ("/cte", "FastAPI + asyncpg, one statement"),
            ("/core", "FastAPI + SQLAlchemy Core"),
            ("/orm", "FastAPI + SQLAlchemy ORM"),
        ):
            for concurrency in (8, 32) if path in ("/core", "/asyncpg") else (8,):

                def asks(path: str = path) -> Iterator[Ask]:
                    provider, number = str(uuid4()), 0
                    while True:
                        number += 1
                        body = {"provider_id": provider, "number": number}
                        yield lambda body=body: timed(wire, path, body)  # type: ignore[misc] # of this very turn

                runs = [(await rate(asks(), concurrency))[0] for _ in range(RUNS)]
                found[path, concurrency] = figures.add(f"{name}, {concurrency} at once", runs, "/s", note="reference")
    return found


def pgbench(figures: Figures, url: str) -> None:
    """The database alone, with the same rows."""
    program = shutil.which("pgbench")
    if program is None:
        print("pgbench is not installed; its reference is left out (Debian: apt-get install postgresql-client)")
        return
    visit = (
        "INSERT INTO visits SELECT gen_random_uuid(), gen_random_uuid(), now(), now() + interval '1 hour' RETURNING id"
    )
    scripts = {
        "two inserts": f"BEGIN;\n{visit} \\gset\n"
        "INSERT INTO messages (visit_id, payload) VALUES (':id', '\\x00');\nCOMMIT;\n",
        "one statement": f"WITH v AS ({visit}) INSERT INTO messages (visit_id, payload) SELECT id, '\\x00' FROM v;\n",
    }
    for name, script in scripts.items():
        with NamedTemporaryFile("w", suffix=".sql") as file:
            file.write(script)
            file.flush()
            runs = []
            for _ in range(RUNS):
                command = [program, "-n", "-c8", "-j2", f"-T{int(SECONDS)}", "-f", file.name, url]
                out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
                runs.append(float(re.findall(r"tps = ([\d.]+)", out)[0]))
        figures.add(f"pgbench, {name}, 8 at once", runs, "/s", note="reference")


class Bookings:
    """A practice that is always open, and its slots in an order in which none stands in another's way."""

    def __init__(self, practice: Practice) -> None:
        self.practice = practice
        self.schedules: list[UUID] = []
        self.clients: list[str] = []
        self.terms: dict[UUID, bytes] = {}
        self.left = self.bodies()
        """What nobody has booked yet."""
        environment = practice.stack.environments["booking"]
        self.key = environment["BOOKING_SLOT_SIGNING_KEY"]
        self.url, self.owner = environment["BOOKING_DATABASE_URL"], environment["BOOKING_OWNER_DATABASE_URL"]

    async def open(self) -> None:
        call = self.practice.call
        await self.practice.open()
        for _ in range(PROVIDERS):
            made = await call("POST", "availability", "/v1/providers", expect=201, json={"name": "P", "zone": "UTC"})
            body = {
                "provider_id": made["id"],
                "appointment_type_id": self.practice.types["booked"],
                "location_id": self.practice.location,
                "windows": OPEN,
            }
            self.schedules.append(
                UUID((await call("POST", "availability", "/v1/schedules", expect=201, json=body))["id"])
            )
        for _ in range(PROVIDERS):
            self.clients.append((await call("POST", "booking", "/v1/clients", expect=201, json={"name": "C"}))["id"])
        await self.until_heard_of()

    async def until_heard_of(self) -> None:
        """Until booking's worker has taken in what was published: stopped amid that, it would hold its locks."""
        connection = await asyncpg.connect(self.url, server_settings={"app.tenant": self.practice.id})
        busy = "SELECT count(*) FROM pg_stat_activity WHERE usename = current_user AND state <> 'idle'"
        try:
            calm = 0
            while calm < 10:
                known = await connection.fetchval("SELECT count(*) FROM schedules")
                calm = calm + 1 if known >= PROVIDERS and await connection.fetchval(busy) == 1 else 0
                await asyncio.sleep(0.2)
            for row in await connection.fetch("SELECT id, rules FROM schedules"):
                self.terms[row["id"]] = plan_from(row["rules"]).terms
        finally:
            await connection.close()

    def starts(self) -> list[datetime]:
        rules = schedule(zone="UTC", windows=OPEN, horizon=timedelta(days=59))
        begin = datetime.now(UTC) + timedelta(hours=3)
        hours = free(Plan(rules), [], ceil(begin), floor(begin + timedelta(days=59)), datetime.now(UTC))
        return [moment(at) for at in hours if at % 3600 == 0]

    def slot(self, number: int, start: datetime) -> str:
        schedule_id = self.schedules[number]
        slot = SlotId(schedule_id, start, datetime.now(UTC) + timedelta(hours=1), self.terms[schedule_id])
        return slot.sign(self.key, UUID(self.practice.id))

    def bodies(self) -> Iterator[dict[str, str]]:
        """Each hour with each provider, and each time another client."""
        for start in self.starts():
            for number, client in enumerate(self.clients):
                yield {"slot": self.slot(number, start), "client_id": client}


async def bookings(figures: Figures, practice: Bookings, wire: Wire, known: dict[tuple[str, int], float]) -> None:
    def asks() -> Iterator[Ask]:
        for body in practice.left:
            yield lambda body=body: timed(wire, "/v1/appointments", body, secrets.token_hex(12))  # type: ignore[misc] # of this turn

    await rate(asks(), 8)
    for concurrency in (8, 32):
        runs = [await rate(asks(), concurrency) for _ in range(RUNS)]
        core, bare = known["/core", concurrency], known["/asyncpg", concurrency]
        name = f"POST /v1/appointments, {concurrency} at once"
        note = "no false conflict; everything on"
        value = figures.add(name, [one for one, _ in runs], "/s", least=0.5 * core, note=note)
        figures.add(f"{name}: of SQLAlchemy Core", [value / core], "×", least=0.5)
        figures.add(f"{name}: of bare asyncpg", [value / bare], "×", note="0.45 would be a stretch")
        figures.add(f"{name}: p99", [p99 for _, p99 in runs], "ms", most=40 if concurrency == 8 else None)


async def contended(figures: Figures, practice: Bookings, wire: Wire) -> None:
    """32 contenders for each of 60 slots: one wins, and nobody waits long."""
    times: list[float] = []
    for start in practice.starts()[-CONTENDED:]:

        async def contend(client: str, start: datetime = start) -> int:
            began = time.perf_counter()
            body = {"slot": practice.slot(0, start), "client_id": client}
            status, _ = await wire.ask("POST", "/v1/appointments", body)
            times.append((time.perf_counter() - began) * 1000)
            return status

        answers = Counter(await asyncio.gather(*(contend(client) for client in practice.clients[:CONTENDERS])))
        if answers != {201: 1, 409: CONTENDERS - 1}:
            raise SystemExit(f"bench: of {CONTENDERS} contenders for one slot: {dict(answers)}")
    note = f"{CONTENDERS} contenders for each of {CONTENDED} slots, exactly one 201 each"
    figures.add("contended slot, p99", [percentile(times, 0.99)], "ms", most=500, note=note)


async def told(figures: Figures, practice: Bookings, wire: Wire) -> None:
    """From the commit of a booking to its event on Kafka, at 100 bookings a second."""
    consumer = AIOKafkaConsumer(
        "appointment.booked", bootstrap_servers=practice.practice.stack.bootstrap, auto_offset_reset="latest"
    )
    await consumer.start()
    try:
        runs = []
        for _ in range(RUNS):
            await consumer.seek_to_end()
            answered: dict[str, float] = {}

            async def book(number: int, answered: dict[str, float] = answered) -> None:
                await asyncio.sleep(number * 0.01)
                status, answer = await wire.ask("POST", "/v1/appointments", next(practice.left))
                if status != 201:
                    raise SystemExit(f"bench: a booking without a rival was refused: {answer}")
                answered[answer["id"]] = time.perf_counter()

            async def listen(answered: dict[str, float] = answered) -> dict[str, float]:
                seen: dict[str, float] = {}
                while len(answered) < TOLD or not answered.keys() <= seen.keys():
                    message = await consumer.getone()
                    seen[json.loads(message.value)["appointment_id"]] = time.perf_counter()
                return seen

            listening = asyncio.create_task(listen())
            await asyncio.gather(*(book(number) for number in range(TOLD)))
            seen = await listening
            lags = [max(0.0, (seen[key] - at) * 1000) for key, at in answered.items()]
            runs.append(percentile(lags, 0.99))
        note = "from the answer to the event read from the topic; 300 bookings at 100/s in each run"
        figures.add("booked → event on Kafka, p99", runs, "ms", most=250, note=note)
    finally:
        await consumer.stop()


_FILL = """
    INSERT INTO appointments (tenant_id, id, client_id, provider_id, schedule_id, appointment_type_id, location_id,
        modality, status, start, "end", occupied_from, occupied_to, grace, booked_at, changed_at, changed_by, sequence,
        group_id, seat, needs_rebooking, late)
    SELECT $1, id, client, provider, schedule, schedule, schedule, 'in_person', 'fulfilled', at,
        at + interval '50 min', at, at + interval '1 hour', 'PT15M', at, at, 'practice', 1, id, 1, false, false
    FROM (SELECT gen_random_uuid() AS id, ($2::uuid[])[n % $5 + 1] AS client, ($3::uuid[])[n % $5 + 1] AS provider,
              ($4::uuid[])[n % $5 + 1] AS schedule, timestamptz '2020-01-01Z' - (n / $5) * interval '1 hour' AS at
          FROM generate_series($6::bigint, $7::bigint) AS n) AS rows
"""
FEW = 10_000


async def fill(practice: Bookings, first: int, until: int) -> float:
    """Past visits, hour by hour of each provider with one client; the seconds that it took."""
    began = time.perf_counter()
    connection = await asyncpg.connect(practice.url, server_settings={"app.tenant": practice.practice.id})
    found = await connection.fetch("SELECT id, provider_id FROM schedules WHERE id = ANY($1)", practice.schedules)
    providers = {row["id"]: row["provider_id"] for row in found}
    values = (
        UUID(practice.practice.id),
        [UUID(client) for client in practice.clients],
        [providers[schedule] for schedule in practice.schedules],
        practice.schedules,
        PROVIDERS,
    )
    for number in range(first, until, 100_000):
        await connection.execute(_FILL, *values, number, min(number + 100_000, until) - 1, timeout=600)
    await connection.close()
    owner = await asyncpg.connect(practice.owner)
    # As autovacuum does within a minute: before it, PostgreSQL plans for a table that was empty just now. Of this one
    # only: a table analyzed while it is empty is read from end to end until autovacuum comes by, however it grows.
    await owner.execute("VACUUM (ANALYZE) appointments", timeout=900)
    await owner.close()
    # Nobody books while the whole table is on its way to the disk: in production it has been there for years.
    server = practice.practice.stack.postgres
    assert server is not None
    admin = await asyncpg.connect(server.admin_url)
    await admin.execute("CHECKPOINT", timeout=900)
    await admin.close()
    return time.perf_counter() - began


async def flat(figures: Figures, practice: Bookings, wire: Wire, rows: int) -> None:
    """The same bookings beside few and beside many appointments."""

    def asks() -> Iterator[Ask]:
        for body in practice.left:
            yield lambda body=body: timed(wire, "/v1/appointments", body, secrets.token_hex(12))  # type: ignore[misc] # of this very turn

    few = [(await rate(asks(), 8))[0] for _ in range(RUNS)]
    filled = await fill(practice, FEW, rows)
    await rate(asks(), 8)
    many = [(await rate(asks(), 8))[0] for _ in range(RUNS)]
    note = f"some {FEW} → {rows} appointments, put there in {filled:.0f} s; 8 at once"
    small = figures.add("bookings beside few appointments", few, "/s", note="8 at once")
    figures.add("… beside many, slower by", [small / value for value in many], "×", most=1.2, note=note)


async def measure(figures: Figures, stack: Stack, rows: int) -> None:
    assert stack.postgres is not None
    database = stack.postgres.admin_url
    connection = await asyncpg.connect(database)
    await connection.execute(SCHEMA)
    await connection.close()
    async with httpx.AsyncClient(timeout=60) as http:
        practice = Bookings(Practice(stack, http))
        await practice.open()
        wire = Wire(stack.urls["booking"], practice.practice.token)
        with only(stack):
            pgbench(figures, database)
            known = await measure_references(figures, database)
        await fill(practice, 0, FEW)
        with only(stack, "booking api"):
            await bookings(figures, practice, wire, known)
            await contended(figures, practice, wire)
        await asyncio.sleep(20)  # until everything is told that was booked
        with only(stack, "booking api", "booking worker"):
            await told(figures, practice, wire)
        with only(stack, "booking api"):
            await flat(figures, practice, wire, rows)
        wire.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="appointments beside which it should stay as fast")
    rows = parser.parse_args().rows
    figures = Figures("booking")
    with Stack(scratch("bench"), own_servers=True, traces=False) as stack:
        asyncio.run(measure(figures, stack, rows))
        stack.stop()
    return 1 if figures.write() else 0


if __name__ == "__main__":
    sys.exit(main())
