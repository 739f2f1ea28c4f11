"""Whether a message may go out now, by which channel, and the reason either way.

The reasons are codes: they are recorded with every decision and answer "why was this client (not)
messaged?".
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from services.notifications.domain.model import (
    ABOUT_A_VISIT,
    FROM_A_PERSON,
    NOT_BEEN,
    OUTREACH,
    OUTSIDE_QUOTA,
    REPLIES,
    TOOK_PLACE,
    Contact,
    Message,
    Offer,
    Preferences,
    Purpose,
    Sender,
    Visit,
)
from services.notifications.domain.templates import Tongue
from shared.contracts.booking import FREE_STATUSES
from shared.contracts.notifications import Channel
from shared.phones import is_taken_along, takes_texts, zones_of

TEXTS_A_DAY = 1
TEXTS_A_WEEK = 3
EARLIEST, LATEST = time(8), time(21)
FRESH = timedelta(minutes=30)
"""For so long whoever has booked is still there to read the answer."""
PLAUSIBLE_ZONES = (
    "America/Puerto_Rico",
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Phoenix",
    "America/Los_Angeles",
    "America/Anchorage",
    "Pacific/Honolulu",
)
"""Where a client of unknown zone may be: all of them must be awake."""

AFTER_STOP: frozenset[Purpose] = frozenset(("opt_out_confirmation", "help", "safety"))
"""What alone a number gets from which STOP has come, and only because it has asked."""
SEARCH = timedelta(hours=48)
STEP = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Send:
    """Go, by this channel to this address."""

    channel: Channel
    address: str


@dataclass(frozen=True, slots=True)
class Defer:
    """Not now, but then."""

    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Refuse:
    """Not by this channel (`channel`), or not at all (None)."""

    reason: str
    channel: Channel | None = None


TOLD_BEFORE = timedelta(hours=2)
"""So long before a visit its client should know that it is called off or moved; later, a person tells them."""
CAPS = frozenset(("daily_text_cap", "weekly_text_cap"))


@dataclass(frozen=True, slots=True)
class World:
    """What counts at the moment of sending, read in the sending transaction."""

    sender: Sender | None
    contact: Contact | None
    visit: Visit | None
    offer: Offer | None
    outreach_running: bool
    paused: bool
    consented: frozenset[Channel]
    suppressed: bool
    texts_last_day: int
    texts_last_week: int
    text_again_at: datetime | None = None
    """A day after the last automated text."""
    unreachable: frozenset[Channel] = frozenset()
    """At whose address nobody is ever reached."""
    preferences: Preferences | None = None
    tongue: Tongue = field(default_factory=Tongue)
    unmet: str | None = None
    """The condition of the message's step that doesn't hold."""


def decide(message: Message, world: World, now: datetime) -> Send | Defer | Refuse:
    """The last of the refused channels' reasons stands when none is left; `refusals` gives each. What only a quota
    of the day is in the way of waits for it.
    """
    overall = _overall(message, world, now)
    if overall is not None:
        return overall
    assert world.sender is not None and world.contact is not None  # noqa: S101 -- `_overall` refuses without them
    refusal, capped, over_at = Refuse("no_channel"), False, put_off_until(message, world)
    for channel in message.channels:
        found = _by_channel(message, channel, world)
        if isinstance(found, Refuse):
            refusal = refusal if capped else found
            capped = capped or found.reason in CAPS
            continue
        if is_awaited(message, world.visit, now):
            return found
        opening = next_opening(world.sender, places_of(world.contact), now, world.preferences)
        if opening <= now:
            return found
        if over_at is not None and opening >= over_at:
            return Refuse("quiet_hours_until_over" if world.offer else "quiet_hours_until_start")
        return Defer(opening, "quiet_hours")
    again_at = world.text_again_at
    if refusal.reason == "daily_text_cap" and again_at is not None and (over_at is None or again_at < over_at):
        return Defer(again_at, "daily_text_cap")
    return refusal


def put_off_until(message: Message, world: World) -> datetime | None:
    """When a message is of no use any more, or somebody else has to tell what it says; None where that is never."""
    if world.offer is not None:
        return world.offer.expires_at
    if world.visit is None or message.purpose not in ABOUT_A_VISIT:
        return None
    return world.visit.start - TOLD_BEFORE if is_change(message, world.visit) else world.visit.start


def is_change(message: Message, visit: Visit) -> bool:
    """Whether it says that its visit is off, or moved by the practice: whoever doesn't hear of that comes in vain."""
    if message.purpose == "confirmation":
        return visit.is_moved and visit.sequence == message.appointment_sequence
    return message.purpose == "cancellation"


def refusals(message: Message, world: World, now: datetime) -> list[Refuse]:
    """Each channel of the ladder that is closed, and why."""
    if _overall(message, world, now) is not None:
        return []
    found = (_by_channel(message, channel, world) for channel in message.channels)
    return [item for item in found if isinstance(item, Refuse)]


