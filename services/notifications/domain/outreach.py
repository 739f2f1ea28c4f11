"""Outreach: after a miss, or to whoever doesn't come back; a flow of steps as data, its run, and what ends it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import pairwise
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, model_validator

from services.notifications.domain.conditions import KEPT, Condition
from shared.bodies import Duration
from shared.contracts.feedback import Barrier
from shared.contracts.notifications import (
    Channel,
    OutreachEnd,
    OutreachState,
    OutreachTrigger,
    TaskOutcome,
)

OF_FLOW = "step."
"""Begins the step of a message that a flow has planned; its number in the flow follows."""
OutreachPurpose = Literal["missed_you", "barrier_question", "remote_offer", "other_times", "closing", "next_visit"]
GENTLE: frozenset[OutreachPurpose] = frozenset(("next_visit", "closing"))
"""What can be said to whoever hasn't missed anything."""
NO_CALL_NEEDED: frozenset[OutreachEnd] = frozenset(
    ("rebooked", "returned", "visit_changed", "discharged", "superseded", "declined", "reached")
)
"""After these ends nobody need call the client to bring them back. STOP ends texts, not calls; giving up
leaves what a person has to do as it is.
"""
END_BY_PERSON: Mapping[TaskOutcome, OutreachEnd] = {"declined": "declined", "reached": "reached", "rebooked": "reached"}
"""What ends it when a person has spoken with the client: what comes next is between these two. The visit that was
booked is told by booking.
"""


