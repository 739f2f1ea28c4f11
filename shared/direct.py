"""Statements that go straight to the driver: those that every booking, message, timer and event takes.

SQLAlchemy's execution costs about 0.12 ms of a core a statement, asyncpg's 0.03: of eight statements, most of what a
booking takes (`docs/decisions/0018-straight-to-the-driver.md`). The statement is SQLAlchemy's still, compiled once; it
runs in the session's own transaction, under its tenant; its errors are the ones that the session would have raised.
"""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, NamedTuple, cast

import asyncpg
from sqlalchemy import ClauseElement
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from shared.db import DRIVER

_DIALECT = PGDialect_asyncpg()  # type: ignore[no-untyped-call] # so it is there


class _Parameter(NamedTuple):
    name: str
    required: bool
    default: Any
    process: Callable[[Any], Any] | None


class Direct:
    """A statement whose values are all parameters; none of them expands to a list."""

    def __init__(self, statement: ClauseElement) -> None:
        self._statement = statement

    @cached_property
    def _compiled(self) -> tuple[str, list[_Parameter]]:
        compiled: Any = self._statement.compile(dialect=_DIALECT)
        process = compiled._bind_processors  # what the session itself prepares values with
        return compiled.string, [
            _Parameter(parameter.key, parameter.required, parameter.value, process.get(name))
            for name, parameter in ((name, compiled.binds[name]) for name in compiled.positiontup)
        ]

    @property
    def sql(self) -> str:
        """As the driver gets it."""
        return self._compiled[0]

    async def rows(self, session: AsyncSession, values: Mapping[str, Any] | None = None) -> list[asyncpg.Record]:
        """What the statement finds or returns. Raises DBAPIError."""
        sql, parameters = self._compiled
        given = values or {}
        arguments = [
            value if process is None else process(value)
            for value, process in (
                (given[name] if required else given.get(name, default), process)
                for name, required, default, process in parameters
            )
        ]
        driver = session.info.get(DRIVER)
        if driver is None:
            await session.connection()
            driver = session.info[DRIVER]
        try:
            return cast(list[asyncpg.Record], await driver.fetch(sql, *arguments))
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise DBAPIError(None, None, _Told(error), connection_invalidated=driver.is_closed()) from error

    async def row(self, session: AsyncSession, values: Mapping[str, Any] | None = None) -> asyncpg.Record | None:
        """The first row, if there is one."""
        found = await self.rows(session, values)
        return found[0] if found else None

    async def scalar(self, session: AsyncSession, values: Mapping[str, Any] | None = None) -> Any:
        """The first column of the first row; None where there is none."""
        found = await self.rows(session, values)
        return found[0][0] if found else None


class _Told(Exception):
    """A driver's error as SQLAlchemy has it: with a code, and the error itself as its cause."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(str(error))
        self.sqlstate: str | None = getattr(error, "sqlstate", None)
        self.__cause__ = error
