"""Bodies about tasks."""

from uuid import UUID

from pydantic import AwareDatetime, BaseModel

from services.notifications.schemas.examples import AT, ID, example


class TaskBody(BaseModel):
    """Something that a person at the practice should do."""

    model_config = example(id=ID, client_id=ID, outreach_id=ID, kind="call_client", opened_at=AT)

    id: UUID
    client_id: UUID
    outreach_id: UUID | None
    kind: str
    opened_at: AwareDatetime


class TaskPage(BaseModel):
    items: list[TaskBody]
    next: str | None
