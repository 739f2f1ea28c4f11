"""Whom nobody need call any more: the tasks of an outreach whose client is back, or who didn't miss anything."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.notifications import repository
from services.notifications.domain.outreach import is_held_out
from services.notifications.use_cases import closing, visits
from services.notifications.use_cases import outreach as run
from shared.contracts.booking import AppointmentMissedRetracted, ClientDischarged
from shared.errors import Problem
from tests.notifications.conftest import Practice, text_in
from tests.notifications.misses import missed, next_visit, reported
from tests.notifications.vendors import waits_for_a_lock
from tests.support.streams import eventually

pytestmark = pytest.mark.servers

A_CALL: dict[str, Any] = {
    "steps": [{"after": "PT0S", "task": "call_client"}],
    "on_barrier": {"cost": {"task": "talk_about_payment"}},
    "gives_up_after": "P14D",
}


async def leaves(practice: Practice) -> None:
    """The client's care ends."""
    async with practice.resources.database.transaction(practice.tenant) as session:
        state = ClientDischarged(sequence=2, client_id=practice.client)
        await run.follow_client(session, tenant=practice.tenant, state=state, now=await practice.now())


@pytest.mark.parametrize(
    ("how", "left"),
    [
        ("retracted", ("closed", "not_needed")),
        ("booked again", ("closed", "not_needed")),
        ("discharged", ("closed", "not_needed")),
        ("stop", ("open", None)),
        ("danger", ("open", None)),
    ],
)
async def test_nobody_is_to_call_whoever_is_back(how: str, left: tuple[str, str | None], practice: Practice) -> None:
    await practice.open("sms")
    await practice.call("POST", "/v1/outreach-flows", 201, json=A_CALL)
    miss = await missed(practice)
    await practice.follow(miss)
    await practice.fire_due()
    if how == "retracted":
        changes = {"sequence": 3, "status": "arrived", "changed_at": miss.changed_at + timedelta(minutes=1)}
        await practice.follow(AppointmentMissedRetracted.model_validate(miss.model_dump() | changes))
    elif how == "booked again":
        await practice.follow(await next_visit(practice))
    elif how == "discharged":
        await leaves(practice)
    else:
        await text_in(practice, "STOP" if how == "stop" else "I want to die")
    [one] = await practice.outreach()
    assert one["status"] == ("running" if how == "danger" else "ended")
    [call] = [task for task in await practice.tasks() if task["kind"] == "call_client"]
    assert (call["status"], call["outcome"]) == left


async def test_of_two_misses_only_the_call_of_the_one_that_was_none_is_not_needed(practice: Practice) -> None:
    await practice.call("POST", "/v1/outreach-flows", 201, json=A_CALL)
    none, other = await missed(practice), await missed(practice)
    await practice.follow(none, other)
    await practice.fire_due()
    changes = {"sequence": 3, "status": "arrived", "changed_at": none.changed_at + timedelta(minutes=1)}
    await practice.follow(AppointmentMissedRetracted.model_validate(none.model_dump() | changes))
    runs = {one["id"]: one["appointment_id"] for one in await practice.outreach()}
    found = {runs[task["outreach_id"]]: task["status"] for task in await practice.tasks()}
    assert found == {str(none.appointment_id): "closed", str(other.appointment_id): "open"}


async def test_a_call_that_the_client_was_promised_is_still_to_be_made(practice: Practice) -> None:
    await practice.call("POST", "/v1/outreach-flows", 201, json=A_CALL)
    miss = await missed(practice)
    await practice.follow(miss)
    await practice.fire_due()
    async with practice.resources.database.transaction(practice.tenant) as session:
        told = reported(practice, miss, "cost")
        await run.learn_barrier(session, tenant=practice.tenant, report=told, now=await practice.now())
    await practice.follow(await next_visit(practice))
    found = {task["kind"]: task["status"] for task in await practice.tasks()}
    assert found == {"call_client": "closed", "talk_about_payment": "open"}


CALL_THEN_LETTER: dict[str, Any] = {
    "steps": [
        {"after": "PT0S", "task": "call_client"},
        {"after": "P7D", "message": "closing", "channels": ["email"]},
    ],
    "gives_up_after": "P14D",
}


@pytest.mark.parametrize(
    ("told", "end"),
    [("declined", "declined"), ("reached", "reached"), ("rebooked", "reached"), ("not_reached", None), ("done", None)],
)
async def test_whom_a_person_has_spoken_with_is_written_to_no_more(
    told: str, end: str | None, practice: Practice
) -> None:
    await practice.open("email")
    await practice.call("POST", "/v1/outreach-flows", 201, json=CALL_THEN_LETTER)
    await practice.follow(await missed(practice))
    await practice.fire_due()
    [call] = await practice.tasks()
    await practice.call("POST", f"/v1/tasks/{call['id']}/close", json={"outcome": told})
    await practice.come_due("outreach.step")
    await practice.fire_due()
    await practice.fire_due()
    [one] = await practice.outreach()
    assert one["end_reason"] == end
    assert bool(practice.outside.mails(practice.email)) == (end is None), "the closing letter"


