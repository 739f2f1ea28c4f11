"""One example for each rule that random ones meet too seldom to be relied on."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest

from services.availability.domain import taken as projection
from services.availability.domain.hours import TimeOff
from services.availability.domain.search import search_range
from services.availability.domain.taken import Occupied
from shared.contracts.slots import Plan, Seeker, Taken, floor, free, hidden, moment
from shared.errors import Problem
from tests.support.build import ids, schedule

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = floor(datetime(2026, 3, 4, tzinfo=UTC))
WINDOW = {"weekday": 2, "start": "09:00", "end": "12:00"}
NEW, ANYBODY = Seeker(is_new=True), Seeker()
HOUR = 3600


def plan(**more: Any) -> Plan:
    plain = {"zone": "UTC", "windows": [WINDOW], "buffer_after": timedelta(0), "step": timedelta(minutes=30)}
    return Plan(schedule(**{**plain, **more}))


def at(hour: float) -> int:
    return DAY + int(hour * HOUR)


def visit(of: Plan, start: int, *, room: UUID | None = None, client: UUID | None = None, **other: UUID) -> Taken:
    whose = {"provider_id": of.provider_id, "schedule_id": of.schedule_id} | other
    end = start + of.duration
    return Taken(uuid4(), whose["provider_id"], whose["schedule_id"], room, client, start, end, *of.occupied(start))


def offered(of: Plan, *taken: Taken, seeker: Seeker = ANYBODY) -> list[float]:
    found = free(of, taken, DAY, DAY + 24 * HOUR, NOW, seeker)
    for start in range(DAY + 8 * HOUR, DAY + 13 * HOUR, 1800):
        assert (start in found) == (not hidden(of, taken, start, NOW, seeker)), moment(start)
    return [(start - DAY) / HOUR for start in found]


def test_a_visit_may_end_as_the_hours_do_and_not_a_moment_later() -> None:
    assert offered(plan(duration=timedelta(hours=1))) == [9, 9.5, 10, 10.5, 11]
    assert offered(plan(duration=timedelta(hours=1, seconds=1))) == [9, 9.5, 10, 10.5]


@pytest.mark.parametrize(
    ("opens", "closes", "date", "first", "end"),
    [
        ("00:30", "06:30", "2026-03-08", "05:30", "10:30"),
        ("00:30", "06:30", "2025-11-02", "04:30", "11:30"),
        ("01:30", "06:30", "2025-11-02", "05:30", "11:30"),  # comes twice: the earlier
        ("02:30", "06:30", "2026-03-08", "07:30", "10:30"),  # is skipped: as before the change
    ],
)
def test_windows_on_the_days_when_clocks_change(opens: str, closes: str, date: str, first: str, end: str) -> None:
    window = {"weekday": 6, "start": opens, "end": closes}
    night = plan(zone="America/New_York", windows=[window], duration=timedelta(minutes=30))
    midnight = datetime.fromisoformat(f"{date}T00:00Z")
    starts = free(night, (), floor(midnight), floor(midnight) + 24 * HOUR, midnight - timedelta(days=2), ANYBODY)
    begin, until = (floor(datetime.fromisoformat(f"{date}T{wall}Z")) for wall in (first, end))
    assert starts == list(range(begin, until, 1800))


def test_a_visit_may_begin_as_another_ends_and_its_buffers_keep_their_own_side() -> None:
    plain = plan(duration=timedelta(minutes=30))
    assert offered(plain, visit(plain, at(10))) == [9, 9.5, 10.5, 11, 11.5]
    before = plan(duration=timedelta(minutes=30), buffer_before=timedelta(minutes=30))
    elsewhere = visit(plain, at(10), provider_id=before.provider_id)
    assert offered(before, elsewhere) == [9, 9.5, 11, 11.5]
    after = plan(duration=timedelta(minutes=30), buffer_after=timedelta(minutes=30))
    elsewhere = visit(plain, at(10), provider_id=after.provider_id)
    assert offered(after, elsewhere) == [9, 10.5, 11, 11.5]


def test_any_room_of_several_will_do_and_none_is_none() -> None:
    first, second = ids(2)
    rooms = plan(room_ids=(first, second), duration=timedelta(minutes=30))
    in_first = visit(rooms, at(10), room=first, provider_id=uuid4(), schedule_id=uuid4())
    in_second = visit(rooms, at(10), room=second, provider_id=uuid4(), schedule_id=uuid4())
    assert 10 in offered(rooms, in_first)
    assert 10 in offered(rooms, in_second)
    assert 10 not in offered(rooms, in_first, in_second)


def test_what_is_kept_for_new_clients_is_for_nobody_else_on_an_overridden_date_too() -> None:
    kept = {"date": "2026-03-04", "windows": [], "new_client_windows": [{"start": "09:00", "end": "10:00"}]}
    rules = plan(overrides=[kept], duration=timedelta(minutes=30))
    assert offered(rules) == []
    assert offered(rules, seeker=NEW) == [9, 9.5]
    assert [item.rule for item in hidden(rules, [], at(9), NOW, ANYBODY)] == ["new_clients_only"]


def test_a_group_counts_once_against_a_days_limit_and_is_open_until_its_last_seat() -> None:
    group = plan(capacity=2, most_per_day=1, duration=timedelta(minutes=30))
    one = visit(group, at(10))
    assert offered(group, one) == [10], "the day is full, but the group that meets has a seat left"
    assert offered(group, one, visit(group, at(10))) == []
    two = plan(capacity=2, most_per_day=2, duration=timedelta(minutes=30))
    both = (visit(two, at(10)), visit(two, at(10)))
    assert offered(two, *both) == [9, 9.5, 10.5, 11, 11.5], "two in one group are one of the two a day"


def test_a_colleagues_visits_in_a_shared_room_are_none_of_a_providers_day() -> None:
    [room] = ids(1)
    rules = plan(room_ids=(room,), provider_most_per_day=1, most_per_day=1, duration=timedelta(minutes=30))
    colleagues = visit(rules, at(10), room=room, provider_id=uuid4(), schedule_id=uuid4())
    assert offered(rules, colleagues) == [9, 9.5, 10.5, 11, 11.5]


def test_a_visit_does_not_run_over_midnight_into_a_holiday() -> None:
    late = {"weekday": 2, "start": "22:00", "end": "02:00"}
    rules = plan(windows=[late], holidays=["2026-03-05"], duration=timedelta(hours=1))
    found = free(rules, [], at(20), at(30), NOW)
    assert [(start - DAY) / HOUR for start in found] == [22, 22.5, 23]
    assert [item.rule for item in hidden(rules, [], at(23.5), NOW)] == ["holiday"]


def test_a_month_in_which_summer_time_ends_has_31_days_too() -> None:
    zone = ZoneInfo("America/New_York")
    begin, end = datetime(2026, 10, 15, tzinfo=zone), datetime(2026, 11, 15, tzinfo=zone)
    as_sent = (datetime.fromisoformat(begin.isoformat()), datetime.fromisoformat(end.isoformat()))
    assert search_range(*as_sent, NOW) is not None
    with pytest.raises(Problem) as refused:
        search_range(as_sent[0], as_sent[1] + timedelta(seconds=1), NOW)
    assert refused.value.code == "range_too_long"


def test_a_client_is_in_one_place_only_also_where_their_visit_outlasts_the_range() -> None:
    client = uuid4()
    rules = plan(duration=timedelta(minutes=30))
    own = visit(rules, at(11.75), client=client, provider_id=uuid4(), schedule_id=uuid4())
    assert offered(rules, own, seeker=Seeker(client)) == [9, 9.5, 10, 10.5, 11]
    assert offered(rules, own) == [9, 9.5, 10, 10.5, 11, 11.5]


def test_an_event_elsewhere_ends_when_it_ends() -> None:
    busy = {"begin": moment(at(10)), "end": moment(at(10.5)), "because": "calendar"}
    rules = plan(blocked=[busy], duration=timedelta(minutes=30))
    assert offered(rules) == [9, 9.5, 10.5, 11, 11.5]


def occupied(**more: Any) -> Occupied:
    one, provider, schedule_id, client = ids(4)
    span = {"starts_at": moment(at(10)), "ends_at": moment(at(11))}
    around = {"occupied_from": moment(at(10)), "occupied_to": moment(at(11))}
    whose = {"id": one, "provider_id": provider, "schedule_id": schedule_id, "client_id": client, "room_id": None}
    return Occupied(**{**whose, **span, **around, "expires_at": None, "free": False, "sequence": 1, **more})


def test_time_off_meets_a_visit_and_not_its_buffers() -> None:
    booked = occupied(occupied_from=moment(at(9.5)), occupied_to=moment(at(11.5)))

    def met(begin: float, end: float) -> bool:
        off = TimeOff(uuid4(), booked.provider_id, moment(at(begin)), moment(at(end)))
        return projection.meets(booked, [off], moment(at(9)))

    assert [met(9, 10), met(11, 12), met(9, 10.1), met(10.9, 12)] == [False, False, True, True]


def test_time_that_is_given_back_is_announced_only_while_it_is_to_come() -> None:
    booked = occupied()
    gone = occupied(id=booked.id, provider_id=booked.provider_id, free=True, sequence=2)
    early, during, over = moment(at(9)), moment(at(10.5)), moment(at(11))
    assert [projection.gave_back(booked, gone, now) for now in (early, during, over)] == ["cancelled"] * 2 + [None]
    assert projection.gave_back(None, gone, early) is None
    assert projection.gave_back(gone, gone, early) is None
    assert projection.gave_back(booked, booked, early) is None
