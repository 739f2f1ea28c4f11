"""Links in messages: a signed, expiring capability for one thing.

64 URL-safe characters, so that it fits a text message with room to spare. The purpose is part of what
is signed, not of what is sent: a link for one purpose is worthless for another.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from hmac import compare_digest
from hmac import new as hmac
from uuid import UUID

from shared.errors import Kind, Problem

_MAC_BYTES = 12
_BODY_BYTES = 36


@dataclass(frozen=True, slots=True)
class Capability:
    """May do `purpose` with `subject` of `tenant` until `expires` (whole seconds)."""

    purpose: str
    tenant: UUID
    subject: UUID
    expires: datetime

    def sign(self, key: str) -> str:
        seconds = int(self.expires.timestamp()).to_bytes(4, "big")
        body = self.tenant.bytes + self.subject.bytes + seconds
        return urlsafe_b64encode(body + _mac(key, self.purpose, body)).decode()

    @classmethod
    def verify(cls, link: str, key: str, purpose: str, now: datetime) -> "Capability":
        """Reads a link. Raises Problem `link_invalid` (404) or `link_expired` (410)."""
        try:
            raw = urlsafe_b64decode(link.encode("ascii"))
        except ValueError:
            raw = b""
        body, mac = raw[:_BODY_BYTES], raw[_BODY_BYTES:]
        if len(raw) != _BODY_BYTES + _MAC_BYTES or not compare_digest(mac, _mac(key, purpose, body)):
            raise Problem(Kind.NOT_FOUND, "link_invalid", "This link is not complete; open it from the message again.")
        expires = datetime.fromtimestamp(int.from_bytes(body[32:], "big"), UTC)
        if expires <= now:
            raise Problem(Kind.GONE, "link_expired", "This link has expired; please call the practice.")
        return cls(purpose, UUID(bytes=body[:16]), UUID(bytes=body[16:32]), expires)

    @classmethod
    def verify_one_of(cls, link: str, key: str, purposes: Sequence[str], now: datetime) -> "Capability":
        """Reads a link that may be for one of several purposes. Raises as `verify` does."""
        *others, last = purposes
        for purpose in others:
            try:
                return cls.verify(link, key, purpose, now)
            except Problem as problem:
                if problem.kind is not Kind.NOT_FOUND:
                    raise
        return cls.verify(link, key, last, now)


def _mac(key: str, purpose: str, body: bytes) -> bytes:
    return hmac(key.encode(), f"link/1/{purpose}/".encode() + body, sha256).digest()[:_MAC_BYTES]
