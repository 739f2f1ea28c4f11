"""What has served its time is forgotten, and nothing else."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text

from shared import sweep
from shared.db import Database
from tests.conftest import MakeSettings

pytestmark = pytest.mark.servers

_ADD = {
    "outbox": "INSERT INTO outbox (tenant_id, event_id, topic, key, headers, payload, created_at, published_at)"
    " VALUES (:tenant, :id, 'thing.t', :name, '', '', now() - :age, {published})",
    "inbox": "INSERT INTO inbox (tenant_id, event_id, topic, received_at) VALUES (:tenant, :id, :name, now() - :age)",
    "idempotency_keys": "INSERT INTO idempotency_keys (tenant_id, principal, route, key, body_hash, created_at)"
    " VALUES (:tenant, 'p', 'r', :name, '', now() - :age)",
}
_NAME = {"outbox": "key", "inbox": "topic", "idempotency_keys": "key"}


@pytest.mark.parametrize("service", ["availability", "booking", "notifications", "feedback"])
async def test_old_rows_go_and_young_and_unpublished_ones_stay(service: str, make_settings: MakeSettings) -> None:
    settings = await make_settings(service)
    database, tenant = Database(settings.database_url, pool_size=1, name=service), uuid4()
    rows = [
        ("outbox", "old", timedelta(days=2), "now() - CAST(:age AS interval)"),
        ("outbox", "young", timedelta(hours=1), "now() - CAST(:age AS interval)"),
        ("outbox", "waiting", timedelta(days=9), "NULL"),
        ("inbox", "old", timedelta(days=31), ""),
        ("inbox", "young", timedelta(days=29), ""),
        ("idempotency_keys", "old", timedelta(days=2), ""),
        ("idempotency_keys", "young", timedelta(hours=1), ""),
    ]
    async with database.transaction(tenant) as session:
        for table, name, age, published in rows:
            statement = _ADD[table].format(published=published).replace("- :age", "- CAST(:age AS interval)")
            await session.execute(text(statement), {"tenant": tenant, "id": uuid4(), "name": name, "age": age})
    await sweep.once(database)
    async with database.transaction(tenant) as session:
        for table, kept in (("outbox", {"young", "waiting"}), ("inbox", {"young"}), ("idempotency_keys", {"young"})):
            found = await session.scalars(text(f"SELECT {_NAME[table]} FROM {table}"))
            assert set(found) == kept, table
    await database.close()
