"""Keeping a slot for somebody while they fill in a form."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from services.booking import repository
from services.booking.domain import holds, slots
from services.booking.domain.holds import Because, Hold
from services.booking.repository.taken import But
from services.booking.use_cases.claiming import Minding, ask, claim
from shared.contracts.slots import SlotId
from shared.telemetry import annotate, use_case


@use_case
async def hold(
    session: AsyncSession, *, tenant: UUID, slot: SlotId, client_id: UUID | None, held_by: str, now: datetime
) -> Hold:
    """Keeps an offered slot. Raises SlotTaken, or Problem: `slot_gone`, `slot_past`, `client_not_found`,
    `too_many_holds`.
    """
    asked, id = await ask(session, slot), uuid7()
    place = await claim(session, asked, client_id, id, now)
    if client_id is not None:
        holds.check_number(await repository.holds.live_of(session, client_id, now))
    kept, event = holds.hold(
        id=id, slot=slot, schedule=asked.plan.state, place=place, client_id=client_id, held_by=held_by, now=now
    )
    await repository.holds.add(session, tenant, kept)
    await repository.record(session, tenant, event, now)
    annotate(hold_id=kept.id, schedule_id=kept.schedule_id)
    return kept


@use_case
async def extend(session: AsyncSession, *, tenant: UUID, hold_id: UUID, now: datetime) -> Hold:
    """Keeps a slot longer, if it can still be had: to a process whose clock is slow a hold may seem to live that has
    ended for others, and its time may be taken.

    Raises SlotTaken, or Problem: `hold_not_found`, `hold_expired`, `hold_not_extendable`, `slot_gone`, `slot_past`.
    """
    # Provider before client before hold, as everywhere. Whoever books what is kept has the provider's lock until then.
    await repository.taken.lock_provider(session, (await repository.holds.get(session, hold_id)).provider_id)
    before = await repository.holds.get(session, hold_id)
    holds.check_extendable(before, now)
    asked, but = await ask(session, before.slot), But(hold_id=hold_id)
    place = await claim(session, asked, before.client_id, hold_id, now, but, minding(before, now))
    kept, event = holds.extend(await repository.holds.get(session, hold_id, lock=True), place, now)
    await repository.holds.extend(session, tenant, kept)
    await repository.record(session, tenant, event, now)
    annotate(hold_id=kept.id)
    return kept


def minding(kept: Hold, now: datetime) -> Minding:
    """Which obstacles count for who has that hold; one that has run out is as good as none."""
    return slots.kept_in_time if now < kept.expires_at else list


@use_case
async def end(session: AsyncSession, *, tenant: UUID, hold_id: UUID, because: Because, now: datetime) -> None:
    """Gives a kept slot back; nothing when the hold has ended already."""
    annotate(hold_id=hold_id)
    await ended(session, tenant, hold_id, because, now)


async def ended(
    session: AsyncSession, tenant: UUID, hold_id: UUID, because: Because, now: datetime, visit_id: UUID | None = None
) -> None:
    kept = await repository.holds.end(session, tenant, hold_id)
    if kept is not None:
        await repository.record(session, tenant, holds.release(kept, because, visit_id), now)
