"""Reminders: planned, sent once, void when the visit changes, by the next channel when one fails."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from icalendar import Calendar
from sqlalchemy import text

from services.notifications.clients import Carriers, CarrierUnavailable, Outbound, Vendor, signature
from services.notifications.resources import Resources
from services.notifications.use_cases import reports, sending
from services.notifications.use_cases.handing_over import Post
from shared.contracts.booking import (
    AppointmentArrived,
    AppointmentAwaited,
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentCheckedIn,
    AppointmentConfirmed,
    AppointmentEnteredInError,
    AppointmentFlagged,
    AppointmentFulfilled,
    AppointmentImported,
    AppointmentMissed,
    AppointmentRescheduled,
    AppointmentRunningLate,
    AppointmentState,
)
from shared.contracts.notifications import Channel
from shared.timers import Timer, TimerRunner
from tests.notifications.conftest import SOON, TOKEN, Practice, text_in
from tests.support.build import appointment_event
from tests.support.streams import eventually

pytestmark = pytest.mark.servers

NOW_PLAN = {
    "steps": [
        {"purpose": "reminder", "anchor": "booking", "offset": "PT0S", "channels": ["sms", "email"]},
    ]
}
"""One reminder, due at once."""


async def visit(practice: Practice, event: type[AppointmentState] = AppointmentBooked, **changes: Any) -> Any:
    now = await practice.now()
    values = {"client_id": practice.client, "start": now + SOON, "booked_at": now, "changed_at": now}
    return appointment_event(event, **{**values, **changes})


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


def later(of: AppointmentState, kind: type[AppointmentState], **changes: Any) -> AppointmentState:
    return kind.model_validate(of.model_dump() | {"sequence": of.sequence + 1, "changed_by": "practice"} | changes)


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


async def test_a_cancelled_or_moved_visits_reminder_is_never_sent_whatever_the_race(practice: Practice) -> None:
    """Sending and cancelling at the same moment, many times: what goes out went out before the cancellation."""
    await practice.open("sms", "email")
    await practice.call("POST", "/v1/reminder-plans", 201, json=NOW_PLAN)
    outcomes = set()
    for number in range(40):
        booked = await visit(practice)
        await practice.follow(booked)
        changed: AppointmentState = AppointmentCancelled.model_validate(
            {**booked.model_dump(), "sequence": 2, "status": "cancelled"}
        )
        if number % 2:
            # Moved rather than cancelled; its own reminder is due tomorrow.
            changed = AppointmentRescheduled.model_validate(
                {**booked.model_dump(), "sequence": 2, "booked_at": booked.booked_at + timedelta(days=1)}
            )
        seen = len(practice.outside.texts(practice.phone))
        runner = practice.runner()
        timers = await runner.claim(10)

        # Every lead of the one over the other, in steps of 1.5 ms.
        lead = 0.0015 * (number - 20)

        async def cancel(event: AppointmentState = changed, wait: float = max(0.0, lead)) -> int:
            await asyncio.sleep(wait)
            await practice.follow(event)
            return len(practice.outside.texts(practice.phone))

        async def fire(timer: Timer, runner: TimerRunner = runner, wait: float = max(0.0, -lead)) -> None:
            await asyncio.sleep(wait)
            await runner.fire(timer)

        results = await asyncio.gather(cancel(), *(fire(timer) for timer in timers))
        at_cancel, after = results[0], len(practice.outside.texts(practice.phone))
        assert after == at_cancel, "a text went out after its visit was changed"
        log = [one for one in await practice.messages() if one["appointment_id"] == str(booked.appointment_id)]
        message = next(one for one in log if one["purpose"] == "reminder")
        assert message["status"] in ("sent", "delivered", "not_sent")
        assert (after > seen) == (message["status"] != "not_sent")
        outcomes.add(message["status"] == "not_sent")
    assert outcomes == {True, False}, "the race was not run both ways; widen the waits"


@dataclass
class Slow:
    """A carrier that answers only when it is told to."""

    own: Vendor
    name: str = "sms"
    knows_repetitions: bool = True
    called: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, message: Outbound) -> str:
        self.called.set()
        await self.go_on.wait()
        return await self.own.send(message)


def carried_by(own: Resources, *vendors: Vendor, channel: Channel = "sms") -> Resources:
    """The same service with other carriers of texts, or of this."""
    return replace(own, carriers=Carriers({**own.carriers.vendors, channel: vendors}))


@asynccontextmanager
async def on_its_way(practice: Practice) -> AsyncIterator[Slow]:
    """A booked visit's text is with the carrier, who answers at the end of the block."""
    own = practice.resources
    slow = Slow(own.carriers.vendors["sms"][0])
    practice.resources = carried_by(own, slow)
    runner = practice.runner()
    [timer] = await practice.claimed(runner)
    sending_now = asyncio.create_task(runner.fire(timer))
    await asyncio.wait_for(slow.called.wait(), 5)
    yield slow
    await sending_now
    practice.resources = own


