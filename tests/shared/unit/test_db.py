"""What counts as an outage: only what may be over next time."""

from typing import Any

import pytest
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    IntegrityError,
    InterfaceError,
    NoResultFound,
    OperationalError,
    ProgrammingError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout

from shared.db import describe, is_outage


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


def test_a_url_is_described_without_its_password() -> None:
    told: Any = describe("postgresql://app:secret@host:5432/rapport")
    assert told == "host:5432/rapport"
