"""Bodies about messages that stay in the house."""

from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from services.notifications.domain.secure import LONGEST, Author, SecureKind
from services.notifications.schemas.examples import AT, ID, example
from shared.bodies import Body


class NewSecureMessage(Body):
    """What somebody writes."""

    model_config = example(body="Thank you for telling us. I'd like to call you on Thursday.", kind="message")

    body: str = Field(min_length=1, max_length=LONGEST, pattern=r"\S")
    kind: SecureKind = Field("message", description="A client's `concern` gets an owner and a due time")


class SecureMessageBody(BaseModel):
    """What one side wrote to the other."""

    model_config = example(
        id=ID,
        client_id=ID,
        author="client",
        written_by="link",
        kind="concern",
        body="I waited half an hour last time.",
        written_at=AT,
        read_at=None,
        task_id=ID,
        called_at=None,
    )

    id: UUID
    client_id: UUID
    author: Author
    written_by: str = Field(description="Subject of the token, or `link`")
    kind: SecureKind
    body: str
    written_at: AwareDatetime
    read_at: AwareDatetime | None = Field(description="When the other side said that it has read it")
    task_id: UUID | None = Field(description="What the practice is asked to do about it")
    called_at: AwareDatetime | None = Field(None, description="When the practice answered it by call")
    in_danger: bool = Field(
        False, description="When it is written: it speaks of danger, and whoever took it shows 988 and 911 now"
    )


class SecureMessagePage(BaseModel):
    """What was written, the newest first, and how much of it either side has not read."""

    items: list[SecureMessageBody]
    next: str | None
    unread_by_client: int
    unread_by_practice: int


class ReadBody(BaseModel):
    """How many messages had not been read."""

    model_config = example(read=2)

    read: int


class ConversationBody(BaseModel):
    """How it stands with one client."""

    model_config = example(client_id=ID, last_at=AT, unread=1, due_at=AT)

    client_id: UUID
    last_at: AwareDatetime
    unread: int = Field(description="What the practice has not read")
    due_at: AwareDatetime | None = Field(description="By when the practice should have answered")


class ConversationPage(BaseModel):
    items: list[ConversationBody]
    next: str | None
