"""How times are written on the pages."""

from datetime import UTC, datetime

import pytest

from services.booking.api.pages import clock


@pytest.mark.parametrize(
    ("at", "shown"),
    [
        (datetime(2026, 11, 1, 5, 30, tzinfo=UTC), "1:30 am EDT"),
        (datetime(2026, 11, 1, 6, 30, tzinfo=UTC), "1:30 am EST"),
        (datetime(2026, 11, 1, 7, 30, tzinfo=UTC), "2:30 am"),
        (datetime(2026, 3, 8, 7, 0, tzinfo=UTC), "3:00 am"),
        (datetime(2026, 3, 4, 19, 30, tzinfo=UTC), "2:30 pm"),
    ],
)
def test_an_hour_that_is_there_twice_says_which_it_is(at: datetime, shown: str) -> None:
    assert clock(at, "America/New_York") == shown
