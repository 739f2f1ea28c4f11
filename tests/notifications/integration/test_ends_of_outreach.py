"""What ends an outreach: a booking, a visit, a miss that was none, whatever came first."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from services.notifications.use_cases import visits
from shared.contracts.booking import (
    AppointmentArrived,
    AppointmentConfirmed,
    AppointmentFulfilled,
    AppointmentImported,
    AppointmentMissedRetracted,
)
from tests.notifications.conftest import Practice, text_in
from tests.notifications.misses import ONE_STEP, QUICK_FLOW, TWO_STEPS, missed, next_visit
from tests.support.build import appointment_event
from tests.support.streams import eventually

pytestmark = pytest.mark.servers


async def test_a_miss_that_was_none_ends_its_outreach_and_nothing_planned_goes_out(practice: Practice) -> None:
    await practice.open("sms", "email")
    await practice.call("POST", "/v1/outreach-flows", 201, json=ONE_STEP)
    event = await missed(practice)
    retracted = AppointmentMissedRetracted.model_validate(event.model_dump() | {"sequence": 3, "status": "arrived"})
    await practice.follow(event, retracted, event)
    await practice.fire_due()
    [one] = await practice.outreach()
    assert (one["status"], one["end_reason"]) == ("ended", "visit_changed")
    assert practice.outside.texts(practice.phone) == []


@pytest.mark.parametrize("order", ["confirmed first", "booked first"])
async def test_a_booking_heard_of_by_its_confirmation_ends_an_outreach_too(order: str, practice: Practice) -> None:
    await practice.open("sms", "email")
    await practice.call("POST", "/v1/outreach-flows", 201, json=ONE_STEP)
    await practice.follow(await missed(practice))
    back = await next_visit(practice)
    confirmed = AppointmentConfirmed.model_validate(
        back.model_dump() | {"sequence": 2, "confirmed_at": back.changed_at + timedelta(minutes=1)}
    )
    await practice.follow(*((confirmed, back) if order == "confirmed first" else (back, confirmed)))
    [one] = await practice.outreach()
    assert (one["status"], one["end_reason"]) == ("ended", "rebooked")
    await practice.fire_due()


@pytest.mark.parametrize("order", ["missed first", "came first"])
@pytest.mark.parametrize(("since", "reason"), [(timedelta(minutes=2), "returned"), (-timedelta(hours=1), None)])
async def test_who_comes_to_a_visit_that_was_booked_before_the_miss_is_back(
    practice: Practice, order: str, since: timedelta, reason: str | None
) -> None:
    """And nobody writes that their place is still open; one that lay before the miss says nothing."""
    await practice.open("sms", "email")
    await practice.call("POST", "/v1/outreach-flows", 201, json=QUICK_FLOW)
    miss = await missed(practice)
    before = {"booked_at": miss.booked_at, "changed_at": miss.booked_at}
    other = await next_visit(practice, start=miss.changed_at + since, **before)
    at = miss.changed_at + timedelta(minutes=3)
    came = AppointmentArrived.model_validate(
        other.model_dump() | {"sequence": 2, "status": "arrived", "changed_at": at, "changed_by": "practice"}
    )
    await practice.follow(other, *((miss, came) if order == "missed first" else (came, miss)))
    [one] = await practice.outreach()
    assert one["end_reason"] == reason


@pytest.mark.parametrize("imported", [False, True])
async def test_who_came_before_the_miss_was_told_of_is_back(imported: bool, practice: Practice) -> None:
    await practice.open("sms", "email")
    await practice.call("POST", "/v1/outreach-flows", 201, json=QUICK_FLOW)
    now = await practice.now()
    before = {"booked_at": now - timedelta(days=3), "changed_at": now - timedelta(days=3)}
    at: dict[str, Any] = {"start": now - timedelta(hours=4), "status": "fulfilled", "sequence": 3}
    kind = AppointmentImported if imported else AppointmentFulfilled
    came = appointment_event(kind, client_id=practice.client, **(before | at))
    miss = await missed(practice, start=now - timedelta(hours=9))
    await practice.follow(*((miss, came) if imported else (came, miss)))
    assert [one["end_reason"] for one in await practice.outreach()] == ["returned"]


async def test_any_booking_ends_it_and_nothing_planned_goes_out(practice: Practice) -> None:
    await practice.open("sms", "email")
    await practice.call("POST", "/v1/outreach-flows", 201, json=ONE_STEP)
    await practice.follow(await missed(practice))
    back = await next_visit(practice)
    runner = practice.runner()
    [step] = await practice.claimed(runner)
    await runner.fire(step)
    await practice.follow(back)
    await practice.fire_due()
    [one] = await practice.outreach()
    assert (one["status"], one["end_reason"]) == ("ended", "rebooked")
    assert one["rebooked_appointment_id"] == str(back.appointment_id)
    assert practice.outside.texts(practice.phone) == []
    assert ("missed_you", None, "not_sent", "outreach_ended") in await practice.decisions()


async def test_a_booking_whose_event_is_still_on_its_way_keeps_outreach_back(practice: Practice) -> None:
    await practice.open("sms", "email")
    await practice.call("POST", "/v1/outreach-flows", 201, json=ONE_STEP)
    await practice.follow(await missed(practice))
    back = await next_visit(practice)
    practice.outside.booking.learn(back, practice.tenant)
    await practice.fire_due()
    assert ("missed_you", None, "waiting", "news_on_the_way") in await practice.decisions()
    await practice.follow(back)
    await practice.fire_due()
    assert practice.outside.texts(practice.phone) == []
    assert ("missed_you", None, "not_sent", "outreach_ended") in await practice.decisions()


async def test_a_booking_that_arrives_before_the_miss_ends_it_before_it_begins(practice: Practice) -> None:
    await practice.open("sms", "email")
    event = await missed(practice)
    await practice.follow(await next_visit(practice), event)
    await practice.fire_due()
    [one] = await practice.outreach()
    assert (one["status"], one["end_reason"]) == ("ended", "rebooked")
    assert practice.outside.texts(practice.phone) == []


@pytest.mark.parametrize("first", ["miss", "booking"])
async def test_a_miss_and_the_booking_after_it_that_arrive_at_once_end_the_outreach(
    practice: Practice, first: str
) -> None:
    """Two partitions, two transactions: the second to begin waits, and sees what the first has done."""
    await practice.open("sms", "email")
    await practice.call("POST", "/v1/outreach-flows", 201, json=ONE_STEP)
    miss, back = await missed(practice), await next_visit(practice)
    held, other = (miss, back) if first == "miss" else (back, miss)
    database = practice.resources.database
    async with database.transaction(practice.tenant) as session:
        await visits.follow_visit(session, tenant=practice.tenant, state=held, now=await practice.now())
        following = asyncio.create_task(practice.follow(other))

        async def waits() -> bool:
            query = (
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
            )
            async with database.transaction(practice.tenant) as looking:
                return following.done() or bool(await looking.scalar(text(query)))

        await eventually(waits, 5)
    await following
    practice.outside.booking.learn(held, practice.tenant)
    await practice.fire_due()
    [one] = await practice.outreach()
    assert (one["status"], one["end_reason"]) == ("ended", "rebooked")
    assert practice.outside.texts(practice.phone) == []


async def test_a_visit_booked_long_before_the_miss_does_not_end_it(practice: Practice) -> None:
    await practice.open("sms", "email")
    event = await missed(practice)
    early = event.booked_at - timedelta(days=1)
    await practice.follow(await next_visit(practice, booked_at=early, changed_at=early), event)
    [one] = await practice.outreach()
    assert one["status"] == "running"


async def test_a_visit_booked_long_before_the_miss_and_heard_of_after_it_does_not_end_it(practice: Practice) -> None:
    await practice.open("sms", "email")
    event = await missed(practice)
    early = event.booked_at - timedelta(days=1)
    await practice.follow(event, await next_visit(practice, booked_at=early, changed_at=early))
    [one] = await practice.outreach()
    assert one["status"] == "running"


async def test_who_confirms_a_visit_booked_long_before_is_reached_out_to_after_a_miss_still(practice: Practice) -> None:
    """To confirm is no booking: neither ends what runs nor keeps the next from beginning."""
    await practice.open("sms", "email")
    first, second = await missed(practice), await missed(practice)
    early = first.booked_at - timedelta(days=1)
    known = await next_visit(practice, booked_at=early, changed_at=early)
    yes = {"sequence": 2, "confirmed_at": await practice.now(), "changed_at": await practice.now()}
    confirmed = AppointmentConfirmed.model_validate(known.model_dump() | yes)
    await practice.follow(known, first, confirmed, second)
    assert [one["status"] for one in await practice.outreach()] == ["running", "running"]


async def test_whom_a_person_looks_after_is_not_reached_out_to(practice: Practice) -> None:
    await practice.open("sms", "email")
    await practice.call("POST", f"/v1/clients/{practice.client}/pause")
    await practice.follow(await missed(practice))
    await practice.fire_due()
    await practice.fire_due()
    assert practice.outside.texts(practice.phone) == []
    assert ("outreach", None, "step_left_out", "paused_for_safety") in await practice.decisions()
    assert (await practice.outreach())[0]["status"] == "running", "what is due later waits for that person"


async def test_when_that_person_lets_go_the_outreach_goes_on(practice: Practice) -> None:
    await practice.open("sms", "email")
    await practice.call("POST", "/v1/outreach-flows", 201, json=TWO_STEPS)
    await practice.follow(await missed(practice))
    await practice.call("POST", f"/v1/clients/{practice.client}/pause")
    await practice.fire_due()
    await practice.call("POST", f"/v1/clients/{practice.client}/resume")
    await practice.come_due("outreach.step")
    await practice.fire_due()
    await practice.fire_due()
    assert len(practice.outside.mails(practice.email)) == 1, "the closing letter"
    assert practice.outside.texts(practice.phone) == []


@pytest.mark.parametrize("end", ["visit_changed", "opted_out"])
async def test_a_visit_that_was_missed_after_all_is_a_second_miss(end: str, practice: Practice) -> None:
    await practice.open("sms", "email")
    await practice.call("POST", "/v1/outreach-flows", 201, json=ONE_STEP)
    first = await missed(practice)
    taken_back = AppointmentMissedRetracted.model_validate(first.model_dump() | {"sequence": 3, "status": "arrived"})
    again = first.model_copy(update={"sequence": 4, "changed_at": await practice.now()})
    corrected = again.model_copy(update={"sequence": 5, "changed_at": await practice.now()})
    await practice.follow(first)
    if end == "opted_out":
        await text_in(practice, "STOP")
    await practice.follow(taken_back, again, again, corrected)
    assert [one["end_reason"] for one in await practice.outreach()] == [end, None]
    await practice.fire_due()
    await practice.fire_due()
    assert len(practice.outside.texts(practice.phone)) + len(practice.outside.mails(practice.email)) == (
        1 if end == "visit_changed" else 2
    ), "what was said of the first miss has gone; and that STOP was heard"
