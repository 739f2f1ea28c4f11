"""Client and practice write to each other on a page; what a client writes is a task until it is answered."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from services.notifications.use_cases import secure
from shared.capability import Capability
from shared.telemetry import JsonFormatter
from tests.notifications.conftest import Practice, text_in
from tests.notifications.misses import missed
from tests.notifications.vendors import on_its_way, waits_for_a_lock
from tests.notifications.visits import NOW_PLAN, visit
from tests.support.servers import LINK_KEY
from tests.support.streams import eventually

pytestmark = pytest.mark.servers
HTML = {"accept": "text/html"}


def inbox(practice: Practice, days: int = 1, purpose: str = "inbox") -> str:
    expires = datetime.now(UTC) + timedelta(days=days)
    return f"/m/{Capability(purpose, practice.tenant, practice.client, expires).sign(LINK_KEY)}"


def path(practice: Practice) -> str:
    return f"/v1/clients/{practice.client}/secure-messages"


async def write(practice: Practice, body: str, **more: Any) -> Any:
    """As the practice."""
    return await practice.call("POST", path(practice), 201, json={"body": body}, **more)


async def page(practice: Practice, form: dict[str, str], where: str = "") -> str:
    """Presses a button on the client's page, and returns the page after it."""
    answer = await practice.http.post(inbox(practice) + where, data=form, headers=HTML)
    assert answer.status_code == 303, answer.text
    return (await practice.http.get(answer.headers["location"], headers=HTML)).text


async def test_a_concern_gets_an_owner_and_a_due_time_and_its_answer_is_acknowledged(practice: Practice) -> None:
    await practice.open("sms", "email")
    sender = await practice.call("GET", "/v1/sender")
    await practice.call("PUT", "/v1/sender", json=sender | {"concerns_owner": "office-manager"})
    shown = await page(practice, {"body": "I waited half an hour.", "kind": "concern"})
    assert "Sent." in shown and "I waited half an hour." in shown
    [task] = await practice.tasks()
    assert (task["kind"], task["status"], task["owner"]) == ("concern", "claimed", "office-manager")
    due = datetime.fromisoformat(task["due_at"]) - datetime.fromisoformat(task["opened_at"])
    assert due == timedelta(hours=8)
    story = await practice.call("GET", f"/v1/tasks/{task['id']}")
    assert [one["body"] for one in story["messages"]] == ["I waited half an hour."]
    found = await practice.call("GET", "/v1/conversations")
    assert [(one["unread"], one["due_at"]) for one in found["items"]] == [(1, task["due_at"])]

    await write(practice, "I am sorry. May I call you on Thursday?")
    [task] = await practice.tasks()
    assert (task["status"], task["outcome"], task["owner"]) == ("closed", "done", "office-manager")
    await practice.fire_due()
    [text] = practice.outside.texts(practice.phone)
    assert "sorry" not in text and "wrote to you" in text, "the words stay in the house"
    link = re.search(r"https?://\S+?(/m/\S+)", text)
    assert link is not None
    shown = (await practice.http.get(link[1], headers=HTML)).text
    assert "May I call you on Thursday?" in shown
    listed = await practice.call("GET", path(practice))
    assert (listed["unread_by_client"], listed["unread_by_practice"]) == (1, 0), "a look is no acknowledgement"
    await page(practice, {}, "/read")
    listed = await practice.call("GET", path(practice))
    assert (listed["unread_by_client"], listed["items"][0]["read_at"] is not None) == (0, True)


async def test_what_waits_to_be_read_is_told_of_once_and_the_reason_is_on_record(practice: Practice) -> None:
    await practice.open("sms")
    for words in ("One", "Two"):
        await write(practice, words)
        await practice.fire_due()
    assert len(practice.outside.texts(practice.phone)) == 1
    assert ("secure_message", None, "not_sent", "told_already") in await practice.decisions()
    await page(practice, {}, "/read")
    await write(practice, "Three")
    await practice.fire_due()
    assert len(practice.outside.texts(practice.phone)) == 2, "a person wrote: no cap on automation counts it"


