"""A visit and its provider's time off that are entered in the same moment: one of them sees the other."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.availability.use_cases import hours, projection
from shared.contracts.booking import AppointmentRescheduled, AppointmentState
from tests.availability.conftest import WEEK, Practice
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


@pytest.mark.parametrize("where", ["another provider", "another time off"])
async def test_a_visit_that_moves_into_time_off_is_told_even_where_it_stood_in_time_off_before(
    practice: Practice, where: str
) -> None:
    """Its old place may have met one too, and been told: the new one was not."""
    schedule = await practice.publish()
    other = (await practice.call("POST", "/v1/providers", 201, json={"name": "B", "zone": "America/New_York"}))["id"]
    own = practice.ids["provider_id"]
    at = START if where == "another provider" else START + timedelta(days=2)
    goes_to = other if where == "another provider" else own
    ids: dict[str, Any] = {"provider_id": UUID(own), "schedule_id": UUID(schedule["id"])}
    visit = appointment_event(start=START, **ids)
    await practice.follow(visit)
    async with practice.database.transaction(practice.tenant) as session:
        await is_away(session, practice, visit)
        there = visit.model_copy(update={"provider_id": UUID(goes_to), "start": at, "end": at + timedelta(minutes=50)})
        await is_away(session, practice, there)
    told = len(await practice.outbox("provider.unavailable"))
    moved = appointment_event(
        AppointmentRescheduled,
        start=at,
        sequence=2,
        appointment_id=visit.appointment_id,
        **{**ids, "provider_id": UUID(goes_to)},
    )
    await practice.follow(moved, moved)
    news = await practice.outbox("provider.unavailable")
    assert [event["provider_id"] for _, event in news[told:]] == [goes_to]


async def test_time_that_opens_for_several_schedules_of_a_provider_is_told_once(practice: Practice) -> None:
    await practice.call(
        "PUT",
        f"/v1/providers/{practice.ids['provider_id']}/hours",
        json={"windows": WEEK},
        headers={"if-match": '"1"'},
    )
    for modality in ("telehealth", "in_person", "telehealth"):
        place = {"name": "Site", "zone": "America/New_York", "modality": modality}
        location = (await practice.call("POST", "/v1/locations", 201, json=place))["id"]
        await practice.call("POST", "/v1/schedules", 201, json={**practice.ids, "location_id": location})
    path = f"/v1/providers/{practice.ids['provider_id']}/time-off"
    off = await practice.call(
        "POST", path, 201, json={"begins_at": "2026-03-04T05:00:00Z", "ends_at": "2026-03-05T05:00:00Z"}
    )
    before = len(await practice.outbox("availability.opened"))
    await practice.call("DELETE", f"{path}/{off['id']}", 204)
    [(_, opened)] = (await practice.outbox("availability.opened"))[before:]
    assert [(item["begin"], item["end"]) for item in opened["opened"]] == [
        ("2026-03-04T14:00:00Z", "2026-03-04T21:50:00Z")
    ]
