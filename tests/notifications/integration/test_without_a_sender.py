"""Words of danger to a practice that has not said yet from where it writes and whom to alert."""

from datetime import datetime, timedelta

import pytest

from tests.notifications.conftest import Practice

pytestmark = pytest.mark.servers


@pytest.mark.parametrize(
    ("body", "language", "says"),
    [
        ("I want to kill myself", None, "Call or text 988"),
        ("quiero morir", None, "escriba al 988"),
        ("I want to kill myself", "es", "escriba al 988"),
        ("HELP", None, "Call or text 988"),
    ],
)
async def test_without_a_sender_the_crisis_lines_go_back_with_the_carriers_answer(
    body: str, language: str | None, says: str, practice: Practice
) -> None:
    await practice.call("PUT", f"/v1/clients/{practice.client}/contact", json={"phone": practice.phone})
    if language:
        await practice.call("PUT", f"/v1/clients/{practice.client}/preferences", json={"language": language})
    assert says in (await practice.text_from(practice.phone, body)).text
    await practice.fire_due()
    purpose = "help" if body == "HELP" else "safety"
    assert (purpose, "sms", "answered", "no_sender") in await practice.decisions()
    assert await practice.messages() == []


@pytest.mark.parametrize("body", ["I want to kill myself", "HELP"])
async def test_to_a_number_that_is_no_clients_they_go_back_again_where_the_carrier_has_lost_them(
    body: str, practice: Practice
) -> None:
    await practice.open("sms")
    for _ in range(2):
        said = await practice.text_from("+12025550166", body, MessageSid="SM0123")
        assert "988" in said.text
    assert len(await practice.tasks()) == (1 if body != "HELP" else 0)


async def test_without_a_sender_danger_is_an_urgent_task_and_the_mail_goes_as_soon_as_there_is_an_address(
    practice: Practice,
) -> None:
    await practice.call("PUT", f"/v1/clients/{practice.client}/contact", json={"phone": practice.phone})
    await practice.text_from(practice.phone, "I want to kill myself")
    [task] = await practice.tasks()
    assert (task["kind"], task["client_id"], task["status"]) == ("safety", str(practice.client), "open")
    due = datetime.fromisoformat(task["due_at"]) - datetime.fromisoformat(task["opened_at"])
    assert due == timedelta(minutes=15)
    assert (await practice.call("GET", f"/v1/clients/{practice.client}/pause"))["reason"] == "safety"
    await practice.fire_due()
    await practice.open("sms")
    await practice.come_due("task.alert")
    await practice.fire_due()
    assert len(practice.outside.mails(f"desk-{practice.tenant}@maple.example")) == 1


async def test_without_a_sender_no_mail_follows_once_somebody_has_seen_to_the_task(practice: Practice) -> None:
    await practice.call("PUT", f"/v1/clients/{practice.client}/contact", json={"phone": practice.phone})
    await practice.text_from(practice.phone, "I want to kill myself")
    [task] = await practice.tasks()
    await practice.call("POST", f"/v1/tasks/{task['id']}/claim")
    await practice.fire_due()
    await practice.open("sms")
    await practice.come_due("task.alert")
    await practice.fire_due()
    assert practice.outside.mails(f"desk-{practice.tenant}@maple.example") == []
