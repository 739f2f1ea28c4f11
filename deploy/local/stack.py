"""The whole system on this machine: servers, receivers, issuer, and the eight processes of the services."""

import asyncio
import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import psutil

from deploy.local import cache, kafka, ports, postgres, processes, zipkin
from deploy.local.errors import PortTaken, StackError
from deploy.local.issuer import Issuer
from deploy.local.settings import SERVICES, load_secrets, save_secrets, service_environment, url
from shared.contracts import BY_TYPE
from shared.db import Database, head
from shared.kafka import answers
from shared.topics import topics

ROOT = Path(__file__).parents[2]
STATE = ROOT / ".local"
MEGABYTE = 1 << 20
READY_SECONDS = 60.0


class Stack:
    """Starts the system below `state`, or joins the one that runs there; stops what it started.

    Servers that the environment names are used; `own_servers` leaves them alone and starts its own. Without `traces`
    there is no Zipkin, and nothing is exported. Our own PostgreSQL has `postgres_settings` beside its usual ones.
    """

    def __init__(
        self,
        state: Path = STATE,
        *,
        own_servers: bool = False,
        traces: bool = True,
        postgres_settings: Mapping[str, str] = postgres.NO_SETTINGS,
    ) -> None:
        self.state = state
        self.postgres_settings = postgres_settings
        self.run_dir = state / "run"
        self.log_dir = state / "logs"
        self.traces = traces
        self.environment = {} if own_servers else dict(os.environ)
        self.urls: dict[str, str] = {}
        self.timings: dict[str, float] = {}
        self.started: list[processes.Running] = []
        self.kafka: kafka.KafkaServer | None = None
        self.postgres: postgres.PostgresServer | None = None
        self.bootstrap = ""
        self.environments: dict[str, dict[str, str]] = {}
        self._ports: dict[str, int] = {}
        self._joined = False

    @property
    def service_processes(self) -> list[str]:
        return [f"{service} {kind}" for service in SERVICES for kind in ("api", "worker")]

    def __enter__(self) -> Self:
        if self._joined_whole():
            return self
        for tries_left in (2, 1, 0):
            try:
                self.start()
                break
            except PortTaken as error:
                self.stop()
                if not tries_left:
                    raise
                print(f"Somebody took a port meanwhile; starting on others. ({error})", flush=True)
            except BaseException:
                self.stop()
                raise
        return self

    def _joined_whole(self) -> bool:
        """True when the system runs already, with all its parts; what is left of a broken one is stopped."""
        self.started = processes.recorded(self.run_dir) if self.run_dir.exists() else []
        names = {one.name for one in self.started}
        if names.issuperset(self.service_processes) and self.join():
            return True
        if names:
            print(f"Of an earlier start only {', '.join(sorted(names))} still run; starting anew.", flush=True)
            self.stop()
        return False

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if not self._joined:
            self.stop()

    def join(self, *, quietly: bool = False) -> bool:
        """True when the system runs already; its addresses are known then."""
        note = self.run_dir / "stack.json"
        running = processes.recorded(self.run_dir) if self.run_dir.exists() else []
        if not note.exists() or not running:
            note.unlink(missing_ok=True)
            return False
        values: dict[str, Any] = json.loads(note.read_text())
        self.urls, self._ports, self.bootstrap = values["urls"], values["ports"], values["bootstrap"]
        self.environments, self.timings = values["environments"], values["timings"]
        self.started, self._joined = running, True
        if not quietly:
            print("The system is up already; using it.", flush=True)
        return True

    def start(self) -> None:
        """Raises StackError with one sentence when something can't be had or doesn't start."""
        began = time.monotonic()
        self.state.mkdir(parents=True, exist_ok=True)
        self._ports = ports.choose()
        secret = load_secrets(self.state / "secrets.json")
        with ThreadPoolExecutor(3) as pool:
            broker = pool.submit(self._start_kafka)
            made = pool.submit(self._start_databases, secret)
            aside = pool.submit(self._start_receivers, secret)
            for one in (broker, made, aside):
                one.result()
        databases = made.result()
        self._start_issuer()
        # Fetched now, started last: it takes the processor for some seconds.
        tracing = self._fetch_zipkin()
        self.urls |= {service: url(self._ports[service]) for service in SERVICES}
        self.environments = {
            service: service_environment(
                service, self._ports, secret, databases[service], self.bootstrap, tracing=tracing
            )
            for service in SERVICES
        }
        if not asyncio.run(self._up_to_date()):
            self.migrate()
        self._start_services()
        if tracing:
            self._keep(zipkin.start(self._ports["zipkin"], self.log_dir))
        note = {
            "urls": self.urls,
            "ports": self._ports,
            "bootstrap": self.bootstrap,
            "environments": self.environments,
            "timings": self.timings,
        }
        save_secrets(self.run_dir / "stack.json", note)  # type: ignore[arg-type] # a file of mode 0600, as it holds URLs
        print(f"up after {time.monotonic() - began:.1f} s", flush=True)

    def _keep(self, running: processes.Running) -> processes.Running:
        self.started.append(running)
        processes.record(self.run_dir, running)
        return running

    def _start_kafka(self) -> None:
        given = self.environment.get("KAFKA_BOOTSTRAP_SERVERS")
        if given:
            if not asyncio.run(answers(given, 5.0)):
                raise StackError(f"Kafka at {given} doesn't answer; start it, or unset KAFKA_BOOTSTRAP_SERVERS.")
            self.bootstrap = given
            return
        began = time.monotonic()
        server = kafka.start(self.state / "kafka", self._ports["kafka"], self._ports["kafka controller"], self.log_dir)
        self.kafka, self.bootstrap = server, server.bootstrap
        self._keep(server.running)
        self._ready("kafka", began)

    def _start_databases(self, secret: dict[str, str]) -> dict[str, tuple[str, str]]:
        given = postgres.given_urls(self.environment)
        if given is not None:
            return given
        admin = self.environment.get("DATABASE_URL")
        if not admin:
            began = time.monotonic()
            self.postgres = self._own_postgres(self._ports["postgres"])
            self._keep(self.postgres.running)
            admin = self.postgres.admin_url
            self._ready("postgres", began)
        made = asyncio.run(postgres.create_databases(admin, secret))
        save_secrets(self.state / "secrets.json", secret)
        return made

    def _own_postgres(self, port: int) -> postgres.PostgresServer:
        return postgres.start(self.state / "postgres", port, self.log_dir, settings=self.postgres_settings)

    def _fetch_zipkin(self) -> bool:
        """False when it isn't wanted, or, after a sentence, when it can't be had: the rest runs without it."""
        if not self.traces:
            return False
        try:
            cache.jars("zipkin")
        except StackError as error:
            print(f"going on without traces: {error}", flush=True)
            return False
        self.urls["zipkin"] = url(self._ports["zipkin"])
        return True

    def wait_for_traces(self) -> None:
        """Waits until Zipkin takes spans; what is sent to it before is lost."""
        if "zipkin" in self.urls:
            began = time.monotonic()
            processes.wait_until(
                "Zipkin", self.running("zipkin"), lambda: _answers(f"{self.urls['zipkin']}/health"), 60
            )
            self._ready("zipkin", began)

    def _start_issuer(self) -> None:
        folder = self.state / "issuer"
        Issuer(folder, "")
        command = [sys.executable, "-m", "deploy.local.issuer", str(folder), str(self._ports["issuer"])]
        self.urls["issuer"] = url(self._ports["issuer"])
        self._keep(processes.start("issuer", command, self.log_dir, cwd=ROOT))

    def _start_receivers(self, secret: dict[str, str]) -> None:
        at, smtp = self._ports["receivers"], self._ports["smtp"]
        command = [sys.executable, "-m", "deploy.local.receivers", str(self.state / "receivers"), str(at), str(smtp)]
        environment = {
            **os.environ,
            "RECEIVERS_SMS_ACCOUNT_SID": secret["sms_account"],
            "RECEIVERS_SMS_AUTH_TOKEN": secret["sms_token"],
            "RECEIVERS_SMS_INBOUND_URL": url(self._ports["notifications"]) + "/v1/inbound/sms/{practice}",
        }
        running = self._keep(processes.start("receivers", command, self.log_dir, env=environment, cwd=ROOT))
        self.urls["receivers"] = url(at)
        processes.wait_until("The receivers", running, lambda: _answers(f"{url(at)}/api/messages"), 20)

    async def _up_to_date(self) -> bool:
        """True when nothing is left to migrate; asking is quicker than running four commands."""
        for service in SERVICES:
            database = Database(
                self.environments[service][f"{service.upper()}_DATABASE_URL"], pool_size=1, name=service
            )
            try:
                if await database.migrated_to() != head(ROOT / "services" / service / "migrations"):
                    return False
            finally:
                await database.close()
        return set(BY_TYPE) <= await topics(self.bootstrap)

    def migrate(self) -> None:
        """Brings each database and the topics up to date. Raises StackError with the command's own sentence."""

        def one(service: str) -> None:
            done = subprocess.run(
                [sys.executable, "-m", f"services.{service}.migrations"],
                env=self.environments[service],
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode != 0:
                words = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["no reason given"]
                raise StackError(f"The migrations of {service} failed: {words[0]}")

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(one, SERVICES))

    def _start_services(self) -> None:
        """Two processes at a time: there may be no more cores, and each should show how fast it is."""
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(self.start_service, self.service_processes))

    def start_service(self, name: str) -> processes.Running:
        """Starts one process, such as `booking worker`, and waits until it is ready."""
        service, kind = name.split()
        module = f"services.{service}.{'app' if kind == 'api' else 'worker'}"
        port = self._ports[service if kind == "api" else f"{service} worker"]
        began = time.monotonic()
        running = self._keep(
            processes.start(
                name, [sys.executable, "-m", module], self.log_dir, env=self.environments[service], cwd=ROOT
            )
        )
        processes.wait_until(
            name, running, lambda: _answers(f"{url(port)}/readyz") and processes.listens(running, port), READY_SECONDS
        )
        self._ready(name, began)
        return running

    def _ready(self, name: str, began: float) -> None:
        self.timings[name] = round(time.monotonic() - began, 2)
        print(f"  {name:<22} ready after {self.timings[name]:5.2f} s", flush=True)

    def restart_postgres(self) -> None:
        """Starts our own server again on its port and data."""
        assert self.postgres is not None
        self.postgres = self._own_postgres(self.postgres.port)
        self._keep(self.postgres.running)

    def running(self, name: str) -> processes.Running:
        """The newest process of that name."""
        return next(one for one in reversed(self.started) if one.name == name)

    def token(self, **claims: Any) -> str:
        return Issuer(self.state / "issuer", self.urls["issuer"]).token(**claims)

    def worker_url(self, service: str) -> str:
        return url(self._ports[f"{service} worker"])

    def memory(self) -> dict[str, float]:
        """Resident megabytes by process; PostgreSQL's shared pages are counted once (PSS)."""
        found = {}
        for running in self.started:
            process = running.process()
            if process is not None:
                found[running.name] = _resident(process) / MEGABYTE
        return found

    def stop(self) -> None:
        """Stops everything in the reverse order of its start."""
        workers = [one for one in self.started if one.name in self.service_processes]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(processes.Running.stop, workers))
        stops: dict[str, Callable[[], None]] = {}
        if self.postgres is not None:
            stops["postgres"] = self.postgres.stop
        if self.kafka is not None:
            stops["kafka"] = self.kafka.stop
        for running in reversed(self.started):
            stops.get(running.name, running.stop)()
            processes.forget(self.run_dir, running)
        processes.reap()
        (self.run_dir / "stack.json").unlink(missing_ok=True)
        postgres.clean(self.state / "postgres")
        self.started = []


def _resident(process: psutil.Process) -> int:
    try:
        family = [process, *process.children(recursive=True)]
        if len(family) == 1:
            return int(process.memory_info().rss)
        return sum(int(one.memory_full_info().pss) for one in family)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0


def _answers(address: str) -> bool:
    """True for a 200; http.client, because a second of a start would go into httpx's own."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=3)
    try:
        connection.request("GET", parts.path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
