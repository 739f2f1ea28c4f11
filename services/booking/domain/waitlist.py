"""Who waits for a time, and which freed time is offered to whom: whoever has waited longest comes first."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from services.booking.domain.appointments import Appointment
from shared.contracts.availability import Modality, Window
from shared.contracts.slots import (
    Plan,
    SlotId,
    Span,
    ceil,
    date_of,
    day_number,
    floor,
    instant,
    local_day,
    moment,
    wall_span,
)
from shared.contracts.waitlist import (
    EntryState,
    EntryStatus,
    Fate,
    OfferState,
    WaitlistFilled,
    WaitlistJoined,
    WaitlistLeft,
    WaitlistOffered,
    WaitlistOfferEnded,
)
from shared.errors import Kind, Problem, conflict, invalid

MOST_OF_A_CLIENT = 5
"""Places that one client may have on the list at a time."""

LOOK_AGAIN = (timedelta(seconds=5), timedelta(seconds=30), timedelta(minutes=2))
"""After a look that found nobody to offer to: what opened the time and what it is free by are told by different
topics, and the second may be on its way."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How a practice offers freed times.

    To `at_once` clients at a time, each for `open_for`, on the practice's wall clock between `earliest` and `latest`
    only, and never for a start nearer than `cut_off`.
    """

    at_once: int = 3
    open_for: timedelta = timedelta(minutes=15)
    cut_off: timedelta = timedelta(hours=2)
    earliest: time = time(8)
    latest: time = time(21)
    version: int = 0

    def check(self) -> None:
        """Raises Problem `rules_invalid`, naming the field."""
        bounds: dict[str, tuple[bool, str]] = {
            "at_once": (1 <= self.at_once <= 20, "between 1 and 20"),
            "open_for": (timedelta(minutes=5) <= self.open_for <= timedelta(hours=24), "between PT5M and PT24H"),
            "cut_off": (timedelta(0) <= self.cut_off <= timedelta(days=7), "between PT0S and P7D"),
            "latest": (self.earliest < self.latest, "after earliest"),
        }
        for field, (right, what) in bounds.items():
            if not right:
                raise invalid("rules_invalid", f"This should be {what}.", field=field)

    def soonest(self, now: datetime) -> int:
        """The first start that can still be offered: nobody is left less time to accept than the others."""
        return ceil(now + self.open_for + self.cut_off)

    def next_round(self, zone: str, now: datetime) -> datetime:
        """`now`, or when offers may be made again."""
        wall = now.astimezone(ZoneInfo(zone))
        if self.earliest <= wall.time() < self.latest:
            return now
        day = wall.date() if wall.time() < self.earliest else wall.date() + timedelta(days=1)
        seconds = self.earliest.hour * 3600 + self.earliest.minute * 60 + self.earliest.second
        return moment(instant(zone, day_number(day), seconds))


@dataclass(frozen=True, slots=True)
class Entry:
    """A client's place: what they wait for, when they can come, and the visit that an earlier time would replace."""

    id: UUID
    client_id: UUID
    appointment_type_id: UUID
    provider_ids: tuple[UUID, ...]
    location_ids: tuple[UUID, ...]
    modality: Modality | None
    zone: str
    windows: tuple[Window, ...]
    first_day: date | None
    last_day: date | None
    swaps: UUID | None
    status: EntryStatus
    joined_at: datetime
    joined_by: str
    appointment_id: UUID | None = None
    sequence: int = 1

    def wants(self, plan: Plan) -> bool:
        """True when a schedule's visits are of the kind that is waited for."""
        state = plan.state
        return (
            state.appointment_type_id == self.appointment_type_id
            and (not self.provider_ids or state.provider_id in self.provider_ids)
            and (not self.location_ids or state.location_id in self.location_ids)
            and self.modality in (None, state.modality)
        )

    def can_come(self, start: int, end: int) -> bool:
        """True when a visit lies on the days and in the hours that are waited for; no hours are any hour."""
        day = local_day(self.zone, start)
        if self.first_day is not None and day < day_number(self.first_day):
            return False
        if self.last_day is not None and day > day_number(self.last_day):
            return False
        return not self.windows or any(
            instant(self.zone, on, begin) <= start and end <= instant(self.zone, on, until)
            for on in (day - 1, day)
            for begin, until in map(wall_span, (item for item in self.windows if item.weekday == date_of(on).weekday()))
        )


