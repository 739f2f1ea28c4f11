"""An act of its own: somebody calls a visit off, and the one who waits for a time like that has it a moment later."""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from deploy.local.demo.actors import Browser, Caller, Mailbox, link_in
from deploy.local.demo.timeline import Timeline

AHEAD = timedelta(minutes=30)
"""How far ahead the freed visit is: an offer stands for five minutes at least."""
RULES = {"open_for": "PT5M", "cut_off": "PT0S", "earliest": "00:00:00", "latest": "23:59:59"}
Until = Callable[[str, Callable[[], Awaitable[Any]]], Awaitable[tuple[Any, float]]]


@dataclass
class Someone:
    """A client with a phone."""

    id: str
    phone: str


async def fill_a_cancellation(
    staff: Caller, browser: Browser, mailbox: Mailbox, type_id: str, zone: str, time: Timeline, until: Until
) -> None:
    """Raises DemoFailed at the first check that doesn't hold."""
    call = staff.call
    await call("PUT", "booking", "/v1/waitlist/rules", json=RULES, headers={"if-match": '"0"'})
    has_time, waits = await new_client(staff, "Alex Moreau", zone), await new_client(staff, "Kim Doe", zone)
    visit = await book_soon(staff, has_time, type_id)
    wish = {"client_id": waits.id, "appointment_type_id": type_id, "zone": zone}
    entry = await call("POST", "booking", "/v1/waitlist", expect=201, json=wish)
    time.step("client", "joins the waitlist")
    await call("POST", "booking", f"/v1/appointments/{visit['id']}/cancel", json={"reason": "illness"})
    freed = datetime.now(UTC)

    async def offered() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await call("GET", "booking", f"/v1/waitlist/{entry['id']}/offers"))["items"]
        return found

    await until("the freed time is offered", offered)
    message = await mailbox.wait(waits.phone, "first come")
    took = (datetime.fromisoformat(message["at"]) - freed).total_seconds()
    time.step("client's phone", "is offered the time that another client gave back", latency=took)
    link = link_in(message)
    page = await browser.open(link)
    time.check("A time is free" in page, "the link opens the freed time")
    again = await browser.open(link)
    time.check("Take this time" in again, "looking at it changes nothing")
    page = await browser.send(f"{link}/accept")
    time.check("It's yours" in page or "It&#39;s yours" in page, "one tap takes it")

    async def filled() -> dict[str, Any] | None:
        found: dict[str, Any] = await call("GET", "booking", f"/v1/waitlist/{entry['id']}")
        return found if found["status"] == "filled" else None

    place, _ = await until("the place on the waitlist is filled", filled)
    visit = await call("GET", "booking", f"/v1/appointments/{place['appointment_id']}")
    time.check((visit["status"], visit["client_id"]) == ("booked", waits.id), "the cancellation is filled")
    time.check([offer["fate"] for offer in await offered()] == ["accepted"], "it is on record what became of the offer")
    time.step("client", "takes it with one tap: the cancellation is filled from the waitlist")


async def new_client(staff: Caller, name: str, zone: str) -> Someone:
    client = await staff.call("POST", "booking", "/v1/clients", expect=201, json={"name": name})
    phone = f"+1202555{secrets.randbelow(8999) + 1000:04d}"
    path = f"/v1/clients/{client['id']}"
    await staff.call("PUT", "notifications", f"{path}/contact", json={"phone": phone, "zone": zone})
    consent = {"channel": "sms", "granted": True, "wording_version": "2026-01", "source": "intake form"}
    await staff.call("POST", "notifications", f"{path}/consents", expect=201, json=consent)
    return Someone(client["id"], phone)


async def book_soon(staff: Caller, client: Someone, type_id: str, ahead: timedelta = AHEAD) -> dict[str, Any]:
    begin = datetime.now(UTC) + ahead
    query = {
        "appointment_type": type_id,
        "from": begin.isoformat(),
        "to": (begin + timedelta(minutes=5)).isoformat(),
        "modality": "in_person",
        "limit": "1",
    }
    found = await staff.call("GET", "availability", "/v1/slots", params=query)
    body = {"slot": found["items"][0]["slot"], "client_id": client.id}
    return dict(await staff.call("POST", "booking", "/v1/appointments", expect=201, json=body))
