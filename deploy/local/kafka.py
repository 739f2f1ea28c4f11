"""Apache Kafka, one KRaft node that is broker and controller, from the official jars."""

import asyncio
import logging
import os
import signal
import subprocess
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

from deploy.local import cache, processes
from deploy.local.errors import StackError
from deploy.local.java import java
from deploy.local.ports import HOST
from shared.kafka import answers

HEAP = ("-Xms128m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
QUIET = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"


@dataclass
class KafkaServer:
    """A running broker; the ways to disturb it are for tests."""

    port: int
    folder: Path
    log_dir: Path
    running: processes.Running

    @property
    def bootstrap(self) -> str:
        return f"{HOST}:{self.port}"

    def stop(self) -> None:
        self.running.stop(20)

    def kill(self) -> None:
        """SIGKILL: no goodbye, no flush."""
        self.running.send(signal.SIGKILL)
        found = self.running.process()
        if found is not None:
            found.wait(10)

    def pause(self) -> None:
        self.running.send(signal.SIGSTOP)

    def resume(self) -> None:
        self.running.send(signal.SIGCONT)

    def restart(self) -> None:
        """Starts it again on the same port and data."""
        self.running = _launch(self.folder, self.log_dir)
        _wait(self)


def cluster_id(chance: UUID) -> str:
    """A cluster's id as Kafka writes it; never one that its command line would take for an option."""
    return "R" + urlsafe_b64encode(chance.bytes).decode()[1:].rstrip("=")


def start(folder: Path, port: int, controller_port: int, log_dir: Path) -> KafkaServer:
    """Formats `folder` if need be and starts the broker on it. Raises StackError."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "server.properties").write_text(_properties(folder, port, controller_port))
    if not (folder / "data" / "meta.properties").exists():
        command = [
            *_java(),
            "kafka.tools.StorageTool",
            "format",
            "-t",
            cluster_id(uuid4()),
            "-c",
            str(folder / "server.properties"),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
        if done.returncode != 0:
            raise StackError(
                f"Kafka's storage can't be formatted: {' '.join((done.stderr or done.stdout).split())[-400:]}"
            )
    server = KafkaServer(port, folder, log_dir, _launch(folder, log_dir))
    _wait(server)
    return server


def _launch(folder: Path, log_dir: Path) -> processes.Running:
    command = [*_java(), "kafka.Kafka", str(folder / "server.properties")]
    return processes.start("kafka", command, log_dir, cwd=folder, env={**os.environ, "LOG_DIR": str(folder)})


def _java() -> list[str]:
    path = os.pathsep.join(str(jar) for jar in cache.jars("kafka"))
    return [java(), *HEAP, QUIET, "-cp", path]


def _wait(server: KafkaServer) -> None:
    noisy = logging.getLogger("aiokafka")
    level = noisy.level
    noisy.setLevel(logging.CRITICAL)
    try:
        processes.wait_until("Kafka", server.running, lambda: asyncio.run(answers(server.bootstrap, 1.0)), 60)
    finally:
        noisy.setLevel(level)


def _properties(folder: Path, port: int, controller_port: int) -> str:
    values = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@{HOST}:{controller_port}",
        "listeners": f"PLAINTEXT://{HOST}:{port},CONTROLLER://{HOST}:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{port}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "log.dirs": str(folder / "data"),
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "8",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "group.initial.rebalance.delay.ms": "0",
        "auto.create.topics.enable": "false",
        "log.cleaner.dedupe.buffer.size": "16777216",
    }
    return "".join(f"{name}={value}\n" for name, value in values.items())
