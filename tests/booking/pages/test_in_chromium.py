"""Booking's pages in a real browser: on a phone, by keyboard alone, without scripts; and axe objects to nothing."""

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page

from tests.support.chromium import on_a_phone, open_chromium, press, tab_to, violations
from tests.support.town import Town

pytestmark = pytest.mark.servers

PICTURES = os.environ.get("RAPPORT_PICTURES")
"""Where to keep pictures for the docs; none are made without it."""
PICTURED = ("times", "review", "visit", "visit-move", "offer", "portal")


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    async with open_chromium() as browser:
        yield browser


@pytest.fixture
async def phone(chromium: Browser) -> AsyncIterator[Page]:
    """Without scripts, as some phones are set."""
    async with on_a_phone(chromium, java_script_enabled=False) as page:
        yield page


@pytest.fixture
async def visit(town: Town) -> dict[str, Any]:
    return await town.book(await town.client())


async def heading(page: Page) -> str:
    return await page.locator("h1").inner_text()


async def test_somebody_new_books_by_keyboard_alone_without_scripts(phone: Page, town: Town) -> None:
    await phone.goto(town.page)
    await press(phone, "Follow-up")
    assert await heading(phone) == "Follow-up: choose a time"
    await press(phone, "Tuesday 3 March, 9:30 am")
    assert await heading(phone) == "Is this right?"
    await press(phone, "I need more time")
    for field, value in (("Your name", "Kim Doe"), ("E-mail", "kim@example.org"), ("Phone", "202 555 0147")):
        await tab_to(phone, field)
        await phone.keyboard.type(value)
    await tab_to(phone, "Text me about my visits")
    await phone.keyboard.press("Space")
    await press(phone, "Book this visit")
    assert await heading(phone) == "Your visit"
    assert "Tuesday 3 March, 9:30 am (EST)" in await phone.inner_text("main")
    [visit] = await town.visits()
    assert (visit["status"], visit["start"]) == ("booked", "2026-03-03T14:30:00Z")


async def test_a_mistake_is_said_where_it_is_and_the_link_leads_to_the_field(phone: Page, town: Town) -> None:
    await phone.goto(town.page)
    await press(phone, "Follow-up")
    await press(phone, "Tuesday 3 March, 9:30 am")
    await press(phone, "Book this visit")
    assert await phone.locator("[role=alert] a").all_inner_texts() == [
        "Enter your name.",
        "Enter an e-mail address or a phone number, so that we can reach you.",
    ]
    assert await phone.locator("#name").get_attribute("aria-describedby") == " name-error"
    assert await town.visits() == []


async def test_a_visit_is_changed_by_keyboard_alone_without_scripts(
    phone: Page, town: Town, visit: dict[str, Any]
) -> None:
    await phone.goto(town.link(visit))
    await press(phone, "I'll be there")
    await press(phone, "Change the time")
    await press(phone, "Tuesday 3 March, 6:00 pm")
    await press(phone, "Move it")
    assert "Tuesday 3 March, 6:00 pm" in await phone.inner_text("main")
    assert (await town.visit(visit["id"]))["start"] == "2026-03-03T23:00:00Z"


async def test_a_visit_is_cancelled_by_keyboard_alone_without_scripts(
    phone: Page, town: Town, visit: dict[str, Any]
) -> None:
    await phone.goto(town.link(visit))
    await press(phone, "Cancel the visit")
    await tab_to(phone, "The time does not suit me")
    await phone.keyboard.press("ArrowDown")
    await press(phone, "Cancel the visit")
    assert await heading(phone) == "This visit was cancelled"
    found = await town.visit(visit["id"])
    assert (found["status"], found["reason_code"]) == ("cancelled", "illness")


