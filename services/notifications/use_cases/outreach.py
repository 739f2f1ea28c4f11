"""Outreach: one run a miss, or to whoever doesn't come back; step by step, until the client is back or it gives up."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from services.notifications import repository
from services.notifications.domain.model import TOOK_PLACE, Task, Visit
from services.notifications.domain.outreach import (
    END_BY_PERSON,
    NO_CALL_NEEDED,
    OF_FLOW,
    FlowAction,
    Outreach,
    OutreachFlow,
    is_held_out,
    state,
)
from services.notifications.domain.plans import new_message
from services.notifications.domain.tasks import About
from services.notifications.use_cases import check_ins, facts, tasks
from services.notifications.use_cases.messages import drop, plan_message
from shared.contracts.booking import ClientDischarged, ClientState
from shared.contracts.feedback import Barrier, BarrierReported, ClientDisengaging, EngagementState
from shared.contracts.notifications import (
    OutreachAdvanced,
    OutreachEnd,
    OutreachEnded,
    OutreachStarted,
    OutreachTrigger,
)
from shared.db import be_patient
from shared.telemetry import annotate, current_traceparent, use_case


async def start(session: AsyncSession, tenant: UUID, missed: Visit, now: datetime) -> None:
    """Starts the flow for a miss, once, however often the event arrives; it takes the place of a gentle one."""
    new = await _new(session, tenant, "missed", missed.client_id, missed.id, missed.changed_at, now)
    if new is None:
        return
    for run in await repository.outreach.running(session, missed.client_id):
        if run.trigger != "missed":
            await _end(session, tenant, run, "superseded", now)
        elif run.appointment_id == missed.id and run.id != new.id:
            # That the first miss was none has not been heard of yet.
            await _end(session, tenant, run, "visit_changed", now)
    await _begin(session, tenant, new, now)


@use_case
async def reach_out(session: AsyncSession, *, tenant: UUID, state: EngagementState, now: datetime) -> None:
    """Starts the gentle flow to whoever doesn't come back, once after each last visit, unless another one runs."""
    annotate(client_id=state.client_id)
    await repository.clients.lock(session, state.client_id)
    running = await repository.outreach.running(session, state.client_id)
    trigger: OutreachTrigger = "disengaging" if isinstance(state, ClientDisengaging) else "unscheduled"
    if running:
        await _decide(session, tenant, running[0], "not_started", "outreach_running", now)
        return
    last = await repository.visits.find(session, state.last_appointment_id)
    unwanted = await repository.outreach.unwanted_since(session, state.client_id, last.start if last else state.since)
    if unwanted == "opted_out" and await _takes_texts_again(session, state.client_id):
        unwanted = None
    # Nobody says to them that nothing is booked.
    booked = await repository.visits.has_coming(session, state.client_id, now)
    if unwanted is not None or booked:
        await repository.decisions.add(
            session,
            tenant,
            client_id=state.client_id,
            purpose="outreach",
            outcome="not_started",
            reason=unwanted or "visit_booked",
            at=now,
        )
        return
    new = await _new(session, tenant, trigger, state.client_id, state.last_appointment_id, state.since, now)
    if new is not None:
        await _begin(session, tenant, new, now)


async def _takes_texts_again(session: AsyncSession, client_id: UUID) -> bool:
    contact = await repository.people.contact(session, client_id)
    if contact is None or contact.phone is None or await repository.people.is_suppressed(session, contact.phone):
        return False
    return "sms" in await repository.people.consented_channels(session, contact)


async def _new(
    session: AsyncSession,
    tenant: UUID,
    trigger: OutreachTrigger,
    client_id: UUID,
    visit_id: UUID,
    at: datetime,
    now: datetime,
) -> Outreach | None:
    """Kept; None where there is one already."""
    version, flow = await repository.plans.flow(session, trigger)
    new = Outreach(
        id=uuid7(),
        client_id=client_id,
        appointment_id=visit_id,
        flow_version=version,
        missed_at=at,
        started_at=now,
        held_out=is_held_out(flow.holdout_percent, version, client_id),
        traceparent=current_traceparent(),
        trigger=trigger,
    )
    return new if await repository.outreach.add(session, tenant, new) else None


async def _begin(session: AsyncSession, tenant: UUID, new: Outreach, now: datetime) -> None:
    """Waits for its first step, or ends at once where there is a reason to."""
    _, flow = await repository.plans.flow(session, new.trigger, new.flow_version)
    await repository.record(session, tenant, [state(OutreachStarted, new)], now)
    already = await repository.visits.booked_since(session, new.client_id, new.missed_at)
    if already is not None:
        await _end(session, tenant, new, "rebooked", now, rebooked=already.id)
    elif await repository.visits.has_come_since(session, new.client_id, await _since(session, new)):
        await _end(session, tenant, new, "returned", now)
    elif await repository.clients.is_discharged(session, new.client_id):
        await _end(session, tenant, new, "discharged", now)
    elif new.held_out and not flow.minds_holdout:
        await _end(session, tenant, new, "held_out", now)
    else:
        await _decide(session, tenant, new, "started", None, now)
        await repository.outreach.wake(session, tenant, new.id, new.next_due(flow))
        known = await repository.outreach.barrier(session, new.appointment_id) if new.trigger == "missed" else None
        if known is not None:
            await _learn(session, tenant, new, flow, known, now)


