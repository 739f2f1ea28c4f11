"""What the log says of an error: enough to find it, and nothing that somebody gave."""

import json
import logging
from collections.abc import AsyncIterator

import pytest
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from shared.db import Database
from shared.telemetry import JsonFormatter
from tests.conftest import MakeSettings

WORDS = "my husband reads\n[SQL: my phone]\nHINT: they are private"
SECRETS = ("husband", "phone", "private")


def logged(error: BaseException) -> str:
    """As it would be logged where it is caught."""
    found = (type(error), error, error.__traceback__)
    record = logging.LogRecord("rapport", logging.ERROR, __file__, 1, "it broke", None, found)
    return str(json.loads(JsonFormatter("booking").format(record))["exception"])


@pytest.fixture
async def database(make_settings: MakeSettings) -> AsyncIterator[Database]:
    settings = await make_settings("booking")
    one = Database(settings.database_url, pool_size=1, name="booking")
    yield one
    await one.close()


@pytest.mark.servers
@pytest.mark.parametrize(
    ("statement", "value", "says"),
    [
        ("SELECT CAST(CAST(:words AS text) AS integer)", WORDS, "22P02"),
        ("SELECT CAST(:words AS integer)", WORDS, "DBAPIError"),
        ("SELECT nothing FROM nowhere WHERE at = :words", WORDS, 'relation "nowhere" does not exist'),
        ("SELECT CAST(:words AS jsonb)", "{" + WORDS, "22P02"),
    ],
)
async def test_of_a_statement_that_fails_no_value_is_told(
    database: Database, statement: str, value: str, says: str
) -> None:
    with pytest.raises(DBAPIError) as failed:
        async with database.every_tenant() as session:
            await session.execute(text(statement), {"words": value})
    told = logged(failed.value)
    assert says in told
    assert __file__ in told, "where it happened"
    assert not any(secret in told for secret in SECRETS)


def test_of_what_does_not_fit_only_its_place_is_told() -> None:
    class Note(BaseModel):
        number: int

    try:
        Note.model_validate({"number": WORDS})
    except ValueError as error:
        told = logged(error)
    assert "number: int_parsing" in told
    assert not any(secret in told for secret in SECRETS)


def test_what_led_to_an_error_is_told_first_and_each_of_several() -> None:
    try:
        try:
            raise KeyError("first")
        except KeyError as first:
            raise ExceptionGroup("both", [RuntimeError("second"), LookupError("third")]) from first
    except ExceptionGroup as error:
        told = logged(error)
    assert [told.index(one) for one in ("first", "both", "second", "third")] == sorted(
        told.index(one) for one in ("first", "both", "second", "third")
    )
    try:
        raise ValueError("alone") from None
    except ValueError as error:
        assert logged(error).endswith("ValueError: alone\n")


def test_whatever_an_error_is_it_can_be_logged() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError("not this either")

    assert "can't say what it is (RuntimeError)" in logged(Mute())
    error: BaseException = ValueError("the first of many")
    for number in range(2_000):
        following = ValueError(str(number))
        following.__cause__ = error
        error = following
    assert "1999" in logged(error)
