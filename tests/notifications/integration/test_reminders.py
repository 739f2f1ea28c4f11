"""Reminders: planned once, for one version of a visit, asked about their conditions as they are sent."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from shared.contracts.booking import (
    AppointmentConfirmed,
    AppointmentImported,
    AppointmentMissed,
    AppointmentRescheduled,
)
from tests.notifications.conftest import Practice
from tests.notifications.visits import NOW_PLAN, visit

pytestmark = pytest.mark.servers


async def test_a_booking_is_confirmed_at_once_and_its_reminders_are_planned(practice: Practice) -> None:
    await practice.open("sms", "email")
    booked = await visit(practice)
    await practice.follow(booked)
    await practice.fire_due()
    [mail] = practice.outside.mails(practice.email)
    assert mail.startswith("You're booked for")
    log = await practice.messages()
    assert [(one["purpose"], one["channel"], one["status"]) for one in log] == [
        ("confirmation", "email", "sent"),
        ("reminder", "email", "planned"),
        ("confirm_request", "sms", "planned"),
        ("reminder", "sms", "planned"),
    ]
    assert datetime.fromisoformat(log[1]["due_at"]) == booked.start - timedelta(hours=72)
    assert practice.outside.texts(practice.phone) == []


async def test_a_visit_from_another_system_is_reminded_of_but_not_told_anew(practice: Practice) -> None:
    await practice.open("sms", "email")
    coming = await visit(practice, AppointmentImported)
    over = {"start": coming.start - timedelta(days=30)}
    missed = await visit(practice, AppointmentImported, status="noshow", **over)
    gone = await visit(practice, AppointmentImported, status="cancelled")
    await practice.follow(coming, missed, gone)
    await practice.fire_due()
    log = await practice.messages()
    assert [(one["purpose"], one["status"], one["reason"]) for one in log] == [
        ("confirmation", "not_sent", "booked_in_another_system"),
        ("reminder", "planned", None),
        ("confirm_request", "planned", None),
        ("reminder", "planned", None),
    ]
    assert {one["appointment_id"] for one in log} == {str(coming.appointment_id)}
    assert practice.outside.mails(practice.email) == []
    outreach = await practice.http.get("/v1/outreach", headers=practice.headers())
    assert outreach.json()["items"] == []
    seen = await visit(practice, AppointmentMissed, client_id=practice.client, **over)
    await practice.follow(seen)
    assert len((await practice.http.get("/v1/outreach", headers=practice.headers())).json()["items"]) == 1


async def test_an_imported_visit_ends_an_outreach_as_any_booking_does(practice: Practice) -> None:
    await practice.open("sms", "email")
    now = await practice.now()
    missed = await visit(practice, AppointmentMissed, start=now - timedelta(hours=1))
    await practice.follow(missed)
    coming = await visit(practice, AppointmentImported, booked_at=now + timedelta(seconds=1))
    await practice.follow(coming)
    [run] = (await practice.http.get("/v1/outreach", headers=practice.headers())).json()["items"]
    assert run["end_reason"] == "rebooked"


ASKED_FIRST = {
    "steps": [
        {
            "purpose": "confirm_request",
            "anchor": "booking",
            "offset": "PT0S",
            "channels": ["sms"],
            "when": {"first_visit": True, "unconfirmed": True, "modality": "in_person", "lead_time_at_least": "P3D"},
        }
    ]
}


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        ("as the step wants it", None),
        ("confirmed meanwhile", "condition_unconfirmed"),
        ("was there before", "condition_first_visit"),
        ("missed before", None),
        ("by video", "condition_modality"),
        ("booked two days ahead", "condition_lead_time"),
    ],
)
async def test_a_steps_condition_is_asked_as_it_is_sent(case: str, reason: str | None, practice: Practice) -> None:
    await practice.open("sms")
    await practice.call("POST", "/v1/reminder-plans", 201, json=ASKED_FIRST)
    now = await practice.now()
    booked = await visit(
        practice,
        modality="telehealth" if case == "by video" else "in_person",
        start=now + timedelta(days=2 if "two days" in case else 5),
    )
    await practice.follow(booked)
    later = booked.model_dump() | {"sequence": 2, "changed_at": now + timedelta(seconds=1)}
    if case == "confirmed meanwhile":
        await practice.follow(AppointmentConfirmed.model_validate(later | {"confirmed_at": now}))
    before = {"start": now - timedelta(days=30)}
    if case == "was there before":
        await practice.follow(await visit(practice, AppointmentImported, status="fulfilled", **before))
    if case == "missed before":
        await practice.follow(await visit(practice, AppointmentImported, status="noshow", **before))
    await practice.fire_due()
    log = [one for one in await practice.messages() if one["appointment_id"] == str(booked.appointment_id)]
    assert [(one["status"], one["reason"]) for one in log] == [("not_sent", reason) if reason else ("sent", None)]
    assert len(practice.outside.texts(practice.phone)) == (0 if reason else 1)
    assert (("confirm_request", None, "not_sent", reason) in await practice.decisions()) == bool(reason)


async def test_a_message_keeps_to_the_version_of_the_plan_that_planned_it(practice: Practice) -> None:
    await practice.open("sms")
    await practice.call("POST", "/v1/reminder-plans", 201, json=ASKED_FIRST)
    await practice.follow(await visit(practice, modality="telehealth"))
    await practice.call("POST", "/v1/reminder-plans", 201, json=NOW_PLAN)
    await practice.fire_due()
    assert [one["reason"] for one in await practice.messages()] == ["condition_modality"]


async def test_a_steps_condition_is_asked_again_where_its_message_goes_on_by_the_next_channel(
    practice: Practice,
) -> None:
    await practice.open("sms", "email")
    step = NOW_PLAN["steps"][0] | {"when": {"first_visit": True}}
    await practice.call("POST", "/v1/reminder-plans", 201, json={"steps": [step]})
    await practice.follow(await visit(practice))
    await practice.fire_due()
    before = {"start": await practice.now() - timedelta(days=30)}
    await practice.follow(await visit(practice, AppointmentImported, status="fulfilled", **before))
    await practice.reported("undelivered", 30003)
    await practice.fire_due()
    assert practice.outside.mails(practice.email) == []
    assert ("reminder", None, "not_sent", "condition_first_visit") in await practice.decisions()


async def test_the_same_booking_twice_plans_once(practice: Practice) -> None:
    await practice.open("sms", "email")
    booked = await visit(practice)
    await practice.follow(booked, booked, booked)
    assert len(await practice.messages()) == 4


async def test_a_move_voids_the_old_reminders_and_plans_new_ones(practice: Practice) -> None:
    await practice.open("sms", "email")
    booked = await visit(practice)
    moved = booked.model_copy(update={"sequence": 2, "start": booked.start + timedelta(days=7)})
    moved = AppointmentRescheduled.model_validate(moved.model_dump())
    await practice.follow(booked, moved)
    log = await practice.messages()
    planned = [datetime.fromisoformat(one["due_at"]) for one in log if one["status"] == "planned"]
    assert planned[1:] == [moved.start - timedelta(hours=hours) for hours in (72, 48, 24)]
    assert [one["reason"] for one in log if one["status"] == "not_sent"] == ["visit_changed"] * 4


async def test_a_confirmed_visit_keeps_its_reminders_and_is_told_nothing_twice(practice: Practice) -> None:
    await practice.open("sms", "email")
    booked = await visit(practice)
    await practice.follow(booked)
    await practice.fire_due()
    before = await practice.messages()
    at = booked.changed_at + timedelta(minutes=5)
    said = {"sequence": 2, "changed_at": at, "confirmed_at": at, "changed_by": "client"}
    confirmed = AppointmentConfirmed.model_validate(booked.model_dump() | said)
    await practice.follow(confirmed, booked, confirmed)
    await practice.fire_due()
    assert await practice.messages() == before
    assert len(practice.outside.mails(practice.email)) == 1
    assert await practice.tasks() == []


async def test_a_visit_that_was_told_of_moved_and_then_confirmed_keeps_what_was_sent_apart_from_what_is_to_come(
    practice: Practice,
) -> None:
    await practice.open("sms", "email")
    booked = await visit(practice)
    await practice.follow(booked)
    await practice.fire_due()
    later = {"sequence": 2, "start": booked.start + timedelta(days=7), "end": booked.end + timedelta(days=7)}
    moved = AppointmentRescheduled.model_validate(booked.model_dump() | later)
    at = booked.changed_at + timedelta(minutes=5)
    confirmed = AppointmentConfirmed.model_validate(moved.model_dump() | {"sequence": 3, "confirmed_at": at})
    await practice.follow(moved, confirmed)
    await practice.fire_due()
    mails = [mail.split("\n")[0] for mail in practice.outside.mails(practice.email)]
    assert len(mails) == 2 and mails[0] != mails[1], "told of the visit, and of where it is now"
    planned = [one for one in await practice.messages() if one["status"] == "planned"]
    assert [one["purpose"] for one in planned] == ["reminder", "confirm_request", "reminder"]


async def test_the_explanation_of_a_visit_has_its_messages_and_its_outreach_with_times_and_trace(
    practice: Practice,
) -> None:
    await practice.open("sms", "email")
    await practice.call("POST", "/v1/reminder-plans", 201, json=NOW_PLAN)
    first = await visit(practice)
    earlier = first.booked_at - timedelta(hours=1)
    other = await visit(practice, booked_at=earlier, changed_at=earlier)
    await practice.follow(first, other)
    await practice.fire_due()
    missed = AppointmentMissed.model_validate(
        first.model_dump() | {"sequence": 2, "status": "noshow", "start": first.booked_at - timedelta(hours=1)}
    )
    await practice.follow(missed)
    await practice.fire_due()
    # The carrier's own report may come at any moment; what has come twice is told once.
    await practice.reported()
    path = f"/v1/clients/{practice.client}/explain"
    about = {"appointment": str(first.appointment_id)}
    items = (await practice.call("GET", path, params=about))["items"]
    purposes = {one["purpose"] for one in items}
    assert {"reminder", "outreach", "missed_you"} <= purposes
    assert {one["appointment_id"] for one in items} <= {str(first.appointment_id), None}
    sent = next(one for one in items if (one["purpose"], one["outcome"]) == ("reminder", "sent"))
    assert (sent["step"], sent["vendor"], bool(sent["sent_at"])) == ("plan.0", "sms", True)
    everything = (await practice.call("GET", path))["items"]
    assert len(everything) > len(items)
    paged = []
    cursor: dict[str, str] = {}
    while True:
        page = await practice.call("GET", path, params={**about, "limit": "2", **cursor})
        paged += page["items"]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert paged == items
    nobodys = await practice.call("GET", path, params={"appointment": str(uuid4())})
    assert nobodys["items"] == []
