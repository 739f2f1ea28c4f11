"""Durable timers in PostgreSQL: leased, fenced, never early.

A timer is due by the database's clock, so a worker whose own clock is wrong does nothing early. A
worker leases due timers for 30 s under a new generation and extends the lease while it has them in
hand; the handler's transaction ends by deleting the row of that generation, so that of two workers that
believe they hold it only one can commit an effect. It ends so rather than begins: whoever moves or
removes a timer holds the lock of what it is about, and the handler must take that lock before the row's.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, partial
from typing import Any
from uuid import UUID

from opentelemetry.trace import Span
from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Identity,
    Integer,
    MetaData,
    Select,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    bindparam,
    delete,
    text,
)
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from shared.clock import pause
from shared.db import Database, is_outage
from shared.direct import Direct
from shared.telemetry import current_tenant, current_traceparent, span

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=30)
HEARTBEAT_SECONDS = 10.0
POLL_SECONDS = 0.25
OUTAGE_SECONDS = 1.0
CONCURRENCY = 8
TOGETHER = 64
"""Timers that are fired together at most."""
GROUPS = 2
"""Such groups at a time: each asks several things of others at once."""
MAX_ATTEMPTS = 8
"""Of a handler that fails by itself. One that waits for something (`NotNow`, a database) is never given up."""
DRAIN_SECONDS = 25.0


@dataclass(frozen=True, slots=True)
class Timer:
    """One due timer; `key` is what it is about, `now` the database's time of the claim."""

    id: int
    tenant: UUID
    kind: str
    key: UUID
    due_at: datetime
    generation: int
    attempts: int
    traceparent: str | None
    now: datetime


Handler = Callable[[AsyncSession, Timer], Awaitable[None]]
"""Does what is due, in the given transaction, after looking at the world again."""


@dataclass(frozen=True, slots=True)
class Due:
    """One of many timers that are due together, with the span that lasts until their effect is committed."""

    timer: Timer
    span: Span


ManyHandler = Callable[[AsyncSession, UUID, Sequence[Due]], Awaitable[Collection[UUID]]]
"""Does what is due for many timers of one kind and tenant, in the given transaction, and says by their keys which it
has seen to; the others are fired one by one.
"""


def timers_table(metadata: MetaData) -> Table:
    """The service's timers; `shared.migrations.TIMERS_V1` and `TIMERS_V2` create it."""
    return Table(
        "timers",
        metadata,
        Column("id", BigInteger, Identity(always=True), primary_key=True),
        Column("tenant_id", Uuid, nullable=False),
        Column("kind", Text, nullable=False),
        Column("key", Uuid, nullable=False),
        Column("due_at", DateTime(timezone=True), nullable=False),
        Column("traceparent", Text),
        Column("generation", Integer, nullable=False, server_default=text("0")),
        Column("attempts", Integer, nullable=False, server_default=text("0")),
        Column("failures", Integer, nullable=False, server_default=text("0")),
        Column("leased_until", DateTime(timezone=True)),
        Column("failed_at", DateTime(timezone=True)),
        UniqueConstraint("tenant_id", "kind", "key", name="timers_once"),
    )


async def schedule(session: AsyncSession, table: Table, tenant: UUID, kind: str, key: UUID, due_at: datetime) -> None:
    """Sets the one timer of this kind for this key, or moves it; a lease on it is void from now on.

    A handler that sets its own timer again has it moved when its transaction ends.
    """
    if is_firing(session, tenant, kind, key):
        session.info[_AGAIN] = due_at
        return
    values = {"due_at": due_at, "traceparent": current_traceparent()}
    await _scheduled(table).rows(session, {"tenant_id": tenant, "kind": kind, "key": key, **values})


@cache
def _scheduled(table: Table) -> Direct:
    names = ("tenant_id", "kind", "key", "due_at", "traceparent")
    return Direct(set_or_moved(table, {name: bindparam(name, type_=table.c[name].type) for name in names}))


def set_or_moved(table: Table, values: Mapping[str, Any]) -> Insert:
    """The statement of `schedule`, for whoever writes more with it; values or parameters of the row."""
    return _or_moved(insert(table).values(values), table)


def all_set_or_moved(table: Table, names: Sequence[str], rows: Select[Any]) -> Insert:
    """The same for the rows that a query gives."""
    return _or_moved(insert(table).from_select(list(names), rows), table)


