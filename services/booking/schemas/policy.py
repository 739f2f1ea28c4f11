"""Bodies about what a practice decides."""

from datetime import timedelta

from pydantic import BaseModel, Field

from services.booking.domain.policy import Policy
from services.booking.schemas.examples import example
from shared.bodies import Body, Duration


class NewPolicy(Body):
    """What a practice decides for itself."""

    model_config = example(late_within="P1D")

    late_within: Duration = Field(description="Called off nearer to its start than this, a visit counts as late")


class PolicyBody(BaseModel):
    """What a practice has decided; version 0 are the defaults."""

    model_config = example(late_within="P1D", version=0)

    late_within: timedelta
    version: int = Field(description="Also the ETag")

    @classmethod
    def of(cls, policy: Policy) -> "PolicyBody":
        return cls(late_within=policy.late_within, version=policy.version)
