"""Bodies about what a plan or flow would say and when."""

from datetime import UTC, timedelta

from pydantic import AwareDatetime, BaseModel, Field, model_validator

from services.notifications.domain.check_ins import CheckInPlan
from services.notifications.domain.conditions import Facts
from services.notifications.domain.model import Language
from services.notifications.domain.outreach import OutreachFlow
from services.notifications.domain.plans import ReminderPlan
from services.notifications.domain.previewing import Previewed, Sample
from services.notifications.schemas.examples import AT, example
from shared.bodies import Body, Moment
from shared.contracts.availability import Modality, ZoneName
from shared.contracts.feedback import Barrier
from shared.contracts.notifications import Channel, OutreachTrigger

_VISIT = {"start": "2026-03-12T15:00:00Z", "booked_at": AT, "zone": "America/New_York", "first_visit": True}

_TEXT = {
    "channel": "sms",
    "subject": "",
    "body": "Maple: see you Thu 12 Mar 11:00am. https://care.example.org/booking/a/AAAA STOP to opt out",
    "parts": 1,
    "problem": None,
}


class SampleVisit(Body):
    """A visit as it could be, and what would be known of it and its client."""

    model_config = example(**_VISIT)

    start: Moment
    booked_at: Moment
    zone: ZoneName | None = Field(None, description="The client's; without one, every plausible zone is respected")
    modality: Modality = "in_person"
    first_visit: bool = Field(True, strict=True)
    confirmed: bool = Field(False, strict=True)
    misses: int = Field(0, ge=0, le=1000)
    barrier: Barrier | None = None
    step_before_arrived: bool | None = Field(None, strict=True)
    held_out: bool = Field(False, strict=True)
    language: Language | None = Field(None, description="The client's; by default the practice's")

    @model_validator(mode="after")
    def _in_order(self) -> "SampleVisit":
        if self.booked_at > self.start:
            raise ValueError("booked_at should not be after start")
        return self

    def sample(self) -> Sample:
        facts = Facts(
            first_visit=self.first_visit,
            unconfirmed=not self.confirmed,
            lead_time=max(self.start - self.booked_at, timedelta(0)),
            modality=self.modality,
            barrier=self.barrier,
            misses=self.misses,
            step_before_arrived=self.step_before_arrived,
            held_out=self.held_out,
        )
        return Sample(
            self.start.astimezone(UTC), self.booked_at.astimezone(UTC), self.zone, self.modality, facts, self.language
        )


class PlanPreview(Body):
    """A plan to look at, by default the one in force, for a visit."""

    model_config = example(visit=_VISIT)

    plan: ReminderPlan | None = None
    visit: SampleVisit


class CheckInPreview(Body):
    """A check-in plan, by default the one in force, and a visit as it could be that took place."""

    model_config = example(plan={"steps": [{"after": "P3D"}]}, visit=_VISIT)

    plan: CheckInPlan | None = None
    visit: SampleVisit


class FlowPreview(Body):
    """A flow to look at, by default the one in force, as if the visit were missed."""

    model_config = example(visit=_VISIT)

    trigger: OutreachTrigger = Field("missed", description="Which flow in force, where none is given")
    flow: OutreachFlow | None = None
    visit: SampleVisit


class PreviewedText(BaseModel):
    """A message by one of the channels of its step."""

    model_config = example(**_TEXT)

    channel: Channel
    subject: str
    body: str
    parts: int | None = Field(description="Texts that the carrier makes of it")
    problem: str | None = Field(description="Why it can't be had by this channel")


class PreviewedStep(BaseModel):
    """A step of a plan or flow."""

    model_config = example(
        step="plan.0",
        purpose="reminder",
        task=None,
        due_at=AT,
        goes_at=AT,
        reason=None,
        texts=[_TEXT],
    )

    step: str
    purpose: str | None
    task: str | None
    due_at: AwareDatetime | None = Field(description="None for what follows a barrier: at once when it's named")
    goes_at: AwareDatetime | None = Field(description="After quiet hours; None where it would not go")
    reason: str | None = Field(description="Why it would not go")
    texts: list[PreviewedText]

    @classmethod
    def of(cls, step: Previewed) -> "PreviewedStep":
        shared = {name: getattr(step, name) for name in cls.model_fields if name != "texts"}
        texts = [
            PreviewedText(
                channel=words.channel,
                subject=words.text.subject,
                body=words.text.body,
                parts=words.parts,
                problem=words.problem,
            )
            for words in step.words
        ]
        return cls(**shared, texts=texts)


class Preview(BaseModel):
    """Every step, in order."""

    model_config = example(items=[])

    items: list[PreviewedStep]
