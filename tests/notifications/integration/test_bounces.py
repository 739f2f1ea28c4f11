"""Mails that come back: the next channel at once, an address of nobody, a complaint, and whatever else comes."""

import asyncio
import time
from email.message import EmailMessage
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from shared.contracts.booking import AppointmentBooked
from tests.notifications.conftest import SOON, Practice
from tests.notifications.unit.test_mail_reports import bounce, complaint
from tests.notifications.visits import NOW_PLAN, visit
from tests.support.build import appointment_event

pytestmark = pytest.mark.servers
PLAN = {"steps": [{"purpose": "reminder", "anchor": "booking", "offset": "PT0S", "channels": ["email", "sms"]}]}


async def mailed(practice: Practice) -> dict[str, Any]:
    """A reminder that has gone by mail."""
    await practice.open("sms", "email")
    await practice.call("POST", "/v1/reminder-plans", 201, json=PLAN)
    now = await practice.now()
    values: dict[str, Any] = {"client_id": practice.client, "start": now + SOON, "booked_at": now, "changed_at": now}
    await practice.follow(appointment_event(AppointmentBooked, **values))
    await practice.fire_due()
    [message] = await practice.messages()
    assert (message["status"], message["channel"]) == ("sent", "email")
    return dict(message)


async def came_back(practice: Practice, raw: bytes, **more: Any) -> Any:
    headers = {"content-type": "message/rfc822", **more.pop("headers", {})}
    return await practice.call("POST", "/v1/inbound/email", content=raw, headers=headers, **more)


def of(message: dict[str, Any], raw: bytes) -> bytes:
    return raw.replace(b"0199f3a2-7c1e-7b6a-9d53-2f1f6a1c9e10", message["id"].encode())


async def test_a_bounce_goes_on_by_the_next_channel_and_the_address_is_not_tried_again(practice: Practice) -> None:
    message = await mailed(practice)
    raw = of(message, bounce(recipient=f"rfc822; {practice.email.upper()}"))
    answer = await came_back(practice, raw)
    assert answer == {"meaning": "failed", "message_id": message["id"]}
    await came_back(practice, raw)
    await practice.fire_due()
    assert len(practice.outside.texts(practice.phone)) == 1
    assert ("reminder", "email", "failed", "smtp_5.1.1") in await practice.decisions()
    found = await practice.call("POST", f"/v1/clients/{practice.client}/secure-messages", 201, json={"body": "Hello"})
    assert found["author"] == "practice"
    await practice.call("PUT", f"/v1/clients/{practice.client}/preferences", json={"channels": ["email"]})
    await practice.fire_due()
    assert ("secure_message", "email", "channel_closed", "nobody_reached") in await practice.decisions()


async def test_where_the_last_channel_fails_too_it_does_not_go_back_to_the_first(practice: Practice) -> None:
    await practice.open("sms", "email")
    await practice.call("POST", "/v1/reminder-plans", 201, json=NOW_PLAN)
    await practice.follow(await visit(practice))
    await practice.fire_due()
    await practice.reported("undelivered", 30003)
    await practice.fire_due()
    [mail] = [one for one in await practice.messages() if one["channel"] == "email"]
    await came_back(practice, of(mail, bounce(status="5.2.2", recipient=f"rfc822;{practice.email}")))
    await practice.fire_due()
    assert [(one["channel"], one["status"]) for one in await practice.messages()] == [
        ("sms", "failed"),
        ("email", "failed"),
    ]


async def test_a_full_mailbox_is_no_wrong_address(practice: Practice) -> None:
    message = await mailed(practice)
    await came_back(practice, of(message, bounce(status="5.2.2", recipient=f"rfc822;{practice.email}")))
    await practice.call("PUT", f"/v1/clients/{practice.client}/preferences", json={"channels": ["email"]})
    await practice.call("POST", f"/v1/clients/{practice.client}/secure-messages", 201, json={"body": "Hello"})
    await practice.fire_due()
    assert len(practice.outside.mails(practice.email)) == 2


