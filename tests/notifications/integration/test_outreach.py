"""Outreach after a miss: one a miss, step by step, ended by any booking, whatever the order of events."""

import asyncio
from datetime import timedelta
from itertools import permutations
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from services.notifications.domain.outreach import is_held_out
from services.notifications.use_cases import outreach as run
from services.notifications.use_cases import visits
from shared.contracts.booking import (
    AppointmentArrived,
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentConfirmed,
    AppointmentEnteredInError,
    AppointmentFulfilled,
    AppointmentImported,
    AppointmentMissed,
    AppointmentMissedRetracted,
    AppointmentRescheduled,
    AppointmentState,
    ClientDischarged,
    ClientRegistered,
    ClientState,
)
from shared.contracts.feedback import BarrierReported, FeedbackRequested
from tests.notifications.conftest import SOON, Practice, text_in
from tests.support.build import appointment_event
from tests.support.streams import eventually

pytestmark = pytest.mark.servers

QUICK_FLOW: dict[str, Any] = {
    "steps": [
        {"after": "PT0S", "message": "missed_you", "channels": ["sms", "email"]},
        {
            "after": "PT0S",
            "message": "barrier_question",
            "channels": ["email"],
            "when": {"barriers": ["unknown"]},
        },
        {"after": "PT0S", "task": "call_client"},
    ],
    "on_barrier": {"transport": {"message": "remote_offer", "channels": ["sms", "email"]}, "cost": {"task": "talk"}},
    "gives_up_after": "PT1S",
}
TWO_STEPS = {
    "steps": [QUICK_FLOW["steps"][0], {"after": "P7D", "message": "closing", "channels": ["email"]}],
    "gives_up_after": "P14D",
}
ONE_STEP = {**QUICK_FLOW, "steps": QUICK_FLOW["steps"][:1], "gives_up_after": "P14D"}


async def missed(practice: Practice, **changes: Any) -> AppointmentMissed:
    now = await practice.now()
    event = appointment_event(
        AppointmentMissed,
        client_id=practice.client,
        sequence=2,
        start=changes.pop("start", now - timedelta(minutes=15)),
        booked_at=now - timedelta(days=3),
        changed_at=now,
        changed_by="system",
        **changes,
    )
    assert isinstance(event, AppointmentMissed)
    return event


async def next_visit(practice: Practice, **changes: Any) -> AppointmentState:
    now = await practice.now()
    values = {"client_id": practice.client, "start": now + SOON, "booked_at": now, "changed_at": now}
    return appointment_event(AppointmentBooked, **{**values, **changes})


async def test_a_miss_is_answered_step_by_step_and_given_up_in_the_end(practice: Practice) -> None:
    await practice.open("sms", "email")
    await practice.call("POST", "/v1/outreach-flows", 201, json=QUICK_FLOW)
    await practice.follow(await missed(practice))
    await practice.fire_due()
    assert ["we missed you" in one for one in practice.outside.texts(practice.phone)] == [True]
    assert ["What got in the way?" in one for one in practice.outside.mails(practice.email)] == [True]
    tasks = await practice.call("GET", "/v1/tasks")
    assert [one["kind"] for one in tasks["items"]] == ["call_client"]
    async with practice.resources.database.transaction(practice.tenant) as session:
        await session.execute(text("UPDATE timers SET due_at = clock_timestamp()"))
    await practice.fire_due()
    [one] = await practice.outreach()
    assert (one["status"], one["end_reason"], one["step"]) == ("ended", "no_response", 3)


async def test_one_miss_one_outreach_however_often_the_event_comes(practice: Practice) -> None:
    await practice.open("sms", "email")
    await practice.call("POST", "/v1/outreach-flows", 201, json=ONE_STEP)
    event = await missed(practice)
    later = event.model_copy(update={"sequence": 3})
    await practice.follow(event, event, later, event)
    await practice.fire_due()
    assert len(await practice.outreach()) == 1
    assert len(practice.outside.texts(practice.phone)) == 1


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


@pytest.mark.parametrize("again", [False, True])
async def test_who_has_stopped_texts_at_the_carrier_is_reached_out_to_no_more(again: bool, practice: Practice) -> None:
    await practice.open("sms", "email")
    await practice.call("POST", "/v1/outreach-flows", 201, json=TWO_STEPS)
    await practice.follow(await missed(practice))
    practice.outside.carrier.stopped.add(practice.phone)
    await practice.fire_due()
    await practice.fire_due()
    assert (await practice.outreach())[0]["status"] == "running"
    if again:
        await text_in(practice, "START")
    await practice.come_due("outreach.step")
    await practice.fire_due()
    assert [one["end_reason"] for one in await practice.outreach()] == [None if again else "opted_out"]


