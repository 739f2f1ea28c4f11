"""The console's pages of notifications, as a browser without a mouse would use them."""

from datetime import timedelta
from typing import Any

import pytest

from services.notifications.use_cases import outreach
from shared.console import COOKIE
from shared.contracts.booking import AppointmentArrived, AppointmentAwaited, AppointmentMissed, AppointmentRunningLate
from tests.notifications.conftest import Practice, text_in
from tests.notifications.integration.test_inbound import booked
from tests.notifications.integration.test_secure_messages import page as press_on_page
from tests.notifications.misses import missed, reported
from tests.support.browser import Browser, Page
from tests.support.chromium import on_a_phone, open_chromium, violations

pytestmark = pytest.mark.servers


def token(practice: Practice, role: str = "staff", **claims: Any) -> str:
    return practice.headers(role, **claims)["authorization"].removeprefix("Bearer ")


@pytest.fixture
async def browser(practice: Practice) -> Browser:
    """Somebody of the staff, signed in."""
    one = Browser(practice.http, practice.url)
    page = await one.open("/console")
    await one.send(page.form("/sign-in"), token=token(practice))
    return one


def to_first(page: Page, where: str) -> str:
    return next(href for _, href in page.links if where in href)


async def test_a_task_is_taken_on_answered_and_gone_from_the_list(browser: Browser, practice: Practice) -> None:
    await practice.open("email")
    await press_on_page(practice, {"body": "I waited half an hour.", "kind": "concern"})
    page = await browser.open("/console")
    assert "concern" in page.text
    page = await browser.open(to_first(page, "/console/tasks/"))
    assert "I waited half an hour." in page.text and "Nobody has it yet." in page.text
    page = await browser.send(page.form("/claim"))
    assert "It is yours." in page.text
    page = await browser.send(page.form("/write"), body="I am sorry.")
    assert "I am sorry." in page.text and "I waited half an hour." in page.text
    page = await browser.open("/console")
    assert "Nothing is to be done." in page.text
    page = await browser.open("/console/conversations")
    assert str(practice.client) in page.text and "unread" not in page.text


async def test_the_question_whether_a_client_is_there_is_answered_in_one_press(
    browser: Browser, practice: Practice
) -> None:
    await practice.open("sms")
    visit = await booked(practice)
    asked = {"sequence": 2, "changed_by": "system", "missed_at": visit.start + timedelta(minutes=15)}
    await practice.follow(AppointmentAwaited.model_validate(visit.model_dump() | asked))
    page = await browser.open(to_first(await browser.open("/console"), "/console/tasks/"))
    assert f"with provider {visit.provider_id}" in page.text
    assert f"counts as missed at {asked['missed_at']:%Y-%m-%d %H:%M} UTC" in page.text
    practice.outside.booking.away = True
    page = await browser.send(page.form("/there"))
    assert (browser.status, "nothing was changed" in page.text) == (503, True)
    practice.outside.booking.away = False
    await browser.send(page.form("/there"))
    assert practice.outside.booking.there == {visit.appointment_id: "staff-1"}
    [task] = await practice.tasks()
    assert (task["status"], task["outcome"]) == ("closed", "done")


async def test_an_answer_that_comes_too_late_is_said_to(browser: Browser, practice: Practice) -> None:
    await practice.open("sms")
    visit = await booked(practice)
    asked = {"sequence": 2, "changed_by": "system", "missed_at": visit.start + timedelta(minutes=15)}
    await practice.follow(AppointmentAwaited.model_validate(visit.model_dump() | asked))
    practice.outside.booking.learn(
        AppointmentMissed.model_validate(visit.model_dump() | {"sequence": 3, "status": "noshow"}), practice.tenant
    )
    page = await browser.open(to_first(await browser.open("/console"), "/console/tasks/"))
    page = await browser.send(page.form("/there"))
    assert (browser.status, "This visit is missed." in page.text) == (409, True)
    [task] = await practice.tasks()
    assert task["status"] == "open"


async def test_an_answer_that_booking_may_have_taken_is_not_said_to_have_changed_nothing(
    browser: Browser, practice: Practice
) -> None:
    await practice.open("sms")
    await asked_about(practice)
    page = await browser.open(to_first(await browser.open("/console"), "/console/tasks/"))
    practice.outside.booking.garbled = True
    try:
        page = await browser.send(page.form("/there"))
    finally:
        practice.outside.booking.garbled = False
    assert browser.status == 503
    assert "nothing was changed" not in page.text and "please press again" in page.text