@pytest.mark.parametrize("kept", [True, False])
async def test_a_bounce_of_an_address_that_the_client_had_before_says_nothing_of_the_new_one(
    kept: bool, practice: Practice
) -> None:
    """`kept`: to which address the mail went."""
    message = await mailed(practice)
    if not kept:
        async with practice.resources.database.transaction(practice.tenant) as session:
            await session.execute(text("UPDATE messages SET address = NULL"))
    old, practice.email = practice.email, f"new-{practice.email}"
    await practice.open("email")
    await came_back(practice, of(message, bounce(recipient=f"rfc822;{old}")))
    await practice.call("PUT", f"/v1/clients/{practice.client}/preferences", json={"channels": ["email"]})
    await practice.call("POST", f"/v1/clients/{practice.client}/secure-messages", 201, json={"body": "Hello"})
    await practice.fire_due()
    assert any("wrote to you" in mail for mail in practice.outside.mails(practice.email))


async def test_a_bounce_of_where_a_mail_was_forwarded_to_says_nothing_of_the_clients_address(
    practice: Practice,
) -> None:
    message = await mailed(practice)
    await came_back(practice, of(message, bounce(recipient="rfc822;elsewhere@example.org")))
    await practice.call("PUT", f"/v1/clients/{practice.client}/preferences", json={"channels": ["email"]})
    await practice.call("POST", f"/v1/clients/{practice.client}/secure-messages", 201, json={"body": "Hello"})
    await practice.fire_due()
    assert any("wrote to you" in mail for mail in practice.outside.mails(practice.email))


async def test_what_failed_by_mail_does_not_go_by_mail_again_whatever_is_wished_by_then(practice: Practice) -> None:
    message = await mailed(practice)
    await came_back(practice, of(message, bounce(status="5.2.2", recipient=f"rfc822;{practice.email}")))
    await practice.call("PUT", f"/v1/clients/{practice.client}/preferences", json={"channels": ["email"]})
    await practice.fire_due()
    assert len(practice.outside.mails(practice.email)) == 1
    assert ("reminder", None, "not_sent", "no_channel") in await practice.decisions()


async def test_delay_is_on_record_and_changes_nothing(practice: Practice) -> None:
    message = await mailed(practice)
    await came_back(practice, of(message, bounce("delayed", "4.4.1")))
    await practice.fire_due()
    assert ("reminder", "email", "delayed", "smtp_4.4.1") in await practice.decisions()
    assert [one["status"] for one in await practice.messages()] == ["sent"]


async def test_a_complaint_is_a_no_to_mails(practice: Practice) -> None:
    message = await mailed(practice)
    assert (await came_back(practice, of(message, complaint())))["meaning"] == "complaint"
    consents = await practice.call("GET", f"/v1/clients/{practice.client}/consents")
    newest = consents["items"][0]
    assert (newest["channel"], newest["granted"], newest["source"]) == ("email", False, "mail program")


def answered(message: dict[str, Any], words: str) -> bytes:
    letter = EmailMessage()
    letter["Message-ID"], letter["In-Reply-To"] = f"<{uuid4()}@phone.example>", f"<{message['id']}@maple.example>"
    letter.set_content(f"{words}\n\nOn Monday Maple <hello@maple.example> wrote:\n> I want to kill myself\n")
    return letter.as_bytes()


async def test_what_a_client_answers_to_a_mail_is_read_by_a_person_once(practice: Practice) -> None:
    message = await mailed(practice)
    raw = answered(message, "May I come ten minutes later?")
    for _ in range(2):
        assert await came_back(practice, raw) == {"meaning": "reply", "message_id": message["id"]}
    [task] = await practice.tasks()
    assert (task["kind"], task["client_id"]) == ("read_reply", str(practice.client))
    story = await practice.call("GET", f"/v1/tasks/{task['id']}")
    assert story["text"]["body"] == "May I come ten minutes later?"


def fresh(practice: Practice, words: str, **headers: str) -> bytes:
    """A letter of its own, which answers nothing."""
    letter = EmailMessage()
    letter["Message-ID"], letter["From"] = f"<{uuid4()}@phone.example>", f"Sam <{practice.email.upper()}>"
    for name, value in headers.items():
        letter[name.replace("_", "-")] = value
    letter.set_content(words)
    return letter.as_bytes()


