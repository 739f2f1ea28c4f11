"""Texts from clients: STOP at once, HELP always, danger to a person."""

import asyncio
import json
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from services.notifications.use_cases.inbound import receive_text
from shared.contracts.booking import AppointmentBooked, AppointmentRescheduled
from tests.notifications.conftest import SOON, Practice, text_in
from tests.notifications.misses import ONE_STEP, missed
from tests.notifications.vendors import on_its_way, waits_for_a_lock
from tests.support.build import appointment_event
from tests.support.streams import eventually

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
    assert (await practice.outreach())[0]["status"] == "running"
    await practice.follow(await booked(practice))
    await practice.fire_due()
    assert len(practice.outside.texts(practice.phone)) == 1
    assert ("reminder", None, "not_sent", "paused_for_safety") in await practice.decisions()


ASKED = {"steps": [{"purpose": "confirm_request", "anchor": "booking", "offset": "PT0S", "channels": ["sms", "email"]}]}


async def asked(practice: Practice) -> Any:
    """A visit about which the client has been asked by text."""
    now = await practice.now()
    await practice.call("POST", "/v1/reminder-plans", 201, json=ASKED)
    visit = appointment_event(
        AppointmentBooked, client_id=practice.client, start=now + SOON, booked_at=now, changed_at=now
    )
    await practice.follow(visit)
    await practice.fire_due()
    return visit


async def answers(practice: Practice) -> list[tuple[str, str]]:
    async with practice.resources.database.transaction(practice.tenant) as session:
        query = "SELECT payload FROM outbox WHERE topic = 'question.answered' ORDER BY id"
        told = [json.loads(one) for one in await session.scalars(text(query))]
    return [(one["appointment_id"], one["answer"]) for one in told]


@pytest.mark.parametrize(
    ("digit", "said", "thanks"),
    [("1", "confirm", "thank you, see you"), ("2", "move", "choose another time: http"), ("3", "cancel", "taken off")],
)
async def test_a_digit_answers_what_was_asked_and_the_client_is_thanked(
    digit: str, said: str, thanks: str, practice: Practice
) -> None:
    await practice.open("sms", "email")
    visit = await asked(practice)
    await text_in(practice, digit)
    assert await answers(practice) == [(str(visit.appointment_id), said)]
    await practice.fire_due()
    assert thanks in practice.outside.texts(practice.phone)[-1]
    assert await practice.tasks() == []
    await text_in(practice, digit)
    assert len(await answers(practice)) == 1, "it is answered"
    assert [one["kind"] for one in await practice.tasks()] == ["read_reply"]


@pytest.mark.parametrize("digit", ["1", "3"])
async def test_of_somebody_whom_a_person_looks_after_a_person_reads_the_answer(digit: str, practice: Practice) -> None:
    await practice.open("sms", "email")
    await asked(practice)
    await text_in(practice, "I want to die")
    await text_in(practice, digit)
    assert await answers(practice) == [], "nothing is called off by itself now"
    assert [one["kind"] for one in await practice.tasks()] == ["safety", "read_reply"]


async def test_an_answer_that_is_faster_than_the_record_of_its_question_waits_for_it(practice: Practice) -> None:
    await practice.open("sms", "email")
    now = await practice.now()
    await practice.call("POST", "/v1/reminder-plans", 201, json=ASKED)
    visit = appointment_event(
        AppointmentBooked, client_id=practice.client, start=now + SOON, booked_at=now, changed_at=now
    )
    await practice.follow(visit)
    async with on_its_way(practice) as carrier:
        answering = asyncio.create_task(text_in(practice, "1"))
        await eventually(lambda: waits_for_a_lock(practice), 5)
        carrier.go_on.set()
        assert await answering == 200
    assert await answers(practice) == [(str(visit.appointment_id), "confirm")]


async def test_the_newest_open_question_is_the_one_that_is_answered(practice: Practice) -> None:
    await practice.open("sms", "email")
    first, second = await asked(practice), await asked(practice)
    await text_in(practice, "1")
    await text_in(practice, "1.")
    assert await answers(practice) == [(str(one.appointment_id), "confirm") for one in (second, first)]