async def test_who_is_about_to_hear_that_somebody_wrote_is_told_of_it_once(practice: Practice) -> None:
    await practice.open("sms")
    for words in ("One", "Two"):
        await write(practice, words)
    await practice.fire_due()
    assert len(practice.outside.texts(practice.phone)) == 1
    assert ("secure_message", None, "not_sent", "told_already") in await practice.decisions()


@pytest.mark.parametrize("why", ["no consent", "undelivered"])
async def test_what_they_never_heard_of_is_no_reason_to_tell_them_nothing_of_the_next(
    why: str, practice: Practice
) -> None:
    await practice.open(*(("sms",) if why == "undelivered" else ()))
    await write(practice, "One")
    await practice.fire_due()
    if why == "undelivered":
        await practice.reported("undelivered", 30003)
        await practice.fire_due()
    assert [task["kind"] for task in await practice.tasks()] == ["unreachable"], "a person finds another way"
    await practice.consent("email", granted=True)
    before = len(practice.outside.texts(practice.phone))
    await write(practice, "Two")
    await practice.fire_due()
    assert len(practice.outside.texts(practice.phone)) + len(practice.outside.mails(practice.email)) == before + 1


async def test_whose_zone_nobody_knows_reads_once_which_one_is_meant(practice: Practice) -> None:
    await practice.open("email")
    await practice.call("PUT", f"/v1/clients/{practice.client}/contact", json={"email": practice.email, "zone": None})
    assert len(re.findall(r"\d\d:\d\d UTC(?! UTC)", await page(practice, {"body": "Hello"}))) == 1


async def test_who_has_another_number_by_now_is_told_there(practice: Practice) -> None:
    await practice.open("sms")
    await write(practice, "One")
    await practice.fire_due()
    practice.phone = "+12025550155"
    await practice.open("sms")
    await write(practice, "Two")
    await practice.fire_due()
    assert len(practice.outside.texts(practice.phone)) == 1


async def test_a_clients_messages_are_one_task_until_they_are_answered(practice: Practice) -> None:
    await practice.open("email")
    for words in ("May I bring my son?", "He is nine."):
        await page(practice, {"body": words})
    [task] = await practice.tasks()
    assert (task["kind"], task["status"]) == ("answer_message", "open")
    story = await practice.call("GET", f"/v1/tasks/{task['id']}")
    assert [one["body"] for one in story["messages"]] == ["May I bring my son?", "He is nine."]
    await write(practice, "Of course.")
    await page(practice, {"body": "Thank you"})
    assert [one["status"] for one in await practice.tasks()] == ["closed", "open"]
    assert practice.outside.texts(practice.phone) == [], "without a yes to texts, by mail"
    await practice.fire_due()
    [mail] = practice.outside.mails(practice.email)
    assert "wrote to you" in mail and "Of course" not in mail


async def test_words_of_danger_on_the_page_go_the_way_that_they_go_in_a_text(practice: Practice) -> None:
    await practice.open("sms", "email")
    await practice.follow(await missed(practice))
    shown = await page(practice, {"body": "I want to end it"})
    assert "988" in shown
    assert "safety" in [one["kind"] for one in await practice.tasks()]
    [run] = await practice.outreach()
    assert (run["status"], run["end_reason"]) == ("running", None)
    await practice.fire_due()
    assert len(practice.outside.mails(f"desk-{practice.tenant}@maple.example")) == 1
    assert any("988" in one for one in practice.outside.texts(practice.phone)), "the app may not show them"
    await write(practice, "I am calling you now.")
    await practice.fire_due()
    assert any("wrote to you" in one for one in practice.outside.texts(practice.phone)), "a person is not paused"


