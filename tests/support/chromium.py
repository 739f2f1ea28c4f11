"""A real Chromium for the tests of pages: the machine's, Playwright's own, or Debian's where root may install it."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped] # it has no types
from playwright.async_api import Browser, Page, ViewportSize, async_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
REQUIRED = "RAPPORT_BROWSER_REQUIRED"
"""Set where a missing browser is a failure and not a skipped test."""

WCAG_22_AA = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PHONE: ViewportSize = {"width": 390, "height": 844}


def _machines() -> str | None:
    return next(filter(None, map(shutil.which, NAMES)), None)


def _find(own: str) -> str | None:
    return _machines() or (own if Path(own).exists() else None) or _install()


def _install() -> str | None:
    """Debian's package, if this is Debian and we are root."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return None
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update"], ["apt-get", "install", "-y", "--no-install-recommends", "chromium"]):
        try:
            subprocess.run(command, env=environment, capture_output=True, check=False, timeout=240)
        except subprocess.TimeoutExpired:
            return None
    return _machines()


@asynccontextmanager
async def open_chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        path = await asyncio.to_thread(_find, playwright.chromium.executable_path)
        if path is None:
            reason = "no Chromium on this machine, and none could be installed"
            if os.environ.get(REQUIRED):
                pytest.fail(reason)
            pytest.skip(reason)
        flags = ["--disable-dev-shm-usage"] + (["--no-sandbox"] if os.geteuid() == 0 else [])
        browser = await playwright.chromium.launch(executable_path=path, args=flags)
        yield browser
        await browser.close()


@asynccontextmanager
async def on_a_phone(browser: Browser, **options: Any) -> AsyncIterator[Page]:
    """A page of a phone's size. The policy of the page itself would keep axe out, so tests may step over it."""
    context = await browser.new_context(viewport=PHONE, has_touch=True, bypass_csp=True, **options)
    context.set_default_timeout(15_000)
    yield await context.new_page()
    await context.close()


async def violations(page: Page) -> list[str]:
    """What axe finds against WCAG 2.2 AA, and against good practice."""
    found = await Axe().run(page, options={"runOnly": {"type": "tag", "values": WCAG_22_AA}})
    return [
        f"{item['id']}: {node['target']} {node['failureSummary']}"
        for item in found.response["violations"]
        for node in item["nodes"]
    ]


async def press(page: Page, words: str) -> None:
    """Goes to a link or button by the Tab key alone, as who has no mouse does, and presses Enter."""
    await tab_to(page, words)
    async with page.expect_navigation():
        await page.keyboard.press("Enter")


async def tab_to(page: Page, words: str) -> None:
    """Moves the focus by Tab to what is called so. Fails when it can't be reached."""
    for _ in range(400):
        await page.keyboard.press("Tab")
        if (await _focused(page)).startswith(words):
            return
    pytest.fail(f"“{words}” can't be reached by keyboard on {page.url}")


async def _focused(page: Page) -> str:
    name: str = await page.evaluate(
        """() => { const at = document.activeElement; if (!at) return "";
        const label = at.id && document.querySelector(`label[for="${at.id}"]`) || at.closest("label");
        return (at.getAttribute("aria-label") || (label && label.innerText) || at.innerText || "").trim(); }"""
    )
    return name
