"""The one rule of slots, against a second implementation that looks at every minute."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.availability.domain.search import outside
from shared.contracts.availability import Blocked, DayHours, Hours, ScheduleState, Travel, Window
from shared.contracts.slots import Obstacle, Plan, Seeker, Taken, ceil, floor, free, free_room, hidden, moment
from tests.availability.unit.naive import DAY, MINUTE, Naive, minutes
from tests.support.build import schedule

ZONES = (
    "America/New_York",
    "America/Los_Angeles",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Pacific/Chatham",
    "Antarctica/Troll",
    "America/Santiago",
)
ME, SOMEBODY = UUID(int=1), UUID(int=2)
MINE, OTHER = UUID(int=3), UUID(int=4)
ROOMS = (UUID(int=5), UUID(int=6))
CLIENT, STRANGER = UUID(int=7), UUID(int=8)


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


@dataclass(frozen=True)
class Case:
    rules: ScheduleState
    taken: list[Taken]
    begin: datetime
    end: datetime
    now: datetime
    seeker: Seeker

    def free(self, begin: datetime | None = None, end: datetime | None = None) -> list[datetime]:
        begin, end = begin or self.begin, end or self.end
        found = free(Plan(self.rules), self.taken, ceil(begin), ceil(end), self.now, self.seeker)
        return [moment(start) for start in found]

    def hidden(self, start: datetime) -> list[Obstacle]:
        return hidden(Plan(self.rules), self.taken, floor(start), self.now, self.seeker)


walls = st.builds(time, st.integers(0, 23), st.sampled_from([0, 0, 15, 30, 37, 45]))
hours = st.lists(st.builds(Hours, start=walls, end=walls), max_size=2).map(tuple)


def seldom(strategy: st.SearchStrategy[Any], usually: Any) -> st.SearchStrategy[Any]:
    """Mostly nothing special, so that what is drawn together still leaves something to offer."""
    return st.integers(0, 2).flatmap(lambda die: strategy if die == 0 else st.just(usually))


@st.composite
def schedules(draw: st.DrawFn, zone: str, change: datetime) -> ScheduleState:
    """Any rules, about the days around a change of the clock."""
    local = change.astimezone(ZoneInfo(zone)).date()
    near = [local + DAY * offset for offset in (-1, 0, 1)]
    weekdays = st.sampled_from([day.weekday() for day in near])
    window = st.builds(Window, weekday=weekdays, start=walls, end=walls)
    all_day = [Window(weekday=day.weekday(), start=time(0), end=time(0)) for day in near]
    windows = st.one_of(st.just(all_day), st.just(all_day), st.lists(window, min_size=1, max_size=4))
    overridden = draw(seldom(st.lists(st.sampled_from(near), unique=True, max_size=2), []))
    away = draw(seldom(st.tuples(st.sampled_from(near), st.integers(0, 1), st.sampled_from(ZONES)), None))
    blocked = st.builds(
        lambda begin, length, because: Blocked(
            begin=change + timedelta(seconds=begin), end=change + timedelta(seconds=begin + length), because=because
        ),
        st.integers(-120_000, 120_000),
        st.integers(1, 20_000),
        st.sampled_from(["time_off", "calendar"]),
    )
    limit = seldom(st.sampled_from([1, 2]), None)
    return schedule(
        schedule_id=MINE,
        provider_id=ME,
        zone=zone,
        windows=draw(windows),
        new_client_windows=draw(st.lists(window, max_size=1)),
        overrides=[
            DayHours(date=day, windows=draw(hours), new_client_windows=draw(hours)) for day in sorted(overridden)
        ],
        holidays=draw(seldom(st.lists(st.sampled_from(near), max_size=1), [])),
        travels=[Travel(first=away[0], last=away[0] + DAY * away[1], zone=away[2])] if away else [],
        blocked=draw(seldom(st.lists(blocked, max_size=2), [])),
        room_ids=draw(st.sampled_from([(), (), ROOMS[:1], ROOMS])),
        capacity=draw(st.sampled_from([1, 1, 2, 3])),
        most_per_day=draw(limit),
        provider_most_per_day=draw(limit),
        duration=MINUTE * draw(st.sampled_from([50, 45, 50, 20, 60, 90, 300, 1, 1500])),
        step=MINUTE * draw(st.sampled_from([15, 30, 60, 5, 7, 8, 15, 25, 50, 60, 90, 420, 1440])),
        buffer_before=MINUTE * draw(st.sampled_from([0, 0, 5, 90])),
        buffer_after=MINUTE * draw(st.sampled_from([0, 0, 10, 60])),
        minimum_notice=MINUTE * draw(st.sampled_from([0, 0, 61])),
        horizon=draw(seldom(st.just(timedelta(hours=9)), timedelta(days=60))),
    )


@st.composite
def meetings(draw: st.DrawFn, rules: ScheduleState, begin: datetime) -> list[Taken]:
    """One to three visits of the same time, most of them where they could have been booked."""
    bookable = free(Plan(rules), [], floor(begin), floor(begin) + 2_000 * 60, begin, Seeker(is_new=True))
    minute = draw(st.integers(-120, 2_000))
    start = floor(begin) // 60 * 60 + 60 * minute
    at_a_slot = draw(st.integers(0, 3)) > 0
    if bookable and at_a_slot:
        start = draw(st.sampled_from(bookable))
    mine = draw(st.sampled_from([True, True, True, False]))
    length = draw(st.one_of(st.just(rules.duration // MINUTE), st.integers(1, 300)))
    end = start + 60 * length
    before = draw(st.sampled_from([0, 0, 300, 301]))
    after = draw(st.sampled_from([0, 0, 600, 601]))
    rooms = [*rules.room_ids] if rules.room_ids and mine else [None, *ROOMS]
    provider, room = ME if mine else draw(st.sampled_from([ME, SOMEBODY])), draw(st.sampled_from(rooms))
    return [
        Taken(
            id=UUID(int=draw(st.integers(100, 1 << 60))),
            provider_id=provider,
            schedule_id=MINE if mine else OTHER,
            room_id=room,
            client_id=draw(st.sampled_from([CLIENT, STRANGER, STRANGER, STRANGER])),
            start=start,
            end=end,
            occupied_from=start - before,
            occupied_to=end + after,
        )
        for _ in range(draw(st.sampled_from([1, 1, 1, 2, 3])))
    ]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    zone, change = draw(st.sampled_from(MOMENTS))
    begin = change + timedelta(seconds=draw(st.integers(-129_600, 43_200)), microseconds=draw(st.integers(0, 999_999)))
    rules = draw(schedules(zone, change))
    # Most cases with a visit: left to itself, a list is empty in every other one.
    several = st.lists(meetings(rules, begin), min_size=draw(st.sampled_from([1, 2, 3, 0])), max_size=5)
    booked = [visit for meeting in draw(several) for visit in meeting]
    return Case(
        rules=rules,
        taken=booked,
        begin=begin,
        end=begin + timedelta(seconds=draw(seldom(st.integers(1, 129_600), 100_000))),
        now=draw(st.sampled_from([begin - timedelta(hours=8), begin, begin + timedelta(hours=5)])),
        seeker=draw(st.sampled_from([Seeker(), Seeker(is_new=True), Seeker(CLIENT), Seeker(CLIENT, is_new=True)])),
    )


@given(cases())
def test_the_same_as_looking_at_every_minute(case: Case) -> None:
    naive = Naive(case.rules, case.taken, case.seeker, case.begin)
    wanted = [minute for minute in minutes(case.begin, case.end) if naive.offers(minute, case.now)]
    assert case.free() == wanted


@given(cases())
def test_what_is_offered_nothing_hides_and_what_nothing_hides_is_offered(case: Case) -> None:
    offered = set(case.free())
    for minute in list(minutes(case.begin, case.end))[:: 1 + case.end.minute % 7]:
        assert (case.hidden(minute) == []) == (minute in offered), minute


@given(cases())
def test_soonest_first_and_each_once(case: Case) -> None:
    found = case.free()
    assert found == sorted(set(found))


@given(cases(), st.integers(0, 129_600))
def test_a_range_cut_in_two_offers_what_the_whole_does(case: Case, seconds: int) -> None:
    middle = min(case.begin + timedelta(seconds=seconds), case.end)
    assert [*case.free(end=middle), *case.free(begin=middle)] == case.free()


@given(cases())
def test_an_offered_start_has_a_room_if_it_needs_one(case: Case) -> None:
    plan = Plan(case.rules)
    for start in case.free():
        room = free_room(plan, case.taken, floor(start))
        group = [item for item in case.taken if item.schedule_id == MINE and item.start == floor(start)]
        if group and group[0].room_id is not None:
            assert room == group[0].room_id
        elif plan.rooms and not group:
            assert room in plan.rooms
            begin, end = plan.occupied(floor(start))
            assert not any(
                item.room_id == room and item.occupied_from < end and item.occupied_to > begin for item in case.taken
            )


@pytest.mark.parametrize("fraction", [0, 1, 250_000, 500_000, 999_999])
@pytest.mark.parametrize("closes", [time(1, 59, 59), time(2), time(3), time(3, 0, 1), time(4)])
def test_a_search_begun_at_a_fraction_of_a_second_ends_where_clocks_change(closes: time, fraction: int) -> None:
    """New York, 2026-03-08 07:00 UTC: two o'clock becomes three, as the window closes or a little later."""
    change = datetime(2026, 3, 8, 7, 0, tzinfo=UTC)
    begin = change - timedelta(minutes=50, microseconds=fraction)
    quarter = timedelta(minutes=15)
    rules = schedule(windows=[Window(weekday=6, start=time(0), end=closes)], step=quarter, duration=quarter)
    found = free(Plan(rules), [], ceil(begin), floor(change + timedelta(hours=2)), begin)
    assert [moment(start) for start in found[:2]] == [change - timedelta(minutes=45), change - timedelta(minutes=30)]


@given(
    starts=st.lists(st.integers(0, 400), unique=True).map(sorted),
    own=st.lists(st.tuples(st.integers(0, 400), st.integers(1, 60)), max_size=5),
    duration=st.integers(1, 60),
)
def test_what_a_clients_own_visits_hide_is_what_the_rule_hides(
    starts: list[int], own: list[tuple[int, int]], duration: int
) -> None:
    spans = sorted((first, first + length) for first, length in own)
    expected = [at for at in starts if not any(first - duration + 1 <= at < until for first, until in spans)]
    assert outside(starts, spans, duration) == expected
