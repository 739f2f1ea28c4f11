"""Outreach to whoever doesn't come back without having missed anything: nothing booked, or away for long."""

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from services.notifications.consumers import HANDLERS
from shared.capability import Capability
from shared.contracts import Envelope
from shared.contracts.booking import AppointmentFulfilled, AppointmentState
from shared.contracts.feedback import ClientDisengaging, ClientUnscheduled, EngagementState
from tests.notifications.conftest import Practice, text_in
from tests.notifications.misses import ONE_STEP, missed, next_visit
from tests.support.build import appointment_event
from tests.support.servers import LINK_KEY

pytestmark = pytest.mark.servers
EVENTS: tuple[type[EngagementState], ...] = (ClientUnscheduled, ClientDisengaging)


async def been(practice: Practice) -> AppointmentState:
    """The client's last visit."""
    now = await practice.now()
    past = {"start": now - timedelta(days=8), "booked_at": now - timedelta(days=20), "changed_at": now}
    event = appointment_event(AppointmentFulfilled, client_id=practice.client, sequence=3, **past)
    await practice.follow(event)
    return event


async def hear(practice: Practice, event: type[EngagementState], last: AppointmentState) -> None:
    now = await practice.now()
    state = event(sequence=1, client_id=practice.client, last_appointment_id=last.appointment_id, since=now)
    envelope = Envelope(id=uuid4(), tenant=practice.tenant, time=now, event=state, traceparent=None)
    async with practice.resources.database.transaction(practice.tenant) as session:
        await HANDLERS[event](session, envelope, now)


@pytest.mark.parametrize("event", EVENTS)
async def test_a_gentle_text_leads_to_the_clients_own_page_and_a_person_follows(
    practice: Practice, event: type[EngagementState]
) -> None:
    await practice.open("sms", "email")
    last = await been(practice)
    for _ in range(2):
        await hear(practice, event, last)
        await practice.fire_due()
    [one] = practice.outside.texts(practice.phone)
    assert "nothing is booked for you" in one and "missed" not in one
    link = re.search(r"/me/(\S+)", one)
    assert link is not None
    opened = Capability.verify(link[1], LINK_KEY, "client", await practice.now())
    assert (opened.tenant, opened.subject) == (practice.tenant, practice.client)
    await practice.come_due("outreach.step")
    await practice.fire_due()
    assert [task["kind"] for task in await practice.tasks()] == ["call_client"]
    [run] = await practice.outreach()
    assert (run["trigger"], run["appointment_id"]) == (
        event.type.removeprefix("client."),
        str(last.appointment_id),
    )


@pytest.mark.parametrize("event", EVENTS)
async def test_a_booking_ends_it_and_nothing_more_goes_out(practice: Practice, event: type[EngagementState]) -> None:
    await practice.open("sms", "email")
    await hear(practice, event, await been(practice))
    await practice.follow(await next_visit(practice))
    await practice.fire_due()
    [run] = await practice.outreach()
    assert (run["status"], run["end_reason"]) == ("ended", "rebooked")
    assert practice.outside.texts(practice.phone) == []
    assert await practice.tasks() == []


async def test_who_has_booked_by_the_time_it_is_heard_of_is_left_alone(practice: Practice) -> None:
    await practice.open("sms")
    last = await been(practice)
    now = await practice.now()
    state = ClientUnscheduled(
        sequence=1,
        client_id=practice.client,
        last_appointment_id=last.appointment_id,
        since=now - timedelta(minutes=1),
    )
    await practice.follow(await next_visit(practice))
    envelope = Envelope(id=uuid4(), tenant=practice.tenant, time=now, event=state, traceparent=None)
    async with practice.resources.database.transaction(practice.tenant) as session:
        await HANDLERS[ClientUnscheduled](session, envelope, now)
    await practice.fire_due()
    assert "next_visit" not in [one["purpose"] for one in await practice.messages()]
    [text] = practice.outside.texts(practice.phone)
    assert "you're booked" in text


async def test_one_outreach_at_a_time_and_a_miss_goes_before(practice: Practice) -> None:
    await practice.open("sms", "email")
    await practice.call("POST", "/v1/outreach-flows", 201, json=ONE_STEP)
    last = await been(practice)
    await hear(practice, ClientUnscheduled, last)
    await hear(practice, ClientDisengaging, last)
    assert ("outreach", None, "not_started", "outreach_running") in await practice.decisions()
    await practice.follow(await missed(practice))
    found = {run["trigger"]: (run["status"], run["end_reason"]) for run in await practice.outreach()}
    assert found == {"unscheduled": ("ended", "superseded"), "missed": ("running", None)}
    await practice.fire_due()
    assert ["we missed you" in one for one in practice.outside.texts(practice.phone)] == [True]


async def test_stop_ends_it(practice: Practice) -> None:
    await practice.open("sms", "email")
    await hear(practice, ClientUnscheduled, await been(practice))
    assert await text_in(practice, "STOP") == 200
    [run] = await practice.outreach()
    assert (run["status"], run["end_reason"]) == ("ended", "opted_out")


