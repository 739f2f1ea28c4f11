"""Who is in care."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from shared.contracts.booking import ClientDischarged, ClientRegistered
from shared.errors import conflict


@dataclass(frozen=True, slots=True)
class Client:
    """Somebody in care, or who was. The name stays in booking."""

    id: UUID
    name: str
    registered_at: datetime
    sequence: int = 1
    discharged_at: datetime | None = None


def register(client: Client) -> ClientRegistered:
    return ClientRegistered(sequence=client.sequence, client_id=client.id)


def check_in_care(client: Client) -> None:
    """Raises Problem `client_discharged`."""
    if client.discharged_at is not None:
        raise conflict(
            "client_discharged",
            "This client was discharged; readmit the client before you book for them.",
            field="client_id",
        )


def discharge(client: Client, visits_to_come: int, now: datetime) -> tuple[Client, ClientDischarged] | None:
    """None for one who is discharged already. Raises Problem `visits_to_come`: first these are to be called off."""
    if client.discharged_at is not None:
        return None
    if visits_to_come:
        raise conflict(
            "visits_to_come",
            f"Visits to come: {visits_to_come}. Call them off first, or have them called off by `cancel_visits`.",
            visits=visits_to_come,
        )
    changed = replace(client, discharged_at=now, sequence=client.sequence + 1)
    return changed, ClientDischarged(sequence=changed.sequence, client_id=client.id)


def readmit(client: Client) -> tuple[Client, ClientRegistered] | None:
    """None for one who is in care."""
    if client.discharged_at is None:
        return None
    changed = replace(client, discharged_at=None, sequence=client.sequence + 1)
    return changed, register(changed)
