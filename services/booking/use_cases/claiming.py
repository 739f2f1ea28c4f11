"""Taking a slot: the locks, in one order everywhere, and the rule once more under them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.booking import repository
from services.booking.domain import slots
from services.booking.domain.slots import Place
from shared.contracts.slots import Plan, Seeker, SlotId, Taken, floor, hidden
from shared.errors import conflict


async def plan_of(session: AsyncSession, slot: SlotId) -> Plan:
    plan = await repository.schedules.plan(session, slot.schedule_id)
    if plan is None:
        raise conflict("slot_gone", "The practice does not offer this schedule any more; search again.")
    return plan


async def claim(
    session: AsyncSession, plan: Plan, slot: SlotId, client_id: UUID, visit_id: UUID, now: datetime
) -> Place:
    """Takes the locks, provider before rooms before client as everywhere, and then the place at that time.

    Raises SlotTaken when somebody was first, Problem `slot_past` or `slot_gone` when the schedule offers it no more.
    """
    start = floor(slot.start)
    if not await repository.taken.lock_provider(session, plan.provider_id, wait=False):
        # Somebody books there right now: who has lost already needn't wait in line.
        await _require_free(session, plan, start, client_id, visit_id, now)
        await repository.taken.lock_provider(session, plan.provider_id)
    await repository.taken.lock_rooms(session, plan.rooms)
    await repository.clients.get(session, client_id, lock=True)
    taken = await _require_free(session, plan, start, client_id, visit_id, now)
    group = (
        await repository.taken.group_at(session, plan.schedule_id, slot.start, visit_id) if plan.capacity > 1 else []
    )
    return slots.place(plan, taken, group, start, visit_id)


async def _require_free(
    session: AsyncSession, plan: Plan, start: int, client_id: UUID, visit_id: UUID, now: datetime
) -> list[Taken]:
    seeker = await seeker_of(session, [plan], client_id, visit_id)
    taken = await repository.taken.near(session, [plan], client_id, start, start + 1, but=visit_id)
    slots.check_offered(plan, start, hidden(plan, taken, start, now, seeker))
    return taken


async def seeker_of(session: AsyncSession, plans: Sequence[Plan], client_id: UUID, but: UUID | None) -> Seeker:
    """Who seeks; whether the client is new is looked up only where it matters."""
    is_new = any(plan.favours_new_clients for plan in plans) and await repository.taken.is_new(session, client_id, but)
    return Seeker(client_id, is_new)
