"""Visits from another system: what a row of a file says, and whether the visit can be taken over."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Literal
from uuid import UUID

from uuid_utils.compat import uuid7

from services.booking.domain.appointments import Appointment
from services.booking.domain.clients import Client
from services.booking.domain.slots import Place, place_in
from shared.contracts.booking import AppointmentStatus
from shared.contracts.slots import DAY, Plan, Rule, Seeker, Taken, floor, free_room, hidden
from shared.errors import Kind, Problem

MOST = 5_000
"""Rows of one file."""

LONGEST = timedelta(hours=24)
"""Of a visit."""

ImportStatus = Literal["booked", "fulfilled", "noshow", "cancelled"]


@dataclass(frozen=True, slots=True)
class Row:
    """A visit as a file has it; `number` is where: the line of a table (its heading is 1), or the how-manieth event."""

    number: int
    external_id: str
    client_id: UUID
    schedule_id: UUID
    start: datetime
    end: datetime | None = None
    status: AppointmentStatus | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a row can't be taken over, and what stands in its way: a visit, or another row."""

    number: int
    code: str
    detail: str
    field: str | None = None
    external_id: str | None = None
    rule: Rule | None = None
    appointment_id: UUID | None = None
    other_row: int | None = None


@dataclass(frozen=True, slots=True)
class Taking:
    """A row that can be taken over, and what its visit takes."""

    row: Row
    id: UUID
    status: ImportStatus
    plan: Plan
    place: Place


@dataclass(frozen=True, slots=True)
class Weighed:
    """What becomes of a file's rows."""

    takings: list[Taking] = field(default_factory=list)
    unchanged: list[Row] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes, or would become, of each row; `imported` are the new visits by row number."""

    rows: int
    imported: list[tuple[int, UUID]]
    unchanged: int
    refusals: list[Refusal]

    def counts(self) -> dict[str, int]:
        return {
            "rows": self.rows,
            "imported": len(self.imported),
            "unchanged": self.unchanged,
            "refused": len(self.refusals),
        }


class ImportRefused(Problem):
    """Some rows can't be taken over, so nothing was written. The edge adds the report."""

    def __init__(self, outcome: Outcome) -> None:
        refused = len(outcome.refusals)
        first = outcome.refusals[0]
        detail = (
            f"{refused} of {outcome.rows} rows can't be taken over, so none was; row {first.number}: {first.detail} "
            "Mend them, or ask for `partial`."
        )
        super().__init__(Kind.INVALID, "import_refused", detail, field="body")
        self.outcome = outcome


