"""Many bookings that wait are planned for as each would be by itself."""

from datetime import timedelta
from uuid import uuid4

import pytest
from opentelemetry import trace
from sqlalchemy import text
from uuid_utils.compat import uuid7

from services.notifications.consumers import MANY
from shared.contracts.booking import AppointmentBooked, AppointmentConfirmed, AppointmentState
from shared.contracts.envelope import Envelope
from shared.handling import Arrived
from tests.notifications.conftest import SOON, Practice
from tests.notifications.misses import ONE_STEP, missed, next_visit
from tests.support.build import appointment_event

pytestmark = pytest.mark.servers


async def together(practice: Practice, *bookings: AppointmentState) -> None:
    now = await practice.now()
    arrived = [Arrived(Envelope(uuid7(), practice.tenant, now, one), trace.INVALID_SPAN) for one in bookings]
    async with practice.resources.database.transaction(practice.tenant) as session:
        await MANY[AppointmentBooked](session, practice.tenant, arrived, now)


async def planned(practice: Practice, visit: AppointmentState) -> list[tuple[str, ...]]:
    """Its messages, with why and when the timer of each is due."""
    query = (
        "SELECT step, messages.purpose, status, messages.channel, messages.due_at - :start AS due, outcome,"
        " messages.due_at = timers.due_at AS timed FROM messages JOIN decisions ON message_id = messages.id"
        " LEFT JOIN timers ON key = messages.id WHERE appointment_id = :id ORDER BY step"
    )
    async with practice.resources.database.transaction(practice.tenant) as session:
        found = await session.execute(text(query), {"id": visit.appointment_id, "start": visit.start})
        return [tuple(map(str, row)) for row in found]


async def test_what_is_new_is_planned_as_it_would_be_alone(practice: Practice) -> None:
    await practice.open("sms", "email")
    now = await practice.now()
    times = {"start": now + SOON, "booked_at": now, "changed_at": now}
    alone, *others = [appointment_event(AppointmentBooked, client_id=uuid4(), **times) for _ in range(4)]
    soon = appointment_event(AppointmentBooked, client_id=uuid4(), **times | {"start": now + timedelta(hours=3)})
    soon_alone = soon.model_copy(update={"appointment_id": uuid4(), "client_id": uuid4()})
    await practice.follow(alone, soon_alone)
    await together(practice, *others, soon)
    expected = await planned(practice, alone)
    assert expected
    assert [await planned(practice, one) for one in others] == [expected] * len(others)
    assert await planned(practice, soon) == await planned(practice, soon_alone), "with what is too late for it"
    await together(practice, *others, soon)
    assert [await planned(practice, one) for one in others] == [expected] * len(others), "heard of twice"


async def test_what_is_known_already_and_who_is_reached_out_to_are_followed_by_themselves(practice: Practice) -> None:
    await practice.open("sms", "email")
    await practice.call("POST", "/v1/outreach-flows", 201, json=ONE_STEP)
    await practice.follow(await missed(practice))
    now = await practice.now()
    known = appointment_event(
        AppointmentBooked, client_id=uuid4(), start=now + SOON, booked_at=now, changed_at=now, sequence=1
    )
    confirmed = AppointmentConfirmed.model_validate(known.model_dump() | {"sequence": 2, "confirmed_at": now})
    await practice.follow(confirmed)
    before = await planned(practice, known)
    back = await next_visit(practice)
    await together(practice, known, back)
    assert await planned(practice, known) == before, "older news"
    [run] = await practice.outreach()
    assert (run["status"], run["end_reason"]) == ("ended", "rebooked")
    assert await planned(practice, back)
