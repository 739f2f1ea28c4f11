"""Handing messages over, and what carriers say of them later.

The sending transaction holds the message's lock while it talks to the carrier, and whoever cancels a visit
or ends an outreach takes that lock to drop the message: what was cancelled before is not sent, what is
sent was right when it went. A crash in between repeats the hand-over under the same idempotency token
(docs/decisions/0004). A change that booking has made but whose event is not here yet is asked for: the
message waits until the event has come and says what is to become of it (docs/decisions/0012).
"""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications import repository
from services.notifications.clients import CarrierRefused, Carriers, CarrierUnavailable, Unavailable
from services.notifications.domain.model import (
    ABOUT_A_VISIT,
    FROM_A_PERSON,
    Begun,
    Message,
    counts,
)
from services.notifications.domain.policy import Defer, Refuse, Send, World, decide, is_change, put_off_until, refusals
from services.notifications.domain.templates import NoWords
from services.notifications.use_cases import tasks
from services.notifications.use_cases.handing_over import Post, begin, hand_over, worded
from services.notifications.use_cases.messages import UNKNOWN, decided, drop
from services.notifications.use_cases.reports import has_failed, heed
from services.notifications.use_cases.sent import keep_sent
from services.notifications.use_cases.unknown import Unknowable, resolve
from services.notifications.use_cases.worlds import worlds_of
from shared import timers
from shared.contracts.notifications import Channel
from shared.telemetry import annotate, use_case

GIVEN_UP_AFTER = timedelta(hours=6)
"""Of what was asked for so long ago nobody will say any more whether it went."""

AWAY_FOR = timedelta(minutes=10)
"""A message that has waited so long for a carrier goes by the next channel, where that is open."""
NOT_TAKEN = "not_taken"
LATE_SECONDS = 10.0
"""After so long it goes on by the next channel in another transaction: whoever says STOP waits for this one."""


@use_case
async def send(session: AsyncSession, *, tenant: UUID, message_id: UUID, now: datetime, post: Post) -> None:
    """Looks at the world again, then sends, puts off or drops a planned message; each with its reason."""
    # Message, then contact, as everywhere. Whoever changes what a message is about drops it under this lock.
    message = await repository.messages.get(session, message_id, lock=True)
    if message.status != "planned":
        return
    annotate(message_id=message.id, client_id=message.client_id, appointment_id=message.appointment_id)
    wished = message.by(await repository.people.preferences(session, message.client_id))
    if (counts(message) or counts(wished)) and not await repository.clients.turns(session, [message.client_id]):
        # Another one that counts is on its way to them: whether this one may go depends on it.
        timers.try_soon(session)
        return
    world = (await worlds_of(session, [message], now))[message.id]
    whole = await _by_wish(session, message, world)
    begun = await repository.hand_overs.find(session, message.id)
    if begun is None:
        await _go(session, tenant, whole, whole, world, now, post)
    elif (again := await _resolved(session, tenant, whole, begun, world, now, post)) is not None:
        await _go(session, tenant, whole, again, world, now, post)


async def _resolved(
    session: AsyncSession, tenant: UUID, message: Message, begun: Begun, world: World, now: datetime, post: Post
) -> Message | None:
    """A vendor may have it: the message as it may be asked again, or None."""
    # Or put off since, for a night in which nobody was asked.
    asked_at = max(begun.begun_at, message.due_at)
    try:
        became = await resolve(session, tenant, message, begun, world, now, post)
        if isinstance(became, Message) and now - asked_at > GIVEN_UP_AFTER:
            raise Unknowable
        if isinstance(became, Message):
            return became
        if became == "unsent":
            await _not_taken(session, tenant, message, begun, world, now)
    except Unknowable:
        await _not_sent(session, tenant, replace(message, channel=begun.channel), UNKNOWN, True, now)
    except Unavailable as error:
        if now - asked_at > GIVEN_UP_AFTER or _is_over(message, world, now):
            await _not_sent(session, tenant, replace(message, channel=begun.channel), UNKNOWN, True, now)
            return None
        await _wait(session, tenant, message, error, now)
        _try_later(session, begun.channel, error, message, world, now, post.carriers)
    return None


