"""How a process runs: it serves the API or probes, works, and stops cleanly on SIGTERM."""

import asyncio
import gc
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, Protocol

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, Gauge, generate_latest
from sqlalchemy import Table, text
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from shared import consumer as consuming
from shared import handling, kafka, sweep
from shared.clock import Clock
from shared.contracts import BY_TYPE, Event
from shared.db import Database
from shared.errors import StartupError
from shared.outbox import Relay
from shared.settings import ServiceSettings
from shared.telemetry import configure
from shared.timers import Handler, ManyHandler, TimerRunner

log = logging.getLogger(__name__)

HARD_STOP_SECONDS = 4.0
"""What a process that was told to stop gets beyond its drain time, to close what it holds open."""

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
    @property
    def clock(self) -> Clock: ...


def add_probes(
    app: Starlette, resources: Callable[[], Resources], migration: str, consumer: consuming.Consumer | None = None
) -> None:
    """`/healthz` (alive), `/readyz` (database, broker, migrations; `?exclude=broker` leaves one out), `/metrics`."""

    async def healthz(_request: Request) -> JSONResponse:
        return JSONResponse({"status": "alive"})

    async def readyz(request: Request) -> JSONResponse:
        exclude = request.query_params.get("exclude", "")
        checks = await readiness(resources(), migration, consumer, skip=exclude.split(","))
        ready = all(state == "ok" for state in checks.values())
        return JSONResponse({"ready": ready, "checks": checks}, 200 if ready else 503)

    async def metrics(_request: Request) -> Response:
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
        app.router.add_route(path, endpoint, include_in_schema=False)


async def readiness(
    resources: Resources, migration: str, consumer: consuming.Consumer | None, skip: Sequence[str] = ()
) -> dict[str, str]:
    """{check: "ok" or what is wrong}, within about two seconds even when nothing answers."""
    checks: dict[str, str] = {}

    async def database() -> None:
        try:
            found = await resources.database.asked(2)
        except (SQLAlchemyError, OSError, TimeoutError):
            checks["database"] = "does not answer"
            return
        checks["database"] = "ok"
        checks["migrations"] = "ok" if found == migration else f"at {found}, needs {migration}"

    async def broker() -> None:
        answers = await kafka.answers(resources.settings.kafka_bootstrap_servers, timeout=1.5)
        checks["broker"] = "ok" if answers else "does not answer"
        if answers and consumer is not None and not consumer.ready:
            checks["consumer"] = "not in its group yet"

    wanted: list[Awaitable[None]] = [] if "database" in skip else [database()]
    if "broker" not in skip:
        wanted.append(broker())
    await asyncio.gather(*wanted)
    return checks


Job = Callable[[asyncio.Event], Coroutine[Any, Any, None]]
"""Works until the event is set, then finishes what it has in hand."""


async def work(
    service: str,
    resources: Resources,
    migration: str,
    *,
    handlers: Mapping[type[Event], handling.Handler],
    timers: Mapping[str, Handler],
    inbox: Table,
    many: Mapping[type[Event], handling.ManyHandler] | None = None,
    wanted: Mapping[type[Event], handling.Wanted] | None = None,
    timers_together: Mapping[str, ManyHandler] | None = None,
    timers_beside: Mapping[str, Handler] | None = None,
) -> None:
    """A worker's life: consumer, timers, outbox relay and sweeper beside the probes, until SIGTERM.

    `many` events of a kind that wait are handled together, as timers are by `timers_together`; those that aren't
    `wanted` are passed by.
    `timers_beside` are fired by a runner of their own: what keeps them waiting keeps none of the others waiting.
    """
    settings = resources.settings
    if not await kafka.answers(settings.kafka_bootstrap_servers, timeout=5):
        raise StartupError(
            f"{service} can't start: Kafka at {settings.kafka_bootstrap_servers} doesn't answer;"
            f" start it, or set {service.upper()}_KAFKA_BOOTSTRAP_SERVERS."
        )
    consumer = consuming.Consumer(
        bootstrap_servers=settings.kafka_bootstrap_servers,
        group=service,
        catalogue=BY_TYPE,
        handlers=handlers,
        many=many,
        wanted=wanted,
        inbox=inbox,
        database=resources.database,
        clock=resources.clock,
    )
    relay = Relay(settings.database_url, settings.kafka_bootstrap_servers, service)
    probes = Starlette()
    add_probes(probes, lambda: resources, migration, consumer)
    jobs: list[Job] = [
        consumer.run,
        TimerRunner(resources.database, timers, many=timers_together).run,
        relay.run,
        partial(sweep.run, resources.database),
    ]
    if timers_beside:
        jobs.append(TimerRunner(resources.database, timers_beside).run)
    await serve(probes, settings, settings.worker_port, jobs)