class Chance(NamedTuple):
    """A freed start, with the time that a visit in it takes from its provider."""

    plan: Plan
    start: int
    occupied_from: int
    occupied_to: int


def welcome(
    entry: Entry, chances: Iterable[Chance], swapped: Appointment | None, given_up: Collection[Span]
) -> list[Chance]:
    """Of the starts that somebody could book: none in time that they gave up themselves and, in a visit's place, only
    earlier ones, unless the entry names its last day.
    """
    earlier = swapped is not None and swapped.status == "booked" and entry.last_day is None
    limit = floor(swapped.start) if swapped is not None and earlier else None
    return [
        chance
        for chance in chances
        if (limit is None or chance.start < limit)
        and not any(begin < chance.start + chance.plan.duration and until > chance.start for begin, until in given_up)
    ]


@dataclass(frozen=True, slots=True)
class Offer:
    """A freed time offered to one who waits, and what became of that."""

    id: UUID
    entry_id: UUID
    opening_id: UUID
    client_id: UUID
    schedule_id: UUID
    provider_id: UUID
    modality: Modality
    start: datetime
    end: datetime
    occupied_from: datetime
    occupied_to: datetime
    offered_at: datetime
    expires_at: datetime
    fate: Fate = "open"
    decided_at: datetime | None = None
    appointment_id: UUID | None = None
    traceparent: str | None = None
    sequence: int = 1
    terms: bytes | None = None
    """What is offered, as a slot's id has it."""

    @property
    def slot(self) -> SlotId:
        """What is offered, to be booked."""
        return SlotId(self.schedule_id, self.start, self.expires_at, self.terms)

    def ended(self, fate: Fate, now: datetime, appointment_id: UUID | None = None) -> "Offer":
        return replace(self, fate=fate, decided_at=now, appointment_id=appointment_id, sequence=self.sequence + 1)


@dataclass(frozen=True, slots=True)
class Opening:
    """Time of a provider that has become free, as long as there may be somebody to offer it to."""

    id: UUID
    provider_id: UUID
    spans: tuple[Span, ...]
    looks: int = 0

    def within(self, earliest: int) -> list[Span]:
        """What is left of it from then on, in order."""
        return [(max(begin, earliest), until) for begin, until in self.spans if until > earliest]


def join(entry: Entry, places: int, swapped: Appointment | None, now: datetime) -> EntryState:
    """Raises Problem `too_many_entries`, `dates_in_the_past`, `not_yours`, `not_alike` or `not_movable`."""
    if places >= MOST_OF_A_CLIENT:
        raise conflict("too_many_entries", f"A client has at most {MOST_OF_A_CLIENT} places; leave one first.")
    if entry.last_day is not None and entry.last_day < now.astimezone(ZoneInfo(entry.zone)).date():
        raise invalid("dates_in_the_past", "This day has passed.", field="last_day")
    if swapped is not None:
        if swapped.client_id != entry.client_id:
            raise invalid("not_yours", "This is no visit of the client who waits.", field="swaps")
        if swapped.appointment_type_id != entry.appointment_type_id:
            raise invalid("not_alike", "A visit is swapped for another of its own type only.", field="swaps")
        if swapped.status != "booked" or swapped.start <= now:
            raise invalid("not_movable", "Only a visit to come can be swapped for a freed time.", field="swaps")
    return state(WaitlistJoined, entry)


