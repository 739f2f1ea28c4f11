"""A visit and its provider's time off that are entered in the same moment: one of them sees the other."""

import asyncio
from datetime import datetime
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.availability.use_cases import hours, projection
from shared.contracts.booking import AppointmentState
from tests.availability.conftest import Practice
from tests.support.build import NOW, appointment_event
from tests.support.streams import eventually

pytestmark = pytest.mark.servers

START = datetime.fromisoformat("2026-03-03T15:00:00+00:00")


async def is_booked(session: AsyncSession, practice: Practice, visit: AppointmentState) -> None:
    await projection.follow_visit(session, tenant=practice.tenant, state=visit, now=NOW)


async def is_away(session: AsyncSession, practice: Practice, visit: AppointmentState) -> None:
    await hours.add_time_off(
        session,
        tenant=practice.tenant,
        provider_id=visit.provider_id,
        begins_at=visit.start,
        ends_at=visit.end,
        now=NOW,
    )


@pytest.mark.parametrize("order", ["visit first", "time off first"])
async def test_whichever_comes_first_booking_is_told_that_they_meet(order: str, practice: Practice) -> None:
    await practice.publish()
    visit = appointment_event(start=START, provider_id=UUID(practice.ids["provider_id"]))
    first, second = (is_booked, is_away) if order == "visit first" else (is_away, is_booked)

    async def meanwhile() -> None:
        async with practice.database.transaction(practice.tenant) as session:
            await second(session, practice, visit)

    async def waits() -> bool:
        query = text(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        async with practice.database.transaction(practice.tenant) as session:
            return bool(await session.scalar(query))

    async with practice.database.transaction(practice.tenant) as session:
        await first(session, practice, visit)
        other = asyncio.create_task(meanwhile())
        await eventually(waits, 5)
    await other
    [(_, told)] = await practice.outbox("provider.unavailable")
    assert [item["begin"] for item in told["blocked"]] == [f"{START:%Y-%m-%dT%H:%M:%SZ}"]


async def test_it_is_told_once_and_not_of_a_visit_that_has_begun(practice: Practice) -> None:
    await practice.publish()
    visit = appointment_event(start=START, provider_id=UUID(practice.ids["provider_id"]))
    began = appointment_event(start=NOW, provider_id=UUID(practice.ids["provider_id"]))
    async with practice.database.transaction(practice.tenant) as session:
        await is_away(session, practice, visit)
        await is_away(session, practice, began.model_copy(update={"start": NOW, "end": began.end}))
    await practice.follow(began)
    assert await practice.outbox("provider.unavailable") == []
    await practice.follow(visit, visit.model_copy(update={"sequence": 2}), visit.model_copy(update={"sequence": 3}))
    assert len(await practice.outbox("provider.unavailable")) == 1