async def waits_for_a_lock(practice: Practice) -> bool:
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    async with practice.resources.database.transaction(practice.tenant) as session:
        return bool(await session.scalar(text(query)))


TURNED_AWAY = 2.3
"""Seconds after which others are told that something is busy."""


async def says_it_is_too_much(practice: Practice) -> None:
    assert await text_in(practice, "I want to kill myself") == 200


async def says_so_on_the_page(practice: Practice) -> None:
    said = {"kind": "message", "body": "I want to kill myself"}
    headers = practice.headers("client", client_id=str(practice.client))
    await practice.call("POST", f"/v1/clients/{practice.client}/secure-messages", 201, json=said, headers=headers)


async def withdraws(practice: Practice) -> None:
    await practice.consent("sms", granted=False)


async def wishes_mails(practice: Practice) -> None:
    await practice.call("PUT", f"/v1/clients/{practice.client}/preferences", json={"channels": ["email"]})


async def moves(practice: Practice) -> None:
    contact = await practice.call("GET", f"/v1/clients/{practice.client}/contact")
    await practice.call("PUT", f"/v1/clients/{practice.client}/contact", json=contact | {"phone": "+13035550188"})


async def stops(practice: Practice) -> None:
    assert await text_in(practice, "STOP") == 200


async def is_taken_over(practice: Practice) -> None:
    await practice.call("POST", f"/v1/clients/{practice.client}/pause")


@pytest.mark.parametrize(
    "change", [stops, says_it_is_too_much, says_so_on_the_page, withdraws, wishes_mails, moves, is_taken_over]
)
async def test_whatever_ends_texts_waits_for_the_one_that_is_on_its_way(
    change: Callable[[Practice], Coroutine[Any, Any, None]], practice: Practice
) -> None:
    """Once the change is answered, nothing that was decided before it can still go."""
    await practice.open("sms")
    await practice.call("POST", "/v1/reminder-plans", 201, json=NOW_PLAN)
    await practice.follow(await visit(practice))
    async with on_its_way(practice) as carrier:
        changing = asyncio.create_task(change(practice))
        await eventually(lambda: waits_for_a_lock(practice), 5)
        # Longer than anybody else waits for a lock: this must not be turned away.
        done, _ = await asyncio.wait([changing], timeout=TURNED_AWAY)
        assert not done
        carrier.go_on.set()
        await changing


async def test_a_stop_that_the_carrier_tells_of_waits_for_the_text_to_another_with_that_number(
    practice: Practice,
) -> None:
    await practice.open("sms")
    await practice.call("POST", "/v1/reminder-plans", 201, json=NOW_PLAN)
    await practice.follow(await visit(practice))
    await practice.fire_due()
    first, practice.client = practice.client, uuid4()
    await practice.open("sms")
    await practice.follow(await visit(practice, appointment_id=uuid4()))
    async with on_its_way(practice) as carrier:
        practice.client, second = first, practice.client
        hearing = asyncio.create_task(practice.reported("undelivered", 21610))
        await eventually(lambda: waits_for_a_lock(practice), 5)
        assert not hearing.done()
        carrier.go_on.set()
        await hearing
    for client in (first, second):
        consents = await practice.call("GET", f"/v1/clients/{client}/consents")
        assert consents["items"][0]["granted"] is False


async def test_a_stop_waits_until_the_text_that_is_on_its_way_is_on_record(practice: Practice) -> None:
    """Else the log would hold a text sent after the client said stop."""
    await practice.open("sms")
    await practice.call("POST", "/v1/reminder-plans", 201, json=NOW_PLAN)
    await practice.follow(await visit(practice))
    async with on_its_way(practice) as carrier:
        stopping = asyncio.create_task(text_in(practice, "STOP"))
        await eventually(lambda: waits_for_a_lock(practice), 5)
        assert not stopping.done()
        carrier.go_on.set()
        assert await stopping == 200
    await practice.fire_due()
    [sent] = [one for one in await practice.messages() if one["purpose"] == "reminder"]
    consents = await practice.call("GET", f"/v1/clients/{practice.client}/consents")
    assert (consents["items"][0]["granted"], sent["status"] in ("sent", "delivered")) == (False, True)


