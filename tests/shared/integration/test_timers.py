"""Timers: never early, once, at most two seconds late, and safe when a worker dies."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.feedback.tables import outbox, timers
from shared import clock as clock_of_the_machine
from shared import timers as clock
from shared.db import Database
from shared.outbox import record
from shared.timers import MAX_ATTEMPTS, NotNow, Timer, TimerRunner
from tests.conftest import MakeSettings
from tests.support.streams import eventually, new_event_type

pytestmark = pytest.mark.servers
Thing = new_event_type()


class Bench:
    """A database of its own; each timer that takes effect leaves one outbox row."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.tenant = uuid4()
        self.late: list[float] = []
        self.error: type[Exception] | None = None
        self.calls = 0

    async def handle(self, session: AsyncSession, timer: Timer) -> None:
        self.calls += 1
        if self.error is not None:
            raise self.error("as the test wants it")
        now = await session.scalar(select(func.clock_timestamp()))
        assert now is not None
        self.late.append((now - timer.due_at).total_seconds())
        await record(session, outbox, timer.tenant, [Thing(thing_id=timer.key, sequence=1)], timer.now)

    def runner(self) -> TimerRunner:
        return TimerRunner(self.database, {"thing": self.handle})

    async def schedule(self, key: UUID, after: timedelta) -> None:
        async with self.database.transaction(self.tenant) as session:
            now = await session.scalar(select(func.clock_timestamp()))
            assert now is not None
            await clock.schedule(session, timers, self.tenant, "thing", key, now + after)

    async def fired(self) -> list[str]:
        async with self.database.transaction(self.tenant) as session:
            return list(await session.scalars(select(outbox.c.key)))

    async def waiting(self) -> int:
        async with self.database.transaction(self.tenant) as session:
            return int(await session.scalar(select(func.count()).select_from(timers)) or 0)


@pytest.fixture
async def bench(make_settings: MakeSettings) -> AsyncIterator[Bench]:
    settings = await make_settings("feedback", fresh=True)
    database = Database(settings.database_url, pool_size=12, name="feedback")
    yield Bench(database)
    await database.close()


async def run_until_empty(bench: Bench, *runners: TimerRunner, seconds: float = 30) -> None:
    stop = asyncio.Event()
    tasks = [asyncio.create_task(one.run(stop)) for one in runners]

    async def empty() -> bool:
        return await bench.waiting() == 0

    try:
        await eventually(empty, seconds)
    finally:
        stop.set()
        await asyncio.gather(*tasks)


async def test_two_workers_fire_each_timer_once_never_early_and_hardly_late(bench: Bench) -> None:
    keys = [uuid4() for _ in range(200)]
    for number, key in enumerate(keys):
        await bench.schedule(key, timedelta(milliseconds=10 * number))
    await run_until_empty(bench, bench.runner(), bench.runner())
    assert sorted(await bench.fired()) == sorted(map(str, keys))
    assert min(bench.late) >= 0
    assert sorted(bench.late)[int(len(bench.late) * 0.99)] <= 2


async def test_a_moved_timer_fires_at_its_new_time_only(bench: Bench) -> None:
    key = uuid4()
    await bench.schedule(key, timedelta(0))
    await bench.schedule(key, timedelta(hours=1))
    assert await bench.runner().claim(10) == []
    await bench.schedule(key, timedelta(0))
    await run_until_empty(bench, bench.runner())
    assert await bench.fired() == [str(key)]


async def test_a_handler_that_sets_its_own_timer_again_has_it_moved(bench: Bench) -> None:
    key = uuid4()

    async def put_off(session: AsyncSession, timer: Timer) -> None:
        await clock.schedule(session, timers, timer.tenant, timer.kind, timer.key, timer.now + timedelta(hours=1))

    await bench.schedule(key, timedelta(0))
    runner = TimerRunner(bench.database, {"thing": put_off})
    [claimed] = await runner.claim(10)
    await runner.fire(claimed)
    assert await runner.claim(10) == []
    async with bench.database.transaction(bench.tenant) as session:
        [(due_at, lease)] = (await session.execute(select(timers.c.due_at, timers.c.leased_until))).all()
    assert (due_at, lease) == (claimed.now + timedelta(hours=1), None)