def _or_moved(new: Insert, table: Table) -> Insert:
    moved = {
        "due_at": new.excluded.due_at,
        "traceparent": new.excluded.traceparent,
        "generation": table.c.generation + 1,
        "attempts": 0,
        "failures": 0,
        "leased_until": None,
        "failed_at": None,
    }
    return new.on_conflict_do_update(constraint="timers_once", set_=moved)


async def cancel(session: AsyncSession, table: Table, tenant: UUID, kind: str, key: UUID) -> None:
    """Removes a timer, if it is still there; a handler's own goes by itself."""
    if is_firing(session, tenant, kind, key):
        return
    await _cancelled(table).rows(session, {"tenant_id": tenant, "kind": kind, "key": key})


@cache
def _cancelled(table: Table) -> Direct:
    mine = (table.c[name] == bindparam(name, type_=table.c[name].type) for name in ("tenant_id", "kind", "key"))
    return Direct(delete(table).where(*mine))


def try_later(session: AsyncSession, after: timedelta | None = None) -> None:
    """What the handler needs is away: keep what it wrote, and call it again as after `NotNow`."""
    session.info[_LATER] = after or timedelta(0)


def try_soon(session: AsyncSession) -> None:
    """Another handler has what this one needs, for moments: keep what it wrote, and call it again within a second,
    however often that has been.
    """
    session.info[_SOON] = True


_FIRING, _AGAIN, _LATER, _SOON = "timer_firing", "timer_again", "timer_later", "timer_soon"


def is_firing(session: AsyncSession, tenant: UUID, kind: str, key: UUID) -> bool:
    """True in the handler of this very timer."""
    timer: Timer | None = session.info.get(_FIRING)
    return timer is not None and (timer.tenant, timer.kind, timer.key) == (tenant, kind, key)


class NotNow(Exception):
    """What a handler needs is away: it is tried again until it is back, at most every five minutes, however long; not
    before `after`, where that is known.
    """

    def __init__(self, *args: object, after: timedelta | None = None) -> None:
        super().__init__(*args)
        self.after = after


class LeaseLost(Exception):
    """The timer was moved, removed or taken over while its handler ran: nothing of it may be committed."""


def _sql(statement: str) -> Direct:
    return Direct(text(statement))


_CLAIM = _sql(
    """
    UPDATE timers SET generation = generation + 1, leased_until = clock_timestamp() + :lease
    WHERE id IN (
        SELECT id FROM timers
        WHERE due_at <= clock_timestamp() AND failed_at IS NULL AND kind = ANY(:kinds)
          AND (leased_until IS NULL OR leased_until <= clock_timestamp())
        ORDER BY due_at LIMIT :free FOR UPDATE SKIP LOCKED)
    RETURNING id, tenant_id AS tenant, kind, key, due_at, generation, attempts, traceparent, clock_timestamp() AS now
    """
)
_STANDS = _sql("SELECT id FROM timers WHERE id = :id AND generation = :generation")
_DONE = _sql("DELETE FROM timers WHERE id = :id AND generation = :generation RETURNING id")
_STAND = _sql(
    "SELECT id FROM timers JOIN unnest(cast(:ids AS bigint[]), cast(:generations AS int[])) AS held (timer, held)"
    " ON id = timer AND generation = held"
)
_ALL_DONE = _sql(
    "DELETE FROM timers USING unnest(cast(:ids AS bigint[]), cast(:generations AS int[])) AS held (timer, held)"
    " WHERE id = timer AND generation = held RETURNING id"
)
_MOVE = _sql(
    """
    UPDATE timers SET due_at = :again, generation = generation + 1, attempts = 0, failures = 0, leased_until = NULL
    WHERE id = :id AND generation = :generation RETURNING id
    """
)
# A row that its handler is just committing is skipped.
_EXTEND = _sql(
    """
    UPDATE timers SET leased_until = clock_timestamp() + :lease
    WHERE id IN (SELECT id FROM timers WHERE id = ANY(:ids) FOR UPDATE SKIP LOCKED)
      AND leased_until > clock_timestamp()
    """
)
_TRY_LATER = _sql(
    """
    UPDATE timers SET attempts = attempts + 1, failures = failures + :failed,
        leased_until = clock_timestamp() + greatest(
            cast(:after AS interval), least(interval '5 minutes', interval '1 second' * power(2, least(attempts, 20)))),
        failed_at = CASE WHEN failures + :failed >= :most THEN clock_timestamp() END
    WHERE id = :id AND generation = :generation RETURNING id
    """
)
# Not all at once, and not all of a worker's turns for those who wait.
_TRY_SOON = _sql(
    """
    UPDATE timers SET leased_until = clock_timestamp() + interval '1 second' * (0.25 + 0.75 * random())
    WHERE id = :id AND generation = :generation RETURNING id
    """
)
_WAITED, _FAILED = {"failed": 0, "most": MAX_ATTEMPTS}, {"failed": 1, "most": MAX_ATTEMPTS}


