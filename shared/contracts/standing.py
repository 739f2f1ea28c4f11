"""What booking answers when a service must know how visits stand now, not how the last event told it."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class Standing(BaseModel):
    """Versions of a visit and of every visit of its client that has changed since."""

    model_config = ConfigDict(
        frozen=True, json_schema_extra={"example": {"sequences": {"0199f3a2-7c1e-7b6a-9d53-2f1f6a1c9e10": 3}}}
    )

    sequences: dict[UUID, int] = Field(description="Appointment id → `sequence` of its newest event")
