"""Several texts with the same words, to one number: a carrier's list tells how many it has, and not which."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from services.notifications.clients.phone import PhoneCarrier, Taken
from tests.notifications.conftest import Practice
from tests.notifications.integration.test_unknown_outcomes import ASKED_NOW, FIELDS, both_lost
from tests.notifications.vendors import carried_by

pytestmark = pytest.mark.servers
WORDS = "of both"
UNCOUNTED = {"steps": [{**ASKED_NOW["steps"][0], "purpose": "confirmation", "when": {}}]}
"""Those that count go one after the other to a client anyway."""


class Lists(PhoneCarrier):
    """A carrier with so many texts of these words; whoever asks for its list waits for the others that ask."""

    async def taken(self, *asked: Any) -> list[Taken]:
        await barrier.wait()
        return [Taken(asked[-1], one, WORDS) for one in has]


barrier = asyncio.Barrier(1)
has: list[str] = []


async def alike(practice: Practice, *carried: str) -> list[str]:
    """Two lost texts, by their ids; their carrier has these."""
    texts = await both_lost(practice, taken=None, plan=UNCOUNTED)
    async with practice.resources.database.transaction(practice.tenant) as session:
        await session.execute(text("UPDATE hand_overs SET digest = :words"), {"words": WORDS})
    real = practice.resources.carriers.vendors["sms"][0]
    assert isinstance(real, PhoneCarrier)
    practice.resources = carried_by(practice.resources, Lists(**{name: getattr(real, name) for name in FIELDS}))
    has[:] = carried
    return [str(one) for one in texts.values()]


async def together(practice: Practice, number: int) -> None:
    """All are looked at, so many at the same time."""
    global barrier  # noqa: PLW0603 -- the carrier is made anew by each test
    await practice.come_due("message.send")
    timers = await practice.claimed()
    for first in range(0, len(timers), number):
        barrier = asyncio.Barrier(number)
        await asyncio.gather(*(practice.runner().fire(one) for one in timers[first : first + number]))


async def kept(practice: Practice) -> list[str | None]:
    async with practice.resources.database.transaction(practice.tenant) as session:
        return list(await session.scalars(text("SELECT carrier_id FROM messages ORDER BY carrier_id")))


async def test_of_two_that_are_looked_up_at_once_each_has_one_of_its_own(practice: Practice) -> None:
    await alike(practice, "SM1", "SM2")
    await together(practice, 2)
    await together(practice, 1)
    assert await kept(practice) == ["SM1", "SM2"]


async def test_one_of_which_nobody_knows_whose_it_is_is_waited_with_until_the_other_has_had_its_time(
    practice: Practice,
) -> None:
    await alike(practice, "SM1")
    await together(practice, 1)
    assert await kept(practice) == [None, None]
    await practice.settle()
    await together(practice, 1)
    assert await kept(practice) == ["SM1", None]
