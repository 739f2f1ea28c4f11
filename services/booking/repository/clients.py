"""Clients."""

from uuid import UUID

from sqlalchemy import Uuid, bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.domain.clients import Client
from services.booking.tables import clients
from shared.direct import Direct
from shared.errors import not_found
from shared.rows import dump, load


async def add(session: AsyncSession, tenant: UUID, client: Client) -> None:
    await session.execute(insert(clients).values(tenant_id=tenant, **dump(client)))


async def get(session: AsyncSession, client_id: UUID, *, lock: bool = False) -> Client:
    """Raises Problem `client_not_found`. A lock keeps two bookings from putting a client in two places."""
    found = await (_LOCK_CLIENT if lock else _CLIENT).row(session, {"client": client_id})
    if found is None:
        raise not_found("client", field="client_id")
    return load(Client, dict(found))


async def save(session: AsyncSession, client: Client) -> None:
    values = {"discharged_at": client.discharged_at, "sequence": client.sequence}
    await session.execute(update(clients).where(clients.c.id == client.id).values(values))


_ONE = select(clients).where(clients.c.id == bindparam("client", type_=Uuid))
_CLIENT, _LOCK_CLIENT = Direct(_ONE), Direct(_ONE.with_for_update(key_share=True))
