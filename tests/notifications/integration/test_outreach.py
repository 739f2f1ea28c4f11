"""Outreach after a miss: one a miss, step by step, not for those held out."""

from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from services.notifications.domain.outreach import is_held_out
from services.notifications.use_cases import outreach as run
from tests.notifications.conftest import Practice, text_in
from tests.notifications.misses import ONE_STEP, QUICK_FLOW, TWO_STEPS, missed, next_visit, reported

pytestmark = pytest.mark.servers


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