@pytest.mark.parametrize(("said", "then"), [("1", "3"), ("1", "2"), ("3", "1"), ("3", "3")])
async def test_what_may_correct_an_answer_does_nothing_to_another_visit(
    said: str, then: str, practice: Practice
) -> None:
    await practice.open("sms", "email")
    first, second = await asked(practice), await asked(practice)
    await text_in(practice, said)
    await text_in(practice, then)
    assert [visit for visit, _ in await answers(practice)] == [str(second.appointment_id)]
    assert [one["kind"] for one in await practice.tasks()] == ["read_reply"], "a person asks which one is meant"
    async with practice.resources.database.transaction(practice.tenant) as session:
        hours = "UPDATE questions SET answered_at = answered_at - interval '61 minutes'"
        await session.execute(text(hours))
    await text_in(practice, then)
    assert [visit for visit, _ in await answers(practice)][1:] == [str(first.appointment_id)]


async def test_what_is_another_visit_by_now_is_no_question_any_more(practice: Practice) -> None:
    await practice.open("sms", "email")
    visit = await asked(practice)
    moved = AppointmentRescheduled.model_validate(
        visit.model_dump() | {"sequence": 2, "start": visit.start + timedelta(days=1)}
    )
    await practice.follow(moved)
    await text_in(practice, "3")
    assert await answers(practice) == []
    assert [one["kind"] for one in await practice.tasks()] == ["read_reply"], "a person reads it"


async def test_what_was_asked_of_a_visit_that_has_begun_is_no_question_any_more(practice: Practice) -> None:
    await practice.open("sms")
    visit = await asked(practice)
    said: dict[str, Any] = {"phone": practice.phone, "body": "1", "now": visit.start}
    async with practice.resources.database.transaction(practice.tenant) as session:
        await receive_text(session, tenant=practice.tenant, carrier_id=f"SM{uuid4().hex}", **said)
    assert await answers(practice) == []
    assert [task["kind"] for task in await practice.tasks()] == ["read_reply"]


async def test_who_was_texted_last_is_who_writes_where_several_share_a_number(practice: Practice) -> None:
    clients = [str(practice.client), str(uuid4())]
    for client in clients:
        practice.client = UUID(client)
        await practice.open("sms")
    for client in clients:
        practice.client = UUID(client)
        await practice.follow(await booked(practice))
        await practice.fire_due()
        await text_in(practice, "Where do I park?")
    assert [task["client_id"] for task in await practice.tasks()] == clients


async def test_a_number_that_is_another_clients_now_answers_for_nobody_else(practice: Practice) -> None:
    await practice.open("sms", "email")
    await asked(practice)
    before, phone = practice.client, practice.phone
    practice.phone = "+12025550188"
    await practice.open("sms")
    practice.client, practice.phone = uuid4(), phone
    await practice.open("sms")
    await text_in(practice, "1")
    assert await answers(practice) == []
    [task] = await practice.tasks()
    assert task["client_id"] == str(practice.client) != str(before)


async def test_of_several_on_one_number_the_question_says_who_and_stop_counts_for_all(practice: Practice) -> None:
    await practice.open("sms", "email")
    first = practice.client
    visit = await asked(practice)
    practice.client = uuid4()
    await practice.open("sms", "email")
    await text_in(practice, "1")
    assert await answers(practice) == [(str(visit.appointment_id), "confirm")]
    await text_in(practice, "STOP")
    for client in (first, practice.client):
        consents = await practice.call("GET", f"/v1/clients/{client}/consents")
        newest = next(one for one in consents["items"] if one["channel"] == "sms")
        assert newest["granted"] is False
    await practice.fire_due()
    assert sum("no more texts" in one for one in practice.outside.texts(practice.phone)) == 1


