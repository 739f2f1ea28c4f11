"""Free times by day, as a page shows them."""

from datetime import UTC, date, datetime, timedelta

import pytest

from services.booking.domain.choosing import MOST_A_DAY, Part, by_day, in_part
from shared.contracts.slots import Plan, floor, moment
from tests.support.build import ids, schedule

FIRST, SECOND = sorted(ids(2))
NEW_YORK = "America/New_York"


def plan(provider: object = FIRST) -> Plan:
    return Plan(schedule(provider_id=provider))


def at(text: str) -> int:
    return floor(datetime.fromisoformat(text))


@pytest.mark.parametrize(
    ("wall", "parts"),
    [
        ("2026-03-04T11:59", {"any", "morning"}),
        ("2026-03-04T12:00", {"any", "afternoon"}),
        ("2026-03-04T16:59", {"any", "afternoon"}),
        ("2026-03-04T17:00", {"any", "evening"}),
        ("2026-03-07T09:00", {"any", "morning", "weekend"}),
        ("2026-03-06T23:00", {"any", "evening"}),
    ],
)
def test_parts_of_the_day_and_week(wall: str, parts: set[Part]) -> None:
    every: tuple[Part, ...] = ("any", "morning", "afternoon", "evening", "weekend")
    assert {part for part in every if in_part(part, datetime.fromisoformat(wall))} == parts


def test_times_are_on_the_practices_days_and_each_once_with_the_first_who_is_free() -> None:
    one, other = plan(FIRST), plan(SECOND)
    late, next_day = at("2026-03-05T03:30Z"), at("2026-03-05T15:00Z")
    [wednesday, thursday] = by_day([(other, [late, next_day]), (one, [next_day])], "any", NEW_YORK)
    assert (wednesday.date, wednesday.times) == (date(2026, 3, 4), ((late, other),))
    assert (thursday.date, thursday.times) == (date(2026, 3, 5), ((next_day, one),))


def test_a_day_shows_its_first_times_whoever_has_them() -> None:
    midnight = datetime(2026, 3, 4, tzinfo=UTC)
    starts = [floor(midnight + timedelta(minutes=minute)) for minute in range(300)]
    [day] = by_day([(plan(FIRST), starts[1::2]), (plan(SECOND), starts[::2])], "any", "UTC")
    assert [start for start, _ in day.times] == starts[:MOST_A_DAY]
    [evening] = by_day([(plan(), [floor(midnight + timedelta(minutes=5 * n)) for n in range(288)])], "evening", "UTC")
    assert moment(evening.times[0][0]) == midnight + timedelta(hours=17)


def test_who_is_preferred_has_the_times_that_others_have_too() -> None:
    one, other = plan(FIRST), plan(SECOND)
    start, later = at("2026-03-05T15:00Z"), at("2026-03-05T16:00Z")
    [day] = by_day([(one, [start, later]), (other, [start])], "any", NEW_YORK, prefer=SECOND)
    assert [(at, found.provider_id) for at, found in day.times] == [(start, SECOND), (later, FIRST)]
