"""Migrations there and back, with rows in the tables."""

from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from services.availability.resources import MIGRATIONS
from shared.db import sqlalchemy_url
from tests.support.migrating import migrate
from tests.support.servers import Postgres

pytestmark = pytest.mark.servers

PROVIDER = """INSERT INTO providers (tenant_id, id, name, zone, created_at)
    VALUES (:tenant, :id, 'A', 'Asia/Kolkata', now())"""
LOCATION = """INSERT INTO locations (tenant_id, id, name, zone, modality, created_at)
    VALUES (:tenant, :id, 'Site', 'UTC', 'telehealth', now())"""
KIND = """INSERT INTO appointment_types
    (tenant_id, id, name, intake, duration, buffer_before, buffer_after, step, minimum_notice, horizon, grace,
     created_at)
    VALUES (:tenant, :id, 'Visit', false, 'PT50M', 'PT0M', 'PT0M', 'PT30M', 'PT0M', 'P60D', 'PT15M', now())"""
SCHEDULE = """INSERT INTO schedules
    (tenant_id, id, provider_id, appointment_type_id, location_id, modality, new_client_windows, overrides, room_ids,
     capacity, duration, buffer_before, buffer_after, step, minimum_notice, horizon, grace, version, sequence,
     created_at, changed_at)
    VALUES (:tenant, :id, :id, :id, :id, 'telehealth', '[]', '{}', '{}', 1,
     'PT50M', 'PT0M', 'PT0M', 'PT30M', 'PT0M', 'P60D', 'PT15M', 1, 1, now(), now())"""


async def test_a_schedule_has_its_providers_zone_again_when_the_one_zone_is_taken_back(postgres: Postgres) -> None:
    _, owner = await postgres.database("availability")
    engine = create_async_engine(sqlalchemy_url(owner))

    values = {"tenant": uuid4(), "id": uuid4()}
    as_tenant = text("SELECT set_config('app.tenant', :tenant, true)"), {"tenant": str(values["tenant"])}
    async with engine.begin() as connection:
        await connection.execute(*as_tenant)
        for row in (PROVIDER, LOCATION, KIND, SCHEDULE):
            await connection.execute(text(row), values)
    await migrate(engine, MIGRATIONS, "0003_practices_are_listed")
    async with engine.begin() as connection:
        await connection.execute(*as_tenant)
        assert await connection.scalar(text("SELECT zone FROM schedules")) == "Asia/Kolkata"
        owned = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relrowsecurity AND NOT relforcerowsecurity"
        assert (await connection.execute(text(owned))).all() == []
    await migrate(engine, MIGRATIONS, "head")
    await engine.dispose()