async def test_nothing_on_any_page_is_for_axe_to_object_to(
    chromium: Browser, town: Town, visit: dict[str, Any]
) -> None:
    """Each page in each state that it has, in daylight and in the dark."""
    client = visit["client_id"]
    wish = {"client_id": client, "appointment_type_id": visit["appointment_type_id"], "zone": "America/New_York"}
    await town.call("booking", "POST", "/v1/waitlist", 201, json=wish | {"swaps": visit["id"]})
    offer = await town.offer(datetime(2026, 3, 3, 15, tzinfo=UTC))
    cancelled = await town.book(client, 60)
    await town.call("booking", "POST", f"/v1/appointments/{cancelled['id']}/cancel", json={"reason": "illness"})
    link, booking = town.link(visit), town.urls["booking"]
    for scheme in ("light", "dark"):
        async with on_a_phone(chromium, color_scheme=scheme) as page:

            async def look(name: str, page: Page = page, scheme: str = scheme) -> None:
                assert await violations(page) == [], f"{name}, {scheme}"
                width = await page.evaluate("document.documentElement.scrollWidth")
                assert width <= 390, f"{name} is wider than the phone"
                if PICTURES and scheme == "light" and name in PICTURED:
                    await page.screenshot(path=Path(PICTURES) / f"{name}.png", animations="disabled")

            await page.goto(town.page)
            await look("book")
            await page.get_by_role("link", name="Follow-up").click()
            await look("times")
            await page.get_by_role("button", name="Wednesday 4 March, 10:00 am").first.click()
            await look("review")
            await page.get_by_role("button", name="Book this visit").click()
            await look("review-with-mistakes")
            await page.get_by_role("button", name="Choose another time").click()
            for path, name in (
                (link, "visit"),
                (f"{link}/times", "visit-times"),
                (f"{link}/times?modality=telehealth&part=weekend", "visit-by-video"),
                (f"{link}/cancel", "visit-cancel"),
                (town.link(cancelled), "visit-cancelled"),
                (offer, "offer"),
                (f"{booking}/me/{town.sign('client', client)}", "portal"),
                (f"{booking}/a/{'A' * 64}", "no-such-link"),
            ):
                await page.goto(path)
                await look(name)
            await page.goto(f"{link}/times")
            await page.get_by_role("button", name="Wednesday 4 March").first.click()
            await look("visit-move")


async def test_nothing_on_a_visits_page_is_for_axe_to_object_to_whatever_became_of_the_visit(
    chromium: Browser, town: Town, visit: dict[str, Any]
) -> None:
    policy = {"late_within": "P1D", "video_link": "https://video.example.org/{room}", "self_booking": "anyone"}
    version = (await town.call("booking", "GET", "/v1/policy"))["version"]
    await town.call("booking", "PUT", "/v1/policy", json=policy, headers={"if-match": f'"{version}"'})
    start = datetime.fromisoformat(visit["start"])
    video = await town.book(await town.client(), 1, "telehealth")
    assert video["start"] == visit["start"]
    missed, arrived = [await town.book(await town.client(), number) for number in (4, 8)]
    wish = {"client_id": visit["client_id"], "appointment_type_id": visit["appointment_type_id"], "zone": "UTC"}
    await town.call("booking", "POST", "/v1/waitlist", 201, json=wish)
    offer = await town.offer(start + timedelta(days=1))
    for scheme in ("light", "dark"):
        async with on_a_phone(chromium, color_scheme=scheme) as page:

            async def look(path: str, words: str, page: Page = page, scheme: str = scheme) -> None:
                await page.goto(path)
                text = await page.inner_text("main")
                assert words in text, f"{words}: {text}"
                assert await violations(page) == [], f"{words}, {scheme}"

            if scheme == "light":
                town.clock.now = start - timedelta(minutes=10)
                await look(town.link(video), "Join the video visit")
                await look(town.link(visit), "Running late?")
                await page.get_by_role("button", name="10 minutes").click()
                for one in (missed, arrived):
                    assert one["start"] < (start + timedelta(hours=12)).isoformat()
                await town.call("booking", "POST", f"/v1/appointments/{arrived['id']}/check-in")
                await look(town.link(visit), "about 10 minutes late")
                town.clock.now = start + timedelta(hours=12)
                await town.notice_misses()
            await look(town.link(arrived), "Good to see you")
            await look(town.link(missed), "We missed you")
            await look(offer, "not on offer any more")
            await look(f"{town.urls['booking']}/me/{town.sign('client', missed['client_id'])}", "we missed you")
    await town.call("booking", "POST", f"/v1/appointments/{arrived['id']}/complete")
    async with on_a_phone(chromium) as page:
        await page.goto(town.link(missed))
        await page.get_by_role("button", name="in person").first.click()
        assert await heading(page) == "You're booked"
        assert await violations(page) == []
        await page.goto(town.link(arrived))
        assert await heading(page) == "Thank you for coming"
        assert await violations(page) == []
