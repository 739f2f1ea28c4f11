"""What becomes of a message when a vendor fails, is silent, refuses, or never reports: sent once, or by another way."""

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any, cast
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text

from services.notifications import repository
from services.notifications.clients import CarrierRefused, CarrierUnavailable, OutcomeUnknown
from services.notifications.clients.breaker import FAILURES
from services.notifications.clients.phone import PhoneCarrier
from services.notifications.use_cases import sending
from services.notifications.use_cases.handing_over import Post
from tests.notifications.conftest import Practice
from tests.notifications.vendors import Failing, carried_by
from tests.notifications.visits import NOW_PLAN, visit
from tests.support.lines import Line
from tests.support.streams import eventually

pytestmark = pytest.mark.servers

BY_CALL = {"steps": [{"anchor": "booking", "offset": "PT0S", "channels": ["sms", "voice"]}]}


async def booked(practice: Practice, *channels: str, plan: Any = NOW_PLAN) -> None:
    await practice.open(*(channels or ("sms", "email")))
    await practice.call("POST", "/v1/reminder-plans", 201, json=plan)
    await practice.follow(await visit(practice))


async def hand_overs(practice: Practice) -> list[str]:
    async with practice.resources.database.transaction(practice.tenant) as session:
        return list(await session.scalars(text("SELECT vendor FROM hand_overs")))


def two(practice: Practice, *errors: Exception) -> tuple[Failing, Failing]:
    """Two carriers of texts, the first of which fails so."""
    real = practice.resources.carriers.vendors["sms"][0]
    first, second = Failing(real, list(errors)), Failing(real, [], "sms_2")
    practice.resources = carried_by(practice.resources, first, second)
    return first, second


async def test_where_the_first_carrier_fails_the_second_carries(practice: Practice) -> None:
    first, second = two(practice, CarrierUnavailable("sms_http_503"))
    await booked(practice)
    await practice.fire_due()
    assert (len(first.asked), len(second.asked)) == (1, 1)
    assert len(practice.outside.texts(practice.phone)) == 1
    assert await hand_overs(practice) == []


async def test_what_is_refused_late_goes_on_in_another_transaction_since_somebody_may_wait_for_this_one(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "LATE_SECONDS", 0.0)
    two(practice, CarrierRefused("sms_30006", "address"))
    await booked(practice)
    wish = {"channels": ["sms", "email"]}
    await practice.call("PUT", f"/v1/clients/{practice.client}/preferences", json=wish)
    [timer] = await practice.claimed()
    await practice.runner().fire(timer)
    assert practice.outside.mails(practice.email) == []
    await practice.fire_due()
    assert len(practice.outside.mails(practice.email)) == 1
    assert [outcome for _, _, outcome, _ in await practice.decisions()] == [
        "planned",
        "channel_closed",
        "failed",
        "planned",
        "sent",
    ]
    assert await practice.tasks() == []


async def test_who_has_said_stop_at_a_slow_carrier_is_left_in_peace_as_at_a_fast_one(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "LATE_SECONDS", -1.0)
    two(practice, CarrierRefused("sms_21610", "opt_out"))
    await booked(practice, "sms")
    await practice.fire_due()
    assert [(one["channel"], one["status"]) for one in await practice.messages()] == [("sms", "not_sent")]
    assert await practice.tasks() == []


async def test_who_is_silent_is_asked_again_and_nobody_else_until_that_is_known(practice: Practice) -> None:
    first, second = two(practice, OutcomeUnknown("sms_silent"), OutcomeUnknown("sms_silent"))
    await booked(practice)
    for _ in range(3):
        await practice.come_due("message.send")
        await practice.fire_due()
    assert (len(first.asked), len(second.asked)) == (3, 0)
    assert len(set(first.asked)) == 1, "by the same id"
    assert await hand_overs(practice) == []
    assert [one["status"] for one in await practice.messages()] in (["sent"], ["delivered"])


