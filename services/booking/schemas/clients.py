"""Bodies about clients."""

from uuid import UUID

from pydantic import AwareDatetime, BaseModel

from services.booking.domain.clients import Client
from services.booking.schemas.examples import ID, example
from shared.bodies import Body, Name


class NewClient(Body):
    """A client to register. The name stays in booking; contact details go to notifications."""

    model_config = example(name="Sam Rivera")

    name: Name


class ClientBody(BaseModel):
    """A registered client."""

    model_config = example(id=ID, name="Sam Rivera", registered_at="2026-03-02T15:04:05Z")

    id: UUID
    name: str
    registered_at: AwareDatetime

    @classmethod
    def of(cls, client: Client) -> "ClientBody":
        return cls(id=client.id, name=client.name, registered_at=client.registered_at)