@pytest.mark.parametrize(
    ("words", "kind"), [("I want to kill myself", "safety"), ("May I come ten minutes later?", "read_reply")]
)
async def test_a_letter_from_a_clients_address_is_read_by_a_person_once(
    words: str, kind: str, practice: Practice
) -> None:
    await practice.open("email")
    raw = fresh(practice, words, Subject="Hello")
    for _ in range(2):
        assert await came_back(practice, raw) == {"meaning": "reply", "message_id": None}
    [task] = await practice.tasks()
    assert (task["kind"], task["client_id"]) == (kind, str(practice.client))
    await practice.fire_due()
    lines = [one for one in practice.outside.mails(practice.email) if "988" in one]
    assert len(lines) == (kind == "safety")


async def test_a_letter_of_danger_from_an_address_of_two_has_somebody_look_after_both(practice: Practice) -> None:
    await practice.open("email")
    first, practice.client = practice.client, uuid4()
    await practice.open("email")
    await came_back(practice, fresh(practice, "I want to kill myself"))
    assert {(one["kind"], one["client_id"]) for one in await practice.tasks()} == {
        ("safety", str(first)),
        ("safety", str(practice.client)),
    }


async def test_an_answer_to_somebody_elses_mail_is_a_letter_too(practice: Practice) -> None:
    """Some mail programs name their mails as we do."""
    await practice.open("email")
    raw = fresh(practice, "I want to kill myself", In_Reply_To=f"<{uuid4()}@phone.example>")
    assert (await came_back(practice, raw))["meaning"] == "reply"
    assert [one["kind"] for one in await practice.tasks()] == ["safety"]


async def test_a_machine_that_answers_the_crisis_lines_with_them_gets_them_once(practice: Practice) -> None:
    await practice.open("email")
    for _ in range(4):
        await came_back(practice, fresh(practice, "I want to kill myself", Subject="Automatic reply"))
        await practice.fire_due()
    assert len(practice.outside.mails(practice.email)) == 1


async def test_a_machine_that_answers_their_mail_with_them_gets_them_once_too(practice: Practice) -> None:
    await practice.open("email")
    await came_back(practice, fresh(practice, "I want to kill myself"))
    await practice.fire_due()
    [lines] = await practice.messages()
    echo = "Your ticket:\n" + practice.outside.mails(practice.email)[-1]
    for _ in range(3):
        answer = await came_back(practice, fresh(practice, echo, In_Reply_To=f"<{lines['id']}@maple.example>"))
        assert answer["meaning"] == "reply"
        await practice.fire_due()
    assert len(practice.outside.mails(practice.email)) == 1
    assert {one["kind"] for one in await practice.tasks()} == {"safety"}


async def test_who_has_had_the_lines_by_text_has_them_by_mail_too(practice: Practice) -> None:
    """Or another one on their number has: that mail is all that they have written, perhaps."""
    await practice.open("sms", "email")
    await practice.text_from(practice.phone, "I want to kill myself")
    await practice.fire_due()
    await came_back(practice, fresh(practice, "I want to kill myself"))
    await practice.fire_due()
    assert ["988" in one for one in practice.outside.mails(practice.email)] == [True]


@pytest.mark.parametrize("said", ["spf=fail", "dmarc=fail (p=none)"])
async def test_a_letter_that_may_be_forged_ends_no_mails_and_is_read(said: str, practice: Practice) -> None:
    await practice.open("email")
    raw = fresh(practice, "unsubscribe", Authentication_Results=f"mx.maple.example; {said}")
    assert (await came_back(practice, raw))["meaning"] == "reply"
    consents = await practice.call("GET", f"/v1/clients/{practice.client}/consents")
    assert [one["granted"] for one in consents["items"]] == [True]
    assert [one["kind"] for one in await practice.tasks()] == ["read_reply"]