async def test_start_from_a_shared_number_is_nobodys_yes_who_said_no_on_paper(practice: Practice) -> None:
    await practice.open("sms", "email")
    first = practice.client
    practice.client = uuid4()
    await practice.open("sms", "email")
    await practice.consent("sms", granted=False)
    await text_in(practice, "STOP")
    await text_in(practice, "START")
    for client, granted in ((first, True), (practice.client, False)):
        consents = await practice.call("GET", f"/v1/clients/{client}/consents")
        assert next(one["granted"] for one in consents["items"] if one["channel"] == "sms") is granted


async def test_start_from_a_shared_number_is_nobodys_yes_who_never_said_any(practice: Practice) -> None:
    await practice.open("sms")
    practice.client = uuid4()
    await practice.open()
    for words in ("START", "STOP", "START"):
        await text_in(practice, words)
    consents = await practice.call("GET", f"/v1/clients/{practice.client}/consents")
    assert [one["granted"] for one in consents["items"]] == [False], "the STOP"


async def test_a_digit_answers_no_question_that_never_arrived(practice: Practice) -> None:
    await practice.open("sms", "email")
    first = await asked(practice)
    await practice.reported("delivered")
    await asked(practice)
    await practice.reported("undelivered", 30003)
    await text_in(practice, "3")
    assert await answers(practice) == [(str(first.appointment_id), "cancel")]


@pytest.mark.parametrize(
    ("body", "meaning", "kept"),
    [
        ("", "other", "[1 picture"),
        ("Look", "other", "Look\n[1 picture"),
        ("STOP", "opt_out", "STOP\n[1 picture"),
        ("START", "opt_in", "START\n[1 picture"),
        ("HELP", "help", "HELP\n[1 picture"),
    ],
)
async def test_who_reads_a_text_knows_that_pictures_came_with_it(
    body: str, meaning: str, kept: str, practice: Practice
) -> None:
    await practice.open("sms")
    assert (await practice.text_from(practice.phone, body, NumMedia="1")).status_code == 200
    async with practice.resources.database.transaction(practice.tenant) as session:
        [row] = await session.execute(text("SELECT meaning, body FROM inbound"))
    assert row.meaning == meaning
    assert row.body.startswith(kept)
    assert [task["kind"] for task in await practice.tasks()] == ["read_reply"]


async def test_danger_on_a_shared_number_pauses_everybody_who_has_it_and_alerts_once(practice: Practice) -> None:
    await practice.open("sms", "email")
    practice.client = uuid4()
    await practice.open("sms", "email")
    await text_in(practice, "quiero morir")
    found = await practice.tasks()
    assert [one["kind"] for one in found] == ["safety", "safety"]
    assert str(practice.client) in {one["client_id"] for one in found}
    assert len({one["client_id"] for one in found}) == 2, "nobody knows who of them it was"
    await practice.fire_due()
    assert len(practice.outside.mails(f"desk-{practice.tenant}@maple.example")) == 1
    async with practice.resources.database.transaction(practice.tenant) as session:
        assert await session.scalar(text("SELECT count(*) FROM pauses")) == 2


@pytest.mark.parametrize(
    ("body", "says", "kinds"),
    [
        ("I want to end it all", "Call or text 988", ["safety"]),
        ("ya no quiero vivir", "escriba al 988", ["safety"]),
        ("HELP", "988", []),
        ("STOP", "no more texts", []),
        ("Who is this?", None, ["read_reply"]),
    ],
)
async def test_a_number_that_is_no_clients_is_answered_too(
    body: str, says: str | None, kinds: list[str], practice: Practice
) -> None:
    await practice.open("sms")
    answer = await practice.text_from("+12025557777", body)
    assert answer.status_code == 200
    assert (says in answer.text) if says else ("<Message>" not in answer.text)
    tasks = await practice.tasks()
    assert [(one["kind"], one["client_id"]) for one in tasks] == [(kind, None) for kind in kinds]
    await practice.fire_due()
    alerts = practice.outside.mails(f"desk-{practice.tenant}@maple.example")
    assert len(alerts) == (1 if "safety" in kinds else 0)


