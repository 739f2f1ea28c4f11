"""What may have gone counts as gone: whether it did is known later, and two automated texts a day are one too many."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from services.notifications.clients import OutcomeUnknown
from tests.notifications.conftest import Practice
from tests.notifications.misses import ONE_STEP, missed
from tests.notifications.vendors import Failing, carried_by

pytestmark = pytest.mark.servers


async def lost(practice: Practice) -> None:
    """The answer to the first text of a flow is lost, and the carrier's list, too."""
    await practice.open("sms")
    await practice.call("POST", "/v1/outreach-flows", 201, json=ONE_STEP)
    real = practice.resources.carriers.vendors["sms"][0]
    loses = Failing(real, [OutcomeUnknown("sms_silent")], knows_repetitions=False)
    practice.resources = carried_by(practice.resources, loses)
    await practice.follow(await missed(practice))
    await practice.fire_due()


async def reasons(practice: Practice) -> list[str | None]:
    return [one["reason"] for one in await practice.messages() if one["purpose"] == "missed_you"]


@pytest.mark.parametrize("looked_at", [False, True])
async def test_a_text_that_may_have_gone_counts(looked_at: bool, practice: Practice) -> None:
    await lost(practice)
    if looked_at:
        await practice.come_due("message.send")
        await practice.fire_due()
        assert await reasons(practice) == ["outcome_unknown"]
    await practice.follow(await missed(practice))
    await practice.fire_due()
    assert ("missed_you", "sms", "channel_closed", "daily_text_cap") in await practice.decisions()
    assert practice.outside.texts(practice.phone) == []


async def test_it_counts_against_others_and_not_against_itself(practice: Practice) -> None:
    await lost(practice)
    [carrier] = practice.resources.carriers.vendors["sms"]
    assert isinstance(carrier, Failing)
    carrier.knows_repetitions = True
    await practice.come_due("message.send")
    await practice.fire_due()
    assert len(practice.outside.texts(practice.phone)) == 1


async def test_after_a_week_it_counts_no_more(practice: Practice) -> None:
    await lost(practice)
    async with practice.resources.database.transaction(practice.tenant) as session:
        moved = {"days": timedelta(days=8)}
        await session.execute(text("UPDATE hand_overs SET begun_at = begun_at - CAST(:days AS interval)"), moved)
    await practice.follow(await missed(practice))
    await practice.fire_due()
    assert len(practice.outside.texts(practice.phone)) == 1