async def test_a_step_that_is_due_as_the_outreach_ends_is_not_taken(practice: Practice) -> None:
    await practice.open("sms", "email")
    await practice.call("POST", "/v1/outreach-flows", 201, json=QUICK_FLOW)
    await practice.follow(await missed(practice))
    [one] = await practice.outreach()
    await practice.follow(await next_visit(practice))
    async with practice.resources.database.transaction(practice.tenant) as session:
        await run.take_step(session, tenant=practice.tenant, outreach_id=UUID(one["id"]), now=await practice.now())
    assert [item for item in await practice.messages() if item["purpose"] == "missed_you"] == []
    assert (await practice.outreach())[0]["end_reason"] == "rebooked"


async def test_a_barrier_changes_what_happens_next_once(practice: Practice) -> None:
    await practice.open("sms", "email")
    await practice.call("POST", "/v1/outreach-flows", 201, json=ONE_STEP)
    event = await missed(practice)
    await practice.follow(event)
    await practice.fire_due()
    now = await practice.now()
    report = reported(practice, event)
    other = report.model_copy(update={"barrier": "cost"})
    for told in (report, report, other):
        async with practice.resources.database.transaction(practice.tenant) as session:
            await run.learn_barrier(session, tenant=practice.tenant, report=told, now=now)
    await practice.fire_due()
    offers = [one for one in practice.outside.mails(practice.email) if "no travel" in one]
    assert len(offers) == 1
    # One automated text a day: the offer is the second message, so it goes by mail, and says why.
    assert ("remote_offer", "sms", "channel_closed", "daily_text_cap") in await practice.decisions()
    assert (await practice.outreach())[0]["barrier"] == "transport"
    assert (await practice.call("GET", "/v1/tasks"))["items"] == []


async def test_who_is_held_out_is_left_alone_and_counted(practice: Practice) -> None:
    await practice.open("sms", "email")
    held = None
    flow = {**ONE_STEP, "holdout_percent": 50}
    await practice.call("POST", "/v1/outreach-flows", 201, json=flow)
    for _ in range(40):
        practice.client = uuid4()
        await practice.open("sms", "email")
        await practice.follow(await missed(practice))
        [one] = await practice.outreach()
        if one["held_out"]:
            held = one
            break
    assert held is not None, "of forty clients about half are held out"
    await practice.fire_due()
    assert (held["status"], held["end_reason"]) == ("ended", "held_out")
    assert ("outreach", None, "ended", "held_out") in await practice.decisions()
    assert all(one["outreach_id"] is None for one in await practice.messages())


async def test_steps_may_be_for_those_held_out_or_for_the_others(practice: Practice) -> None:
    steps = [
        {"after": "PT0S", "task": "for_the_others", "when": {"held_out": False}},
        {"after": "PT0S", "task": "for_those_held_out", "when": {"held_out": True}},
    ]
    flow = {"steps": steps, "gives_up_after": "P14D", "holdout_percent": 50}
    await practice.call("POST", "/v1/outreach-flows", 201, json=flow)
    groups = set()
    for _ in range(40):
        practice.client = uuid4()
        await practice.follow(await missed(practice))
        await practice.fire_due()
        [run] = await practice.outreach()
        kinds = [one["kind"] for one in await practice.tasks() if one["client_id"] == str(practice.client)]
        assert kinds == ["for_those_held_out" if run["held_out"] else "for_the_others"]
        assert run["status"] == "running"
        groups.add(run["held_out"])
        if len(groups) == 2:
            break
    assert groups == {True, False}


async def test_a_step_that_is_taken_may_lead_past_others_and_one_that_is_not_leads_to_the_next(
    practice: Practice,
) -> None:
    steps = [
        {"after": "PT0S", "task": "first_time", "when": {"misses_at_most": 1}, "then": "last"},
        {"after": "PT0S", "task": "again", "then": "end"},
        {"after": "PT0S", "task": "call_client", "name": "last"},
    ]
    await practice.call("POST", "/v1/outreach-flows", 201, json={"steps": steps, "gives_up_after": "P14D"})
    for expected in (["first_time", "call_client"], ["again"]):
        known = {one["id"] for one in await practice.tasks()}
        await practice.follow(await missed(practice))
        await practice.fire_due()
        assert [one["kind"] for one in await practice.tasks() if one["id"] not in known] == expected
    assert ("outreach", None, "step_left_out", "condition_misses") in await practice.decisions()


@pytest.mark.parametrize("arrived", [True, False])
async def test_a_step_may_ask_whether_the_message_before_arrived(arrived: bool, practice: Practice) -> None:
    steps = [
        {"after": "PT0S", "message": "missed_you", "channels": ["sms"]},
        {"after": "PT1S", "task": "call_client", "when": {"step_before": "not_arrived"}},
    ]
    await practice.open("sms")
    await practice.call("POST", "/v1/outreach-flows", 201, json={"steps": steps, "gives_up_after": "P14D"})
    await practice.follow(await missed(practice))
    await practice.fire_due()
    if arrived:
        await practice.reported()
    async with practice.resources.database.transaction(practice.tenant) as session:
        await session.execute(text("UPDATE timers SET due_at = clock_timestamp() WHERE kind = 'outreach.step'"))
    await practice.fire_due()
    assert [one["kind"] for one in await practice.tasks()] == ([] if arrived else ["call_client"])


