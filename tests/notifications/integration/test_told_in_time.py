"""What is off, or moved, is told while that helps; where hours, quotas or carriers keep it too long, a person tells."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from services.notifications.clients import CarrierRefused, CarrierUnavailable
from services.notifications.domain.policy import TOLD_BEFORE
from shared.contracts.booking import (
    AppointmentCancelled,
    AppointmentConfirmed,
    AppointmentFlagged,
    AppointmentRescheduled,
    AppointmentState,
)
from shared.contracts.notifications import Channel
from tests.notifications.conftest import Practice, daytime
from tests.notifications.integration.test_carriers_away import again, sent
from tests.notifications.misses import ONE_STEP, missed
from tests.notifications.vendors import Failing, carried_by
from tests.notifications.visits import NOW_PLAN, later, visit

pytestmark = pytest.mark.servers
BY_PRACTICE: dict[str, Any] = {"status": "cancelled", "changed_by": "practice"}


async def called_off(practice: Practice, **until: float) -> AppointmentState:
    """A visit so long ahead, of whose booking nothing has been heard."""
    event = await visit(practice, start=await practice.now() + timedelta(**until))
    gone = AppointmentCancelled.model_validate(event.model_dump() | BY_PRACTICE | {"sequence": 2})
    await practice.follow(gone)
    await practice.fire_due()
    return gone


async def told_by(practice: Practice) -> list[tuple[str, str | None]]:
    """Kind and visit of the tasks that somebody has still to do."""
    tasks = [task for task in await practice.tasks() if task["status"] != "closed"]
    return [(task["kind"], task["appointment_id"]) for task in tasks if task["kind"] == "tell_change"]


def away(practice: Practice, channel: Channel, code: str) -> None:
    real = practice.resources.carriers.vendors[channel][0]
    broken = Failing(real, [CarrierUnavailable(code)] * 99, channel)
    practice.resources = carried_by(practice.resources, broken, channel=channel)


@pytest.mark.parametrize(("hours", "person"), [(2.5, True), (9.0, False)])
async def test_who_would_hear_only_after_or_just_before_it_hears_from_a_person_now(
    hours: float, person: bool, practice: Practice
) -> None:
    """The client's own hours begin in an hour."""
    await practice.open("sms", "email")
    opens, closes = (datetime.now(ZoneInfo(daytime())) + timedelta(hours=more) for more in (1, 1.5))
    kept = {"channels": ["sms", "email"], "opens": opens.strftime("%H:%M"), "closes": closes.strftime("%H:%M")}
    await practice.call("PUT", f"/v1/clients/{practice.client}/preferences", json=kept)
    gone = await called_off(practice, hours=hours)
    [message] = await practice.messages()
    assert (message["status"], message["reason"]) == (
        ("not_sent", "quiet_hours_until_start") if person else ("planned", None)
    )
    assert await told_by(practice) == ([("tell_change", str(gone.appointment_id))] if person else [])


async def test_where_mails_are_away_and_texts_are_used_up_a_person_tells_two_hours_before(practice: Practice) -> None:
    await practice.open("sms", "email")
    await practice.call("POST", "/v1/outreach-flows", 201, json=ONE_STEP)
    await practice.follow(await missed(practice))
    await practice.fire_due()
    away(practice, "email", "smtp_421")
    gone = await called_off(practice, hours=10)
    for minutes in (30, 30):
        await again(practice, minutes)
    assert await told_by(practice) == []
    await _comes_near(practice, gone)
    assert await told_by(practice) == [("tell_change", str(gone.appointment_id))]
    assert ("cancellation", None, "not_sent", "smtp_421") in await practice.decisions()


async def test_a_carrier_that_stays_away_until_a_visit_that_is_off_leaves_it_to_a_person(practice: Practice) -> None:
    await practice.open("sms")
    away(practice, "sms", "sms_http_503")
    gone = await called_off(practice, minutes=90)
    assert await told_by(practice) == [], "it may be back in a moment"
    await again(practice, 11)
    assert await told_by(practice) == [("tell_change", str(gone.appointment_id))]


