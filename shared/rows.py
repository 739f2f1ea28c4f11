"""Between rows and frozen dataclasses whose fields are named like the columns."""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from functools import cache
from typing import Any, TypeVar
from uuid import UUID

from asyncpg import Record
from pydantic_core import to_json
from sqlalchemy import (
    ARRAY,
    JSON,
    BindParameter,
    Column,
    ColumnElement,
    Select,
    Table,
    TableValuedAlias,
    Text,
    any_,
    bindparam,
    cast,
    column,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.dml import ReturningDelete

from shared.direct import Direct

T = TypeVar("T")


def load(model: type[T], row: Mapping[str, Any] | Record) -> T:
    """The dataclass of a row; columns that it doesn't have are left out, an array becomes a tuple."""
    values = {field.name: row[field.name] for field in fields(model)}  # type: ignore[arg-type] # T is a dataclass
    return model(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})


def dump(item: Any) -> dict[str, Any]:
    """A dataclass as values of a row."""
    values = {field.name: getattr(item, field.name) for field in fields(item)}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


async def one(
    session: AsyncSession,
    model: type[T],
    query: Select[Any] | ReturningDelete[Any] | Direct,
    values: Mapping[str, Any] | None = None,
) -> T | None:
    """The first row that a query finds with these values for its parameters, if it finds any."""
    if isinstance(query, Direct):
        found = await query.row(session, values)
        return load(model, found) if found else None
    row = (await session.execute(query, values)).mappings().first()
    return load(model, row) if row else None


async def every(
    session: AsyncSession,
    model: type[T],
    query: Select[Any] | ReturningDelete[Any] | Direct,
    values: Mapping[str, Any] | None = None,
) -> list[T]:
    if isinstance(query, Direct):
        return [load(model, row) for row in await query.rows(session, values)]
    return [load(model, row) for row in (await session.execute(query, values)).mappings()]


def is_among(column: Column[Any], name: str) -> ColumnElement[bool]:
    """One of a list that is a single parameter, for a statement that is built once."""
    return column == any_(bindparam(name, type_=ARRAY(column.type)))


def bound(prefix: str, columns: Iterable[Column[Any]]) -> dict[str, BindParameter[Any]]:
    """A parameter for each column, for a statement that is built once and writes to several tables."""
    return {column.name: bindparam(f"{prefix}_{column.name}", type_=column.type) for column in columns}


def named(prefix: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Values for the parameters of `bound`."""
    return {f"{prefix}_{name}": value for name, value in values.items()}


def given(name: str, columns: Iterable[Column[Any]]) -> TableValuedAlias:
    """Many rows as one parameter, for a statement that writes them all; `many` makes its value."""
    rows: Any = func.json_to_recordset(cast(bindparam(name, type_=Text), JSON))
    alias: TableValuedAlias = rows.table_valued(*(column(one.name, one.type) for one in columns))
    return alias.render_derived(name=name, with_types=True)


def many(rows: Iterable[Mapping[str, Any]]) -> str:
    """Rows as the value of a parameter of `given`."""
    return to_json(list(rows)).decode()


async def find(
    session: AsyncSession, model: type[T], table: Table, item_id: UUID | None, *, lock: bool = False
) -> T | None:
    """The row with this `id`, as the model that it is of."""
    return await one(session, model, _found(table, lock), {"id": item_id})


@cache
def _found(table: Table, lock: bool) -> Direct:
    query = select(table).where(table.c.id == bindparam("id", type_=table.c.id.type))
    return Direct(query.with_for_update() if lock else query)


async def insert_row(session: AsyncSession, table: Table, values: Mapping[str, Any]) -> None:
    """Adds one row; the database sets the columns that are not given."""
    await _inserted(table, tuple(values)).rows(session, values)


@cache
def _inserted(table: Table, names: tuple[str, ...]) -> Direct:
    return Direct(insert(table).values({name: bindparam(name, type_=table.c[name].type) for name in names}))


async def update_row(session: AsyncSession, table: Table, values: Mapping[str, Any]) -> None:
    """Changes the row with this `id`."""
    await _updated(table, tuple(values)).rows(session, named("new", values))


@cache
def _updated(table: Table, names: tuple[str, ...]) -> Direct:
    new = bound("new", [table.c[name] for name in names])
    others = {name: value for name, value in new.items() if name != "id"}
    return Direct(update(table).where(table.c.id == new["id"]).values(others))


async def keep_newest(session: AsyncSession, table: Table, tenant: UUID, values: Mapping[str, Any]) -> bool:
    """Keeps the state with the highest `sequence` under an `id`, in whatever order states arrive; True for news."""
    others = {name: value for name, value in values.items() if name != "id"}
    statement = (
        upsert(table)
        .values(tenant_id=tenant, **values)
        .on_conflict_do_update(
            index_elements=["tenant_id", "id"], set_=others, where=table.c.sequence < values["sequence"]
        )
        .returning(table.c.id)
    )
    return await session.scalar(statement) is not None
