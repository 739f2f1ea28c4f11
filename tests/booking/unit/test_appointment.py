"""The rules of an appointment's life."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.booking.domain import (
    LEGAL,
    Actor,
    Appointment,
    book,
    cancel,
    check_in,
    fulfil,
    miss,
    reschedule,
)
from shared.contracts.slots import SlotId
from shared.errors import Kind, Problem
from tests.support.build import NOW, schedule

STAFF = Actor("practice", "staff-1")
RULES = schedule()
START = datetime(2026, 3, 4, 14, 0, tzinfo=UTC)


def slot(start: datetime = START) -> SlotId:
    return SlotId(RULES.schedule_id, start, NOW + timedelta(hours=1))


def booked() -> Appointment:
    return book(id=uuid4(), slot=slot(), schedule=RULES, client_id=uuid4(), actor=STAFF, now=NOW)[0]


def test_booking_occupies_the_visit_with_its_buffers() -> None:
    appointment, event = book(id=uuid4(), slot=slot(), schedule=RULES, client_id=uuid4(), actor=STAFF, now=NOW)
    assert appointment.end == START + timedelta(minutes=50)
    assert (appointment.occupied_from, appointment.occupied_to) == (START, START + timedelta(minutes=60))
    assert event.type == "appointment.booked"
    assert event.sequence == appointment.sequence == 1
    assert event.appointment_id == appointment.id


@pytest.mark.parametrize(
    ("start", "code", "rule"),
    [
        (NOW - timedelta(minutes=30), "slot_past", "past"),
        (START + timedelta(minutes=7), "slot_gone", "outside_hours"),
        (datetime(2026, 3, 7, 15, 0, tzinfo=UTC), "slot_gone", "outside_hours"),
        (datetime(2026, 6, 3, 14, 0, tzinfo=UTC), "slot_gone", "horizon"),
    ],
)
def test_what_the_schedule_does_not_offer_is_refused_with_the_rule(start: datetime, code: str, rule: str) -> None:
    with pytest.raises(Problem) as refusal:
        book(id=uuid4(), slot=slot(start), schedule=RULES, client_id=uuid4(), actor=STAFF, now=NOW)
    assert refusal.value.code == code
    assert refusal.value.extra["rule"] == rule


def test_minimum_notice_hides_what_is_near() -> None:
    strict = schedule(minimum_notice=timedelta(days=3))
    with pytest.raises(Problem) as refusal:
        book(id=uuid4(), slot=slot(), schedule=strict, client_id=uuid4(), actor=STAFF, now=NOW)
    assert refusal.value.extra["rule"] == "minimum_notice"


def test_a_move_keeps_the_id_and_raises_the_sequence() -> None:
    before = booked()
    after, event = reschedule(before, slot=slot(START + timedelta(hours=1)), schedule=RULES, actor=STAFF, now=NOW)
    assert (after.id, after.sequence, after.start) == (before.id, 2, START + timedelta(hours=1))
    assert event.type == "appointment.rescheduled"


def test_a_visit_that_began_cannot_be_moved() -> None:
    with pytest.raises(Problem, match="too late"):
        reschedule(booked(), slot=slot(START + timedelta(days=1)), schedule=RULES, actor=STAFF, now=START)


def test_missed_exactly_at_start_plus_grace_and_not_before() -> None:
    appointment = booked()
    assert appointment.missed_at == START + timedelta(minutes=15)
    assert miss(appointment, actor=STAFF, now=appointment.missed_at - timedelta(microseconds=1)) is None
    change = miss(appointment, actor=STAFF, now=appointment.missed_at)
    assert change is not None
    assert change[0].status == "noshow"
    assert change[1].type == "appointment.missed"


def test_who_checked_in_is_never_missed() -> None:
    arrived, _ = check_in(booked(), actor=STAFF, now=START)
    assert miss(arrived, actor=STAFF, now=START + timedelta(days=1)) is None


def test_an_illegal_move_names_the_legal_ones() -> None:
    done, _ = fulfil(check_in(booked(), actor=STAFF, now=START)[0], actor=STAFF, now=START)
    with pytest.raises(Problem) as refusal:
        cancel(done, reason="other", actor=STAFF, now=START)
    assert refusal.value.kind is Kind.CONFLICT
    assert refusal.value.code == "illegal_move"
    assert refusal.value.extra["legal_moves"] == []
    with pytest.raises(Problem) as refusal:
        fulfil(booked(), actor=STAFF, now=START)
    assert refusal.value.extra["legal_moves"] == ["reschedule", "cancel", "check-in"]


@given(st.lists(st.sampled_from(["reschedule", "cancel", "check-in", "complete", "miss"]), max_size=8))
def test_whatever_is_tried_the_sequence_rises_by_one_per_event_and_statuses_follow_the_legal_moves(
    moves: list[str],
) -> None:
    appointment = booked()
    now = START - timedelta(hours=1)
    for move in moves:
        before = appointment
        try:
            if move == "reschedule":
                appointment, event = reschedule(before, slot=slot(), schedule=RULES, actor=STAFF, now=now)
            elif move == "cancel":
                appointment, event = cancel(before, reason="client_request", actor=STAFF, now=now)
            elif move == "check-in":
                appointment, event = check_in(before, actor=STAFF, now=now)
            elif move == "complete":
                appointment, event = fulfil(before, actor=STAFF, now=now)
            else:
                change = miss(before, actor=STAFF, now=before.missed_at)
                if change is None:
                    assert before.status != "booked"
                    continue
                appointment, event = change
        except Problem:
            assert move not in LEGAL.get(before.status, ())
            continue
        assert move == "miss" or move in LEGAL[before.status]
        assert event.sequence == appointment.sequence == before.sequence + 1
        assert event.status == appointment.status
