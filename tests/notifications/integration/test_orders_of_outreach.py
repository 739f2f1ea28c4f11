"""Out of order, repeated, at once: what is heard of a visit ends in the same state."""

from datetime import timedelta
from itertools import permutations
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from services.notifications.use_cases import outreach as run
from shared.contracts.booking import (
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentEnteredInError,
    AppointmentFulfilled,
    AppointmentRescheduled,
    AppointmentState,
    ClientDischarged,
    ClientRegistered,
    ClientState,
)
from shared.contracts.feedback import BarrierReported
from tests.notifications.conftest import Practice
from tests.notifications.misses import ONE_STEP, QUICK_FLOW, ask_for_rating, missed, next_visit, reported
from tests.support.build import appointment_event

pytestmark = pytest.mark.servers


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
