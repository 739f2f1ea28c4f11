"""Migrations with rows in the tables."""

import json
from uuid import UUID, uuid4

import pytest
from sqlalchemy import TextClause, text
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


@pytest.mark.parametrize("begun", ["0011_pauses", "0012_reconciliations"])
async def test_practices_from_before_are_reconciled_whichever_version_they_come_from(
    postgres: Postgres, begun: str
) -> None:
    _, owner = await postgres.database("notifications")
    engine = create_async_engine(sqlalchemy_url(owner))
    await migrate(engine, MIGRATIONS, begun)
    tenants = [uuid4() for _ in range(3)]
    sender = (
        "INSERT INTO senders (tenant_id, name, phone, sms_from, email_from, alert_email, opens, closes, language)"
        " VALUES (:tenant, 'Maple', '+12025550100', '+12025550111', 'a@example.org', 'b@example.org', '08:00', '21:00',"
        " 'en')"
    )
    for tenant in tenants:
        async with engine.begin() as connection:
            await connection.execute(*_as(tenant))
            await connection.execute(text(sender), {"tenant": tenant})
    following = "0012_reconciliations" if begun == "0011_pauses" else "0013_tasks_of_visits"
    await migrate(engine, MIGRATIONS, following, up=True)
    for tenant in tenants:
        async with engine.begin() as connection:
            await connection.execute(*_as(tenant))
            found = await connection.scalar(text("SELECT count(*) FROM timers WHERE kind = 'reconcile'"))
            assert found == 1, following
    await engine.dispose()


async def test_questions_from_before_there_were_check_ins_are_open_until_their_visits(postgres: Postgres) -> None:
    _, owner = await postgres.database("notifications")
    engine = create_async_engine(sqlalchemy_url(owner))
    await migrate(engine, MIGRATIONS, "0013_tasks_of_visits")
    tenant = uuid4()
    question = (
        "INSERT INTO questions (tenant_id, id, phone, client_id, appointment_id, start, asked_at)"
        " VALUES (:tenant, :id, '+12025550123', :id, :id, now() + interval '2 days', now())"
    )
    async with engine.begin() as connection:
        await connection.execute(*_as(tenant))
        await connection.execute(text(question), {"tenant": tenant, "id": uuid4()})
    await migrate(engine, MIGRATIONS, "head")
    async with engine.begin() as connection:
        await connection.execute(*_as(tenant))
        row = (await connection.execute(text("SELECT kind, open_until = start FROM questions"))).one()
        assert tuple(row) == ("visit", True)
    await engine.dispose()


def _as(tenant: UUID) -> tuple[TextClause, dict[str, str]]:
    return text("SELECT set_config('app.tenant', :tenant, true)"), {"tenant": str(tenant)}
