"""The projection of booking's topics: whose time is taken, and what becomes free or collides when that changes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from services.availability.domain.hours import TimeOff
from shared.contracts.availability import Blocked, ProviderUnavailable
from shared.contracts.booking import FREE_STATUSES, AppointmentState, HoldState, SlotReleased
from shared.contracts.slots import Taken, ceil, floor
from shared.contracts.standing import VisitStanding


@dataclass(frozen=True, slots=True)
class Occupied:
    """A visit or a hold: the time that it takes from its provider, room and client. `free` once it was called off."""

    id: UUID
    provider_id: UUID
    schedule_id: UUID
    room_id: UUID | None
    client_id: UUID | None
    starts_at: datetime
    ends_at: datetime
    occupied_from: datetime
    occupied_to: datetime
    expires_at: datetime | None
    free: bool
    sequence: int

    @property
    def is_hold(self) -> bool:
        return self.expires_at is not None

    def while_it_stood(self) -> Taken:
        """As the rule for slots sees it."""
        return Taken(
            self.id,
            self.provider_id,
            self.schedule_id,
            self.room_id,
            self.client_id,
            floor(self.starts_at),
            ceil(self.ends_at),
            floor(self.occupied_from),
            ceil(self.occupied_to),
        )


def by_visit(visit: AppointmentState) -> Occupied:
    """The time that a visit takes as it stands."""
    return Occupied(
        id=visit.appointment_id,
        provider_id=visit.provider_id,
        schedule_id=visit.schedule_id,
        room_id=visit.room_id,
        client_id=visit.client_id,
        starts_at=visit.start,
        ends_at=visit.end,
        occupied_from=visit.occupied_from,
        occupied_to=visit.occupied_to,
        expires_at=None,
        free=visit.status in FREE_STATUSES,
        sequence=visit.sequence,
    )


def by_hold(hold: HoldState) -> Occupied:
    """The time that a hold takes until it expires."""
    return Occupied(
        id=hold.hold_id,
        provider_id=hold.provider_id,
        schedule_id=hold.schedule_id,
        room_id=hold.room_id,
        client_id=hold.client_id,
        starts_at=hold.start,
        ends_at=hold.end,
        occupied_from=hold.occupied_from,
        occupied_to=hold.occupied_to,
        expires_at=hold.expires_at,
        free=isinstance(hold, SlotReleased),
        sequence=hold.sequence,
    )


def gives_back(hold: HoldState, visit: Occupied | None) -> bool:
    """False when the visit booked through a hold stands in its place, or wasn't heard of yet: its time opens to nobody.

    `visit` as it is known now; it may have been called off or moved before its hold's end was heard of.
    """
    if not (isinstance(hold, SlotReleased) and hold.because == "booked"):
        return True
    return visit is not None and (visit.free or _place(visit) != _place(by_hold(hold)))


def gave_back(
    before: Occupied | None, after: Occupied, now: datetime
) -> Literal["cancelled", "moved", "released"] | None:
    """Why a visit or hold gives its time back; None when it didn't stand, still does, or is over."""
    if before is None or before.free or before.occupied_to <= now:
        return None
    if after.free:
        return "released" if after.is_hold else "cancelled"
    return "moved" if _place(before) != _place(after) else None


def stood(before: Occupied | None, after: Occupied) -> list[Occupied]:
    """Where a visit or hold was before the news of it: as known, and where it must have stood to be called off there.

    Each kind of event has a topic of its own, so the end of a visit can be heard of before its booking or its move.
    """
    known = [] if before is None else [before]
    is_news = after.free and after.sequence > 1 and _place(after) not in map(_place, known)
    return [*known, replace(after, free=False)] if is_news else known


def _place(item: Occupied) -> tuple[UUID, UUID, UUID | None, datetime, datetime]:
    return item.provider_id, item.schedule_id, item.room_id, item.occupied_from, item.occupied_to


def has_moved(before: Occupied | None, after: Occupied) -> bool:
    """True for what takes a place that it didn't take before."""
    return before is None or before.free or _place(before) != _place(after)


def is_to_come(visit: Occupied, now: datetime) -> bool:
    """True for a visit, no hold, that stands and has not begun."""
    return not (visit.free or visit.is_hold or visit.starts_at <= now)


def meets(visit: Occupied, time_off: Sequence[TimeOff], now: datetime) -> bool:
    """True when a visit to come lies in its provider's time off. Buffers may: nobody waits in them."""
    return is_to_come(visit, now) and any(
        item.begins_at < visit.ends_at and item.ends_at > visit.starts_at for item in time_off
    )


def unavailable(provider_id: UUID, time_off: Sequence[TimeOff], sequence: int, now: datetime) -> ProviderUnavailable:
    """What booking needs to know to flag visits: all time off that isn't over."""
    blocked = [
        Blocked(begin=item.begins_at, end=item.ends_at, because="time_off")
        for item in sorted(time_off, key=lambda item: (item.begins_at, item.ends_at))
        if item.ends_at > now
    ]
    return ProviderUnavailable(provider_id=provider_id, blocked=tuple(blocked), sequence=sequence)


@dataclass(frozen=True, slots=True)
class Drift:
    """A visit of which the copy here and booking's truth say different things; how, in words for a person."""

    visit_id: UUID
    how: str


def drift(here: Mapping[UUID, Occupied], truth: Sequence[VisitStanding]) -> list[Drift]:
    """Holds the copy of the visits to come against booking's. What takes no time in either may be missing in one."""
    found = []
    for visit in truth:
        copy = here.get(visit.id)
        if copy is None:
            if not visit.free:
                found.append(Drift(visit.id, "is missing here: its time is offered although it is taken"))
        elif copy.sequence != visit.sequence:
            found.append(Drift(visit.id, f"is version {copy.sequence} here, {visit.sequence} at booking"))
        else:
            names = [name for name in VisitStanding.model_fields if name not in ("id", "sequence")]
            wrong = [name for name in names if getattr(copy, name) != getattr(visit, name)]
            if wrong:
                found.append(Drift(visit.id, f"has another {', '.join(wrong)} here, in the same version"))
    known = {visit.id for visit in truth}
    found += [
        Drift(copy.id, "is unknown to booking: its time is not offered although it is free")
        for copy in here.values()
        if copy.id not in known and not copy.free
    ]
    return found
