"""Many reminders that are due at once, sent for far less each than one by one.

The same rules, looked up for all at a time; the same carrier, asked for some at a time; one commit. Only what is usual
goes this way: a message that a carrier takes at once. Everything else is left to `sending.send`,
which knows what to do: whatever is put off, refused, wished by another channel, already asked of a carrier, or doesn't
go through.

As there, each message is locked while the carrier is asked, so what was cancelled before is not sent; booking is asked
how the visits stand right before, for those that go at the same time, so that no answer is older than their calls take.
"""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications import repository
from services.notifications.clients import HandedOver, Outbound, Unavailable, Vendor
from services.notifications.domain.model import ABOUT_A_VISIT, Message, counts, message_event
from services.notifications.domain.policy import Refuse, Send, World, decide, refusals
from services.notifications.domain.questions import question
from services.notifications.domain.templates import NoWords
from services.notifications.use_cases.handing_over import Post, begin, hand_over, worded
from services.notifications.use_cases.sent import look_up_at
from services.notifications.use_cases.worlds import worlds_of
from shared.outbox import row
from shared.telemetry import annotate, span, under
from shared.timers import Due

AT_ONCE = 32
"""Messages for which booking is asked in one question and the carrier at the same time."""

LONGEST_SECONDS = 2.0
"""After so long no more are begun: of these clients whoever says STOP waits until this is over."""


@dataclass(frozen=True, slots=True)
class _Ready:
    message: Message
    verdict: Send
    world: World
    closed: Sequence[Refuse]
    due: Due


async def send_together(
    session: AsyncSession, *, tenant: UUID, due: Sequence[Due], now: datetime, post: Post
) -> Collection[UUID]:
    """Sends those messages that can go at once, and says which."""
    by_message = {one.timer.key: one for one in due}
    messages = _one_each(await repository.messages.free(session, list(by_message)))
    asked = await repository.hand_overs.among(session, [message.id for message in messages])
    counting = {message.client_id for message in messages if counts(message)}
    turns = await repository.clients.turns(session, counting)
    messages = [
        message
        for message in messages
        # One that a vendor has not taken before is looked at by itself.
        if message.id not in asked and message.vendor is None and (not counts(message) or message.client_id in turns)
    ]
    ready = []
    worlds = await worlds_of(session, messages, now)
    for message in messages:
        world = worlds[message.id]
        if world.preferences is not None and message.by(world.preferences) != message:
            continue
        verdict = decide(message, world, now)
        if isinstance(verdict, Send):
            ready.append(_Ready(message, verdict, world, refusals(message, world, now), by_message[message.id]))
    given: list[tuple[_Ready, HandedOver]] = []
    loop = asyncio.get_running_loop()
    begun = loop.time()
    for first in range(0, len(ready), AT_ONCE):
        given += await _hand_over(session, tenant, ready[first : first + AT_ONCE], now, post)
        if loop.time() - begun > LONGEST_SECONDS:
            break
    await _keep(session, tenant, given, now)
    return [one.message.id for one, _ in given]


def _one_each(messages: Sequence[Message]) -> list[Message]:
    """Of those that count against a client's quota one a client: whether a second may go depends on the first."""
    counted: set[UUID] = set()
    found = []
    for message in messages:
        if counts(message):
            if message.client_id in counted:
                continue
            counted.add(message.client_id)
        found.append(message)
    return found


async def _hand_over(
    session: AsyncSession, tenant: UUID, few: Sequence[_Ready], now: datetime, post: Post
) -> list[tuple[_Ready, HandedOver]]:
    """Those that a carrier has taken."""
    current = await _current(session, tenant, few, now, post)
    if not current:
        return []
    ready = [(one, outbound) for one in current if (outbound := _worded(tenant, one, now, post)) is not None]
    vendors = await begin(tenant, [(one.message, one.verdict, outbound) for one, outbound in ready], now, post)
    asked = (_ask_carrier(tenant, one, outbound, vendors[one.message.id], post) for one, outbound in ready)
    tries = await asyncio.gather(*asked, return_exceptions=True)
    taken = []
    for (one, _), answer in zip(ready, tries, strict=True):
        if isinstance(answer, HandedOver):
            taken.append((one, answer))
        elif not isinstance(answer, Exception):
            raise answer  # told to end
    return taken


