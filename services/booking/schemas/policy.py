"""Bodies about what a practice decides."""

from datetime import timedelta

from pydantic import BaseModel, Field

from services.booking.domain.policy import Policy, SelfBooking
from services.booking.schemas.examples import example
from shared.bodies import Body, Duration


class NewPolicy(Body):
    """What a practice decides for itself."""

    model_config = example(late_within="P1D", self_booking="clients", video_link="https://video.example.org/{room}")

    late_within: Duration = Field(description="Called off nearer to its start than this, a visit counts as late")
    self_booking: SelfBooking = Field(
        "off", description="Who may book on the page /book/{practice}: nobody, clients with a personal link, or anyone"
    )
    video_link: str | None = Field(
        None, max_length=500, description="Where visits by video take place: https, with {room} for a visit's own room"
    )


class PolicyBody(BaseModel):
    """What a practice has decided; version 0 are the defaults."""

    model_config = example(late_within="P1D", self_booking="off", video_link=None, version=0)

    late_within: timedelta
    self_booking: SelfBooking
    video_link: str | None
    version: int = Field(description="Also the ETag")

    @classmethod
    def of(cls, policy: Policy) -> "PolicyBody":
        return cls(**{name: getattr(policy, name) for name in cls.model_fields})
