"""Rules 1 to 7 of those that protect people, held against what carriers were given; nothing of the service's own
policy is used to judge it.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from shared.contracts.notifications import Channel
from tests.notifications.simulation.clients import Truth

REPLIES = frozenset(
    (
        "opt_out_confirmation",
        "opt_in_confirmation",
        "help",
        "safety",
        "answer_confirm",
        "answer_move",
        "answer_cancel",
        "check_in_thanks",
    )
)
REMINDERS = frozenset(("confirmation", "reminder", "confirm_request"))
OUTREACH = frozenset(("missed_you", "barrier_question", "remote_offer", "other_times", "closing", "next_visit"))
AT_ONCE = timedelta(minutes=30)
"""For so long whoever has booked is there to read a confirmation, at whatever hour."""
OPEN, CLOSE = time(8), time(21)
EVERYWHERE = (
    "America/Puerto_Rico",
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Phoenix",
    "America/Los_Angeles",
    "America/Anchorage",
    "Pacific/Honolulu",
)
CARE = re.compile(
    r"therap|counsel|psych|mental|depress|anxi|diagnos|score|clinic|session|treatment|video|terap|consejer|psic|ansie|cl[ií]nic|sesi[oó]n",
    re.IGNORECASE,
)
MONEY = re.compile(r"[$€]|\bfees?\b|discount|\bsale\b|gratis|tarifa|descuento", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class HandedOver:
    """What a carrier was given, and what was true of whoever has that address then."""

    at: datetime
    message: UUID
    channel: Channel
    to: str
    subject: str
    body: str
    stopped: bool
    """The number had sent STOP last."""
    truths: Mapping[UUID, Truth]


@dataclass(frozen=True, slots=True)
class Sent:
    """The same, with what the service says it was."""

    handed: HandedOver
    client: UUID
    purpose: str
    place: tuple[object, ...]
    """Visit or outreach, version, step: there is one message of each by each channel."""
    missed_at: datetime | None = None
    """Of outreach: when what it follows took place."""


def broken(sent: Iterable[Sent], practice: str) -> Counter[str]:
    """Which rules were broken, how often; empty where all is well."""
    found: Counter[str] = Counter()
    texts: defaultdict[UUID, list[datetime]] = defaultdict(list)
    once: Counter[tuple[object, ...]] = Counter()
    ordered = sorted(sent, key=lambda one: one.handed.at)
    for one in ordered:
        found.update(_of_one(one, practice))
        once[(*one.place, one.handed.channel)] += 1
        if one.handed.channel == "sms" and one.purpose not in REPLIES | REMINDERS | {"secure_message"}:
            earlier = texts[one.client]
            at = one.handed.at
            if sum(at - before < timedelta(days=1) for before in earlier) >= 1:
                found["4: more than one automated text a day"] += 1
            if sum(at - before < timedelta(days=7) for before in earlier) >= 3:
                found["4: more than three automated texts a week"] += 1
            earlier.append(at)
    found["exactly once"] = sum(number - 1 for number in once.values())
    return +found


def _of_one(one: Sent, practice: str) -> Iterable[str]:
    yield from _of_words(one.handed, practice)
    handed, truth = one.handed, one.handed.truths.get(one.client)
    if handed.channel == "sms" and handed.stopped and one.purpose not in ("opt_out_confirmation", "help", "safety"):
        yield "1: a text after STOP"
    if truth is None or truth.address(handed.channel) != handed.to:
        yield "6: to an address that is not the client's"
        return
    if one.purpose not in REPLIES:
        if (handed.channel, handed.to) not in truth.agreed:
            yield f"2: {handed.channel} without consent"
        if truth.wished and handed.channel not in truth.wished:
            yield "6: by a channel that is not wished"
        if truth.paused and one.purpose != "secure_message":
            yield "7: automation to somebody whom a person looks after"
    just_booked = truth.last_booked is not None and handed.at - truth.last_booked <= AT_ONCE
    awaited = one.purpose in REPLIES or (one.purpose == "confirmation" and just_booked)
    if not awaited and not _is_open(handed.at, truth):
        yield "3: at a quiet hour"
    if one.purpose in OUTREACH and truth.discharged:
        yield "outreach to somebody discharged"
    if one.missed_at and truth.last_booked and truth.last_booked > one.missed_at:
        yield "outreach to somebody who has booked"


def _of_words(handed: HandedOver, practice: str) -> Iterable[str]:
    if handed.channel == "sms" and len(handed.body) > 160:
        yield "4: a text of more than 160 characters"
    if practice not in handed.body:
        yield "4: the practice is not named"
    told = re.sub(r"https?://\S+", "", handed.subject if handed.channel == "email" else handed.body)
    if CARE.search(told):
        yield "5: says what the care is"
    if MONEY.search(told):
        yield "4: speaks of money"


def _is_open(at: datetime, truth: Truth) -> bool:
    zones = (truth.zone,) if truth.zone else EVERYWHERE
    opens, closes = max(OPEN, truth.opens or OPEN), min(CLOSE, truth.closes or CLOSE)
    return all(opens <= at.astimezone(ZoneInfo(zone)).time() < closes for zone in zones)
