"""Bodies about slots that are kept."""

from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from services.booking.domain.holds import Hold
from services.booking.schemas.examples import ID, SLOT, example
from shared.bodies import Body


class NewHold(Body):
    """A slot to keep for somebody who is about to book it."""

    model_config = example(slot=SLOT, client_id=ID)

    slot: str = Field(min_length=1, max_length=200, description="Opaque id of an offered slot")
    client_id: UUID | None = Field(None, description="For whom, where that is known already")


class HoldBody(BaseModel):
    """A slot that is kept until `expires_at`; send its id along when you book."""

    model_config = example(
        id=ID,
        schedule_id=ID,
        provider_id=ID,
        client_id=None,
        start="2026-03-04T14:00:00Z",
        end="2026-03-04T14:50:00Z",
        expires_at="2026-03-02T15:09:05Z",
        extensions_left=2,
    )

    id: UUID
    schedule_id: UUID
    provider_id: UUID
    client_id: UUID | None
    start: AwareDatetime
    end: AwareDatetime
    expires_at: AwareDatetime
    extensions_left: int = Field(description="How often five minutes more can be had")

    @classmethod
    def of(cls, kept: Hold) -> "HoldBody":
        return cls(**{name: getattr(kept, name) for name in cls.model_fields})