async def _comes_near(practice: Practice, gone: AppointmentState) -> None:
    async with practice.resources.database.transaction(practice.tenant) as session:
        start = await practice.now() + TOLD_BEFORE - timedelta(seconds=1)
        await session.execute(text("UPDATE visits SET start = :at"), {"at": start})
    await again(practice, 5)


async def test_each_visit_that_is_off_has_a_person_who_tells_it(practice: Practice) -> None:
    """Also beside one who is asked already, about a reminder of another visit."""
    await practice.open()
    await practice.call("POST", "/v1/reminder-plans", 201, json=NOW_PLAN)
    gone = [await called_off(practice, days=days) for days in (3, 4, 5)]
    assert {visit_id for _, visit_id in await told_by(practice)} == {str(one.appointment_id) for one in gone}
    assert [outcome for _, _, outcome, _ in await practice.decisions()].count("person_asked") == 3


@pytest.mark.parametrize(("by", "person"), [("practice", True), ("provider", True), ("client", False)])
async def test_a_visit_that_is_moved_by_the_practice_is_told_by_a_person_where_no_message_goes(
    by: str, person: bool, practice: Practice
) -> None:
    await practice.open()
    event = await visit(practice, start=await practice.now() + timedelta(days=9))
    await practice.follow(event)
    await practice.fire_due()
    assert await told_by(practice) == [], "who books knows"
    now = await practice.now()
    moved = {"start": now + timedelta(hours=20), "changed_at": now, "changed_by": by}
    await practice.follow(later(event, AppointmentRescheduled, **moved))
    await practice.fire_due()
    assert await told_by(practice) == ([("tell_change", str(event.appointment_id))] if person else [])


async def test_a_move_of_a_move_is_told_once(practice: Practice) -> None:
    await practice.open()
    event = await visit(practice, start=await practice.now() + timedelta(days=9))
    await practice.follow(event)
    for _ in range(2):
        now = await practice.now()
        event = later(event, AppointmentRescheduled, start=event.start + timedelta(days=1), changed_at=now)
        await practice.follow(event)
    await practice.fire_due()
    assert await told_by(practice) == [("tell_change", str(event.appointment_id))]


async def moved(practice: Practice, event: AppointmentState, **changes: Any) -> AppointmentState:
    return later(event, AppointmentRescheduled, **{"changed_at": await practice.now(), **changes})


async def booked_before(practice: Practice) -> AppointmentState:
    """Two days ago, for a week from now."""
    now = await practice.now()
    at = now - timedelta(days=2)
    event: AppointmentState = await visit(practice, start=now + timedelta(days=7), booked_at=at, changed_at=at)
    await practice.follow(event)
    await practice.fire_due()
    return event


@pytest.mark.parametrize("minutes", [0, 11])
async def test_what_is_to_be_told_now_goes_by_the_next_channel_at_once(minutes: int, practice: Practice) -> None:
    """However late it is heard of."""
    await practice.open("sms", "email")
    away(practice, "email", "smtp_421")
    now = await practice.now()
    event = await visit(practice, start=now + timedelta(minutes=90))
    changes = {**BY_PRACTICE, "sequence": 2, "changed_at": now - timedelta(minutes=minutes)}
    await practice.follow(AppointmentCancelled.model_validate(event.model_dump() | changes))
    await practice.fire_due()
    assert sent(practice) == (1, 0)
    assert await told_by(practice) == []


async def test_a_move_of_an_old_booking_waits_for_carriers_as_a_new_one(practice: Practice) -> None:
    await practice.open("email")
    event = await booked_before(practice)
    own = practice.resources
    away(practice, "email", "smtp_421")
    start = await practice.now() + timedelta(minutes=100)
    await practice.follow(await moved(practice, event, start=start))
    await practice.fire_due()
    assert await told_by(practice) == [], "it may be back in a moment"
    practice.resources = own
    await again(practice, 5)
    mails = practice.outside.mails(practice.email)
    assert len(mails) >= 2


