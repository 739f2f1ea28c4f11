"""Attendance as figures."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.feedback.domain import (
    ALLIANCE,
    OutreachRun,
    Share,
    Visit,
    check_rating,
    is_low,
    retention,
)
from shared.errors import Problem
from tests.support.build import NOW


def visit(client: UUID, days: float, status: str, booked: float | None = None) -> Visit:
    start = NOW + timedelta(days=days)
    booked_at = NOW + timedelta(days=booked) if booked is not None else start - timedelta(days=7)
    return Visit(uuid4(), client, uuid4(), "in_person", status, start, booked_at, 1, None)


def run(missed: Visit, days: float, *, held_out: bool = False, barrier: str | None = None) -> OutreachRun:
    return OutreachRun(uuid4(), missed.client_id, missed.id, held_out, barrier, None, NOW + timedelta(days=days), 1)


def test_returns_after_each_session_leave_out_those_for_whom_it_is_too_early() -> None:
    back, gone, recent, upcoming = uuid4(), uuid4(), uuid4(), uuid4()
    visits = [
        visit(back, -100, "fulfilled"),
        visit(back, -90, "fulfilled"),
        visit(gone, -100, "fulfilled"),
        visit(gone, -95, "noshow"),
        visit(recent, -5, "fulfilled"),
        visit(upcoming, -80, "fulfilled"),
        visit(upcoming, 3, "booked"),
    ]
    report = retention(visits, [], NOW)
    assert [(one.session, one.returned.count, one.returned.of, one.open) for one in report.returns] == [
        (1, 1, 2, 2),
        (2, 0, 1, 0),
    ]
    assert (report.attended.count, report.attended.of, report.missed.count) == (5, 6, 1)


def test_outreach_and_holdout_are_measured_alike() -> None:
    won, lost, alone = uuid4(), uuid4(), uuid4()
    missed = [visit(one, -10, "noshow") for one in (won, lost, alone)]
    kept = visit(won, -5, "fulfilled", booked=-9.9)
    by_itself = visit(alone, -4, "fulfilled", booked=-9)
    runs = [run(missed[0], -10, barrier="transport"), run(missed[1], -10), run(missed[2], -10, held_out=True)]
    report = retention([*missed, kept, by_itself], runs, NOW)
    assert report.recovered == [kept.id]
    assert (report.reached_out.misses, report.reached_out.attended.count) == (2, 1)
    assert (report.held_out.misses, report.held_out.attended.count) == (1, 1)
    assert report.barriers == {"transport": 1}


def test_a_visit_booked_before_the_miss_or_called_off_wins_nothing_back() -> None:
    client = uuid4()
    missed = visit(client, -10, "noshow")
    earlier = visit(client, -3, "fulfilled", booked=-20)
    cancelled = visit(client, -2, "cancelled", booked=-9)
    report = retention([missed, earlier, cancelled], [run(missed, -10)], NOW)
    assert report.recovered == []
    assert report.reached_out.rebooked.count == 0


def test_a_miss_that_was_none_is_not_counted_and_won_back_twice_over() -> None:
    client = uuid4()
    miss, back = visit(client, -10, "noshow"), visit(client, -5, "fulfilled", booked=-9)
    taken_back = replace(run(miss, -10), end_reason="visit_changed")
    found = retention([miss, back], [taken_back, run(miss, -9.9)], NOW)
    assert (found.reached_out.misses, found.recovered) == (1, [back.id])


def test_what_was_entered_in_error_counts_nowhere() -> None:
    client = uuid4()
    missed = visit(client, -10, "noshow")
    runs = [run(missed, -10)]
    wrong = [visit(client, -9, "entered-in-error", booked=-9.9), visit(uuid4(), 3, "entered-in-error")]
    assert retention([missed, *wrong], runs, NOW) == retention([missed], runs, NOW)


def test_wilson_interval_of_a_known_case() -> None:
    low, high = Share(9, 12).interval or (0, 0)
    assert (round(low, 3), round(high, 3)) == (0.468, 0.911)
    assert Share(0, 0).interval is None
    assert Share(0, 0).share is None


@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_an_interval_holds_its_share_and_stays_between_nothing_and_everything(counts: tuple[int, int]) -> None:
    share = Share(*counts)
    low, high = share.interval or (1, 0)
    assert 0 <= low <= (share.share or 0) + 1e-12
    assert (share.share or 0) - 1e-12 <= high <= 1


def test_a_low_mean_or_one_low_answer_alerts() -> None:
    fine = dict.fromkeys(ALLIANCE, 8)
    assert not is_low(fine)
    assert is_low({**fine, "heard": 3})
    assert is_low(dict.fromkeys(ALLIANCE, 5))
    assert not is_low(dict.fromkeys(ALLIANCE, 6))


@pytest.mark.parametrize(
    ("answers", "code"), [({}, "answer_missing"), (dict.fromkeys(ALLIANCE, 11), "answer_out_of_range")]
)
def test_an_incomplete_or_impossible_rating_names_the_question(answers: dict[str, int], code: str) -> None:
    with pytest.raises(Problem) as refusal:
        check_rating(answers)
    assert refusal.value.code == code
    assert refusal.value.field == "heard"