async def test_what_was_answered_meanwhile_is_not_told_to_booking_again(browser: Browser, practice: Practice) -> None:
    await practice.open("sms")
    visit = await asked_about(practice)
    page = await browser.open(to_first(await browser.open("/console"), "/console/tasks/"))
    [task] = await practice.tasks()
    await practice.call("POST", f"/v1/tasks/{task['id']}/close", json={"outcome": "not_needed"})
    await browser.send(page.form("/there"))
    assert visit.appointment_id not in practice.outside.booking.there
    [task] = await practice.tasks()
    assert (task["status"], task["outcome"]) == ("closed", "not_needed")


async def test_the_event_of_the_answer_may_be_faster_than_the_answer(browser: Browser, practice: Practice) -> None:
    await practice.open("sms")
    visit = await asked_about(practice)
    page = await browser.open(to_first(await browser.open("/console"), "/console/tasks/"))
    here = AppointmentArrived.model_validate(visit.model_dump() | {"sequence": 3, "status": "arrived"})
    practice.outside.booking.meanwhile = lambda: practice.follow(here)
    try:
        await browser.send(page.form("/there"))
    finally:
        practice.outside.booking.meanwhile = None
    [task] = await practice.tasks()
    assert (browser.status, task["status"], task["outcome"]) == (200, "closed", "not_needed")


async def test_only_who_asks_is_answered_from_this_page_by_who_may(browser: Browser, practice: Practice) -> None:
    await practice.open("sms")
    visit = await asked_about(practice)
    page = await browser.open(to_first(await browser.open("/console"), "/console/tasks/"))
    await browser.send(page.form("/there"), origin="https://evil.example")
    assert browser.status == 403
    [task] = await practice.tasks()
    there = f"/console/tasks/{task['id']}/there"
    theirs = token(practice, "client", client_id=practice.client)
    reader = token(practice, "staff", scope="messages:read")
    for other in (theirs, reader):
        headers = {"cookie": f"{COOKIE}={other}", "origin": practice.url}
        assert (await practice.http.post(there, headers=headers)).status_code == 403
    assert visit.appointment_id not in practice.outside.booking.there
    late = {"sequence": 3, "changed_by": "client", "late_by": timedelta(minutes=5)}
    await practice.follow(AppointmentRunningLate.model_validate(visit.model_dump() | late))
    [other_kind] = [one["id"] for one in await practice.tasks() if one["kind"] == "running_late"]
    staff = {"cookie": f"{COOKIE}={token(practice)}", "origin": practice.url}
    answer = await practice.http.post(f"/console/tasks/{other_kind}/there", headers=staff)
    assert answer.status_code == 409 and "ask whether" in answer.text
    assert visit.appointment_id not in practice.outside.booking.there


async def asked_about(practice: Practice) -> AppointmentAwaited:
    """A visit whose provider is asked whether the client is there."""
    visit = await booked(practice)
    asked = {"sequence": 2, "changed_by": "system", "missed_at": visit.start + timedelta(minutes=15)}
    event = AppointmentAwaited.model_validate(visit.model_dump() | asked)
    await practice.follow(event)
    return event


async def test_a_task_is_closed_by_what_came_of_it(browser: Browser, practice: Practice) -> None:
    await practice.open("sms")
    await text_in(practice, "Can I bring my dog?")
    page = await browser.open(to_first(await browser.open("/console"), "/console/tasks/"))
    assert "Can I bring my dog?" in page.text
    await browser.send(page.form("/close"), outcome="reached")
    [task] = await practice.tasks()
    assert (task["status"], task["outcome"]) == ("closed", "reached")


async def test_what_somebody_else_has_changed_meanwhile_is_not_overwritten(
    browser: Browser, practice: Practice
) -> None:
    await practice.open("sms")
    await text_in(practice, "Hello?")
    page = await browser.open(to_first(await browser.open("/console"), "/console/tasks/"))
    [task] = await practice.tasks()
    other = practice.headers("staff", subject="somebody-else")
    await practice.call("POST", f"/v1/tasks/{task['id']}/claim", headers=other)
    await browser.send(page.form("/close"), outcome="done")
    assert browser.status == 412
    [task] = await practice.tasks()
    assert task["status"] == "claimed"


async def test_a_clients_story_says_why_and_lifts_a_pause(browser: Browser, practice: Practice) -> None:
    await practice.open("sms")
    await text_in(practice, "I want to end it")
    await practice.follow(await booked(practice))
    await practice.fire_due()
    page = await browser.open(f"/console/clients/{practice.client}")
    assert "paused for safety" in page.text and "Nothing automated goes" in page.text
    page = await browser.send(page.form("/resume"))
    assert "Nothing automated goes" not in page.text and "resumed" in page.text
    page = await browser.send(page.form("/write"), body="  ")
    assert browser.status == 422 and "Please write something first." in page.text


