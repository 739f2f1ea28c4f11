"""PostgreSQL: one engine a process, one tenant a transaction, retries for what the database calls retryable.

Row-level security reads `app.tenant`, set transaction-locally whenever a transaction begins, so that
nothing survives in a pooled connection. Infrastructure tables (outbox, timers) have a second policy for
`app.every_tenant`, which only the relay, the timer runner and the gauges switch on.
"""

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import asyncpg
from sqlalchemy import Connection, event, text
from sqlalchemy.exc import DBAPIError, InterfaceError, InternalError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session, SessionTransaction

from shared.errors import Kind, Problem, StartupError
from shared.patience import take_up_to

T = TypeVar("T")

SERIALIZATION_FAILURES = ("40001", "40P01")
LOCK_NOT_AVAILABLE = "55P03"
EXCLUSION_VIOLATION = "23P01"
UNIQUE_VIOLATION = "23505"
MAX_TRIES = 3
TURN_SECONDS = 10.0
CONNECTION_FAILURES = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    # What asyncpg says when the connection is lost in the moment of being made.
    asyncpg.InternalClientError,
)
"""What a connection of asyncpg's own, without SQLAlchemy, fails with."""


DRIVER = "driver"
"""Where a session keeps asyncpg's connection while its transaction runs, for `shared.direct`."""

_SCOPED = "SELECT set_config('app.tenant', $1, true), set_config('app.every_tenant', $2, true)"


class _TenantSession(Session):
    """A session that scopes each of its transactions to `info['tenant']`."""


@event.listens_for(_TenantSession, "after_begin")
def _scope(session: Session, _transaction: SessionTransaction, connection: Connection) -> None:
    tenant = session.info.get("tenant")
    every = "on" if session.info.get("every_tenant") else "off"
    connection.exec_driver_sql(_SCOPED, (str(tenant) if tenant else "", every))
    session.info[DRIVER] = connection.connection.driver_connection


@event.listens_for(_TenantSession, "after_transaction_end")
def _unscope(session: Session, transaction: SessionTransaction) -> None:
    # A savepoint ends within a transaction, which goes on under its tenant.
    if transaction.parent is None:
        session.info.pop(DRIVER, None)


class Database:
    """The engine of one process and its transactions."""

    def __init__(self, url: str, *, pool_size: int, name: str, plans_once: bool = False) -> None:
        """`plans_once`: a statement is planned once a connection, for any values, where planning costs more than it
        gains; see `docs/decisions/0018-straight-to-the-driver.md`.
        """
        self.url = url
        self.name = name
        self.engine: AsyncEngine = create_async_engine(
            sqlalchemy_url(url),
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=TURN_SECONDS,
            pool_pre_ping=False,
            # What is written may be a client's own words: it goes into no log with an error.
            hide_parameters=True,
            connect_args={
                "timeout": 5,
                "server_settings": {
                    "application_name": name,
                    "timezone": "UTC",
                    "lock_timeout": "2000",
                    "statement_timeout": "15000",
                    "idle_in_transaction_session_timeout": "30000",
                    "jit": "off",
                    "plan_cache_mode": "force_generic_plan" if plans_once else "auto",
                    # Of a plan for any values nobody knows how much it finds: no workers are started on suspicion.
                    "max_parallel_workers_per_gather": "0" if plans_once else "2",
                },
            },
        )
        self._asking: asyncio.Task[str | None] | None = None
        # Waiting for one's turn here costs nothing; SQLAlchemy's pool makes a task and a timer of each wait.
        self._turns = asyncio.Semaphore(pool_size)
        self._sessions = async_sessionmaker(
            self.engine, sync_session_class=_TenantSession, expire_on_commit=False, autoflush=False
        )

    @asynccontextmanager
    async def transaction(self, tenant: UUID | None) -> AsyncGenerator[AsyncSession, None]:
        """One transaction that sees one tenant's rows; commits at the end, rolls back on an exception."""
        async with self._turn(), self._sessions(info={"tenant": tenant}) as session, session.begin():
            yield session

    @asynccontextmanager
    async def every_tenant(self) -> AsyncGenerator[AsyncSession, None]:
        """One transaction over the infrastructure tables of all tenants; domain tables stay empty to it."""
        async with self._turn(), self._sessions(info={"every_tenant": True}) as session, session.begin():
            yield session

    @asynccontextmanager
    async def _turn(self) -> AsyncGenerator[None, None]:
        """One of as many as there are connections. Raises TimeoutError after ten seconds."""
        if self._turns.locked():
            async with asyncio.timeout(TURN_SECONDS):
                await self._turns.acquire()
        else:
            await self._turns.acquire()
        try:
            yield
        finally:
            self._turns.release()

    async def run(self, tenant: UUID, work: Callable[[AsyncSession], Awaitable[T]]) -> T:
        """Runs `work` in a transaction; serialization failures and deadlocks run it again, three times in all.

        Raises Problem UNAVAILABLE when that doesn't help or a lock isn't to be had in two seconds.
        """
        for attempt in range(1, MAX_TRIES + 1):
            try:
                async with self.transaction(tenant) as session:
                    return await work(session)
            except DBAPIError as error:
                state = sqlstate(error)
                if state == LOCK_NOT_AVAILABLE:
                    raise _busy() from error
                if state not in SERIALIZATION_FAILURES:
                    raise
                if attempt == MAX_TRIES:
                    raise _busy() from error
                # Jitter only spreads contenders; nothing secret hangs on it.
                await asyncio.sleep(random.uniform(0.01, 0.05) * attempt)  # noqa: S311
        raise AssertionError("unreachable: the last try returns or raises")

    async def migrated_to(self) -> str | None:
        """The revision that the database stands at; None where it was never migrated."""
        async with self.engine.connect() as connection:
            if await connection.scalar(text("SELECT to_regclass('alembic_version')")) is None:
                return None
            revision: str | None = await connection.scalar(text("SELECT version_num FROM alembic_version"))
            return revision

    async def asked(self, seconds: float) -> str | None:
        """`migrated_to`, within that time. Raises TimeoutError; a question that hangs isn't asked a second time.

        A cancelled query of asyncpg ends only when the server says so, so it is left alone rather than waited for.
        """
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self.migrated_to())
        done, _ = await asyncio.wait((self._asking,), timeout=seconds)
        if not done:
            raise TimeoutError
        return self._asking.result()

    async def require(self, migrations: Path) -> None:
        """Raises StartupError, in a sentence, when the database is away or not migrated to this code."""
        try:
            found = await self.migrated_to()
        except (OSError, TimeoutError, SQLAlchemyError) as error:
            raise StartupError(
                f"{self.name} can't start: its database at {describe(self.url)} doesn't answer "
                f"({_cause(error)}); start it, or set {self.name.upper()}_DATABASE_URL."
            ) from error
        expected = head(migrations)
        if found != expected:
            raise StartupError(
                f"{self.name} can't start: its database stands at migration {found or 'none'}, this code needs "
                f"{expected}; run `python -m services.{self.name}.migrations`."
            )

    async def close(self) -> None:
        await self.engine.dispose()


