"""Messages that stay in the house: a client and the practice write to each other, and read it here by a link."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

Author = Literal["client", "practice"]
SecureKind = Literal["message", "concern"]
LONGEST = 4000
"""Characters of a message."""
ANSWERED: tuple[str, ...] = ("answer_message", "concern")
"""Tasks that are done when the practice has written back."""


@dataclass(frozen=True, slots=True)
class SecureMessage:
    """What one side wrote; `task_id` is the task that a client's message has become, `read_at` when the other side
    said that it has read it.
    """

    id: UUID
    client_id: UUID
    author: Author
    written_by: str
    kind: SecureKind
    body: str
    written_at: datetime
    task_id: UUID | None = None
    read_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Conversation:
    """How it stands with one client: what the practice has not read, and by when it should have answered."""

    client_id: UUID
    last_at: datetime
    unread: int
    due_at: datetime | None