async def test_a_call_off_that_booking_knows_better_is_nobodys_to_tell(practice: Practice) -> None:
    await practice.open("sms", "email")
    event = await visit(practice, start=await practice.now() + timedelta(minutes=90))
    gone = later(event, AppointmentCancelled, **BY_PRACTICE)
    practice.outside.booking.learn(later(gone, AppointmentRescheduled, status="booked"), practice.tenant)
    await practice.follow(event, gone)
    await practice.fire_due()
    await again(practice, 11)
    assert ("cancellation", None, "waiting", "news_on_the_way") in await practice.decisions()
    assert await told_by(practice) == []


async def test_whoever_tells_of_a_move_is_asked_anew_when_the_visit_is_off(practice: Practice) -> None:
    await practice.open()
    event = await booked_before(practice)
    gone_on = await moved(practice, event, start=event.start + timedelta(days=1))
    await practice.follow(gone_on)
    await practice.fire_due()
    [first] = await practice.tasks()
    await practice.call("POST", f"/v1/tasks/{first['id']}/claim")
    await practice.follow(later(gone_on, AppointmentCancelled, **BY_PRACTICE))
    await practice.fire_due()
    assert {task["id"]: task["status"] for task in await practice.tasks()}[first["id"]] == "closed"
    assert await told_by(practice) == [("tell_change", str(event.appointment_id))]


@pytest.mark.parametrize(
    "answer",
    [
        {"kind": AppointmentCancelled, "status": "cancelled", "changed_by": "client"},
        {"kind": AppointmentRescheduled, "changed_by": "client"},
    ],
)
async def test_who_acts_on_a_visit_is_no_persons_to_tell_any_more(answer: dict[str, Any], practice: Practice) -> None:
    await practice.open()
    event = await booked_before(practice)
    gone_on = await moved(practice, event, start=event.start + timedelta(days=1))
    await practice.follow(gone_on)
    await practice.fire_due()
    assert len(await told_by(practice)) == 1
    changes = {"changed_at": await practice.now(), **answer}
    await practice.follow(later(gone_on, changes.pop("kind"), **changes))
    await practice.fire_due()
    assert await told_by(practice) == []


async def test_who_has_confirmed_the_new_time_knows_of_it(practice: Practice) -> None:
    await practice.open("email")
    event = await booked_before(practice)
    away(practice, "email", "smtp_421")
    gone_on = await moved(practice, event, start=event.start + timedelta(days=1))
    await practice.follow(gone_on)
    await practice.fire_due()
    await practice.follow(later(gone_on, AppointmentConfirmed, changed_by="client", confirmed_at=await practice.now()))
    await practice.consent("email", granted=False)
    await again(practice, 5)
    assert ("confirmation", None, "not_sent", "no_consent") in await practice.decisions()
    assert await told_by(practice) == []


async def test_what_did_not_arrive_of_a_time_that_is_no_more_is_nobodys(practice: Practice) -> None:
    await practice.open("sms")
    plan = {"steps": [{"purpose": "confirmation", "anchor": "booking", "offset": "PT0S", "channels": ["sms"]}]}
    await practice.call("POST", "/v1/reminder-plans", 201, json=plan)
    event = await booked_before(practice)
    await practice.follow(await moved(practice, event, start=event.start + timedelta(days=1)))
    await practice.reported("undelivered", 30003)
    await practice.fire_due()
    assert sent(practice) == (2, 0)
    assert await told_by(practice) == []


async def test_a_move_that_is_heard_of_by_what_came_after_it_is_told_too(practice: Practice) -> None:
    await practice.open()
    event = await booked_before(practice)
    gone_on = await moved(practice, event, start=event.start + timedelta(days=1))
    flagged = later(gone_on, AppointmentFlagged, changed_at=await practice.now())
    await practice.follow(flagged, gone_on)
    await practice.fire_due()
    assert len(await told_by(practice)) == 1


