"""A planned message is sent once, by the next channel when one fails, and not while booking knows more."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from services.notifications.clients import CarrierUnavailable, signature
from services.notifications.use_cases import reports, sending
from services.notifications.use_cases.handing_over import Post
from shared.contracts.booking import (
    AppointmentCancelled,
    AppointmentFlagged,
    AppointmentRescheduled,
    AppointmentState,
)
from tests.notifications.conftest import SOON, TOKEN, Practice
from tests.notifications.vendors import Failing, carried_by
from tests.notifications.visits import NOW_PLAN, visit
from tests.support.streams import eventually

pytestmark = pytest.mark.servers


async def test_a_text_is_sent_reported_delivered_and_its_reasons_are_on_record(practice: Practice) -> None:
    await practice.open("sms", "email")
    await practice.call("POST", "/v1/reminder-plans", 201, json=NOW_PLAN)
    await practice.follow(await visit(practice))
    await practice.fire_due()
    [body] = practice.outside.texts(practice.phone)
    assert "Maple: see you" in body
    assert len(body) <= 160

    async def delivered() -> bool:
        return [one["status"] for one in await practice.messages()] == ["delivered"]

    await eventually(delivered)
    assert await practice.decisions() == [
        ("reminder", None, "planned", None),
        ("reminder", "sms", "sent", None),
        ("reminder", "sms", "delivered", None),
    ]


async def test_without_consent_to_texts_the_reminder_goes_by_mail_and_says_why(practice: Practice) -> None:
    await practice.open("email")
    await practice.call("POST", "/v1/reminder-plans", 201, json=NOW_PLAN)
    await practice.follow(await visit(practice))
    await practice.fire_due()
    assert practice.outside.texts(practice.phone) == []
    assert len(practice.outside.mails(practice.email)) == 1
    assert ("reminder", "sms", "channel_closed", "no_consent") in await practice.decisions()


async def test_consent_is_for_the_number_that_was_given_then(practice: Practice) -> None:
    await practice.open("sms")
    await practice.call(
        "POST", "/v1/reminder-plans", 201, json={"steps": [{**NOW_PLAN["steps"][0], "channels": ["sms"]}]}
    )
    contact = {"email": practice.email, "phone": "+12025559991"}
    await practice.call("PUT", f"/v1/clients/{practice.client}/contact", json=contact)
    await practice.follow(await visit(practice))
    await practice.fire_due()
    assert practice.outside.texts("+12025559991") == []
    assert ("reminder", None, "not_sent", "no_consent") in await practice.decisions()


async def test_an_undelivered_text_goes_on_by_mail_now(practice: Practice) -> None:
    practice.phone = f"+1202{uuid4().int % 800 + 200}0000"
    await practice.open("sms", "email")
    await practice.call("POST", "/v1/reminder-plans", 201, json=NOW_PLAN)
    await practice.follow(await visit(practice))
    await practice.fire_due()

    async def failed() -> bool:
        return any(one["status"] == "failed" for one in await practice.messages())

    await eventually(failed)
    await practice.fire_due()
    assert len(practice.outside.mails(practice.email)) == 1
    assert ("reminder", "sms", "failed", "sms_30003") in await practice.decisions()


async def test_after_a_crash_between_hand_over_and_commit_the_text_is_not_sent_twice(practice: Practice) -> None:
    await practice.open("sms", "email")
    await practice.call("POST", "/v1/reminder-plans", 201, json=NOW_PLAN)
    await practice.follow(await visit(practice))
    runner = practice.runner()
    [timer] = await practice.claimed(runner)
    own = practice.resources
    post = Post(own.beside, own.carriers, own.booking, "http://b.test", "http://f.test", "k" * 40, practice.url)
    with pytest.raises(RuntimeError):
        async with practice.resources.database.transaction(practice.tenant) as session:
            await sending.send(session, tenant=practice.tenant, message_id=timer.key, now=timer.now, post=post)
            raise RuntimeError("the process dies here")
    assert len(practice.outside.texts(practice.phone)) == 1
    await runner.fire(timer)
    assert len(practice.outside.texts(practice.phone)) == 1
    assert (await practice.messages())[0]["status"] in ("sent", "delivered")


async def test_a_carrier_that_is_away_is_asked_again_later(practice: Practice) -> None:
    await practice.open("sms", "email")
    await practice.call("POST", "/v1/reminder-plans", 201, json=NOW_PLAN)
    own = practice.resources
    practice.resources = carried_by(own, Failing(own.carriers.vendors["sms"][0], [CarrierUnavailable("sms_http_503")]))
    await practice.follow(await visit(practice))
    await practice.fire_due()
    assert practice.outside.texts(practice.phone) == []
    assert [one["status"] for one in await practice.messages()] == ["planned"]
    await try_again(practice)
    assert len(practice.outside.texts(practice.phone)) == 1
    assert await practice.decisions() == [
        ("reminder", None, "planned", None),
        ("reminder", None, "waiting", "sms_http_503"),
        ("reminder", "sms", "sent", None),
    ]


async def try_again(practice: Practice) -> None:
    """What the timers would do once their wait is over."""
    async with practice.resources.database.every_tenant() as session:
        await session.execute(text("UPDATE timers SET leased_until = NULL WHERE attempts > 0"))
    await practice.fire_due()


@pytest.mark.parametrize("change", [AppointmentCancelled, AppointmentRescheduled])
async def test_a_change_whose_event_is_still_on_its_way_keeps_the_reminder_back(
    practice: Practice, change: type[AppointmentState]
) -> None:
    await practice.open("sms", "email")
    await practice.call("POST", "/v1/reminder-plans", 201, json=NOW_PLAN)
    booked = await visit(practice)
    await practice.follow(booked)
    news: dict[str, Any] = {"sequence": 2, "changed_at": booked.changed_at + timedelta(days=1)}
    if change is AppointmentCancelled:
        news["status"] = "cancelled"
    changed = change.model_validate({**booked.model_dump(), **news})
    practice.outside.booking.learn(changed, practice.tenant)
    for _ in range(3):
        await try_again(practice)
    assert practice.outside.texts(practice.phone) == []
    assert await practice.decisions() == [
        ("reminder", None, "planned", None),
        ("reminder", None, "waiting", "news_on_the_way"),
    ], "what it waits for is said once"
    await practice.follow(changed)
    await try_again(practice)
    assert practice.outside.texts(practice.phone) == []
    assert ("reminder", None, "not_sent", "visit_changed") in await practice.decisions()


async def test_a_flag_on_its_way_delays_the_reminder_but_does_not_void_it(practice: Practice) -> None:
    await practice.open("sms", "email")
    await practice.call("POST", "/v1/reminder-plans", 201, json=NOW_PLAN)
    booked = await visit(practice)
    await practice.follow(booked)
    flagged = AppointmentFlagged.model_validate(booked.model_dump() | {"sequence": 2, "needs_rebooking": True})
    practice.outside.booking.learn(flagged, practice.tenant)
    await practice.fire_due()
    assert practice.outside.texts(practice.phone) == []
    await practice.follow(flagged)
    await try_again(practice)
    assert len(practice.outside.texts(practice.phone)) == 1


async def test_news_of_another_visit_does_not_keep_a_reminder_back(practice: Practice) -> None:
    await practice.open("sms", "email")
    await practice.call("POST", "/v1/reminder-plans", 201, json=NOW_PLAN)
    await practice.follow(await visit(practice))
    practice.outside.booking.learn(await visit(practice, start=(await practice.now()) + 2 * SOON), practice.tenant)
    await practice.fire_due()
    assert len(practice.outside.texts(practice.phone)) == 1


async def test_an_undelivered_text_goes_on_by_mail_though_the_visit_was_flagged_meanwhile(practice: Practice) -> None:
    practice.phone = f"+1202{uuid4().int % 800 + 200}0000"
    await practice.open("sms", "email")
    await practice.call("POST", "/v1/reminder-plans", 201, json=NOW_PLAN)
    booked = await visit(practice)
    await practice.follow(booked)
    [timer] = await practice.claimed()
    async with practice.resources.database.transaction(practice.tenant) as session:
        gone = "UPDATE messages SET status = 'sent', channel = 'sms', sent_at = now(), carrier_id = 'SM1'"
        await session.execute(text(gone))
    await practice.follow(
        AppointmentFlagged.model_validate(booked.model_dump() | {"sequence": 2, "needs_rebooking": True})
    )
    async with practice.resources.database.transaction(practice.tenant) as session:
        await reports.take_report(
            session,
            tenant=practice.tenant,
            message_id=timer.key,
            channel="sms",
            carrier_id="SM1",
            status="failed",
            code=30003,
            now=await practice.now(),
        )
    await practice.fire_due()
    assert len(practice.outside.mails(practice.email)) == 1


async def test_while_booking_does_not_answer_reminders_wait_and_then_go(practice: Practice) -> None:
    await practice.open("sms", "email")
    await practice.call("POST", "/v1/reminder-plans", 201, json=NOW_PLAN)
    await practice.follow(await visit(practice))
    practice.outside.booking.away = True
    try:
        await practice.fire_due()
    finally:
        practice.outside.booking.away = False
    assert practice.outside.texts(practice.phone) == []
    assert ("reminder", None, "waiting", "booking_away") in await practice.decisions()
    await try_again(practice)
    assert len(practice.outside.texts(practice.phone)) == 1


async def test_a_carriers_report_needs_its_signature_and_only_moves_forward(practice: Practice) -> None:
    await practice.open("sms", "email")
    await practice.call("POST", "/v1/reminder-plans", 201, json=NOW_PLAN)
    await practice.follow(await visit(practice))
    await practice.fire_due()
    [message] = await practice.messages()
    path = f"/v1/callbacks/sms/{practice.tenant}/{message['id']}"
    form = {"MessageSid": "SM1", "MessageStatus": "delivered"}
    refused = await practice.http.post(path, data=form, headers={"x-twilio-signature": "nonsense"})
    assert (refused.status_code, refused.json()["code"]) == (403, "signature_invalid")
    sid = await practice.sid(message["id"])
    # The first is of something else that the carrier has.
    for other, status in (("SM1", "failed"), ("", "delivered"), ("", "sent"), ("", "failed"), ("", "delivered")):
        form = {"MessageSid": other or str(sid), "MessageStatus": status}
        headers = {"x-twilio-signature": signature(TOKEN, practice.url + path, form)}
        assert (await practice.http.post(path, data=form, headers=headers)).status_code == 204
    assert [one["status"] for one in await practice.messages()] == ["delivered"]
    assert [outcome for _, _, outcome, _ in await practice.decisions()].count("delivered") == 1