async def test_flows_are_versions_of_their_trigger(practice: Practice) -> None:
    await practice.open("email")
    flow: dict[str, Any] = {
        "trigger": "unscheduled",
        "steps": [{"after": "PT0S", "message": "closing", "channels": ["email"]}],
        "gives_up_after": "P1D",
    }
    await practice.call("POST", "/v1/outreach-flows", 201, json=ONE_STEP)
    await practice.call("POST", "/v1/outreach-flows", 201, json=flow)
    current = {}
    for trigger in ("missed", "unscheduled", "disengaging"):
        found = await practice.call("GET", "/v1/outreach-flows/current", params={"trigger": trigger})
        current[trigger] = (found["version"], found["flow"]["trigger"])
    assert current == {"missed": (1, "missed"), "unscheduled": (2, "unscheduled"), "disengaging": (0, "disengaging")}
    await practice.call("GET", "/v1/outreach-flows/2", 404)
    await hear(practice, ClientUnscheduled, await been(practice))
    await practice.fire_due()
    assert ["Your place is open" in one for one in practice.outside.mails(practice.email)] == [True]


async def test_rows_from_before_there_were_triggers_are_of_misses(practice: Practice) -> None:
    await practice.call("POST", "/v1/outreach-flows", 201, json=ONE_STEP)
    async with practice.resources.database.transaction(practice.tenant) as session:
        await session.execute(text("UPDATE outreach_flows SET flow = flow - 'trigger'"))
    assert (await practice.call("GET", "/v1/outreach-flows/current"))["version"] == 1


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"steps": [{"after": "PT0S", "message": "missed_you", "channels": ["sms"]}]}, "nothing was missed"),
        ({"on_barrier": {"cost": {"task": "talk"}}}, "only whoever missed a visit"),
        ({"trigger": "bored"}, "trigger"),
    ],
)
async def test_what_makes_no_sense_without_a_miss_is_refused(
    practice: Practice, change: dict[str, Any], wrong: str
) -> None:
    flow = {
        "trigger": "unscheduled",
        "steps": [{"after": "PT0S", "message": "next_visit", "channels": ["sms"]}],
        "gives_up_after": "P1D",
    }
    answer = await practice.http.post("/v1/outreach-flows", json=flow | change, headers=practice.headers())
    assert answer.status_code == 422 and wrong in answer.text


@pytest.mark.parametrize("said", ["declined", "STOP"])
async def test_who_wanted_none_since_their_last_visit_is_not_reached_out_to_again(
    said: str, practice: Practice
) -> None:
    await practice.open("sms", "email")
    last = await been(practice)
    await hear(practice, ClientUnscheduled, last)
    await practice.fire_due()
    if said == "STOP":
        await text_in(practice, "STOP")
    else:
        await practice.come_due("outreach.step")
        await practice.fire_due()
        [call] = await practice.tasks()
        await practice.call("POST", f"/v1/tasks/{call['id']}/close", json={"outcome": "declined"})
    before = len(practice.outside.mails(practice.email)), len(practice.outside.texts(practice.phone))
    await hear(practice, ClientDisengaging, last)
    for _ in range(3):
        await practice.come_due("outreach.step")
        await practice.fire_due()
    ended = "opted_out" if said == "STOP" else "declined"
    assert [one["end_reason"] for one in await practice.outreach()] == [ended]
    assert ("outreach", None, "not_started", ended) in await practice.decisions()
    after = len(practice.outside.mails(practice.email)), len(practice.outside.texts(practice.phone))
    assert after[0] == before[0] and after[1] - before[1] <= (said == "STOP")


async def test_who_takes_texts_again_is_reached_out_to_again(practice: Practice) -> None:
    await practice.open("sms")
    last = await been(practice)
    await hear(practice, ClientUnscheduled, last)
    for word in ("STOP", "START"):
        await text_in(practice, word)
    await hear(practice, ClientDisengaging, last)
    assert [one["status"] for one in await practice.outreach()] == ["ended", "running"]


async def test_a_yes_that_somebody_else_notes_down_undoes_no_stop(practice: Practice) -> None:
    await practice.open("sms", "email")
    last = await been(practice)
    await hear(practice, ClientUnscheduled, last)
    await text_in(practice, "STOP")
    await practice.consent("sms")
    await hear(practice, ClientDisengaging, last)
    assert [one["end_reason"] for one in await practice.outreach()] == ["opted_out"]


async def test_nobody_is_told_that_nothing_is_booked_who_has_a_visit_to_come(practice: Practice) -> None:
    """However long ago it was booked, and however far it is."""
    await practice.open("email")
    last, now = await been(practice), await practice.now()
    long_ago = {"booked_at": now - timedelta(days=25), "changed_at": now - timedelta(days=25)}
    await practice.follow(await next_visit(practice, start=now + timedelta(days=40), **long_ago))
    await hear(practice, ClientDisengaging, last)
    assert await practice.outreach() == []
    assert ("outreach", None, "not_started", "visit_booked") in await practice.decisions()
