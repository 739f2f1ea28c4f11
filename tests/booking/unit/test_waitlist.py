"""The rules of the waitlist: when somebody can come, and who is offered what."""

from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.booking.domain.waitlist import Chance, Entry, Offer, Round, Rules, check_open
from shared.contracts.availability import Window
from shared.contracts.slots import Plan, floor, moment
from shared.errors import Problem
from tests.support.build import NOW, schedule

TYPE = uuid4()


def entry(**changes: Any) -> Entry:
    values: dict[str, Any] = {
        "id": uuid4(),
        "client_id": uuid4(),
        "appointment_type_id": TYPE,
        "provider_ids": (),
        "location_ids": (),
        "modality": None,
        "zone": "America/New_York",
        "windows": (),
        "first_day": None,
        "last_day": None,
        "swaps": None,
        "status": "waiting",
        "joined_at": NOW,
        "joined_by": "staff-1",
    }
    return Entry(**{**values, **changes})


def at(text: str) -> int:
    return floor(datetime.fromisoformat(text))


@pytest.mark.parametrize(
    ("criteria", "start", "comes"),
    [
        pytest.param({}, "2026-03-03T15:00Z", True, id="any time"),
        pytest.param({"first_day": date(2026, 3, 4)}, "2026-03-04T04:59Z", False, id="the day before, on their clock"),
        pytest.param(
            {"first_day": date(2026, 3, 4)}, "2026-03-04T05:00Z", True, id="the first minute of the first day"
        ),
        pytest.param({"last_day": date(2026, 3, 4)}, "2026-03-05T04:30Z", True, id="late on the last day"),
        pytest.param({"last_day": date(2026, 3, 4)}, "2026-03-05T05:00Z", False, id="the day after"),
        pytest.param({"windows": ["1 17:00 20:00"]}, "2026-03-03T22:00Z", True, id="Tuesday at five"),
        pytest.param({"windows": ["1 17:00 20:00"]}, "2026-03-03T21:59Z", False, id="a minute early"),
        pytest.param({"windows": ["1 17:00 20:00"]}, "2026-03-04T00:10Z", True, id="out by eight"),
        pytest.param({"windows": ["1 17:00 20:00"]}, "2026-03-04T00:11Z", False, id="out after eight"),
        pytest.param({"windows": ["1 17:00 20:00"]}, "2026-03-04T22:00Z", False, id="Wednesday at five"),
        pytest.param({"windows": ["1 22:00 02:00"]}, "2026-03-04T06:10Z", True, id="past midnight of an evening"),
        pytest.param({"windows": ["6 09:00 12:00"]}, "2026-03-08T13:00Z", True, id="nine on the day clocks change"),
        pytest.param({"windows": ["6 09:00 12:00"]}, "2026-03-08T14:00Z", True, id="ten on the day clocks change"),
        pytest.param({"windows": ["6 09:00 12:00"]}, "2026-03-08T12:59Z", False, id="before nine on that day"),
    ],
)
def test_days_and_hours_are_those_of_the_clients_clock(criteria: dict[str, Any], start: str, comes: bool) -> None:
    if "windows" in criteria:
        parts = [text.split() for text in criteria["windows"]]
        windows = tuple(
            Window(weekday=int(day), start=time.fromisoformat(opens), end=time.fromisoformat(closes))
            for day, opens, closes in parts
        )
        criteria = {"windows": windows}
    assert entry(**criteria).can_come(at(start), at(start) + 50 * 60) is comes


def test_what_is_waited_for_is_a_type_and_where_said_a_provider_a_place_and_a_way_to_meet() -> None:
    rules = schedule(appointment_type_id=TYPE)
    plan = Plan(rules)
    assert entry().wants(plan)
    assert entry(provider_ids=(uuid4(), rules.provider_id), location_ids=(rules.location_id,)).wants(plan)
    assert not entry(appointment_type_id=uuid4()).wants(plan)
    assert not entry(provider_ids=(uuid4(),)).wants(plan)
    assert not entry(location_ids=(uuid4(),)).wants(plan)
    assert not entry(modality="telehealth").wants(plan)


