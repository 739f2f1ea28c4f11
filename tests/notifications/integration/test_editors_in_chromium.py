"""The editors of plans and flows in a real browser: a phone's, by keyboard, without scripts; axe objects to nothing."""

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page

from shared.console import COOKIE
from tests.notifications.conftest import Practice
from tests.notifications.integration.test_console import token
from tests.notifications.integration.test_pages_in_chromium import PICTURES
from tests.support.chromium import on_a_phone, open_chromium, press, tab_to, violations

pytestmark = pytest.mark.servers


async def signed_in(phone: Page, practice: Practice) -> None:
    cookie: Any = {"name": COOKIE, "value": token(practice), "url": practice.url}
    await phone.context.add_cookies([cookie])


async def focused(phone: Page) -> str:
    """The id of what has the focus."""
    found: str = await phone.evaluate("document.activeElement.id")
    return found


async def retype(phone: Page, text: str) -> None:
    """Over what stands in the field that has the focus."""
    await phone.keyboard.press("Control+A")
    await phone.keyboard.type(text)


async def test_a_flow_is_mended_looked_at_and_published_by_keyboard_alone_without_scripts(practice: Practice) -> None:
    await practice.open()
    async with open_chromium() as browser, on_a_phone(browser, java_script_enabled=False) as phone:
        await signed_in(phone, practice)
        await phone.goto(practice.url + "/console")
        await press(phone, "Outreach flow")
        await press(phone, "Edit")
        await press(phone, "Move step 3 up")
        assert await focused(phone) == "step-1"
        await press(phone, "Add a step")
        assert await focused(phone) == "step-4"
        await tab_to(phone, "How long after the miss")
        await retype(phone, "8")
        await tab_to(phone, "Task for a person")
        await retype(phone, "write_a_card")
        await tab_to(phone, "Given up after")
        await retype(phone, "a while")
        async with phone.expect_navigation():
            await phone.keyboard.press("Enter")
        # Enter in a field only looks, and what is wrong is where one stands.
        assert await focused(phone) == "told"
        await phone.keyboard.press("Tab")
        await phone.keyboard.press("Enter")
        assert await focused(phone) == "f-gives_up_after"
        await retype(phone, "9")
        await press(phone, "Check and look")
        # The step that was moved up comes before its time now.
        assert await focused(phone) == "told"
        assert "Step 3, How long after the miss" in await phone.locator("#told").inner_text()
        await press(phone, "Move step 2 down")
        await press(phone, "Check and look")
        assert await focused(phone) == "preview"
        assert "Step 5: write a card" in await phone.locator("section").inner_text()
        await press(phone, "Publish")
        assert await phone.locator("[role=status]").inner_text() == "Version 1 is published."
    published = (await practice.call("GET", "/v1/outreach-flows/current"))["flow"]
    assert [(step["after"], step["task"] or step["message"]) for step in published["steps"]] == [
        ("PT0S", "missed_you"),
        ("P1D", "barrier_question"),
        ("P3D", "call_client"),
        ("P7D", "closing"),
        ("P8D", "write_a_card"),
    ]
    assert published["gives_up_after"] == "P9D"


async def test_nothing_in_the_editors_is_for_axe_to_object_to(practice: Practice) -> None:
    await practice.open()
    await practice.call("POST", "/v1/reminder-plans", 201, json={"steps": [{"offset": "PT2H", "channels": ["sms"]}]})

    async def fine(phone: Page, where: str) -> None:
        assert await violations(phone) == [], where
        width = await phone.evaluate("document.documentElement.scrollWidth")
        assert width <= 390, f"{where} is wider than the phone"

    async with open_chromium() as browser:
        for scheme in ("light", "dark"):
            async with on_a_phone(browser, color_scheme=scheme) as phone:
                await signed_in(phone, practice)
                for what in ("plans", "flows"):
                    for page in ("", "/0", "/edit"):
                        await phone.goto(f"{practice.url}/console/{what}{page}")
                        await fine(phone, f"{what}{page}, {scheme}")
                    await phone.get_by_role("button", name="Check and look").first.click()
                    await phone.locator("#preview").wait_for()
                    await fine(phone, f"preview of {what}, {scheme}")
                    await phone.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
                    await fine(phone, f"{what} all open, {scheme}")
                    await phone.get_by_label("Percent of the clients held out").fill("51")
                    await phone.get_by_label("How long").first.fill("some")
                    await phone.locator("[name='steps.0.channels.0']").select_option("")
                    await phone.locator("[name='steps.0.when.misses_at_least']").fill("some")
                    await phone.get_by_role("button", name="Publish").last.click()
                    await phone.locator("#told").wait_for()
                    await fine(phone, f"{what} with faults, {scheme}")
                    if PICTURES and (scheme, what) == ("light", "flows"):
                        await phone.set_viewport_size({"width": 390, "height": 1150})
                        await phone.screenshot(path=Path(PICTURES) / "flow-editor.png", animations="disabled")