async def test_a_handler_that_has_to_wait_keeps_what_it_wrote_and_is_called_again(bench: Bench) -> None:
    key = uuid4()

    async def wait(session: AsyncSession, timer: Timer) -> None:
        await record(session, outbox, timer.tenant, [Thing(thing_id=timer.key, sequence=1)], timer.now)
        clock.try_later(session)

    await bench.schedule(key, timedelta(0))
    runner = TimerRunner(bench.database, {"thing": wait})
    for attempt in range(MAX_ATTEMPTS + 2):
        [claimed] = await runner.claim(10)
        assert claimed.attempts == attempt
        await runner.fire(claimed)
        assert await runner.claim(10) == [], "not before its wait is over"
        async with bench.database.transaction(bench.tenant) as session:
            await session.execute(update(timers).values(leased_until=None))
    assert len(await bench.fired()) == MAX_ATTEMPTS + 2


async def test_waits_do_not_count_as_failures(bench: Bench) -> None:
    key = uuid4()
    fails = False

    async def wait(session: AsyncSession, timer: Timer) -> None:
        if fails:
            raise RuntimeError(timer.key)
        clock.try_later(session)

    await bench.schedule(key, timedelta(0))
    runner = TimerRunner(bench.database, {"thing": wait})
    for time in range(2 * MAX_ATTEMPTS):
        fails = time >= MAX_ATTEMPTS
        [claimed] = await runner.claim(10)
        await runner.fire(claimed)
        async with bench.database.every_tenant() as session:
            assert (await session.scalar(select(timers.c.failed_at)) is None) == (time + 1 < 2 * MAX_ATTEMPTS)
            await session.execute(update(timers).values(leased_until=None))
    assert await runner.claim(10) == []


async def test_who_waits_for_another_handler_is_called_within_a_second_however_often(bench: Bench) -> None:
    async def wait(session: AsyncSession, timer: Timer) -> None:
        clock.try_soon(session)

    await bench.schedule(uuid4(), timedelta(0))
    runner = TimerRunner(bench.database, {"thing": wait})
    for _ in range(MAX_ATTEMPTS):
        [claimed] = await runner.claim(10)
        assert claimed.attempts == 0
        await runner.fire(claimed)
        assert await runner.claim(10) == [], "others have their turn before"
        async with bench.database.transaction(bench.tenant) as session:
            left = await session.scalar(select(timers.c.leased_until - func.clock_timestamp()))
            assert left is not None
            assert left < timedelta(seconds=1)
            await session.execute(update(timers).values(leased_until=None))


async def test_a_timer_moved_while_its_handler_runs_undoes_the_handler(bench: Bench) -> None:
    key = uuid4()

    async def overtaken(session: AsyncSession, timer: Timer) -> None:
        await bench.handle(session, timer)
        await bench.schedule(key, timedelta(hours=1))

    await bench.schedule(key, timedelta(0))
    runner = TimerRunner(bench.database, {"thing": overtaken})
    [claimed] = await runner.claim(10)
    await runner.fire(claimed)
    assert bench.calls == 1
    assert await bench.fired() == []
    assert await bench.waiting() == 1


async def test_who_lost_the_lease_cannot_commit(bench: Bench) -> None:
    key = uuid4()
    await bench.schedule(key, timedelta(0))
    slow, quick = bench.runner(), bench.runner()
    [stale] = await slow.claim(10)
    async with bench.database.every_tenant() as session:
        await session.execute(update(timers).values(leased_until=func.clock_timestamp()))
    [fresh] = await quick.claim(10)
    assert fresh.generation == stale.generation + 1
    await slow.fire(stale)
    assert await bench.fired() == []
    assert bench.calls == 0, "what it would send can't be taken back"
    await quick.fire(fresh)
    await slow.fire(stale)
    assert await bench.fired() == [str(key)]


async def test_a_timer_moved_while_it_was_claimed_does_not_fire_at_its_old_time(bench: Bench) -> None:
    key = uuid4()
    await bench.schedule(key, timedelta(0))
    runner = bench.runner()
    [claimed] = await runner.claim(10)
    await bench.schedule(key, timedelta(hours=1))
    await runner.fire(claimed)
    assert await bench.fired() == []
    assert await bench.waiting() == 1


async def test_a_dead_workers_timers_are_taken_over_when_the_lease_runs_out(bench: Bench) -> None:
    await bench.schedule(uuid4(), timedelta(0))
    dead = bench.runner()
    [claimed] = await dead.claim(10)
    alive = bench.runner()
    assert await alive.claim(10) == []
    async with bench.database.every_tenant() as session:
        lease = await session.scalar(select(timers.c.leased_until - func.clock_timestamp()))
        assert lease is not None
        assert timedelta(seconds=25) < lease <= timedelta(seconds=30)
        await session.execute(update(timers).values(leased_until=func.clock_timestamp()))
    assert [one.id for one in await alive.claim(10)] == [claimed.id]


