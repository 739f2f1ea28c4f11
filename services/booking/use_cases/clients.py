"""Clients of the practice."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from services.booking import repository
from services.booking.domain import clients
from services.booking.domain.appointments import Actor
from services.booking.domain.clients import Client
from services.booking.use_cases import appointments, waitlist
from shared.telemetry import annotate, use_case


@use_case
async def register(session: AsyncSession, *, tenant: UUID, name: str, now: datetime, id: UUID | None = None) -> Client:
    client = Client(id=id or uuid7(), name=name, registered_at=now)
    await repository.clients.add(session, tenant, client)
    await repository.record(session, tenant, clients.register(client), now)
    annotate(client_id=client.id)
    return client


@use_case
async def discharge(
    session: AsyncSession, *, tenant: UUID, client_id: UUID, cancel_visits: bool, actor: Actor, now: datetime
) -> Client:
    """Ends a client's care: nothing can be booked for them any more, and they wait for nothing.

    Raises Problem `client_not_found`, or `visits_to_come` where these are not to be called off with it.
    """
    client = await repository.clients.get(session, client_id, lock=True)
    annotate(client_id=client.id)
    visits = [] if client.discharged_at else await repository.appointments.coming_of(session, client.id, now)
    if cancel_visits:
        for visit_id in visits:
            await appointments.cancel(
                session, reason="other", tenant=tenant, appointment_id=visit_id, version=None, actor=actor, now=now
            )
        visits = []
    change = clients.discharge(client, len(visits), now)
    if change is None:
        return client
    for entry in await repository.waitlist.entries_of(session, client.id):
        await waitlist.left(session, tenant, entry, now)
    await repository.clients.save(session, change[0])
    await repository.record(session, tenant, change[1], now)
    return change[0]


@use_case
async def readmit(session: AsyncSession, *, tenant: UUID, client_id: UUID, now: datetime) -> Client:
    """A discharged client is in care again. Raises Problem `client_not_found`."""
    client = await repository.clients.get(session, client_id, lock=True)
    annotate(client_id=client.id)
    change = clients.readmit(client)
    if change is None:
        return client
    await repository.clients.save(session, change[0])
    await repository.record(session, tenant, change[1], now)
    return change[0]