def _overall(message: Message, world: World, now: datetime) -> Refuse | None:
    if message.status != "planned":
        return Refuse("not_planned")
    if world.sender is None:
        return Refuse("no_sender")
    if world.contact is None:
        return Refuse("no_contact")
    if message.purpose in ABOUT_A_VISIT and (refusal := _of_visit(message, world.visit, now)):
        return refusal
    if message.purpose == "rating_request" and world.visit is not None and world.visit.status in NOT_BEEN:
        return Refuse("visit_changed")
    if message.purpose == "check_in" and (world.visit is None or world.visit.status not in TOOK_PLACE):
        return Refuse("visit_changed")
    if message.purpose == "waitlist_offer" and (world.offer is None or not world.offer.is_open(now)):
        return Refuse("offer_over")
    if world.unmet is not None:
        return Refuse(f"condition_{world.unmet}")
    if message.purpose in OUTREACH and not world.outreach_running:
        return Refuse("outreach_ended")
    if world.paused and message.purpose not in REPLIES | FROM_A_PERSON:
        return Refuse("paused_for_safety")
    return None


def _of_visit(message: Message, visit: Visit | None, now: datetime) -> Refuse | None:
    """A message of one version of its visit is void with the next."""
    statuses = FREE_STATUSES if message.purpose == "cancellation" else {"booked"}
    if visit is None or visit.sequence != message.appointment_sequence or visit.status not in statuses:
        return Refuse("visit_changed")
    return Refuse("visit_started") if visit.start <= now else None


def _by_channel(message: Message, channel: Channel, world: World) -> Send | Refuse:
    address = world.contact.address(channel) if world.contact else None
    if address is None:
        return Refuse("no_address", channel)
    if channel == "sms" and world.suppressed and message.purpose not in AFTER_STOP:
        return Refuse("opted_out", channel)
    if message.purpose in REPLIES:
        return Send(channel, address)
    if channel == "sms" and not takes_texts(address):
        return Refuse("landline", channel)
    if channel in world.unreachable:
        return Refuse("nobody_reached", channel)
    if channel not in world.consented:
        return Refuse("no_consent", channel)
    if channel == "sms" and message.purpose not in OUTSIDE_QUOTA:
        if world.texts_last_day >= TEXTS_A_DAY:
            return Refuse("daily_text_cap", channel)
        if world.texts_last_week >= TEXTS_A_WEEK:
            return Refuse("weekly_text_cap", channel)
    return Send(channel, address)


def is_awaited(message: Message, visit: Visit | None, now: datetime) -> bool:
    """Whether the client has acted a moment ago and waits for the answer, at whatever hour."""
    if message.purpose in REPLIES:
        return True
    if message.purpose != "confirmation" or visit is None or visit.changed_by != "client":
        return False
    return message.due_at <= visit.changed_at and now - visit.changed_at <= FRESH


def places_of(contact: Contact) -> list[Sequence[str]]:
    """In which zones a client may be, all of them; then, for where it is never day in all of them, the likeliest.

    Who has a number of another country, of a territory or of the east of Canada may be there or here.
    """
    if contact.zone is not None:
        return [(contact.zone,)]
    of_number = zones_of(contact.phone) if contact.phone else ()
    every = dict.fromkeys((*of_number, *PLAUSIBLE_ZONES))
    return [tuple(every), of_number] if of_number and not is_taken_along(contact.phone or "") else [tuple(every)]


def next_opening(
    sender: Sender, places: Sequence[Sequence[str]], now: datetime, wished: Preferences | None = None
) -> datetime:
    """The first minute from `now` on at which the recipient's hours are open; `now` itself when they are.

    The practice's hours may narrow 08:00–21:00, never widen them, and the client's those; where the two have nothing
    in common it's the client's that count. Every zone of a place must be open; where they never are all at once the
    next place counts, and in the end the day without narrower hours.
    """
    ours = max(sender.opens, EARLIEST), min(sender.closes, LATEST)
    for hours in (_narrowed(ours, wished), ours, (EARLIEST, LATEST)):
        for place in places:
            found = _first_open([ZoneInfo(name) for name in place], hours, now)
            if found is not None:
                return found
    raise AssertionError("unreachable: the last place is one where it is day at some time")


def _narrowed(ours: tuple[time, time], wished: Preferences | None) -> tuple[time, time]:
    if wished is None or wished.opens is None or wished.closes is None:
        return ours
    both = max(ours[0], wished.opens), min(ours[1], wished.closes)
    return both if both[0] < both[1] else (max(wished.opens, EARLIEST), min(wished.closes, LATEST))


def _first_open(zones: Sequence[ZoneInfo], hours: tuple[time, time], now: datetime) -> datetime | None:
    moment = now
    while moment < now + SEARCH:
        if all(hours[0] <= moment.astimezone(one).time() < hours[1] for one in zones):
            return moment
        moment = moment.replace(second=0, microsecond=0) + STEP
    return None
