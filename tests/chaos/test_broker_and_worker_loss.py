"""The broker stopped for a minute, killed and restarted, workers killed: a ledger shows that nothing was lost.

Bookings go on by the public API all the while. In the end every committed outbox row is on Kafka, in
order per aggregate, and each took effect once.
"""

import asyncio
import json
import signal
from collections import Counter, defaultdict
from datetime import timedelta

import httpx
import psutil
import pytest

from deploy.local.stack import Stack
from shared.contracts import BY_TYPE
from shared.topics import topics
from tests.chaos.load import Load, connection
from tests.support.streams import eventually, read_all

pytestmark = pytest.mark.servers

PAUSE_SECONDS = 60
DEAD_SECONDS = 22
"""Long enough for aiokafka to give up on its broker (seen from about 20 s on)."""
MEMORY_MB = 160


async def kill_and_restart(stack: Stack, name: str) -> None:
    """SIGKILL, as by the kernel; then what a supervisor does."""
    stack.running(name).send(signal.SIGKILL)
    await asyncio.to_thread(stack.start_service, name)


async def test_broker_stopped_killed_and_workers_killed_under_bookings(stack: Stack) -> None:
    assert stack.kafka is not None
    async with httpx.AsyncClient(timeout=30) as http:
        load = Load(stack, http)
        await load.open()
        over = False
        booking = asyncio.create_task(load.run(lambda: over))
        try:
            await asyncio.sleep(2)
            await kill_and_restart(stack, "booking worker")
            await kill_and_restart(stack, "availability worker")
            await asyncio.sleep(2)
            stack.kafka.pause()
            before = len(load.booked)
            await _not_ready(http, stack)
            for _ in range(PAUSE_SECONDS):
                await asyncio.sleep(1)
                _memory_is_bounded(stack)
            assert len(load.booked) > before + 100, "bookings go on while the broker is away"
            await asyncio.to_thread(stack.kafka.kill)
            await asyncio.sleep(DEAD_SECONDS)
            await asyncio.to_thread(stack.kafka.restart)
            await asyncio.sleep(3)
            await kill_and_restart(stack, "notifications worker")
        finally:
            over = True
            await booking
        assert set(load.statuses) <= {200, 201}, load.statuses
        await eventually(lambda: _drained(stack), seconds=90)
        await eventually(lambda: _all_ready(http, stack), seconds=60)
        await eventually(lambda: _ledger(stack), seconds=60)
        await eventually(lambda: _effects(stack, load), seconds=60)
        await _misses(stack, load)
    _memory_is_bounded(stack)


