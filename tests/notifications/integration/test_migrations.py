"""Migrations with rows in the tables."""

import json
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from services.notifications.domain.outreach import OutreachFlow
from services.notifications.resources import MIGRATIONS
from shared.db import sqlalchemy_url
from tests.support.migrating import migrate
from tests.support.servers import Postgres

pytestmark = pytest.mark.servers

OLD = {
    "steps": [
        {"after": "PT0S", "message": "missed_you", "channels": ["sms"], "unless_barrier_known": False},
        {
            "after": "P1D",
            "message": "barrier_question",
            "channels": ["sms"],
            "task": None,
            "unless_barrier_known": True,
        },
    ],
    "on_barrier": {},
    "gives_up_after": "P14D",
    "holdout_percent": 0,
}


async def test_flows_and_tasks_from_before_are_read_as_they_were_meant(postgres: Postgres) -> None:
    _, owner = await postgres.database("notifications")
    engine = create_async_engine(sqlalchemy_url(owner))

    tenant = uuid4()
    as_tenant = text("SELECT set_config('app.tenant', :tenant, true)"), {"tenant": str(tenant)}
    await migrate(engine, MIGRATIONS, "0004_invitations")
    async with engine.begin() as connection:
        await connection.execute(*as_tenant)
        flow = "INSERT INTO outreach_flows (tenant_id, version, flow, created_at) VALUES (:tenant, 1, :flow, now())"
        await connection.execute(text(flow), {"tenant": tenant, "flow": json.dumps(OLD)})
        task = "INSERT INTO tasks (tenant_id, id, client_id, kind, opened_at) VALUES (:tenant, :id, :id, 'call', now())"
        await connection.execute(text(task), {"tenant": tenant, "id": uuid4()})
    await migrate(engine, MIGRATIONS, "head")
    async with engine.begin() as connection:
        await connection.execute(*as_tenant)
        found = OutreachFlow.model_validate(await connection.scalar(text("SELECT flow FROM outreach_flows")))
        assert [step.when.barriers for step in found.steps] == [(), ("unknown",)]
        row = (await connection.execute(text("SELECT status, version, due_at > opened_at FROM tasks"))).one()
        assert tuple(row) == ("open", 1, True)
        owned = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relrowsecurity AND NOT relforcerowsecurity"
        assert (await connection.execute(text(owned))).all() == []
    await engine.dispose()
