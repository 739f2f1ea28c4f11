"""What every service's Alembic history is made of: tenancy, outbox, inbox, timers, idempotency keys.

Each constant is the definition of one version and is never edited, because old migrations use it; a
change is a new constant that a new migration runs. `python -m services.<service>.migrations` upgrades
as the owner, grants to the serving role, and creates missing topics.
"""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from aiokafka.errors import KafkaError
from alembic import command, context
from alembic.config import Config
from sqlalchemy import Connection, MetaData
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from shared.contracts.envelope import Event
from shared.db import CONNECTION_FAILURES, describe, sqlalchemy_url
from shared.errors import StartupError
from shared.settings import MigrationSettings, load
from shared.topics import ensure_topics

_OWN_TENANT = "tenant_id = nullif(current_setting('app.tenant', true), '')::uuid"
_EVERY_TENANT = "coalesce(current_setting('app.every_tenant', true), 'off') = 'on'"


def tenancy_v1(table: str, *, infrastructure: bool = False) -> str:
    """Row-level security, forced: a transaction sees and writes one tenant's rows, or none.

    Infrastructure tables are also open to transactions that set `app.every_tenant` (relay, timers, gauges).
    """
    rule = f"{_OWN_TENANT} OR {_EVERY_TENANT}" if infrastructure else _OWN_TENANT
    return f"""
        ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
        ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
        CREATE POLICY tenancy ON {table} USING ({rule}) WITH CHECK ({rule});
    """


OUTBOX_V1 = """
    CREATE TABLE outbox (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        tenant_id uuid NOT NULL,
        event_id uuid NOT NULL,
        topic text NOT NULL,
        key text NOT NULL,
        headers bytea NOT NULL,
        payload bytea NOT NULL CHECK (octet_length(payload) <= 262144),
        traceparent text,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        published_at timestamptz
    ) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
    CREATE INDEX outbox_unpublished ON outbox (id) WHERE published_at IS NULL;
    CREATE INDEX outbox_published ON outbox (published_at) WHERE published_at IS NOT NULL;
    """ + tenancy_v1("outbox", infrastructure=True)

INBOX_V1 = """
    CREATE TABLE inbox (
        tenant_id uuid NOT NULL,
        event_id uuid NOT NULL,
        topic text NOT NULL,
        received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (tenant_id, event_id)
    );
    CREATE INDEX inbox_received_at ON inbox (received_at);
    """ + tenancy_v1("inbox", infrastructure=True)

TIMERS_V1 = """
    CREATE TABLE timers (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        tenant_id uuid NOT NULL,
        kind text NOT NULL,
        key uuid NOT NULL,
        due_at timestamptz NOT NULL,
        traceparent text,
        generation integer NOT NULL DEFAULT 0,
        attempts integer NOT NULL DEFAULT 0,
        leased_until timestamptz,
        failed_at timestamptz,
        CONSTRAINT timers_once UNIQUE (tenant_id, kind, key)
    );
    CREATE INDEX timers_due ON timers (due_at) WHERE failed_at IS NULL;
    """ + tenancy_v1("timers", infrastructure=True)

TIMERS_V2 = "ALTER TABLE timers ADD COLUMN failures integer NOT NULL DEFAULT 0"
TIMERS_V2_UNDONE = "ALTER TABLE timers DROP COLUMN failures"

IDEMPOTENCY_V1 = """
    CREATE TABLE idempotency_keys (
        tenant_id uuid NOT NULL,
        principal text NOT NULL,
        route text NOT NULL,
        key text NOT NULL,
        body_hash bytea NOT NULL,
        status integer,
        headers jsonb,
        body bytea,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (tenant_id, principal, route, key)
    );
    CREATE INDEX idempotency_keys_created_at ON idempotency_keys (created_at);
    """ + tenancy_v1("idempotency_keys", infrastructure=True)

INFRASTRUCTURE_V1 = (OUTBOX_V1, INBOX_V1, TIMERS_V1, IDEMPOTENCY_V1)


def of_every_tenant(script: str, *tables: str) -> str:
    """A script that changes rows of these tables, which row-level security would hide from their owner, too."""
    opened = "".join(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY;\n" for table in tables)
    closed = "".join(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY;\n" for table in tables)
    return f"{opened}{script}\n{closed}"


def statements(*scripts: str) -> list[str]:
    """Splits scripts of plain DDL at the semicolons that end a line."""
    return [part.strip() for script in scripts for part in (script + "\n").split(";\n") if part.strip()]


def run_env(metadata: MetaData) -> None:
    """The body of each service's `env.py`."""
    connection: Connection | None = context.config.attributes.get("connection")
    if connection is None:
        raise StartupError("Run migrations by `python -m services.<service>.migrations`.")
    context.configure(connection=connection, target_metadata=metadata, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()


def upgrade(owner_url: str, folder: Path, serving_role: str) -> None:
    """Upgrades to the newest revision and lets the serving role read and write, but own nothing."""

    def run(connection: Connection) -> None:
        config = Config()
        config.set_main_option("script_location", str(folder))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

    async def main() -> None:
        engine = create_async_engine(sqlalchemy_url(owner_url), poolclass=NullPool, connect_args={"timeout": 5})
        async with engine.connect() as connection:
            await connection.run_sync(run)
            await connection.commit()
            quoted = '"' + serving_role.replace('"', '""') + '"'
            for grant in (
                "USAGE ON SCHEMA public",
                "SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public",
                "USAGE ON ALL SEQUENCES IN SCHEMA public",
            ):
                await connection.exec_driver_sql(f"GRANT {grant} TO {quoted}")
            await connection.exec_driver_sql(
                f"REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON alembic_version FROM {quoted}"
            )
            await connection.commit()
        await engine.dispose()

    asyncio.run(main())


def main(
    service: str,
    settings: type[MigrationSettings],
    folder: Path,
    events: Sequence[type[Event]],
    consumed: Sequence[str],
) -> None:
    """The command `python -m services.<service>.migrations`: database, grants, topics; one sentence on failure."""
    try:
        values = load(settings)
        try:
            upgrade(values.owner_database_url, folder, make_url(values.database_url).username or "")
        except CONNECTION_FAILURES as error:
            raise StartupError(
                f"{service} can't migrate: its database at {describe(values.owner_database_url)} says"
                f" {str(error) or type(error).__name__}; check {service.upper()}_OWNER_DATABASE_URL."
            ) from error
        try:
            created = asyncio.run(
                ensure_topics(values.kafka_bootstrap_servers, events, consumed, service, values.topic_replication)
            )
        except (OSError, TimeoutError, KafkaError) as error:
            raise StartupError(
                f"{service} can't create its topics: Kafka at {values.kafka_bootstrap_servers} doesn't answer"
                f" ({type(error).__name__}); check {service.upper()}_KAFKA_BOOTSTRAP_SERVERS."
            ) from error
    except StartupError as error:
        sys.exit(str(error))
    sys.stdout.write(f"{service}: database up to date, {len(created)} topics created\n")
