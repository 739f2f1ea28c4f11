"""A series of visits: looked at, booked at once, and changed from one of its visits on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict, Unpack
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from services.booking import repository
from services.booking.domain import appointments, clients, series, slots
from services.booking.domain.appointments import Actor, Appointment, CancelReason
from services.booking.domain.recurrence import expand
from services.booking.domain.series import Scope, Series, SeriesRefused, Verdict, Wish
from services.booking.repository.taken import But
from services.booking.use_cases.appointments import saved
from services.booking.use_cases.claiming import ask, lock_others, plan_of, seeker_of
from shared.contracts.slots import Plan, SlotId, Taken
from shared.errors import require_version
from shared.telemetry import annotate, current_traceparent, use_case


class Change(TypedDict):
    """From which visit of a series on, as read in which version, how far, by whom, when; for a provider only in that
    caseload.
    """

    tenant: UUID
    series_id: UUID
    appointment_id: UUID
    version: int | None
    scope: Scope
    caseload: UUID | None
    actor: Actor
    now: datetime


@dataclass(frozen=True, slots=True)
class Outcome:
    """A series as it is now, with its visits; `left_out` is what could not be had and was not insisted on."""

    series: Series
    visits: Sequence[Appointment]
    left_out: Sequence[Verdict] = ()


@use_case
async def preview(
    session: AsyncSession, *, slot: SlotId, client_id: UUID, rrule: str, now: datetime
) -> tuple[Plan, list[Verdict]]:
    """Which occurrences could be booked now.

    Raises Problem `slot_gone`, `slot_past`, `client_not_found`, `client_discharged`, or what `expand` says of the rule.
    """
    series.check_begins_ahead(slot.start, now)
    plan = await plan_of(session, slot)
    wishes = _wishes(plan, slot, rrule)
    clients.check_in_care(await repository.clients.get(session, client_id))
    verdicts = await _weighed(session, plan, wishes, client_id, now)
    annotate(schedule_id=plan.schedule_id, refused=_refused(verdicts))
    return plan, verdicts


@use_case
async def book(
    session: AsyncSession,
    *,
    tenant: UUID,
    slot: SlotId,
    client_id: UUID,
    rrule: str,
    partial: bool,
    actor: Actor,
    now: datetime,
) -> Outcome:
    """Books every occurrence or, unless `partial`, none.

    Raises SeriesRefused, or Problem as `preview` does.
    """
    series.check_begins_ahead(slot.start, now)
    asked = await ask(session, slot)
    plan = asked.plan
    wishes = _wishes(plan, slot, rrule)
    if not asked.locked:
        # Somebody books there right now: who has lost already needn't wait in line.
        _check(plan, client_id, await _weighed(session, plan, wishes, client_id, now), partial)
        await repository.taken.lock_provider(session, plan.provider_id)
    await lock_others(session, plan, client_id)
    verdicts = await _weighed(session, plan, wishes, client_id, now)
    _check(plan, client_id, verdicts, partial)
    new = Series(uuid7(), client_id, plan.schedule_id, rrule, now)
    await repository.series.add(session, tenant, new)
    visits = []
    for verdict in verdicts:
        if verdict.taken is None:
            continue
        change = appointments.book(
            id=verdict.wish.id,
            slot=SlotId(plan.schedule_id, verdict.wish.start, now),
            schedule=plan.state,
            place=await _place(session, plan, verdict.wish, verdict.taken, now, But()),
            client_id=client_id,
            actor=actor,
            now=now,
            traceparent=current_traceparent(),
            series_id=new.id,
        )
        visits.append(await saved(session, tenant, change, actor, now))
    annotate(series_id=new.id, booked=len(visits), refused=_refused(verdicts))
    return Outcome(new, visits, _left_out(verdicts))


@use_case
async def cancel(session: AsyncSession, *, reason: CancelReason, **change: Unpack[Change]) -> Outcome:
    """Calls this visit off, or this and those after it that are booked still."""
    policy = await repository.policy.get(session)
    _, chosen = await _chosen(session, change)
    actor, now = change["actor"], change["now"]
    for visit in chosen:
        cancelled = appointments.cancel(visit, reason=reason, policy=policy, actor=actor, now=now)
        await saved(session, change["tenant"], cancelled, actor, now)
    return await _now(session, change)


@use_case
async def reschedule(session: AsyncSession, *, slot: SlotId, partial: bool, **change: Unpack[Change]) -> Outcome:
    """Moves this visit to a slot, and those after it as far by the wall clock: all or, unless `partial`, none.

    Raises SeriesRefused; what was booked stays so.
    """
    tenant, actor, now = change["tenant"], change["actor"], change["now"]
    plan = await plan_of(session, slot)
    client_id = (await repository.series.get(session, change["series_id"])).client_id
    await repository.taken.lock_provider(session, plan.provider_id)
    await lock_others(session, plan, client_id)
    this, chosen = await _chosen(session, change)
    appointments.check_movable(this, now)
    zones = await repository.series.zones(session, {visit.schedule_id for visit in chosen})
    wishes = series.shifted([(visit, zones[visit.schedule_id]) for visit in chosen], slot.start, plan.state.zone)
    verdicts = await _weighed(session, plan, wishes, client_id, now, this)
    _check(plan, client_id, verdicts, partial)
    before = {visit.id: visit for visit in chosen}
    for verdict in series.in_order(verdicts, before):
        wish, taken = verdict.wish, verdict.taken
        if taken is None:
            continue
        moved = appointments.reschedule(
            before[wish.id],
            slot=SlotId(plan.schedule_id, wish.start, now),
            schedule=plan.state,
            place=await _place(session, plan, wish, taken, now, But(visit_id=wish.id)),
            actor=actor,
            now=now,
        )
        if moved is not None:
            await saved(session, tenant, moved, actor, now)
    annotate(refused=_refused(verdicts))
    return await _now(session, change, _left_out(verdicts))


def _wishes(plan: Plan, slot: SlotId, rrule: str) -> list[Wish]:
    return [Wish(uuid7(), start) for start in expand(rrule, slot.start, plan.state.zone)]


async def _weighed(
    session: AsyncSession,
    plan: Plan,
    wishes: Sequence[Wish],
    client_id: UUID,
    now: datetime,
    this: Appointment | None = None,
) -> list[Verdict]:
    """What the rule says of each, by everything that stands around them, read at once."""
    seeker = await seeker_of(session, [plan], client_id, this.id if this else None)
    taken = await repository.taken.near(session, [plan], client_id, *series.span_of(wishes), now)
    rule = series.weigh if this is None else series.weigh_moves
    return rule(plan, taken, wishes, client_id, now, seeker)


def _check(plan: Plan, client_id: UUID, verdicts: Sequence[Verdict], partial: bool) -> None:
    refused = _refused(verdicts)
    if refused and (not partial or refused == len(verdicts)):
        raise SeriesRefused(plan, client_id, verdicts)


async def _place(session: AsyncSession, plan: Plan, wish: Wish, taken: Taken, now: datetime, but: But) -> slots.Place:
    group: list[tuple[UUID, int]] = []
    if plan.capacity > 1:
        group = await repository.taken.group_at(session, plan.schedule_id, wish.start, now, but)
    return slots.place_in(plan, taken.room_id, group, taken.start, wish.id)


async def _chosen(session: AsyncSession, change: Change) -> tuple[Appointment, list[Appointment]]:
    """This visit and, where the scope says so, those after it; locked."""
    annotate(series_id=change["series_id"], appointment_id=change["appointment_id"])
    locked = await repository.series.lock_visits(session, change["series_id"])
    by_id = {visit.id: visit for visit in locked}
    this = by_id.get(change["appointment_id"])
    if this is None:
        this = await repository.appointments.get(session, change["appointment_id"], lock=True)
    series.require_member(this, change["series_id"])
    require_version(change["version"], this.sequence)
    own = [visit for visit in locked if change["caseload"] in (None, visit.provider_id)]
    return this, series.of_scope(own, this, change["scope"])


async def _now(session: AsyncSession, change: Change, left_out: Sequence[Verdict] = ()) -> Outcome:
    found = await repository.series.get(session, change["series_id"])
    return Outcome(found, await repository.series.visits(session, found.id), left_out)


def _refused(verdicts: Sequence[Verdict]) -> int:
    return sum(item.problem is not None for item in verdicts)


def _left_out(verdicts: Sequence[Verdict]) -> list[Verdict]:
    return [item for item in verdicts if item.problem is not None]
