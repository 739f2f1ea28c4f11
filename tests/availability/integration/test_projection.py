"""What booking's topics say ends in the same slots, in whatever order and however often it arrives."""

from datetime import datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from shared.contracts.booking import (
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentConfirmed,
    AppointmentRescheduled,
    AppointmentState,
    HoldState,
    SlotHeld,
    SlotReleased,
)
from tests.availability.conftest import Practice
from tests.support.build import NOW, appointment_event

pytestmark = pytest.mark.servers

Told = AppointmentState | HoldState


def life_of_a_visit(provider: UUID, start: datetime, cancelled: bool) -> list[Told]:
    booked = appointment_event(
        AppointmentBooked,
        provider_id=provider,
        start=start,
        occupied_from=start,
        occupied_to=start + timedelta(hours=1),
    )
    later = start + timedelta(hours=26)
    times = {"start": later, "end": later + timedelta(minutes=50), "occupied_from": later}
    moved = booked.model_dump() | times | {"occupied_to": later + timedelta(hours=1), "sequence": 2}
    end = {"sequence": 3, "status": "cancelled"}
    return [
        booked,
        AppointmentRescheduled.model_validate(moved),
        *([AppointmentCancelled.model_validate(moved | end)] if cancelled else []),
    ]


def life_of_a_hold(provider: UUID, start: datetime, schedule_id: str) -> list[Told]:
    held = SlotHeld(
        sequence=1,
        hold_id=uuid4(),
        provider_id=provider,
        schedule_id=UUID(schedule_id),
        start=start,
        end=start + timedelta(minutes=50),
        occupied_from=start,
        occupied_to=start + timedelta(hours=1),
        expires_at=NOW + timedelta(hours=1),
    )
    return [held, SlotReleased.model_validate(held.model_dump() | {"sequence": 2})]


async def tell(practice: Practice, *events: Told) -> None:
    for event in events:
        await (practice.follow_hold(event) if isinstance(event, HoldState) else practice.follow(event))


async def outcome(practice: Practice) -> tuple[Any, list[str]]:
    """What is kept, and what is offered."""
    async with practice.database.transaction(practice.tenant) as session:
        rows = await session.execute(text("SELECT id, sequence, free, occupied_from FROM occupied ORDER BY id"))
        kept = [tuple(row) for row in rows]
    return kept, [item["start"] for item in (await practice.search())["items"]]


async def forget(practice: Practice) -> None:
    async with practice.database.transaction(practice.tenant) as session:
        await session.execute(text("DELETE FROM occupied"))


@settings(
    max_examples=settings().max_examples // 4,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
async def test_out_of_order_and_repeated_events_end_in_the_same_slots(practice: Practice, data: Any) -> None:
    practice.tenant = uuid4()
    await practice.open()
    schedule = await practice.publish()
    provider, start = UUID(practice.ids["provider_id"]), NOW.replace(hour=15, minute=0) + timedelta(days=1)
    everything = await practice.search()
    events = [
        *life_of_a_visit(provider, start, cancelled=False),
        *life_of_a_visit(provider, start + timedelta(hours=2), cancelled=True),
        *life_of_a_hold(provider, start + timedelta(hours=4), schedule["id"]),
    ]
    await tell(practice, *events)
    expected = await outcome(practice)
    assert 0 < len(everything["items"]) - len(expected[1]) <= 3, "one visit stands, and hides its own time alone"
    await forget(practice)
    order = data.draw(st.permutations(range(len(events))))
    again = data.draw(st.lists(st.integers(0, len(events) - 1), max_size=4))
    await tell(practice, *(events[number] for number in [*order, *again]))
    assert await outcome(practice) == expected


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_each_time_given_back_is_told_once_in_whatever_order_a_visits_events_are_heard(
    practice: Practice, order: tuple[int, ...]
) -> None:
    """Each kind has a topic of its own: the waitlist would never hear of a visit called off soon after its booking."""
    schedule = await practice.publish()
    start = NOW.replace(hour=15, minute=0) + timedelta(days=1)
    own = {"schedule_id": UUID(schedule["id"])}
    life = [
        type(event).model_validate(event.model_dump() | own)
        for event in life_of_a_visit(UUID(practice.ids["provider_id"]), start, cancelled=True)
    ]
    places = {(event.start, event.end) for event in life}
    await tell(practice, *(life[number] for number in order))
    told = [event for _, event in await practice.outbox("availability.opened") if event["reason"] != "hours"]
    assert len(told) == len(places) == 2
    for begin, end in places:
        assert any(
            datetime.fromisoformat(item["begin"]) <= begin and end <= datetime.fromisoformat(item["end"])
            for event in told
            for item in event["opened"]
        )


@pytest.mark.parametrize("order", [one for one in permutations(range(3)) if one != (1, 2, 0)])
async def test_a_remark_heard_late_gives_nothing_back_a_second_time(practice: Practice, order: tuple[int, ...]) -> None:
    """Heard before the booking and the move that it is between, it is the one order in which they are told twice."""
    schedule = await practice.publish()
    start = NOW.replace(hour=15, minute=0) + timedelta(days=1)
    booked, moved = life_of_a_visit(UUID(practice.ids["provider_id"]), start, cancelled=False)
    own = {"schedule_id": UUID(schedule["id"])}
    assert isinstance(booked, AppointmentState)
    life: list[Told] = [
        AppointmentBooked.model_validate(booked.model_dump() | own),
        AppointmentConfirmed.model_validate(booked.model_dump() | own | {"sequence": 2, "confirmed_at": NOW}),
        AppointmentRescheduled.model_validate(moved.model_dump() | own | {"sequence": 3}),
    ]
    await tell(practice, *(life[number] for number in order))
    told = [event for _, event in await practice.outbox("availability.opened") if event["reason"] != "hours"]
    assert len(told) == 1


async def test_what_is_imported_as_called_off_gives_nothing_back(practice: Practice) -> None:
    schedule = await practice.publish()
    start = NOW.replace(hour=15, minute=0) + timedelta(days=1)
    booked, *_ = life_of_a_visit(UUID(practice.ids["provider_id"]), start, cancelled=False)
    values = booked.model_dump() | {"schedule_id": UUID(schedule["id"]), "status": "cancelled"}
    await tell(practice, AppointmentCancelled.model_validate(values))
    told = [event["reason"] for _, event in await practice.outbox("availability.opened")]
    assert told == ["hours"]
