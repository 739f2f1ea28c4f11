"""Messages that stay in the house: a client and the practice write to each other, and read it here by a link."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from shared.errors import invalid

Author = Literal["client", "practice"]
SecureKind = Literal["message", "concern"]
LONGEST = 4000
"""Characters of a message."""
LONGEST_SENT = 2 * LONGEST
"""As a form sends it: a browser counts the end of a line as one character and sends two."""
ANSWERED: tuple[str, ...] = ("answer_message", "concern", "read_reply")
"""Tasks that are done when the practice has written back."""


def typed(body: str) -> str:
    """What was typed into a form: without what no database keeps. Raises Problem `too_long`."""
    text = body.replace("\x00", "").replace("\r\n", "\n").strip()
    if len(text) > LONGEST:
        raise invalid("too_long", f"Please write at most {LONGEST} characters at a time.", field="body")
    return text


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
class Written:
    """Something that client and practice have written to each other, however."""

    at: datetime
    author: Author
    by: Literal["page", "text", "mail"]
    body: str
    kind: SecureKind
    read_at: datetime | None


@dataclass(frozen=True, slots=True)
class Conversation:
    """How it stands with one client: what the practice has not read, and by when it should have answered."""

    client_id: UUID
    last_at: datetime
    unread: int
    due_at: datetime | None
