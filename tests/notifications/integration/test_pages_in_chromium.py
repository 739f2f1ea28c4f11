"""Clients' pages of notifications in a real browser: on a phone, by keyboard, without scripts; axe objects to none."""

import os
from pathlib import Path

import pytest

from tests.notifications.conftest import Practice
from tests.notifications.integration.test_check_ins import asked, check_ins, link_in
from tests.notifications.integration.test_secure_messages import inbox, write
from tests.support.chromium import on_a_phone, open_chromium, press, tab_to, violations

pytestmark = pytest.mark.servers
PICTURES = os.environ.get("RAPPORT_PICTURES")
"""A folder for the pictures in docs/."""


async def test_a_client_writes_and_reads_by_keyboard_alone_without_scripts(practice: Practice) -> None:
    await practice.open("email")
    await write(practice, "I am sorry that you had to wait. May I call you?")
    async with open_chromium() as browser:
        async with on_a_phone(browser, java_script_enabled=False) as page:
            await page.goto(practice.url + inbox(practice))
            await tab_to(page, "Your message")
            await page.keyboard.type("On Thursday, please.")
            await press(page, "Send")
            assert "Sent." in await page.locator("[role=status]").inner_text()
            assert "On Thursday, please." in await page.locator("article").last.inner_text()
            await press(page, "I have read this")
            assert await page.get_by_role("button", name="I have read this").count() == 0
        for scheme in ("light", "dark"):
            async with on_a_phone(browser, color_scheme=scheme) as page:
                for purpose, query in (("inbox", ""), ("inbox", "?sent=true"), ("write", "?empty=true"), ("mails", "")):
                    where = inbox(practice, purpose=purpose).replace("/m/", "/u/" if purpose == "mails" else "/m/")
                    await page.goto(practice.url + where + query)
                    assert await violations(page) == [], f"{purpose}{query}, {scheme}"
                    width = await page.evaluate("document.documentElement.scrollWidth")
                    assert width <= 390, f"{purpose} is wider than the phone"
                    if PICTURES and scheme == "light" and (purpose, query) == ("inbox", ""):
                        await page.screenshot(path=Path(PICTURES) / "inbox.png", animations="disabled")


async def test_one_tap_says_how_a_client_is(practice: Practice) -> None:
    await asked(practice)
    where = practice.url + link_in(practice.outside.texts(practice.phone)[0])
    async with open_chromium() as browser:
        for scheme in ("light", "dark"):
            async with on_a_phone(browser, color_scheme=scheme) as page:
                await page.goto(where)
                assert await violations(page) == [], scheme
                assert await page.evaluate("document.documentElement.scrollWidth") <= 390
                if PICTURES and scheme == "light":
                    await page.screenshot(path=Path(PICTURES) / "check-in.png", animations="disabled")
        async with on_a_phone(browser, java_script_enabled=False) as page:
            await page.goto(where)
            await press(page, "So-so")
            assert "Thank you" in await page.locator("h1").inner_text()
            assert [one["answer"] for one in await check_ins(practice)] == ["so_so"]
        async with on_a_phone(browser) as page:
            await page.goto(where)
            assert await violations(page) == [], "after the answer"
