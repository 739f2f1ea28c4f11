"""Nobody is reached by any channel: a person finds another way before the visit, and is asked once."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from services.notifications import repository
from services.notifications.clients import CarrierRefused
from services.notifications.domain.model import Message
from services.notifications.use_cases import tasks
from shared.contracts.booking import AppointmentCancelled
from tests.notifications.conftest import Practice
from tests.notifications.integration.test_unknown_outcomes import Taciturn
from tests.notifications.misses import ONE_STEP, missed
from tests.notifications.vendors import Failing, carried_by
from tests.notifications.visits import NOW_PLAN, visit

pytestmark = pytest.mark.servers


async def undelivered(practice: Practice) -> list[Message]:
    """The messages of the client that have failed by their last channel."""
    await practice.fire_due()
    await practice.reported("undelivered")
    async with practice.resources.database.transaction(practice.tenant) as session:
        every = [await repository.messages.get(session, UUID(one["id"])) for one in await practice.messages()]
    return [message for message in every if message.status == "failed"]


async def told(practice: Practice, message: Message) -> None:
    async with practice.resources.database.transaction(practice.tenant) as session:
        held = await repository.messages.get(session, message.id, lock=True)
        await tasks.nobody_reached(session, practice.tenant, held, await practice.now())


async def asked(practice: Practice) -> list[dict[str, Any]]:
    return [task for task in await practice.tasks() if task["kind"] == "unreachable"]


async def booked(practice: Practice, **changes: Any) -> Message:
    """A visit whose reminder has failed."""
    await practice.follow(await visit(practice, **changes))
    [*_, failed] = await undelivered(practice)
    return failed


@pytest.fixture(autouse=True)
async def by_text_alone(practice: Practice) -> None:
    await practice.open("sms")
    await practice.call(
        "POST", "/v1/reminder-plans", 201, json={"steps": [NOW_PLAN["steps"][0] | {"channels": ["sms"]}]}
    )


async def test_one_task_a_client_however_many_messages_fail(practice: Practice) -> None:
    first = await booked(practice)
    [task] = await asked(practice)
    second = await booked(practice)
    await asyncio.gather(*(told(practice, message) for message in (first, second, first)))
    [task] = await asked(practice)
    assert task["appointment_id"] in {str(first.appointment_id), str(second.appointment_id)}
    assert (task["status"], task["client_id"]) == ("open", str(practice.client))
    assert ("reminder", "sms", "person_asked", "unreachable") in await practice.decisions()
    body, headers = {"outcome": "reached"}, {"if-match": '"1"'}
    await practice.call("POST", f"/v1/tasks/{task['id']}/close", json=body, headers=headers)
    await told(practice, second)
    assert sorted(one["status"] for one in await asked(practice)) == ["closed", "open"], "it fails again: asked again"


@pytest.mark.parametrize(("ahead", "due_in"), [(80, timedelta(days=1)), (5, timedelta(hours=4))])
async def test_it_is_due_before_the_visit_and_an_alarm_after_that(
    ahead: int, due_in: timedelta, practice: Practice
) -> None:
    now = await practice.now()
    await booked(practice, start=now + timedelta(hours=ahead))
    [task] = await asked(practice)
    assert abs(datetime.fromisoformat(task["due_at"]) - now - due_in) < timedelta(minutes=1)
    await practice.come_due("task.overdue")
    await practice.fire_due()
    assert len(practice.outside.mails(f"desk-{practice.tenant}@maple.example")) == 1


async def test_nobody_is_asked_about_a_visit_that_is_not_to_come(practice: Practice) -> None:
    event = await visit(practice)
    practice.resources = carried_by(practice.resources, Taciturn())
    await practice.follow(event)
    await practice.fire_due()
    gone = {"sequence": 2, "status": "cancelled"}
    await practice.follow(AppointmentCancelled.model_validate(event.model_dump() | gone))
    await practice.reported("undelivered")
    assert "failed" in [one["status"] for one in await practice.messages()]
    assert await asked(practice) == []


async def test_nobody_is_asked_once_the_visit_has_begun(practice: Practice) -> None:
    practice.resources = carried_by(practice.resources, Taciturn())
    await practice.follow(await visit(practice))
    await practice.fire_due()
    async with practice.resources.database.transaction(practice.tenant) as session:
        await session.execute(text("UPDATE visits SET start = clock_timestamp()"))
    await practice.reported("undelivered")
    assert await asked(practice) == []


async def test_a_visit_before_the_first_one_has_a_task_of_its_own(practice: Practice) -> None:
    now = await practice.now()
    later, sooner = [await visit(practice, start=now + timedelta(hours=hours)) for hours in (24 * 30, 20)]
    for one in (later, sooner, later):
        await practice.follow(one)
        await undelivered(practice)
    found = {one["appointment_id"]: datetime.fromisoformat(one["due_at"]) for one in await asked(practice)}
    assert set(found) == {str(later.appointment_id), str(sooner.appointment_id)}
    assert found[str(sooner.appointment_id)] < sooner.start


async def test_where_the_next_channel_is_closed_a_person_is_asked_as_where_it_fails(practice: Practice) -> None:
    await practice.call("POST", "/v1/reminder-plans", 201, json=NOW_PLAN)
    practice.resources = carried_by(practice.resources, Taciturn())
    await practice.follow(await visit(practice))
    await practice.fire_due()
    await practice.reported("undelivered")
    await practice.fire_due()
    assert ("reminder", None, "not_sent", "no_consent") in await practice.decisions()
    assert len(await asked(practice)) == 1


async def test_who_wishes_the_channel_that_has_failed_and_no_other_is_a_persons(practice: Practice) -> None:
    await practice.open("sms", "email")
    await practice.call("POST", "/v1/reminder-plans", 201, json=NOW_PLAN)
    practice.resources = carried_by(practice.resources, Taciturn())
    await practice.follow(await visit(practice))
    await practice.fire_due()
    await practice.call("PUT", f"/v1/clients/{practice.client}/preferences", json={"channels": ["sms"]})
    await practice.reported("undelivered")
    await practice.fire_due()
    assert ("reminder", None, "not_sent", "no_channel") in await practice.decisions()
    assert len(await asked(practice)) == 1


async def test_who_does_not_hear_that_somebody_has_written_is_a_persons(practice: Practice) -> None:
    practice.resources = carried_by(practice.resources, Taciturn())
    await practice.call("POST", f"/v1/clients/{practice.client}/secure-messages", 201, json={"body": "Hello"})
    await practice.fire_due()
    await practice.reported("undelivered")
    await practice.fire_due()
    [task] = await asked(practice)
    assert (task["client_id"], task["appointment_id"]) == (str(practice.client), None)


async def test_outreach_has_persons_of_its_own(practice: Practice) -> None:
    await practice.call("POST", "/v1/outreach-flows", 201, json=ONE_STEP)
    await practice.follow(await missed(practice))
    failed = [message for message in await undelivered(practice) if message.purpose == "missed_you"]
    assert len(failed) == 1
    await told(practice, failed[0])
    assert await asked(practice) == []


async def test_whom_the_last_carrier_refuses_and_of_whom_nothing_is_known_a_person_finds(practice: Practice) -> None:
    practice.resources = carried_by(practice.resources, Failing(Taciturn(), [CarrierRefused("sms_30007")]))
    await practice.follow(await visit(practice))
    await practice.fire_due()
    [task] = await asked(practice)
    assert task["client_id"] == str(practice.client)


async def test_who_has_stopped_texts_is_left_in_peace(practice: Practice) -> None:
    await practice.consent("sms", granted=False)
    await practice.follow(await visit(practice))
    await practice.fire_due()
    assert await asked(practice) == []


async def test_whoever_has_said_stop_at_the_carrier_is_not_looked_for(practice: Practice) -> None:
    await practice.follow(await visit(practice))
    await practice.fire_due()
    await practice.reported("undelivered", 21610)
    assert [one["status"] for one in await practice.messages()] == ["failed"]
    assert await asked(practice) == []


async def test_a_stop_that_only_the_carrier_knows_of_is_everybodys_who_has_the_number(practice: Practice) -> None:
    flow = {"steps": [{"after": "P7D", "message": "closing", "channels": ["email"]}], "gives_up_after": "P14D"}
    await practice.call("POST", "/v1/outreach-flows", 201, json=flow)
    first, other = practice.client, uuid4()
    practice.client = other
    await practice.open("sms", "email")
    await practice.follow(await missed(practice))
    practice.client = first
    await practice.follow(await visit(practice))
    await practice.fire_due()
    await practice.reported("undelivered", 21610)
    practice.client = other
    consents = await practice.call("GET", f"/v1/clients/{other}/consents")
    newest = next(one for one in consents["items"] if one["channel"] == "sms")
    assert (newest["granted"], newest["source"]) == (False, "carrier")
    await practice.come_due("outreach.step")
    await practice.fire_due()
    assert [one["end_reason"] for one in await practice.outreach()] == ["opted_out"]


async def test_whom_the_carrier_refuses_because_they_have_said_stop_there_is_left_in_peace(practice: Practice) -> None:
    practice.outside.carrier.stopped.add(practice.phone)
    await practice.follow(await visit(practice))
    await practice.fire_due()
    assert [(one["status"], one["reason"]) for one in await practice.messages()] == [("not_sent", "sms_21610")]
    assert await asked(practice) == []
