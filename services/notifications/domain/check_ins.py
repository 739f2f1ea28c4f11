"""Check-ins between sessions: a plan as data says when a client is asked how they are; a person reads the answer."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.notifications.domain.conditions import Condition
from services.notifications.domain.model import Message, Visit
from services.notifications.domain.plans import new_message
from shared.bodies import Duration
from shared.contracts.notifications import Channel

OF_CHECK_INS = "check_in."
"""Begins the step of a message that a check-in plan has planned; its number in the plan follows."""
CheckInAnswer = Literal["well", "so_so", "not_well"]
READ_CHECK_IN = "read_check_in"
TO_READ_WITHIN: dict[CheckInAnswer, timedelta] = {
    "not_well": timedelta(hours=4),
    "so_so": timedelta(days=1),
    "well": timedelta(days=7),
}
ANSWERABLE = timedelta(days=7)
"""For so long a digit is taken for the answer to a check-in."""
TOO_LATE = timedelta(days=1)
"""A check-in that would have been due so long ago, since the visit was heard of late, isn't made up for."""


class CheckInStep(BaseModel):
    """One check-in, `after` the end of a visit that took place, by the first channel allowed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    after: Duration = Field(ge=timedelta(hours=1), le=timedelta(days=90))
    channels: tuple[Channel, ...] = Field(("sms", "email"), min_length=1, max_length=2)
    when: Condition = Field(default_factory=Condition, description="Asked at the moment of sending")

    @model_validator(mode="after")
    def _can_be_asked(self) -> "CheckInStep":
        if len(set(self.channels)) != len(self.channels) or "voice" in self.channels:
            raise ValueError("channels should name sms or email, each once; a call can't be answered by a tap")
        if self.when.held_out is not None:
            raise ValueError("when.held_out: nobody is held out of check-ins")
        return self


class CheckInPlan(BaseModel):
    """When clients are asked between sessions how they are, and who reads what they say. Without steps nobody is."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "example": {
                "steps": [
                    {"after": "P3D", "channels": ["sms", "email"]},
                    {"after": "P10D", "channels": ["email"], "when": {"first_visit": True}},
                ]
            }
        },
    )

    steps: tuple[CheckInStep, ...] = Field((), max_length=8)
    reader: str | None = Field(
        None,
        min_length=1,
        max_length=200,
        pattern=r"^\S(.*\S)?$",
        description="Subject of whoever reads the answers; by default the provider whom the client saw",
    )

    @model_validator(mode="after")
    def _in_order(self) -> "CheckInPlan":
        afters = [step.after for step in self.steps]
        if any(later <= earlier for earlier, later in pairwise(afters)):
            raise ValueError("steps should be in the order of their times, no two at the same")
        if self.steps and self.steps[0].when.step_before is not None:
            raise ValueError("steps.0.when.step_before: there is no step before the first one")
        return self


NO_CHECK_INS = CheckInPlan()
"""Until a practice says who is asked, nobody is."""


@dataclass(frozen=True, slots=True)
class CheckIn:
    """One question how a client is; its id is that of the message that is the first to ask it.

    The first answer stands. `task_id` is the task of whoever reads it.
    """

    id: UUID
    client_id: UUID
    appointment_id: UUID
    provider_id: UUID
    number: int
    plan_version: int
    due_at: datetime
    answer: CheckInAnswer | None = None
    answered_at: datetime | None = None
    task_id: UUID | None = None


def plan_check_ins(
    plan: CheckInPlan, version: int, visit: Visit, provider_id: UUID, now: datetime, reason: str | None
) -> list[tuple[CheckIn, Message]]:
    """After a visit that took place, one for each step; with a reason, such as are not to be sent."""
    planned = []
    for number, step in enumerate(plan.steps):
        due = (visit.end or visit.start) + step.after
        message = new_message(
            client_id=visit.client_id,
            visit=visit,
            purpose="check_in",
            step=f"{OF_CHECK_INS}{number}",
            channels=step.channels,
            due_at=due,
            reason=reason or ("too_late_when_heard" if due + TOO_LATE < now else None),
            plan_version=version,
        )
        planned.append((CheckIn(message.id, visit.client_id, visit.id, provider_id, number, version, due), message))
    return planned
