"""Check-ins between sessions: asked by plan, answered in one tap or by one digit, read by a person."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.notifications.use_cases import outreach
from shared.capability import Capability
from shared.contracts.booking import (
    AppointmentArrived,
    AppointmentCancelled,
    AppointmentFulfilled,
    AppointmentMissed,
    AppointmentState,
    ClientDischarged,
)
from tests.notifications.conftest import Practice
from tests.support.build import appointment_event
from tests.support.servers import LINK_KEY

pytestmark = pytest.mark.servers
HTML = {"accept": "text/html"}
PLAN = {"steps": [{"after": "P3D", "channels": ["sms", "email"]}]}


async def publish(practice: Practice, plan: dict[str, Any] = PLAN) -> None:
    await practice.call("POST", "/v1/check-in-plans", 201, json=plan)


def visit(practice: Practice, event: type[AppointmentState] = AppointmentFulfilled, **changes: Any) -> AppointmentState:
    """One that took place three days ago, so that the check-in is due now."""
    start = datetime.now(UTC) - timedelta(days=3, hours=1)
    values = {"client_id": practice.client, "start": start, "changed_at": start, "sequence": 3, **changes}
    return appointment_event(event, **values)


async def asked(practice: Practice) -> AppointmentState:
    """The client has been asked by text; returns the visit before."""
    await practice.open("sms", "email")
    await publish(practice)
    past = visit(practice)
    await practice.follow(past)
    await practice.fire_due()
    return past


async def check_ins(practice: Practice, **wanted: str) -> list[dict[str, Any]]:
    found = await practice.call("GET", "/v1/check-ins", params={"client_id": str(practice.client), **wanted})
    return list(found["items"])


def link_in(text: str) -> str:
    found = re.search(r"https?://\S+?(/c/\S+)", text)
    assert found is not None, text
    return found[1]


async def test_a_tap_answers_and_the_provider_has_it_to_read(practice: Practice) -> None:
    past = await asked(practice)
    [text] = practice.outside.texts(practice.phone)
    assert "1 well 2 so-so 3 bad" in text
    link = link_in(text)
    shown = (await practice.http.get(link, headers=HTML)).text
    assert "How have you been?" in shown and "988" in shown
    assert [one["answer"] for one in await check_ins(practice)] == [None], "a look is no answer"

    answer = await practice.http.post(link, data={"answer": "not_well"}, headers=HTML)
    assert answer.status_code == 303
    thanks = (await practice.http.get(answer.headers["location"], headers=HTML)).text
    assert "Thank you" in thanks and "/m/" in thanks
    [found] = await check_ins(practice, answered="true")
    assert (found["answer"], found["appointment_id"]) == ("not_well", str(past.appointment_id))
    [task] = await practice.tasks()
    assert (task["kind"], task["provider_id"], task["id"]) == (
        "read_check_in",
        str(past.provider_id),
        found["task_id"],
    )
    due = datetime.fromisoformat(task["due_at"]) - datetime.fromisoformat(task["opened_at"])
    assert due == timedelta(hours=4)
    story = await practice.call("GET", f"/v1/tasks/{task['id']}")
    assert story["check_in"]["answer"] == "not_well"

    again = await practice.http.post(link, data={"answer": "well"}, headers=HTML)
    assert again.status_code == 303
    assert [one["answer"] for one in await check_ins(practice)] == ["not_well"], "the first answer stands"
    assert len(await practice.tasks()) == 1


@pytest.mark.parametrize(("digit", "said"), [("1", "well"), ("2", "so_so"), (" 3. ", "not_well")])
async def test_a_digit_answers_and_is_thanked(practice: Practice, digit: str, said: str) -> None:
    await asked(practice)
    assert (await practice.text_from(practice.phone, digit)).status_code == 200
    await practice.fire_due()
    assert [one["answer"] for one in await check_ins(practice)] == [said]
    assert [task["kind"] for task in await practice.tasks()] == ["read_check_in"]
    assert "thank you" in practice.outside.texts(practice.phone)[-1]
    await practice.text_from(practice.phone, digit)
    assert sorted(task["kind"] for task in await practice.tasks()) == ["read_check_in", "read_reply"], "asked no more"


async def test_a_digit_after_the_tap_is_no_second_answer(practice: Practice) -> None:
    await asked(practice)
    link = link_in(practice.outside.texts(practice.phone)[0])
    await practice.http.post(link, data={"answer": "well"}, headers=HTML)
    await practice.text_from(practice.phone, "3")
    assert [one["answer"] for one in await check_ins(practice)] == ["well"]
    assert sorted(task["kind"] for task in await practice.tasks()) == ["read_check_in", "read_reply"]


async def test_one_that_goes_on_by_mail_is_answered_as_well(practice: Practice) -> None:
    await asked(practice)
    await practice.reported("undelivered", 30003)
    await practice.fire_due()
    [mail] = practice.outside.mails(practice.email)
    answer = await practice.http.post(link_in(mail), data={"answer": "so_so"}, headers=HTML)
    assert answer.status_code == 303
    assert [one["answer"] for one in await check_ins(practice)] == ["so_so"]


async def test_who_has_answered_is_not_asked_by_the_next_channel(practice: Practice) -> None:
    await asked(practice)
    link = link_in(practice.outside.texts(practice.phone)[0])
    await practice.reported("undelivered", 30003)
    await practice.http.post(link, data={"answer": "well"}, headers=HTML)
    await practice.fire_due()
    assert practice.outside.mails(practice.email) == []
    assert ("check_in", None, "not_sent", "answered") in await practice.decisions()


async def test_who_has_answered_one_is_asked_the_next_as_planned(practice: Practice) -> None:
    await practice.open("sms")
    await publish(practice, {"steps": [*PLAN["steps"], {"after": "P20D"}]})
    await practice.follow(visit(practice))
    await practice.fire_due()
    await practice.text_from(practice.phone, "1")
    asked = [one["status"] for one in await practice.messages() if one["purpose"] == "check_in"]
    assert asked == ["sent", "planned"]


async def test_the_plan_can_name_who_reads(practice: Practice) -> None:
    await practice.open("email")
    await publish(practice, PLAN | {"reader": "care-coordinator"})
    await practice.follow(visit(practice))
    await practice.fire_due()
    [mail] = practice.outside.mails(practice.email)
    assert "How are you?" in mail
    answer = await practice.http.post(link_in(mail), data={"answer": "so_so"}, headers=HTML)
    assert answer.status_code == 303
    [task] = await practice.tasks()
    assert (task["owner"], task["status"], task["provider_id"]) == ("care-coordinator", "claimed", None)


async def test_it_is_asked_once_a_visit_however_often_and_in_whatever_order_its_events_come(practice: Practice) -> None:
    await practice.open("sms")
    await publish(practice)
    done = visit(practice)
    arrived = visit(practice, AppointmentArrived, appointment_id=done.appointment_id, sequence=2)
    await practice.follow(done, arrived, done)
    await practice.fire_due()
    assert len(practice.outside.texts(practice.phone)) == 1
    assert len(await check_ins(practice)) == 1


async def test_arrival_is_enough_to_be_asked(practice: Practice) -> None:
    await practice.open("sms")
    await publish(practice)
    arrived = visit(practice, AppointmentArrived, sequence=2)
    await practice.follow(arrived)
    done = visit(practice, appointment_id=arrived.appointment_id, start=arrived.start)
    await practice.follow(done)
    await practice.fire_due()
    assert len(practice.outside.texts(practice.phone)) == 1


@pytest.mark.parametrize("event", [AppointmentFulfilled, AppointmentMissed])
async def test_the_next_visit_ends_what_was_to_be_asked_after_the_one_before(
    practice: Practice, event: type[AppointmentState]
) -> None:
    await practice.open("sms")
    await publish(practice, {"steps": [{"after": "P30D"}]})
    await practice.follow(visit(practice))
    later = datetime.now(UTC) - timedelta(hours=3)
    await practice.follow(visit(practice, event, start=later, changed_at=later))
    assert ("check_in", None, "not_sent", "visit_since") in await practice.decisions()
    planned = [one["status"] for one in await practice.messages() if one["purpose"] == "check_in"]
    assert sorted(planned) == (["not_sent", "planned"] if event is AppointmentFulfilled else ["not_sent"])


async def test_a_visit_heard_of_after_the_next_one_is_not_asked_about(practice: Practice) -> None:
    await practice.open("sms")
    await publish(practice)
    later = datetime.now(UTC) - timedelta(hours=3)
    await practice.follow(visit(practice, start=later, changed_at=later), visit(practice))
    await practice.fire_due()
    assert practice.outside.texts(practice.phone) == []
    assert ("check_in", None, "not_sent", "visit_since") in await practice.decisions()
    assert [one["status"] for one in await practice.messages()] == ["not_sent", "planned"], "after the next one"


async def test_a_visit_heard_of_much_too_late_is_not_asked_about(practice: Practice) -> None:
    await practice.open("sms")
    await publish(practice)
    await practice.follow(visit(practice, start=datetime.now(UTC) - timedelta(days=9)))
    await practice.fire_due()
    assert ("check_in", None, "not_sent", "too_late_when_heard") in await practice.decisions()
    assert practice.outside.texts(practice.phone) == []


async def test_a_visit_that_did_not_take_place_after_all_is_not_asked_about(practice: Practice) -> None:
    await practice.open("sms")
    await publish(practice)
    past = visit(practice)
    await practice.follow(past)
    undone = visit(practice, AppointmentCancelled, appointment_id=past.appointment_id, start=past.start, sequence=4)
    await practice.follow(undone)
    await practice.fire_due()
    assert practice.outside.texts(practice.phone) == []
    assert ("check_in", None, "not_sent", "visit_changed") in await practice.decisions()


async def test_discharged_clients_are_asked_no_more(practice: Practice) -> None:
    await practice.open("sms")
    await publish(practice, {"steps": [{"after": "P3D"}, {"after": "P20D"}]})
    await practice.follow(visit(practice))
    state = ClientDischarged(sequence=2, client_id=practice.client, reason="mutual", discharged_at=await practice.now())
    async with practice.resources.database.transaction(practice.tenant) as session:
        await outreach.follow_client(session, tenant=practice.tenant, state=state, now=await practice.now())
    await practice.follow(visit(practice, start=datetime.now(UTC) - timedelta(days=3)))
    await practice.fire_due()
    assert practice.outside.texts(practice.phone) == []
    reasons = [reason for purpose, _, _, reason in await practice.decisions() if purpose == "check_in"]
    assert reasons.count("discharged") == 4


async def test_without_a_plan_nobody_is_asked_and_a_condition_that_does_not_hold_is_the_reason(
    practice: Practice,
) -> None:
    await practice.open("sms")
    await practice.follow(visit(practice, start=datetime.now(UTC) - timedelta(days=4)))
    assert await check_ins(practice) == []
    await publish(practice, {"steps": [{"after": "P3D", "when": {"first_visit": True}}]})
    await practice.follow(visit(practice))
    await practice.fire_due()
    assert ("check_in", None, "not_sent", "condition_first_visit") in await practice.decisions()


async def test_the_preview_says_when_and_what(practice: Practice) -> None:
    await practice.open()
    sample = {"start": "2026-03-12T15:00:00Z", "booked_at": "2026-03-02T15:00:00Z", "zone": "America/New_York"}
    found = await practice.call("POST", "/v1/check-in-plans/preview", json={"plan": PLAN, "visit": sample})
    [step] = found["items"]
    assert (step["purpose"], step["due_at"]) == ("check_in", "2026-03-15T15:50:00Z")
    assert [text["channel"] for text in step["texts"]] == ["sms", "email"]
    assert all("/c/" in text["body"] for text in step["texts"])


@pytest.mark.parametrize(
    ("plan", "wrong"),
    [
        ({"steps": [{"after": "P3D"}, {"after": "P3D"}]}, "order of their times"),
        ({"steps": [{"after": "PT5M"}]}, "steps.0.after"),
        ({"steps": [{"after": "P3D", "channels": ["voice"]}]}, "can't be answered by a tap"),
        ({"steps": [{"after": "P3D", "channels": []}]}, "steps.0.channels"),
        ({"steps": [{"after": "P3D", "when": {"held_out": True}}]}, "nobody is held out"),
        ({"steps": [{"after": "P3D", "when": {"step_before": "arrived"}}]}, "no step before the first"),
        ({"steps": [], "reader": " "}, "reader"),
    ],
)
async def test_a_plan_that_cannot_work_is_refused(practice: Practice, plan: dict[str, Any], wrong: str) -> None:
    answer = await practice.http.post("/v1/check-in-plans", json=plan, headers=practice.headers())
    assert answer.status_code == 422 and wrong in answer.text
    assert (await practice.call("GET", "/v1/check-in-plans/current"))["version"] == 0


async def test_plans_have_versions_and_an_admin_publishes_them(practice: Practice) -> None:
    await publish(practice)
    await publish(practice, {"steps": []})
    assert (await practice.call("GET", "/v1/check-in-plans/current"))["version"] == 2
    first = await practice.call("GET", "/v1/check-in-plans/1")
    assert first["plan"]["steps"][0]["after"] == "P3D"
    await practice.call("GET", "/v1/check-in-plans/3", 404)
    provider = practice.headers("provider", provider_id=uuid4())
    assert (await practice.http.post("/v1/check-in-plans", json=PLAN, headers=provider)).status_code == 403


async def test_a_clients_app_answers_for_its_client_only(practice: Practice) -> None:
    await asked(practice)
    [one] = await check_ins(practice)
    path = f"/v1/check-ins/{one['id']}/answer"
    other = practice.headers("client", client_id=uuid4())
    refused = await practice.http.post(path, json={"answer": "well"}, headers=other)
    assert refused.status_code == 404
    own = practice.headers("client", client_id=practice.client)
    answer = await practice.http.post(path, json={"answer": "well"}, headers=own)
    assert answer.status_code == 200 and answer.json()["answer"] == "well", answer.text
    wrong = await practice.http.post(path, json={"answer": "great"}, headers=own)
    assert wrong.status_code == 422


@pytest.mark.parametrize(("purpose", "hours", "status"), [("inbox", 1, 404), ("check_in", -1, 410)])
async def test_links_for_something_else_or_too_old_show_nothing(
    practice: Practice, purpose: str, hours: int, status: int
) -> None:
    await asked(practice)
    [one] = await check_ins(practice)
    link = Capability(purpose, practice.tenant, UUID(one["id"]), datetime.now(UTC) + timedelta(hours=hours))
    for answer in (
        await practice.http.get(f"/c/{link.sign(LINK_KEY)}", headers=HTML),
        await practice.http.post(f"/c/{link.sign(LINK_KEY)}", data={"answer": "well"}, headers=HTML),
    ):
        assert answer.status_code == status


async def test_nonsense_on_the_page_is_refused(practice: Practice) -> None:
    await asked(practice)
    link = link_in(practice.outside.texts(practice.phone)[0])
    answer = await practice.http.post(link, data={"answer": "fine"}, headers=HTML)
    assert answer.status_code == 422
    assert [one["answer"] for one in await check_ins(practice)] == [None]


@pytest.mark.parametrize(("said", "alarms"), [("not_well", 1), ("well", 0)])
async def test_who_is_not_well_and_is_not_read_in_time_is_an_alarm(said: str, alarms: int, practice: Practice) -> None:
    await asked(practice)
    [text] = practice.outside.texts(practice.phone)
    await practice.http.post(link_in(text), data={"answer": said}, headers=HTML)
    await practice.come_due("task.overdue")
    await practice.fire_due()
    assert len(practice.outside.mails(f"desk-{practice.tenant}@maple.example")) == alarms
