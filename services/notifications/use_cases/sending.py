"""Handing messages over, and what carriers say of them later.

The sending transaction holds the message's lock while it talks to the carrier, and whoever cancels a visit
or ends an outreach takes that lock to drop the message: what was cancelled before is not sent, what is
sent was right when it went. A crash in between repeats the hand-over under the same idempotency token
(docs/decisions/0004). A change that booking has made but whose event is not here yet is asked for: the
message waits until the event has come and says what is to become of it (docs/decisions/0012).
"""

import time
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications import repository
from services.notifications.clients import CarrierRefused, Carriers, CarrierUnavailable, Unavailable
from services.notifications.domain.model import (
    ABOUT_A_VISIT,
    Begun,
    Message,
    counts,
)
from services.notifications.domain.policy import Defer, Refuse, Send, World, decide, is_change, put_off_until, refusals
from services.notifications.domain.templates import NoWords
from services.notifications.use_cases import tasks
from services.notifications.use_cases.handing_over import Post, begin, hand_over, worded
from services.notifications.use_cases.messages import UNKNOWN, by_wish, decided, drop
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
NEWS = "news_on_the_way"
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
    whole = await by_wish(session, message, world.preferences)
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
        if now - asked_at > GIVEN_UP_AFTER or await _is_given_up(session, message, error.code, world, now):
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
        await has_failed(session, tenant, tried, _open(others, world, now), NOT_TAKEN, now)
    elif now - message.due_at > GIVEN_UP_AFTER or await _is_given_up(session, message, NOT_TAKEN, world, now):
        await _not_sent(session, tenant, tried, NOT_TAKEN, True, now)
    else:
        timers.try_later(session)


@dataclass(slots=True)
class _Try:
    """What has come of a message so far, and by which channels it may still go."""

    whole: Message
    rest: Message
    closed: list[Refuse]
    again: bool
    """Its vendor may have taken it before: no other one is asked."""
    asked: set[str | None] = field(default_factory=set)
    """Vendors who have not taken it now."""
    failed: list[Refuse] = field(default_factory=list)
    """Channels that have refused it for good."""
    passed: list[Refuse] = field(default_factory=list)
    """Those that can't take it for now, or by which its client wants nothing."""
    vendor: str | None = None
    """Who has refused it last."""
    refused: bool = False
    begun: float = field(default_factory=time.monotonic)

    def is_long(self) -> bool:
        return time.monotonic() - self.begun > LATE_SECONDS

    def refuse(self, error: CarrierRefused | NoWords, channel: Channel) -> str:
        """Who has stopped texts at the carrier is left in peace as who has here."""
        opted_out = isinstance(error, CarrierRefused) and error.because == "opt_out"
        (self.passed if opted_out else self.failed).append(Refuse(error.code, channel))
        self.refused |= not opted_out
        return error.code

    def has_another(self, error: CarrierUnavailable, channel: Channel, carriers: Carriers) -> bool:
        """Whether another vendor of this channel can be asked now to take what one has not."""
        self.asked.add(error.vendor)
        return not self.again and not self.is_long() and carriers.is_another_ready(channel, self.asked)


async def _go(
    session: AsyncSession, tenant: UUID, whole: Message, message: Message, world: World, now: datetime, post: Post
) -> None:
    """By the first channel that takes it. `message` may be asked for by fewer channels than `whole`."""
    tried = _Try(whole, whole, refusals(message, world, now), message is not whole)
    while isinstance(verdict := decide(message, world, now), Send):
        channel = verdict.channel
        try:
            await _require_news(session, tenant, message, now, post)
            outbound = worded(tenant, message, verdict, world, now, post)
            vendors = await begin(tenant, [(message, verdict, outbound)], now, post)
            given = await hand_over(tenant, message, channel, outbound, vendors[message.id], post, again=tried.again)
        except Unavailable as error:
            if isinstance(error, CarrierUnavailable) and tried.has_another(error, channel, post.carriers):
                message = replace(message, vendor=error.vendor)
                continue
            if not await _goes_on(session, error, tried, channel, world, now):
                await _stays(session, tenant, tried, channel, error, world, now, post.carriers)
                return
            code, tried.refused = error.code, True
            tried.passed.append(Refuse(code, channel))
        except NoWords as error:
            if tried.again:
                # Who may have it isn't asked any more; so nobody will say.
                await _not_sent(session, tenant, replace(whole, channel=channel), UNKNOWN, True, now)
                return
            code = tried.refuse(error, channel)
        except CarrierRefused as error:
            await heed(session, tenant, message, verdict, error, now)
            tried.vendor, code = vendors[message.id].name, tried.refuse(error, channel)
        else:
            await _record_closed(session, tenant, message, tried.closed, now)
            await keep_sent(session, tenant, tried.rest, given, verdict.address, world.visit, now)
            return
        tried.closed.append(Refuse(code, channel))
        tried.rest, tried.again = _without(tried.rest, channel), False
        if not tried.rest.channels:
            verdict = Refuse(code)
            break
        if tried.refused and tried.is_long() and _can_go(tried.rest, world, now):
            await _record_closed(session, tenant, whole, tried.closed, now)
            left = _open(tried.rest, world, now)
            await has_failed(session, tenant, replace(whole, channel=channel), left, code, now)
            return
        message = tried.rest
    await _ends(session, tenant, tried, message, verdict, now)


