"""Zipkin, for traces in the browser. Everything else runs without it."""

import os
from pathlib import Path

from deploy.local import cache, processes
from deploy.local.java import java


def start(port: int, log_dir: Path) -> processes.Running:
    """Starts it; it is up some seconds later. Raises StackError when it can't be fetched."""
    [jar] = cache.jars("zipkin")
    command = [java(), "-Xms64m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-jar", str(jar)]
    environment = {**os.environ, "QUERY_PORT": str(port), "SELF_TRACING_ENABLED": "false"}
    return processes.start("zipkin", command, log_dir, env=environment)
