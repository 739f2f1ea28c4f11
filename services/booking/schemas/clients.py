"""Bodies about clients."""

from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from services.booking.domain.clients import Client
from services.booking.schemas.examples import ID, example
from shared.bodies import Body, Name


class NewClient(Body):
    """A client to register. The name stays in booking; contact details go to notifications."""

    model_config = example(name="Sam Rivera")

    name: Name


class PersonalLink(BaseModel):
    """Addresses that let whoever has them act as this client until they expire; hand them to nobody else."""

    model_config = example(
        portal="https://care.example.org/booking/me/…",
        book="https://care.example.org/booking/book/…",
        expires_at="2026-04-01T15:04:05Z",
    )

    portal: str
    book: str
    expires_at: AwareDatetime


class Discharge(Body):
    """The end of a client's care."""

    model_config = example(cancel_visits=True)

    cancel_visits: bool = Field(False, description="Call off the visits to come; without it they stand in the way")


class ClientBody(BaseModel):
    """A registered client."""

    model_config = example(id=ID, name="Sam Rivera", registered_at="2026-03-02T15:04:05Z", discharged_at=None)

    id: UUID
    name: str
    registered_at: AwareDatetime
    discharged_at: AwareDatetime | None = Field(description="Since when the client is in care no more")

    @classmethod
    def of(cls, client: Client) -> "ClientBody":
        return cls(**{name: getattr(client, name) for name in cls.model_fields})
