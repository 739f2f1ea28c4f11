"""What is on its way while the world changes: who changes it waits, or nothing goes."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.notifications import repository
from services.notifications.use_cases import reports
from shared.contracts.booking import (
    AppointmentCancelled,
    AppointmentFlagged,
    AppointmentRescheduled,
    AppointmentState,
)
from shared.timers import Timer, TimerRunner
from tests.notifications.conftest import Practice, text_in
from tests.notifications.vendors import on_its_way, waits_for_a_lock
from tests.notifications.visits import NOW_PLAN, later, visit
from tests.support.streams import eventually

pytestmark = pytest.mark.servers


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
                {**booked.model_dump(), "sequence": 2, "changed_at": booked.changed_at + timedelta(days=1)}
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


async def test_what_goes_on_while_a_remark_waits_for_it_is_of_the_visit_as_it_is_then(practice: Practice) -> None:
    await practice.open("sms", "email")
    await practice.call("POST", "/v1/reminder-plans", 201, json=NOW_PLAN)
    booked = await visit(practice)
    await practice.follow(booked)
    [planned] = await practice.messages()
    async with practice.resources.database.transaction(practice.tenant) as session:
        message = await repository.messages.get(session, UUID(planned["id"]), lock=True)
        flagging = asyncio.create_task(practice.follow(later(booked, AppointmentFlagged)))
        await eventually(lambda: waits_for_a_lock(practice))
        now = await practice.now()
        await reports.has_failed(session, practice.tenant, message, ("email",), "sms_30003", now)
    await flagging
    await practice.fire_due()
    assert len(practice.outside.mails(practice.email)) == 1
