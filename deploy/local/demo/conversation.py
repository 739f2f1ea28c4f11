"""An act of its own: a client answers a text with a digit, opts out and in again, reads and writes on the page."""

from datetime import UTC, datetime, timedelta
from typing import Any

from deploy.local.demo.actors import Browser, Caller, Mailbox, link_in
from deploy.local.demo.timeline import Timeline
from deploy.local.demo.waitlist import AHEAD, Until, book_soon, new_client

ANSWER = "Your first visit takes a little longer. May I call you before?"
WORRY = "I would rather not be called at work."
ASKS = {
    "steps": [
        {
            "purpose": "confirm_request",
            "anchor": "booking",
            "offset": "PT0S",
            "channels": ["sms"],
            "when": {"first_visit": True, "unconfirmed": True},
        }
    ]
}


async def have_a_conversation(
    staff: Caller, mailbox: Mailbox, type_id: str, zone: str, time: Timeline, until: Until
) -> None:
    """Raises DemoFailed at the first check that doesn't hold."""
    call = staff.call
    await call("POST", "notifications", "/v1/reminder-plans", expect=201, json=ASKS)
    client = await new_client(staff, "Robin Vega", zone)
    # Later than the act before, whose bookings availability may not have heard of yet.
    visit = await book_soon(staff, client, type_id, AHEAD + timedelta(minutes=10))
    asked = await mailbox.wait(client.phone, "1 yes 2 move 3 no")
    answered = datetime.now(UTC)
    await mailbox.reply(asked, "1")

    async def confirmed() -> dict[str, Any] | None:
        found: dict[str, Any] = await call("GET", "booking", f"/v1/appointments/{visit['id']}")
        return found if found["confirmed_at"] else None

    found, _ = await until("the visit is confirmed", confirmed)
    time.check((found["status"], found["changed_by"]) == ("booked", "client"), "a digit confirms the visit")
    thanks = await mailbox.wait(client.phone, "thank you, see you")
    took = (datetime.fromisoformat(thanks["at"]) - answered).total_seconds()
    time.step("client", "answers a text with 1: the visit is confirmed, and the client thanked", latency=took)
    await mailbox.reply(thanks, "Stop.")
    last = await mailbox.wait(client.phone, "no more texts")
    consents = await call("GET", "notifications", f"/v1/clients/{client.id}/consents")
    time.check(consents["items"][0]["granted"] is False, "STOP is on record as a no")
    await mailbox.reply(last, "START")
    await mailbox.wait(client.phone, "texts are on again")
    consents = await call("GET", "notifications", f"/v1/clients/{client.id}/consents")
    time.check(consents["items"][0]["granted"] is True, "START is on record as a yes")
    time.step("client", "opts out by text, and in again")
    await call("POST", "notifications", f"/v1/clients/{client.id}/secure-messages", expect=201, json={"body": ANSWER})
    notice = await mailbox.wait(client.phone, "wrote to you")
    time.check(ANSWER not in notice["text"], "what the practice writes stays in the house")
    await read_and_worry(notice, staff, Browser(mailbox.http), client.id, time)
    # Of both the practice's messages there is a text: the client had read the first when the second was written.
    texts = ["confirm_request", "answer_confirm", "opt_out_confirmation", "opt_in_confirmation"]
    expected = [*texts, "secure_message", "secure_message"]

    async def on_record() -> bool:
        # The phone is a moment faster than the commit.
        why = await call("GET", "notifications", f"/v1/clients/{client.id}/explain")
        return [one["purpose"] for one in why["items"] if one["outcome"] == "sent"] == expected

    await until("each text is on record with its reason", on_record)


async def read_and_worry(
    notice: dict[str, Any], staff: Caller, browser: Browser, client_id: str, time: Timeline
) -> None:
    """By the link in a text the client reads the answer on the page, and says what worries them."""
    link = link_in(notice)
    page = await browser.open(link)
    time.check(ANSWER in page, "the page shows what the practice wrote")
    await browser.send(f"{link}/read")
    await browser.send(link, body=WORRY, kind="concern")
    path = f"/v1/clients/{client_id}/secure-messages"
    listed = await staff.call("GET", "notifications", path)
    time.check(listed["unread_by_client"] == 0, "the client has said that they have read it")
    found = await staff.call("GET", "notifications", "/v1/tasks", params={"client_id": client_id, "kind": "concern"})
    time.check(len(found["items"]) == 1, "what worries a client is a task with a due time")
    await staff.call("POST", "notifications", path, expect=201, json={"body": "Thank you, noted."})
    done = await staff.call("GET", "notifications", f"/v1/tasks/{found['items'][0]['id']}")
    time.check((done["status"], done["outcome"]) == ("closed", "done"), "the answer closes it")
    time.step("client", "reads the practice's answer on the page, and voices a concern, which is answered")
