"""Row-level security: forced on every table, scoped to the transaction, in every key."""

from importlib import import_module
from uuid import uuid4

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, func, select, text
from sqlalchemy.exc import DBAPIError

from services.booking.domain.clients import Client
from services.booking.repository.clients import add as add_client
from services.booking.tables import clients
from shared.db import Database
from tests.conftest import MakeSettings
from tests.support.build import NOW
from tests.support.servers import SETTINGS

pytestmark = pytest.mark.servers
SERVICES = sorted(SETTINGS)


async def test_one_connection_two_tenants_in_turn_and_no_foreign_row(make_settings: MakeSettings) -> None:
    settings = await make_settings("booking")
    database = Database(settings.database_url, pool_size=1, name="booking")
    first, second = uuid4(), uuid4()
    try:
        for tenant in (first, second):
            async with database.transaction(tenant) as session:
                await add_client(session, tenant, Client(uuid4(), "Somebody", NOW))
        for tenant in (first, second, first, second):
            async with database.transaction(tenant) as session:
                seen = set(await session.scalars(select(clients.c.tenant_id)))
            assert seen == {tenant}
        async with database.transaction(None) as session:
            assert await session.scalar(select(func.count()).select_from(clients)) == 0
        async with database.every_tenant() as session:
            assert await session.scalar(select(func.count()).select_from(clients)) == 0
    finally:
        await database.close()


async def test_nothing_of_a_tenant_stays_in_a_pooled_connection(make_settings: MakeSettings) -> None:
    settings = await make_settings("booking")
    database = Database(settings.database_url, pool_size=1, name="booking")
    query = text("SELECT current_setting('app.tenant', true), current_setting('app.every_tenant', true)")
    try:
        for _ in range(2):
            for scope in (database.transaction(uuid4()), database.every_tenant()):
                async with scope as session:
                    await session.execute(select(clients.c.id))
                async with database.engine.connect() as connection:
                    assert set((await connection.execute(query)).one()) <= {None, ""}
    finally:
        await database.close()


async def test_writing_for_another_tenant_is_refused_by_the_database(make_settings: MakeSettings) -> None:
    settings = await make_settings("booking")
    database = Database(settings.database_url, pool_size=1, name="booking")
    try:
        with pytest.raises(DBAPIError, match="row-level security"):
            async with database.transaction(uuid4()) as session:
                await add_client(session, uuid4(), Client(uuid4(), "Somebody", NOW))
    finally:
        await database.close()


@pytest.mark.parametrize("service", SERVICES)
async def test_every_table_forces_row_level_security(service: str, make_settings: MakeSettings) -> None:
    settings = await make_settings(service)
    connection = await asyncpg.connect(settings.database_url)
    try:
        tables = await connection.fetch(
            """
            SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity AS forced, c.relowner::regrole::text AS owner,
                   (SELECT count(*) FROM pg_policies p WHERE p.tablename = c.relname
                     AND p.qual IS NOT NULL AND p.with_check IS NOT NULL) AS policies
            FROM pg_class c WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace
              AND c.relname <> 'alembic_version'
            """
        )
        role = await connection.fetchrow("SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = user")
    finally:
        await connection.close()
    assert len(tables) >= 8
    assert role is not None
    assert not role["rolsuper"]
    assert not role["rolbypassrls"]
    for table in tables:
        assert table["forced"], table["relname"]
        assert table["policies"] == 1, table["relname"]
        assert table["owner"] != role["rolname"]


@pytest.mark.parametrize("service", SERVICES)
async def test_the_tenant_is_part_of_every_unique_key(service: str, make_settings: MakeSettings) -> None:
    settings = await make_settings(service)
    connection = await asyncpg.connect(settings.database_url)
    try:
        leaking = await connection.fetch(
            """
            SELECT i.indexrelid::regclass::text AS name
            FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
            WHERE i.indisunique AND c.relnamespace = 'public'::regnamespace AND c.relname <> 'alembic_version'
              AND NOT EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = ANY(i.indkey)
                              AND (a.attname = 'tenant_id' OR a.attidentity = 'a'))
            """
        )
    finally:
        await connection.close()
    assert [row["name"] for row in leaking] == []


@pytest.mark.parametrize("service", SERVICES)
async def test_tables_and_migrations_say_the_same(service: str, make_settings: MakeSettings) -> None:
    settings = await make_settings(service)
    metadata = import_module(f"services.{service}.tables").metadata
    database = Database(settings.database_url, pool_size=1, name=service)

    def differences(connection: Connection) -> list[str]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        found = compare_metadata(context, metadata)
        # Indexes, keys and defaults live in the migrations alone; tables and columns must agree.
        kinds = ("add_table", "remove_table", "add_column", "remove_column", "modify_type", "modify_nullable")
        flat = [item for entry in found for item in (entry if isinstance(entry, list) else [entry])]
        return [str(item) for item in flat if item[0] in kinds and "alembic_version" not in str(item)]

    try:
        async with database.engine.connect() as connection:
            assert await connection.run_sync(differences) == []
    finally:
        await database.close()