async def test_who_wants_none_is_not_called_either_and_no_other_outreach_goes_on(practice: Practice) -> None:
    await practice.open("sms")
    await practice.call("POST", "/v1/outreach-flows", 201, json=A_CALL)
    await practice.follow(await missed(practice), await missed(practice))
    await practice.fire_due()
    first, _ = await practice.tasks()
    await practice.call("POST", f"/v1/tasks/{first['id']}/close", json={"outcome": "declined"})
    assert {one["end_reason"] for one in await practice.outreach()} == {"declined"}
    assert {one["outcome"] for one in await practice.tasks()} == {"declined", "not_needed"}


async def test_who_closes_a_call_while_a_booking_ends_its_outreach_waits_for_that(practice: Practice) -> None:
    """One has the outreach and wants its calls, the other the reverse: neither may wait for the other for ever."""
    await practice.call("POST", "/v1/outreach-flows", 201, json=A_CALL)
    await practice.follow(await missed(practice))
    await practice.fire_due()
    [call] = await practice.tasks()
    tenant, now, database = practice.tenant, await practice.now(), practice.resources.database

    async def close() -> None:
        async with database.transaction(tenant) as closes:
            about: dict[str, Any] = {"task_id": UUID(call["id"]), "version": None, "by": "anna", "outcome": "reached"}
            await closing.close(closes, tenant=tenant, now=now, **about)

    back = await next_visit(practice)
    async with database.transaction(tenant) as books:
        # As far as a booking is when it has found what runs, and not yet the calls of it.
        await repository.clients.lock(books, practice.client)
        assert len(await repository.outreach.running(books, practice.client)) == 1
        trying = asyncio.create_task(close())
        await eventually(lambda: waits_for_a_lock(practice), 5)
        await visits.follow_visit(books, tenant=tenant, state=back, now=now)
    with pytest.raises(Problem) as refused:
        await trying
    assert refused.value.code == "task_closed"
    assert [task["outcome"] for task in await practice.tasks()] == ["not_needed"]
    assert [one["end_reason"] for one in await practice.outreach()] == ["rebooked"]


@pytest.mark.parametrize(
    ("how", "asked"),
    [
        ("stop", True),
        ("given up", True),
        ("booked again", False),
        ("back since", False),
        ("left since", False),
        ("held out", False),
    ],
)
async def test_who_says_what_was_in_the_way_after_the_end_still_hears_from_a_person(
    how: str, asked: bool, practice: Practice
) -> None:
    flow: dict[str, Any] = A_CALL
    if how == "held out":
        flow = A_CALL | {"steps": [A_CALL["steps"][0] | {"when": {"held_out": False}}], "holdout_percent": 50}
        while not is_held_out(50, 1, practice.client):
            practice.client = uuid4()
    await practice.open("sms")
    await practice.call("POST", "/v1/outreach-flows", 201, json=flow)
    miss = await missed(practice)
    await practice.follow(miss)
    if how == "stop":
        await text_in(practice, "STOP")
    elif how == "booked again":
        await practice.follow(await next_visit(practice))
    else:
        await practice.fire_due()
        await practice.come_due("outreach.step")
        await practice.fire_due()
    [one] = await practice.outreach()
    assert one["status"] == "ended"
    if how == "back since":
        await practice.follow(await next_visit(practice))
    elif how == "left since":
        await leaves(practice)
    for _ in range(2):
        async with practice.resources.database.transaction(practice.tenant) as session:
            told = reported(practice, miss, "cost")
            await run.learn_barrier(session, tenant=practice.tenant, report=told, now=await practice.now())
        for task in await practice.tasks():
            if task["status"] == "open":
                await practice.call("POST", f"/v1/tasks/{task['id']}/close", json={"outcome": "done"})
    assert [task["kind"] for task in await practice.tasks()].count("talk_about_payment") == int(asked)


async def test_a_call_about_what_was_in_the_way_stays_where_the_flow_has_such_a_call_by_itself(
    practice: Practice,
) -> None:
    flow = {**A_CALL, "on_barrier": {"cost": {"task": "call_client"}}}
    await practice.call("POST", "/v1/outreach-flows", 201, json=flow)
    miss = await missed(practice)
    await practice.follow(miss)
    async with practice.resources.database.transaction(practice.tenant) as session:
        told = reported(practice, miss, "cost")
        await run.learn_barrier(session, tenant=practice.tenant, report=told, now=await practice.now())
    await practice.follow(await next_visit(practice))
    assert [(task["kind"], task["status"]) for task in await practice.tasks()] == [("call_client", "open")]