async def test_database_lost_and_back(stack: Stack) -> None:
    """Without its database a service says so and keeps running; with it again everything goes on by itself."""
    assert stack.postgres is not None
    async with httpx.AsyncClient(timeout=30) as http:
        load = Load(stack, http)
        await load.open()
        await asyncio.to_thread(stack.postgres.stop)
        url, headers = stack.urls["booking"], {"authorization": f"Bearer {load.staff.token}"}
        answer = await http.get(f"{url}/readyz")
        assert (answer.status_code, answer.json()["checks"]["database"]) == (503, "does not answer")
        body = {"slot": load.slots[0], "client_id": load.clients[0]}
        refused = await http.post(f"{url}/v1/appointments", json=body, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (503, "database_unavailable")
        assert (await http.get(f"{url}/healthz")).status_code == 200
        await asyncio.sleep(5)
        await asyncio.to_thread(stack.restart_postgres)
        await eventually(lambda: _all_ready(http, stack), seconds=60)
        for name in stack.service_processes:
            assert stack.running(name).alive(), f"{name} did not outlive its database"
        await load.run(lambda: len(load.booked) >= 5)
        await eventually(lambda: _effects(stack, load), seconds=60)
        for name in await topics(stack.bootstrap):
            if name.endswith(".dlq"):
                assert await read_all(stack.bootstrap, name) == [], f"{name}: an outage is no poison"


def _memory_is_bounded(stack: Stack) -> None:
    """What waits for the broker waits in the database: no process grows by it."""
    for name in stack.service_processes:
        process = stack.running(name).process()
        assert isinstance(process, psutil.Process), f"{name} is gone"
        assert process.memory_info().rss < MEMORY_MB * 2**20, name


async def _not_ready(http: httpx.AsyncClient, stack: Stack) -> None:
    """A lost broker means 503 and says so; the API itself can be asked to leave the broker out."""
    url = stack.urls["booking"]
    answer = await http.get(f"{url}/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["broker"] == "does not answer"
    assert (await http.get(f"{url}/readyz", params={"exclude": "broker"})).status_code == 200
    assert (await http.get(f"{url}/healthz")).status_code == 200


async def _drained(stack: Stack) -> bool:
    for service in ("availability", "booking", "notifications", "feedback"):
        async with connection(stack, service) as one:
            if await one.fetchval("SELECT count(*) FROM outbox WHERE published_at IS NULL"):
                return False
    return True


async def _all_ready(http: httpx.AsyncClient, stack: Stack) -> bool:
    urls = [stack.urls[name] for name in ("availability", "booking", "notifications", "feedback")]
    urls += [stack.worker_url(name) for name in ("availability", "booking", "notifications", "feedback")]
    answers = await asyncio.gather(*(http.get(f"{url}/readyz") for url in urls))
    return all(answer.status_code == 200 for answer in answers)


async def _ledger(stack: Stack) -> bool:
    """True when every committed row is on its topic at least once; per aggregate the first copies come in order.

    What is consumed may lead to further events, so that rows can be younger than the look at the topics.
    """
    rows: dict[str, tuple[str, int]] = {}
    for service in ("availability", "booking", "notifications", "feedback"):
        async with connection(stack, service) as one:
            for row in await one.fetch("SELECT event_id, key, payload FROM outbox"):
                rows[str(row["event_id"])] = (row["key"], json.loads(row["payload"])["sequence"])
    seen: set[str] = set()
    order: dict[tuple[str, str], list[int]] = defaultdict(list)
    for topic in BY_TYPE:
        for record in await read_all(stack.bootstrap, topic):
            headers = {name: value.decode() for name, value in record.headers}
            assert [name for name, _ in record.headers].count("traceparent") == 1
            if headers["ce_id"] not in seen:
                seen.add(headers["ce_id"])
                order[topic, headers["ce_subject"]].append(int(headers["ce_sequence"]))
    for key, sequences in order.items():
        assert sequences == sorted(sequences), key
    return set(rows) <= seen


async def _effects(stack: Stack, load: Load) -> bool:
    """Each booking has had each of its effects, and none twice."""
    visits = {visit["id"] for visit in load.booked}
    async with connection(stack, "availability") as one:
        await one.execute("SELECT set_config('app.tenant', $1, false)", load.practice)
        occupied = Counter(str(row["id"]) for row in await one.fetch("SELECT id FROM occupied"))
    async with connection(stack, "notifications") as one:
        await one.execute("SELECT set_config('app.tenant', $1, false)", load.practice)
        query = (
            "SELECT appointment_id, status FROM messages WHERE purpose = 'confirmation' AND appointment_sequence = 1"
        )
        confirmed = Counter(str(row["appointment_id"]) for row in await one.fetch(query))
        waiting = await one.fetchval("SELECT count(*) FROM messages WHERE status = 'planned'")
        sent = await one.fetchval("SELECT count(*) FROM messages WHERE status = 'sent' AND purpose = 'confirmation'")
    assert all(count == 1 for count in (*occupied.values(), *confirmed.values()))
    # A visit booked and cancelled while the broker was away may be heard of as cancelled only: then nothing is due.
    async with connection(stack, "booking") as one:
        await one.execute("SELECT set_config('app.tenant', $1, false)", load.practice)
        standing = {str(row["id"]) for row in await one.fetch("SELECT id FROM appointments WHERE status = 'booked'")}
    if set(occupied) != visits or not standing <= set(confirmed) or waiting:
        return False
    receivers = f"{stack.urls['receivers']}/api/messages"
    answer = await load.http.get(receivers, params={"channel": "email", "contains": "You're booked"})
    mine = [item for item in answer.json()["items"] if load.practice in item["to"]]
    assert len({item["id"] for item in mine}) == sent >= len(standing)
    return True


async def _misses(stack: Stack, load: Load) -> None:
    """Timers survived the kills: every visit whose grace is over is marked, once, never early, in one event."""
    async with connection(stack, "booking") as one:
        await one.execute("SELECT set_config('app.tenant', $1, false)", load.practice)

        async def none_due() -> bool:
            query = (
                "SELECT count(*) FROM appointments WHERE status = 'booked' AND start + grace < now() - interval '2 s'"
            )
            return not await one.fetchval(query)

        await eventually(none_due, seconds=45)
        missed = await one.fetch(
            "SELECT id, changed_at - (start + grace) AS late FROM appointments WHERE status = 'noshow'"
        )
        events = Counter(
            row["key"] for row in await one.fetch("SELECT key FROM outbox WHERE topic = 'appointment.missed'")
        )
    assert len(missed) >= 5
    assert all(row["late"] >= timedelta(0) for row in missed)
    assert events == {str(row["id"]): 1 for row in missed}
