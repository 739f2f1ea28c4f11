"""Outreach after a miss: a flow of steps as data, its run, and what ends it."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.contracts.feedback import Barrier
from shared.contracts.notifications import (
    Channel,
    OutreachEnd,
    OutreachState,
)

OutreachPurpose = Literal["missed_you", "barrier_question", "remote_offer", "other_times", "closing"]


class FlowAction(BaseModel):
    """A message (by the first channel allowed), or a task for a person."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    message: OutreachPurpose | None = None
    channels: tuple[Channel, ...] = ()
    task: str | None = Field(None, pattern="^[a-z_]{1,40}$", description="Code of what a person should do")

    @model_validator(mode="after")
    def _one_of_both(self) -> "FlowAction":
        if (self.message is None) == (self.task is None):
            raise ValueError("an action is either a message or a task")
        if self.message is not None and (not self.channels or len(set(self.channels)) != len(self.channels)):
            raise ValueError("a message needs channels, each named once")
        return self


class FlowStep(FlowAction):
    """An action at `after` the miss; `unless_barrier_known` leaves it out once the client has said why."""

    after: timedelta = Field(ge=timedelta(0), le=timedelta(days=90))
    unless_barrier_known: bool = False


class OutreachFlow(BaseModel):
    """What happens after a miss until the client is back, or `gives_up_after`."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "example": {
                "steps": [
                    {"after": "PT0S", "message": "missed_you", "channels": ["sms", "email"]},
                    {"after": "P3D", "task": "call_client"},
                ],
                "on_barrier": {"transport": {"message": "remote_offer", "channels": ["sms", "email"]}},
                "gives_up_after": "P14D",
                "holdout_percent": 10,
            }
        },
    )

    steps: tuple[FlowStep, ...] = Field(min_length=1, max_length=20)
    on_barrier: dict[Barrier, FlowAction] = Field(default_factory=dict)
    gives_up_after: timedelta = Field(gt=timedelta(0), le=timedelta(days=180))
    holdout_percent: int = Field(0, ge=0, le=50, description="Share of clients left alone, for comparison")

    @model_validator(mode="after")
    def _ends(self) -> "OutreachFlow":
        afters = [step.after for step in self.steps]
        if afters != sorted(afters):
            raise ValueError("steps should be in the order of their times")
        if afters[-1] >= self.gives_up_after:
            raise ValueError("gives_up_after should be later than the last step, or the flow can't end")
        return self


_BOTH: tuple[Channel, ...] = ("sms", "email")
DEFAULT_FLOW = OutreachFlow(
    steps=(
        FlowStep(after=timedelta(0), message="missed_you", channels=_BOTH),
        FlowStep(after=timedelta(days=1), message="barrier_question", channels=_BOTH, unless_barrier_known=True),
        FlowStep(after=timedelta(days=3), task="call_client"),
        FlowStep(after=timedelta(days=7), message="closing", channels=("email",)),
    ),
    on_barrier={
        "transport": FlowAction(message="remote_offer", channels=_BOTH),
        "time": FlowAction(message="other_times", channels=_BOTH),
        "forgot": FlowAction(message="other_times", channels=_BOTH),
        "unwell": FlowAction(message="other_times", channels=_BOTH),
        "cost": FlowAction(task="talk_about_payment"),
        "fit": FlowAction(task="offer_other_provider"),
        "other": FlowAction(task="call_client"),
    },
    gives_up_after=timedelta(days=14),
)


@dataclass(frozen=True, slots=True)
class Outreach:
    """One run of a flow, for one missed visit. `step` counts the steps taken."""

    id: UUID
    client_id: UUID
    appointment_id: UUID
    flow_version: int
    missed_at: datetime
    started_at: datetime
    status: Literal["running", "ended"] = "running"
    step: int = 0
    held_out: bool = False
    barrier: Barrier | None = None
    end_reason: OutreachEnd | None = None
    rebooked_appointment_id: UUID | None = None
    ended_at: datetime | None = None
    sequence: int = 1
    traceparent: str | None = None

    def took_step(self) -> "Outreach":
        return replace(self, step=self.step + 1, sequence=self.sequence + 1)

    def learned(self, barrier: Barrier) -> "Outreach":
        return replace(self, barrier=barrier, sequence=self.sequence + 1)

    def ended(self, reason: OutreachEnd, now: datetime, rebooked: UUID | None = None) -> "Outreach":
        return replace(
            self,
            status="ended",
            end_reason=reason,
            ended_at=now,
            rebooked_appointment_id=rebooked,
            sequence=self.sequence + 1,
        )

    def next_due(self, flow: OutreachFlow) -> datetime:
        """When the next step, or the end without a response, is due."""
        if self.step < len(flow.steps):
            return self.missed_at + flow.steps[self.step].after
        return self.missed_at + flow.gives_up_after


def is_held_out(flow: OutreachFlow, flow_version: int, client_id: UUID) -> bool:
    """By a stable hash: the same client is in the same group for as long as the flow's version stands."""
    digest = sha256(f"{flow_version}/{client_id}".encode()).digest()
    return int.from_bytes(digest[:4], "big") % 100 < flow.holdout_percent


def state(event: type[OutreachState], outreach: Outreach) -> OutreachState:
    return event(
        sequence=outreach.sequence,
        outreach_id=outreach.id,
        client_id=outreach.client_id,
        appointment_id=outreach.appointment_id,
        flow_version=outreach.flow_version,
        status=outreach.status,
        step=outreach.step,
        held_out=outreach.held_out,
        barrier=outreach.barrier,
        end_reason=outreach.end_reason,
        rebooked_appointment_id=outreach.rebooked_appointment_id,
        started_at=outreach.started_at,
        ended_at=outreach.ended_at,
    )
