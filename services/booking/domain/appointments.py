"""An appointment and its moves. Each takes `now` and returns the appointment after it, with its event."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from services.booking.domain.policy import Policy
from services.booking.domain.slots import Place
from shared.contracts.availability import Modality, ScheduleState
from shared.contracts.booking import (
    AppointmentArrived,
    AppointmentAwaited,
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentCheckedIn,
    AppointmentConfirmed,
    AppointmentEnteredInError,
    AppointmentFlagged,
    AppointmentFulfilled,
    AppointmentImported,
    AppointmentMissed,
    AppointmentMissedRetracted,
    AppointmentRescheduled,
    AppointmentRunningLate,
    AppointmentState,
    AppointmentStatus,
    Party,
)
from shared.contracts.slots import SlotId, Span
from shared.errors import conflict, invalid

CancelReason = Literal["client_request", "provider_unavailable", "practice_closed", "illness", "other"]
OF_CLIENTS: tuple[CancelReason, ...] = ("client_request", "illness", "other")
"""The reasons that a client may give."""
RetractReason = Literal["was_there", "gave_notice"]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something, for the history: the party and the token's subject (or `link`, `timer`); why, in words."""

    party: Party
    subject: str
    note: str | None = None


SYSTEM = Actor("system", "timer")
ASKED_AFTER = timedelta(minutes=5)
"""After the start, when the provider is asked whether a client is there whom nobody has seen."""


@dataclass(frozen=True, slots=True)
class Appointment:
    """A visit. `occupied_*` are its times with buffers; `traceparent` is the trace that booked it.

    Visits of one group share the `group_id` and have each their seat; any other visit is a group of its own.
    """

    id: UUID
    client_id: UUID
    provider_id: UUID
    schedule_id: UUID
    appointment_type_id: UUID
    location_id: UUID
    modality: Modality
    status: AppointmentStatus
    start: datetime
    end: datetime
    occupied_from: datetime
    occupied_to: datetime
    grace: timedelta
    booked_at: datetime
    changed_at: datetime
    changed_by: Party
    sequence: int
    reason_code: str | None = None
    rebooked_from: UUID | None = None
    traceparent: str | None = None
    room_id: UUID | None = None
    group_id: UUID | None = None
    seat: int = 1
    needs_rebooking: bool = False
    confirmed_at: datetime | None = None
    late: bool = False
    late_by: timedelta | None = None
    series_id: UUID | None = None
    external_id: str | None = None
    """What the system calls it that it was imported from."""

    @property
    def missed_at(self) -> datetime:
        """When an absent client counts as missing."""
        return self.start + max(self.grace, self.late_by or timedelta(0))

    @property
    def is_awaited(self) -> bool:
        """A client is expected: not where the provider is away, which is no client's fault."""
        return self.status == "booked" and not self.needs_rebooking

    @property
    def looked_at(self) -> datetime:
        """When to look next for a client whom nobody has seen: to ask the provider, or as it's missed. Whoever has
        said something of the visit since it was to be asked needn't be asked, and nor where it's missed by then.
        """
        asked_at = self.start + max(ASKED_AFTER, self.late_by or timedelta(0))
        return asked_at if self.changed_at < asked_at < self.missed_at else self.missed_at


Change = tuple[Appointment, AppointmentState]


def book(
    *,
    id: UUID,
    slot: SlotId,
    schedule: ScheduleState,
    place: Place,
    client_id: UUID,
    actor: Actor,
    now: datetime,
    rebooked_from: UUID | None = None,
    traceparent: str | None = None,
    series_id: UUID | None = None,
) -> Change:
    """A new visit in an offered slot."""
    appointment = Appointment(
        id=id,
        client_id=client_id,
        status="booked",
        booked_at=now,
        changed_at=now,
        changed_by=actor.party,
        sequence=1,
        rebooked_from=rebooked_from,
        traceparent=traceparent,
        series_id=series_id,
        **_at(schedule, slot, place),
    )
    return appointment, _event(AppointmentBooked, appointment)


def bring_in(
    *,
    id: UUID,
    external_id: str,
    status: AppointmentStatus,
    slot: SlotId,
    schedule: ScheduleState,
    place: Place,
    client_id: UUID,
    actor: Actor,
    now: datetime,
    traceparent: str | None,
) -> Change:
    """A visit that was made in another system, as it stands there."""
    appointment = Appointment(
        id=id,
        external_id=external_id,
        client_id=client_id,
        status=status,
        booked_at=min(now, slot.start),
        changed_at=now,
        changed_by=actor.party,
        sequence=1,
        traceparent=traceparent,
        **_at(schedule, slot, place),
    )
    return appointment, _event(AppointmentImported, appointment)


def _at(schedule: ScheduleState, slot: SlotId, place: Place) -> dict[str, Any]:
    """Everything of a visit that comes with its slot."""
    return {
        "provider_id": schedule.provider_id,
        "schedule_id": schedule.schedule_id,
        "appointment_type_id": schedule.appointment_type_id,
        "location_id": schedule.location_id,
        "modality": schedule.modality,
        "start": slot.start,
        "end": slot.start + schedule.duration,
        "occupied_from": slot.start - schedule.buffer_before,
        "occupied_to": slot.start + schedule.duration + schedule.buffer_after,
        "grace": schedule.grace,
        "room_id": place.room_id,
        "group_id": place.group_id,
        "seat": place.seat,
    }


