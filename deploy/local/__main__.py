"""The commands behind `make up`, `down`, `token`, `migrate`, `dlq`, `rebuild` and `drift`."""

import argparse
import os
import subprocess
import sys

from deploy.local import processes
from deploy.local.errors import StackError
from deploy.local.issuer import Issuer
from deploy.local.ports import DEFAULTS
from deploy.local.settings import url
from deploy.local.stack import ROOT, STATE, Stack


def main() -> int:
    """Runs one command; what goes wrong is one sentence on stderr and exit code 1."""
    processes.stop_when_told()
    try:
        return _run(_arguments())
    except StackError as error:
        print(error, file=sys.stderr)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
    return 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m deploy.local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="start everything and leave it running")
    commands.add_parser("down", help="stop what runs")
    commands.add_parser("status", help="what runs, and where")
    commands.add_parser("migrate", help="bring databases and topics up to date")
    token = commands.add_parser("token", help="print a bearer token")
    token.add_argument("--role", default="staff")
    for name in ("practice", "client", "provider", "scope"):
        token.add_argument(f"--{name}")
    letters = commands.add_parser("dlq", help="dead letters: list, show, replay")
    letters.add_argument("rest", nargs="*")
    for name, told in (
        ("rebuild", "make availability's copy of visits anew from the topics"),
        ("drift", "compare availability's copy of visits with booking"),
    ):
        commands.add_parser(name, help=told).add_argument("practice", nargs="*")
    return parser.parse_args()


def _run(arguments: argparse.Namespace) -> int:
    stack = Stack()
    if arguments.command == "up":
        return _up(stack)
    if arguments.command == "down":
        return _down(stack)
    joined = _quietly_joined(stack)
    if arguments.command == "token":
        issuer = stack.urls["issuer"] if joined else url(DEFAULTS["issuer"])
        claims = {name: getattr(arguments, name) for name in ("role", "practice", "client", "provider", "scope")}
        print(Issuer(STATE / "issuer", issuer).token(**claims))
        return 0
    if not joined:
        raise StackError("The system isn't up; `make up` starts it.")
    if arguments.command == "status":
        _show(stack)
        return 0
    if arguments.command == "migrate":
        stack.migrate()
        print("databases and topics are up to date")
        return 0
    if arguments.command == "dlq":
        command = ["shared.dlq", *(arguments.rest or ["list"])]
        environment = {**os.environ, "KAFKA_BOOTSTRAP_SERVERS": stack.bootstrap}
    else:
        verb = {"rebuild": "rebuild", "drift": "check"}[arguments.command]
        command = ["services.availability.upkeep", verb, *arguments.practice]
        environment = stack.environments["availability"]
    command = [sys.executable, "-m", *command]
    return subprocess.run(command, env=environment, cwd=ROOT, check=False).returncode


def _up(stack: Stack) -> int:
    # Entered and never left: it stays up until `make down`.
    stack.__enter__()
    _show(stack)
    print("Stop it with `make down`.")
    return 0


def _down(stack: Stack) -> int:
    stack.started = processes.recorded(stack.run_dir) if stack.run_dir.exists() else []
    count = len(stack.started)
    stack.stop()
    print(f"stopped {count} processes" if count else "nothing was running")
    return 0


def _quietly_joined(stack: Stack) -> bool:
    return (stack.run_dir / "stack.json").exists() and stack.join(quietly=True)


def _show(stack: Stack) -> None:
    print()
    for name, address in sorted(stack.urls.items()):
        extra = {"zipkin": "/zipkin/", "receivers": "/"}.get(name, "/docs" if name != "issuer" else "")
        print(f"  {name:<14} {address}{extra}")
    print(f"  {'kafka':<14} {stack.bootstrap}")


if __name__ == "__main__":
    sys.exit(main())
