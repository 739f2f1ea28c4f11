"""Keeping a slot: for five minutes, twice longer, and for nothing but what it was kept for."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from services.booking.domain.holds import Hold, check_number, check_slot, extend, hold, release
from services.booking.domain.slots import Place
from shared.contracts.slots import SlotId
from shared.errors import Problem
from tests.support.build import NOW, schedule

RULES = schedule(buffer_before=timedelta(minutes=5))
START = datetime(2026, 3, 4, 14, 0, tzinfo=UTC)
SLOT = SlotId(RULES.schedule_id, START, NOW + timedelta(hours=1))
MINUTE = timedelta(minutes=1)


PLACE = Place(room_id=uuid4(), group_id=uuid4(), seat=1)


def held(client_id: UUID | None = None) -> Hold:
    place = Place(room_id=uuid4(), group_id=uuid4(), seat=2)
    kept, event = hold(
        id=uuid4(), slot=SLOT, schedule=RULES, place=place, client_id=client_id, held_by="app-1", now=NOW
    )
    assert (event.hold_id, event.expires_at, event.room_id) == (kept.id, NOW + 5 * MINUTE, place.room_id)
    return kept


def test_a_hold_takes_the_time_that_its_visit_will_take() -> None:
    kept = held()
    assert (kept.start, kept.end) == (START, START + RULES.duration)
    assert (kept.occupied_from, kept.occupied_to) == (START - 5 * MINUTE, kept.end + RULES.buffer_after)


def test_it_is_extended_twice_by_five_minutes_and_not_when_it_is_over() -> None:
    once, event = extend(held(), PLACE, NOW + 4 * MINUTE)
    assert (once.room_id, once.group_id, once.seat) == (PLACE.room_id, PLACE.group_id, PLACE.seat), "as it's free now"
    assert (once.expires_at, once.sequence, event.expires_at) == (NOW + 10 * MINUTE, 2, NOW + 10 * MINUTE)
    twice, _ = extend(once, PLACE, NOW + 9 * MINUTE)
    assert (twice.expires_at, twice.extensions_left) == (NOW + 15 * MINUTE, 0)
    with pytest.raises(Problem) as third:
        extend(twice, PLACE, NOW + 10 * MINUTE)
    assert third.value.code == "hold_not_extendable"
    with pytest.raises(Problem) as late:
        extend(once, PLACE, NOW + 10 * MINUTE)
    assert late.value.code == "hold_expired"


def test_its_end_is_told_with_its_reason_in_the_next_sequence() -> None:
    kept, _ = extend(held(), PLACE, NOW)
    event = release(kept, "expired")
    assert (event.sequence, event.because, event.hold_id) == (3, "expired", kept.id)


def test_it_is_used_for_its_slot_and_its_client_only() -> None:
    client = uuid4()
    check_slot(held(client), SLOT, client)
    check_slot(held(None), SLOT, client)
    with pytest.raises(Problem) as another:
        check_slot(held(client), SLOT, uuid4())
    assert (another.value.code, another.value.field) == ("hold_of_another_client", "hold_id")
    for other in (SlotId(uuid4(), START, SLOT.expires), SlotId(RULES.schedule_id, START + MINUTE, SLOT.expires)):
        with pytest.raises(Problem) as elsewhere:
            check_slot(held(client), other, client)
        assert elsewhere.value.code == "hold_of_another_slot"


def test_three_at_a_time_are_kept_for_a_client() -> None:
    check_number(2)
    with pytest.raises(Problem) as fourth:
        check_number(3)
    assert fourth.value.code == "too_many_holds"
