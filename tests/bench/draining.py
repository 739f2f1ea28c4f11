"""What is due in the same minute, drained by two workers, and what the carrier says of it afterwards."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from deploy.local.ports import free_port
from deploy.local.stack import ROOT
from tests.bench import sender
from tests.bench.figures import Figures
from tests.bench.house import AT_ONCE, PLANNED, House, call_off, known_to_booking, rate_of
from tests.bench.slots import only

BARE = 3_000
"""Texts of the bare senders."""
CALLED_OFF = 20
"""One visit of so many is cancelled before its text is due."""


async def draining(figures: Figures, house: House, number: int) -> None:
    """Texts that are due in the same minute, by two workers; then the receiver's own book says that each came once,
    none before its time, and none about a visit that was cancelled.
    """
    await house.call("POST", "/v1/reminder-plans", AT_ONCE)
    # So long that all of them are planned for by then.
    due = datetime.now(UTC) + timedelta(seconds=45 + number / 200)
    events = house.bookings(number, due)
    await known_to_booking(house, events)
    with only(house.stack, "notifications worker"):
        await house.publish(events)
        await rate_of(house, PLANNED, number, every_seconds=0.5)
        await call_off(house, events[::CALLED_OFF])
        cancelled = len(events[::CALLED_OFF])
        await rate_of(house, f"{PLANNED} AND status = 'not_sent' AND reason = 'visit_changed'", cancelled)
    if datetime.now(UTC) > due:
        raise SystemExit("bench: planning took longer than there was time until the texts were due")
    async with second_worker(house):
        with only(house.stack, "notifications worker", "booking api", "notifications api"):
            await asyncio.sleep(max(0.0, (due - datetime.now(UTC)).total_seconds()))
            sent = f"{PLANNED} AND status IN ('sent', 'delivered')"
            rate = await rate_of(house, sent, number - cancelled, every_seconds=0.5)
    await held_against_the_carrier(house, due, set(house.phones[:number:CALLED_OFF]), number - cancelled)
    await bare_sending(figures, house)
    note = (
        f"{number} planned, {cancelled} of them cancelled before; two workers, booking asked before each 32; by the "
        "carrier's book none early, none twice, none of those cancelled; reports come later"
    )
    figures.add("due in the same minute, drained", [rate], "/s", least=500, note=note)


@asynccontextmanager
async def second_worker(house: House) -> AsyncIterator[None]:
    environment = house.stack.environments["notifications"] | {"NOTIFICATIONS_WORKER_PORT": str(free_port())}
    second = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.notifications.worker",
        env={**os.environ, **environment},
        cwd=ROOT,
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        second.terminate()
        await asyncio.wait_for(second.wait(), 30)


async def held_against_the_carrier(house: House, due: datetime, cancelled: set[str], expected: int) -> None:
    """Ends the benchmark where a client got more or less than one text, or one about a cancelled visit, or too soon."""
    asked = {"channel": "sms", "after": house.opened_at.isoformat()}
    url = f"{house.stack.urls['receivers']}/api/messages/recipients"
    book = (await house.http.get(url, params=asked, timeout=60)).raise_for_status().json()
    had: dict[str, int] = book["recipients"]
    wrong = {
        "clients got a text twice": sum(count > 1 for count in had.values()),
        "clients got a text about a visit that was cancelled": len(cancelled & had.keys()),
        "texts less than there should be": expected - len(had),
        "texts or more went before their time": int(datetime.fromisoformat(book["first_at"]) < due),
    }
    for what, count in wrong.items():
        if count:
            raise SystemExit(f"bench: {count} {what}")


async def bare_sending(figures: Figures, house: House) -> None:
    """What two bare senders make of as many cores."""
    environment = house.stack.environments["notifications"]
    names = ("OWNER_DATABASE_URL", "SMS_API_URL", "SMS_ACCOUNT_SID", "SMS_AUTH_TOKEN")
    url, *carrier = (environment[f"NOTIFICATIONS_{name}"] for name in names)
    arguments = url.replace("postgresql+asyncpg", "postgresql"), *carrier
    with only(house.stack):
        async with house.database("notifications") as rows, sender.senders(rows, house.id, BARE, *arguments):
            rate = await rate_of(house, sender.SENT, BARE)
    figures.add("bare senders: take rows, ask the carrier, mark them", [rate], "/s", note="reference, two processes")
