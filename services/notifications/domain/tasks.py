"""Tasks: by when each should be done, and who may do what with it."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from uuid_utils.compat import uuid7

from services.notifications.domain.model import Task
from shared.contracts.notifications import TaskOutcome
from shared.errors import conflict

IS_CLIENT_THERE = "is_client_there"
ALERTS_FAIL = "alerts_fail"
"""Mails that a person is needed now don't reach the practice."""
DUE_WITHIN = {
    "safety": timedelta(minutes=15),
    "running_late": timedelta(minutes=15),
    "read_reply": timedelta(hours=4),
    "concern": timedelta(hours=8),
    ALERTS_FAIL: timedelta(hours=4),
}
OTHERWISE = timedelta(days=1)
UNREACHABLE = "unreachable"
TELL_CHANGE = "tell_change"
"""That a visit is off, or at another time than its client knows."""
BEFORE_THE_VISIT = timedelta(hours=1)
"""By then somebody should have found another way to tell a client of it."""
ALARMED: frozenset[str] = frozenset(("safety", "read_reply", "concern", "answer_message", UNREACHABLE, TELL_CHANGE))
"""A client is in danger, or waits for an answer to what they wrote or for word of their visit: overdue, the practice is
told by mail, whoever has the task.
"""


@dataclass(frozen=True, slots=True)
class About:
    """What a task is about, beside its client, and for whom it is."""

    outreach_id: UUID | None = None
    inbound_id: UUID | None = None
    appointment_id: UUID | None = None
    provider_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Seer:
    """A provider who looks at tasks."""

    subject: str
    provider_id: UUID


def open_task(
    kind: str,
    client_id: UUID | None,
    now: datetime,
    about: About,
    *,
    owner: str | None = None,
    due_at: datetime | None = None,
) -> Task:
    """With an owner, somebody has it from the start."""
    due = due_at or now + DUE_WITHIN.get(kind, OTHERWISE)
    task = Task(
        uuid7(), client_id, kind, now, due, about.outreach_id, about.inbound_id, about.appointment_id, about.provider_id
    )
    return replace(task, status="claimed", owner=owner) if owner else task


def due_before(start: datetime, now: datetime) -> datetime:
    """By when something about a visit to come should be done."""
    return max(now, min(now + OTHERWISE, start - BEFORE_THE_VISIT))


def claim(task: Task, owner: str) -> Task:
    """Somebody takes it on; also from somebody else. Raises Problem `task_closed`."""
    _require_open(task)
    return replace(task, status="claimed", owner=owner, version=task.version + 1)


def give_back(task: Task) -> Task:
    """For anybody to take on again. Raises Problem `task_closed`."""
    _require_open(task)
    return replace(task, status="open", owner=None, version=task.version + 1)


def close(task: Task, by: str, outcome: TaskOutcome, now: datetime) -> Task:
    """It's done, or is not to be done; whoever closes it owns it. Raises Problem `task_closed`."""
    _require_open(task)
    return replace(
        task, status="closed", owner=task.owner or by, outcome=outcome, closed_at=now, version=task.version + 1
    )


def _require_open(task: Task) -> None:
    if task.status == "closed":
        raise conflict("task_closed", "This task is closed already.")
