"""`make bench-notifications`: how many bookings a second are planned for, and how fast what is due at once goes out."""

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import httpx
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from uuid_utils.compat import uuid7

from deploy.local.ports import free_port
from deploy.local.stack import ROOT, Stack
from shared.contracts.booking import AppointmentBooked
from shared.contracts.envelope import Envelope
from shared.timers import _CLAIM, LEASE
from tests.bench import sender
from tests.bench.booking import percentile
from tests.bench.figures import Figures
from tests.bench.slots import only
from tests.support.build import appointment_event
from tests.support.servers import scratch

RUNS = 3
EVENTS = 3_000
"""Bookings planned for in each run."""
DUE = 3_000
"""Texts that are due in the same minute."""
PROMPT = 2_000
"""Bookings and texts of which each is timed."""
IN_HAND = 8
"""Timers that a worker claims at a time."""
AT_ONCE = {"steps": [{"purpose": "reminder", "anchor": "booking", "offset": "PT0S", "channels": ["sms"]}]}


class House:
    """A practice with as many clients as there are messages, each with a number and a yes to texts."""

    def __init__(self, stack: Stack, http: httpx.AsyncClient) -> None:
        self.stack, self.http, self.id = stack, http, uuid4()
        self.token = stack.token(role="admin", practice=str(self.id))
        self.urls = {
            name: stack.environments[name][f"{name.upper()}_OWNER_DATABASE_URL"]
            for name in ("booking", "notifications")
        }
        self.clients: list[UUID] = []

    async def call(self, method: str, path: str, body: object) -> None:
        headers = {"authorization": f"Bearer {self.token}"}
        answer = await self.http.request(
            method, self.stack.urls["notifications"] + path, json=body, headers=headers, timeout=30
        )
        answer.raise_for_status()

    async def open(self, clients: int) -> None:
        sender = {
            "name": "Maple",
            "phone": "+12025550100",
            "sms_from": "+12025550111",
            "email_from": "hello@maple.example",
            "alert_email": "desk@maple.example",
        }
        await self.call("PUT", "/v1/sender", sender)
        self.clients = [uuid4() for _ in range(clients)]
        async with self.database("notifications") as rows:
            phones = [f"+1202{number // 9_000 + 220:03d}{number % 9_000 + 1_000}" for number in range(clients)]
            await rows.execute(
                "INSERT INTO contacts (tenant_id, client_id, phone, zone) "
                "SELECT $1, client, phone, $4 FROM unnest($2::uuid[], $3::text[]) AS them (client, phone)",
                self.id,
                self.clients,
                phones,
                zone_in_the_afternoon(),
            )
            await rows.execute(
                "INSERT INTO consents (tenant_id, id, client_id, channel, address, granted, wording_version, source,"
                " actor, at) SELECT $1, gen_random_uuid(), client, 'sms', phone, true, '1', 'bench', 'bench', now()"
                " FROM unnest($2::uuid[], $3::text[]) AS them (client, phone)",
                self.id,
                self.clients,
                phones,
            )

    @asynccontextmanager
    async def database(self, service: str) -> AsyncIterator[asyncpg.Connection]:
        url = self.urls[service].replace("postgresql+asyncpg", "postgresql")
        connection = await asyncpg.connect(url, server_settings={"app.tenant": str(self.id)})
        try:
            yield connection
        finally:
            await connection.close()

    async def count(self, query: str) -> int:
        async with self.database("notifications") as rows:
            found: int = await rows.fetchval(query, self.id)
            return found

    def bookings(self, number: int, at: datetime) -> list[AppointmentBooked]:
        """A visit each of the first clients, in ten days."""
        start = at + timedelta(days=10)
        made = [
            appointment_event(
                AppointmentBooked, client_id=client, start=start, booked_at=at, changed_at=datetime.now(UTC)
            )
            for client in self.clients[:number]
        ]
        return [one for one in made if isinstance(one, AppointmentBooked)]

    async def publish(self, events: list[AppointmentBooked], per_second: float | None = None) -> dict[UUID, datetime]:
        """When each was published, by the id of its envelope; at a rate, or as fast as can be."""
        producer = AIOKafkaProducer(bootstrap_servers=self.stack.bootstrap, linger_ms=5)
        await producer.start()
        published: dict[UUID, datetime] = {}
        began = time.perf_counter()
        try:
            for number, event in enumerate(events):
                if per_second is not None:
                    await asyncio.sleep(max(0.0, began + number / per_second - time.perf_counter()))
                envelope = Envelope(id=uuid7(), tenant=self.id, time=datetime.now(UTC), event=event)
                published[envelope.id] = envelope.time
                await producer.send(
                    event.type,
                    event.model_dump_json().encode(),
                    key=str(event.subject).encode(),
                    headers=list(envelope.headers()),
                )
            await producer.flush()
        finally:
            await producer.stop()
        return published


