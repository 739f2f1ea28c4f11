"""Cursors of lists: opaque to callers, a position in a sort order to us."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import Query

from shared.errors import invalid

T = TypeVar("T")

Limit = Annotated[int, Query(ge=1, le=200, description="Items on a page")]
Cursor = Annotated[str | None, Query(max_length=500, description="`next` of the page before")]

Position = tuple[datetime, UUID]


def pack(values: Sequence[Any]) -> str:
    """A cursor of any position that JSON can hold."""
    return urlsafe_b64encode(json.dumps(values).encode()).decode()


def unpack(cursor: str, *kinds: Callable[[Any], Any]) -> list[Any]:
    """The position in a cursor, each part made by its kind. Raises Problem `cursor_invalid`."""
    try:
        values = json.loads(urlsafe_b64decode(cursor.encode()))
        return [kind(value) for kind, value in zip(kinds, values, strict=True)]
    except (ValueError, TypeError, AttributeError, OverflowError) as error:
        raise invalid("cursor_invalid", "Take the cursor from `next` unchanged.", field="cursor") from error


def encode(position: Position) -> str:
    return pack([position[0].isoformat(), str(position[1])])


def decode(cursor: str | None) -> Position | None:
    """Raises Problem `cursor_invalid`."""
    if cursor is None:
        return None
    moment, id_ = unpack(cursor, datetime.fromisoformat, UUID)
    return moment, id_


def page(items: Sequence[T], limit: int, position: Callable[[T], Position]) -> tuple[list[T], str | None]:
    """Of `limit + 1` items the first `limit`, and the cursor to go on from when there are more."""
    if len(items) <= limit:
        return list(items), None
    return list(items[:limit]), encode(position(items[limit - 1]))
