"""The command behind `make demo`; an argument names another state folder than `.local`."""

import asyncio
import sys
from pathlib import Path

import httpx

from deploy.local import processes
from deploy.local.demo import trace
from deploy.local.demo.play import Stage, play
from deploy.local.demo.timeline import DemoFailed, Timeline
from deploy.local.errors import StackError
from deploy.local.stack import STATE, Stack

ROOT = Path(__file__).parents[3]
MEMORY_MB = 120


def main() -> int:
    """Starts what is missing, plays, stops what it started; 0 when every check held."""
    processes.stop_when_told()
    try:
        with Stack(Path(sys.argv[1]).resolve() if sys.argv[1:] else STATE) as stack:
            return _play(stack)
    except StackError as error:
        print(f"demo: failed: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("demo: stopped", file=sys.stderr)
    return 1


def _play(stack: Stack) -> int:
    stack.wait_for_traces()
    timeline = Timeline()
    stage = Stage(
        urls=stack.urls,
        receivers=stack.urls["receivers"],
        zipkin=stack.urls.get("zipkin"),
        token=stack.token,
        timeline=timeline,
    )
    print()
    failure: str | None = None
    try:
        asyncio.run(play(stage))
    except DemoFailed as error:
        failure = str(error)
    except httpx.HTTPError as error:
        failure = f"{error.request.url.copy_with(query=None)} doesn't answer ({type(error).__name__})"
    if stage.spans:
        print("\nThe path of one client, as one trace\n")
        print("\n".join(trace.tree(stage.spans)))
    memory = stack.memory()
    _print_footprint(stack, memory)
    if failure is None:
        failure = _too_heavy(stack, memory, timeline)
    summary = stack.state / "demo.json"
    _print_places(stack, stage, summary)
    timeline.write(
        summary,
        ok=failure is None,
        failure=failure,
        trace_id=stage.trace_id,
        practice_id=stage.practice,
        retention=stage.report,
        start_seconds=stack.timings,
        memory_mb=memory,
    )
    if failure is None:
        print(f"demo: ok, {timeline.checks} checks", flush=True)
    else:
        print(f"demo: failed: {failure}", flush=True)
        print(f"The logs are in {stack.log_dir}.")
    if sys.stdin.isatty() and sys.stdout.isatty():
        input("\nEverything stays up until you press Enter. ")
    return 0 if failure is None else 1


def _print_footprint(stack: Stack, memory: dict[str, float]) -> None:
    print("\nprocess                      memory    ready after")
    for name, megabytes in memory.items():
        seconds = stack.timings.get(name)
        print(f"{name:<26} {megabytes:6.0f} MB" + (f"    {seconds:5.2f} s" if seconds is not None else ""))


def _too_heavy(stack: Stack, memory: dict[str, float], timeline: Timeline) -> str | None:
    """Each of our processes stays within 120 MB. Start-up times are only shown: a machine may be busy."""
    for name in stack.service_processes:
        if memory.get(name, 0.0) > MEMORY_MB:
            return f"{name} has {memory[name]:.0f} MB resident; {MEMORY_MB} MB are the most"
        timeline.checks += 1
    return None


def _print_places(stack: Stack, stage: Stage, summary: Path) -> None:
    print("\nLook around")
    print(f"  messages      {stack.urls['receivers']}/")
    if stage.zipkin:
        print(f"  the trace     {stage.zipkin}/zipkin/traces/{stage.trace_id}")
    for name in ("availability", "booking", "notifications", "feedback"):
        print(f"  {name:<13} {stack.urls[name]}/docs")
    print(f"  summary       {summary.relative_to(ROOT) if summary.is_relative_to(ROOT) else summary}\n")


if __name__ == "__main__":
    sys.exit(main())
