"""Bodies about tasks."""

from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from services.notifications.domain.model import TaskStatus
from services.notifications.domain.secure import Author
from services.notifications.schemas.check_ins import CheckInBody
from services.notifications.schemas.examples import AT, ID, example
from services.notifications.schemas.messages import Decision
from services.notifications.schemas.secure import SecureMessageBody
from shared.bodies import Body
from shared.contracts.notifications import TaskOutcome

_TASK = {
    "id": ID,
    "client_id": ID,
    "outreach_id": ID,
    "appointment_id": None,
    "provider_id": None,
    "kind": "call_client",
    "status": "open",
    "owner": None,
    "opened_at": AT,
    "due_at": "2026-03-03T15:04:05Z",
    "closed_at": None,
    "outcome": None,
    "version": 1,
}


class TaskBody(BaseModel):
    """Something that a person at the practice should do."""

    model_config = example(**_TASK)

    id: UUID
    client_id: UUID | None = Field(description="None where a text came from a number that is no client's")
    outreach_id: UUID | None
    appointment_id: UUID | None = Field(description="The visit that it is about")
    provider_id: UUID | None = Field(description="Whom it is for, where that is one provider")
    kind: str
    status: TaskStatus
    owner: str | None = Field(description="Subject of whoever has taken it on")
    opened_at: AwareDatetime
    due_at: AwareDatetime
    closed_at: AwareDatetime | None
    outcome: TaskOutcome | None
    version: int


class TaskPage(BaseModel):
    items: list[TaskBody]
    next: str | None


class InboundText(BaseModel):
    """What a client wrote."""

    received_at: AwareDatetime
    meaning: str
    body: str


class WrittenBody(BaseModel):
    """Something that was written, on the page, by text or by mail."""

    model_config = example(at=AT, author="client", by="text", body="My car broke down.")

    at: AwareDatetime
    author: Author
    by: Literal["page", "text", "mail"]
    body: str


class TaskStory(TaskBody):
    """A task with what led to it: the text that it's about, and what was decided about the client lately."""

    model_config = example(**_TASK, text=None, messages=[], check_in=None, barrier=None, written=[], decisions=[])

    text: InboundText | None
    messages: list[SecureMessageBody] = Field(description="What the client wrote on their page")
    check_in: CheckInBody | None = Field(description="How the client said that they are")
    barrier: str | None = Field(description="What the client named as in the way, where the task is of an outreach")
    written: list[WrittenBody] = Field(
        description="What client and practice wrote lately, however: the last twenty, the newest first"
    )
    decisions: list[Decision] = Field(description="The last hundred, the newest first")


class Outcome(Body):
    """What came of a task."""

    model_config = example(outcome="reached")

    outcome: TaskOutcome = "done"