async def _current(
    session: AsyncSession, tenant: UUID, few: Sequence[_Ready], now: datetime, post: Post
) -> list[_Ready]:
    """Those about which booking knows no more than has been heard of here: of their visit, or of their client."""
    of_visit = [one for one in few if one.message.purpose in ABOUT_A_VISIT]
    of_client = [one for one in few if one not in of_visit and one.message.appointment_id is not None]
    visits = [id for one in of_visit if (id := one.message.appointment_id) is not None]
    try:
        newest = await post.booking.standings(tenant, visits, now) if visits else {}
        ids = [id for one in of_client if (id := one.message.appointment_id) is not None]
        standings = await asyncio.gather(*(post.booking.standing(tenant, id, now) for id in ids))
    except Unavailable:
        return [one for one in few if one.message.appointment_id is None]
    known = await repository.visits.sequences(session, {id for standing in standings for id in standing.sequences})
    behind = {
        one.message.id
        for one, standing in zip(of_client, standings, strict=True)
        if any(known.get(visit, 0) < sequence for visit, sequence in standing.sequences.items())
    }
    # Against the version that each is of, not what has been heard of by now: it was looked at before.
    behind |= {
        one.message.id
        for one in of_visit
        if (id := one.message.appointment_id) not in newest or newest[id] > (one.message.appointment_sequence or 0)
    }
    return [one for one in few if one.message.id not in behind]


def _worded(tenant: UUID, one: _Ready, now: datetime, post: Post) -> Outbound | None:
    """None where there are no words: that has a way of its own."""
    try:
        return worded(tenant, one.message, one.verdict, one.world, now, post)
    except NoWords:
        return None


async def _ask_carrier(tenant: UUID, one: _Ready, outbound: Outbound, vendor: Vendor, post: Post) -> HandedOver:
    with under(one.due.span), span("notifications.send"):
        annotate(message_id=one.message.id, client_id=one.message.client_id, appointment_id=one.message.appointment_id)
        return await hand_over(tenant, one.message, one.verdict.channel, outbound, vendor, post)


async def _keep(session: AsyncSession, tenant: UUID, given: Sequence[tuple[_Ready, HandedOver]], now: datetime) -> None:
    """What has gone, with why, its event, and when to ask what became of it."""
    sent: list[Message] = []
    events: list[dict[str, Any]] = []
    decisions: list[dict[str, Any]] = []
    for one, answer in given:
        message = one.message.sent(answer.channel, answer.vendor, answer.carrier_id, one.verdict.address, now)
        sent.append(message)
        with under(one.due.span):
            events.append(row(tenant, message_event(message), now))
        decisions += [
            _decision(message, now, "channel_closed", refusal.channel, refusal.reason) for refusal in one.closed
        ]
        decisions.append(_decision(message, now, "sent", message.channel, None))
        visit = one.world.visit
        if answer.channel == "sms" and (asks := question(message, one.verdict.address, visit, now)) is not None:
            await repository.questions.ask(session, tenant, asks)
    look_ups = {message.id: at for message in sent if (at := look_up_at(message, now)) is not None}
    await repository.messages.save_sent(session, tenant, sent, decisions, look_ups)
    await repository.record_rows(session, events)


def _decision(message: Message, now: datetime, outcome: str, channel: str | None, reason: str | None) -> dict[str, Any]:
    return {
        "client_id": message.client_id,
        "message_id": message.id,
        "purpose": message.purpose,
        "channel": channel,
        "outcome": outcome,
        "reason": reason,
        "at": now,
    }
