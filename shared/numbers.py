"""Whole numbers that come as text from outside."""

MOST_DIGITS = 18


def digits(text: str | bytes) -> int | None:
    """The number; None where it is none, or longer than anything that is counted here.

    `isdigit` alone lets "\u00b2" through, and thousands of digits, and `int` raises at both.
    """
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS else None