def zone_in_the_afternoon() -> str:
    """Where it is about noon, so that quiet hours keep nothing back."""
    hours = (12 - datetime.now(UTC).hour + 12) % 24 - 12
    return f"Etc/GMT{-hours:+d}" if hours else "Etc/GMT"


async def reference(figures: Figures, house: House) -> float:
    """What a bare loop does: consume, parse, insert a row, commit each batch's offsets."""
    async with house.database("notifications") as rows:
        await rows.execute("CREATE TABLE IF NOT EXISTS bench_bare (id uuid PRIMARY KEY, payload text NOT NULL)")
        runs = []
        for _ in range(RUNS):
            await rows.execute("TRUNCATE bench_bare")
            consumer = AIOKafkaConsumer(
                "appointment.booked",
                bootstrap_servers=house.stack.bootstrap,
                group_id=f"bench-{uuid4()}",
                auto_offset_reset="earliest",
                enable_auto_commit=False,
            )
            await consumer.start()
            seen, began = 0, 0.0
            while seen < EVENTS:
                batch = await consumer.getmany(timeout_ms=500, max_records=500)
                began = began or time.perf_counter()
                for records in batch.values():
                    for record in records:
                        body = json.loads(record.value)
                        await rows.execute(
                            "INSERT INTO bench_bare VALUES ($1, $2) ON CONFLICT DO NOTHING",
                            UUID(body["appointment_id"]),
                            record.value.decode(),
                        )
                        seen += 1
                await consumer.commit()
            runs.append(seen / (time.perf_counter() - began))
            await consumer.stop()
        await rows.execute("DROP TABLE bench_bare")
    return figures.add("bare aiokafka loop: consume and insert", runs, "/s", note="reference, one process")


async def planning(figures: Figures, house: House) -> None:
    """From a topic full of bookings to planned reminders, by one worker."""
    with only(house.stack):
        await house.publish(house.bookings(EVENTS, datetime.now(UTC) + timedelta(days=1)))
        bare = await reference(figures, house)
    least = min(2000.0, 0.35 * bare)
    runs = []
    for _ in range(RUNS):
        begun = await house.count("SELECT count(*) FROM visits WHERE tenant_id = $1")
        with only(house.stack):
            if begun >= EVENTS:
                await house.publish(house.bookings(EVENTS, datetime.now(UTC) + timedelta(days=1)))
        with only(house.stack, "notifications worker"):
            target = begun + EVENTS if begun >= EVENTS else EVENTS
            runs.append(await rate_of(house, "SELECT count(*) FROM visits WHERE tenant_id = $1", target))
    note = f"{EVENTS} bookings a run, four messages each with timer and reason"
    figures.add("appointment.booked → reminders planned", runs, "/s", least=least, note=note)


async def rate_of(house: House, query: str, target: int) -> float:
    """How fast a count rises to its target, between a tenth of the way and its end."""
    first = await house.count(query)
    begin, counted = 0.0, first
    while counted < target:
        await asyncio.sleep(0.05)
        counted = await house.count(query)
        if not begin and counted > first + (target - first) / 10:
            begin, first = time.perf_counter(), counted
    return (target - first) / (time.perf_counter() - begin)