async def _not_taken(
    session: AsyncSession, tenant: UUID, message: Message, begun: Begun, world: World, now: datetime
) -> None:
    """Whoever was asked doesn't have it: they are asked again, unless they can't be talked with for long.

    Whatever is next has a transaction of its own: somebody may wait for this one to say STOP.
    """
    tried, others = replace(message, channel=begun.channel), _without(message, begun.channel)
    if _can_go(others, world, now) and await _has_waited(session, message, begun.channel, now):
        await has_failed(session, tenant, tried, others.channels, NOT_TAKEN, now)
    elif now - message.due_at > GIVEN_UP_AFTER or _is_over(message, world, now):
        await _not_sent(session, tenant, tried, NOT_TAKEN, True, now)
    else:
        timers.try_later(session)


async def _go(
    session: AsyncSession, tenant: UUID, whole: Message, message: Message, world: World, now: datetime, post: Post
) -> None:
    """By the first channel that takes it. `message` may be asked for by fewer channels than `whole`."""
    closed = refusals(message, world, now)
    refused, rest, again = False, whole, message is not whole
    loop = asyncio.get_running_loop()
    begun = loop.time()
    while isinstance(verdict := decide(message, world, now), Send):
        channel = verdict.channel
        try:
            await _require_news(session, tenant, message, now, post)
            outbound = worded(tenant, message, verdict, world, now, post)
            vendors = await begin(tenant, [(message, verdict, outbound)], now, post)
            given = await hand_over(tenant, message, channel, outbound, vendors[message.id], post, again=again)
        except Unavailable as error:
            others = _without(rest, channel)
            if again or not await _goes_on(session, error, whole, channel, others, world, now, post.carriers):
                await _wait(session, tenant, whole, error, now)
                if _is_over(whole, world, now):
                    await _not_sent(session, tenant, replace(whole, channel=channel), error.code, True, now)
                else:
                    _try_later(session, channel, error, whole, world, now, post.carriers)
                return
            code, refused = error.code, True
        except (CarrierRefused, NoWords) as error:
            await heed(session, tenant, message, verdict, error, now)
            # Who has stopped texts at the carrier is left in peace as who has here.
            code = error.code
            refused = refused or not isinstance(error, CarrierRefused) or error.because != "opt_out"
        else:
            await _record_closed(session, tenant, message, closed, now)
            await keep_sent(session, tenant, rest, given, verdict.address, world.visit, now)
            return
        closed.append(Refuse(code, channel))
        rest, again = _without(rest, channel), False
        if not rest.channels:
            verdict = Refuse(code)
            break
        if refused and loop.time() - begun > LATE_SECONDS:
            await _record_closed(session, tenant, message, closed, now)
            await has_failed(session, tenant, replace(whole, channel=channel), rest.channels, code, now)
            return
        message = rest
    await _record_closed(session, tenant, message, closed, now)
    if isinstance(verdict, Defer):
        await repository.messages.save(session, tenant, whole.deferred(verdict.until))
        await decided(session, tenant, message, "deferred", now, reason=verdict.reason, until=verdict.until)
    elif isinstance(verdict, Refuse):
        refused = refused or await _has_failed(session, message, verdict)
        await _not_sent(session, tenant, message, verdict.reason, refused, now)


def _without(message: Message, channel: Channel) -> Message:
    """The same by the other channels."""
    return replace(message, channels=tuple(one for one in message.channels if one != channel))


async def _goes_on(
    session: AsyncSession,
    error: Unavailable,
    message: Message,
    channel: Channel,
    others: Message,
    world: World,
    now: datetime,
    carriers: Carriers,
) -> bool:
    """Whether a channel's carriers, which have not taken it, have been away for so long that it goes by another one."""
    if not isinstance(error, CarrierUnavailable):
        return False
    failed = message.vendor if message.vendor and carriers.named(channel, message.vendor) else None
    if failed in (None, error.vendor) and carriers.is_another_ready(channel, error.vendor):
        # A second one that has not failed for this message is asked before.
        return False
    return await _has_waited(session, message, channel, now) and _can_go(others, world, now)


async def _has_waited(session: AsyncSession, message: Message, channel: Channel, now: datetime) -> bool:
    since = await repository.decisions.carrier_away_since(session, message, channel)
    return since is not None and now - max(since, message.due_at) >= AWAY_FOR


def _can_go(message: Message, world: World, now: datetime) -> bool:
    return bool(message.channels) and isinstance(decide(message, world, now), Send)