async def test_a_letter_that_says_stop_ends_mails_to_that_address(practice: Practice) -> None:
    await practice.open("email")
    await came_back(practice, fresh(practice, "unsubscribe"))
    consents = await practice.call("GET", f"/v1/clients/{practice.client}/consents")
    assert (consents["items"][0]["channel"], consents["items"][0]["granted"]) == ("email", False)
    assert await practice.tasks() == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Return_Path": "<>"},
        {"List_Id": "<news.example>"},
        {"Precedence": "bulk"},
        {"Auto_Submitted": "auto-replied"},
        {"X_Autoreply": "yes"},
    ],
)
async def test_what_a_machine_writes_from_a_clients_address_is_nothing(
    headers: dict[str, str], practice: Practice
) -> None:
    await practice.open("email")
    raw = fresh(practice, "I want to kill myself", **headers)
    assert (await came_back(practice, raw))["meaning"] == "nothing"


async def test_a_letter_from_an_address_that_nobody_has_is_nothing(practice: Practice) -> None:
    raw = fresh(practice, "I want to kill myself")
    assert (await came_back(practice, raw))["meaning"] == "nothing"
    assert await practice.tasks() == []


async def test_words_of_danger_in_an_answer_to_a_mail_reach_a_person(practice: Practice) -> None:
    message = await mailed(practice)
    await came_back(practice, answered(message, "I want to die"))
    assert [one["kind"] for one in await practice.tasks()] == ["safety"]
    await practice.fire_due()
    assert "988" in practice.outside.mails(practice.email)[-1]
    assert len(practice.outside.mails(f"desk-{practice.tenant}@maple.example")) == 1
    await practice.follow(await visit(practice))
    await practice.fire_due()
    assert ("reminder", None, "not_sent", "paused_for_safety") in await practice.decisions()


async def test_stop_in_an_answer_to_a_mail_is_a_no_to_mails(practice: Practice) -> None:
    message = await mailed(practice)
    await came_back(practice, answered(message, "Stop"))
    newest = (await practice.call("GET", f"/v1/clients/{practice.client}/consents"))["items"][0]
    assert (newest["channel"], newest["granted"], newest["source"]) == ("email", False, "email")


async def test_a_complaint_about_a_mail_to_the_old_address_is_a_no_to_that_one(practice: Practice) -> None:
    message = await mailed(practice)
    old, contact = practice.email, await practice.call("GET", f"/v1/clients/{practice.client}/contact")
    path = f"/v1/clients/{practice.client}/contact"
    await practice.call("PUT", path, json=contact | {"email": "new@example.org"})
    await practice.consent("email")
    await came_back(practice, of(message, complaint()))
    async with practice.resources.database.transaction(practice.tenant) as session:
        said = await session.execute(text("SELECT address, granted FROM consents WHERE source = 'mail program'"))
        assert [tuple(one) for one in said] == [(old, False)]


async def newest_consent(practice: Practice) -> tuple[str, bool, str]:
    newest = (await practice.call("GET", f"/v1/clients/{practice.client}/consents"))["items"][0]
    return newest["address"], newest["granted"], newest["source"]


async def test_stop_from_an_address_that_the_client_had_before_is_a_no_for_that_one(practice: Practice) -> None:
    message = await mailed(practice)
    old, practice.email = practice.email, f"new-{practice.email}"
    await practice.open("email")
    await came_back(practice, answered(message, "Stop\n\nAnd I can't come on Monday."))
    assert await newest_consent(practice) == (old, False, "email")
    assert [one["kind"] for one in await practice.tasks()] == ["read_reply"], "what else was written"
    await practice.call("PUT", f"/v1/clients/{practice.client}/preferences", json={"channels": ["email"]})
    await practice.call("POST", f"/v1/clients/{practice.client}/secure-messages", 201, json={"body": "Hello"})
    await practice.fire_due()
    assert any("wrote to you" in mail for mail in practice.outside.mails(practice.email))