@use_case
async def follow_client(session: AsyncSession, *, tenant: UUID, state: ClientState, now: datetime) -> None:
    """Outreach ends when a client's care does."""
    annotate(client_id=state.client_id)
    await repository.clients.lock(session, state.client_id)
    discharged = isinstance(state, ClientDischarged)
    is_news = await repository.clients.save(session, tenant, state.client_id, discharged, state.sequence)
    if is_news and discharged:
        await end_all(session, tenant, state.client_id, "discharged", now)
        await check_ins.end_all(session, tenant, state.client_id, "discharged", now)


@use_case
async def take_step(session: AsyncSession, *, tenant: UUID, outreach_id: UUID, now: datetime) -> None:
    """Does the step that is due, or gives up after the last one."""
    run = await repository.outreach.find(session, outreach_id, lock=True)
    if run is None or run.status == "ended":
        return
    annotate(outreach_id=run.id, client_id=run.client_id)
    _, flow = await repository.plans.flow(session, run.trigger, run.flow_version)
    if run.step >= len(flow.steps):
        await _end(session, tenant, run, "no_response", now)
        return
    if await _has_stopped(session, run):
        await _end(session, tenant, run, "opted_out", now)
        return
    step = flow.steps[run.step]
    unmet = step.when.unmet(await facts.of_outreach(session, run)) if step.when.asks else None
    if unmet is not None:
        await _decide(session, tenant, run, "step_left_out", f"condition_{unmet}", now)
    elif await repository.people.is_paused(session, run.client_id):
        # A person looks after the client; the flow goes on as if it had been taken, when they let go.
        await _decide(session, tenant, run, "step_left_out", "paused_for_safety", now)
    else:
        await _act(session, tenant, run, step, f"{OF_FLOW}{run.step}", now)
    moved = run.moved_on(flow, took=unmet is None)
    await repository.outreach.save(session, tenant, moved)
    await repository.record(session, tenant, [state(OutreachAdvanced, moved)], now)
    await repository.outreach.wake(session, tenant, moved.id, moved.next_due(flow))


async def _has_stopped(session: AsyncSession, run: Outreach) -> bool:
    """Whether the carrier has said meanwhile that this client wants no texts: that is a STOP, too."""
    contact = await repository.people.contact(session, run.client_id)
    place = ("sms", contact.phone if contact else None)
    consents = await repository.people.consents_of(session, run.client_id)
    newest = next((one for one in consents if (one["channel"], one["address"]) == place), None)
    if newest is None or newest["granted"]:
        return False
    return bool(newest["source"] == "carrier" and newest["at"] >= run.started_at)


@use_case
async def learn_barrier(session: AsyncSession, *, tenant: UUID, report: BarrierReported, now: datetime) -> None:
    """The client said what was in the way: do what the flow has for it, at once or as soon as the miss is heard of."""
    annotate(appointment_id=report.appointment_id, client_id=report.client_id)
    await repository.clients.lock(session, report.client_id)
    await repository.outreach.keep_barrier(session, tenant, report.appointment_id, report.barrier, report.requested_at)
    run = await repository.outreach.of_visit(session, report.appointment_id)
    if run is None or run.barrier is not None:
        return
    annotate(outreach_id=run.id)
    _, flow = await repository.plans.flow(session, run.trigger, run.flow_version)
    await _learn(session, tenant, run, flow, report.barrier, now)


async def _learn(
    session: AsyncSession, tenant: UUID, run: Outreach, flow: OutreachFlow, barrier: Barrier, now: datetime
) -> None:
    learned = run.learned(barrier)
    await repository.outreach.save(session, tenant, learned)
    await repository.record(session, tenant, [state(OutreachAdvanced, learned)], now)
    for message in await repository.messages.planned(session, repository.messages.of_outreach(run.id)):
        if message.purpose == "barrier_question":
            # It waits for an hour or a day at which it may go, and has its answer.
            await drop(session, tenant, message, "answered", now)
    action = flow.on_barrier.get(barrier)
    if action is not None and learned.held_out:
        # What the flow does for a barrier is part of what is measured.
        await _decide(session, tenant, learned, "step_left_out", "held_out", now)
    elif action is not None and await _is_asked_already(session, run, action):
        await _decide(session, tenant, learned, "step_left_out", "task_open", now)
    elif action is not None and (run.status == "running" or await _is_owed(session, run, action)):
        await _act(session, tenant, learned, action, f"barrier.{barrier}", now)