class TimerRunner:
    """Fires the due timers of one database: {kind: handler}. Those of other kinds are left to other runners."""

    def __init__(
        self,
        database: Database,
        handlers: Mapping[str, Handler],
        *,
        many: Mapping[str, ManyHandler] | None = None,
        concurrency: int = CONCURRENCY,
    ) -> None:
        """`many`: kinds whose timers are fired together where several of a tenant are due."""
        self.database = database
        self.handlers = handlers
        self.many = many or {}
        self.concurrency = concurrency
        self._running: dict[int, asyncio.Task[None]] = {}
        self._turns = asyncio.Semaphore(concurrency)
        self._group_turns = asyncio.Semaphore(GROUPS)

    async def run(self, stop: asyncio.Event) -> None:
        """Claims and fires until `stop`, then lets what runs finish, for at most 25 s."""
        loop = asyncio.get_running_loop()
        beat = loop.time()
        while not stop.is_set():
            try:
                free = self.concurrency - len(self._tasks())
                claimed = await self.claim(free * (TOGETHER if self.many else 1))
                for group in self._groups(claimed):
                    task = asyncio.create_task(self._in_turn(group))
                    for timer in group:
                        self._running[timer.id] = task
                        task.add_done_callback(partial(self._forget, timer.id))
                if loop.time() - beat > HEARTBEAT_SECONDS:
                    beat = loop.time()
                    await self.extend(list(self._running))
            except (SQLAlchemyError, OSError, TimeoutError) as error:
                log.warning("timers wait for the database: %s", type(error).__name__)
                claimed = []
                await pause(stop, OUTAGE_SECONDS)
            if len(self._tasks()) >= self.concurrency:
                await asyncio.wait(self._tasks(), return_when=asyncio.FIRST_COMPLETED, timeout=1)
            elif not claimed:
                await pause(stop, POLL_SECONDS)
        if self._running:
            await asyncio.wait(self._tasks(), timeout=DRAIN_SECONDS)

    def _tasks(self) -> set[asyncio.Task[None]]:
        return set(self._running.values())

    def _forget(self, timer_id: int, _task: asyncio.Task[None]) -> None:
        self._running.pop(timer_id, None)

    def _groups(self, claimed: Sequence[Timer]) -> list[list[Timer]]:
        """What is fired together: at most so many of one kind and tenant; everything else by itself."""
        groups: dict[object, list[Timer]] = {}
        for number, timer in enumerate(claimed):
            together = timer.kind in self.many and timer.attempts == 0
            groups.setdefault((timer.kind, timer.tenant) if together else number, []).append(timer)
        return [
            group[first : first + TOGETHER] for group in groups.values() for first in range(0, len(group), TOGETHER)
        ]

    async def fire_all(self, claimed: Sequence[Timer]) -> None:
        """Fires these, one after the other, together where that can be."""
        for group in self._groups(claimed):
            await self._in_turn(group)

    async def _in_turn(self, group: Sequence[Timer]) -> None:
        done: Collection[int] = frozenset()
        if len(group) > 1:
            async with self._group_turns:
                done = await self.fire_together(group)
        for timer in group:
            if timer.id not in done:
                async with self._turns:
                    await self.fire(timer)

    async def fire_together(self, timers: Sequence[Timer]) -> Collection[int]:
        """Runs the handler of many; the ids of the timers that it has seen to. After a failure that is none: what was
        done to the world before is done again one by one, as after a crash.
        """
        tenant, kind = timers[0].tenant, timers[0].kind
        token = current_tenant.set(tenant)
        try:
            with ExitStack() as spans:
                due = [Due(timer, spans.enter_context(_span(timer, current=False))) for timer in timers]
                async with self.database.transaction(tenant) as session:
                    return await self._run_together(session, tenant, due)
        except LeaseLost:
            log.info("timers were moved, removed or taken over")
        except Exception as error:
            log.warning("%d timers failed together: %s (%s)", len(timers), kind, type(error).__name__, exc_info=True)
        finally:
            current_tenant.reset(token)
        return frozenset()

    async def _run_together(self, session: AsyncSession, tenant: UUID, due: Sequence[Due]) -> Collection[int]:
        standing = {row["id"] for row in await _STAND.rows(session, _fences(due))}
        if not standing:
            return frozenset()
        keys = await self.many[due[0].timer.kind](session, tenant, [one for one in due if one.timer.id in standing])
        seen_to = [one for one in due if one.timer.key in keys]
        if seen_to and len(await _ALL_DONE.rows(session, _fences(seen_to))) < len(seen_to):
            raise LeaseLost
        return {one.timer.id for one in seen_to}

    async def claim(self, free: int) -> list[Timer]:
        """Leases up to `free` due timers, the longest due first."""
        if free <= 0:
            return []
        async with self.database.every_tenant() as session:
            rows = await _CLAIM.rows(session, {"lease": LEASE, "free": free, "kinds": list(self.handlers)})
            return [Timer(**row) for row in rows]

    async def extend(self, ids: list[int]) -> None:
        """The heartbeat: leases of timers in hand last another 30 s."""
        if ids:
            async with self.database.every_tenant() as session:
                await _EXTEND.rows(session, {"lease": LEASE, "ids": ids})

    async def fire(self, timer: Timer) -> None:
        """Runs one timer's handler in a transaction that only the holder of this generation can commit."""
        token = current_tenant.set(timer.tenant)
        try:
            with _span(timer):
                async with self.database.transaction(timer.tenant) as session:
                    await self._run(session, timer)
        except LeaseLost:
            log.info("a timer was moved, removed or taken over")
        except Exception as error:
            # One timer's failure, whatever it is, must not stop the others; it is tried again and counted.
            passing = isinstance(error, NotNow) or is_outage(error)
            log.warning("a timer failed: %s (%s)", timer.kind, type(error).__name__, exc_info=not passing)
            after = error.after if isinstance(error, NotNow) else None
            await self._note_failure(timer, _WAITED if passing else _FAILED, after)
        finally:
            current_tenant.reset(token)

    async def _run(self, session: AsyncSession, timer: Timer) -> None:
        fence = {"id": timer.id, "generation": timer.generation}
        if await _STANDS.scalar(session, fence) is None:
            raise LeaseLost
        session.info[_FIRING] = timer
        await self.handlers[timer.kind](session, timer)
        again = session.info.get(_AGAIN)
        later = session.info.get(_LATER)
        if _SOON in session.info:
            held = await _TRY_SOON.scalar(session, fence)
        elif later is not None:
            held = await _TRY_LATER.scalar(session, {**fence, **_WAITED, "after": later})
        elif again is not None:
            held = await _MOVE.scalar(session, {**fence, "again": again})
        else:
            held = await _DONE.scalar(session, fence)
        if held is None:
            raise LeaseLost

    async def _note_failure(self, timer: Timer, what: Mapping[str, int], after: timedelta | None) -> None:
        try:
            async with self.database.every_tenant() as session:
                fence = {"id": timer.id, "generation": timer.generation}
                await _TRY_LATER.rows(session, {**fence, **what, "after": after or timedelta(0)})
        except (SQLAlchemyError, OSError, TimeoutError):
            log.warning("the failure could not be noted; the lease runs out by itself")


def _span(timer: Timer, *, current: bool = True) -> AbstractContextManager[Span]:
    attributes = {"timer.kind": timer.kind, "aggregate.id": str(timer.key)}
    return span(f"timer {timer.kind}", parent=timer.traceparent, attributes=attributes, current=current)


def _fences(due: Sequence[Due]) -> dict[str, list[int]]:
    return {"ids": [one.timer.id for one in due], "generations": [one.timer.generation for one in due]}
