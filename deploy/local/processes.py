"""Processes of the stack: each with its log and its record, stopped by exactly the pid that was started."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from deploy.local.errors import PortTaken, StackError

STOP_SECONDS = 30.0


@dataclass(frozen=True)
class Running:
    """A process that was started; its start time tells it from a later one with the same pid."""

    name: str
    pid: int
    started: float
    log: str

    def process(self) -> psutil.Process | None:
        """The process, if it is still that one and alive."""
        try:
            found = psutil.Process(self.pid)
            same = abs(found.create_time() - self.started) < 1.0
            return found if same and found.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None

    def alive(self) -> bool:
        return self.process() is not None

    def send(self, number: signal.Signals) -> None:
        found = self.process()
        if found is not None:
            found.send_signal(number)

    def stop(self, seconds: float = STOP_SECONDS, number: signal.Signals = signal.SIGTERM) -> None:
        """Asks it to end, and after a while makes it."""
        found = self.process()
        if found is None:
            return
        # A stopped process can't hear the signal before it goes on.
        for one in (number, signal.SIGCONT):
            found.send_signal(one)
        try:
            found.wait(seconds)
        except psutil.TimeoutExpired:
            family = [found, *found.children(recursive=True)]
            for member in family:
                _kill(member)
            psutil.wait_procs(family, 5)

    def last_words(self, lines: int = 5) -> str:
        """The end of its log, in one line."""
        try:
            return " | ".join(Path(self.log).read_text(errors="replace").strip().splitlines()[-lines:])
        except OSError:
            return ""


def stop_when_told() -> None:
    """Has SIGTERM and SIGHUP (a closed terminal, a cancelled job) end a command as Ctrl-C does: tidily."""

    def stop(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)


def _kill(process: psutil.Process) -> None:
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return


def start(
    name: str, command: Sequence[str], log_dir: Path, *, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> Running:
    """Starts a process in a session of its own, so that Ctrl-C reaches us and not it."""
    log_dir.mkdir(parents=True, exist_ok=True)
    log = log_dir / f"{name.replace(' ', '-')}.log"
    with log.open("wb") as output:
        try:
            process = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(env) if env is not None else None,
                cwd=cwd,
                start_new_session=True,
            )
        except OSError as error:
            raise StackError(f"{name} can't be started: {error}.") from error
    return Running(name, process.pid, psutil.Process(process.pid).create_time(), str(log))


def reap() -> None:
    """Takes leave of children that have ended, so that none stays as a zombie."""
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return


def record(folder: Path, running: Running) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{running.name.replace(' ', '-')}.json").write_text(json.dumps(asdict(running)))


def forget(folder: Path, running: Running) -> None:
    (folder / f"{running.name.replace(' ', '-')}.json").unlink(missing_ok=True)


def recorded(folder: Path) -> list[Running]:
    """What was started and not stopped, oldest first; records of dead processes are dropped."""
    found = []
    for path in folder.glob("*.json"):
        values = json.loads(path.read_text())
        if "pid" not in values:
            continue
        running = Running(**values)
        if running.alive():
            found.append(running)
        else:
            path.unlink()
    return sorted(found, key=lambda one: one.started)


def listens(running: Running, port: int) -> bool:
    """True when it is this process that has the port: at a common one, somebody else's might answer."""
    found = running.process()
    if found is None:
        return False
    try:
        return any(one.laddr.port == port and one.status == psutil.CONN_LISTEN for one in found.net_connections("tcp"))
    except psutil.Error:
        return False


def wait_until(what: str, running: Running, check: Callable[[], object], seconds: float) -> None:
    """Waits until `check()` is true. Raises StackError when the process ends (PortTaken, if so) or time runs out."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not running.alive():
            words = running.last_words()
            kind = PortTaken if "address already in use" in words.lower() else StackError
            raise kind(f"{what} ended at once: {words} (log: {running.log}).")
        if check():
            return
        time.sleep(0.05)
    raise StackError(f"{what} is not ready after {seconds:.0f} s: {running.last_words(2)} (log: {running.log}).")
