"""Statements that go straight to the driver behave as the session's own do, against real PostgreSQL."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from sqlalchemy import Integer, Uuid, bindparam, func, insert, select
from sqlalchemy.exc import DBAPIError

from services.booking.tables import clients
from shared.db import UNIQUE_VIOLATION, Database, constraint, is_outage, is_unstorable, sqlstate
from shared.direct import Direct
from shared.rows import bound, named
from tests.conftest import MakeSettings
from tests.support.build import NOW

pytestmark = pytest.mark.servers

ADD = Direct(insert(clients).values(bound("its", clients.c)))
COUNT = Direct(select(func.count()).select_from(clients).where(clients.c.id == bindparam("id", type_=Uuid)))
SLEEP = Direct(select(func.pg_sleep(bindparam("seconds", type_=Integer))))


@pytest.fixture
async def database(make_settings: MakeSettings) -> AsyncIterator[Database]:
    settings = await make_settings("booking")
    one = Database(settings.database_url, pool_size=2, name="booking", plans_once=True)
    yield one
    await one.close()


def row(**changes: object) -> dict[str, object]:
    values = {"tenant_id": uuid4(), "id": uuid4(), "name": "Sam", "registered_at": NOW, "sequence": 1}
    return named("its", {**values, "discharged_at": None, **changes})


async def test_it_runs_in_the_sessions_transaction_and_sees_its_tenant_alone(database: Database) -> None:
    one = row()
    tenant, other = one["its_tenant_id"], uuid4()
    with pytest.raises(RuntimeError):
        async with database.transaction(tenant) as session:  # type: ignore[arg-type] # it is a UUID
            await ADD.rows(session, one)
            assert await COUNT.scalar(session, {"id": one["its_id"]}) == 1
            raise RuntimeError
    async with database.transaction(tenant) as session:  # type: ignore[arg-type] # as above
        assert await COUNT.scalar(session, {"id": one["its_id"]}) == 0, "it was rolled back"
        await ADD.rows(session, one)
    async with database.transaction(other) as session:
        assert await COUNT.scalar(session, {"id": one["its_id"]}) == 0
    with pytest.raises(DBAPIError) as refused:
        async with database.transaction(other) as session:
            await ADD.rows(session, row(tenant_id=tenant))
    assert sqlstate(refused.value) == "42501", "row-level security"


async def test_it_goes_on_after_a_savepoint_whether_that_was_kept_or_not(database: Database) -> None:
    one = row()
    tenant = one["its_tenant_id"]
    async with database.transaction(tenant) as session:  # type: ignore[arg-type] # it is a UUID
        with pytest.raises(RuntimeError):
            async with session.begin_nested():
                await ADD.rows(session, one)
                raise RuntimeError
        assert await COUNT.scalar(session, {"id": one["its_id"]}) == 0
        async with session.begin_nested():
            await ADD.rows(session, one)
        assert await COUNT.scalar(session, {"id": one["its_id"]}) == 1


async def test_its_errors_are_those_of_the_session(database: Database) -> None:
    one = row()
    tenant = one["its_tenant_id"]
    with pytest.raises(DBAPIError) as twice:
        async with database.transaction(tenant) as session:  # type: ignore[arg-type] # it is a UUID
            await ADD.rows(session, one)
            await ADD.rows(session, one)
    assert (sqlstate(twice.value), constraint(twice.value)) == (UNIQUE_VIOLATION, "clients_pkey")
    assert not is_outage(twice.value)
    with pytest.raises(DBAPIError) as odd:
        async with database.transaction(tenant) as session:  # type: ignore[arg-type] # as above
            await ADD.rows(session, row(tenant_id=tenant, sequence=1 << 40))
    assert is_unstorable(odd.value)
    with pytest.raises(KeyError):
        async with database.transaction(tenant) as session:  # type: ignore[arg-type] # as above
            await COUNT.rows(session)


async def test_a_lost_connection_is_an_outage_and_the_next_transaction_has_another(database: Database) -> None:
    with pytest.raises(DBAPIError) as lost:
        async with database.transaction(uuid4()) as session:
            await SLEEP.rows(session, {"seconds": 0})
            session.info["driver"].terminate()
            await SLEEP.rows(session, {"seconds": 0})
    assert is_outage(lost.value)
    async with database.transaction(uuid4()) as session:
        await SLEEP.rows(session, {"seconds": 0})