async def promptness(figures: Figures, house: House) -> None:
    """How long after its event a booking is planned for, and how long after its time a text is with the carrier."""
    events = house.bookings(PROMPT, datetime.now(UTC) + timedelta(days=1))
    with only(house.stack, "notifications worker"):
        published = await house.publish(events, per_second=200)
        await rate_of(house, "SELECT count(*) FROM visits WHERE tenant_id = $1", PROMPT)
        async with house.database("notifications") as rows:
            # Written by the clock in the transaction that plans, right before it ends.
            handled = await rows.fetch("SELECT event_id, received_at FROM inbox WHERE tenant_id = $1", house.id)
    waited = [(row["received_at"] - published[row["event_id"]]).total_seconds() * 1000 for row in handled]
    figures.add("booked → planned at 200/s, p99", [percentile(waited, 0.99)], "ms", most=500, note=f"{PROMPT} bookings")

    await house.call("POST", "/v1/reminder-plans", AT_ONCE)
    later = house.bookings(PROMPT, datetime.now(UTC) + timedelta(days=2))
    await known_to_booking(house, later)
    with only(house.stack, "notifications worker"):
        await house.publish(later)
        await rate_of(house, PLANNED, PROMPT)
    begin = datetime.now(UTC) + timedelta(seconds=8)
    async with house.database("notifications") as rows:
        ids = [row["id"] for row in await rows.fetch(PLANNED.replace("count(*)", "id"), house.id)]
        due = {id_: begin + number * timedelta(seconds=1 / 50) for number, id_ in enumerate(ids)}
        await rows.executemany(
            "UPDATE timers SET due_at = $2, generation = generation + 1 WHERE kind = 'message.send' AND key = $1",
            list(due.items()),
        )
    with only(house.stack, "notifications worker", "booking api"):
        await rate_of(house, f"{PLANNED} AND status IN ('sent', 'delivered')", PROMPT)
    took = await house.http.get(f"{house.stack.urls['receivers']}/api/messages", params={"channel": "sms"}, timeout=60)
    arrived = {UUID(one["token"]): datetime.fromisoformat(one["at"]) for one in took.json()["items"] if one["token"]}
    late = [(arrived[id_] - at).total_seconds() for id_, at in due.items()]
    if min(late) < 0:
        raise SystemExit(f"bench: a text went {-min(late):.3f} s before its time")
    figures.add(
        "late at 50 due a second, p99", [percentile(late, 0.99)], "s", most=2, note=f"{PROMPT} texts, one worker"
    )


PLANNED = "SELECT count(*) FROM messages WHERE tenant_id = $1 AND purpose = 'reminder' AND plan_version = 1"


async def known_to_booking(house: House, events: Sequence[AppointmentBooked]) -> None:
    """Booking has these visits, as it would have published them."""
    providers = [uuid4() for _ in events]
    async with house.database("booking") as rows:
        await rows.executemany(
            "INSERT INTO clients (tenant_id, id, name, registered_at, sequence) VALUES ($1, $2, 'C', now(), 1)",
            [(house.id, client) for client in house.clients],
        )
        await rows.executemany(
            "INSERT INTO providers (tenant_id, id) VALUES ($1, $2)", [(house.id, one) for one in providers]
        )
        await rows.executemany(
            "INSERT INTO appointments (tenant_id, id, client_id, provider_id, schedule_id, appointment_type_id,"
            ' location_id, modality, status, start, "end", occupied_from, occupied_to, grace, booked_at, changed_at,'
            " changed_by, sequence, group_id, seat, needs_rebooking, late) VALUES ($1, $2, $3, $4, $4, $4, $4,"
            " 'in_person', 'booked', $5, $6, $5, $6, 'PT15M', $7, $7, 'practice', 1, $2, 1, false, false)",
            [
                (house.id, one.appointment_id, one.client_id, whose, one.start, one.end, one.changed_at)
                for one, whose in zip(events, providers, strict=True)
            ],
        )


async def draining(figures: Figures, house: House, number: int) -> None:
    """Texts that are due in the same minute, by two workers; the receiver's own count says whether any came twice."""
    await house.call("POST", "/v1/reminder-plans", AT_ONCE)
    # So long that all of them are planned for by then.
    due = datetime.now(UTC) + timedelta(seconds=45 + number / 150)
    events = house.bookings(number, due)
    await known_to_booking(house, events)
    with only(house.stack, "notifications worker"):
        await house.publish(events)
        await rate_of(house, PLANNED, number)
        early = await house.count(f"{PLANNED} AND status <> 'planned'")
    environment = house.stack.environments["notifications"] | {"NOTIFICATIONS_WORKER_PORT": str(free_port())}
    second = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.notifications.worker",
        env={**os.environ, **environment},
        cwd=ROOT,
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        sent = f"{PLANNED} AND status IN ('sent', 'delivered')"
        with only(house.stack, "notifications worker", "booking api", "notifications api"):
            await asyncio.sleep(max(0.0, (due - datetime.now(UTC)).total_seconds()))
            rate = await rate_of(house, sent, number)
    finally:
        second.terminate()
        await asyncio.wait_for(second.wait(), 30)
    if early:
        raise SystemExit(f"bench: {early} texts went before their time")
    twice = await texts_twice(house)
    if twice:
        raise SystemExit(f"bench: {twice} clients got a text twice")
    await bare_sending(figures, house)
    note = f"{number} due at once, two workers, booking asked for each eight; none early or twice; reports come later"
    figures.add("due in the same minute, drained", [rate], "/s", least=500, note=note)