async def test_a_cancellation_waits_until_the_message_that_is_on_its_way_is_on_record(practice: Practice) -> None:
    await practice.open("sms", "email")
    await practice.call("POST", "/v1/reminder-plans", 201, json=NOW_PLAN)
    booked = await visit(practice)
    await practice.follow(booked)
    gone = AppointmentCancelled.model_validate({**booked.model_dump(), "sequence": 2, "status": "cancelled"})
    async with on_its_way(practice) as carrier:
        cancelling = asyncio.create_task(practice.follow(gone))
        await eventually(lambda: waits_for_a_lock(practice), 5)
        assert not cancelling.done()
        carrier.go_on.set()
        await cancelling
    log = [one["status"] for one in await practice.messages() if one["purpose"] == "reminder"]
    assert log[0] in ("sent", "delivered")
    await practice.fire_due()


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


@dataclass
class Failing:
    """A carrier that fails as often as there are errors for it, then carries."""

    own: Vendor
    errors: list[Exception]
    name: str = "sms"
    knows_repetitions: bool = True
    asked: list[UUID] = field(default_factory=list)

    async def send(self, message: Outbound) -> str:
        self.asked.append(message.id)
        if self.errors:
            raise self.errors.pop(0)
        return await self.own.send(message)


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
    news: dict[str, Any] = {"sequence": 2, "booked_at": booked.booked_at + timedelta(days=1)}
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


def calendar_of(practice: Practice, number: int) -> tuple[str, Any]:
    """What the calendar file of the client's mail is for, and the visit in it."""
    mail = practice.outside.carrier.store.find(to=practice.email, channel="email")[number]
    found = Calendar.from_ical(mail.calendar)
    [event] = found.walk("VEVENT")
    return str(found["METHOD"]), event


async def test_mails_bring_the_visit_into_the_clients_calendar_move_it_and_take_it_out(practice: Practice) -> None:
    """One UID, a rising SEQUENCE, and a title that says nothing."""
    await practice.open("email")
    booked = await visit(practice)
    moved = AppointmentRescheduled.model_validate(
        booked.model_dump()
        | {"sequence": 2, "start": booked.start + timedelta(days=1), "end": booked.end + timedelta(days=1)}
    )
    gone = AppointmentCancelled.model_validate(moved.model_dump() | {"sequence": 3, "status": "cancelled"})
    told = []
    for number, event in enumerate((booked, moved, gone)):
        await practice.follow(event)
        await practice.fire_due()
        told.append(calendar_of(practice, number))
    assert [method for method, _ in told] == ["REQUEST", "REQUEST", "CANCEL"]
    assert [int(event["SEQUENCE"]) for _, event in told] == [1, 2, 3]
    assert {str(event["UID"]) for _, event in told} == {f"{booked.appointment_id}@rapport"}
    assert [event["DTSTART"].dt for _, event in told] == [
        one.start.replace(microsecond=0) for one in (booked, moved, moved)
    ]
    assert {str(event["SUMMARY"]) for _, event in told} == {"Appointment"}
    assert [str(event["STATUS"]) for _, event in told] == ["CONFIRMED", "CONFIRMED", "CANCELLED"]
    assert {str(event["ATTENDEE"]) for _, event in told} == {f"mailto:{practice.email}"}
    assert {str(event["ORGANIZER"]) for _, event in told} == {"mailto:hello@maple.example"}
    assert "is cancelled; nobody expects you" in practice.outside.mails(practice.email)[-1]


async def test_a_visit_that_is_called_off_after_it_began_is_no_news_to_its_client(practice: Practice) -> None:
    await practice.open("email")
    now = await practice.now()
    booked = await visit(practice, start=now - timedelta(minutes=5), booked_at=now - timedelta(days=1))
    gone = AppointmentCancelled.model_validate(booked.model_dump() | {"sequence": 2, "status": "cancelled"})
    await practice.follow(booked, gone)
    assert "cancellation" not in [one["purpose"] for one in await practice.messages()]


async def test_a_visit_entered_in_error_leaves_the_clients_calendar_and_no_reminder_goes(practice: Practice) -> None:
    await practice.open("sms", "email")
    booked = await visit(practice)
    await practice.follow(booked)
    await practice.fire_due()
    wrong = AppointmentEnteredInError.model_validate(
        booked.model_dump() | {"sequence": 2, "status": "entered-in-error"}
    )
    await practice.follow(wrong)
    await practice.fire_due()
    method, event = calendar_of(practice, 1)
    assert (method, str(event["STATUS"])) == ("CANCEL", "CANCELLED")
    assert {one["status"] for one in await practice.messages() if one["purpose"] == "reminder"} == {"not_sent"}


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