async def test_after_a_crash_the_one_who_was_asked_is_asked_again(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(practice.outside.carrier, "knows", True)
    first, second = two(practice)
    await booked(practice)
    runner, own = practice.runner(), practice.resources
    [timer] = await practice.claimed(runner)
    post = Post(own.beside, own.carriers, own.booking, "http://b.test", "http://f.test", "k" * 40, practice.url)
    with pytest.raises(RuntimeError):
        async with own.database.transaction(practice.tenant) as session:
            await sending.send(session, tenant=practice.tenant, message_id=timer.key, now=timer.now, post=post)
            raise RuntimeError("the process dies here")
    assert await hand_overs(practice) == ["sms"]
    for _ in range(FAILURES - 1):
        own.carriers.breakers["sms"].failed(timedelta(0))
    own.carriers.breakers["sms"].worked()
    # Even where the first carrier has failed since, nobody else is asked.
    async with own.database.transaction(practice.tenant) as session:
        await session.execute(text("UPDATE messages SET vendor = 'sms'"))
    await runner.fire(timer)
    assert (len(first.asked), len(second.asked)) == (2, 0)
    assert len(practice.outside.texts(practice.phone)) == 1, "it knows the message by its id"
    assert await hand_overs(practice) == []


async def test_while_it_is_not_known_whether_the_text_went_no_mail_goes_instead(practice: Practice) -> None:
    first, _ = two(practice, OutcomeUnknown("sms_silent"))
    await booked(practice)
    await practice.fire_due()
    assert len(first.asked) == 1
    await practice.consent("sms", granted=False)
    await practice.come_due("message.send")
    await practice.fire_due()
    assert practice.outside.mails(practice.email) == []
    assert [(one["status"], one["reason"]) for one in await practice.messages()] == [("not_sent", "outcome_unknown")]


async def waiting(practice: Practice) -> timedelta:
    async with practice.resources.database.transaction(practice.tenant) as session:
        query = "SELECT leased_until - clock_timestamp() FROM timers WHERE kind = 'message.send'"
        wait: timedelta | None = await session.scalar(text(query))
    assert wait is not None
    return wait


async def test_a_carrier_that_asks_for_time_is_given_it(practice: Practice) -> None:
    real = practice.resources.carriers.vendors["sms"][0]
    errors: list[Exception] = [CarrierUnavailable("sms_http_429", timedelta(minutes=7))]
    practice.resources = carried_by(practice.resources, Failing(real, errors))
    await booked(practice)
    await practice.fire_due()
    wait = await waiting(practice)
    assert timedelta(minutes=6, seconds=50) < wait <= timedelta(minutes=7)
    assert ("reminder", None, "waiting", "sms_http_429") in await practice.decisions()


async def test_who_has_opted_out_at_the_carrier_has_opted_out_here(practice: Practice) -> None:
    practice.outside.carrier.stopped.add(practice.phone)
    await booked(practice)
    await practice.fire_due()
    assert len(practice.outside.mails(practice.email)) == 1
    assert ("reminder", "sms", "channel_closed", "sms_21610") in await practice.decisions()
    consents = await practice.call("GET", f"/v1/clients/{practice.client}/consents")
    assert (consents["items"][0]["granted"], consents["items"][0]["source"]) == (False, "carrier")
    await practice.follow(await visit(practice))
    await practice.fire_due()
    assert ("reminder", "sms", "channel_closed", "opted_out") in await practice.decisions()


async def test_a_number_at_which_nobody_is_reached_is_not_tried_again_until_somebody_says_it_is_right(
    practice: Practice,
) -> None:
    await booked(practice)
    await practice.fire_due()
    await practice.reported("undelivered", 30006)
    await practice.fire_due()
    assert len(practice.outside.mails(practice.email)) == 1, "by the next channel at once"
    await practice.follow(await visit(practice))
    await practice.fire_due()
    assert ("reminder", "sms", "channel_closed", "nobody_reached") in await practice.decisions()
    await practice.open()
    await practice.follow(await visit(practice))
    await practice.fire_due()
    assert len(practice.outside.texts(practice.phone)) == 2


async def delivered(practice: Practice) -> bool:
    """Whether all that the client was texted has arrived, and that has been reported."""
    there = all(one.status == "delivered" for one in practice.outside.carrier.store.find(to=practice.phone))
    return there and all(one["status"] == "delivered" for one in await practice.messages() if one["channel"] == "sms")


async def test_a_text_that_nobody_reported_on_is_looked_up(practice: Practice) -> None:
    await booked(practice)
    await practice.fire_due()
    await eventually(partial(delivered, practice), 5)
    async with practice.resources.database.transaction(practice.tenant) as session:
        # As if its report had been lost.
        await session.execute(text("UPDATE messages SET status = 'sent', delivered_at = NULL"))
    message = (await practice.messages())[0]
    async with practice.resources.database.transaction(practice.tenant) as session:
        await repository.messages.look_up_at(session, practice.tenant, message["id"], await practice.now())
    await practice.fire_due()
    assert [one["status"] for one in await practice.messages()] == ["delivered"]


async def test_a_text_that_the_carrier_does_not_know_goes_on_by_the_next_channel(practice: Practice) -> None:
    await booked(practice)
    await practice.fire_due()
    async with practice.resources.database.transaction(practice.tenant) as session:
        await session.execute(text("UPDATE messages SET status = 'sent', carrier_id = 'SMnone'"))
    await practice.come_due("message.look_up")
    await practice.fire_due()
    assert len(practice.outside.texts(practice.phone)) == 1
    assert len(practice.outside.mails(practice.email)) == 1
    assert ("reminder", "sms", "failed", "sms_20404") in await practice.decisions()


async def test_what_is_heard_by_asking_holds_of_the_number_too(practice: Practice) -> None:
    await booked(practice)
    await practice.fire_due()
    await eventually(partial(delivered, practice), 5)
    async with practice.resources.database.transaction(practice.tenant) as session:
        await session.execute(text("UPDATE messages SET status = 'sent', delivered_at = NULL"))
    carriers = practice.resources.carriers
    [message] = await practice.messages()
    answer = {"status": "undelivered", "error_code": 30005}
    line = Line(httpx.Response(200, json=answer))
    silent = replace(cast(PhoneCarrier, carriers.vendors["sms"][0]), wire=line)
    practice.resources = carried_by(practice.resources, silent)
    async with practice.resources.database.transaction(practice.tenant) as session:
        await repository.messages.look_up_at(session, practice.tenant, message["id"], await practice.now())
    await practice.fire_due()
    async with practice.resources.database.transaction(practice.tenant) as session:
        assert list(await session.scalars(text("SELECT address FROM unreachable"))) == [practice.phone]


async def test_a_text_of_which_the_carrier_never_says_is_left_and_on_record(practice: Practice) -> None:
    await booked(practice)
    await practice.fire_due()
    [carried] = practice.outside.carrier.store.find(to=practice.phone)
    # Nothing of its own happens to it any more.
    await eventually(partial(delivered, practice), 5)
    asked, [message] = 0, await practice.messages()
    async with practice.resources.database.transaction(practice.tenant) as session:
        await repository.messages.look_up_at(session, practice.tenant, message["id"], await practice.now())
    for hours in (0, 1, 7):
        carried.status = "queued"
        async with practice.resources.database.transaction(practice.tenant) as session:
            query = "UPDATE messages SET status = 'sent', sent_at = clock_timestamp() - make_interval(hours => :hours)"
            await session.execute(text(query), {"hours": hours})
        await practice.come_due("message.look_up")
        asked += await practice.fire_due()
    assert asked == 3
    assert ("reminder", "sms", "unconfirmed", "queued") in await practice.decisions()
    assert practice.outside.mails(practice.email) == [], "never twice on a guess"


async def test_where_no_text_arrives_a_call_is_made_by_consent(practice: Practice) -> None:
    practice.phone = f"+1202{uuid4().int % 800 + 200}0000"
    await booked(practice, "sms", "voice", plan=BY_CALL)
    await practice.fire_due()
    await practice.reported("undelivered", 30003)
    await practice.fire_due()
    [call] = practice.outside.carrier.store.find(to=practice.phone, channel="voice")
    assert call.text.startswith("This is Maple, about ")
    assert "1, 2, 0, 2, 5, 5, 5, 0, 1, 0, 0" in call.text
    assert "http" not in call.text
    last = (await practice.messages())[-1]
    assert (last["channel"], last["status"] in ("sent", "failed")) == ("voice", True)
