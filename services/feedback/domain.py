"""The rules of feedback: what is asked, what counts as low, and how attendance becomes figures."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import sqrt
from typing import get_args
from uuid import UUID

from shared.contracts.booking import AppointmentState
from shared.contracts.feedback import (
    AllianceLow,
    Barrier,
    BarrierReported,
    FeedbackRequested,
    FeedbackSubmitted,
    Instrument,
    RequestState,
)
from shared.contracts.notifications import OutreachState
from shared.errors import invalid

BARRIERS: dict[Barrier, str] = {
    "transport": "Getting there",
    "time": "The day or time",
    "cost": "The cost",
    "fit": "It didn't feel right for me",
    "unwell": "I wasn't well",
    "forgot": "I forgot",
    "other": "Something else",
}
assert tuple(sorted(BARRIERS)) == tuple(sorted(get_args(Barrier)))  # noqa: S101 -- each code has its words

ALLIANCE: dict[str, str] = {
    "heard": "I felt heard and taken seriously",
    "matters": "We worked on what matters to me",
    "way": "The way we worked suits me",
    "overall": "Overall, today was right for me",
}
"""Our own four questions, each 0 (not at all) to 10 (fully)."""
LOW_MEAN, LOW_ANSWER = 6.0, 3
STANDING = ("booked", "arrived", "checked-in")
"""Of a visit that is to take place."""

RETURN_WITHIN = timedelta(days=45)
"""Nothing booked and no session for this long counts as not having returned."""
Z_95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Visit:
    """An appointment as feedback knows it: the replica of its last event."""

    id: UUID
    client_id: UUID
    provider_id: UUID
    modality: str
    status: str
    start: datetime
    booked_at: datetime
    sequence: int
    rebooked_from: UUID | None
    traceparent: str | None = None

    @classmethod
    def of(cls, state: AppointmentState, traceparent: str | None) -> "Visit":
        return cls(
            id=state.appointment_id,
            client_id=state.client_id,
            provider_id=state.provider_id,
            modality=state.modality,
            status=state.status,
            start=state.start,
            booked_at=state.booked_at,
            sequence=state.sequence,
            rebooked_from=state.rebooked_from,
            traceparent=traceparent,
        )


@dataclass(frozen=True, slots=True)
class OutreachRun:
    """An outreach as feedback knows it."""

    id: UUID
    client_id: UUID
    appointment_id: UUID
    held_out: bool
    barrier: str | None
    end_reason: str | None
    started_at: datetime
    sequence: int

    @classmethod
    def of(cls, state: OutreachState) -> "OutreachRun":
        return cls(
            id=state.outreach_id,
            client_id=state.client_id,
            appointment_id=state.appointment_id,
            held_out=state.held_out,
            barrier=state.barrier,
            end_reason=state.end_reason,
            started_at=state.started_at,
            sequence=state.sequence,
        )


@dataclass(frozen=True, slots=True)
class Request:
    """A question put to a client about one visit."""

    id: UUID
    client_id: UUID
    appointment_id: UUID
    instrument: Instrument
    requested_at: datetime
    submitted_at: datetime | None = None
    sequence: int = 1

    def submitted(self, now: datetime) -> "Request":
        return replace(self, submitted_at=now, sequence=self.sequence + 1)

    def _values(self) -> dict[str, object]:
        return {
            "sequence": self.sequence,
            "request_id": self.id,
            "client_id": self.client_id,
            "appointment_id": self.appointment_id,
            "instrument": self.instrument,
            "requested_at": self.requested_at,
            "submitted_at": self.submitted_at,
        }

    def asked(self) -> RequestState:
        return FeedbackRequested.model_validate(self._values())

    def answered(self) -> RequestState:
        return FeedbackSubmitted.model_validate(self._values())

    def barrier(self, barrier: Barrier) -> RequestState:
        return BarrierReported.model_validate({**self._values(), "barrier": barrier})

    def low(self, provider_id: UUID) -> RequestState:
        return AllianceLow.model_validate({**self._values(), "provider_id": provider_id})


def check_rating(answers: Mapping[str, int]) -> None:
    """Raises Problem `answer_missing` or `answer_out_of_range`, naming the question."""
    for question in ALLIANCE:
        if question not in answers:
            raise invalid("answer_missing", "Please answer each question.", field=question)
        if not 0 <= answers[question] <= 10:
            raise invalid("answer_out_of_range", "An answer is a number from 0 to 10.", field=question)


def is_low(answers: Mapping[str, int]) -> bool:
    """A mean below 6, or any single answer of 3 or less: the clinician should know the same day."""
    values = [answers[question] for question in ALLIANCE]
    return sum(values) / len(values) < LOW_MEAN or min(values) <= LOW_ANSWER


@dataclass(frozen=True, slots=True)
class Share:
    """`count` of `of`, with Wilson's 95 % interval; no share of nothing."""

    count: int
    of: int

    @property
    def share(self) -> float | None:
        return self.count / self.of if self.of else None

    @property
    def interval(self) -> tuple[float, float] | None:
        if not self.of:
            return None
        p, n, z2 = self.count / self.of, self.of, Z_95**2
        middle = (p + z2 / (2 * n)) / (1 + z2 / n)
        half = Z_95 * sqrt(p * (1 - p) / n + z2 / (4 * n * n)) / (1 + z2 / n)
        return max(0.0, middle - half), min(1.0, middle + half)


