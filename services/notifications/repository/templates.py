"""Practices' own words."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from asyncpg import Record
from sqlalchemy import RowMapping, bindparam, delete, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications import tables
from services.notifications.domain.model import Language, Purpose
from services.notifications.domain.words import Words
from shared.contracts.notifications import Channel
from shared.direct import Direct

Key = tuple[Purpose, Channel, Language]


async def of(session: AsyncSession, purpose: Purpose, language: Language) -> Mapping[Key, Words]:
    """A practice's own words for a purpose."""
    found = await _OF_PURPOSE.rows(session, {"purpose": purpose, "language": language})
    return {_key(row): _words(row) for row in found}


_OF_PURPOSE = Direct(
    select(tables.templates).where(
        *(
            tables.templates.c[name] == bindparam(name, type_=tables.templates.c[name].type)
            for name in ("purpose", "language")
        )
    )
)


async def all_words(session: AsyncSession) -> Mapping[Key, Words]:
    """All of a practice's own words."""
    return {_key(row): _words(row) for row in await every(session)}


async def every(session: AsyncSession) -> list[RowMapping]:
    columns = tables.templates.c
    query = select(tables.templates).order_by(columns.purpose, columns.channel, columns.language)
    return list((await session.execute(query)).mappings())


async def save(session: AsyncSession, tenant: UUID, key: Key, words: Words, now: datetime) -> int:
    """The version that this is."""
    values: dict[str, Any] = {"subject": words.subject, "body": words.body, "action": words.action, "changed_at": now}
    named = dict(zip(("purpose", "channel", "language"), key, strict=True))
    statement = upsert(tables.templates).values(tenant_id=tenant, **named, **values, version=1)
    statement = statement.on_conflict_do_update(
        index_elements=["tenant_id", *named], set_={**values, "version": tables.templates.c.version + 1}
    )
    return int(await session.scalar(statement.returning(tables.templates.c.version)) or 0)


async def remove(session: AsyncSession, key: Key) -> None:
    columns = tables.templates.c
    where = (columns.purpose == key[0], columns.channel == key[1], columns.language == key[2])
    await session.execute(delete(tables.templates).where(*where))


def _key(row: RowMapping | Record) -> Key:
    return row["purpose"], row["channel"], row["language"]


def _words(row: RowMapping | Record) -> Words:
    return Words(row["body"], row["subject"], row["action"])
