"""What can go wrong, by kind.

The core raises a `Problem` of a kind; `shared.web` turns kinds into HTTP statuses (RFC 9457) and
`shared.kafka` into retries. Nothing below the edge knows about HTTP.
"""

import re
from enum import StrEnum
from typing import Any

_OF_A_FIELD = re.compile(r"([a-z_]+(?:\.[a-z0-9_]+)*): (.+)", re.ASCII | re.DOTALL)


class Kind(StrEnum):
    """The nature of a problem, as far as a caller can act on it."""

    INVALID = "invalid"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    GONE = "gone"
    CONFLICT = "conflict"
    PRECONDITION_FAILED = "precondition_failed"
    PRECONDITION_REQUIRED = "precondition_required"
    UNSUPPORTED = "unsupported"
    TOO_LARGE = "too_large"
    UNAVAILABLE = "unavailable"


class Problem(Exception):
    """A refusal that a caller can understand.

    `code` is stable and meant for programs; `detail` says in a sentence what was wrong and what would
    be right; `field` names the input at fault; `extra` adds members to the answer's body.
    """

    def __init__(self, kind: Kind, code: str, detail: str, *, field: str | None = None, **extra: Any) -> None:
        super().__init__(detail)
        self.kind = kind
        self.code = code
        self.detail = detail
        self.field = field
        self.extra = extra


def invalid(code: str, detail: str, *, field: str | None = None, **extra: Any) -> Problem:
    return Problem(Kind.INVALID, code, detail, field=field, **extra)


def within(said: str) -> tuple[list[str], str]:
    """The field that a model which looks at several names at fault, as in `steps.1.then: no step is called x`."""
    found = _OF_A_FIELD.fullmatch(said)
    return (found[1].split("."), found[2]) if found else ([], said)


def not_found(what: str, detail: str | None = None, *, field: str | None = None) -> Problem:
    """`what` becomes the code `<what>_not_found`; another tenant's things are not found either."""
    said = detail or f"There is no such {what} in this practice."
    return Problem(Kind.NOT_FOUND, f"{what}_not_found", said, field=field)


def conflict(code: str, detail: str, **extra: Any) -> Problem:
    return Problem(Kind.CONFLICT, code, detail, **extra)


def forbidden(code: str, detail: str, *, field: str | None = None) -> Problem:
    return Problem(Kind.FORBIDDEN, code, detail, field=field)


def require_version(expected: int | None, actual: int) -> None:
    """Holds the version that a caller read (`If-Match`) against today's. Raises `version_mismatch`."""
    if expected is not None and expected != actual:
        raise Problem(
            Kind.PRECONDITION_FAILED,
            "version_mismatch",
            f"It has changed since you read it: the version is {actual} now; read it again.",
            field="If-Match",
        )


class StartupError(Exception):
    """A process can't start; its one sentence says what is missing and what would mend it."""
