"""A slot that is kept for somebody who is about to book it."""

from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from services.booking.domain.slots import Place
from shared.contracts.availability import ScheduleState
from shared.contracts.booking import HoldState, SlotHeld, SlotReleased
from shared.contracts.slots import SlotId
from shared.errors import Kind, Problem, conflict, invalid

KEPT_FOR = timedelta(minutes=5)
MOST_EXTENSIONS = 2
MOST_OF_A_CLIENT = 3
"""Slots kept for one client at a time; more would keep others out."""

Because = Literal["booked", "released", "expired"]


@dataclass(frozen=True, slots=True)
class Hold:
    """A slot kept until `expires_at`, with its room and its seat; `held_by` is the subject of whoever asked."""

    id: UUID
    provider_id: UUID
    schedule_id: UUID
    client_id: UUID | None
    room_id: UUID | None
    group_id: UUID
    seat: int
    start: datetime
    end: datetime
    occupied_from: datetime
    occupied_to: datetime
    expires_at: datetime
    held_by: str
    extended: int = 0
    sequence: int = 1
    terms: bytes | None = None
    """What was offered, as the slot's id had it."""

    @property
    def slot(self) -> SlotId:
        """What is kept, to be booked."""
        return SlotId(self.schedule_id, self.start, self.expires_at, self.terms)

    @property
    def extensions_left(self) -> int:
        return MOST_EXTENSIONS - self.extended


def check_number(live: int) -> None:
    """Raises Problem `too_many_holds` when a client has as many slots kept as one may."""
    if live >= MOST_OF_A_CLIENT:
        raise conflict("too_many_holds", f"At most {MOST_OF_A_CLIENT} slots are kept for a client; release one first.")


MOST_OF_NOBODY = 30
"""Slots of a practice kept on its page for people who haven't said yet who they are."""


def check_anonymous(live: int) -> None:
    """Raises Problem `too_many_holds` when nobody in particular keeps a practice's slots from everybody."""
    if live >= MOST_OF_NOBODY:
        raise conflict("too_many_holds", "Many people are booking right now; please try again in a few minutes.")


def hold(
    *,
    id: UUID,
    slot: SlotId,
    schedule: ScheduleState,
    place: Place,
    client_id: UUID | None,
    held_by: str,
    now: datetime,
) -> tuple[Hold, SlotHeld]:
    """Keeps an offered slot for five minutes."""
    kept = Hold(
        id=id,
        provider_id=schedule.provider_id,
        schedule_id=schedule.schedule_id,
        client_id=client_id,
        room_id=place.room_id,
        group_id=place.group_id,
        seat=place.seat,
        start=slot.start,
        end=slot.start + schedule.duration,
        occupied_from=slot.start - schedule.buffer_before,
        occupied_to=slot.start + schedule.duration + schedule.buffer_after,
        expires_at=now + KEPT_FOR,
        held_by=held_by,
        terms=slot.terms,
    )
    return kept, SlotHeld.model_validate(_state(kept))


def check_live(kept: Hold, now: datetime) -> None:
    """Raises Problem `hold_expired` (410), from its last moment on, whenever the timer gets round to it."""
    if now >= kept.expires_at:
        raise Problem(Kind.GONE, "hold_expired", "The time to book this slot has run out; choose it again.")


def check_extendable(kept: Hold, now: datetime) -> None:
    """Raises Problem `hold_expired` (410) or `hold_not_extendable` (409) the third time."""
    check_live(kept, now)
    if kept.extensions_left == 0:
        raise conflict("hold_not_extendable", f"A slot is kept {MOST_EXTENSIONS} times longer at most; book it now.")


def extend(kept: Hold, place: Place, now: datetime) -> tuple[Hold, SlotHeld]:
    """Five minutes more, at the place that is free now. Raises Problem `hold_expired` or `hold_not_extendable`."""
    check_extendable(kept, now)
    longer = replace(
        kept,
        room_id=place.room_id,
        group_id=place.group_id,
        seat=place.seat,
        expires_at=kept.expires_at + KEPT_FOR,
        extended=kept.extended + 1,
        sequence=kept.sequence + 1,
    )
    return longer, SlotHeld.model_validate(_state(longer))


def release(kept: Hold, because: Because, visit_id: UUID | None = None) -> SlotReleased:
    """What is told when a hold has ended; `visit_id` of the visit that was booked through it."""
    ended = replace(kept, sequence=kept.sequence + 1)
    return SlotReleased.model_validate(_state(ended) | {"because": because, "appointment_id": visit_id})


def check_slot(kept: Hold, slot: SlotId, client_id: UUID) -> None:
    """Raises Problem `hold_of_another_slot` or `hold_of_another_client`: a hold is used for what it was made for."""
    if (kept.schedule_id, kept.start, kept.terms) != (slot.schedule_id, slot.start, slot.terms):
        raise invalid("hold_of_another_slot", "This hold keeps another slot than the one to book.", field="hold_id")
    if kept.client_id not in (None, client_id):
        raise invalid("hold_of_another_client", "This hold keeps the slot for another client.", field="hold_id")


def _state(kept: Hold) -> dict[str, object]:
    values = {field.name: getattr(kept, field.name) for field in fields(kept)}
    names = HoldState.model_fields.keys() & values.keys()
    return {"hold_id": kept.id} | {name: values[name] for name in names}
