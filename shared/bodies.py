"""Request bodies: strict, and nothing in them that PostgreSQL wouldn't keep."""

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, StringConstraints, field_validator


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