async def bare_sending(figures: Figures, house: House) -> None:
    """What two bare senders make of as many cores."""
    environment = house.stack.environments["notifications"]
    names = ("OWNER_DATABASE_URL", "SMS_API_URL", "SMS_ACCOUNT_SID", "SMS_AUTH_TOKEN")
    url, *carrier = (environment[f"NOTIFICATIONS_{name}"] for name in names)
    arguments = url.replace("postgresql+asyncpg", "postgresql"), *carrier
    with only(house.stack):
        async with house.database("notifications") as rows, sender.senders(rows, house.id, DUE, *arguments):
            rate = await rate_of(house, sender.SENT, DUE)
    figures.add("bare senders: take rows, ask the carrier, mark them", [rate], "/s", note="reference, two processes")


async def texts_twice(house: House) -> int:
    """Of the messages that are on record as sent, how many share a carrier's id or a client."""
    return await house.count(
        "SELECT count(*) FROM (SELECT client_id FROM messages WHERE tenant_id = $1 AND status IN ('sent', 'delivered')"
        " GROUP BY client_id HAVING count(*) > 1) AS twice"
    )


async def backlog(figures: Figures, house: House, rows: int) -> None:
    """Picking what is due beside a backlog of what is not."""
    async with house.database("notifications") as database:
        for first in range(0, rows, 500_000):
            await database.execute(
                "INSERT INTO timers (tenant_id, kind, key, due_at) SELECT $1, 'message.send', gen_random_uuid(),"
                " now() + interval '1 day' + (n % 7776000) * interval '1 second'"
                " FROM generate_series($2::int, $3) AS n",
                house.id,
                first,
                min(first + 500_000, rows) - 1,
                timeout=900,
            )
        await database.execute("VACUUM (ANALYZE) timers", timeout=900)
        query = _CLAIM.text.replace(":lease", "$1").replace(":free", "$2").replace(":kinds", "$3")
        times: list[float] = []
        for _ in range(200):
            due = [(house.id, uuid4()) for _ in range(IN_HAND)]
            transaction = database.transaction()
            await transaction.start()
            await database.executemany(
                "INSERT INTO timers (tenant_id, kind, key, due_at) VALUES ($1, 'message.send', $2, now())", due
            )
            began = time.perf_counter()
            picked = await database.fetch(query, LEASE, IN_HAND, ["message.send"])
            times.append((time.perf_counter() - began) * 1000)
            await transaction.rollback()
            if len(picked) != IN_HAND:
                raise SystemExit(f"bench: {len(picked)} of {IN_HAND} due timers were picked")
        await database.execute("DELETE FROM timers WHERE tenant_id = $1", house.id, timeout=900)
    note = f"{IN_HAND} of {rows} planned rows, p99 of 200"
    figures.add("picking the due ones", [percentile(times, 0.99)], "ms", most=5, note=note)


PARTS = ("planning", "promptness", "draining", "backlog")


async def measure(figures: Figures, stack: Stack, rows: int, due: int, parts: Sequence[str]) -> None:
    async with httpx.AsyncClient() as http:
        for part in parts:
            # Each with a practice of its own.
            house = House(stack, http)
            await house.open(max(EVENTS, due))
            if part == "planning":
                await planning(figures, house)
            elif part == "promptness":
                await promptness(figures, house)
            elif part == "draining":
                await draining(figures, house, due)
            else:
                with only(stack):
                    await backlog(figures, house, rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="planned rows beside which picking stays as fast")
    parser.add_argument("--due", type=int, default=DUE, help="texts that are due in the same minute")
    parser.add_argument("--part", choices=PARTS, action="append", help="only this; all parts unless told otherwise")
    asked = parser.parse_args()
    figures = Figures("notifications")
    # Reports of what has arrived come after what is measured here: two requests a text would be half of all work.
    os.environ["RECEIVERS_DELIVERY_SECONDS"] = "600"
    with Stack(scratch("bench"), own_servers=True, traces=False) as stack:
        asyncio.run(measure(figures, stack, asked.rows, asked.due, asked.part or PARTS))
        stack.stop()
    return 1 if figures.write() else 0


if __name__ == "__main__":
    sys.exit(main())
