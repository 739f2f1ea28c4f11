"""How a process runs: it opens its resources, serves probes or the API, works, and stops cleanly on SIGTERM."""

import asyncio
import logging
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Protocol

import uvicorn
from fastapi import FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST, Gauge, generate_latest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import JSONResponse

from shared import kafka
from shared.db import Database
from shared.errors import StartupError
from shared.settings import ServiceSettings
from shared.telemetry import configure

log = logging.getLogger(__name__)

OUTBOX_OLDEST = Gauge("outbox_oldest_unpublished_seconds", "Age of the oldest event that is not on Kafka yet")
TIMERS_OLDEST = Gauge("timers_oldest_due_seconds", "Age of the longest-due timer that has not fired")
TIMERS_FAILED = Gauge("timers_failed", "Timers that were given up")

_AGES = text(
    """
    SELECT
      (SELECT extract(epoch FROM clock_timestamp() - min(created_at)) FROM outbox WHERE published_at IS NULL),
      (SELECT extract(epoch FROM clock_timestamp() - min(due_at)) FROM timers
        WHERE due_at <= clock_timestamp() AND failed_at IS NULL),
      (SELECT count(*) FROM timers WHERE failed_at IS NOT NULL)
    """
)


class Resources(Protocol):
    """What the probes need of a service's resources."""

    @property
    def database(self) -> Database: ...
    @property
    def settings(self) -> ServiceSettings: ...


def add_probes(
    app: FastAPI, resources: Callable[[], Resources], expected_migration: str, consuming: Callable[[], bool]
) -> None:
    """`/healthz` (alive), `/readyz` (database, broker, migrations; `?exclude=broker` leaves one out), `/metrics`."""

    async def healthz() -> JSONResponse:
        return JSONResponse({"status": "alive"})

    async def readyz(exclude: str = "") -> JSONResponse:
        own = resources()
        checks = await readiness(own, expected_migration, consuming, skip=exclude.split(","))
        ready = all(state == "ok" for state in checks.values())
        return JSONResponse({"ready": ready, "checks": checks}, 200 if ready else 503)

    async def metrics() -> Response:
        try:
            async with resources().database.every_tenant() as session:
                outbox, due, failed = (await session.execute(_AGES)).one()
            OUTBOX_OLDEST.set(float(outbox or 0))
            TIMERS_OLDEST.set(float(due or 0))
            TIMERS_FAILED.set(failed)
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            log.warning("queue ages are not known: %s", type(error).__name__)
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    for path, endpoint in (("/healthz", healthz), ("/readyz", readyz), ("/metrics", metrics)):
        app.add_api_route(path, endpoint, include_in_schema=False, response_model=None)


async def readiness(
    resources: Resources, expected_migration: str, consuming: Callable[[], bool], skip: Sequence[str] = ()
) -> dict[str, str]:
    """{check: "ok" or what is wrong}, within about two seconds even when nothing answers."""
    checks: dict[str, str] = {}

    async def database() -> None:
        try:
            found = await asyncio.wait_for(resources.database.migrated_to(), 2)
        except (SQLAlchemyError, OSError, TimeoutError):
            checks["database"] = "does not answer"
            return
        checks["database"] = "ok"
        checks["migrations"] = "ok" if found == expected_migration else f"at {found}, needs {expected_migration}"

    async def broker() -> None:
        answers = await kafka.answers(resources.settings.kafka_bootstrap_servers, timeout=1.5)
        checks["broker"] = "ok" if answers else "does not answer"
        if answers and not consuming():
            checks["consumer"] = "not in its group yet"

    wanted: list[Awaitable[None]] = [] if "database" in skip else [database()]
    if "broker" not in skip:
        wanted.append(broker())
    await asyncio.gather(*wanted)
    return checks


async def serve(app: FastAPI, host: str, port: int, drain_seconds: float) -> None:
    """Serves `app` until SIGTERM or SIGINT; requests under way get `drain_seconds` to finish."""
    async with app.router.lifespan_context(app):
        config = uvicorn.Config(
            app,
            host=host,
            port=port,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=int(drain_seconds),
            timeout_keep_alive=15,
        )
        await uvicorn.Server(config).serve()


class _ProbeServer(uvicorn.Server):
    """A server beside the work: it leaves the signals to `work_until_stopped`."""

    def install_signal_handlers(self) -> None:
        return

    def capture_signals(self):  # type: ignore[no-untyped-def] # uvicorn's own context manager, replaced by none
        from contextlib import nullcontext

        return nullcontext()


async def work_until_stopped(
    probes: FastAPI,
    settings: ServiceSettings,
    jobs: Sequence[Callable[[asyncio.Event], Coroutine[Any, Any, None]]],
) -> None:
    """Runs jobs and the probes' server in one task group until SIGTERM or SIGINT, then lets them finish."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    config = uvicorn.Config(
        probes,
        host=settings.host,
        port=settings.worker_port,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=2,
    )
    server = _ProbeServer(config)

    async def drain(job: Callable[[asyncio.Event], Coroutine[Any, Any, None]]) -> None:
        task = asyncio.create_task(job(stop))
        waiter = asyncio.create_task(stop.wait())
        await asyncio.wait((task, waiter), return_when=asyncio.FIRST_COMPLETED)
        waiter.cancel()
        try:
            await asyncio.wait_for(task, settings.drain_seconds if stop.is_set() else None)
        except TimeoutError:
            log.warning("a job was cut off after %s s", settings.drain_seconds)

    async def work() -> None:
        async with asyncio.TaskGroup() as group:
            for job in jobs:
                group.create_task(drain(job))
        server.should_exit = True

    async with asyncio.TaskGroup() as group:
        group.create_task(server.serve())
        group.create_task(work())


def run(service: str, log_level: str, main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Runs a process to its end. What keeps it from starting is one sentence on stderr and exit code 1."""
    try:
        flush = configure(service, log_level)
        try:
            with asyncio.Runner(loop_factory=_loop_factory()) as runner:
                runner.run(main())
        finally:
            flush()
    except StartupError as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(f"{service} can't start: {error.strerror or error}.")
    except KeyboardInterrupt:
        sys.exit(130)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    import uvloop

    return uvloop.new_event_loop