@pytest.mark.parametrize(
    ("agreed", "wished", "by_text", "by_mail"),
    [
        (("sms", "email"), ["email"], 0, 1),
        (("email",), [], 0, 1),
        (("sms",), ["email"], 0, 0),
        ((), [], 0, 0),
    ],
)
async def test_the_lines_are_written_only_to_who_has_agreed_since_the_page_shows_them(
    agreed: tuple[str, ...], wished: list[str], by_text: int, by_mail: int, practice: Practice
) -> None:
    await practice.open(*agreed)
    await practice.call("PUT", f"/v1/clients/{practice.client}/preferences", json={"channels": wished})
    assert "988" in await page(practice, {"body": "I want to end it"})
    await practice.fire_due()
    assert (len(practice.outside.texts(practice.phone)), len(practice.outside.mails(practice.email))) == (
        by_text,
        by_mail,
    )


async def test_words_of_danger_wait_with_a_stop_and_are_not_turned_away(practice: Practice) -> None:
    await practice.open("sms")
    await practice.call("POST", "/v1/reminder-plans", 201, json=NOW_PLAN)
    await practice.follow(await visit(practice))
    async with on_its_way(practice) as carrier:
        stopping = asyncio.create_task(text_in(practice, "STOP"))
        await eventually(lambda: waits_for_a_lock(practice), 5)
        headers = practice.headers("client", client_id=str(practice.client))
        said = {"kind": "message", "body": "I want to kill myself"}
        telling = asyncio.create_task(practice.http.post(path(practice), json=said, headers=headers))
        # Longer than a lock is waited for by default.
        await asyncio.wait([telling], timeout=3)
        carrier.go_on.set()
        await stopping
        answer = await telling
    assert answer.status_code == 201, answer.text
    assert answer.json()["in_danger"] is True, "the app shows the lines"
    assert "safety" in [one["kind"] for one in await practice.tasks()]


