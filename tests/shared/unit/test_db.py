"""What counts as an outage: only what may be over next time."""

from typing import Any

import asyncpg
import pytest
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    IntegrityError,
    InterfaceError,
    InternalError,
    NoResultFound,
    OperationalError,
    ProgrammingError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout

from shared.db import CONNECTION_FAILURES, describe, is_outage, is_unstorable


class Refusal(Exception):
    def __init__(self, sqlstate: str | None) -> None:
        super().__init__("refused")
        self.sqlstate = sqlstate


def of(kind: type[DBAPIError], state: str | None) -> DBAPIError:
    return kind("SELECT 1", {}, Refusal(state))


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError("no"),
        TimeoutError(),
        PoolTimeout("pool"),
        of(InterfaceError, None),
        of(InternalError, None),
        of(OperationalError, "57P01"),
        of(DBAPIError, "53300"),
        of(DBAPIError, "40P01"),
        of(DBAPIError, "55P03"),
        of(DBAPIError, "08006"),
    ],
)
def test_an_outage_passes(error: BaseException) -> None:
    assert is_outage(error)


@pytest.mark.parametrize(
    "error",
    [
        of(IntegrityError, "23505"),
        of(ProgrammingError, "42P01"),
        of(DBAPIError, "22021"),
        NoResultFound(),
        ArgumentError("a bug"),
        ValueError("a bug"),
        RuntimeError("a bug"),
    ],
)
def test_a_bug_does_not(error: BaseException) -> None:
    assert not is_outage(error)


def test_a_value_that_does_not_fit_is_no_outage_but_the_callers_affair() -> None:
    refusal = Refusal(None)
    refusal.__cause__ = ValueError("value out of int32 range")
    error = InterfaceError("INSERT", {}, refusal)
    assert not is_outage(error)
    assert is_unstorable(error)
    assert is_unstorable(of(DBAPIError, "22003"))
    assert not is_unstorable(of(DBAPIError, "23505"))
    assert not is_unstorable(ValueError("a bug"))


def test_every_failure_of_a_connection_is_known_as_one() -> None:
    """Also the one that is neither an answer of the server nor an interface error; it ended a relay, and its worker."""
    said = [kind for kind in vars(asyncpg.exceptions).values() if isinstance(kind, type)]
    errors = [kind for kind in said if issubclass(kind, Exception) and not issubclass(kind, Warning)]
    assert asyncpg.InternalClientError in errors
    assert [kind for kind in errors if not issubclass(kind, CONNECTION_FAILURES)] == []


def test_a_url_is_described_without_its_password() -> None:
    told: Any = describe("postgresql://app:secret@host:5432/rapport")
    assert told == "host:5432/rapport"