async def _effective_state(practice: Practice) -> Any:
    """What will still happen, and what is known: ids of messages and their void predecessors left out."""
    async with practice.resources.database.transaction(practice.tenant) as session:
        visits = await session.execute(text("SELECT id, status, start, sequence FROM visits ORDER BY id"))
        planned = await session.execute(
            text(
                "SELECT appointment_id, appointment_sequence, purpose, step, due_at FROM messages"
                " WHERE status = 'planned' ORDER BY 1, 2, 4"
            )
        )
        timers = await session.execute(text("SELECT kind, count(*) FROM timers GROUP BY kind ORDER BY kind"))
        ended = await session.execute(
            text("SELECT appointment_id, status, end_reason, rebooked_appointment_id FROM outreach ORDER BY 1")
        )
        return [list(map(tuple, rows)) for rows in (visits, planned, timers, ended)]


async def _events(practice: Practice) -> list[AppointmentState]:
    """A visit booked, moved, missed; another booked after the miss, moved, cancelled and one more booked."""
    miss = await missed(practice)
    booked = AppointmentBooked.model_validate(
        {**miss.model_dump(), "sequence": 1, "status": "booked", "changed_at": miss.booked_at}
    )
    back = await next_visit(practice)
    moved = AppointmentRescheduled.model_validate(
        {**back.model_dump(), "sequence": 2, "start": back.start + timedelta(days=1)}
    )
    gone = AppointmentCancelled.model_validate({**moved.model_dump(), "sequence": 3, "status": "cancelled"})
    last = await next_visit(practice, changed_at=back.changed_at, booked_at=back.booked_at)
    return [booked, miss, back, moved, gone, last]


# Each example takes a tenant of its own, so the shared fixture carries nothing over.
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_out_of_order_and_repeated_events_end_in_the_same_state(practice: Practice, data: Any) -> None:
    practice.tenant, practice.client = uuid4(), uuid4()
    events = await _events(practice)
    order = data.draw(st.permutations(range(len(events))))
    again = data.draw(st.lists(st.integers(0, len(events) - 1), max_size=4))
    await practice.follow(*events)
    expected = await _effective_state(practice)
    practice.tenant = uuid4()
    await practice.follow(*(events[number] for number in [*order, *again]))
    found = await _effective_state(practice)
    # Which of two bookings ended the outreach depends on which was heard of first; that it ended does not.
    assert found[:3] == expected[:3]
    assert [row[:3] for row in found[3]] == [row[:3] for row in expected[3]]


def reported(practice: Practice, visit: AppointmentState, barrier: str = "transport") -> BarrierReported:
    return BarrierReported.model_validate(
        {
            "sequence": 2,
            "request_id": uuid4(),
            "client_id": practice.client,
            "appointment_id": visit.appointment_id,
            "instrument": "barrier",
            "requested_at": visit.changed_at,
            "submitted_at": visit.changed_at,
            "barrier": barrier,
        }
    )


async def test_every_order_of_booked_missed_and_the_barrier_ends_in_the_same_state(practice: Practice) -> None:
    booked, miss, *_ = await _events(practice)
    told = reported(practice, miss)
    found = []
    orders: list[tuple[AppointmentState | BarrierReported, ...]] = list(permutations((booked, miss, told)))
    for order in orders:
        practice.tenant = uuid4()
        await practice.call("POST", "/v1/outreach-flows", 201, json=QUICK_FLOW)
        for event in order:
            if isinstance(event, BarrierReported):
                async with practice.resources.database.transaction(practice.tenant) as session:
                    await run.learn_barrier(session, tenant=practice.tenant, report=event, now=await practice.now())
            else:
                await practice.follow(event)
        [one] = await practice.outreach()
        planned = [item["purpose"] for item in await practice.messages() if item["status"] == "planned"]
        found.append((one["status"], one["barrier"], planned))
    assert found == [("running", "transport", ["remote_offer"])] * 6


async def ask_for_rating(practice: Practice, visit: AppointmentState) -> None:
    """Feedback asks how a visit was."""
    now = await practice.now()
    request = FeedbackRequested(
        sequence=1,
        request_id=uuid4(),
        client_id=visit.client_id,
        appointment_id=visit.appointment_id,
        instrument="alliance",
        requested_at=now,
        submitted_at=None,
    )
    async with practice.resources.database.transaction(practice.tenant) as session:
        await visits.ask_for_rating(session, tenant=practice.tenant, request=request, now=now)


