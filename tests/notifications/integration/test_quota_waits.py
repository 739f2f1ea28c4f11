"""What only the day's quota keeps from a client waits for it; what was to bring them back isn't lost."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from services.notifications import repository
from services.notifications.use_cases import outreach
from shared.capability import Capability
from tests.notifications.conftest import Practice
from tests.notifications.misses import ONE_STEP, missed, reported
from tests.support.servers import LINK_KEY

pytestmark = pytest.mark.servers
FLOW = {**ONE_STEP, "on_barrier": {"transport": {"message": "remote_offer", "channels": ["sms", "email"]}}}


async def named(practice: Practice) -> None:
    """The client has had a text today, and says what was in the way."""
    await practice.call("POST", "/v1/outreach-flows", 201, json=FLOW)
    miss = await missed(practice)
    await practice.follow(miss)
    await practice.fire_due()
    assert len(practice.outside.texts(practice.phone)) == 1
    async with practice.resources.database.transaction(practice.tenant) as session:
        report, now = reported(practice, miss, "transport"), await practice.now()
        await outreach.learn_barrier(session, tenant=practice.tenant, report=report, now=now)
    await practice.fire_due()


async def test_who_takes_texts_alone_gets_what_was_found_for_them_a_day_after_the_last_one(practice: Practice) -> None:
    await practice.open("sms")
    await named(practice)
    [first, offer] = await practice.messages()
    assert (offer["purpose"], offer["status"]) == ("remote_offer", "planned")
    assert datetime.fromisoformat(offer["due_at"]) - datetime.fromisoformat(first["sent_at"]) == timedelta(days=1)
    assert ("remote_offer", None, "deferred", "daily_text_cap") in await practice.decisions()
    async with practice.resources.database.transaction(practice.tenant) as session:
        await session.execute(text("UPDATE messages SET sent_at = sent_at - interval '1 day'"))
    await practice.come_due("message.send")
    await practice.fire_due()
    assert len(practice.outside.texts(practice.phone)) == 2


async def test_a_question_that_waits_is_not_asked_once_it_is_answered(practice: Practice) -> None:
    await practice.open("sms")
    question = {"after": "PT0S", "message": "barrier_question", "channels": ["sms"]}
    flow = {**FLOW, "steps": [*FLOW["steps"], question]}
    await practice.call("POST", "/v1/outreach-flows", 201, json=flow)
    miss = await missed(practice)
    await practice.follow(miss)
    await practice.fire_due()
    assert ("barrier_question", None, "deferred", "daily_text_cap") in await practice.decisions()
    async with practice.resources.database.transaction(practice.tenant) as session:
        report, now = reported(practice, miss, "transport"), await practice.now()
        await outreach.learn_barrier(session, tenant=practice.tenant, report=report, now=now)
    assert ("barrier_question", None, "not_sent", "answered") in await practice.decisions()


async def test_who_takes_mails_too_gets_it_by_mail_now(practice: Practice) -> None:
    await practice.open("sms", "email")
    await named(practice)
    assert len(practice.outside.mails(practice.email)) == 1


async def test_a_week_that_is_full_is_told_as_such(practice: Practice) -> None:
    """Not that a yes to mails is missing, which nobody asked for."""
    await practice.open("sms")
    await practice.call("POST", "/v1/outreach-flows", 201, json=FLOW)
    for days in (6, 5, 4, 0):
        await practice.follow(await missed(practice))
        await practice.fire_due()
        async with practice.resources.database.transaction(practice.tenant) as session:
            past = "UPDATE messages SET sent_at = clock_timestamp() - CAST(:ago AS interval) "
            moved = text(past + "WHERE sent_at > clock_timestamp() - interval '1 hour'")
            await session.execute(moved, {"ago": timedelta(days=days)})
    assert [one["reason"] for one in await practice.messages()][-1] == "weekly_text_cap"


async def test_who_has_no_time_by_day_is_led_to_evenings_and_weekends(practice: Practice) -> None:
    await practice.open("email")
    other_times = {"message": "other_times", "channels": ["email"]}
    flow = {**FLOW, "on_barrier": {"time": other_times, "forgot": other_times}}
    await practice.call("POST", "/v1/outreach-flows", 201, json=flow)
    for barrier, number in (("forgot", 0), ("time", 1)):
        miss = await missed(practice)
        await practice.follow(miss)
        async with practice.resources.database.transaction(practice.tenant) as session:
            report, now = reported(practice, miss, barrier), await practice.now()
            await outreach.learn_barrier(session, tenant=practice.tenant, report=report, now=now)
        await practice.fire_due()
        mails = practice.outside.carrier.store.find(to=practice.email, channel="email")
        links = {one.rsplit("/", 1)[-1] for mail in mails for one in mail.links if "/a/" in one}
        kinds = ("visit", "remote", "evening")
        opened = [Capability.verify_one_of(one, LINK_KEY, kinds, await practice.now()).purpose for one in links]
        assert opened.count("evening") == number


async def test_a_text_whose_client_is_just_being_texted_goes_a_moment_later_however_often_it_had_to_wait(
    practice: Practice,
) -> None:
    await practice.open("sms")
    await practice.call("POST", "/v1/outreach-flows", 201, json=FLOW)
    await practice.follow(await missed(practice))
    async with practice.resources.database.transaction(practice.tenant) as other:
        assert await repository.clients.turns(other, [practice.client])
        for _ in range(8):
            await practice.come_due("message.send")
            await practice.fire_due()
        left = await other.scalar(
            text("SELECT leased_until - clock_timestamp() FROM timers WHERE kind = 'message.send'")
        )
        assert practice.outside.texts(practice.phone) == []
        assert left < timedelta(seconds=1)
    await practice.come_due("message.send")
    await practice.fire_due()
    assert len(practice.outside.texts(practice.phone)) == 1
