"""Texts from clients: STOP at once, HELP always, danger to a person."""

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from shared.contracts.booking import AppointmentBooked
from tests.notifications.conftest import SOON, Practice, text_in
from tests.notifications.integration.test_outreach import ONE_STEP, missed
from tests.support.build import appointment_event

pytestmark = pytest.mark.servers


async def booked(practice: Practice) -> Any:
    now = await practice.now()
    plan = {"steps": [{"anchor": "booking", "offset": "PT0S", "channels": ["sms", "email"]}]}
    await practice.call("POST", "/v1/reminder-plans", 201, json=plan)
    return appointment_event(
        AppointmentBooked, client_id=practice.client, start=now + SOON, booked_at=now, changed_at=now
    )


async def test_stop_takes_effect_before_it_is_answered_and_is_confirmed_once(practice: Practice) -> None:
    await practice.open("sms", "email")
    await practice.follow(await missed(practice))
    assert await text_in(practice, "Stop") == 200
    assert await text_in(practice, "STOP") == 200
    await practice.fire_due()
    [confirmation] = practice.outside.texts(practice.phone)
    assert "no more texts" in confirmation
    [one] = await practice.outreach()
    assert (one["status"], one["end_reason"]) == ("ended", "opted_out")
    await practice.follow(await booked(practice))
    await practice.fire_due()
    assert len(practice.outside.texts(practice.phone)) == 1
    assert ("reminder", "sms", "channel_closed", "opted_out") in await practice.decisions()
    consents = await practice.call("GET", f"/v1/clients/{practice.client}/consents")
    assert (consents["items"][0]["granted"], consents["items"][0]["source"]) == (False, "sms")


async def test_start_restores_texts(practice: Practice) -> None:
    await practice.open("sms", "email")
    await text_in(practice, "QUIT")
    await text_in(practice, "start")
    await practice.follow(await booked(practice))
    await practice.fire_due()
    assert sum("see you" in one for one in practice.outside.texts(practice.phone)) == 1


async def test_help_is_answered_even_when_opted_out(practice: Practice) -> None:
    await practice.open("sms")
    await text_in(practice, "STOP")
    await text_in(practice, "HELP")
    await practice.fire_due()
    [answer] = [one for one in practice.outside.texts(practice.phone) if "988" in one]
    for part in ("Maple", "+12025550100", "STOP", "988", "911"):
        assert part in answer


async def test_words_of_danger_reach_a_person_and_stop_the_automation(practice: Practice) -> None:
    await practice.open("sms", "email")
    await practice.call("POST", "/v1/outreach-flows", 201, json=ONE_STEP)
    await practice.follow(await missed(practice))
    assert await text_in(practice, "I want to end it") == 200
    await practice.fire_due()
    [answer] = practice.outside.texts(practice.phone)
    assert "988" in answer
    assert "not monitored" in answer
    tasks = await practice.call("GET", "/v1/tasks")
    assert [one["kind"] for one in tasks["items"]] == ["safety"]
    [alert] = practice.outside.mails(f"desk-{practice.tenant}@maple.example")
    assert "end it" not in alert
    assert (await practice.outreach())[0]["end_reason"] == "safety"
    await practice.follow(await booked(practice))
    await practice.fire_due()
    assert len(practice.outside.texts(practice.phone)) == 1
    assert ("reminder", None, "not_sent", "paused_for_safety") in await practice.decisions()


async def test_the_same_text_twice_is_one(practice: Practice) -> None:
    await practice.open("sms")
    sid = f"SM{uuid4().hex}"
    await text_in(practice, "call me please", sid)
    await text_in(practice, "call me please", sid)
    tasks = await practice.call("GET", "/v1/tasks")
    assert [one["kind"] for one in tasks["items"]] == ["read_reply"]


async def test_stop_from_a_number_that_nobody_has_is_kept_too(practice: Practice) -> None:
    await practice.open("sms")
    assert await text_in(practice, "STOP", sender="+12025557777") == 200
    async with practice.resources.database.transaction(practice.tenant) as session:
        assert list(await session.scalars(text("SELECT phone FROM suppressions"))) == ["+12025557777"]


async def test_a_text_without_the_carriers_signature_is_refused(practice: Practice) -> None:
    form = {"MessageSid": "SM1", "From": practice.phone, "Body": "STOP"}
    refused = await practice.http.post(f"/v1/inbound/sms/{practice.tenant}", data=form)
    assert (refused.status_code, refused.json()["code"]) == (403, "signature_invalid")


async def test_the_words_of_a_text_stay_in_the_house(practice: Practice) -> None:
    await practice.open("sms")
    await text_in(practice, "my secret words")
    async with practice.resources.database.transaction(practice.tenant) as session:
        payloads = [bytes(one) for one in await session.scalars(text("SELECT payload FROM outbox"))]
    assert payloads
    assert all(b"secret" not in one and practice.phone.encode() not in one for one in payloads)


BAD = [
    ("PUT", "/v1/sender", {"name": "x" * 21}, "name"),
    ("PUT", "/v1/sender", {"name": "   "}, "name"),
    ("POST", "/v1/clients/{client}/consents", {"source": "  "}, "source"),
    ("PUT", "/v1/sender", {"opens": "07:00"}, ""),
    ("PUT", "/v1/sender", {"phone": "call us"}, "phone"),
    ("PUT", "/v1/clients/{client}/contact", {"zone": "Mars/Olympus"}, "zone"),
    ("PUT", "/v1/clients/{client}/contact", {"email": "sam"}, "email"),
    ("POST", "/v1/clients/{client}/consents", {"channel": "fax"}, "channel"),
    ("POST", "/v1/reminder-plans", {"steps": [{"offset": "P1D", "channels": []}]}, "steps.0.channels"),
    ("POST", "/v1/reminder-plans", {"steps": [{"offset": "soon", "channels": ["sms"]}]}, "steps.0.offset"),
    ("POST", "/v1/outreach-flows", {"steps": [{"after": "P9D", "task": "call"}], "gives_up_after": "P1D"}, ""),
]


@pytest.mark.parametrize(("method", "path", "change", "field"), BAD)
async def test_bad_input_names_the_field(
    method: str, path: str, change: dict[str, Any], field: str, practice: Practice
) -> None:
    sender = {
        "name": "Maple",
        "phone": "+12025550100",
        "sms_from": "+12025550111",
        "email_from": "hello@maple.example",
        "alert_email": "desk@maple.example",
    }
    consent = {"channel": "sms", "granted": True, "wording_version": "1", "source": "form"}
    base = sender if "sender" in path else consent if "consents" in path else {}
    path = path.format(client=practice.client)
    refused = await practice.http.request(method, path, json={**base, **change}, headers=practice.headers())
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")
    assert refused.json()["field"].startswith(field)
