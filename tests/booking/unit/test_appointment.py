"""The rules of an appointment's life."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.booking.domain.appointments import (
    LEGAL,
    SYSTEM,
    Actor,
    Appointment,
    Change,
    RetractReason,
    arrive,
    book,
    cancel,
    check_in,
    check_movable,
    confirm,
    flag,
    fulfil,
    miss,
    notice_absence,
    reschedule,
    retract,
    run_late,
)
from services.booking.domain.policy import Policy
from services.booking.domain.slots import Place, SlotTaken, check_offered, place
from shared.contracts.availability import SchedulePublished
from shared.contracts.slots import DAY, Plan, SlotId, Taken, floor, hidden
from shared.errors import Kind, Problem
from tests.support.build import NOW, schedule

STAFF = Actor("practice", "staff-1")
RULES = schedule()
START = datetime(2026, 3, 4, 14, 0, tzinfo=UTC)
DAY_LATER = timedelta(days=1)
ALONE = Place(room_id=None, group_id=uuid4(), seat=1)


def slot(start: datetime = START) -> SlotId:
    return SlotId(RULES.schedule_id, start, NOW + timedelta(hours=1))


def offered(start: datetime, rules: SchedulePublished = RULES, taken: Sequence[Taken] = ()) -> None:
    plan = Plan(rules)
    check_offered(plan, floor(start), hidden(plan, taken, floor(start), NOW))


def visit(rules: SchedulePublished, room_id: UUID | None = None) -> Taken:
    """A visit at START."""
    begin, end = floor(START), floor(START + rules.duration)
    return Taken(uuid4(), rules.provider_id, rules.schedule_id, room_id, uuid4(), begin, end, begin, end + 600)


def changed(change: Change | None) -> Change:
    assert change is not None
    return change


def booked() -> Appointment:
    id, client = uuid4(), uuid4()
    return book(id=id, slot=slot(), schedule=RULES, place=ALONE, client_id=client, actor=STAFF, now=NOW)[0]


def test_booking_occupies_the_visit_with_its_buffers() -> None:
    appointment, event = book(
        id=uuid4(), slot=slot(), schedule=RULES, place=ALONE, client_id=uuid4(), actor=STAFF, now=NOW
    )
    assert appointment.end == START + timedelta(minutes=50)
    assert (appointment.occupied_from, appointment.occupied_to) == (START, START + timedelta(minutes=60))
    assert event.type == "appointment.booked"
    assert event.sequence == appointment.sequence == 1
    assert event.appointment_id == appointment.id


@pytest.mark.parametrize(
    ("start", "code", "rule"),
    [
        (NOW - timedelta(minutes=30), "slot_past", "past"),
        (START + timedelta(minutes=7), "slot_gone", "off_grid"),
        (datetime(2026, 3, 7, 15, 0, tzinfo=UTC), "slot_gone", "outside_hours"),
        (datetime(2026, 6, 3, 14, 0, tzinfo=UTC), "slot_gone", "horizon"),
    ],
)
def test_what_the_schedule_does_not_offer_is_refused_with_the_rule(start: datetime, code: str, rule: str) -> None:
    with pytest.raises(Problem) as refusal:
        offered(start)
    assert refusal.value.code == code
    assert refusal.value.field == "slot"
    assert refusal.value.extra["rule"] == rule


def test_minimum_notice_hides_what_is_near() -> None:
    strict = schedule(minimum_notice=timedelta(days=3))
    with pytest.raises(Problem) as refusal:
        offered(START, strict)
    assert refusal.value.extra["rule"] == "minimum_notice"


def test_a_time_that_somebody_has_is_taken_and_not_gone() -> None:
    with pytest.raises(SlotTaken) as refusal:
        offered(START, taken=[visit(RULES)])
    assert (refusal.value.schedule_id, refusal.value.start) == (RULES.schedule_id, START)


def test_the_first_of_a_group_founds_it_and_others_take_the_lowest_free_seat() -> None:
    group = schedule(capacity=3)
    first = place(Plan(group), [], [], floor(START), uuid4())
    again = place(Plan(group), [], [], floor(START), uuid4())
    assert first.seat == 1
    assert first.group_id == again.group_id, "whoever founds it, a group at a start is the same"
    third = place(Plan(group), [visit(group)], [(first.group_id, 1), (first.group_id, 3)], floor(START), uuid4())
    assert (third.group_id, third.seat) == (first.group_id, 2)


def test_a_visit_of_its_own_is_its_own_group() -> None:
    id = uuid4()
    assert place(Plan(RULES), [], [], floor(START), id).group_id == id


def test_a_visit_takes_the_first_room_that_is_free() -> None:
    small, large = uuid4(), uuid4()
    rules = schedule(room_ids=(small, large))
    elsewhere = visit(schedule(), room_id=small)
    assert place(Plan(rules), [], [], floor(START), uuid4()).room_id == small
    assert place(Plan(rules), [elsewhere], [], floor(START), uuid4()).room_id == large
    with pytest.raises(SlotTaken):
        offered(START, rules, [elsewhere, visit(schedule(), room_id=large)])


def test_a_visit_is_confirmed_once_before_it_begins_and_anew_at_another_time() -> None:
    change = confirm(booked(), actor=STAFF, now=NOW)
    assert change is not None
    confirmed, event = change
    assert (event.type, event.confirmed_at, event.status) == ("appointment.confirmed", NOW, "booked")
    assert confirm(confirmed, actor=STAFF, now=NOW) is None
    with pytest.raises(Problem) as late:
        confirm(booked(), actor=STAFF, now=START)
    assert late.value.code == "already_started"
    with pytest.raises(Problem) as called_off:
        confirm(cancel(booked(), reason="illness", policy=Policy(), actor=STAFF, now=NOW)[0], actor=STAFF, now=NOW)
    assert called_off.value.extra["legal_moves"] == []
    later = slot(START + DAY_LATER)
    moved, _ = changed(reschedule(confirmed, slot=later, schedule=RULES, place=ALONE, actor=STAFF, now=NOW))
    assert moved.confirmed_at is None


@pytest.mark.parametrize(("reason", "status"), [("was_there", "arrived"), ("gave_notice", "cancelled")])
def test_a_miss_that_was_none_is_retracted(reason: RetractReason, status: str) -> None:
    change = miss(booked(), actor=STAFF, now=START + timedelta(minutes=15))
    assert change is not None
    retracted, event = retract(change[0], reason=reason, actor=STAFF, now=START + timedelta(hours=1))
    assert (event.type, event.status, event.reason_code) == ("appointment.missed_retracted", status, reason)
    with pytest.raises(Problem) as twice:
        retract(retracted, reason=reason, actor=STAFF, now=START + timedelta(hours=1))
    assert twice.value.code == "illegal_move"


@pytest.mark.parametrize(
    ("notice", "within", "late"),
    [(24, 24, False), (23, 24, True), (23, 12, False), (-1, 0, True), (0, 0, False)],
)
def test_a_visit_is_called_off_late_within_the_practices_window(notice: int, within: int, late: bool) -> None:
    policy, now = Policy(late_within=timedelta(hours=within)), START - timedelta(hours=notice)
    cancelled, event = cancel(booked(), reason="illness", policy=policy, actor=STAFF, now=now)
    assert (cancelled.late, event.late) == (late, late)


def test_a_window_is_no_longer_than_two_weeks_and_never_less_than_none() -> None:
    Policy(late_within=timedelta(days=14)).check()
    for wrong in (timedelta(days=14, seconds=1), -timedelta(seconds=1)):
        with pytest.raises(Problem) as refused:
            Policy(late_within=wrong).check()
        assert (refused.value.code, refused.value.field) == ("late_within_invalid", "late_within")


def test_a_visit_in_time_off_is_flagged_once_and_unflagged_when_the_provider_stays() -> None:
    away = [(floor(START) + 49 * 60, floor(START) + DAY)]
    change = flag(booked(), absences=away, actor=STAFF, now=NOW)
    assert change is not None
    flagged, event = change
    assert (event.type, event.needs_rebooking, event.sequence) == ("appointment.flagged", True, 2)
    assert flag(flagged, absences=away, actor=STAFF, now=NOW) is None
    cleared = flag(flagged, absences=[], actor=STAFF, now=NOW)
    assert cleared is not None
    assert cleared[1].needs_rebooking is False
    after = [(floor(START) + 50 * 60, floor(START) + DAY)]
    assert flag(booked(), absences=after, actor=STAFF, now=NOW) is None, "the buffer after a visit needs nobody"


def test_a_flagged_visit_that_is_moved_needs_no_rebooking_any_more() -> None:
    away = [(floor(START), floor(START) + 3600)]
    change = flag(booked(), absences=away, actor=STAFF, now=NOW)
    assert change is not None
    later = slot(START + timedelta(days=1))
    moved, event = changed(reschedule(change[0], slot=later, schedule=RULES, place=ALONE, actor=STAFF, now=NOW))
    assert (moved.needs_rebooking, event.needs_rebooking) == (False, False)


def test_a_move_keeps_the_id_and_raises_the_sequence() -> None:
    before = booked()
    later = slot(START + timedelta(hours=1))
    after, event = changed(reschedule(before, slot=later, schedule=RULES, place=ALONE, actor=STAFF, now=NOW))
    assert (after.id, after.sequence, after.start) == (before.id, 2, START + timedelta(hours=1))
    assert event.type == "appointment.rescheduled"


def test_a_move_to_where_it_is_changes_nothing() -> None:
    confirmed, _ = changed(confirm(booked(), actor=STAFF, now=NOW))
    assert reschedule(confirmed, slot=slot(), schedule=RULES, place=ALONE, actor=STAFF, now=NOW) is None
    by_video = RULES.model_copy(update={"modality": "telehealth"})
    moved, _ = changed(reschedule(confirmed, slot=slot(), schedule=by_video, place=ALONE, actor=STAFF, now=NOW))
    assert (moved.modality, moved.confirmed_at) == ("telehealth", None)


@pytest.mark.parametrize("actor", [Actor("client", "link"), STAFF])
def test_once_it_has_begun_only_the_practice_calls_a_visit_off(actor: Actor) -> None:
    there, _ = check_in(booked(), actor=STAFF, now=START - TEN)
    for visit, now, left in ((there, START - TEN, []), (booked(), START, ["running-late"])):
        if actor.party == "client":
            with pytest.raises(Problem) as refused:
                cancel(visit, reason="other", policy=Policy(), actor=actor, now=now)
            assert (refused.value.code, refused.value.extra["legal_moves"]) == ("already_started", left)
        else:
            assert cancel(visit, reason="other", policy=Policy(), actor=actor, now=now)[0].status == "cancelled"
    before = cancel(booked(), reason="other", policy=Policy(), actor=actor, now=START - timedelta(microseconds=1))
    assert before[0].late


def test_a_client_gets_no_visit_of_another_type_by_moving_theirs() -> None:
    other = RULES.model_copy(update={"appointment_type_id": uuid4()})
    with pytest.raises(Problem) as refused:
        reschedule(booked(), slot=slot(), schedule=other, place=ALONE, actor=Actor("client", "link"), now=NOW)
    assert (refused.value.code, refused.value.field) == ("not_alike", "slot")
    moved, _ = changed(reschedule(booked(), slot=slot(), schedule=other, place=ALONE, actor=STAFF, now=NOW))
    assert moved.appointment_type_id == other.appointment_type_id


def test_a_visit_that_began_cannot_be_moved() -> None:
    with pytest.raises(Problem, match="too late"):
        check_movable(booked(), START)


def test_missed_exactly_at_start_plus_grace_and_not_before() -> None:
    appointment = booked()
    assert appointment.missed_at == START + timedelta(minutes=15)
    assert miss(appointment, actor=STAFF, now=appointment.missed_at - timedelta(microseconds=1)) is None
    change = miss(appointment, actor=STAFF, now=appointment.missed_at)
    assert change is not None
    assert change[0].status == "noshow"
    assert change[1].type == "appointment.missed"


@pytest.mark.parametrize("be_there", [arrive, check_in])
def test_who_is_there_is_never_missed(be_there: Callable[..., Change]) -> None:
    there, _ = be_there(booked(), actor=STAFF, now=START)
    assert miss(there, actor=STAFF, now=START + timedelta(days=1)) is None


TEN = timedelta(minutes=10)
FIVE = timedelta(minutes=5)


def test_the_provider_is_asked_once_five_minutes_in_and_then_it_is_missed() -> None:
    appointment = booked()
    assert appointment.looked_at == START + FIVE
    assert notice_absence(appointment, actor=SYSTEM, now=START + FIVE - timedelta(microseconds=1)) is None
    asked, event = changed(notice_absence(appointment, actor=SYSTEM, now=START + FIVE))
    assert (event.type, asked.status, asked.sequence) == ("appointment.awaited", "booked", 2)
    assert asked.looked_at == asked.missed_at
    assert notice_absence(asked, actor=SYSTEM, now=asked.missed_at - timedelta(microseconds=1)) is None, "asked already"
    assert changed(notice_absence(asked, actor=SYSTEM, now=asked.missed_at))[1].type == "appointment.missed"


def test_nobody_is_asked_who_has_said_it_or_when_it_is_missed_by_then() -> None:
    for be_there in (arrive, check_in):
        there, _ = be_there(booked(), actor=STAFF, now=START)
        assert notice_absence(there, actor=SYSTEM, now=START + FIVE) is None
    late, _ = changed(run_late(booked(), by=TEN, actor=STAFF, now=START))
    assert late.looked_at == START + TEN, "they said that they'd be there by then"
    later, _ = changed(run_late(booked(), by=timedelta(minutes=25), actor=STAFF, now=START))
    assert later.looked_at == later.missed_at
    said, _ = changed(run_late(booked(), by=FIVE, actor=STAFF, now=START + FIVE))
    assert said.looked_at == said.missed_at, "somebody has just spoken of it"
    nobody = replace(booked(), needs_rebooking=True)
    assert notice_absence(nobody, actor=SYSTEM, now=START + TEN * 2) is None, "the provider is away: no client's fault"
    hasty = replace(booked(), grace=FIVE)
    assert changed(notice_absence(hasty, actor=SYSTEM, now=START + FIVE))[1].type == "appointment.missed"


def test_who_says_that_they_are_late_is_missed_no_sooner_than_they_said() -> None:
    now = START - timedelta(minutes=5)
    late, event = changed(run_late(booked(), by=timedelta(minutes=25), actor=STAFF, now=now))
    assert (late.status, event.type, event.late_by) == ("booked", "appointment.running_late", timedelta(minutes=25))
    assert run_late(late, by=timedelta(minutes=25), actor=STAFF, now=now) is None, "said twice"
    assert miss(late, actor=STAFF, now=START + timedelta(minutes=24)) is None
    assert changed(miss(late, actor=STAFF, now=START + timedelta(minutes=25)))[0].status == "noshow"
    little, _ = changed(run_late(booked(), by=TEN, actor=STAFF, now=now))
    assert little.missed_at == booked().missed_at, "the grace is longer than that"
    elsewhere = slot(START + timedelta(hours=1))
    moved, _ = changed(reschedule(late, slot=elsewhere, schedule=RULES, place=ALONE, actor=STAFF, now=now))
    assert moved.late_by is None


@pytest.mark.parametrize(
    ("by", "now", "code"),
    [
        (timedelta(0), START, "late_by_invalid"),
        (timedelta(minutes=31), START, "late_by_invalid"),
        (TEN, START - timedelta(hours=1, microseconds=1), "too_early_to_be_late"),
    ],
)
def test_being_late_is_said_on_the_day_and_means_minutes(by: timedelta, now: datetime, code: str) -> None:
    with pytest.raises(Problem) as refusal:
        run_late(booked(), by=by, actor=STAFF, now=now)
    assert refusal.value.code == code
    assert run_late(booked(), by=TEN, actor=STAFF, now=START - timedelta(hours=1)) is not None


def test_the_practice_takes_in_who_has_arrived_and_nobody_twice() -> None:
    arrived, event = arrive(booked(), actor=STAFF, now=START)
    assert (arrived.status, event.type) == ("arrived", "appointment.arrived")
    taken_in, event = check_in(arrived, actor=STAFF, now=START)
    assert (taken_in.status, event.type, event.sequence) == ("checked-in", "appointment.checked_in", 3)
    for again in (arrive, check_in):
        with pytest.raises(Problem) as refusal:
            again(taken_in, actor=STAFF, now=START)
        assert refusal.value.extra["legal_moves"] == ["cancel", "complete"]


def test_an_illegal_move_names_the_legal_ones() -> None:
    done, _ = fulfil(check_in(booked(), actor=STAFF, now=START)[0], actor=STAFF, now=START)
    with pytest.raises(Problem) as refusal:
        cancel(done, reason="other", policy=Policy(), actor=STAFF, now=START)
    assert refusal.value.kind is Kind.CONFLICT
    assert refusal.value.code == "illegal_move"
    assert refusal.value.extra["legal_moves"] == []
    with pytest.raises(Problem) as refusal:
        fulfil(booked(), actor=STAFF, now=START)
    assert refusal.value.extra["legal_moves"] == ["cancel", "running-late", "arrive", "check-in"]


def test_a_visit_is_not_completed_before_it_starts() -> None:
    early, _ = check_in(booked(), actor=STAFF, now=START - timedelta(minutes=10))
    with pytest.raises(Problem) as refusal:
        fulfil(early, actor=STAFF, now=START - timedelta(microseconds=1))
    assert (refusal.value.kind, refusal.value.code) == (Kind.CONFLICT, "not_started")
    assert fulfil(early, actor=STAFF, now=START)[0].status == "fulfilled"


BEFORE = START - timedelta(minutes=30)
MOVES: dict[str, Callable[[Appointment], Change | None]] = {
    "confirm": lambda one: confirm(one, actor=STAFF, now=BEFORE),
    "reschedule": lambda one: reschedule(one, slot=slot(), schedule=RULES, place=ALONE, actor=STAFF, now=BEFORE),
    "cancel": lambda one: cancel(one, reason="client_request", policy=Policy(), actor=STAFF, now=BEFORE),
    "running-late": lambda one: run_late(one, by=TEN, actor=STAFF, now=BEFORE),
    "arrive": lambda one: arrive(one, actor=STAFF, now=BEFORE),
    "check-in": lambda one: check_in(one, actor=STAFF, now=BEFORE),
    "complete": lambda one: fulfil(one, actor=STAFF, now=START),
    "await": lambda one: notice_absence(one, actor=STAFF, now=START + TEN),
    "miss": lambda one: miss(one, actor=STAFF, now=one.missed_at),
    "retract-miss": lambda one: retract(one, reason="was_there", actor=STAFF, now=START),
}
SAID_ALREADY: dict[str, Callable[[Appointment], bool]] = {
    "confirm": lambda one: one.confirmed_at is not None,
    "reschedule": lambda one: one.start == START,
    "running-late": lambda one: one.late_by == TEN,
    "await": lambda one: one.status != "booked" or one.looked_at == one.missed_at,
    "miss": lambda one: one.status != "booked",
}


@given(st.lists(st.sampled_from(list(MOVES)), max_size=8))
def test_whatever_is_tried_the_sequence_rises_by_one_per_event_and_statuses_follow_the_legal_moves(
    moves: list[str],
) -> None:
    appointment = booked()
    for move in moves:
        before = appointment
        try:
            change = MOVES[move](before)
        except Problem:
            assert move not in LEGAL.get(before.status, ())
            continue
        if change is None:
            assert SAID_ALREADY[move](before)
            continue
        appointment, event = change
        assert move in ("await", "miss") or move in LEGAL[before.status]
        assert event.sequence == appointment.sequence == before.sequence + 1
        assert event.status == appointment.status


def test_what_the_clock_forbids_is_refused_with_the_moves_that_are_legal_now() -> None:
    with pytest.raises(Problem) as late:
        check_movable(booked(), START)
    assert late.value.extra["legal_moves"] == ["cancel", "running-late", "arrive", "check-in"]
    there, _ = arrive(booked(), actor=STAFF, now=BEFORE)
    with pytest.raises(Problem) as early:
        fulfil(there, actor=STAFF, now=BEFORE)
    assert early.value.extra["legal_moves"] == ["cancel", "check-in"]


@pytest.mark.parametrize("move", [arrive, check_in])
def test_nobody_is_there_on_the_day_before(move: Callable[..., Change]) -> None:
    with pytest.raises(Problem) as early:
        move(booked(), actor=STAFF, now=START - timedelta(hours=12, microseconds=1))
    assert (early.value.kind, early.value.code) == (Kind.CONFLICT, "too_early")
    assert early.value.extra["legal_moves"] == ["confirm", "reschedule", "cancel"]
    assert move(booked(), actor=STAFF, now=START - timedelta(hours=12))[0].status != "booked"