async def test_who_may_look_and_who_may_change(browser: Browser, practice: Practice) -> None:
    await practice.open("sms")
    await text_in(practice, "Hello?")
    page = await browser.open(to_first(await browser.open("/console"), "/console/tasks/"))
    await browser.send(page.form("/claim"), origin="https://evil.example")
    assert browser.status == 403
    [task] = await practice.tasks()
    assert task["status"] == "open"
    for role, claims, status in (("client", {"client_id": practice.client}, 403), ("app", {}, 200)):
        cookie = {"cookie": f"{COOKIE}={token(practice, role, **claims)}"}
        answer = await practice.http.get("/console", headers=cookie)
        assert answer.status_code == status
    app = {"cookie": f"{COOKIE}={token(practice, 'app')}", "origin": practice.url}
    lifted = await practice.http.post(f"/console/clients/{practice.client}/resume", headers=app)
    assert lifted.status_code == 403


async def test_nothing_on_the_consoles_pages_is_for_axe_to_object_to(practice: Practice) -> None:
    await practice.open("sms")
    await text_in(practice, "I want to end it")
    await press_on_page(practice, {"body": "I waited half an hour.", "kind": "concern"})
    tasks = [f"/console/tasks/{task['id']}" for task in await practice.tasks()]
    async with open_chromium() as chromium:
        for scheme in ("light", "dark"):
            async with on_a_phone(chromium, color_scheme=scheme) as phone:
                cookie = {"name": COOKIE, "value": token(practice), "url": practice.url}
                await phone.context.add_cookies([cookie])  # type: ignore[list-item] # a cookie as its documentation has it
                for where in ("/console", "/console/conversations", f"/console/clients/{practice.client}", *tasks):
                    await phone.goto(practice.url + where)
                    assert await violations(phone) == [], f"{where}, {scheme}"
                    width = await phone.evaluate("document.documentElement.scrollWidth")
                    assert width <= 390, f"{where} is wider than the phone"


async def test_a_call_is_handed_over_with_all_that_was_said(browser: Browser, practice: Practice) -> None:
    await practice.open("sms", "email")
    flow = {"steps": [{"after": "PT0S", "task": "call_client"}], "gives_up_after": "P1D"}
    await practice.call("POST", "/v1/outreach-flows", 201, json=flow)
    miss = await missed(practice)
    await practice.follow(miss)
    await text_in(practice, "my car broke down")
    await press_on_page(practice, {"body": "And it was raining."})
    async with practice.resources.database.transaction(practice.tenant) as session:
        report, now = reported(practice, miss, "transport"), await practice.now()
        await outreach.learn_barrier(session, tenant=practice.tenant, report=report, now=now)
    await practice.fire_due()
    [call] = [one for one in await practice.tasks() if one["kind"] == "call_client"]
    story = await practice.call("GET", f"/v1/tasks/{call['id']}")
    assert [(one["by"], one["author"], one["body"]) for one in story["written"]] == [
        ("page", "client", "And it was raining."),
        ("text", "client", "my car broke down"),
    ]
    assert story["barrier"] == "transport"
    page = await browser.open(f"/console/tasks/{call['id']}")
    for said in ("my car broke down", "And it was raining.", "In the way, the client said, was: transport"):
        assert said in page.text
    page = await browser.open("/console/conversations")
    assert str(practice.client) in page.text


async def test_texts_are_conversations_too_and_a_long_story_is_read_page_by_page(
    browser: Browser, practice: Practice
) -> None:
    await practice.open("sms")
    await text_in(practice, "Where do I park?")
    for _ in range(105):
        await practice.follow(await booked(practice))
    found = (await practice.call("GET", "/v1/conversations"))["items"]
    assert [(one["client_id"], one["unread"]) for one in found] == [(str(practice.client), 0)]
    assert found[0]["due_at"] is not None, "somebody should read them"
    page = await browser.open(f"/console/clients/{practice.client}")
    assert "Where do I park?" in page.text
    seen, pages = page.text.count(": reminder"), 1
    while more := [href for words, href in page.links if words == "More"]:
        page = await browser.open(more[0])
        seen, pages = seen + page.text.count(": reminder"), pages + 1
    all_of = [purpose for purpose, *_ in await decisions_of_all(practice) if purpose == "reminder"]
    assert (seen, pages > 1) == (len(all_of), True)


async def decisions_of_all(practice: Practice) -> list[tuple[str, str]]:
    path, found, cursor = f"/v1/clients/{practice.client}/explain", [], None
    while True:
        answer = await practice.call("GET", path, params={"cursor": cursor} if cursor else {})
        found += [(one["purpose"], one["outcome"]) for one in answer["items"]]
        cursor = answer["next"]
        if cursor is None:
            return found
