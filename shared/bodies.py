"""Request bodies: strict, and nothing in them that PostgreSQL wouldn't keep."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, field_validator


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