@dataclass(frozen=True, slots=True)
class ReturnAfter:
    """Of those who had session `session`: who had another, who has not come back, and for whom it's still open."""

    session: int
    returned: Share
    open: int


@dataclass(frozen=True, slots=True)
class OutreachResult:
    """What became of the misses of one group: booked again after the miss, and came."""

    misses: int
    rebooked: Share
    attended: Share


@dataclass(frozen=True, slots=True)
class Retention:
    """The retention report of a practice."""

    attended: Share
    missed: Share
    cancelled: int
    returns: list[ReturnAfter]
    reached_out: OutreachResult
    held_out: OutreachResult
    recovered: list[UUID]
    barriers: dict[str, int]


def retention(visits: Iterable[Visit], runs: Iterable[OutreachRun], now: datetime) -> Retention:
    """Attendance, returns after session 1, 2, 3 …, and what outreach won back against the holdout."""
    every = [visit for visit in visits if visit.status != "entered-in-error"]
    outreach = list(runs)
    by_client: dict[UUID, list[Visit]] = defaultdict(list)
    for visit in sorted(every, key=lambda one: one.start):
        by_client[visit.client_id].append(visit)
    over = [visit for visit in every if visit.status in ("fulfilled", "noshow")]
    kept = sum(visit.status == "fulfilled" for visit in over)
    # What was taken back was no miss; one that was one after all has an outreach of its own.
    outreach = [run for run in outreach if run.end_reason != "visit_changed"]
    contacted = [run for run in outreach if not run.held_out]
    barriers: dict[str, int] = defaultdict(int)
    for run in outreach:
        if run.barrier:
            barriers[run.barrier] += 1
    return Retention(
        attended=Share(kept, len(over)),
        missed=Share(len(over) - kept, len(over)),
        cancelled=sum(visit.status == "cancelled" for visit in every),
        returns=_returns(by_client, now),
        reached_out=_result(contacted, by_client),
        held_out=_result([run for run in outreach if run.held_out], by_client),
        recovered=[visit.id for run in contacted for visit in _after(run, by_client) if visit.status == "fulfilled"],
        barriers=dict(barriers),
    )


def _returns(by_client: Mapping[UUID, list[Visit]], now: datetime) -> list[ReturnAfter]:
    returned: dict[int, int] = defaultdict(int)
    dropped: dict[int, int] = defaultdict(int)
    still_open: dict[int, int] = defaultdict(int)
    for visits in by_client.values():
        sessions = [visit for visit in visits if visit.status == "fulfilled"]
        for number in range(1, len(sessions)):
            returned[number] += 1
        if not sessions:
            continue
        upcoming = any(visit.status in STANDING and visit.start > sessions[-1].start for visit in visits)
        waiting = upcoming or now - sessions[-1].start < RETURN_WITHIN
        (still_open if waiting else dropped)[len(sessions)] += 1
    last = max([*returned, *dropped, *still_open], default=0)
    return [
        ReturnAfter(number, Share(returned[number], returned[number] + dropped[number]), still_open[number])
        for number in range(1, last + 1)
    ]


def _result(runs: list[OutreachRun], by_client: Mapping[UUID, list[Visit]]) -> OutreachResult:
    after = [_after(run, by_client) for run in runs]
    return OutreachResult(
        misses=len(runs),
        rebooked=Share(sum(bool(visits) for visits in after), len(runs)),
        attended=Share(sum(any(visit.status == "fulfilled" for visit in visits) for visits in after), len(runs)),
    )


def _after(run: OutreachRun, by_client: Mapping[UUID, list[Visit]]) -> list[Visit]:
    """The visit that made up for a miss: the first that was booked after it and not called off."""
    found = [
        visit
        for visit in by_client.get(run.client_id, ())
        if visit.id != run.appointment_id and visit.booked_at >= run.started_at and visit.status != "cancelled"
    ]
    return found[:1]
