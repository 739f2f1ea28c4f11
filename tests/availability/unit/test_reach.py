"""How far around a start the rule must be told what is booked: far enough for every other start of its day."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.slots import Plan, Taken, ceil, floor, free, hidden
from tests.support.build import ids, schedule

ZONES = ["America/Los_Angeles", "Asia/Kolkata", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Australia/Lord_Howe"]
DAY = date(2026, 12, 2)
NOON = floor(datetime(2026, 12, 2, 12, tzinfo=UTC))


def travelling(home: str, there: str, **more: object) -> Plan:
    trip = {"first": DAY, "last": DAY, "zone": there}
    return Plan(schedule(zone=home, travels=[trip], most_per_day=1, horizon=timedelta(days=60), **more))


@given(st.sampled_from(ZONES), st.sampled_from(ZONES), st.integers(-300, 300), st.integers(-300, 300))
def test_two_starts_of_one_local_day_are_within_reach_of_each_other(
    home: str, there: str, one: int, other: int
) -> None:
    plan = travelling(home, there)
    first, second = NOON + one * 900, NOON + other * 900
    if plan.day_of(first) == plan.day_of(second):
        assert abs(first - second) < plan.reach


def test_a_limit_per_day_holds_on_a_day_of_thirty_seven_hours() -> None:
    """Begun in Kolkata, ended in Los Angeles."""
    hours = {"date": DAY, "windows": [{"start": "00:00", "end": "22:00"}, {"start": "22:00", "end": "22:00"}]}
    plan = travelling("America/Los_Angeles", "Asia/Kolkata", overrides=[hours])
    booked = floor(datetime(2026, 12, 1, 18, 30, tzinfo=UTC))
    late = next(at for at in range(booked, booked + 3 * 86_400, 1800) if plan.day_of(at) != plan.day_of(booked)) - 1800
    assert late - booked > 30 * 3600
    visit, client = ids(2)
    span = (booked, booked + 3000)
    taken = Taken(visit, plan.provider_id, plan.schedule_id, None, client, *span, *span)
    seen = [taken] if taken.occupied_to > late - plan.reach and taken.occupied_from < late + plan.reach else []
    now = datetime(2026, 11, 20, tzinfo=UTC)
    assert "most_per_day" in [item.rule for item in hidden(plan, seen, late, now)]
    assert late not in free(plan, seen, late, late + 1, now)


def test_both_limits_that_are_reached_are_told() -> None:
    plan = Plan(schedule(most_per_day=1, provider_most_per_day=1))
    now = datetime(2026, 3, 2, 12, tzinfo=UTC)
    begin = ceil(now + timedelta(days=2))
    start = free(plan, [], begin, begin + 7 * 86_400, now)[0]
    visit, client = ids(2)
    span = (start, start + 3000)
    taken = Taken(visit, plan.provider_id, plan.schedule_id, None, client, *span, *span)
    rules = {item.rule for item in hidden(plan, [taken], start + 7200, now)}
    assert {"most_per_day", "provider_most_per_day"} <= rules
