"""Clients of the practice."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from services.booking import repository
from services.booking.domain import clients
from services.booking.domain.clients import Client
from shared.telemetry import annotate, use_case


@use_case
async def register(session: AsyncSession, *, tenant: UUID, name: str, now: datetime) -> Client:
    client = Client(id=uuid7(), name=name, registered_at=now)
    await repository.clients.add(session, tenant, client)
    await repository.record(session, tenant, clients.register(client), now)
    annotate(client_id=client.id)
    return client
