"""Fixtures of the tests of booking's pages: a practice at three services, running on real ports."""

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest

from tests.conftest import MakeSettings
from tests.support.browser import Browser
from tests.support.issuer import Issuer, practice
from tests.support.town import Town, open_town


@pytest.fixture
async def town(make_settings: MakeSettings, issuer: Issuer) -> AsyncIterator[Town]:
    async with open_town(make_settings, issuer) as running:
        one = replace(running, tenant=practice())
        await one.open_practice()
        yield one


@pytest.fixture
async def phone(town: Town) -> AsyncIterator[Browser]:
    """Somebody's browser, without scripts."""
    async with httpx.AsyncClient(base_url=town.urls["booking"], timeout=30) as http:
        yield Browser(http, town.urls["booking"])
