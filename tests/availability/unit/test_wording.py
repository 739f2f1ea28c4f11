"""Opening hours in words: what is written can be read, and what is read means what people mean."""

from datetime import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.availability.domain.wording import read_hours, write_hours
from shared.contracts.availability import Hours
from shared.errors import Problem

minutes = st.builds(time, st.integers(0, 23), st.integers(0, 59))


@given(st.lists(st.builds(Hours, start=minutes, end=minutes), max_size=5))
def test_what_is_written_is_read_again(hours: list[Hours]) -> None:
    assert list(read_hours(write_hours(hours), "x", "X")) == hours


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("9-17", time(9), time(17)),
        ("9am-5pm", time(9), time(17)),
        ("9AM TO 5PM", time(9), time(17)),
        ("9am-17:00", time(9), time(17)),
        ("12am - 12pm", time(0), time(12)),
        ("12:30 PM–1:15 pm", time(12, 30), time(13, 15)),
        ("09:00 to 17:30", time(9), time(17, 30)),
        ("0:00-24:00", time(0), time(0)),
        ("22:00—6:00", time(22), time(6)),
        ("09:00-05:00", time(9), time(5)),
    ],
)
def test_ways_to_write_a_window(text: str, start: time, end: time) -> None:
    assert read_hours(text, "x", "X") == (Hours(start=start, end=end),)


@pytest.mark.parametrize(
    "text",
    ["9-5", "1-5", "9-12", "9:00-5:00", "9-5pm", "9am-5", "10:00-5:00", "9am-05:00", "01:00pm-05:00", "10:00am-02:00"],
)
def test_hours_that_may_be_before_noon_or_after_are_asked_for_and_not_guessed(text: str) -> None:
    with pytest.raises(Problem, match="am or pm") as problem:
        read_hours(f"{text}, 14:00-17:00", "open-1", "Tuesday")
    assert problem.value.field == "open-1"


def test_nothing_is_closed_and_commas_separate() -> None:
    assert read_hours(" , ", "x", "X") == ()
    assert len(read_hours("9am-12pm, 13-17; 18-20", "x", "X")) == 3


@given(st.text(max_size=40))
def test_any_other_text_is_refused_by_its_field(text: str) -> None:
    try:
        read_hours(text, "open-1", "Tuesday")
    except Problem as problem:
        assert (problem.code, problem.field) == ("hours_not_understood", "open-1")
