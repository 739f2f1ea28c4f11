"""Bodies about check-ins between sessions."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from services.notifications.domain.check_ins import CheckInAnswer, CheckInPlan
from services.notifications.schemas.examples import AT, ID, example
from shared.bodies import Body

_CHECK_IN = {
    "id": ID,
    "client_id": ID,
    "appointment_id": ID,
    "provider_id": ID,
    "due_at": AT,
    "answer": "so_so",
    "answered_at": AT,
    "task_id": ID,
}


class CheckInPlanBody(BaseModel):
    """A version of the check-in plan; 0 asks nobody."""

    model_config = example(version=1, plan={"steps": [{"after": "P3D"}], "reader": None})

    version: int
    plan: CheckInPlan


class NewCheckInAnswer(Body):
    model_config = example(answer="so_so")

    answer: CheckInAnswer


class CheckInBody(BaseModel):
    """A question how a client is, and the answer; its task tells who reads it."""

    model_config = example(**_CHECK_IN)

    id: UUID
    client_id: UUID
    appointment_id: UUID = Field(description="The visit that it follows")
    provider_id: UUID
    due_at: datetime
    answer: CheckInAnswer | None
    answered_at: datetime | None
    task_id: UUID | None = Field(description="The task of whoever reads the answer")


class CheckInPage(BaseModel):
    items: list[CheckInBody]
    next: str | None
