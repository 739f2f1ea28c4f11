"""What others write to send what is due: take rows, ask the carrier, mark them; no rule, no reason, no event.

`python -m tests.bench.sender DATABASE CARRIER ACCOUNT TOKEN` is one such process; it ends when no row is left.
"""

import asyncio
import sys
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from uuid import UUID, uuid4

import asyncpg

from deploy.local.stack import ROOT
from shared.http import checking
from shared.wire import Wire

SENT = "SELECT count(*) FROM bench_texts WHERE practice = $1 AND sid IS NOT NULL"
AT_A_TIME, AT_ONCE, SENDERS = 64, 32, 2
"""Rows of a transaction; texts under way of one sender; processes."""
_TAKE = "SELECT id, phone FROM bench_texts WHERE sid IS NULL ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED"
_MARK = "UPDATE bench_texts SET sid = given.sid FROM unnest($1::uuid[], $2::text[]) AS given (id, sid)"


@asynccontextmanager
async def senders(rows: asyncpg.Connection, practice: UUID, number: int, *arguments: str) -> AsyncIterator[None]:
    """Two bare senders at work on a practice's texts; `arguments` are theirs."""
    await rows.execute("CREATE TABLE bench_texts (id uuid PRIMARY KEY, practice uuid, phone text, sid text)")
    texts = [(uuid4(), practice, f"+1505{one:07d}") for one in range(number)]
    await rows.copy_records_to_table("bench_texts", records=texts, columns=["id", "practice", "phone"])
    running = [
        await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.bench.sender", *arguments, cwd=ROOT)
        for _ in range(SENDERS)
    ]
    yield
    if any(await asyncio.gather(*(one.wait() for one in running))):
        raise SystemExit("bench: a bare sender failed")
    await rows.execute("DROP TABLE bench_texts")


async def send(database: str, carrier: str, account: str, token: str) -> None:
    rows = await asyncpg.connect(database)
    basic = b64encode(f"{account}:{token}".encode()).decode()
    headers = {"authorization": f"Basic {basic}"}
    url = f"{carrier}/2010-04-01/Accounts/{account}/Messages.json"
    async with aclosing(Wire(checking(carrier))) as wire:
        while True:
            async with rows.transaction():
                due = await rows.fetch(_TAKE, AT_A_TIME)
                if not due:
                    break
                sids: list[str] = []
                for first in range(0, len(due), AT_ONCE):
                    few = due[first : first + AT_ONCE]
                    asked = (_post(wire, url, headers, row["id"], row["phone"]) for row in few)
                    sids += await asyncio.gather(*asked)
                await rows.execute(f"{_MARK} WHERE bench_texts.id = given.id", [row["id"] for row in due], sids)
    await rows.close()


async def _post(wire: Wire, url: str, headers: Mapping[str, str], text_id: UUID, phone: str) -> str:
    text = {"To": phone, "From": "+12025550111", "Body": "Maple: see you tomorrow at 3:00 PM. https://a.example/x"}
    token = {"I-Twilio-Idempotency-Token": str(text_id)}
    answer = await wire.ask("POST", url, headers={**headers, **token}, form=text, seconds=8)
    if answer.status != 201:
        raise SystemExit(f"bench: the carrier answered {answer.status}")
    return str(answer.json()["sid"])


if __name__ == "__main__":
    asyncio.run(send(*sys.argv[1:]))