async def test_what_a_client_writes_is_in_no_log_whatever_goes_wrong(
    practice: Practice, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    same = uuid4()
    monkeypatch.setattr(secure, "uuid7", lambda: same)
    headers = practice.headers("client", client_id=str(practice.client))
    words = ("first", "my husband reads my phone")
    for body in words:
        answer = await practice.http.post(path(practice), json={"kind": "message", "body": body}, headers=headers)
    assert answer.status_code == 500
    told = "\n".join(JsonFormatter("notifications").format(one) for one in caplog.records)
    assert "UniqueViolation" in told
    assert not any(one in told for one in (*words, str(same)))


async def test_looking_changes_nothing_and_nothing_is_sent_empty(practice: Practice) -> None:
    await practice.open("email")
    await write(practice, "Hello")
    for _ in range(2):
        shown = await practice.http.get(inbox(practice), headers=HTML)
        assert (shown.status_code, shown.headers["cache-control"]) == (200, "no-store")
    assert (await practice.call("GET", path(practice)))["unread_by_client"] == 1
    assert "Please write something first" in await page(practice, {"body": " \x00 "})
    assert await practice.tasks() == []
    markup = await page(practice, {"body": "<script>alert(1)</script>"})
    assert "<script>" not in markup and "&lt;script&gt;" in markup


@pytest.mark.parametrize(
    ("purpose", "days", "status"),
    [("mails", 1, 404), ("visit", 1, 404), ("inbox", -1, 410), ("write", -1, 410)],
)
async def test_a_link_for_something_else_or_that_has_expired_opens_nothing(
    purpose: str, days: int, status: int, practice: Practice
) -> None:
    for method in ("GET", "POST"):
        answer = await practice.http.request(method, inbox(practice, days, purpose), headers=HTML, data={"body": "x"})
        assert answer.status_code == status
    assert await practice.tasks() == []


async def test_by_a_mails_own_line_a_client_writes_but_reads_nothing(practice: Practice) -> None:
    await practice.open("email")
    await write(practice, "A private word")
    await practice.fire_due()
    [mail] = practice.outside.mails(practice.email)
    [only_write] = re.findall(r"Write to us: https?://[^/]+(/m/\S+)", mail)
    shown = (await practice.http.get(only_write, headers=HTML)).text
    assert "Your message" in shown and "A private word" not in shown
    assert (await practice.http.post(only_write, data={"body": "Hello"}, headers=HTML)).status_code == 303
    assert [one["kind"] for one in await practice.tasks()] == ["answer_message"]
    assert (await practice.http.post(f"{only_write}/read", headers=HTML)).status_code == 404


async def test_a_client_writes_and_reads_by_token_and_only_their_own(practice: Practice) -> None:
    await practice.open("email")
    mine = practice.headers("client", client_id=practice.client)
    said = await practice.call("POST", path(practice), 201, json={"body": "Hello", "kind": "concern"}, headers=mine)
    assert (said["author"], said["kind"]) == ("client", "concern")
    await write(practice, "Hello to you")
    listed = await practice.call("GET", path(practice), headers=mine)
    assert [one["author"] for one in listed["items"]] == ["practice", "client"]
    assert (await practice.call("POST", path(practice) + "/read", headers=mine))["read"] == 1
    other = practice.headers("client", client_id=practice.tenant)
    await practice.call("GET", path(practice), 404, headers=other)
    await practice.call("POST", path(practice), 404, json={"body": "Hello"}, headers=other)
    await practice.call("GET", "/v1/conversations", 403, headers=mine)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"body": ""}, "body"),
        ({"body": "   "}, "body"),
        ({"body": "x" * 4001}, "body"),
        ({"body": "a\x00b"}, "body"),
        ({"body": "x", "kind": "complaint"}, "kind"),
        ({"body": "x", "kind": "concern"}, "kind"),
    ],
)
async def test_bad_messages_name_the_field_and_leave_nothing(
    body: dict[str, str], field: str, practice: Practice
) -> None:
    refused = await practice.call("POST", path(practice), 422, json=body)
    assert (refused.get("field") or refused["errors"][0]["field"]) == field
    assert (await practice.call("GET", path(practice)))["items"] == []


@pytest.mark.parametrize("how", ["writes back", "days pass"])
async def test_a_notice_stands_for_what_is_beside_it_until_the_client_writes_or_it_is_old(
    how: str, practice: Practice
) -> None:
    await practice.open("sms")
    await write(practice, "One")
    await practice.fire_due()
    await write(practice, "Two")
    await practice.fire_due()
    assert len(practice.outside.texts(practice.phone)) == 1
    if how == "writes back":
        await page(practice, {"body": "Thank you"})
    else:
        async with practice.resources.database.transaction(practice.tenant) as session:
            await session.execute(text("UPDATE secure_messages SET written_at = written_at - interval '4 days'"))
    await write(practice, "Three")
    await practice.fire_due()
    assert len(practice.outside.texts(practice.phone)) == 2


async def test_writing_back_answers_what_was_said_by_text(practice: Practice) -> None:
    await practice.open("sms")
    await text_in(practice, "I waited half an hour")
    await write(practice, "I am sorry.")
    [task] = await practice.tasks()
    assert (task["kind"], task["status"]) == ("read_reply", "closed")


async def test_what_a_browser_lets_be_typed_is_taken_whatever_ends_its_lines(practice: Practice) -> None:
    """A browser counts the end of a line as one character and sends two."""
    await practice.open("email")
    typed = "\r\n".join(["x" * 25] * 153)
    assert len(typed.replace("\r\n", "\n")) <= 4000 < len(typed)
    assert "Sent." in await page(practice, {"body": typed})
    [one] = (await practice.call("GET", path(practice)))["items"]
    assert one["body"] == typed.replace("\r\n", "\n")
    answer = await practice.http.post(inbox(practice), data={"body": "x" * 4001}, headers=HTML)
    assert answer.status_code == 422