async def test_a_rating_that_is_asked_for_before_its_visit_is_heard_of_waits_for_it(practice: Practice) -> None:
    await practice.open("sms")
    now = await practice.now()
    times = {"start": now - timedelta(hours=1), "booked_at": now - timedelta(days=3), "changed_at": now}
    kept = appointment_event(AppointmentFulfilled, client_id=practice.client, sequence=3, **times)
    practice.outside.booking.learn(kept, practice.tenant)
    await ask_for_rating(practice, kept)
    await practice.fire_due()
    assert practice.outside.texts(practice.phone) == []
    assert ("rating_request", None, "waiting", "news_on_the_way") in await practice.decisions()
    await practice.follow(kept)
    async with practice.resources.database.transaction(practice.tenant) as session:
        await session.execute(text("UPDATE timers SET leased_until = NULL"))
    await practice.fire_due()
    [asked] = practice.outside.texts(practice.phone)
    assert "http://feedback.test/" in asked


@pytest.mark.parametrize(
    ("undone", "status"), [(AppointmentEnteredInError, "entered-in-error"), (AppointmentCancelled, "cancelled")]
)
async def test_no_rating_is_asked_for_of_what_was_no_visit(
    undone: type[AppointmentState], status: str, practice: Practice
) -> None:
    await practice.open("sms")
    now = await practice.now()
    times = {"start": now - timedelta(hours=1), "booked_at": now - timedelta(days=3), "changed_at": now}
    kept = appointment_event(AppointmentFulfilled, client_id=practice.client, sequence=3, **times)
    await practice.follow(kept)
    await ask_for_rating(practice, kept)
    await practice.follow(undone.model_validate(kept.model_dump() | {"sequence": 4, "status": status}))
    await practice.fire_due()
    assert practice.outside.texts(practice.phone) == []
    assert ("rating_request", None, "not_sent", "visit_changed") in await practice.decisions()


async def test_every_order_of_booked_missed_and_booked_again_ends_the_outreach(practice: Practice) -> None:
    booked, miss, back, *_ = await _events(practice)
    for order in permutations((booked, miss, back)):
        practice.tenant = uuid4()
        await practice.follow(*order)
        [one] = await practice.outreach()
        assert (one["status"], one["end_reason"]) == ("ended", "rebooked")


@pytest.mark.parametrize("order", ["missed first", "discharged first"])
async def test_nobody_reaches_out_to_who_is_in_care_no_more(order: str, practice: Practice) -> None:
    await practice.open("sms", "email")
    await practice.call("POST", "/v1/outreach-flows", 201, json=ONE_STEP)

    async def follow_client(*states: ClientState) -> None:
        for state in states:
            async with practice.resources.database.transaction(practice.tenant) as session:
                await run.follow_client(session, tenant=practice.tenant, state=state, now=await practice.now())

    discharged = ClientDischarged(sequence=2, client_id=practice.client)
    registered = ClientRegistered(sequence=1, client_id=practice.client)
    if order == "missed first":
        await practice.follow(await missed(practice))
        await follow_client(discharged, registered)
    else:
        await follow_client(discharged, registered)
        await practice.follow(await missed(practice))
    await practice.fire_due()
    [one] = await practice.outreach()
    assert (one["status"], one["end_reason"]) == ("ended", "discharged")
    assert practice.outside.texts(practice.phone) == []
    await follow_client(ClientRegistered(sequence=3, client_id=practice.client))
    again = await missed(practice)
    await practice.follow(again.model_copy(update={"appointment_id": uuid4()}))
    await practice.fire_due()
    assert len(practice.outside.texts(practice.phone)) == 1


async def test_what_a_flow_does_for_a_barrier_is_not_for_those_held_out(practice: Practice) -> None:
    steps = [{"after": "PT0S", "message": "missed_you", "channels": ["email"], "when": {"held_out": False}}]
    flow = {"steps": steps, "gives_up_after": "P14D", "on_barrier": ONE_STEP["on_barrier"], "holdout_percent": 50}
    await practice.call("POST", "/v1/outreach-flows", 201, json=flow)
    while not is_held_out(50, 1, practice.client):
        practice.client = uuid4()
    await practice.open("sms", "email")
    miss = await missed(practice)
    await practice.follow(miss)
    async with practice.resources.database.transaction(practice.tenant) as session:
        told = reported(practice, miss, "transport")
        await run.learn_barrier(session, tenant=practice.tenant, report=told, now=await practice.now())
    await practice.fire_due()
    await practice.fire_due()
    assert practice.outside.mails(practice.email) == practice.outside.texts(practice.phone) == []
    assert ("outreach", None, "step_left_out", "held_out") in await practice.decisions()
    assert (await practice.outreach())[0]["barrier"] == "transport"