async def _ends(
    session: AsyncSession, tenant: UUID, tried: _Try, message: Message, verdict: Defer | Refuse, now: datetime
) -> None:
    """It is put off, until when what can't take it now may be open; or it is not sent."""
    if isinstance(verdict, Defer):
        lasting = [one for one in tried.closed if one not in tried.passed]
        await _record_closed(session, tenant, message, lasting, now)
        later = replace(tried.whole.deferred(verdict.until), vendor=tried.vendor or tried.whole.vendor)
        await repository.messages.save(session, tenant, later)
        await decided(session, tenant, message, "deferred", now, reason=verdict.reason, until=verdict.until)
        return
    refused = tried.refused or await _has_failed(session, message, verdict)
    await _record_closed(session, tenant, message, tried.closed, now)
    await _not_sent(session, tenant, message, verdict.reason, refused, now)


async def _stays(
    session: AsyncSession,
    tenant: UUID,
    tried: _Try,
    channel: Channel,
    error: Unavailable,
    world: World,
    now: datetime,
    carriers: Carriers,
) -> None:
    """Planned, until this channel can take it; that others have refused it is on record, for the next try."""
    await _record_closed(session, tenant, tried.whole, tried.failed, now)
    await _wait(session, tenant, tried.whole, error, now)
    if await _is_given_up(session, tried.whole, error.code, world, now):
        await _not_sent(session, tenant, replace(tried.whole, channel=channel), error.code, True, now)
    else:
        _try_later(session, channel, error, tried.whole, world, now, carriers)


def _without(message: Message, channel: Channel) -> Message:
    """The same by the other channels."""
    return replace(message, channels=tuple(one for one in message.channels if one != channel))


async def _goes_on(
    session: AsyncSession, error: Unavailable, tried: _Try, channel: Channel, world: World, now: datetime
) -> bool:
    """Whether a channel's carriers, none of which has taken it, have been away for so long that it goes by another one,
    or it has to be told now.
    """
    others = _without(tried.rest, channel)
    if tried.again or not isinstance(error, CarrierUnavailable) or not _can_go(others, world, now):
        return False
    return _is_late(tried.whole, world, now) or await _has_waited(session, tried.whole, channel, now)


async def _has_waited(session: AsyncSession, message: Message, channel: Channel, now: datetime) -> bool:
    since = await repository.decisions.waits_since(session, message, channel)
    return since is not None and now - max(since, message.due_at) >= AWAY_FOR


def _open(message: Message, world: World, now: datetime) -> tuple[Channel, ...]:
    """By which of its channels it can go; those that are closed now have been passed by the message before."""
    closed = {one.channel for one in refusals(message, world, now)}
    return tuple(channel for channel in message.channels if channel not in closed)


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
    # That a plan has conditions for such messages is the practice's own wish.
    if refused or (await tasks.must_hear(session, message) and not reason.startswith("condition_")):
        await tasks.nobody_reached(session, tenant, message, now)


async def _has_failed(session: AsyncSession, message: Message, verdict: Refuse) -> bool:
    """Whether it is refused only by the last of its channels, where another one has failed, now or before."""
    if verdict.reason == "opted_out" or (verdict.channel is None and verdict.reason != "no_channel"):
        return False
    return verdict.reason == "nobody_reached" or bool(await repository.messages.failed_channels(session, message))


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
        raise Unavailable(NEWS)


def _is_late(message: Message, world: World, now: datetime) -> bool:
    until = put_off_until(message, world)
    return until is not None and until <= now


async def _is_given_up(session: AsyncSession, message: Message, code: str, world: World, now: datetime) -> bool:
    """Whether it is of no use any more, or somebody else has to tell it: what is off or moved no sooner than ten
    minutes after its first try, and not while booking knows more.
    """
    if code == NEWS or not _is_late(message, world, now):
        return False
    if world.visit is None or not is_change(message, world.visit):
        return True
    since = await repository.decisions.waits_since(session, message)
    return since is not None and now - since >= AWAY_FOR


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
    channel or be given up before.
    """
    after = error.after
    if isinstance(error, CarrierUnavailable) and carriers.is_another_ready(channel, {error.vendor}):
        after = None
    gives_up = put_off_until(message, world)
    if len(message.channels) > 1 or (gives_up is not None and gives_up <= now):
        after = min(after, AWAY_FOR) if after is not None else None
    if after is not None and gives_up is not None and gives_up > now:
        after = min(after, gives_up - now)
    timers.try_later(session, after)
