"""What is done for one client takes as long in a practice of thousands: nothing looks through everybody's rows."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import Column, Uuid, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications import tables
from services.notifications.consumers import HANDLERS
from services.notifications.domain.model import Message
from services.notifications.repository import decisions, messages
from services.notifications.use_cases import inbound, outreach, reports
from shared.contracts import Envelope
from shared.contracts.booking import AppointmentBooked, AppointmentCancelled, AppointmentMissed, AppointmentRescheduled
from tests.notifications.conftest import Practice
from tests.notifications.misses import TWO_STEPS, missed
from tests.notifications.visits import NOW_PLAN, later, visit
from tests.support.servers import Postgres

pytestmark = pytest.mark.servers
OTHERS = 1_500
FEW = 60
MULTIPLIED = (
    *(tables.visits, tables.messages, tables.decisions, tables.outreach, tables.tasks, tables.contacts),
    *(tables.consents, tables.questions, tables.inbound),
)
Work = Callable[[AsyncSession], Awaitable[Any]]


async def multiply(practice: Practice) -> None:
    """The practice's rows once more for each of so many other clients, whose ids and numbers are others."""
    async with practice.resources.database.transaction(practice.tenant) as session:
        for table in MULTIPLIED:
            values = [_another(column) for column in table.columns]
            names = ", ".join(f'"{column.name}"' for column in table.columns)
            query = f"SELECT {', '.join(values)} FROM {table.name}, generate_series(1, {OTHERS}) AS number"
            await session.execute(text(f"INSERT INTO {table.name} ({names}) {query}"))


def _another(column: Column[Any]) -> str:
    """What makes it somebody else's."""
    if isinstance(column.type, Uuid) and column.name != "tenant_id":
        return f"md5({column.name}::text || number)::uuid"
    return (
        f"{column.name} || number" if column.name in ("phone", "carrier_id", "email", "address") else f'"{column.name}"'
    )


async def read_for(practice: Practice, work: Work) -> dict[str, int]:
    """How many rows of each table that grows with a practice were read for it; others hold a few of each practice."""
    async with practice.resources.database.transaction(practice.tenant) as session:
        before = await _read(session)
        await work(session)
        after = await _read(session)
    names = {table.name for table in MULTIPLIED} & after.keys()
    return {name: after[name] - before.get(name, 0) for name in names if after[name] > before.get(name, 0)}


async def _read(session: AsyncSession) -> dict[str, int]:
    query = "SELECT relname, seq_tup_read + coalesce(idx_tup_fetch, 0) AS read FROM pg_stat_xact_user_tables"
    return {row.relname: int(row.read) for row in await session.execute(text(query))}


@pytest.fixture
async def large(practice: Practice, postgres: Postgres) -> AsyncIterator[tuple[Practice, Any]]:
    """A practice with one client's visit to come, and many others'; PostgreSQL knows how many, as it would by itself
    after a while, and plans for that.
    """
    await practice.open("sms")
    await practice.call("POST", "/v1/reminder-plans", 201, json=NOW_PLAN)
    await practice.call("POST", "/v1/outreach-flows", 201, json=TWO_STEPS)
    await practice.follow(await missed(practice))
    coming = await visit(practice, start=await practice.now() + timedelta(days=3))
    await practice.follow(coming)
    await practice.fire_due()
    await practice.text_from(practice.phone, "I will be late")
    await multiply(practice)
    name = practice.resources.settings.database_url.rsplit("/", 1)[1]
    owner = await asyncpg.connect(f"{postgres.admin_url.rsplit('/', 1)[0]}/{name}")
    await owner.execute(f"ANALYZE {', '.join(table.name for table in MULTIPLIED)}")
    await owner.close()
    yield practice, coming
    async with practice.resources.database.transaction(practice.tenant) as session:
        # What is left to do here would be done in the midst of other tests.
        await session.execute(text("DELETE FROM timers"))


@pytest.mark.parametrize("what", ["moved", "called off", "missed", "booked"])
async def test_what_befalls_a_visit(what: str, large: tuple[Practice, Any]) -> None:
    practice, coming = large
    now = await practice.now()
    event = {
        "moved": later(coming, AppointmentRescheduled, start=coming.start + timedelta(days=1)),
        "called off": later(coming, AppointmentCancelled, status="cancelled", reason_code="client_request"),
        "missed": later(coming, AppointmentMissed, status="noshow"),
        "booked": later(coming, AppointmentBooked, appointment_id=practice.client, sequence=1),
    }[what]
    told = Envelope(practice.client, practice.tenant, now, event)
    read = await read_for(practice, lambda session: HANDLERS[type(event)](session, told, now))
    assert read
    assert {name: number for name, number in read.items() if number > FEW} == {}


async def a_message(practice: Practice) -> Message:
    [found, *_] = await practice.messages()
    async with practice.resources.database.transaction(practice.tenant) as session:
        return await messages.get(session, found["id"])


@pytest.mark.parametrize(
    "what",
    ["report", "text", "stop", "a step", "why", "why it waits", "whether the step before arrived", "what failed"],
)
async def test_what_befalls_a_message(what: str, large: tuple[Practice, Any]) -> None:
    practice, _ = large
    message, now = await a_message(practice), await practice.now()
    run_id = UUID((await practice.outreach())[0]["id"])

    async def heard(session: AsyncSession) -> None:
        about: dict[str, Any] = {"message_id": message.id, "channel": "sms", "carrier_id": "SM1"}
        await reports.take_report(session, tenant=practice.tenant, **about, status="failed", code=30003, now=now)

    def said(body: str) -> Work:
        about = {"tenant": practice.tenant, "phone": practice.phone, "body": body, "now": now}
        return lambda session: inbound.receive_text(session, carrier_id=f"SM-{body}", **about)  # type: ignore[arg-type] # as it is asked

    work: dict[str, Work] = {
        "report": heard,
        "text": said("See you then"),
        "stop": said("STOP"),
        "a step": lambda session: outreach.take_step(session, tenant=practice.tenant, outreach_id=run_id, now=now),
        "why": lambda session: decisions.page(session, message.client_id, None, 100, message.appointment_id),
        "why it waits": lambda session: decisions.last(session, message),
        "whether the step before arrived": lambda session: messages.arrived(session, message, "plan.1.0"),
        "what failed": lambda session: messages.failed_channels(session, message),
    }
    read = await read_for(practice, work[what])
    assert read
    assert {name: number for name, number in read.items() if number > FEW} == {}
