"""Fixtures of booking's tests."""

from datetime import datetime
from uuid import UUID

import pytest

from tests.conftest import MakeApi
from tests.support.build import NOW
from tests.support.issuer import Issuer
from tests.support.practice import Practice


class ManualClock:
    """The time that the application is told."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def practice(api: MakeApi, issuer: Issuer, tenant: UUID, clock: ManualClock) -> Practice:
    one = Practice(await api("booking", clock=clock), issuer, tenant)
    await one.publish()
    return one
