"""Following an appointment: its reminders, its outreach, its rating request."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications import repository
from services.notifications.domain.model import Message, Visit
from services.notifications.domain.plans import cancellation, new_message, plan_messages
from services.notifications.domain.policy import is_change
from services.notifications.domain.tasks import IS_CLIENT_THERE, TELL_CHANGE, About
from services.notifications.use_cases import check_ins, outreach, tasks
from services.notifications.use_cases.messages import drop, plan_all, plan_message
from shared.contracts.booking import (
    FREE_STATUSES,
    AppointmentAwaited,
    AppointmentBooked,
    AppointmentConfirmed,
    AppointmentFlagged,
    AppointmentImported,
    AppointmentRescheduled,
    AppointmentRunningLate,
    AppointmentState,
)
from shared.contracts.feedback import RequestState
from shared.telemetry import annotate, use_case

REMARKS = (AppointmentFlagged, AppointmentConfirmed, AppointmentRunningLate, AppointmentAwaited)


@use_case
async def follow_visit(session: AsyncSession, *, tenant: UUID, state: AppointmentState, now: datetime) -> None:
    """Brings messages in line with a visit's newest state, whichever event brought it; older news changes nothing."""
    visit = Visit.of(state)
    annotate(appointment_id=visit.id, client_id=visit.client_id)
    await repository.clients.lock(session, visit.client_id)
    if isinstance(state, REMARKS):
        await _follow_remark(session, tenant, state, now)
        return
    if isinstance(state, AppointmentImported):
        await _follow_import(session, tenant, visit, now)
        return
    before = await repository.visits.find(session, visit.id) if visit.status == "noshow" else None
    if not await repository.visits.save(session, tenant, visit):
        await _learn_who_moved_it(session, tenant, state, now)
        return
    if not isinstance(state, AppointmentBooked):
        await _close_tasks(session, tenant, visit, now, IS_CLIENT_THERE, TELL_CHANGE)
    for message in await repository.messages.planned(session, repository.messages.of_visit(visit)):
        await drop(session, tenant, message, "visit_changed", now)
    if visit.status == "booked":
        version, plan = await repository.plans.plan(session)
        planned = await plan_all(session, tenant, plan_messages(plan, visit, now, version=version), now)
        await _ask_to_tell(session, tenant, planned, visit, now)
        await outreach.end_for_booking(session, tenant, visit, now)
    elif visit.status == "noshow" and _is_missed_anew(before, visit):
        await outreach.start(session, tenant, visit, now)
    elif visit.status in FREE_STATUSES and visit.start > now:
        await plan_message(session, tenant, cancellation(visit), now)
    await check_ins.follow_visit(session, tenant, visit, state.provider_id, now)
    if visit.status != "noshow":
        await outreach.end_for_visit(session, tenant, visit, now)


async def _learn_who_moved_it(session: AsyncSession, tenant: UUID, state: AppointmentState, now: datetime) -> None:
    """A move that a later remark has told of already: the client who moved it needs nobody to tell them."""
    if not isinstance(state, AppointmentRescheduled) or state.changed_by != "client":
        return
    visit = await repository.visits.find(session, state.appointment_id, lock=True)
    of_remark = visit is not None and visit.sequence == state.sequence + 1 and visit.is_moved
    if visit is not None and of_remark and (visit.status, visit.start) == ("booked", state.start):
        await repository.visits.learn(session, replace(visit, changed_at=state.changed_at, changed_by=None))
        await _close_tasks(session, tenant, visit, now, TELL_CHANGE)


async def _ask_to_tell(
    session: AsyncSession, tenant: UUID, planned: Sequence[Message], visit: Visit, now: datetime
) -> None:
    """A person tells of a move where it is too late for each message that the plan has for that."""
    telling = [message for message in planned if is_change(message, visit)]
    if telling and all(message.status == "not_sent" for message in telling):
        await tasks.nobody_reached(session, tenant, telling[0], now)


def _is_missed_anew(before: Visit | None, visit: Visit) -> bool:
    """Between two misses of a visit lies a version in which it isn't missed, whether or not that has been heard of."""
    return before is None or before.status != "noshow" or visit.sequence > before.sequence + 1


async def _follow_import(session: AsyncSession, tenant: UUID, visit: Visit, now: datetime) -> None:
    """A visit from another system, which has told the client of it: only what is to come is said here."""
    if not await repository.visits.save(session, tenant, visit):
        return
    if visit.status != "booked":
        await outreach.end_for_visit(session, tenant, visit, now)
        return
    version, plan = await repository.plans.plan(session)
    await plan_all(session, tenant, plan_messages(plan, visit, now, version=version, imported=True), now)
    await outreach.end_for_booking(session, tenant, visit, now)