class FlowAction(BaseModel):
    """A message (by the first channel allowed), or a task for a person."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    message: OutreachPurpose | None = None
    channels: tuple[Channel, ...] = ()
    task: str | None = Field(None, pattern="^[a-z_]{1,40}$", description="Code of what a person should do")

    @model_validator(mode="after")
    def _one_of_both(self) -> "FlowAction":
        if (self.message is None) == (self.task is None):
            raise ValueError("message: an action is either a message or a task")
        if self.message is not None and (not self.channels or len(set(self.channels)) != len(self.channels)):
            raise ValueError("channels: a message needs channels, each named once")
        return self


class FlowStep(FlowAction):
    """An action at `after` what set the flow going, where its condition holds then; then `then`, or the next step."""

    after: Duration = Field(ge=timedelta(0), le=timedelta(days=90))
    when: Condition = Field(default_factory=Condition, description="Asked when the step is due")
    name: str | None = Field(None, pattern="^[a-z][a-z0-9_]{0,39}$", description="For a `then` to name it")
    then: str | None = Field(None, max_length=40, description="A later step, or `end`; by default the next one")


class OutreachFlow(BaseModel):
    """What happens after a miss, or what else `trigger` says, until the client is back, or `gives_up_after`."""

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

    trigger: OutreachTrigger = Field(
        "missed",
        description="A missed visit; a client in care with nothing booked; or one who stays away for longer than usual",
    )
    steps: tuple[FlowStep, ...] = Field(min_length=1, max_length=20)
    on_barrier: dict[Barrier, FlowAction] = Field(default_factory=dict)
    gives_up_after: Duration = Field(gt=timedelta(0), le=timedelta(days=180))
    holdout_percent: int = Field(0, ge=0, le=50, description="Share of clients left alone, for comparison")

    @model_validator(mode="after")
    def _ends(self) -> "OutreachFlow":
        names = [step.name for step in self.steps]
        for number, name in enumerate(names):
            if name == "end" or (name is not None and name in names[:number]):
                said = "each step should have a name of its own, and none be called end"
                raise ValueError(f"steps.{number}.name: {said}")
        for number, step in enumerate(self.steps):
            if step.then in (None, "end"):
                continue
            if step.then not in names:
                raise ValueError(f"steps.{number}.then: no step is called {step.then}")
            if names.index(step.then) <= number:
                raise ValueError(f"steps.{number}.then: that leads back to {step.then}, so the flow could not end")
        if self.steps[0].when.step_before is not None:
            raise ValueError("steps.0.when.step_before: there is no step before the first one")
        for number, (before, step) in enumerate(pairwise(self.steps), 1):
            if step.after < before.after:
                raise ValueError(f"steps.{number}.after: steps should be in the order of their times")
        if self.steps[-1].after >= self.gives_up_after:
            raise ValueError("gives_up_after should be later than the last step, or the flow can't end")
        return self

    @model_validator(mode="after")
    def _says_each_once(self, info: ValidationInfo) -> "OutreachFlow":
        if info.context == KEPT:
            return self
        said: list[FlowStep] = []
        for number, step in enumerate(self.steps):
            plain = step.model_copy(update={"name": None, "then": None})
            if step.message is not None and plain in said:
                raise ValueError(f"steps.{number}: should differ from the steps before it, or clients get it twice")
            said.append(plain)
        return self

    @model_validator(mode="after")
    def _fits_trigger(self) -> "OutreachFlow":
        if self.trigger == "missed":
            return self
        if self.on_barrier:
            raise ValueError("on_barrier: only whoever missed a visit is asked what got in the way")
        for number, step in enumerate(self.steps):
            if step.message is not None and step.message not in GENTLE:
                raise ValueError(f"steps.{number}.message: should be {' or '.join(sorted(GENTLE))}; nothing was missed")
        return self

    def after(self, number: int) -> int:
        """The step to which a taken one leads; as many as there are steps is the end."""
        then = self.steps[number].then
        if then is None:
            return number + 1
        return len(self.steps) if then == "end" else [step.name for step in self.steps].index(then)

    def tasks_for_coming_back(self, barrier: Barrier | None) -> list[str]:
        """What persons do to bring a client back; not what the flow has for the barrier that they named, which may be
        in the way of the next visit too.
        """
        named = self.on_barrier.get(barrier) if barrier else None
        return sorted({step.task for step in self.steps if step.task} - {named.task if named else None})

    @property
    def minds_holdout(self) -> bool:
        """True when steps say what is for those held out; otherwise nothing is."""
        return any(step.when.held_out is not None for step in self.steps)


_BOTH: tuple[Channel, ...] = ("sms", "email")
DEFAULT_FLOW = OutreachFlow(
    steps=(
        FlowStep(after=timedelta(0), message="missed_you", channels=_BOTH),
        FlowStep(
            after=timedelta(days=1), message="barrier_question", channels=_BOTH, when=Condition(barriers=("unknown",))
        ),
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
DEFAULT_FLOWS: dict[OutreachTrigger, OutreachFlow] = {
    "missed": DEFAULT_FLOW,
    "unscheduled": OutreachFlow(
        trigger="unscheduled",
        steps=(
            FlowStep(after=timedelta(0), message="next_visit", channels=_BOTH),
            FlowStep(after=timedelta(days=7), task="call_client"),
        ),
        gives_up_after=timedelta(days=14),
    ),
    "disengaging": OutreachFlow(
        trigger="disengaging",
        steps=(
            FlowStep(after=timedelta(0), message="next_visit", channels=_BOTH),
            FlowStep(after=timedelta(days=4), task="call_client"),
            FlowStep(after=timedelta(days=14), message="closing", channels=("email",)),
        ),
        gives_up_after=timedelta(days=28),
    ),
}


@dataclass(frozen=True, slots=True)
class Outreach:
    """One run of a flow, for one visit that was missed or was the last; `step` is the one that is due next."""

    id: UUID
    client_id: UUID
    appointment_id: UUID
    flow_version: int
    missed_at: datetime
    """Or when what else set it going came to be so; steps count from it."""
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
    trigger: OutreachTrigger = "missed"

    def moved_on(self, flow: OutreachFlow, took: bool) -> "Outreach":
        """Past the step that was due: on to where it leads, if it was taken."""
        return replace(self, step=flow.after(self.step) if took else self.step + 1, sequence=self.sequence + 1)

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


def is_held_out(percent: int, version: int, client_id: UUID, of: Literal["flow", "plan"] = "flow") -> bool:
    """By a stable hash: the same client is in the same group for as long as the version stands.

    Who is held out of a flow isn't therefore held out of a plan: what one does would be taken for the other's effect.
    """
    known = f"{version}/{client_id}" if of == "flow" else f"{of}/{version}/{client_id}"
    digest = sha256(known.encode()).digest()
    return int.from_bytes(digest[:4], "big") % 100 < percent


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
        trigger=outreach.trigger,
    )
