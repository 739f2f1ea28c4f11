"""The rules of an appointment's life. Each takes `now` and returns the appointment after it, with its event."""

from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from shared.contracts.availability import Modality, ScheduleState
from shared.contracts.booking import (
    AppointmentArrived,
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentFulfilled,
    AppointmentMissed,
    AppointmentRescheduled,
    AppointmentState,
    AppointmentStatus,
    ClientRegistered,
    Party,
)
from shared.contracts.slots import SlotId, occupied, why_not
from shared.errors import Kind, Problem, conflict

CancelReason = Literal["client_request", "provider_unavailable", "practice_closed", "illness", "other"]

WHY_NOT = {
    "past": "This time has passed.",
    "minimum_notice": "This time is nearer than the minimum notice of the schedule.",
    "horizon": "This time is further ahead than the schedule can be booked.",
    "outside_hours": "The schedule does not offer this time any more.",
}


class SlotTaken(Problem):
    """The time is occupied: by the provider's or the client's other visit. The edge adds alternatives."""

    def __init__(self, schedule_id: UUID, start: datetime) -> None:
        detail = "This time has just been taken; the alternatives are free now."
        super().__init__(Kind.CONFLICT, "slot_taken", detail, field="slot")
        self.schedule_id = schedule_id
        self.start = start


@dataclass(frozen=True, slots=True)
class Client:
    """Somebody in care. The name stays in booking."""

    id: UUID
    name: str
    registered_at: datetime
    sequence: int = 1


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something, for the history: the party and the token's subject (or `link`, `timer`)."""

    party: Party
    subject: str


@dataclass(frozen=True, slots=True)
class Appointment:
    """A visit. `occupied_*` are its times with buffers; `traceparent` is the trace that booked it."""

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

    @property
    def missed_at(self) -> datetime:
        """When an absent client counts as missing."""
        return self.start + self.grace


Change = tuple[Appointment, AppointmentState]


def register(client: Client) -> ClientRegistered:
    return ClientRegistered(sequence=client.sequence, client_id=client.id)


def book(
    *,
    id: UUID,
    slot: SlotId,
    schedule: ScheduleState,
    client_id: UUID,
    actor: Actor,
    now: datetime,
    rebooked_from: UUID | None = None,
    traceparent: str | None = None,
) -> Change:
    """A new visit in an offered slot. Raises Problem `slot_gone` when the schedule no longer offers it."""
    check_offered(schedule, slot.start, now)
    occupied_from, occupied_to = occupied(schedule, slot.start)
    appointment = Appointment(
        id=id,
        client_id=client_id,
        provider_id=schedule.provider_id,
        schedule_id=schedule.schedule_id,
        appointment_type_id=schedule.appointment_type_id,
        location_id=schedule.location_id,
        modality=schedule.modality,
        status="booked",
        start=slot.start,
        end=slot.start + schedule.duration,
        occupied_from=occupied_from,
        occupied_to=occupied_to,
        grace=schedule.grace,
        booked_at=now,
        changed_at=now,
        changed_by=actor.party,
        sequence=1,
        rebooked_from=rebooked_from,
        traceparent=traceparent,
    )
    return appointment, _event(AppointmentBooked, appointment)


def check_offered(schedule: ScheduleState, start: datetime, now: datetime) -> None:
    """Raises Problem `slot_past` (410) or `slot_gone` (409), naming the rule that hides the time."""
    rule = why_not(schedule, start, now)
    if rule == "past":
        raise Problem(Kind.GONE, "slot_past", WHY_NOT[rule], field="slot", rule=rule)
    if rule is not None:
        raise conflict("slot_gone", WHY_NOT[rule], rule=rule)


def reschedule(
    appointment: Appointment, *, slot: SlotId, schedule: ScheduleState, actor: Actor, now: datetime
) -> Change:
    """The same visit at another time; only before it began."""
    _require(appointment, "reschedule", "booked")
    if now >= appointment.start:
        raise conflict("already_started", "The visit has begun; it's too late to move it.")
    check_offered(schedule, slot.start, now)
    occupied_from, occupied_to = occupied(schedule, slot.start)
    return _changed(
        AppointmentRescheduled,
        appointment,
        actor,
        now,
        status="booked",
        schedule_id=schedule.schedule_id,
        provider_id=schedule.provider_id,
        appointment_type_id=schedule.appointment_type_id,
        location_id=schedule.location_id,
        modality=schedule.modality,
        start=slot.start,
        end=slot.start + schedule.duration,
        occupied_from=occupied_from,
        occupied_to=occupied_to,
        grace=schedule.grace,
        reason_code=None,
    )


def cancel(appointment: Appointment, *, reason: CancelReason, actor: Actor, now: datetime) -> Change:
    """Calls the visit off and frees its time."""
    _require(appointment, "cancel", "booked", "arrived")
    return _changed(AppointmentCancelled, appointment, actor, now, status="cancelled", reason_code=reason)


def check_in(appointment: Appointment, *, actor: Actor, now: datetime) -> Change:
    """The client is there: nothing is missed any more."""
    _require(appointment, "check-in", "booked")
    return _changed(AppointmentArrived, appointment, actor, now, status="arrived")


def fulfil(appointment: Appointment, *, actor: Actor, now: datetime) -> Change:
    """The visit took place."""
    _require(appointment, "complete", "arrived", "checked-in")
    return _changed(AppointmentFulfilled, appointment, actor, now, status="fulfilled")


def miss(appointment: Appointment, *, actor: Actor, now: datetime) -> Change | None:
    """No notice and absent at start + grace; None when that is not (or not yet) so."""
    if appointment.status != "booked" or now < appointment.missed_at:
        return None
    return _changed(AppointmentMissed, appointment, actor, now, status="noshow")


LEGAL: dict[AppointmentStatus, tuple[str, ...]] = {
    "booked": ("reschedule", "cancel", "check-in"),
    "arrived": ("cancel", "complete"),
}


def _require(appointment: Appointment, move: str, *statuses: AppointmentStatus) -> None:
    if appointment.status not in statuses:
        legal = list(LEGAL.get(appointment.status, ()))
        raise conflict(
            "illegal_move",
            f"A visit that is {appointment.status} can't {move}; legal moves: {', '.join(legal) or 'none'}.",
            legal_moves=legal,
        )


def _changed(
    event: type[AppointmentState], appointment: Appointment, actor: Actor, now: datetime, **changes: Any
) -> Change:
    changed = replace(appointment, sequence=appointment.sequence + 1, changed_at=now, changed_by=actor.party, **changes)
    return changed, _event(event, changed)


def _event(event: type[AppointmentState], appointment: Appointment) -> AppointmentState:
    values = {field.name: getattr(appointment, field.name) for field in fields(appointment)}
    values["appointment_id"] = values.pop("id")
    del values["traceparent"]
    return event(**values)
