"""Numbers from outside: whatever is sent, a number or none, and never an error."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.numbers import digits


@pytest.mark.parametrize("odd", ["", "²", "٣", "-1", "1.5", " 1", "1_0", "9" * 19, "9" * 5_000, b"\xb2", b"", b"1 "])
def test_what_is_no_number_is_none(odd: str | bytes) -> None:
    assert digits(odd) is None


@given(st.integers(0, 10**18 - 1))
def test_what_is_one_is_read(number: int) -> None:
    assert digits(str(number)) == digits(str(number).encode()) == number
