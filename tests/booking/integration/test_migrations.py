"""Migrations with rows in the tables."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from services.booking.resources import MIGRATIONS
from shared.db import sqlalchemy_url
from tests.support.migrating import migrate
from tests.support.servers import Postgres

pytestmark = pytest.mark.servers

MINUTE = timedelta(minutes=1)
BOOKED = """
    INSERT INTO appointments (tenant_id, id, client_id, provider_id, schedule_id, appointment_type_id, location_id,
        modality, status, start, "end", occupied_from, occupied_to, grace, booked_at, changed_at, changed_by, sequence,
        group_id, seat, needs_rebooking, late)
    VALUES (:tenant, :id, :id, :id, :id, :id, :id, 'in_person', 'booked', :start, :end, :start, :end, 'PT15M', now(),
        now(), 'practice', 1, :id, 1, :away, false)
"""


async def test_visits_from_before_are_asked_about_too_and_two_offers_become_one(postgres: Postgres) -> None:
    _, owner = await postgres.database("booking")
    engine = create_async_engine(sqlalchemy_url(owner))

    tenant, start = uuid4(), datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    usual, away, running = uuid4(), uuid4(), uuid4()
    starts = {usual: start, away: start, running: datetime.now(UTC).replace(microsecond=0) - 8 * MINUTE}

    async def due(connection: AsyncConnection) -> dict[UUID, timedelta]:
        """After the start of each visit."""
        rows = await connection.execute(text("SELECT key, due_at FROM timers"))
        return {row.key: row.due_at - starts[row.key] for row in rows}

    as_tenant = text("SELECT set_config('app.tenant', :tenant, true)"), {"tenant": str(tenant)}
    await migrate(engine, MIGRATIONS, "0013_terms")
    client = uuid4()
    async with engine.begin() as connection:
        await connection.execute(*as_tenant)
        for id, begins in starts.items():
            values = {"id": id, "start": begins, "end": begins + 50 * MINUTE, "away": id == away, "tenant": tenant}
            await connection.execute(text("INSERT INTO providers (tenant_id, id) VALUES (:tenant, :id)"), values)
            await connection.execute(
                text(
                    "INSERT INTO clients (tenant_id, id, name, registered_at, sequence)"
                    " VALUES (:tenant, :id, 'C', now(), 1)"
                ),
                values,
            )
            await connection.execute(text(BOOKED), values)
            timer = "INSERT INTO timers (tenant_id, kind, key, due_at) VALUES (:tenant, 'appointment.miss', :id, :due)"
            await connection.execute(text(timer), values | {"due": begins + 15 * MINUTE})
        offers = await two_offers(connection, tenant, client)
    await migrate(engine, MIGRATIONS, "head")
    async with engine.begin() as connection:
        await connection.execute(*as_tenant)
        assert await due(connection) == {usual: 5 * MINUTE, running: 15 * MINUTE}
        fates = (await connection.execute(text("SELECT id, fate FROM waitlist_offers"))).all()
        assert {row.id: row.fate for row in fates} == dict(zip(offers, ("open", "withdrawn"), strict=True))
    await migrate(engine, MIGRATIONS, "0014_what_was_done")
    async with engine.begin() as connection:
        await connection.execute(*as_tenant)
        assert await due(connection) == {usual: 15 * MINUTE, running: 15 * MINUTE}
    await engine.dispose()


async def two_offers(connection: AsyncConnection, tenant: UUID, client: UUID) -> tuple[UUID, UUID]:
    """Both open and one client's, as they could be before; the entries that they are for don't matter here."""
    await connection.execute(
        text("ALTER TABLE waitlist_offers DROP CONSTRAINT waitlist_offers_tenant_id_entry_id_fkey")
    )
    first, second = sorted((uuid4(), uuid4()))
    for id in (first, second):
        await connection.execute(
            text(
                "INSERT INTO waitlist_offers (tenant_id, id, entry_id, opening_id, client_id, schedule_id, provider_id,"
                ' modality, start, "end", occupied_from, occupied_to, offered_at, expires_at, fate, sequence)'
                " VALUES (:tenant, :id, :id, :id, :client, :id, :id, 'in_person', now(), now(), now(), now(), now(),"
                " now(), 'open', 1)"
            ),
            {"tenant": tenant, "id": id, "client": client},
        )
    return first, second
