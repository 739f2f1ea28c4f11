"""What worries a client: whoever answers it has it, also by text; it doesn't lie about; a call is an answer."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.notifications.conftest import Practice, text_in
from tests.notifications.integration.test_secure_messages import HTML, inbox, page, path, write

pytestmark = pytest.mark.servers


async def owned(practice: Practice) -> None:
    """The practice says who answers concerns."""
    sender = await practice.call("GET", "/v1/sender")
    await practice.call("PUT", "/v1/sender", json=sender | {"concerns_owner": "office-manager"})


async def close(practice: Practice, task: dict[str, Any], outcome: str) -> None:
    headers = {"if-match": f'"{task["version"]}"'}
    await practice.call("POST", f"/v1/tasks/{task['id']}/close", json={"outcome": outcome}, headers=headers)


def alarms(practice: Practice) -> int:
    return len(practice.outside.mails(f"desk-{practice.tenant}@maple.example"))


@pytest.mark.parametrize("is_owned", [True, False])
async def test_a_text_that_may_be_a_concern_goes_to_whoever_answers_concerns(
    is_owned: bool, practice: Practice
) -> None:
    await practice.open("sms")
    if is_owned:
        await owned(practice)
    await text_in(practice, "I waited half an hour last time")
    [task] = await practice.tasks()
    expected = ("claimed", "office-manager") if is_owned else ("open", None)
    assert (task["kind"], task["status"], task["owner"]) == ("read_reply", *expected)
    assert datetime.fromisoformat(task["due_at"]) - datetime.fromisoformat(task["opened_at"]) == timedelta(hours=4)


@pytest.mark.parametrize("kind", ["concern", "message", "text"])
async def test_what_a_client_wrote_is_an_alarm_once_when_nobody_has_answered_in_time(
    kind: str, practice: Practice
) -> None:
    await practice.open("sms")
    if kind == "text":
        await text_in(practice, "I waited half an hour last time")
    else:
        await page(practice, {"body": "I waited half an hour.", "kind": kind})
    await practice.fire_due()
    assert alarms(practice) == 0
    await practice.come_due("task.overdue")
    await practice.fire_due()
    await practice.fire_due()
    assert alarms(practice) == 1


@pytest.mark.parametrize("how", ["written", "called"])
async def test_what_was_answered_in_time_is_no_alarm(how: str, practice: Practice) -> None:
    await practice.open("sms")
    await page(practice, {"body": "I waited half an hour.", "kind": "concern"})
    [task] = await practice.tasks()
    if how == "written":
        await write(practice, "I am sorry.")
    else:
        await close(practice, task, "reached")
    await practice.come_due("task.overdue")
    await practice.fire_due()
    assert alarms(practice) == 0


async def test_a_concern_that_is_answered_by_call_is_read_and_its_page_says_so(practice: Practice) -> None:
    await practice.open("sms")
    await page(practice, {"body": "I waited half an hour.", "kind": "concern"})
    await page(practice, {"body": "May I bring my son?"})
    concern, other = sorted(await practice.tasks(), key=lambda task: str(task["kind"]), reverse=True)
    assert (concern["kind"], other["kind"]) == ("concern", "answer_message")
    await close(practice, concern, "reached")
    listed = await practice.call("GET", path(practice))
    called = {one["body"]: (bool(one["read_at"]), bool(one["called_at"])) for one in listed["items"]}
    assert called == {"I waited half an hour.": (True, True), "May I bring my son?": (False, False)}
    assert [one["unread"] for one in (await practice.call("GET", "/v1/conversations"))["items"]] == [1]
    shown = (await practice.http.get(inbox(practice), headers=HTML)).text
    assert shown.count("Answered by call on") == 1
    await close(practice, other, "done")
    shown = (await practice.http.get(inbox(practice), headers=HTML)).text
    assert shown.count("Answered by call on") == 1, "nobody called about the other one"
    assert [one["unread"] for one in (await practice.call("GET", "/v1/conversations"))["items"]] == [0]


async def test_a_call_is_told_of_in_the_clients_language(practice: Practice) -> None:
    await practice.open("sms")
    await practice.call("PUT", f"/v1/clients/{practice.client}/preferences", json={"language": "es"})
    await page(practice, {"body": "Hola", "kind": "concern"})
    [task] = await practice.tasks()
    await close(practice, task, "reached")
    assert "Respondido por teléfono el" in (await practice.http.get(inbox(practice), headers=HTML)).text
