"""Private feeds: a calendar of a provider's or a client's visits, for whoever has its address."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Literal
from uuid import UUID

from shared.errors import not_found

Titles = Literal["opaque", "kind"]
"""What a visit is called in the feed: nothing that says what it is, or the practice's name of its type."""

LOOK_BACK, LOOK_AHEAD = timedelta(days=30), timedelta(days=365)
MOST = 5_000
SECRET_BYTES = 24


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed's address is its only key, and kept as a hash alone."""

    id: UUID
    provider_id: UUID | None
    client_id: UUID | None
    titles: Titles
    token_hash: bytes
    created_at: datetime
    created_by: str
    revoked_at: datetime | None = None


def token(tenant: UUID, secret: bytes) -> str:
    """An address's secret part; it names the practice, in whose rows alone it is looked for."""
    return urlsafe_b64encode(tenant.bytes + secret).decode()


def read_token(text: str) -> tuple[UUID, bytes]:
    """The practice, and the hash to look for. Raises Problem `calendar_not_found`."""
    try:
        raw = urlsafe_b64decode(text.encode("ascii"))
    except ValueError:
        raw = b""
    if len(raw) != 16 + SECRET_BYTES:
        raise unknown()
    return UUID(bytes=raw[:16]), token_hash(raw[16:])


def token_hash(secret: bytes) -> bytes:
    return sha256(secret).digest()


def unknown() -> Exception:
    return not_found("calendar", "There is no such calendar, or its address was revoked.")
