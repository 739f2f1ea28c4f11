"""Bodies about outreach."""

from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from services.notifications.domain.outreach import Outreach
from services.notifications.schemas.examples import AT, ID, example
from shared.contracts.feedback import Barrier
from shared.contracts.notifications import OutreachEnd, OutreachTrigger


class OutreachBody(BaseModel):
    """An outreach: after one miss, or after the last visit of whoever doesn't come back."""

    model_config = example(
        id=ID,
        client_id=ID,
        appointment_id=ID,
        flow_version=0,
        status="ended",
        step=1,
        held_out=False,
        barrier="transport",
        end_reason="rebooked",
        rebooked_appointment_id=ID,
        started_at=AT,
        ended_at=AT,
        trigger="missed",
    )

    id: UUID
    client_id: UUID
    appointment_id: UUID
    flow_version: int
    status: Literal["running", "ended"]
    step: int = Field(description="Which step of the flow is due next, from 0; as many as there are steps: none")
    held_out: bool
    barrier: Barrier | None
    end_reason: OutreachEnd | None
    rebooked_appointment_id: UUID | None
    started_at: AwareDatetime
    ended_at: AwareDatetime | None
    trigger: OutreachTrigger

    @classmethod
    def of(cls, run: Outreach) -> "OutreachBody":
        return cls.model_validate(run)


class OutreachPage(BaseModel):
    items: list[OutreachBody]
    next: str | None
