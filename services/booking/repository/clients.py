"""Clients."""

from uuid import UUID

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.domain.clients import Client
from services.booking.tables import clients
from shared.errors import not_found
from shared.rows import dump, one


async def add(session: AsyncSession, tenant: UUID, client: Client) -> None:
    await session.execute(insert(clients).values(tenant_id=tenant, **dump(client)))


async def get(session: AsyncSession, client_id: UUID, *, lock: bool = False) -> Client:
    """Raises Problem `client_not_found`. A lock keeps two bookings from putting a client in two places."""
    found = await one(session, Client, _LOCK_CLIENT if lock else _CLIENT, {"client": client_id})
    if found is None:
        raise not_found("client", field="client_id")
    return found


async def save(session: AsyncSession, client: Client) -> None:
    values = {"discharged_at": client.discharged_at, "sequence": client.sequence}
    await session.execute(update(clients).where(clients.c.id == client.id).values(values))


_CLIENT = select(clients).where(clients.c.id == bindparam("client"))
_LOCK_CLIENT = _CLIENT.with_for_update(key_share=True)
