"""Dead letters: `python -m shared.dlq list | show <topic> [id] | replay <topic> [id]` (`make dlq`).

A replay puts messages back on the group's retry topic with fresh tries; the inbox makes sure that one
which took effect after all has none a second time. Replayed messages stay in the dead-letter topic,
marked by a `x-replayed` tombstone record of the same key and id, and are no longer listed.
"""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from shared import replay as replaying
from shared.kafka import ATTEMPT, ERROR, NOT_BEFORE, ORIGIN, close, producer_config
from shared.numbers import digits
from shared.replay import Record
from shared.topics import topics

REPLAYED = "x-replayed"
SUFFIX = ".dlq"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One message that was given up."""

    topic: str
    offset: int
    key: bytes | None
    value: bytes | None
    headers: dict[str, bytes]

    @property
    def id(self) -> str:
        """The event's; what came without one is named by where it lies."""
        return self.headers.get("ce_id", b"").decode(errors="replace") or f"@{self.offset}"

    def summary(self) -> dict[str, Any]:
        """What may be shown: headers and reason. Bodies carry ids and times only, by contract."""
        text = {name: value.decode(errors="replace") for name, value in self.headers.items()}
        return {
            "topic": self.topic,
            "offset": self.offset,
            "id": self.id,
            "type": text.get("ce_type"),
            "tenant": text.get("ce_tenantid"),
            "attempts": digits(text.get(ATTEMPT, "")) or 0,
            "error": text.get(ERROR),
            "time": text.get("ce_time"),
        }


async def read(bootstrap_servers: str, names: Sequence[str] | None = None) -> list[DeadLetter]:
    """Every dead letter that has not been replayed, of the given dead-letter topics or of all."""
    names = names or sorted(name for name in await topics(bootstrap_servers) if name.endswith(SUFFIX))
    if not names:
        return []
    letters: dict[tuple[str, str], DeadLetter] = {}

    def take(record: Record) -> None:
        headers = {name: value or b"" for name, value in record.headers}
        letter = DeadLetter(record.topic, record.offset, record.key, record.value, headers)
        # The newest of an id stands, at its own place; a mark of its replay takes it off the list.
        letters.pop((letter.topic, letter.id), None)
        if REPLAYED not in headers:
            letters[letter.topic, letter.id] = letter

    await replaying.read(bootstrap_servers, names, take)
    return list(letters.values())


async def replay(bootstrap_servers: str, topic: str, id: str | None = None) -> int:
    """Sends the dead letters of a topic, or one of them, back to their group's retry topic; returns how many."""
    letters = [one for one in await read(bootstrap_servers, [topic]) if id in (None, one.id)]
    producer = AIOKafkaProducer(**producer_config(bootstrap_servers, "dlq"))
    await asyncio.wait_for(producer.start(), 15)
    try:
        for letter in letters:
            back = {name: value for name, value in letter.headers.items() if name not in (ATTEMPT, NOT_BEFORE, ERROR)}
            back.setdefault(ORIGIN, letter.topic.rsplit(".", 2)[0].encode())
            retry = letter.topic.removesuffix(SUFFIX) + ".retry"
            await producer.send_and_wait(retry, letter.value, key=letter.key, headers=list(back.items()))
            mark = [("ce_id", letter.id.encode()), (REPLAYED, b"true")]
            await producer.send_and_wait(letter.topic, b"", key=letter.key, headers=mark)
    finally:
        await close(producer)
    return len(letters)


async def _main(arguments: argparse.Namespace, bootstrap_servers: str) -> int:
    if arguments.topic and arguments.topic not in await topics(bootstrap_servers):
        sys.stderr.write(
            f"There is no dead-letter topic {arguments.topic}; `list` shows the letters and their topics.\n"
        )
        return 1
    if arguments.command == "replay":
        count = await replay(bootstrap_servers, arguments.topic, arguments.id)
        sys.stdout.write(f"{count} sent back to {arguments.topic.removesuffix(SUFFIX)}.retry\n")
        return 0 if count or arguments.id is None else 1
    letters = await read(bootstrap_servers, [arguments.topic] if arguments.topic else None)
    if arguments.command == "list":
        for letter in letters:
            sys.stdout.write(json.dumps(letter.summary()) + "\n")
        sys.stdout.write(f"{len(letters)} dead letters\n")
        return 0
    if arguments.id and all(letter.id != arguments.id for letter in letters):
        sys.stderr.write(f"There is no dead letter {arguments.id} in {arguments.topic}.\n")
        return 1
    for letter in letters:
        if arguments.id in (None, letter.id):
            body = (letter.value or b"").decode(errors="replace")
            headers = {name: value.decode(errors="replace") for name, value in letter.headers.items()}
            sys.stdout.write(json.dumps({**letter.summary(), "headers": headers, "body": body}, indent=2) + "\n")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m shared.dlq", description="Dead letters: list, show, replay")
    parser.add_argument("command", choices=("list", "show", "replay"))
    parser.add_argument("topic", nargs="?", help="a dead-letter topic: <topic>.<group>.dlq")
    parser.add_argument("id", nargs="?", help="an event id")
    arguments = parser.parse_args()
    if arguments.command != "list" and not arguments.topic:
        parser.error("name a dead-letter topic; `list` shows which there are")
    if arguments.topic and not arguments.topic.endswith(SUFFIX):
        parser.error(f"{arguments.topic} is no dead-letter topic; their names end in {SUFFIX}")
    bootstrap_servers = os.environ.get("KAFKA_BOOTSTRAP_SERVERS")
    if not bootstrap_servers:
        sys.stderr.write("Set KAFKA_BOOTSTRAP_SERVERS to host:port of the brokers.\n")
        return 2
    try:
        return asyncio.run(_main(arguments, bootstrap_servers))
    except (KafkaError, OSError, TimeoutError) as error:
        sys.stderr.write(f"Kafka at {bootstrap_servers} doesn't answer ({type(error).__name__}).\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