@pytest.mark.parametrize(
    ("now", "then"),
    [
        ("2026-03-03T13:00Z", "2026-03-03T13:00Z"),
        ("2026-03-03T12:59Z", "2026-03-03T13:00Z"),
        ("2026-03-03T01:59Z", "2026-03-03T01:59Z"),
        ("2026-03-03T02:00Z", "2026-03-03T13:00Z"),
        ("2026-03-08T03:00Z", "2026-03-08T12:00Z"),
    ],
)
def test_nobody_is_asked_in_the_night_of_the_practice(now: str, then: str) -> None:
    read = datetime.fromisoformat
    assert Rules().next_round("America/New_York", read(now)) == read(then)


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("at_once", {"at_once": 0}),
        ("at_once", {"at_once": 21}),
        ("open_for", {"open_for": timedelta(minutes=4)}),
        ("cut_off", {"cut_off": timedelta(seconds=-1)}),
        ("latest", {"earliest": time(9), "latest": time(9)}),
    ],
)
def test_rules_that_make_no_sense_name_their_field(field: str, changes: dict[str, Any]) -> None:
    Rules().check()
    with pytest.raises(Problem) as refusal:
        Rules(**changes).check()
    assert refusal.value.field == field


def offer(**changes: Any) -> Offer:
    values: dict[str, Any] = {
        **dict.fromkeys(("id", "entry_id", "opening_id", "client_id", "schedule_id", "provider_id"), uuid4()),
        "modality": "in_person",
        **dict.fromkeys(("start", "occupied_from"), NOW + timedelta(days=1)),
        **dict.fromkeys(("end", "occupied_to"), NOW + timedelta(days=1, hours=1)),
        "offered_at": NOW,
        "expires_at": NOW + timedelta(minutes=15),
    }
    return Offer(**{**values, **changes})


def test_an_offer_can_be_had_until_its_last_moment_and_what_became_of_it_is_said_kindly() -> None:
    check_open(offer(), NOW + timedelta(minutes=15, microseconds=-1))
    with pytest.raises(Problem, match="run out") as refusal:
        check_open(offer(), NOW + timedelta(minutes=15))
    assert (refusal.value.code, refusal.value.extra["fate"]) == ("offer_over", "expired")
    with pytest.raises(Problem, match="faster; you keep your place"):
        check_open(offer().ended("lost", NOW), NOW)


PLAN = Plan(schedule(appointment_type_id=TYPE))
starts = st.lists(st.integers(0, 20).map(lambda half: at("2026-03-04T14:00Z") + half * 1800), unique=True, max_size=8)


def chance(start: int) -> Chance:
    return Chance(PLAN, start, *PLAN.occupied(start))


@given(st.lists(starts, max_size=8), st.integers(1, 4))
def test_in_order_each_is_offered_what_the_fewest_others_are_and_no_time_is_offered_to_too_many(
    able: list[list[int]], at_once: int
) -> None:
    """`able` are the starts that each of them could take, the longest waiting first."""
    this_round, given_out = Round([], at_once), list[int]()

    def rivals(start: int) -> int:
        begin, until = PLAN.occupied(start)
        return sum(first < until and end > begin for first, end in map(PLAN.occupied, given_out))

    for choices in able:
        before = {start: rivals(start) for start in choices}
        best = this_round.best(entry(), map(chance, choices))
        allowed = {start for start, count in before.items() if count < at_once}
        assert this_round.has_room(map(chance, choices)) == bool(allowed)
        if best is None:
            assert not allowed
            continue
        fewest = min(before[start] for start in allowed)
        assert best.start == min(start for start in allowed if before[start] == fewest)
        this_round.add(best)
        given_out.append(best.start)
    assert all(rivals(start) <= 3 * at_once for start in given_out)
    for start in given_out:
        assert sum(other == start for other in given_out) <= at_once


def test_what_is_on_offer_already_counts() -> None:
    start = at("2026-03-04T14:00Z")
    begin, until = map(moment, PLAN.occupied(start))
    standing = [offer(provider_id=PLAN.provider_id, occupied_from=begin, occupied_to=until) for _ in range(3)]
    assert Round(standing[:2], 3).best(entry(), [chance(start)]) is not None
    assert Round(standing, 3).best(entry(), [chance(start)]) is None
    elsewhere: UUID = uuid4()
    others = [offer(provider_id=elsewhere, occupied_from=begin, occupied_to=until) for _ in range(3)]
    assert Round(others, 3).best(entry(), [chance(start)]) is not None
