"""The practice books against its own rules, with a reason; never against what is occupied."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text

from tests.booking.conftest import ManualClock
from tests.support.build import NOW
from tests.support.practice import Practice, count

pytestmark = pytest.mark.servers

SUNDAY = datetime.fromisoformat("2026-03-08T03:07:00+00:00")
WHY = "in crisis, agreed by phone"


async def anyway(practice: Practice, client: str, role: str = "staff", **changes: Any) -> httpx.Response:
    body = {
        "schedule_id": str(practice.rules.schedule_id),
        "start": SUNDAY.isoformat(),
        "client_id": client,
        "reason": WHY,
        **changes,
    }
    return await practice.http.post("/v1/appointments/override", json=body, headers=practice.headers(role))


async def test_a_time_that_is_not_offered_is_booked_with_its_reason_on_record(practice: Practice) -> None:
    client = await practice.client()
    answer = await anyway(practice, client)
    visit = answer.json()
    assert (answer.status_code, visit["status"], visit["start"]) == (201, "booked", "2026-03-08T03:07:00Z")
    path = f"/v1/appointments/{visit['id']}/history"
    [entry] = (await practice.http.get(path, headers=practice.headers())).json()["items"]
    assert (entry["note"], entry["party"]) == (WHY, "practice")
    theirs = practice.headers("client", client_id=client)
    [entry] = (await practice.http.get(path, headers=theirs)).json()["items"]
    assert entry["note"] is None
    async with practice.resources.database.transaction(practice.tenant) as session:
        payloads = list(await session.scalars(text("SELECT payload FROM outbox")))
    assert not any(b"crisis" in bytes(payload) for payload in payloads), "free text never enters an event"


async def test_a_days_limit_a_notice_and_a_horizon_are_overridden(practice: Practice) -> None:
    narrow = {"sequence": 2, "most_per_day": 1, "minimum_notice": timedelta(days=1), "horizon": timedelta(days=3)}
    await practice.publish(practice.rules.model_copy(update=narrow))
    for start in (NOW + timedelta(hours=1), NOW + timedelta(hours=3), NOW + timedelta(days=30)):
        assert (await anyway(practice, await practice.client(), start=start.isoformat())).status_code == 201


async def test_what_is_occupied_stays_occupied(practice: Practice) -> None:
    first, second = await practice.client(), await practice.client()
    room = uuid4()
    await practice.publish(practice.rules.model_copy(update={"sequence": 2, "room_ids": (room,)}))
    assert (await anyway(practice, first)).status_code == 201
    taken = await anyway(practice, second, start=(SUNDAY + timedelta(minutes=59)).isoformat())
    assert (taken.status_code, taken.json()["code"]) == (409, "slot_taken")
    assert len(taken.json()["alternatives"]) == 3
    colleague = practice.rules.model_copy(update={"schedule_id": uuid4(), "provider_id": uuid4(), "room_ids": (room,)})
    await practice.publish(colleague)
    elsewhere = {"schedule_id": str(colleague.schedule_id)}
    assert (await anyway(practice, second, **elsewhere)).json()["rule"] == "room"
    await practice.publish(colleague.model_copy(update={"sequence": 2, "room_ids": ()}))
    assert (await anyway(practice, first, **elsewhere)).json()["rule"] == "client"
    assert (await anyway(practice, second, **elsewhere)).status_code == 201


async def test_a_full_group_stays_full(practice: Practice) -> None:
    await practice.publish(practice.rules.model_copy(update={"sequence": 2, "capacity": 2}))
    answers = [await anyway(practice, await practice.client()) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201, 201, 409]
    assert answers[2].json()["rule"] == "full"


@pytest.mark.parametrize(
    ("changes", "status", "field"),
    [
        ({"reason": ""}, 422, "reason"),
        ({"reason": "  "}, 422, "reason"),
        ({"reason": None}, 422, "reason"),
        ({"start": "2026-03-08T03:07:00"}, 422, "start"),
        ({"start": "2026-03-08T03:07:00.5Z"}, 422, "start"),
        ({"start": "9999-12-31T23:59:59Z"}, 422, "start"),
        ({"start": "2026-03-02T14:00:00Z"}, 410, "slot"),
        ({"client_id": str(uuid4())}, 404, "client_id"),
    ],
)
async def test_what_makes_no_sense_is_refused_by_its_field(
    changes: dict[str, Any], status: int, field: str, practice: Practice
) -> None:
    refused = await anyway(practice, await practice.client(), **changes)
    assert (refused.status_code, refused.json()["field"]) == (status, field)
    assert await count(practice, "appointments") == 0


async def test_only_the_practices_people_override(practice: Practice, clock: ManualClock) -> None:
    client = await practice.client()
    for role, claims in (("client", {"client_id": client}), ("app", {}), ("provider", {"provider_id": uuid4()})):
        body = {"schedule_id": str(uuid4()), "start": clock.now.isoformat(), "client_id": client, "reason": WHY}
        headers = practice.headers(role, **claims)
        refused = await practice.http.post("/v1/appointments/override", json=body, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (403, "role_not_allowed")
    unknown = await anyway(practice, client, schedule_id=str(uuid4()))
    assert (unknown.status_code, unknown.json()["code"]) == (409, "slot_gone")
