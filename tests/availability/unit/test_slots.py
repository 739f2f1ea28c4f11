"""The one rule of slots, against a second implementation that is too simple to be wrong: it looks at every minute."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.availability import ScheduleState, Window
from shared.contracts.slots import Interval, free, occupied, starts, why_not
from tests.support.build import schedule

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
ZONES = (
    "America/New_York",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Pacific/Chatham",
    "Antarctica/Troll",
)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def transitions(zone: str, year: int) -> list[datetime]:
    """The hours of a year after which a zone's offset is another."""
    tz, found = ZoneInfo(zone), []
    hour = datetime(year, 1, 1, tzinfo=UTC)
    while hour.year == year:
        if hour.astimezone(tz).utcoffset() != (hour + timedelta(hours=1)).astimezone(tz).utcoffset():
            found.append(hour)
        hour += timedelta(hours=1)
    return found


MOMENTS = [(zone, moment) for zone in ZONES for moment in [datetime(2026, 6, 10, tzinfo=UTC), *transitions(zone, 2026)]]


# --- the naive one -----------------------------------------------------------------------------------------


def naive_instant(local: date, wall: time, zone: ZoneInfo) -> datetime:
    """Walks through the minutes until the wall clock shows the time; where it jumps over it, the old offset holds."""
    wanted = datetime.combine(local, wall)
    moment = wanted.replace(tzinfo=UTC) - DAY
    while moment.astimezone(zone).replace(tzinfo=None) < wanted:
        moment += MINUTE
    if moment.astimezone(zone).replace(tzinfo=None) == wanted:
        return moment
    before = moment - MINUTE
    return before + (wanted - before.astimezone(zone).replace(tzinfo=None))


def minutes(begin: datetime, end: datetime) -> Iterator[datetime]:
    """Whole minutes in `[begin, end)`."""
    moment = begin.replace(second=0, microsecond=0)
    while moment < end:
        if moment >= begin:
            yield moment
        moment += MINUTE


def naive_free(
    rules: ScheduleState, busy: Sequence[Interval], begin: datetime, end: datetime, now: datetime
) -> list[datetime]:
    """Minute by minute: is the wall clock on the grid, are all minutes of the visit open, is nothing in the way."""
    zone = ZoneInfo(rules.zone)
    is_open: set[datetime] = set()
    for day in range(-3, 6):
        local = begin.astimezone(zone).date() + DAY * day
        for window in rules.windows:
            if window.weekday == local.weekday():
                closes_on = local if window.end > window.start else local + DAY
                opens, closes = naive_instant(local, window.start, zone), naive_instant(closes_on, window.end, zone)
                is_open.update(minutes(opens, closes))
    found = []
    for moment in minutes(begin, end):
        wall = moment.astimezone(zone)
        if (wall.hour * 60 + wall.minute) % (rules.step // MINUTE):
            continue
        if not all(minute in is_open for minute in minutes(moment, moment + rules.duration)):
            continue
        if not now + rules.minimum_notice <= moment <= now + rules.horizon:
            continue
        first, last = moment - rules.buffer_before, moment + rules.duration + rules.buffer_after
        if any(starts_at < last and ends_at > first for starts_at, ends_at in busy):
            continue
        found.append(moment)
    return found


# --- what is drawn -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    rules: ScheduleState
    begin: datetime
    end: datetime
    busy: list[Interval]
    now: datetime


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A schedule and a range around a change of the clock (or an ordinary day), with things in the way."""
    zone, moment = draw(st.sampled_from(MOMENTS))
    around = moment.astimezone(ZoneInfo(zone))
    wall = st.builds(time, st.integers(0, 23), st.sampled_from([0, 0, 15, 30, 37, 45]))
    opening = st.builds(
        Window,
        weekday=st.sampled_from([(around + DAY * offset).weekday() for offset in (-1, 0, 1)]),
        start=wall,
        end=wall,
    )
    rules = schedule(
        zone=zone,
        windows=draw(st.lists(opening, min_size=1, max_size=4)),
        duration=MINUTE * draw(st.sampled_from([1, 20, 45, 50, 90, 300, 1500])),
        step=MINUTE * draw(st.sampled_from([5, 7, 8, 15, 25, 30, 50, 60, 90, 420, 1440])),
        buffer_before=MINUTE * draw(st.sampled_from([0, 0, 5, 90])),
        buffer_after=MINUTE * draw(st.sampled_from([0, 0, 10, 60])),
        minimum_notice=MINUTE * draw(st.sampled_from([0, 0, 61])),
        horizon=draw(st.sampled_from([timedelta(hours=9), timedelta(days=60)])),
    )
    begin = moment + timedelta(seconds=draw(st.integers(-129_600, 43_200)), microseconds=draw(st.integers(0, 999_999)))
    end = begin + timedelta(seconds=draw(st.integers(1, 129_600)))
    busy = []
    for _ in range(draw(st.integers(0, 4))):
        taken = moment + MINUTE * draw(st.integers(-2_000, 2_000))
        busy.append((taken, taken + MINUTE * draw(st.integers(1, 300))))
    now = draw(st.sampled_from([begin - timedelta(days=1), begin, begin + timedelta(hours=5)]))
    return Case(rules, begin, end, busy, now)


@given(cases())
def test_the_same_as_looking_at_every_minute(case: Case) -> None:
    found = list(free(case.rules, case.busy, case.begin, case.end, case.now))
    assert found == naive_free(case.rules, case.busy, case.begin, case.end, case.now)


@given(cases())
def test_offered_is_bookable_and_bookable_is_offered(case: Case) -> None:
    offered = set(free(case.rules, [], case.begin, case.end, case.now))
    for minute in minutes(case.begin, case.end):
        bookable = why_not(case.rules, minute, case.now) is None
        assert bookable == (minute in offered), minute


@given(cases())
def test_soonest_first_each_once_and_nothing_overlaps_what_is_taken(case: Case) -> None:
    found = list(free(case.rules, case.busy, case.begin, case.end, case.now))
    assert found == sorted(set(found))
    for start in found:
        begin, end = occupied(case.rules, start)
        assert not any(taken < end and until > begin for taken, until in case.busy)


@given(cases(), st.integers(0, 129_600))
def test_a_range_cut_in_two_offers_what_the_whole_does(case: Case, seconds: int) -> None:
    middle = min(case.begin + timedelta(seconds=seconds), case.end)
    whole = list(free(case.rules, case.busy, case.begin, case.end, case.now))
    parts = [
        *free(case.rules, case.busy, case.begin, middle, case.now),
        *free(case.rules, case.busy, middle, case.end, case.now),
    ]
    assert parts == whole


@pytest.mark.parametrize("fraction", [0, 1, 250_000, 500_000, 999_999])
@pytest.mark.parametrize("closes", [time(1, 59, 59), time(2), time(3), time(3, 0, 1), time(4)])
def test_a_search_begun_at_a_fraction_of_a_second_ends_where_clocks_change(closes: time, fraction: int) -> None:
    """New York, 2026-03-08 07:00 UTC: two o'clock becomes three, as the window closes or a little later."""
    change = datetime(2026, 3, 8, 7, 0, tzinfo=UTC)
    begin = change - timedelta(minutes=50, microseconds=fraction)
    minutes = timedelta(minutes=15)
    rules = schedule(windows=[Window(weekday=6, start=time(0), end=closes)], step=minutes, duration=minutes)
    found = list(starts(rules, begin, change + timedelta(hours=2)))
    assert found[:2] == [change - timedelta(minutes=45), change - timedelta(minutes=30)]