_CHOSEN = frozenset(("room_id", "group_id", "seat"))
"""Of a slot's place, what the practice has chosen, and would choose anew."""


def check_movable(appointment: Appointment, now: datetime) -> None:
    """Raises Problem `illegal_move` or `already_started`: only a booked visit moves, and only before it began."""
    _require(appointment, now, "reschedule", "booked")
    if now >= appointment.start:
        told = "The visit has begun; it's too late to move it."
        raise conflict("already_started", told, legal_moves=legal(appointment, now))


def reschedule(
    appointment: Appointment, *, slot: SlotId, schedule: ScheduleState, place: Place, actor: Actor, now: datetime
) -> Change | None:
    """The same visit at another time; only before it began. None where it is there already."""
    check_movable(appointment, now)
    if actor.party == "client":
        check_alike(appointment, schedule)
    there = _at(schedule, slot, place)
    if all(getattr(appointment, name) == value for name, value in there.items() if name not in _CHOSEN):
        return None
    return _changed(
        AppointmentRescheduled,
        appointment,
        actor,
        now,
        status="booked",
        reason_code=None,
        needs_rebooking=False,
        confirmed_at=None,
        late_by=None,
        **there,
    )


def check_alike(appointment: Appointment, schedule: ScheduleState) -> None:
    """Raises Problem `not_alike`: a client gets another time, also with somebody else, for a visit of the same type."""
    if schedule.appointment_type_id != appointment.appointment_type_id:
        raise invalid(
            "not_alike", "This is a time for visits of another type; only the practice changes that.", field="slot"
        )


def confirm(appointment: Appointment, *, actor: Actor, now: datetime) -> Change | None:
    """The client will come; None where that was said already. Raises Problem `illegal_move` or `already_started`."""
    _require(appointment, now, "confirm", "booked")
    if now >= appointment.start:
        told = "The visit has begun; there is nothing to confirm any more."
        raise conflict("already_started", told, legal_moves=legal(appointment, now))
    if appointment.confirmed_at is not None:
        return None
    return _changed(AppointmentConfirmed, appointment, actor, now, confirmed_at=now)


LATE_FROM = timedelta(hours=1)
HERE_FROM = timedelta(hours=12)
"""Before the start, a client can be there: not on another day, when it's another visit that is meant."""
MOST_LATE = timedelta(minutes=30)


def run_late(appointment: Appointment, *, by: timedelta, actor: Actor, now: datetime) -> Change | None:
    """The client is on the way; None where that was said already.

    Raises Problem `illegal_move`, `late_by_invalid`, or `too_early_to_be_late` more than an hour before the start.
    """
    _require(appointment, now, "running-late", "booked")
    if not timedelta(0) < by <= MOST_LATE:
        raise invalid("late_by_invalid", "This should be more than PT0S and at most PT30M.", field="by")
    if now < appointment.start - LATE_FROM:
        told = "There is more than an hour left; move the visit instead."
        raise conflict("too_early_to_be_late", told, legal_moves=legal(appointment, now))
    if appointment.late_by == by:
        return None
    return _changed(AppointmentRunningLate, appointment, actor, now, late_by=by)


def flag(appointment: Appointment, *, absences: Sequence[Span], actor: Actor, now: datetime) -> Change | None:
    """Marks a coming visit whose provider will be away, or takes the mark off; None where it is right already."""
    if appointment.status != "booked" or appointment.start <= now:
        return None
    start, end = appointment.start.timestamp(), appointment.end.timestamp()
    away = any(begin < end and until > start for begin, until in absences)
    if away == appointment.needs_rebooking:
        return None
    return _changed(AppointmentFlagged, appointment, actor, now, needs_rebooking=away)


def cancel(appointment: Appointment, *, reason: CancelReason, policy: Policy, actor: Actor, now: datetime) -> Change:
    """Calls the visit off and frees its time; `late` by the practice's policy.

    Once it has begun, or the client is there, only the practice can.
    Raises Problem `illegal_move` or `already_started`.
    """
    _require(appointment, now, "cancel", "booked", "arrived", "checked-in")
    if actor.party == "client" and (now >= appointment.start or appointment.status != "booked"):
        told = "The visit has begun; only the practice can call it off now."
        left = [move for move in legal(appointment, now) if move in OF_CLIENTS_LATE]
        raise conflict("already_started", told, legal_moves=left)
    late = policy.is_late(appointment.start, now)
    return _changed(AppointmentCancelled, appointment, actor, now, status="cancelled", reason_code=reason, late=late)


def arrive(appointment: Appointment, *, actor: Actor, now: datetime) -> Change:
    """The client is in the waiting room: nothing is missed any more. Raises Problem `illegal_move` or `too_early`."""
    _require(appointment, now, "arrive", "booked")
    _require_near(appointment, now)
    return _changed(AppointmentArrived, appointment, actor, now, status="arrived")