@pytest.mark.parametrize("same", [True, False])
async def test_stop_to_a_mail_of_which_nobody_knows_where_it_went(same: bool, practice: Practice) -> None:
    message = await mailed(practice)
    async with practice.resources.database.transaction(practice.tenant) as session:
        await session.execute(text("UPDATE messages SET address = NULL"))
    sender = practice.email.upper() if same else "else@example.org"
    await came_back(practice, f"From: Maria <{sender}>\r\n".encode() + answered(message, "Stop"))
    address, granted, _ = await newest_consent(practice)
    assert (address, granted) == (practice.email, not same)
    assert [one["kind"] for one in await practice.tasks()] == ([] if same else ["read_reply"])


async def test_words_of_danger_below_a_quotation_reach_a_person(practice: Practice) -> None:
    message = await mailed(practice)
    await came_back(practice, answered(message, "Hello") + b"\nI want to kill myself\n")
    assert [one["kind"] for one in await practice.tasks()] == ["safety"]


@pytest.mark.parametrize(
    "body",
    [
        b"Content-Type: text/plain; charset=idna\r\n\r\nHi",
        b"Content-Type: text/plain; charset=unicode_escape\r\n\r\n\\ud800 Hi",
        b"Content-Type: message/rfc822\r\n\r\n" * 3_000 + b"Hi",
        b"Subject: \x00\xff\r\n\r\nH\x00i\xff",
    ],
)
async def test_an_answer_that_can_hardly_be_read_is_a_persons_to_read(body: bytes, practice: Practice) -> None:
    message = await mailed(practice)
    head = f"In-Reply-To: <{message['id']}@maple.example>\r\nMessage-ID: <a\x00{uuid4()}>\r\n".encode()
    for _ in range(2):
        assert await came_back(practice, head + body) == {"meaning": "reply", "message_id": message["id"]}
    assert [one["kind"] for one in await practice.tasks()] == ["read_reply"]


async def test_others_do_not_wait_while_a_long_mail_is_read(practice: Practice) -> None:
    message = await mailed(practice)
    begun, longest = time.monotonic(), 0.0
    taken = asyncio.create_task(came_back(practice, answered(message, "a b " * 75_000)))
    while not taken.done():
        asleep = time.monotonic()
        await asyncio.sleep(0.01)
        longest = max(longest, time.monotonic() - asleep)
    assert (await taken)["meaning"] == "reply"
    assert longest < (time.monotonic() - begun) / 2


async def test_mails_return_to_where_the_practice_says(practice: Practice) -> None:
    await practice.open("email")
    sender = await practice.call("GET", "/v1/sender")
    await practice.call("PUT", "/v1/sender", json=sender | {"bounces_to": "bounces@maple.example"})
    await practice.call("POST", f"/v1/clients/{practice.client}/secure-messages", 201, json={"body": "Hello"})
    await practice.fire_due()
    [mail] = practice.outside.carrier.store.find(to=practice.email, channel="email")
    assert (mail.returns_to, mail.sender) == ("bounces@maple.example", "hello@maple.example")


@pytest.mark.parametrize("raw", [b"", b"Subject: Out of office\r\n\r\nI am away.\r\n", bounce(), complaint()])
async def test_anything_else_is_taken_and_changes_nothing(practice: Practice, raw: bytes) -> None:
    await mailed(practice)
    unknown = raw.replace(b"0199f3a2-7c1e-7b6a-9d53-2f1f6a1c9e10", str(uuid4()).encode())
    assert (await came_back(practice, unknown)) == {"meaning": "nothing", "message_id": None}
    assert [one["status"] for one in await practice.messages()] == ["sent"]


async def test_who_may_hand_them_in(practice: Practice) -> None:
    message = await mailed(practice)
    raw = of(message, bounce())
    await came_back(practice, raw, headers=practice.headers("client", client_id=practice.client), expect=403)
    assert (await practice.http.post("/v1/inbound/email", content=raw)).status_code == 401
    mine, practice.tenant = practice.tenant, uuid4()
    assert (await came_back(practice, raw))["meaning"] == "nothing", "another practice's mail"
    practice.tenant = mine
    assert UUID(message["id"]) and [one["status"] for one in await practice.messages()] == ["sent"]
    await came_back(practice, b"x" * 2_000_000, expect=413)
