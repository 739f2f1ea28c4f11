"""Who is in care."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.contracts.booking import ClientRegistered


@dataclass(frozen=True, slots=True)
class Client:
    """Somebody in care. The name stays in booking."""

    id: UUID
    name: str
    registered_at: datetime
    sequence: int = 1


def register(client: Client) -> ClientRegistered:
    return ClientRegistered(sequence=client.sequence, client_id=client.id)