@pytest.mark.parametrize("by_remark", [False, True])
async def test_a_plan_whose_word_on_it_comes_too_late_leaves_a_move_to_a_person(
    by_remark: bool, practice: Practice
) -> None:
    """In order, or heard of by a remark that came after it."""
    await practice.open("sms")
    plan = {"steps": [{"purpose": "confirmation", "anchor": "start", "offset": "PT72H", "channels": ["sms"]}]}
    await practice.call("POST", "/v1/reminder-plans", 201, json=plan)
    event = await booked_before(practice)
    gone_on = await moved(practice, event, start=await practice.now() + timedelta(hours=20))
    flagged = later(gone_on, AppointmentFlagged, changed_at=await practice.now())
    await practice.follow(*((flagged, gone_on) if by_remark else (gone_on,)))
    await practice.fire_due()
    assert len(await told_by(practice)) == 1


async def test_a_client_who_moved_it_needs_nobody_once_that_is_heard_of(practice: Practice) -> None:
    await practice.open()
    event = await booked_before(practice)
    gone_on = await moved(practice, event, start=event.start + timedelta(days=1), changed_by="client")
    await practice.follow(later(gone_on, AppointmentFlagged, changed_at=await practice.now()))
    await practice.fire_due()
    assert len(await told_by(practice)) == 1, "nobody knows yet who has moved it"
    await practice.follow(gone_on)
    assert await told_by(practice) == []


async def test_a_person_who_looks_for_a_client_goes_on_for_their_other_visits(practice: Practice) -> None:
    """One task a client for reminders that don't arrive: it is not over with the first of their visits."""
    await practice.open("sms")
    await practice.call("POST", "/v1/reminder-plans", 201, json=NOW_PLAN)
    now = await practice.now()
    visits = [await visit(practice, start=now + timedelta(hours=hours)) for hours in (3, 20)]
    for one in visits:
        await practice.follow(one)
        await practice.fire_due()
        await practice.reported("undelivered", 30003)
        await practice.fire_due()
    await practice.follow(later(visits[0], AppointmentCancelled, status="cancelled", changed_by="client"))
    assert [task["kind"] for task in await practice.tasks() if task["status"] != "closed"] == ["unreachable"]


async def test_a_call_off_that_one_channel_refuses_waits_for_the_others_quota(practice: Practice) -> None:
    await practice.open("sms", "email")
    await practice.call("POST", "/v1/outreach-flows", 201, json=ONE_STEP)
    await practice.follow(await missed(practice))
    await practice.fire_due()
    real = practice.resources.carriers.vendors["email"][0]
    refusing = Failing(real, [CarrierRefused("smtp_550", "message")] * 9, "email")
    practice.resources = carried_by(practice.resources, refusing, channel="email")
    await practice.call("PUT", f"/v1/clients/{practice.client}/preferences", json={"channels": ["sms", "email"]})
    await called_off(practice, hours=60)
    [status] = [one["status"] for one in await practice.messages() if one["purpose"] == "cancellation"]
    assert status == "planned"
    assert ("cancellation", None, "deferred", "daily_text_cap") in await practice.decisions()


async def test_who_confirms_the_new_time_needs_nobody_to_tell_it(practice: Practice) -> None:
    await practice.open()
    event = await booked_before(practice)
    gone_on = await moved(practice, event, start=event.start + timedelta(days=1))
    await practice.follow(gone_on)
    await practice.fire_due()
    assert len(await told_by(practice)) == 1
    await practice.follow(later(gone_on, AppointmentConfirmed, changed_by="client", confirmed_at=await practice.now()))
    assert await told_by(practice) == []


async def test_an_old_move_of_the_client_says_nothing_of_a_newer_one(practice: Practice) -> None:
    """The practice has moved it away, and back to where the client had put it."""
    await practice.open()
    event = await booked_before(practice)
    by_client = await moved(practice, event, start=event.start + timedelta(days=1), changed_by="client")
    away_again = await moved(practice, by_client, start=event.start + timedelta(days=2))
    back = await moved(practice, away_again, start=by_client.start)
    for one in (back, away_again, by_client):
        await practice.follow(one)
        await practice.fire_due()
    assert len(await told_by(practice)) == 1


async def test_whose_carrier_says_that_they_have_stopped_texts_hears_it_from_a_person(practice: Practice) -> None:
    await practice.open("sms")
    gone = await called_off(practice, days=2)
    await practice.reported("undelivered", 21610)
    assert await told_by(practice) == [("tell_change", str(gone.appointment_id))]
