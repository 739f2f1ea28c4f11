"""The feed of what API processes must forget: written in the transaction of the change, polled by xid."""

from uuid import UUID

from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.availability.tables import changes

# A transaction that began early may commit late, so an id says nothing; whatever was written by a
# transaction that was still running at the last look is looked at again.
_SINCE = text(
    """
    SELECT changes.id, tenant_id, provider_id, room_id
    FROM changes WHERE written_by >= CAST(:low AS text)::xid8
    """
)
_NEXT = text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text")


async def announce(session: AsyncSession, tenant: UUID, provider_id: UUID | None, room_id: UUID | None = None) -> None:
    """Something of a provider (None: of the practice) or of a room is no longer as it was."""
    await session.execute(insert(changes).values(tenant_id=tenant, provider_id=provider_id, room_id=room_id))


async def since(session: AsyncSession, low: str | None) -> tuple[str, list[tuple[int, UUID, UUID | None, UUID | None]]]:
    """What was written by transactions from `low` on (None: nothing yet), and the `low` of the next look."""
    following: str = (await session.execute(_NEXT)).scalar_one()
    if low is None:
        return following, []
    rows = await session.execute(_SINCE, {"low": low})
    return following, [(id, tenant, provider, room) for id, tenant, provider, room in rows]


async def sweep(session: AsyncSession) -> None:
    """Drops what every API process has seen, or will begin anew without."""
    await session.execute(text("DELETE FROM changes WHERE changed_at < clock_timestamp() - interval '10 minutes'"))