async def _record_closed(
    session: AsyncSession, tenant: UUID, message: Message, closed: list[Refuse], now: datetime
) -> None:
    for one in closed:
        await decided(session, tenant, message, "channel_closed", now, channel=one.channel, reason=one.reason)


async def _not_sent(
    session: AsyncSession, tenant: UUID, message: Message, reason: str, refused: bool, now: datetime
) -> None:
    """`refused`: carriers have, now or before, so that a client who may want to hear can't. What a person wrote is
    to be heard, whatever is in the way, and that they need not come, or then.
    """
    await drop(session, tenant, message, reason, now)
    if refused or message.purpose in FROM_A_PERSON or await _is_change(session, message, reason):
        await tasks.nobody_reached(session, tenant, message, now)


async def _is_change(session: AsyncSession, message: Message, reason: str) -> bool:
    """That a plan has its conditions for such messages is the practice's own wish."""
    visit = await repository.visits.find(session, message.appointment_id) if message.appointment_id else None
    return visit is not None and is_change(message, visit) and not reason.startswith("condition_")


async def _has_failed(session: AsyncSession, message: Message, verdict: Refuse) -> bool:
    """Whether it is refused only by the last of its channels, where another one has failed, now or before."""
    if verdict.reason == "opted_out" or (verdict.channel is None and verdict.reason != "no_channel"):
        return False
    return verdict.reason == "nobody_reached" or bool(await repository.messages.failed_channels(session, message))


async def _by_wish(session: AsyncSession, message: Message, world: World) -> Message:
    """By the channels that the client wishes; one that goes on where another failed doesn't go back there."""
    wished = message.by(world.preferences) if world.preferences else message
    if wished.channels == message.channels:
        return message
    failed = await repository.messages.failed_channels(session, message)
    return replace(wished, channels=tuple(one for one in wished.channels if one not in failed))


async def _require_news(session: AsyncSession, tenant: UUID, message: Message, now: datetime, post: Post) -> None:
    """Raises Unavailable when booking knows more than has arrived here of what the message is about.

    For a reminder that is its visit; for outreach whatever the client has booked since, too.
    """
    if message.appointment_id is None:
        return
    newest = (await post.booking.standing(tenant, message.appointment_id, now)).sequences
    if message.purpose in ABOUT_A_VISIT:
        # The version that it is of, which may be another one by now than when it was looked at.
        newest = {visit: sequence for visit, sequence in newest.items() if visit == message.appointment_id}
        known = {message.appointment_id: message.appointment_sequence or 0}
    else:
        known = await repository.visits.sequences(session, newest)
    if any(known.get(visit, 0) < sequence for visit, sequence in newest.items()):
        raise Unavailable("news_on_the_way")


def _waits_until(message: Message, world: World) -> datetime | None:
    """For its carriers, or for what booking says: until it is of no use any more, or somebody else has to tell it."""
    until = put_off_until(message, world)
    if until is None or world.visit is None or not is_change(message, world.visit):
        return until
    # What is called off or moved shortly before isn't given up at the first try.
    return max(until, message.due_at + AWAY_FOR)


def _is_over(message: Message, world: World, now: datetime) -> bool:
    until = _waits_until(message, world)
    return until is not None and until <= now


async def _wait(session: AsyncSession, tenant: UUID, message: Message, error: Unavailable, now: datetime) -> None:
    """Stays planned and is tried again; the log says once what it waits for."""
    if await repository.decisions.last(session, message) != ("waiting", error.code):
        await decided(session, tenant, message, "waiting", now, reason=error.code)
    if isinstance(error, CarrierUnavailable):
        # Another vendor, if there is one, is asked the next time.
        await repository.messages.save(session, tenant, replace(message, vendor=error.vendor))


def _try_later(
    session: AsyncSession,
    channel: Channel,
    error: Unavailable,
    message: Message,
    world: World,
    now: datetime,
    carriers: Carriers,
) -> None:
    """When the vendor wants to be asked again, unless another one can be asked, or the message is to go on by another
    channel before; at the latest when it is over.
    """
    after = error.after
    if isinstance(error, CarrierUnavailable) and carriers.is_another_ready(channel, error.vendor):
        after = None
    goes_on = now + AWAY_FOR if len(message.channels) > 1 else None
    for at in (goes_on, _waits_until(message, world)):
        if after is not None and at is not None and at > now:
            after = min(after, at - now)
    timers.try_later(session, after)