_PATIENCE_SECONDS = 28.0
"""Longer than a lock is waited for, so that who waits in vain is told so."""


async def be_patient(session: AsyncSession) -> None:
    """From here on this transaction waits longer for locks, and its request with it: 25 s, for what must not be turned
    away. Whoever holds them talks to somebody outside, for some seconds at most.
    """
    take_up_to(_PATIENCE_SECONDS)
    await session.execute(text("SET LOCAL lock_timeout = '25s'"))
    await session.execute(text("SET LOCAL statement_timeout = '30s'"))


def head(migrations: Path) -> str:
    """The newest revision of an Alembic history; revisions are the file names (a test holds them to it)."""
    return max(path.stem for path in (migrations / "versions").glob("[0-9]*.py"))


def sqlalchemy_url(url: str) -> str:
    return "postgresql+asyncpg://" + url.split("://", 1)[1]


def describe(url: str) -> str:
    """host:port/database of a URL, without its user and password."""
    return url.split("://", 1)[1].rsplit("@", 1)[-1]


def sqlstate(error: DBAPIError) -> str | None:
    """PostgreSQL's five-character code of an error, if it came from the server."""
    return getattr(error.orig, "sqlstate", None)


def constraint(error: DBAPIError) -> str | None:
    """The name of the constraint that an error is about, if it is about one."""
    name: str | None = getattr(error.orig.__cause__ if error.orig else None, "constraint_name", None)
    return name


def is_outage(error: BaseException) -> bool:
    """True when the database itself is away or refuses work for now, so that trying again later may help.

    Everything else, SQLAlchemy's own complaints included, would come out the same next time.
    """
    if isinstance(error, DBAPIError):
        state = sqlstate(error)
        if state is None:
            # asyncpg's word for a value that doesn't fit its column is an InterfaceError that is also a ValueError.
            if isinstance(getattr(error.orig, "__cause__", None), ValueError):
                return False
            return error.connection_invalidated or isinstance(error, InterfaceError | InternalError | OperationalError)
        # Connection, resources, operator intervention, rollback, lock: PostgreSQL's classes of what passes.
        return error.connection_invalidated or state[:2] in ("08", "40", "53", "55", "57")
    return isinstance(error, OSError | TimeoutError | PoolTimeout)


def is_unstorable(error: BaseException) -> bool:
    """True when a value doesn't fit its column: too large a number, a sign that PostgreSQL doesn't keep."""
    if not isinstance(error, DBAPIError):
        return False
    cause = getattr(error.orig, "__cause__", None)
    return (sqlstate(error) or "").startswith("22") or isinstance(cause, ValueError)


def _busy() -> Problem:
    return Problem(Kind.UNAVAILABLE, "busy", "Too many requests for the same thing at once; try again.", retry_after=1)


def _cause(error: BaseException) -> str:
    text_of = str(getattr(error, "orig", None) or error) or type(error).__name__
    return text_of.strip().splitlines()[0].removeprefix("<class ").strip()