class Standing:
    """What takes time, found by whose it is and by day; and the seats of groups."""

    def __init__(self) -> None:
        self._items: dict[tuple[UUID, int], list[Taken]] = defaultdict(list)
        self._seats: dict[tuple[UUID, int], list[tuple[UUID, int]]] = defaultdict(list)

    def add(self, item: Taken, group_id: UUID, seat: int) -> None:
        first, last = min(item.occupied_from, item.start), max(item.occupied_to, item.end)
        whose = [one for one in (item.provider_id, item.room_id, item.client_id) if one is not None]
        for day in range(first // DAY, last // DAY + 1):
            for one in whose:
                self._items[one, day].append(item)
        self._seats[item.schedule_id, item.start].append((group_id, seat))

    def near(self, plan: Plan, client_id: UUID, start: int) -> list[Taken]:
        days = range((start - plan.before) // DAY, (start + plan.duration + plan.after) // DAY + 1)
        whose = (plan.provider_id, client_id, *plan.rooms)
        return list(
            {item.id: item for one in whose for day in days for item in self._items.get((one, day), ())}.values()
        )

    def group_at(self, schedule_id: UUID, start: int) -> list[tuple[UUID, int]]:
        return self._seats.get((schedule_id, start), [])


@dataclass(frozen=True, slots=True)
class Known:
    """What booking knows that a file may speak of."""

    visits: Mapping[str, Appointment]
    """By the external id; by its own id too, for a visit that was exported from here."""
    clients: Mapping[UUID, Client]
    plans: Mapping[UUID, Plan]
    withdrawn: Collection[UUID]
    """Schedules that nothing more is booked with; what was once booked with them can be taken over."""


def weigh(rows: Iterable[Row], known: Known, standing: Standing, now: datetime) -> Weighed:
    """Decides on each row as if those before it were taken over: hours and limits don't bind, what is occupied does."""
    found, seen = Weighed(), dict[str, int]()
    by_visit: dict[UUID, int] = {}
    for row in rows:
        first = seen.setdefault(row.external_id, row.number)
        if first != row.number:
            told = f"Row {first} has this external_id already; a visit is in a file once."
            found.refusals.append(_refusal(row, "duplicate_row", told, "external_id", other_row=first))
            continue
        before = known.visits.get(row.external_id)
        if before is not None:
            different = _differences(row, before)
            if not different:
                found.unchanged.append(row)
                continue
            told = (
                f"This visit is here already, with another {' and '.join(different)}; change it here, or leave it out."
            )
            found.refusals.append(_refusal(row, "row_differs", told, different[0], appointment_id=before.id))
            continue
        decided = _decide(row, known, standing, by_visit, now)
        if isinstance(decided, Refusal):
            found.refusals.append(decided)
            continue
        found.takings.append(decided)
        by_visit[decided.id] = row.number
    return found


def _decide(row: Row, known: Known, standing: Standing, rows_of: Mapping[UUID, int], now: datetime) -> Taking | Refusal:
    client, plan = known.clients.get(row.client_id), known.plans.get(row.schedule_id)
    if client is None:
        return _refusal(row, "client_not_found", "There is no such client in this practice.", "client_id")
    if plan is None:
        return _refusal(row, "schedule_not_found", "There is no such schedule in this practice.", "schedule_id")
    status = _status(row, now)
    if isinstance(status, Refusal):
        return status
    if status == "booked" and client.discharged_at is not None:
        return _refusal(row, "client_discharged", "This client is in care no more; nothing is to come.", "client_id")
    if status == "booked" and row.schedule_id in known.withdrawn:
        told = "This schedule is withdrawn: only what is over can have been booked with it."
        return _refusal(row, "schedule_withdrawn", told, "schedule_id")
    if row.end is not None:
        plan = _lasting(plan, row.end - row.start)
    id, start = uuid7(), floor(row.start)
    if status == "cancelled":
        return Taking(row, id, status, plan, Place(None, id, 1))
    near = standing.near(plan, row.client_id, start)
    for obstacle in hidden(plan, near, start, now, Seeker(row.client_id)):
        if obstacle.rule in _OCCUPIED:
            return _occupied(row, obstacle.rule, obstacle.because, rows_of)
    group = standing.group_at(plan.schedule_id, start) if plan.capacity > 1 else []
    place = place_in(plan, free_room(plan, near, start), group, start, id)
    taken = Taken(
        id,
        plan.provider_id,
        plan.schedule_id,
        place.room_id,
        row.client_id,
        start,
        start + plan.duration,
        *plan.occupied(start),
    )
    standing.add(taken, place.group_id, place.seat)
    return Taking(row, id, status, plan, place)


_OCCUPIED: Mapping[Rule, str] = {
    "visit": "The provider has another visit at this time",
    "full": "The group at this time is full",
    "room": "No room is free at this time",
    "client": "The client has another visit at this time",
}


def _occupied(row: Row, rule: Rule, item: object, rows_of: Mapping[UUID, int]) -> Refusal:
    other = item.id if isinstance(item, Taken) else None
    number = rows_of.get(other) if other is not None else None
    told = _OCCUPIED[rule] + (f", that of row {number}." if number is not None else ".")
    return _refusal(
        row,
        "occupied",
        told,
        "start",
        rule=rule,
        other_row=number,
        appointment_id=None if number is not None else other,
    )


def _status(row: Row, now: datetime) -> ImportStatus | Refusal:
    """What the visit is to be here; a time that has passed must say how it ended."""
    ahead = row.start > now
    if row.status is None and ahead:
        return "booked"
    if row.status == "cancelled":
        return "cancelled"
    if row.status == "booked" and ahead:
        return "booked"
    if row.status in ("fulfilled", "noshow") and not ahead:
        return row.status
    if ahead:
        told = "A visit to come is booked or cancelled."
    else:
        told = "A visit that has begun needs what became of it: fulfilled, noshow or cancelled."
    return _refusal(row, "status_invalid", told, "status")


def _differences(row: Row, visit: Appointment) -> list[str]:
    """Where a row says other than its visit here; what it leaves open is as it is."""
    pairs: list[tuple[str, object, object]] = [
        ("client_id", row.client_id, visit.client_id),
        ("schedule_id", row.schedule_id, visit.schedule_id),
        ("start", row.start, visit.start),
        ("end", row.end or visit.end, visit.end),
        ("status", row.status or visit.status, visit.status),
    ]
    return [name for name, theirs, ours in pairs if theirs != ours]


@lru_cache(maxsize=200)
def _lasting(plan: Plan, duration: timedelta) -> Plan:
    """The schedule for a visit of another length."""
    if duration == plan.state.duration:
        return plan
    return Plan(plan.state.model_copy(update={"duration": duration}))


def _refusal(row: Row, code: str, detail: str, field: str, **more: object) -> Refusal:
    return Refusal(row.number, code, detail, field, row.external_id, **more)  # type: ignore[arg-type] # passed on


def reach(rows: Sequence[Row], plans: Iterable[Plan]) -> tuple[int, int]:
    """From when to when anything can stand in the way of these rows, in seconds since 1970."""
    widest = max((plan.before + plan.duration + plan.after for plan in plans), default=0) + LONGEST // timedelta(
        seconds=1
    )
    return min(floor(row.start) for row in rows) - widest, max(floor(row.start) for row in rows) + widest