async def _follow_remark(session: AsyncSession, tenant: UUID, state: AppointmentState, now: datetime) -> None:
    """Something is known of a visit that stays where it is: what is planned for it stays too.

    The client has confirmed it, or is on the way and late; or nobody has seen them, and the provider is asked. Or the
    provider will be away, or there after all: the practice decides, and the client hears nothing yet.
    """
    before = await repository.visits.find(session, state.appointment_id, lock=True)
    # A remark is no booking: it must not end an outreach, as a later change by the client would.
    visit = replace(Visit.of(state), changed_at=state.booked_at, changed_by=None)
    if before is not None:
        visit = replace(visit, changed_at=before.changed_at, changed_by=before.changed_by)
        if before.start != visit.start:
            # By whom will be heard of later: until then not by the client, who would know of it.
            visit = replace(visit, changed_at=state.changed_at, changed_by="practice")
    news = await repository.visits.save(session, tenant, visit)
    if before is not None and (before.status, before.start) == (visit.status, visit.start):
        if news and before.is_moved and not visit.is_moved:
            # The client has said that they know of it.
            await _close_tasks(session, tenant, visit, now, TELL_CHANGE)
        if news:
            of_this_version = repository.messages.of_visit(visit, before.sequence)
            # Whoever holds one of them may just go on by another one, which is seen the next time.
            while found := await repository.messages.whatever_became(session, of_this_version):
                for each in found:
                    await repository.messages.save(session, tenant, replace(each, appointment_sequence=visit.sequence))
    elif not news:
        return
    elif visit.status == "booked":
        # It has been moved, which will be heard of later and be old news.
        for message in await repository.messages.planned(session, repository.messages.of_visit(visit)):
            await drop(session, tenant, message, "visit_changed", now)
        await _close_tasks(session, tenant, visit, now, TELL_CHANGE)
        version, plan = await repository.plans.plan(session)
        planned = await plan_all(session, tenant, plan_messages(plan, visit, now, version=version), now)
        await _ask_to_tell(session, tenant, planned, visit, now)
        if before is None:
            # The event of the booking itself is on its way and will be old news.
            await outreach.end_for_booking(session, tenant, visit, now)
    await _ask_somebody(session, tenant, state, now, news=news)


async def _ask_somebody(
    session: AsyncSession, tenant: UUID, state: AppointmentState, now: datetime, *, news: bool
) -> None:
    """What a person should do about a remark, once; the practice hears that somebody is late however late that is
    heard of here.
    """
    visit = Visit.of(state)
    about = About(appointment_id=visit.id, provider_id=state.provider_id)
    unfinished = {task.kind for task in await repository.tasks.unfinished_of_visit(session, visit.id)}
    if isinstance(state, AppointmentAwaited) and news and IS_CLIENT_THERE not in unfinished:
        await tasks.open_task(session, tenant, visit.client_id, IS_CLIENT_THERE, now, about, due_at=state.missed_at)
    if isinstance(state, AppointmentRunningLate) and "running_late" not in unfinished:
        await tasks.open_task(session, tenant, visit.client_id, "running_late", now, about)
    if isinstance(state, AppointmentRunningLate) and news:
        await _close_tasks(session, tenant, visit, now, IS_CLIENT_THERE)
    if isinstance(state, AppointmentFlagged) and state.needs_rebooking and news and "rebook" not in unfinished:
        await tasks.open_task(session, tenant, visit.client_id, "rebook", now, about)


async def _close_tasks(session: AsyncSession, tenant: UUID, visit: Visit, now: datetime, *kinds: str) -> None:
    """Of what was so before: whoever can't be reached about how it is now has another task."""
    for task in await repository.tasks.unfinished_of_visit(session, visit.id):
        if task.kind in kinds:
            await tasks.finish(session, tenant, task, "booking", "not_needed", now)


@use_case
async def ask_for_rating(
    session: AsyncSession, *, tenant: UUID, request: RequestState, now: datetime
) -> Message | None:
    """Plans the message that asks how a visit was, once; where that hasn't been heard of yet, sending waits for it."""
    step = f"rating.{request.appointment_id}"
    await repository.clients.lock(session, request.client_id)
    if await repository.messages.is_planned(session, request.client_id, step):
        # A repetition, whichever version of the visit is known by now and whichever channel it went by.
        return None
    visit = await repository.visits.find(session, request.appointment_id)
    message = new_message(
        client_id=request.client_id,
        visit=visit,
        purpose="rating_request",
        step=step,
        channels=("sms", "email"),
        due_at=now,
    )
    return await plan_message(session, tenant, replace(message, appointment_id=request.appointment_id), now)
