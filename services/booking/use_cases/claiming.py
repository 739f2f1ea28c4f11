"""Taking a slot: the locks, in one order everywhere, and the rule once more under them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.booking import repository
from services.booking.domain import clients, slots
from services.booking.domain.slots import Place
from services.booking.repository.taken import NOTHING, But
from shared.contracts.slots import Obstacle, Plan, Seeker, SlotId, Taken, floor, hidden
from shared.errors import conflict

Minding = Callable[[Sequence[Obstacle]], list[Obstacle]]
"""Which of the obstacles at a time count."""


async def plan_of(session: AsyncSession, slot: SlotId) -> Plan:
    """The schedule of a slot. Raises Problem `slot_gone`."""
    return _known(await repository.schedules.plan(session, slot.schedule_id), slot)


def _known(plan: Plan | None, slot: SlotId) -> Plan:
    if plan is None:
        raise conflict("slot_gone", "This schedule can't be booked, not yet or not any more; search again in a moment.")
    slots.check_terms(plan, slot)
    return plan


@dataclass(frozen=True, slots=True)
class Asked:
    """A slot that somebody wants, and whether its provider's lock was to be had at once."""

    slot: SlotId
    plan: Plan
    locked: bool


async def ask(session: AsyncSession, slot: SlotId) -> Asked:
    """The first step to a slot; `claim` is the second. Raises Problem `slot_gone`."""
    plan, locked = await repository.schedules.plan_to_book(session, slot.schedule_id)
    return Asked(slot, _known(plan, slot), locked)


async def claim(
    session: AsyncSession,
    asked: Asked,
    client_id: UUID | None,
    id: UUID,
    now: datetime,
    but: But = NOTHING,
    minding: Minding = list,
) -> Place:
    """Takes the locks, provider before rooms before client as everywhere, and then the place at that time for the
    visit or hold of that id; `minding` says which obstacles count.

    Raises SlotTaken when somebody was first, Problem `slot_past` or `slot_gone` when the schedule offers it no more,
    `client_not_found` or `client_discharged`.
    """
    slot, plan = asked.slot, asked.plan
    start = floor(slot.start)
    if not asked.locked:
        # Somebody books there right now: who has lost already needn't wait in line.
        await require_free(session, plan, start, client_id, now, but, minding)
        await repository.taken.lock_provider(session, plan.provider_id)
    await lock_others(session, plan, client_id)
    taken = await require_free(session, plan, start, client_id, now, but, minding)
    group: list[tuple[UUID, int]] = []
    if plan.capacity > 1:
        group = await repository.taken.group_at(session, plan.schedule_id, slot.start, now, but)
    return slots.place(plan, taken, group, start, id)


async def lock_others(session: AsyncSession, plan: Plan, client_id: UUID | None) -> None:
    """The locks after the provider's, in their order. Raises Problem `client_not_found` or `client_discharged`."""
    await repository.taken.lock_rooms(session, plan.rooms)
    if client_id is not None:
        clients.check_in_care(await repository.clients.get(session, client_id, lock=True))


async def require_free(
    session: AsyncSession,
    plan: Plan,
    start: int,
    client_id: UUID | None,
    now: datetime,
    but: But,
    minding: Minding = list,
) -> list[Taken]:
    """What is near a start that can be had. Raises SlotTaken, or Problem `slot_gone` or `slot_past`."""
    seeker = await seeker_of(session, [plan], client_id, but.visit_id)
    taken = await repository.taken.near(session, [plan], client_id, start, start + 1, now, but)
    obstacles = hidden(plan, taken, start, now, seeker)
    slots.check_offered(plan, start, minding(obstacles))
    return taken


async def seeker_of(session: AsyncSession, plans: Sequence[Plan], client_id: UUID | None, but: UUID | None) -> Seeker:
    """Who seeks; whether the client is new is looked up only where it matters. Somebody unknown is taken as new: who
    they are is asked when they book.
    """
    if client_id is None:
        return Seeker(is_new=True)
    is_new = any(plan.favours_new_clients for plan in plans) and await repository.taken.is_new(session, client_id, but)
    return Seeker(client_id, is_new)