def leave(entry: Entry) -> tuple[Entry, EntryState] | None:
    """None for a place that is filled or left already."""
    if entry.status != "waiting":
        return None
    left = replace(entry, status="left", sequence=entry.sequence + 1)
    return left, state(WaitlistLeft, left)


def fill(entry: Entry, appointment_id: UUID) -> tuple[Entry, EntryState]:
    filled = replace(entry, status="filled", appointment_id=appointment_id, sequence=entry.sequence + 1)
    return filled, state(WaitlistFilled, filled)


def state(event: type[EntryState], entry: Entry) -> EntryState:
    names = EntryState.model_fields.keys() - {"entry_id"}
    return event(entry_id=entry.id, **{name: getattr(entry, name) for name in names})


def offer_state(offer: Offer) -> OfferState:
    event = WaitlistOffered if offer.fate == "open" else WaitlistOfferEnded
    names = OfferState.model_fields.keys() - {"offer_id"}
    return event(offer_id=offer.id, **{name: getattr(offer, name) for name in names})


OVER: dict[Fate, str] = {
    "accepted": "You have accepted this time already.",
    "declined": "You have declined this time; you keep your place on the list.",
    "expired": "The time to accept has run out; you keep your place on the list.",
    "lost": "Somebody was faster; you keep your place on the list.",
    "withdrawn": "This time is not offered any more.",
}


def check_open(offer: Offer, now: datetime) -> None:
    """Raises Problem `offer_over` (410), which says kindly why."""
    fate: Fate = "expired" if offer.fate == "open" and offer.expires_at <= now else offer.fate
    if fate != "open":
        raise Problem(Kind.GONE, "offer_over", OVER[fate], fate=fate)


class Round:
    """One round of offers: to whoever has waited longest, each a start that the fewest others are offered, the soonest
    of these; and no time to more than `at_once`.
    """

    def __init__(self, standing: Collection[Offer], at_once: int) -> None:
        self._at_once = at_once
        self._asked = [(offer.provider_id, floor(offer.occupied_from), ceil(offer.occupied_to)) for offer in standing]

    def best(self, entry: Entry, chances: Iterable[Chance]) -> Chance | None:
        """What this client is to be offered of the starts that they could book; None where nothing suits."""
        ranked = (
            (rivals, chance.start, chance)
            for chance in chances
            if entry.wants(chance.plan)
            and entry.can_come(chance.start, chance.start + chance.plan.duration)
            and (rivals := self._rivals(chance)) < self._at_once
        )
        found = min(ranked, key=lambda item: item[:2], default=None)
        return found[2] if found else None

    def has_room(self, chances: Iterable[Chance]) -> bool:
        """True while any of these starts can be offered to one more."""
        return any(self._rivals(chance) < self._at_once for chance in chances)

    def add(self, chance: Chance) -> None:
        self._asked.append((chance.plan.provider_id, chance.occupied_from, chance.occupied_to))

    def _rivals(self, chance: Chance) -> int:
        return sum(
            provider == chance.plan.provider_id and begin < chance.occupied_to and until > chance.occupied_from
            for provider, begin, until in self._asked
        )


def offer(
    *, id: UUID, entry: Entry, chance: Chance, opening: Opening, rules: Rules, now: datetime, traceparent: str | None
) -> Offer:
    """A chance as it is offered, for a while."""
    plan, begins = chance.plan, moment(chance.start)
    return Offer(
        id=id,
        entry_id=entry.id,
        opening_id=opening.id,
        client_id=entry.client_id,
        schedule_id=plan.schedule_id,
        provider_id=plan.provider_id,
        modality=plan.state.modality,
        start=begins,
        end=moment(chance.start + plan.duration),
        occupied_from=moment(chance.occupied_from),
        occupied_to=moment(chance.occupied_to),
        offered_at=now,
        expires_at=now + rules.open_for,
        traceparent=traceparent,
        terms=plan.terms,
    )