def check_in(appointment: Appointment, *, actor: Actor, now: datetime) -> Change:
    """The practice has taken the client in; at a small one, without a moment in the waiting room.

    Raises Problem `illegal_move` or `too_early`.
    """
    _require(appointment, now, "check-in", "booked", "arrived")
    _require_near(appointment, now)
    return _changed(AppointmentCheckedIn, appointment, actor, now, status="checked-in")


def fulfil(appointment: Appointment, *, actor: Actor, now: datetime) -> Change:
    """The visit took place. Raises Problem `illegal_move`, or `not_started` before its time."""
    _require(appointment, now, "complete", "arrived", "checked-in")
    if now < appointment.start:
        told = f"The visit starts at {appointment.start:%Y-%m-%dT%H:%MZ}; complete it after."
        raise conflict("not_started", told, legal_moves=legal(appointment, now))
    return _changed(AppointmentFulfilled, appointment, actor, now, status="fulfilled")


def await_client(appointment: Appointment, *, actor: Actor, now: datetime) -> Change | None:
    """The provider is asked whether the client is there, once; None when that is not (or not yet) so."""
    if not appointment.is_awaited or not appointment.looked_at <= now < appointment.missed_at:
        return None
    return _changed(AppointmentAwaited, appointment, actor, now)


def miss(appointment: Appointment, *, actor: Actor, now: datetime) -> Change | None:
    """No notice and absent at start + grace; None when that is not (or not yet) so."""
    if not appointment.is_awaited or now < appointment.missed_at:
        return None
    return _changed(AppointmentMissed, appointment, actor, now, status="noshow")


def notice_absence(appointment: Appointment, *, actor: Actor, now: datetime) -> Change | None:
    """What is due for a client whom nobody has seen: the provider is asked, or the visit is missed."""
    return await_client(appointment, actor=actor, now=now) or miss(appointment, actor=actor, now=now)


def retract(appointment: Appointment, *, reason: RetractReason, actor: Actor, now: datetime) -> Change:
    """Undoes a miss: the client was there after all, or had given notice that nobody entered."""
    _require(appointment, now, "retract-miss", "noshow")
    if reason == "was_there":
        return _changed(AppointmentMissedRetracted, appointment, actor, now, status="arrived", reason_code=reason)
    return _changed(AppointmentMissedRetracted, appointment, actor, now, status="cancelled", reason_code=reason)


def enter_in_error(appointment: Appointment, *, actor: Actor, now: datetime) -> Change | None:
    """It should never have been in the books; None where that was said already. Why stands in the actor's note."""
    if appointment.status == "entered-in-error":
        return None
    return _changed(AppointmentEnteredInError, appointment, actor, now, status="entered-in-error")


LEGAL: dict[AppointmentStatus, tuple[str, ...]] = {
    "booked": ("confirm", "reschedule", "cancel", "running-late", "arrive", "check-in"),
    "arrived": ("cancel", "check-in", "complete"),
    "checked-in": ("cancel", "complete"),
    "noshow": ("retract-miss",),
}


OF_CLIENTS_LATE = frozenset(("running-late",))
"""What a client can still do with a visit that has begun."""


def legal(appointment: Appointment, now: datetime) -> list[str]:
    """The moves that are legal now: some by the clock too."""
    never = {"complete"} if now < appointment.start else {"confirm", "reschedule"}
    if now < appointment.start - HERE_FROM:
        never |= {"arrive", "check-in"}
    if now < appointment.start - LATE_FROM:
        never.add("running-late")
    return [move for move in LEGAL.get(appointment.status, ()) if move not in never]


def _require_near(appointment: Appointment, now: datetime) -> None:
    if now < appointment.start - HERE_FROM:
        told = f"The visit starts at {appointment.start:%Y-%m-%dT%H:%MZ}; nobody is there so long before."
        raise conflict("too_early", told, legal_moves=legal(appointment, now))


def _require(appointment: Appointment, now: datetime, move: str, *statuses: AppointmentStatus) -> None:
    if appointment.status not in statuses:
        moves = legal(appointment, now)
        raise conflict(
            "illegal_move",
            f"A visit that is {appointment.status} can't {move}; legal moves: {', '.join(moves) or 'none'}.",
            legal_moves=moves,
        )


def _changed(
    event: type[AppointmentState], appointment: Appointment, actor: Actor, now: datetime, **changes: Any
) -> Change:
    changed = replace(appointment, sequence=appointment.sequence + 1, changed_at=now, changed_by=actor.party, **changes)
    return changed, _event(event, changed)


def _event(event: type[AppointmentState], appointment: Appointment) -> AppointmentState:
    values = {field.name: getattr(appointment, field.name) for field in fields(appointment)}
    values["appointment_id"] = values.pop("id")
    for internal in ("traceparent", "group_id", "seat", "external_id"):
        del values[internal]
    if event is AppointmentAwaited:
        values["missed_at"] = appointment.missed_at
    return event(**values)
