"""What becomes of an offer: the first to accept wins, and nobody loses what they have."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.booking import repository
from services.booking.domain import waitlist
from services.booking.domain.appointments import Actor, Appointment
from services.booking.domain.waitlist import Entry, Offer, check_open
from services.booking.use_cases import appointments
from services.booking.use_cases.waitlist import end, is_free
from shared.contracts.waitlist import Fate
from shared.telemetry import annotate, use_case


@use_case
async def accept(session: AsyncSession, *, tenant: UUID, offer_id: UUID, actor: Actor, now: datetime) -> Appointment:
    """Books the offered time, or moves the visit that it is to replace; a second time finds the first one's visit.

    Raises SlotTaken when somebody was faster, Problem `offer_over`, or what booking raises; then all is as it was.
    """
    offer = await repository.waitlist.offer(session, offer_id)
    annotate(offer_id=offer.id, client_id=offer.client_id)
    if offer.appointment_id is not None:
        return await repository.appointments.get(session, offer.appointment_id)
    check_open(offer, now)
    entry = await repository.waitlist.entry(session, offer.entry_id)
    swapped = await _swapped(session, entry, now)
    if swapped is None:
        visit = await appointments.book(
            session, tenant=tenant, slot=offer.slot, client_id=offer.client_id, actor=actor, now=now
        )
    else:
        visit = await appointments.reschedule(
            session, slot=offer.slot, tenant=tenant, appointment_id=swapped.id, version=None, actor=actor, now=now
        )
    # From here on under the provider's lock, which every round of offers takes too.
    entry = await repository.waitlist.entry(session, offer.entry_id, lock=True)
    filled, event = waitlist.fill(entry, visit.id)
    await repository.waitlist.save_entry(session, filled)
    await repository.record(session, tenant, event, now)
    offer = await repository.waitlist.offer(session, offer_id, lock=True)
    check_open(offer, now)
    await end(session, tenant, offer, "accepted", now, visit.id)
    for other in await repository.waitlist.open_offers(session, offer.provider_id):
        if not await is_free(session, other, now):
            await end(session, tenant, other, "lost", now)
    await repository.waitlist.look(session, tenant, offer.opening_id, now)
    return visit


async def _swapped(session: AsyncSession, entry: Entry, now: datetime) -> Appointment | None:
    """The visit that the freed time replaces, if it is still to come."""
    if entry.swaps is None:
        return None
    visit = await repository.appointments.get(session, entry.swaps)
    return visit if visit.status == "booked" and visit.start > now else None


@use_case
async def decline(session: AsyncSession, *, tenant: UUID, offer_id: UUID, now: datetime) -> Offer:
    """The client doesn't want this time and keeps the place; the next may have it at once."""
    offer = await repository.waitlist.offer(session, offer_id, lock=True)
    annotate(offer_id=offer.id, client_id=offer.client_id)
    if offer.fate == "declined":
        return offer
    check_open(offer, now)
    await repository.waitlist.look(session, tenant, offer.opening_id, now)
    return await end(session, tenant, offer, "declined", now)


@use_case
async def close(session: AsyncSession, *, tenant: UUID, offer_id: UUID, fate: Fate, now: datetime) -> Offer:
    """Puts on record why an offered time can't be had any more."""
    offer = await repository.waitlist.offer(session, offer_id, lock=True)
    return offer if offer.fate != "open" else await end(session, tenant, offer, fate, now)
