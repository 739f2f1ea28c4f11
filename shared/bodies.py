"""Request bodies: strict, and nothing in them that PostgreSQL wouldn't keep."""

import re
from datetime import date, datetime, timedelta
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    StringConstraints,
    field_validator,
)


def _legible(value: str) -> str:
    if not any(character.isalnum() for character in value):
        raise ValueError("should have at least one letter or digit")
    return value


Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$"),
    AfterValidator(_legible),
]
"""What somebody or something is called: one line that is not blank."""


_DURATION = re.compile(
    r"P(?=[0-9T])([0-9]{1,6}W)?([0-9]{1,6}D)?(T(?=[0-9])([0-9]{1,9}H)?([0-9]{1,9}M)?([0-9]{1,9}S)?)?"
)


def _duration(value: Any) -> Any:
    if isinstance(value, timedelta) or (isinstance(value, str) and _DURATION.fullmatch(value)):
        return value
    raise ValueError("should be an ISO 8601 duration of weeks, days, hours, minutes and whole seconds, such as PT50M")


Duration = Annotated[timedelta, BeforeValidator(_duration)]
"""As ISO 8601 writes it, in parts whose length is certain."""


_RFC3339 = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ].+")


def _moment(value: Any) -> Any:
    if isinstance(value, datetime) or (isinstance(value, str) and _RFC3339.fullmatch(value)):
        return value
    raise ValueError("should be an RFC 3339 time with its offset, such as 2026-03-02T15:00:00Z")


Y = TypeVar("Y", date, datetime)


def _near(value: Y) -> Y:
    """Beyond, arithmetic with days and zones runs out of years."""
    if not 2000 <= value.year <= 2200:
        raise ValueError("should lie between the years 2000 and 2200")
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_moment), AfterValidator(_near)]
"""A time with its offset."""
Day = Annotated[date, AfterValidator(_near)]


class Body(BaseModel):
    """A request body: unknown fields are refused, so that a typing mistake can't pass unnoticed; blanks are no text."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    @field_validator("*", mode="before")
    @classmethod
    def _storable(cls, value: Any) -> Any:
        """PostgreSQL keeps neither NUL nor half a surrogate pair."""
        if isinstance(value, str) and not _is_text(value):
            raise ValueError("should be text without NUL characters or halves of surrogate pairs")
        return value


def _is_text(value: str) -> bool:
    try:
        return b"\x00" not in value.encode()
    except UnicodeEncodeError:
        return False
