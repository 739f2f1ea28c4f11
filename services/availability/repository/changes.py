"""The feed of what API processes must forget: written in the transaction of the change, polled by xid."""

import asyncio
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.availability.tables import changes

# A transaction that began early may commit late, so an id says nothing; whatever was written by a
# transaction that was still running at the last look is looked at again.
_NEXT = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text"
_SINCE = f"""
    SELECT ({_NEXT}) AS low, changes.id, tenant_id, provider_id, room_id
    FROM (SELECT) AS one LEFT JOIN changes ON written_by >= $1::text::xid8
"""  # noqa: S608 -- both parts stand here

Change = tuple[int, UUID, UUID | None, UUID | None]
"""Its id, the practice, the provider (None: the practice as a whole), the room."""


class Feed:
    """The changes, looked at over a connection of its own: one round trip a look."""

    def __init__(self, database_url: str) -> None:
        self.database_url = database_url
        self._connection: asyncpg.Connection[Any] | None = None
        self._low: str | None = None
        self._listed: set[int] = set()
        self._turn = asyncio.Lock()

    async def look(self) -> list[Change] | None:
        """What is new since the last look; None the first time, when whatever was known before is void.

        Raises one of CONNECTION_FAILURES; the next look connects anew and goes on from where this one was.
        """
        async with self._turn:
            try:
                if self._connection is None:
                    self._connection = await _connect(self.database_url)
                if self._low is None:
                    self._low = str(await self._connection.fetchval(_NEXT))
                    return None
                rows = await self._connection.fetch(_SINCE, self._low)
            except BaseException:
                # Also when cancelled in the middle: what is left of the answer must not be the next one's.
                self.close()
                raise
            self._low = rows[0]["low"]
            found = [tuple(row)[1:] for row in rows if row["id"] is not None]
            # What is still listed may be listed again; what isn't never will be.
            news = [change for change in found if change[0] not in self._listed]
            self._listed = {change[0] for change in found}
            return news

    def forget(self) -> None:
        """Begins anew: the next look is the first."""
        self._low = None

    async def sweep(self) -> None:
        """Drops what every API process has seen, or will begin anew without."""
        if self._connection is not None:
            await self._connection.execute(
                "DELETE FROM changes WHERE changed_at < clock_timestamp() - interval '10 minutes'"
            )

    def close(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
        self._connection = None


async def _connect(database_url: str) -> "asyncpg.Connection[Any]":
    settings = {"application_name": "availability-changes", "app.every_tenant": "on", "timezone": "UTC"}
    return await asyncpg.connect(database_url, timeout=5, command_timeout=5, server_settings=settings)


async def announce(session: AsyncSession, tenant: UUID, provider_id: UUID | None, room_id: UUID | None = None) -> None:
    """Something of a provider (None: of the practice) or of a room is no longer as it was."""
    await session.execute(insert(changes).values(tenant_id=tenant, provider_id=provider_id, room_id=room_id))
