"""Booking on the practice's page: the time is kept first, then reviewed, then booked."""

from datetime import datetime
from uuid import NAMESPACE_OID, UUID, uuid5

from sqlalchemy.ext.asyncio import AsyncSession

from services.booking import repository
from services.booking.domain.appointments import Actor, Appointment
from services.booking.domain.holds import Hold, check_anonymous
from services.booking.repository.taken import But
from services.booking.use_cases import appointments, clients, holds
from services.booking.use_cases.claiming import plan_of, require_free
from shared.contracts.slots import SlotId, floor
from shared.telemetry import annotate, use_case

PAGE = "booking page"


@use_case
async def keep(session: AsyncSession, *, tenant: UUID, slot: SlotId, client_id: UUID | None, now: datetime) -> Hold:
    """Keeps a time while its form is filled in. Raises what `holds.hold` raises, or Problem `too_many_holds`."""
    if client_id is None:
        check_anonymous(await repository.holds.live_of_nobody(session, now))
    return await holds.hold(session, tenant=tenant, slot=slot, client_id=client_id, held_by=PAGE, now=now)


def new_client(hold_id: UUID) -> UUID:
    """The id of somebody who books for the first time; the same however often the form is sent."""
    return uuid5(NAMESPACE_OID, f"client/{hold_id}")


@use_case
async def book(
    session: AsyncSession, *, tenant: UUID, hold_id: UUID, client_id: UUID, new_name: str | None, now: datetime
) -> Appointment:
    """Books what is kept; somebody new is registered with it. A second time finds the first one's visit.

    Raises Problem `hold_not_found` when the time to book has run out, SlotTaken, or what booking raises.
    """
    found = await repository.holds.find(session, hold_id)
    if found is not None:
        # Of two presses at once the second waits here, and then finds the first one's visit. Provider before hold, as
        # everywhere.
        await repository.taken.lock_provider(session, found.provider_id)
        found = await repository.holds.find(session, hold_id, lock=True)
    already = await repository.appointments.find(session, hold_id)
    if already is not None:
        return already
    kept = found or await repository.holds.get(session, hold_id)
    annotate(hold_id=kept.id)
    if new_name is not None:
        await clients.register(session, tenant=tenant, name=new_name, now=now, id=client_id)
    return await appointments.book(
        session,
        tenant=tenant,
        slot=kept.slot,
        client_id=client_id,
        hold=kept,
        actor=Actor("client", PAGE),
        now=now,
        id=kept.id,
    )


async def check_still_free(session: AsyncSession, kept: Hold, now: datetime) -> None:
    """Before somebody's particulars are handed on: a hold that has run out keeps nothing, and a schedule may have
    changed.

    Raises SlotTaken, or Problem `slot_gone` or `slot_past`.
    """
    plan = await plan_of(session, kept.slot)
    if kept.expires_at <= now:
        await require_free(session, plan, floor(kept.start), None, now, But(hold_id=kept.id))