async def test_the_heartbeat_keeps_a_lease_and_does_not_wait_for_a_running_handler(bench: Bench) -> None:
    await bench.schedule(uuid4(), timedelta(0))
    runner = bench.runner()
    [claimed] = await runner.claim(10)
    async with bench.database.transaction(bench.tenant) as session:
        await session.execute(text("SELECT 1 FROM timers FOR UPDATE"))
        await asyncio.wait_for(runner.extend([claimed.id]), 1)
    async with bench.database.every_tenant() as session:
        await session.execute(update(timers).values(leased_until=func.clock_timestamp() + timedelta(seconds=5)))
    await runner.extend([claimed.id])
    async with bench.database.every_tenant() as session:
        lease = await session.scalar(select(timers.c.leased_until - func.clock_timestamp()))
    assert lease is not None
    assert lease > timedelta(seconds=25)


async def test_a_handler_that_outlasts_its_lease_keeps_it_while_its_worker_lives(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "LEASE", timedelta(seconds=1))
    monkeypatch.setattr(clock, "HEARTBEAT_SECONDS", 0.25)
    key = uuid4()
    calls: list[datetime] = []

    async def long_work(session: AsyncSession, timer: Timer) -> None:
        calls.append(timer.now)
        await asyncio.sleep(3)
        await bench.handle(session, timer)

    await bench.schedule(key, timedelta(0))
    runners = [TimerRunner(bench.database, {"thing": long_work}) for _ in range(2)]
    await run_until_empty(bench, *runners)
    assert len(calls) == 1, "the other worker took it over"
    assert await bench.fired() == [str(key)]


async def test_a_worker_that_stops_lets_the_handler_in_hand_finish(bench: Bench) -> None:
    began, go_on, stop = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def slow(session: AsyncSession, timer: Timer) -> None:
        began.set()
        await go_on.wait()
        await bench.handle(session, timer)

    key = uuid4()
    await bench.schedule(key, timedelta(0))
    running = asyncio.create_task(TimerRunner(bench.database, {"thing": slow}).run(stop))
    await asyncio.wait_for(began.wait(), 10)
    stop.set()
    left, _ = await asyncio.wait({running}, timeout=1)
    go_on.set()
    await asyncio.wait_for(running, 10)
    assert not left, "it left while a handler was running"
    assert await bench.fired() == [str(key)]


async def test_a_failing_handler_is_tried_again_later_and_given_up_in_the_end(bench: Bench) -> None:
    await bench.schedule(uuid4(), timedelta(0))
    bench.error = RuntimeError
    runner = bench.runner()
    for attempt in range(MAX_ATTEMPTS):
        [claimed] = await runner.claim(10)
        assert claimed.attempts == attempt
        await runner.fire(claimed)
        assert await runner.claim(10) == []
        async with bench.database.every_tenant() as session:
            await session.execute(update(timers).values(leased_until=func.clock_timestamp()))
    assert await runner.claim(10) == []
    async with bench.database.every_tenant() as session:
        assert await session.scalar(select(timers.c.failed_at)) is not None
    assert bench.calls == MAX_ATTEMPTS


async def test_a_handler_that_waits_for_something_is_never_given_up(bench: Bench) -> None:
    await bench.schedule(uuid4(), timedelta(0))
    bench.error = NotNow
    runner = bench.runner()
    waits = []
    for _ in range(MAX_ATTEMPTS + 4):
        [claimed] = await runner.claim(10)
        await runner.fire(claimed)
        async with bench.database.every_tenant() as session:
            waits.append(await session.scalar(select(timers.c.leased_until - func.clock_timestamp())))
            await session.execute(update(timers).values(leased_until=func.clock_timestamp()))
    assert max(wait for wait in waits if wait is not None) <= timedelta(minutes=5)
    bench.error = None
    [claimed] = await runner.claim(10)
    await runner.fire(claimed)
    async with bench.database.every_tenant() as session:
        assert await session.scalar(select(func.count()).select_from(timers)) == 0


async def test_a_workers_own_clock_is_never_asked(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """An hour off, either way: due is what the database says."""
    for skew in (timedelta(hours=1), timedelta(hours=-1)):

        class Skewed(datetime):
            @classmethod
            def now(cls, _tz: object = None, skew: timedelta = skew) -> datetime:  # type: ignore[override]
                return datetime.now(UTC) + skew

        for module in (clock, clock_of_the_machine):
            monkeypatch.setattr(module, "datetime", Skewed)
        due, later = uuid4(), uuid4()
        await bench.schedule(due, timedelta(0))
        await bench.schedule(later, timedelta(minutes=30))
        runner = bench.runner()
        claimed = await runner.claim(10)
        assert [one.key for one in claimed] == [due]
        await runner.fire(claimed[0])
