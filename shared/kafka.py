"""Kafka by aiokafka: safe settings, names of topics and headers, and clients that can be left behind."""

import asyncio
import logging
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

log = logging.getLogger(__name__)

ATTEMPT = "x-attempt"
NOT_BEFORE = "x-not-before"
ORIGIN = "x-origin-topic"
ERROR = "x-error"
PARTITION = "x-origin-partition"
OFFSET = "x-origin-offset"


def producer_config(bootstrap_servers: str, service: str) -> dict[str, Any]:
    """`acks=all`, plain: the idempotent producer can fail for good after an outage (aiokafka #1017)."""
    return {
        "bootstrap_servers": bootstrap_servers,
        "client_id": service,
        "acks": "all",
        "enable_idempotence": False,
        "request_timeout_ms": 12_000,
        "linger_ms": 0,
    }


def consumer_config(bootstrap_servers: str, group: str) -> dict[str, Any]:
    """From the earliest, committed by hand, with time to drain on a rebalance."""
    return {
        "bootstrap_servers": bootstrap_servers,
        "client_id": group,
        "group_id": group,
        "auto_offset_reset": "earliest",
        "enable_auto_commit": False,
        "session_timeout_ms": 10_000,
        "heartbeat_interval_ms": 3_000,
        "rebalance_timeout_ms": 60_000,
        # Nothing is asked for while all that was taken waits for a database; the member is alive all the same.
        "max_poll_interval_ms": 86_400_000,
        "request_timeout_ms": 12_000,
        "metadata_max_age_ms": 10_000,
        "isolation_level": "read_committed",
    }


def retry_topic(topic: str, group: str) -> str:
    return f"{topic}.{group}.retry"


def dead_letter_topic(topic: str, group: str) -> str:
    return f"{topic}.{group}.dlq"


async def close(client: AIOKafkaProducer | AIOKafkaConsumer | AIOKafkaAdminClient) -> None:
    """Stops a client; one that hangs because the broker is gone (aiokafka #1101) is left to the collector.

    In a task of its own: with the broker gone for some time, aiokafka lets out a CancelledError of its own tasks,
    which would end the caller as if somebody had cancelled it.
    """
    stop = asyncio.ensure_future(client.close() if isinstance(client, AIOKafkaAdminClient) else client.stop())
    await asyncio.wait({stop}, timeout=5)
    if not stop.done():
        stop.cancel()
        log.warning("a Kafka client did not stop in time")
    elif stop.cancelled() or stop.exception() is not None:
        error = "CancelledError" if stop.cancelled() else type(stop.exception()).__name__
        log.warning("a Kafka client did not stop cleanly: %s", error)


def told_to_end() -> bool:
    """In an `except CancelledError`: True when the running task itself was cancelled.

    Else it met one of aiokafka's own tasks that was: what it does when it gives up on a broker.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def answers(bootstrap_servers: str, timeout: float = 2.0) -> bool:
    """True when a broker answers a metadata request; a stopped one accepts connections, but doesn't answer."""
    client = AIOKafkaClient(bootstrap_servers=bootstrap_servers, request_timeout_ms=int(timeout * 1000))
    try:
        await asyncio.wait_for(client.bootstrap(), timeout)
    except (TimeoutError, KafkaError, OSError):
        return False
    finally:
        await asyncio.wait_for(client.close(), 2)
    return True
