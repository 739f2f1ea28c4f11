"""What services ask or tell booking directly: how visits stand now, and that a client is there."""

from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field


class Standing(BaseModel):
    """Versions of a visit and of every visit of its client that has changed since."""

    model_config = ConfigDict(
        frozen=True, json_schema_extra={"example": {"sequences": {"0199f3a2-7c1e-7b6a-9d53-2f1f6a1c9e10": 3}}}
    )

    sequences: dict[UUID, int] = Field(description="Appointment id → `sequence` of its newest event")


class VisitStanding(BaseModel):
    """Of a visit what others keep a copy of: whose time it takes, and its version."""

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={
            "example": {
                "id": "0199f3a2-7c1e-7b6a-9d53-2f1f6a1c9e10",
                "sequence": 2,
                "provider_id": "0199f3a2-7c1e-7b6a-9d53-2f1f6a1c9e11",
                "schedule_id": "0199f3a2-7c1e-7b6a-9d53-2f1f6a1c9e12",
                "client_id": "0199f3a2-7c1e-7b6a-9d53-2f1f6a1c9e13",
                "room_id": None,
                "starts_at": "2026-03-04T14:00:00Z",
                "ends_at": "2026-03-04T14:50:00Z",
                "occupied_from": "2026-03-04T14:00:00Z",
                "occupied_to": "2026-03-04T15:00:00Z",
                "free": False,
            }
        },
    )

    id: UUID
    sequence: int
    provider_id: UUID
    schedule_id: UUID
    client_id: UUID
    room_id: UUID | None
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    occupied_from: AwareDatetime
    occupied_to: AwareDatetime
    free: bool = Field(description="Called off: it takes no time any more")


class VisitStandings(BaseModel):
    """A page of the visits to come of a practice, those that were called off too."""

    items: list[VisitStanding]
    next: str | None


class Attendance(BaseModel):
    """A client is there, says somebody at the practice."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"example": {"said_by": "staff-1"}})

    said_by: str = Field(min_length=1, max_length=200, description="Their subject")
