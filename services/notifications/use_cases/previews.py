"""What a plan or flow would say and when, for a visit that nobody has booked."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications import repository
from services.notifications.domain.check_ins import CheckInPlan, CheckInStep, plan_check_ins
from services.notifications.domain.model import Message, Sender
from services.notifications.domain.outreach import OF_FLOW, FlowAction, OutreachFlow
from services.notifications.domain.plans import PlanStep, ReminderPlan, new_message, plan_messages
from services.notifications.domain.policy import PLAUSIBLE_ZONES, is_awaited, next_opening
from services.notifications.domain.previewing import NOBODY, Previewed, Said, Sample
from services.notifications.domain.segments import segments
from services.notifications.domain.templates import Links, NoWords, Text, Tongue, render
from shared.contracts.feedback import Barrier
from shared.contracts.notifications import OutreachTrigger
from shared.errors import conflict
from shared.telemetry import use_case


@use_case
async def preview_plan(
    session: AsyncSession, *, plan: ReminderPlan | None, sample: Sample, links: Links, now: datetime
) -> list[Previewed]:
    """Every message of a plan, by default the one in force, as if the visit had been booked at its time.

    Raises Problem `no_sender`.
    """
    sender = await _sender(session)
    sample = replace(sample, own=await repository.templates.all_words(session))
    if plan is None:
        _, plan = await repository.plans.plan(session)
    messages = plan_messages(plan, sample.visit, sample.booked_at)
    return _each(plan.steps, messages, sender, sample, links, now)


@use_case
async def preview_check_ins(
    session: AsyncSession, *, plan: CheckInPlan | None, sample: Sample, links: Links, now: datetime
) -> list[Previewed]:
    """Every check-in of a plan, by default the one in force, after the visit has taken place.

    Raises Problem `no_sender`.
    """
    sender = await _sender(session)
    sample = replace(sample, own=await repository.templates.all_words(session))
    if plan is None:
        _, plan = await repository.check_ins.plan(session)
    planned = plan_check_ins(plan, 0, sample.visit, NOBODY, sample.start, None)
    return _each(plan.steps, [message for _, message in planned], sender, sample, links, now)


@use_case
async def preview_flow(
    session: AsyncSession,
    *,
    trigger: OutreachTrigger,
    flow: OutreachFlow | None,
    sample: Sample,
    links: Links,
    now: datetime,
) -> list[Previewed]:
    """Every step of a flow, by default the one in force, as if the visit were missed fifteen minutes after its start;
    then what it has for each barrier. Raises Problem `no_sender`.
    """
    sender = await _sender(session)
    sample = replace(sample, own=await repository.templates.all_words(session))
    if flow is None:
        _, flow = await repository.plans.flow(session, trigger)
    missed_at = sample.start + timedelta(minutes=15)
    found: list[Previewed] = []
    taken = 0
    for number, step in enumerate(flow.steps):
        unmet = step.when.unmet(sample.facts)
        reason = f"condition_{unmet}" if unmet else "led_past" if number < taken else None
        if reason is None:
            taken = flow.after(number)
        found.append(_acted(f"{OF_FLOW}{number}", step, missed_at + step.after, reason, sender, sample, links, now))
    barriers: Iterable[tuple[Barrier, FlowAction]] = flow.on_barrier.items()
    found += [
        _acted(f"barrier.{barrier}", action, None, None, sender, sample, links, now) for barrier, action in barriers
    ]
    return found


def _each(
    steps: Sequence[PlanStep | CheckInStep],
    messages: Sequence[Message],
    sender: Sender,
    sample: Sample,
    links: Links,
    now: datetime,
) -> list[Previewed]:
    """The message of each step of a plan, or why it wouldn't go."""
    found = []
    for step, message in zip(steps, messages, strict=True):
        unmet = step.when.unmet(sample.facts)
        reason = message.reason or (f"condition_{unmet}" if unmet else None)
        found.append(_previewed(message, sender, sample, reason, _words(message, sender, sample, links, now)))
    return found


async def _sender(session: AsyncSession) -> Sender:
    sender = await repository.people.sender(session)
    if sender is None:
        raise conflict("no_sender", "The practice has set no sender yet, so no message has words; PUT /v1/sender.")
    return sender


def _acted(
    step: str,
    action: FlowAction,
    due_at: datetime | None,
    reason: str | None,
    sender: Sender,
    sample: Sample,
    links: Links,
    now: datetime,
) -> Previewed:
    if action.message is None:
        return Previewed(step, None, action.task, due_at, None if reason else due_at, reason)
    message = new_message(
        client_id=NOBODY,
        visit=sample.visit,
        purpose=action.message,
        step=step,
        channels=action.channels,
        due_at=due_at or sample.start,
    )
    words = _words(message, sender, sample, links, now)
    shown = _previewed(message, sender, sample, reason, words)
    return shown if due_at else Previewed(step, shown.purpose, None, None, None, None, words)


def _previewed(
    message: Message, sender: Sender, sample: Sample, reason: str | None, words: Sequence[Said]
) -> Previewed:
    at_once = is_awaited(message, sample.visit, message.due_at)
    where = [(sample.zone,) if sample.zone else PLAUSIBLE_ZONES]
    goes_at = message.due_at if at_once else next_opening(sender, where, message.due_at)
    if reason is None and message.outreach_id is None and not at_once and message.due_at < sample.start <= goes_at:
        reason = "quiet_hours_until_start"
    return Previewed(message.step, message.purpose, None, message.due_at, None if reason else goes_at, reason, words)


def _words(message: Message, sender: Sender, sample: Sample, links: Links, now: datetime) -> list[Said]:
    found = []
    tongue = Tongue(sample.language or sender.language, sample.zone, sample.own)
    for channel in message.channels:
        try:
            text = render(message, channel, sender, sample.visit, tongue, links, now)
            found.append(Said(channel, text, segments(text.body) if channel == "sms" else None))
        except NoWords as error:
            found.append(Said(channel, Text("", ""), None, str(error)))
    return found
