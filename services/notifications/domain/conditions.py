"""When a step of a plan or flow is taken: by what is known of the client and the visit at that moment."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.bodies import Duration
from shared.contracts.availability import Modality
from shared.contracts.feedback import Barrier


@dataclass(frozen=True, slots=True)
class Facts:
    """What conditions ask about. None is unknown, or not the case of this step: no condition on it holds."""

    first_visit: bool | None = None
    unconfirmed: bool | None = None
    lead_time: timedelta | None = None
    modality: Modality | None = None
    barrier: Barrier | None = None
    misses: int = 0
    step_before_arrived: bool | None = None
    held_out: bool = False


KEPT = {"kept": True}
"""Of a plan that was published before a rule about plans was made: it holds as it is."""


class Condition(BaseModel):
    """All that is said must hold; what is left out may be as it is."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={"example": {"first_visit": True, "unconfirmed": True, "lead_time_at_least": "P3D"}},
    )

    first_visit: bool | None = Field(None, description="The client has not been to a visit before this one")
    unconfirmed: bool | None = Field(None, description="The client has not said that they will come")
    lead_time_at_least: Duration | None = Field(None, description="From the booking to the start")
    lead_time_at_most: Duration | None = None
    modality: Modality | None = None
    barriers: tuple[Barrier | Literal["unknown"], ...] = Field(
        (), max_length=8, description="What the client named as in the way, for this visit or the last one"
    )
    misses_at_least: int | None = Field(None, ge=0, le=1000, description="Visits that the client missed so far")
    misses_at_most: int | None = Field(None, ge=0, le=1000)
    step_before: Literal["arrived", "not_arrived"] | None = Field(
        None,
        description="Whether the carrier said that the message of the step before arrived; in a flow that of the last "
        "step that was taken and sent one",
    )
    held_out: bool | None = Field(None, description="The client is in the share that is held out, for comparison")

    @model_validator(mode="after")
    def _can_hold(self) -> "Condition":
        bounds = {
            "lead_time_at_least": (self.lead_time_at_least, self.lead_time_at_most),
            "misses_at_least": (self.misses_at_least, self.misses_at_most),
        }
        for name, (least, most) in bounds.items():
            if least is not None and most is not None and least > most:  # type: ignore[operator] # of one kind each
                raise ValueError(f"{name}: at least should not be more than at most, or this can never hold")
        return self

    @property
    def asks(self) -> bool:
        """False where anything will do."""
        return self != _ANYTHING

    def unmet(self, facts: Facts) -> str | None:
        """The name of the first of these that doesn't hold; None where all do."""
        arrived = None if self.step_before is None else self.step_before == "arrived"
        checks = {
            "first_visit": self.first_visit in (None, facts.first_visit),
            "unconfirmed": self.unconfirmed in (None, facts.unconfirmed),
            "lead_time": _within(self.lead_time_at_least, facts.lead_time, self.lead_time_at_most),
            "modality": self.modality in (None, facts.modality),
            "barriers": not self.barriers or (facts.barrier or "unknown") in self.barriers,
            "misses": _within(self.misses_at_least, facts.misses, self.misses_at_most),
            "step_before": arrived in (None, facts.step_before_arrived),
            "held_out": self.held_out in (None, facts.held_out),
        }
        return next((name for name, holds in checks.items() if not holds), None)


_ANYTHING = Condition()


T = TypeVar("T", int, timedelta)


def _within(least: T | None, value: T | None, most: T | None) -> bool:
    if least is None and most is None:
        return True
    return value is not None and (least is None or value >= least) and (most is None or value <= most)