class _Server(uvicorn.Server):
    """uvicorn without its signal handling, which would end the process before its resources are closed."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(app: Starlette, settings: ServiceSettings, port: int, jobs: Sequence[Job] = ()) -> None:
    """Serves `app` and runs `jobs` in one task group until SIGTERM or SIGINT.

    Requests and jobs under way then get `drain_seconds` to finish.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def begin_to_stop() -> None:
        if not stop.is_set():
            stop.set()
            _end_at_last(settings.drain_seconds + HARD_STOP_SECONDS)

    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, begin_to_stop)
    server = _Server(
        uvicorn.Config(
            app,
            host=settings.host,
            port=port,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=int(settings.drain_seconds),
            timeout_keep_alive=15,
        )
    )

    async def work(job: Job) -> None:
        task = asyncio.create_task(job(stop))
        waiter = asyncio.create_task(stop.wait())
        await asyncio.wait((task, waiter), return_when=asyncio.FIRST_COMPLETED)
        waiter.cancel()
        if not stop.is_set() and (task.cancelled() or task.exception() is None):
            # A process without one of its jobs looks alive and does nothing: better that it is started again.
            raise RuntimeError(f"{getattr(job, '__qualname__', job)} ended by itself")
        try:
            await asyncio.wait_for(task, settings.drain_seconds if stop.is_set() else None)
        except TimeoutError:
            log.warning("a job was cut off after %s s", settings.drain_seconds)

    async def stop_serving() -> None:
        await stop.wait()
        server.should_exit = True

    async with app.router.lifespan_context(app):
        # After the resources: what is missing there is the more telling sentence.
        listening = _listen(settings, port)
        _spare_the_collector()
        async with asyncio.TaskGroup() as group:
            group.create_task(server.serve([listening]))
            group.create_task(stop_serving())
            for job in jobs:
                group.create_task(work(job))


def _spare_the_collector() -> None:
    """What is there once a process serves, stays; and what lasts, such as a search's memory, isn't gone through often.

    A full collection holds everything up for as long as it takes: 0.08 s where hundreds of calendars are in memory.
    What is thrown away is freed at once all the same; only cycles of objects that got old wait for it.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 500)


def _listen(settings: ServiceSettings, port: int) -> socket.socket:
    """Raises StartupError, in a sentence, when the port is taken."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, port), family=family, backlog=2048)
    except OSError as error:
        prefix = settings.model_config.get("env_prefix", "")
        why = os.strerror(error.errno) if error.errno else str(error)
        raise StartupError(
            f"Can't listen at {settings.host}:{port} ({why}); set {prefix}PORT or {prefix}WORKER_PORT to a free one."
        ) from error


def _end_at_last(seconds: float) -> None:
    """Ends the process when something that it waits for, such as a frozen database, never lets go of it."""

    def end() -> None:
        sys.stderr.write(f"not stopped after {seconds:.0f} s, since something does not let go; ended hard\n")
        sys.stderr.flush()
        os._exit(1)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()


def run(service: str, main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Runs a process to its end. What keeps it from starting is one sentence on stderr and exit code 1."""
    try:
        flush = configure(service, os.environ.get(f"{service.upper()}_LOG_LEVEL", "INFO"))
        try:
            with asyncio.Runner(loop_factory=_loop_factory()) as runner:
                runner.run(main())
        finally:
            flush()
    except StartupError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    import uvloop

    return uvloop.new_event_loop