async def test_help_in_the_practices_language_for_a_number_that_is_no_clients(practice: Practice) -> None:
    await practice.open("sms")
    sender = await practice.call("GET", "/v1/sender")
    await practice.call("PUT", "/v1/sender", json=sender | {"language": "es"})
    assert "escriba al 988" in (await practice.text_from("+12025557777", "HELP")).text
    assert "Call or text 988" in (await practice.text_from("+12025557777", "I want to die")).text


async def test_a_task_is_taken_on_given_back_and_closed_with_what_came_of_it(practice: Practice) -> None:
    await practice.open("sms")
    await text_in(practice, "please call me")
    [task] = await practice.tasks()
    assert datetime.fromisoformat(task["due_at"]) - datetime.fromisoformat(task["opened_at"]) == timedelta(hours=4)
    path = f"/v1/tasks/{task['id']}"
    story = await practice.call("GET", path)
    assert (story["text"]["body"], story["status"]) == ("please call me", "open")
    claimed = await practice.call("POST", f"{path}/claim", headers={"if-match": '"1"'})
    assert (claimed["status"], bool(claimed["owner"])) == ("claimed", True)
    stale = await practice.call("POST", f"{path}/close", 412, json={}, headers={"if-match": '"1"'})
    assert stale["code"] == "version_mismatch"
    assert (await practice.call("POST", f"{path}/release"))["owner"] is None
    closed = await practice.call("POST", f"{path}/close", json={"outcome": "reached"})
    assert (closed["status"], closed["outcome"], bool(closed["owner"])) == ("closed", "reached", True)
    refused = await practice.call("POST", f"{path}/claim", 409)
    assert refused["code"] == "task_closed"
    listed = (await practice.call("GET", "/v1/tasks", params={"status": "closed"}))["items"]
    assert [one["id"] for one in listed] == [task["id"]]
    assert (await practice.call("GET", "/v1/tasks", params={"status": "open"}))["items"] == []
    await practice.call("POST", f"{path}/close", 422, json={"outcome": "He said No"})
    await practice.call("GET", f"/v1/tasks/{uuid4()}", 404)


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


async def test_only_a_person_lifts_a_pause_and_who_did_is_on_record(practice: Practice) -> None:
    await practice.open("sms", "email")
    await text_in(practice, "I want to end it")
    pause = f"/v1/clients/{practice.client}/pause"
    assert (await practice.call("GET", pause))["reason"] == "safety"
    await practice.follow(await booked(practice))
    await practice.fire_due()
    assert ("reminder", None, "not_sent", "paused_for_safety") in await practice.decisions()
    resume = f"/v1/clients/{practice.client}/resume"
    for role, claims in (("app", {}), ("client", {"client_id": practice.client})):
        await practice.call("POST", resume, 403, headers=practice.headers(role, **claims))
    lifted = await practice.call("POST", resume)
    assert (lifted["reason"], lifted["lifted_by"]) == ("safety", (await practice.call("GET", pause))["lifted_by"])
    assert (await practice.call("POST", resume, 409))["code"] == "not_paused"
    await practice.follow(await booked(practice))
    await practice.fire_due()
    assert sum("see you" in one for one in practice.outside.texts(practice.phone)) == 1
    assert ("automation", None, "resumed", "safety") in await practice.decisions()
    await text_in(practice, "I want to kill myself")
    assert (await practice.call("GET", pause))["lifted_at"] is None, "danger again, a pause again"


async def test_a_person_takes_over_and_nothing_automated_goes_out(practice: Practice) -> None:
    await practice.open("sms")
    for _ in range(2):
        found = await practice.call("POST", f"/v1/clients/{practice.client}/pause")
        assert (found["reason"], found["lifted_at"]) == ("practice", None)
    await practice.follow(await booked(practice))
    await practice.fire_due()
    assert practice.outside.texts(practice.phone) == []
    assert [one[2:] for one in await practice.decisions()].count(("paused", "practice")) == 1


async def test_a_character_that_no_database_keeps_hides_no_danger(practice: Practice) -> None:
    await practice.open("sms")
    assert (await practice.text_from(practice.phone, "I want to ki\x00ll myself\x00")).status_code == 200
    assert [one["kind"] for one in await practice.tasks()] == ["safety"]
