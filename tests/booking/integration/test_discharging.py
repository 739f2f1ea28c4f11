"""The end of a client's care, and its beginning anew."""

import json
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from tests.support.practice import Practice

pytestmark = pytest.mark.servers


async def post(practice: Practice, client: str, move: str, expect: int = 200, role: str = "staff", **body: Any) -> Any:
    path = f"/v1/clients/{client}/{move}"
    answer: httpx.Response = await practice.http.post(path, json=body, headers=practice.headers(role))
    assert answer.status_code == expect, answer.text
    return answer.json()


async def told(practice: Practice) -> list[tuple[str, int]]:
    query = text("SELECT topic, payload FROM outbox WHERE topic NOT LIKE 'slot%' ORDER BY id")
    async with practice.resources.database.transaction(practice.tenant) as session:
        return [(row.topic, json.loads(row.payload)["sequence"]) for row in await session.execute(query)]


async def test_nothing_can_be_booked_for_who_was_discharged_until_they_are_in_care_again(practice: Practice) -> None:
    start, other = practice.starts(2)
    client = await practice.client()
    visit = (await practice.book(other, client)).json()
    await practice.act(visit, "cancel", {})
    discharged = await post(practice, client, "discharge")
    assert discharged["discharged_at"] is not None
    assert await post(practice, client, "discharge") == discharged, "a second time changes nothing"
    refused = await practice.book(start, client)
    assert (refused.status_code, refused.json()["code"]) == (409, "client_discharged")
    assert refused.json()["field"] == "client_id"
    slot = {"slot": practice.slot(start), "client_id": client}
    assert (await practice.http.post("/v1/holds", json=slot, headers=practice.headers())).status_code == 409
    anyway = {
        "schedule_id": str(practice.rules.schedule_id),
        "start": start.isoformat(),
        "client_id": client,
        "reason": "asked for it",
    }
    override = await practice.http.post("/v1/appointments/override", json=anyway, headers=practice.headers())
    assert override.json()["code"] == "client_discharged"
    wish = {
        "client_id": client,
        "appointment_type_id": str(practice.rules.appointment_type_id),
        "zone": "America/New_York",
    }
    assert (await practice.http.post("/v1/waitlist", json=wish, headers=practice.headers())).status_code == 409
    again = await post(practice, client, "readmit")
    assert again["discharged_at"] is None
    assert await post(practice, client, "readmit") == again
    assert (await practice.book(start, client)).status_code == 201
    assert [item for item in await told(practice) if item[0].startswith("client")] == [
        ("client.registered", 1),
        ("client.discharged", 2),
        ("client.registered", 3),
    ]


async def test_visits_to_come_stand_in_the_way_unless_they_are_called_off_with_it(practice: Practice) -> None:
    first, second = practice.starts(2)
    client = await practice.client()
    visits = [(await practice.book(start, client)).json() for start in (first, second)]
    refused = await post(practice, client, "discharge", 409)
    assert (refused["code"], refused["visits"]) == ("visits_to_come", 2)
    await post(practice, client, "discharge", cancel_visits=True)
    for visit in visits:
        found = await practice.http.get(f"/v1/appointments/{visit['id']}", headers=practice.headers())
        assert found.json()["status"] == "cancelled"
    assert [topic for topic, _ in await told(practice)][-3:] == [
        "appointment.cancelled",
        "appointment.cancelled",
        "client.discharged",
    ]


async def test_who_is_discharged_waits_no_more(practice: Practice) -> None:
    client = await practice.client()
    wish = {
        "client_id": client,
        "appointment_type_id": str(practice.rules.appointment_type_id),
        "zone": "America/New_York",
    }
    entry = (await practice.http.post("/v1/waitlist", json=wish, headers=practice.headers())).json()
    await post(practice, client, "discharge")
    found = await practice.http.get(f"/v1/waitlist/{entry['id']}", headers=practice.headers())
    assert found.json()["status"] == "left"


async def test_a_client_is_discharged_by_the_practice_alone_and_nobody_unknown(practice: Practice) -> None:
    client = await practice.client()
    path = f"/v1/clients/{client}/discharge"
    refused = await practice.http.post(path, json={}, headers=practice.headers("client", client_id=client))
    assert (refused.status_code, refused.json()["code"]) == (403, "role_not_allowed")
    unknown = await post(practice, str(practice.tenant), "discharge", 404)
    assert unknown["code"] == "client_not_found"
