"""`make bench-notifications`: how many bookings a second are planned for, and how fast what is due at once goes out."""

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import httpx
from aiokafka import AIOKafkaConsumer

from deploy.local.stack import Stack
from shared.contracts.booking import AppointmentMissed
from shared.timers import _CLAIM, LEASE
from tests.bench.booking import percentile
from tests.bench.draining import draining
from tests.bench.figures import Figures
from tests.bench.house import AT_ONCE, PLANNED, House, known_to_booking, rate_of
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
ENDING = 1_000
"""Outreaches that end by a booking."""
BACK_A_SECOND = 20
"""So many clients book in a second to whom somebody reaches out. One worker falls behind at 50."""
IN_HAND = 8
"""Timers that a worker claims at a time."""
COMMIT_TIMES = {"track_commit_timestamp": "on"}


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


async def promptness(figures: Figures, house: House) -> None:
    """How long after its event a booking is planned for, and how long after its time a text is with the carrier."""
    events = house.bookings(PROMPT, datetime.now(UTC) + timedelta(days=1))
    with only(house.stack, "notifications worker"):
        published = await house.publish(events, per_second=200)
        await rate_of(house, "SELECT count(*) FROM visits WHERE tenant_id = $1", PROMPT)
        async with house.database("notifications") as rows:
            planned = await rows.fetch(VISIBLE, house.id)
    waited = [(row["at"] - published[row["id"]]).total_seconds() * 1000 for row in planned]
    if len(waited) < PROMPT:
        raise SystemExit(f"bench: {PROMPT - len(waited)} bookings have not all of their messages")
    note = f"{PROMPT} bookings, until what was planned is committed"
    figures.add("booked → planned at 200/s, p99", [percentile(waited, 0.99)], "ms", most=500, note=note)

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


async def ending(figures: Figures, house: House) -> None:
    """How long after a booking's event the outreach of its client has ended."""
    back = house.bookings(ENDING, datetime.now(UTC))
    now = datetime.now(UTC)
    missed = [
        appointment_event(
            AppointmentMissed,
            client_id=one.client_id,
            sequence=2,
            start=now - timedelta(minutes=15),
            booked_at=now - timedelta(days=3),
            changed_at=now,
            changed_by="system",
        )
        for one in back
    ]
    running = "SELECT count(*) FROM outreach WHERE tenant_id = $1 AND status = 'running'"
    ended = "SELECT count(*) FROM outreach WHERE tenant_id = $1 AND status = 'ended'"
    await known_to_booking(house, missed)
    with only(house.stack, "notifications worker", "booking api"):
        await house.publish(missed)
        await rate_of(house, running, ENDING)
        await known_to_booking(house, back)
        changed_at = datetime.now(UTC)
        published = await house.publish(
            [one.model_copy(update={"changed_at": changed_at}) for one in back], BACK_A_SECOND
        )
        await rate_of(house, ended, ENDING)
        async with house.database("notifications") as rows:
            ends = await rows.fetch(
                "SELECT rebooked_appointment_id AS id, pg_xact_commit_timestamp(xmin) AS at FROM outreach"
                " WHERE tenant_id = $1 AND end_reason = 'rebooked'",
                house.id,
            )
    if len(ends) < ENDING:
        raise SystemExit(f"bench: {ENDING - len(ends)} outreaches ended otherwise than by a booking")
    took = [(row["at"] - published[row["id"]]).total_seconds() for row in ends]
    note = f"{ENDING} clients who book at {BACK_A_SECOND}/s, until the end of their outreach is committed; one worker"
    figures.add("booked → outreach ended, p99", [percentile(took, 0.99)], "s", most=2, note=note)


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
        times: list[float] = []
        for _ in range(200):
            due = [(house.id, uuid4()) for _ in range(IN_HAND)]
            transaction = database.transaction()
            await transaction.start()
            await database.executemany(
                "INSERT INTO timers (tenant_id, kind, key, due_at) VALUES ($1, 'message.send', $2, now())", due
            )
            began = time.perf_counter()
            picked = await database.fetch(_CLAIM.sql, LEASE, ["message.send"], IN_HAND)
            times.append((time.perf_counter() - began) * 1000)
            await transaction.rollback()
            if len(picked) != IN_HAND:
                raise SystemExit(f"bench: {len(picked)} of {IN_HAND} due timers were picked")
        await database.execute("DELETE FROM timers WHERE tenant_id = $1", house.id, timeout=900)
    note = f"{IN_HAND} of {rows} planned rows, p99 of 200"
    figures.add("picking the due ones", [percentile(times, 0.99)], "ms", most=5, note=note)


VISIBLE = """
    SELECT id, pg_xact_commit_timestamp(xmin) AS at FROM visits
    WHERE tenant_id = $1 AND 4 = (
        SELECT count(*) FROM messages WHERE messages.tenant_id = $1 AND messages.appointment_id = visits.id
    )
"""
"""From when on everybody sees a visit with its messages: the commit of the transaction that wrote them."""
PARTS = ("planning", "promptness", "ending", "draining", "backlog")


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
            elif part == "ending":
                await ending(figures, house)
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
    print(f"{asked.rows} planned rows, {asked.due} due at once; the full size is rows=10000000 due=100000", flush=True)
    with Stack(scratch("bench"), own_servers=True, traces=False, postgres_settings=COMMIT_TIMES) as stack:
        asyncio.run(measure(figures, stack, asked.rows, asked.due, asked.part or PARTS))
        stack.stop()
    return 1 if figures.write() else 0


if __name__ == "__main__":
    sys.exit(main())