async def _is_asked_already(session: AsyncSession, run: Outreach, action: FlowAction) -> bool:
    """Whether a person has the same to do for this client, from before."""
    return action.task is not None and await repository.tasks.is_open(session, run.client_id, action.task)


async def _is_owed(session: AsyncSession, ended: Outreach, action: FlowAction) -> bool:
    """Who says only after the end what was in the way still hears from a person, unless they are back or have left."""
    if ended.end_reason not in ("no_response", "opted_out") or action.task is None:
        return False
    is_back = await repository.visits.booked_since(session, ended.client_id, ended.missed_at) is not None
    return not is_back and not await repository.clients.is_discharged(session, ended.client_id)


async def end_for_booking(session: AsyncSession, tenant: UUID, booked: Visit, now: datetime) -> None:
    """Any booking or move after the miss ends a client's outreach."""
    for run in await repository.outreach.running(session, booked.client_id):
        if run.appointment_id != booked.id and booked.changed_at >= run.missed_at:
            await _end(session, tenant, run, "rebooked", now, rebooked=booked.id)


async def end_for_visit(session: AsyncSession, tenant: UUID, visit: Visit, now: datetime) -> None:
    """A visit that doesn't count as missed any more needs no outreach, nor does who has come to one after the miss."""
    run = await repository.outreach.of_visit(session, visit.id)
    if run is not None and run.status == "running":
        await _end(session, tenant, run, "visit_changed", now)
    if visit.status in TOOK_PLACE:
        for other in await repository.outreach.running(session, visit.client_id):
            if other.appointment_id != visit.id and visit.start > await _since(session, other):
                await _end(session, tenant, other, "returned", now)


async def _since(session: AsyncSession, run: Outreach) -> datetime:
    """After what somebody who comes is back: the start of the missed visit, of which may be told much later."""
    visit = await repository.visits.find(session, run.appointment_id)
    return visit.start if visit is not None else run.missed_at


async def end_for_task(session: AsyncSession, tenant: UUID, task: Task, now: datetime) -> None:
    """A person has spoken with the client, by a task that is closed: nothing more goes to them by itself.

    Who says that they want none ends whatever reaches out to them.
    """
    reason = END_BY_PERSON.get(task.outcome) if task.outcome else None
    if reason is None or task.client_id is None:
        return
    for run in await repository.outreach.running(session, task.client_id):
        if run.id == task.outreach_id or reason == "declined":
            await _end(session, tenant, run, reason, now)


async def pause_for_safety(session: AsyncSession, tenant: UUID, client_id: UUID, now: datetime) -> None:
    """Words of danger, by whichever way they came: from here on a person looks after this client."""
    await be_patient(session)
    # A sending transaction holds this row: after us, nothing that it decided before can still go out.
    await repository.people.contact(session, client_id, lock=True)
    await repository.people.pause(session, tenant, client_id, "safety", now)


async def end_all(session: AsyncSession, tenant: UUID, client_id: UUID, reason: OutreachEnd, now: datetime) -> None:
    for run in await repository.outreach.running(session, client_id):
        await _end(session, tenant, run, reason, now)


async def _end(
    session: AsyncSession, tenant: UUID, run: Outreach, reason: OutreachEnd, now: datetime, rebooked: UUID | None = None
) -> None:
    ended = run.ended(reason, now, rebooked)
    await repository.outreach.save(session, tenant, ended)
    await repository.record(session, tenant, [state(OutreachEnded, ended)], now)
    await _decide(session, tenant, ended, "ended", reason, now)
    for message in await repository.messages.planned(session, repository.messages.of_outreach(run.id)):
        await drop(session, tenant, message, "outreach_ended", now)
    if reason in NO_CALL_NEEDED:
        _, flow = await repository.plans.flow(session, run.trigger, run.flow_version)
        for task in await repository.tasks.unfinished(session, run.client_id, flow.tasks_for_coming_back(run.barrier)):
            if task.outreach_id == run.id:
                await tasks.finish(session, tenant, task, "outreach", "not_needed", now)


async def _act(
    session: AsyncSession, tenant: UUID, run: Outreach, action: FlowAction, step: str, now: datetime
) -> None:
    if action.message is not None:
        visit = await repository.visits.find(session, run.appointment_id)
        message = new_message(
            client_id=run.client_id,
            visit=visit,
            purpose=action.message,
            step=step,
            channels=action.channels,
            due_at=now,
            outreach_id=run.id,
        )
        await plan_message(session, tenant, replace(message, appointment_id=run.appointment_id), now)
    else:
        await tasks.open_task(
            session, tenant, run.client_id, action.task or "call_client", now, About(outreach_id=run.id)
        )


async def _decide(
    session: AsyncSession, tenant: UUID, run: Outreach, outcome: str, reason: str | None, now: datetime
) -> None:
    await repository.decisions.add(
        session,
        tenant,
        client_id=run.client_id,
        outreach_id=run.id,
        purpose="outreach",
        outcome=outcome,
        reason=reason,
        at=now,
    )
