"""Who runs late is expected: the practice is told, and the provider asked once whether they are there."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.contracts.booking import (
    AppointmentArrived,
    AppointmentAwaited,
    AppointmentCancelled,
    AppointmentCheckedIn,
    AppointmentEnteredInError,
    AppointmentFlagged,
    AppointmentFulfilled,
    AppointmentMissed,
    AppointmentRescheduled,
    AppointmentRunningLate,
    AppointmentState,
)
from tests.notifications.conftest import Practice
from tests.notifications.visits import later, visit

pytestmark = pytest.mark.servers


async def test_a_flagged_visit_keeps_its_reminders_and_asks_the_practice_to_rebook(practice: Practice) -> None:
    await practice.open("sms", "email")
    booked = await visit(practice)
    later = booked.model_dump() | {"changed_at": booked.changed_at + timedelta(days=1)}
    flagged = AppointmentFlagged.model_validate(later | {"sequence": 2, "needs_rebooking": True})
    cleared = AppointmentFlagged.model_validate(later | {"sequence": 3, "needs_rebooking": False})
    await practice.follow(booked)
    before = await practice.messages()
    await practice.follow(flagged, flagged)
    assert await practice.messages() == before
    assert [task["kind"] for task in await practice.tasks()] == ["rebook"]
    await practice.follow(cleared, booked)
    assert len(await practice.tasks()) == 1
    await practice.fire_due()
    assert len(practice.outside.mails(practice.email)) == 1, "the confirmation goes out, for the flag changed nothing"


async def test_who_runs_late_is_expected_and_the_practice_is_told(practice: Practice) -> None:
    await practice.open("sms", "email")
    booked = await visit(practice)
    await practice.follow(booked)
    before = await practice.messages()
    said = {"sequence": 2, "late_by": timedelta(minutes=10), "changed_by": "client"}
    late = AppointmentRunningLate.model_validate(booked.model_dump() | said)
    await practice.follow(late, late)
    assert await practice.messages() == before
    assert [task["kind"] for task in await practice.tasks()] == ["running_late"]


@pytest.mark.parametrize(
    ("answer", "changes"),
    [
        (AppointmentArrived, {"status": "arrived"}),
        (AppointmentCheckedIn, {"status": "checked-in"}),
        (AppointmentCancelled, {"status": "cancelled", "reason_code": "client_request"}),
        (AppointmentMissed, {"status": "noshow"}),
        (AppointmentRescheduled, {}),
        (AppointmentRunningLate, {"late_by": timedelta(minutes=20)}),
        (AppointmentFulfilled, {"status": "fulfilled"}),
        (AppointmentEnteredInError, {"status": "entered-in-error"}),
    ],
)
async def test_the_provider_is_asked_once_whether_the_client_is_there_until_it_is_known(
    practice: Practice, answer: type[AppointmentState], changes: dict[str, Any]
) -> None:
    await practice.open("sms", "email")
    booked = await visit(practice)
    asked = later(booked, AppointmentAwaited, changed_by="system", missed_at=booked.start + timedelta(minutes=15))
    known = later(asked, answer, **changes)
    await practice.follow(booked)
    before = await practice.messages()
    await practice.follow(asked, asked, booked)
    assert await practice.messages() == before
    [task] = await practice.tasks()
    assert (task["kind"], task["status"]) == ("is_client_there", "open")
    assert (task["appointment_id"], task["provider_id"]) == (str(booked.appointment_id), str(booked.provider_id))
    assert datetime.fromisoformat(task["due_at"]) == booked.start + timedelta(minutes=15)
    other = await visit(practice)
    await practice.follow(other, later(other, answer, **changes))
    assert [task["status"] for task in await practice.tasks() if task["kind"] == "is_client_there"] == ["open"]
    await practice.follow(known, asked)
    asking = [task for task in await practice.tasks() if task["kind"] == "is_client_there"]
    assert [(task["status"], task["outcome"]) for task in asking] == [("closed", "not_needed")]


async def test_the_question_heeds_what_is_newest_in_whatever_order_it_is_heard_of(practice: Practice) -> None:
    await practice.open("sms", "email")
    booked = await visit(practice)
    missed_at = {"missed_at": booked.start + timedelta(minutes=15), "changed_by": "system"}
    asked = later(booked, AppointmentAwaited, **missed_at)
    late = later(asked, AppointmentRunningLate, late_by=timedelta(minutes=8))
    again = later(late, AppointmentAwaited, **missed_at)
    arrived = later(again, AppointmentArrived, status="arrived")
    done = later(arrived, AppointmentFulfilled, status="fulfilled")
    await practice.follow(booked, asked, again, late)
    kinds = sorted(task["kind"] for task in await practice.tasks() if task["status"] == "open")
    assert kinds == ["is_client_there", "running_late"], "one question, and that they are late is told all the same"
    await practice.follow(done, arrived)
    assert [task["kind"] for task in await practice.tasks() if task["status"] == "open"] == ["running_late"]


async def test_who_says_again_that_they_will_be_late_is_not_asked_about_until_then(practice: Practice) -> None:
    await practice.open("sms", "email")
    booked = await visit(practice)
    late = later(booked, AppointmentRunningLate, late_by=timedelta(minutes=10))
    asked = later(late, AppointmentAwaited, changed_by="system", missed_at=booked.start + timedelta(minutes=15))
    later_still = later(asked, AppointmentRunningLate, late_by=timedelta(minutes=25))
    await practice.follow(booked, late, asked, later_still)
    found = sorted((task["kind"], task["status"]) for task in await practice.tasks())
    assert found == [("is_client_there", "closed"), ("running_late", "open")]
