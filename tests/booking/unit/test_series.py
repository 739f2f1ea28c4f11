"""Series: the times of a rule on the wall clock, and which of them can be had."""

from datetime import UTC, date, datetime, time, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.booking.domain.recurrence import MOST, at_wall, expand, wall_of
from services.booking.domain.series import Wish, weigh, weigh_moves
from shared.contracts.slots import Plan, Seeker, Taken, floor, moment
from shared.errors import Problem
from tests.support.build import NOW, schedule

ZONES = ("America/New_York", "Europe/London", "Australia/Lord_Howe")
FIRST = datetime(2026, 3, 3, 15, 0, tzinfo=UTC)
"""A Tuesday at ten in New York, five days before its clocks change."""

zones = st.sampled_from(ZONES)
days = st.dates(date(2025, 1, 1), date(2029, 12, 31))
walls = st.integers(0, 95).map(lambda quarter: time(quarter // 4, quarter % 4 * 15))


def starts(day: date, wall: time, zone: str) -> datetime:
    return at_wall(datetime.combine(day, wall), zone)


@given(zones, days, walls, st.integers(1, MOST), st.integers(1, 4))
def test_a_weekly_series_keeps_its_wall_clock_and_its_count(
    zone: str, day: date, wall: time, count: int, interval: int
) -> None:
    first = starts(day, wall, zone)
    found = expand(f"FREQ=WEEKLY;INTERVAL={interval};COUNT={count}", first, zone)
    shown = [at.astimezone(ZoneInfo(zone)) for at in found]
    assert (len(found), found[0]) == (count, first)
    assert {item.time() for item in shown} == {wall_of(first, zone).time()}
    assert all((later.date() - shown[0].date()).days % (7 * interval) == 0 for later in shown)
    assert found == sorted(set(found))


@given(zones, days, walls, st.integers(1, 400))
def test_until_a_day_gives_every_day_till_then_or_says_that_they_are_too_many(
    zone: str, day: date, wall: time, length: int
) -> None:
    first = starts(day, wall, zone)
    begin = wall_of(first, zone)
    until = begin.date() + timedelta(days=length - 1)
    wanted = [begin + timedelta(days=number) for number in range(length)]
    there = [shown for shown in wanted if wall_of(at_wall(shown, zone), zone) == shown]
    rule = f"FREQ=DAILY;UNTIL={until:%Y%m%d}"
    if len(there) > MOST:
        with pytest.raises(Problem) as refused:
            expand(rule, first, zone)
        assert refused.value.code == "series_too_long"
    else:
        assert [wall_of(at, zone) for at in expand(rule, first, zone)] == there


def test_the_instants_shift_with_the_clock() -> None:
    found = expand("FREQ=WEEKLY;COUNT=2", FIRST, "America/New_York")
    assert found == [FIRST, datetime(2026, 3, 10, 14, 0, tzinfo=UTC)]


def test_a_skipped_time_is_left_out_and_not_counted_and_a_doubled_one_is_the_earlier() -> None:
    zone = "America/New_York"
    skipped = expand("FREQ=DAILY;COUNT=3", starts(date(2026, 3, 7), time(2, 30), zone), zone)
    assert [wall_of(at, zone).day for at in skipped] == [7, 9, 10]
    doubled = expand("FREQ=DAILY;COUNT=2", starts(date(2025, 11, 1), time(1, 30), zone), zone)
    assert doubled[1] == datetime(2025, 11, 2, 5, 30, tzinfo=UTC)
    later = datetime(2025, 11, 2, 6, 30, tzinfo=UTC)
    assert expand("FREQ=DAILY;COUNT=2", later, zone) == [later, datetime(2025, 11, 3, 6, 30, tzinfo=UTC)]


@pytest.mark.parametrize(
    ("rule", "shown"),
    [
        ("RRULE:freq=weekly;byday=tu,th;count=4", ["0303", "0305", "0310", "0312"]),
        ("FREQ=MONTHLY;BYDAY=1TU;COUNT=3", ["0303", "0407", "0505"]),
        ("FREQ=MONTHLY;BYMONTHDAY=3;UNTIL=20260430", ["0303", "0403"]),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=2;COUNT=2", ["0303", "0402"]),
        ("FREQ=WEEKLY;INTERVAL=2;WKST=SU;UNTIL=20260317T140000Z", ["0303", "0317"]),
        ("FREQ=WEEKLY;INTERVAL=2;UNTIL=20260317T135959Z", ["0303"]),
    ],
)
def test_rules_that_are_understood(rule: str, shown: list[str]) -> None:
    found = expand(rule, FIRST, "America/New_York")
    assert [f"{wall_of(at, 'America/New_York'):%m%d}" for at in found] == shown


@pytest.mark.parametrize(
    ("rule", "code", "said"),
    [
        ("FREQ=WEEKLY", "series_endless", "COUNT"),
        ("FREQ=WEEKLY;COUNT=53", "series_too_long", "52"),
        ("FREQ=DAILY;UNTIL=20261231", "series_too_long", "52"),
        ("FREQ=MONTHLY;INTERVAL=36;UNTIL=20400101", "series_too_long", "five years"),
        ("FREQ=MONTHLY;INTERVAL=12;COUNT=52", "series_too_long", "five years"),
        ("FREQ=WEEKLY;UNTIL=20260302", "series_empty", "UNTIL"),
        ("FREQ=WEEKLY;UNTIL=20260303T145959Z", "series_empty", "UNTIL"),
        ("FREQ=WEEKLY;BYDAY=MO;COUNT=3", "rrule_invalid", "begin with the slot"),
        ("FREQ=MONTHLY;BYMONTHDAY=31;COUNT=3", "rrule_invalid", "begin with the slot"),
        ("FREQ=HOURLY;COUNT=3", "rrule_invalid", "DAILY, WEEKLY or MONTHLY"),
        ("FREQ=YEARLY;COUNT=3", "rrule_invalid", "DAILY, WEEKLY or MONTHLY"),
        ("every tuesday", "rrule_invalid", "FREQ=WEEKLY;COUNT=10"),
        ("COUNT=3", "rrule_invalid", "FREQ"),
        ("FREQ=WEEKLY;COUNT=0", "rrule_invalid", "COUNT"),
        ("FREQ=WEEKLY;COUNT=-1", "rrule_invalid", "COUNT"),
        ("FREQ=WEEKLY;COUNT=3;COUNT=4", "rrule_invalid", "once"),
        ("FREQ=WEEKLY;COUNT=3;UNTIL=20260401", "rrule_invalid", "not both"),
        ("FREQ=WEEKLY;COUNT=3;INTERVAL=0", "rrule_invalid", "INTERVAL"),
        ("FREQ=WEEKLY;COUNT=3;BYHOUR=9", "rrule_invalid", "made of"),
        ("FREQ=WEEKLY;COUNT=3;BYDAY=", "rrule_invalid", "BYDAY"),
        ("FREQ=WEEKLY;COUNT=3;BYDAY=XX", "rrule_invalid", "BYDAY"),
        ("FREQ=WEEKLY;COUNT=3;BYDAY=1TU", "rrule_invalid", "numbered"),
        ("FREQ=MONTHLY;COUNT=3;BYDAY=1TU,WE", "rrule_invalid", "numbered"),
        ("FREQ=WEEKLY;COUNT=3;BYMONTHDAY=3", "rrule_invalid", "BYMONTHDAY"),
        ("FREQ=MONTHLY;COUNT=3;BYMONTHDAY=32", "rrule_invalid", "BYMONTHDAY"),
        ("FREQ=MONTHLY;COUNT=3;BYSETPOS=1", "rrule_invalid", "BYSETPOS"),
        ("FREQ=WEEKLY;COUNT=3;WKST=1", "rrule_invalid", "WKST"),
        ("FREQ=WEEKLY;UNTIL=20260401T100000", "rrule_invalid", "UTC"),
        ("FREQ=WEEKLY;UNTIL=20261301", "rrule_invalid", "UNTIL"),
        ("FREQ=WEEKLY;COUNT=3;", "rrule_invalid", "made of"),
        ("FREQ=WEEKLY;COUNT=\u0663", "rrule_invalid", "COUNT"),
        ("", "rrule_invalid", "made of"),
    ],
)
def test_rules_that_are_refused_say_why(rule: str, code: str, said: str) -> None:
    with pytest.raises(Problem) as refused:
        expand(rule, FIRST, "America/New_York")
    assert (refused.value.code, refused.value.field) == (code, "rrule")
    assert said in refused.value.detail


@given(st.text("FREQWKLYDAINTVCOU=;,0123456789-+MTHBSP", max_size=60))
def test_whatever_comes_is_computed_or_refused(rule: str) -> None:
    try:
        assert 1 <= len(expand(rule, FIRST, "America/New_York")) <= MOST
    except Problem as refused:
        assert refused.field == "rrule"


CLIENT = uuid4()


def visit(plan: Plan, start: int, **changes: object) -> Taken:
    whose = Taken(uuid4(), plan.provider_id, plan.schedule_id, None, uuid4(), start, start + 3000, start, start + 3600)
    return whose._replace(**changes)  # type: ignore[arg-type] # fields of any type


def test_only_the_first_visit_of_a_new_client_is_in_the_hours_for_new_clients() -> None:
    windows = schedule().windows
    plan = Plan(schedule(windows=windows[:1], new_client_windows=windows))
    wishes = [Wish(uuid4(), start) for start in expand("FREQ=DAILY;COUNT=2", FIRST, "America/New_York")]
    verdicts = weigh(plan, [], wishes, CLIENT, NOW, Seeker(CLIENT, is_new=True))
    assert [item.problem.extra["rule"] if item.problem else None for item in verdicts] == [None, "new_clients_only"]


def test_one_that_cannot_move_stays_and_may_be_in_anothers_way() -> None:
    plan = Plan(schedule(most_per_day=1))
    days = [floor(FIRST) + day * 86_400 for day in range(3)]
    mine = [visit(plan, day, client_id=CLIENT) for day in days]
    later = [Wish(item.id, moment(item.start + 86_400)) for item in mine]
    free = weigh_moves(plan, mine, later, CLIENT, NOW, Seeker(CLIENT))
    assert [item.problem for item in free] == [None] * 3
    other = visit(plan, days[-1] + 86_400 + 7200)
    stuck = weigh_moves(plan, [*mine, other], later, CLIENT, NOW, Seeker(CLIENT))
    assert [item.problem is not None for item in stuck] == [True] * 3
    alone = weigh_moves(Plan(schedule()), mine, later, CLIENT, NOW, Seeker(uuid4()))
    assert [item.problem for item in alone] == [None] * 3


def test_what_is_booked_first_is_in_the_way_of_the_next() -> None:
    plan = Plan(schedule())
    verdicts = weigh(plan, [], [Wish(uuid4(), FIRST), Wish(uuid4(), FIRST)], CLIENT, NOW, Seeker(CLIENT))
    assert [item.rule for item in verdicts] == [None, "client"]
