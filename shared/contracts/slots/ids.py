"""Slot ids: opaque, signed, good for an hour; booking verifies them without asking anybody."""

from base64 import b64decode, b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hmac import compare_digest, digest
from uuid import UUID

from shared.errors import Kind, Problem, invalid

SLOT_ID_LIFETIME = timedelta(hours=1)
_MAC_BYTES = 16
TERMS_BYTES = 4
_BODY_BYTES = 24 + TERMS_BYTES
_ALPHABET = b".-"
"""In place of `+` and `/`: what a FHIR id may hold."""


@dataclass(frozen=True, slots=True)
class SlotId:
    """What an opaque slot id says: this schedule, this start, valid until, on these terms (`Plan.terms`)."""

    schedule_id: UUID
    start: datetime
    expires: datetime
    terms: bytes | None = None
    """None where nobody was offered anything: on the terms of the schedule as it stands."""

    def sign(self, key: str, tenant: UUID) -> str:
        """59 characters of `[A-Za-z0-9.-]`, its HMAC over the tenant too; only what has terms is offered."""
        if self.terms is None:
            raise ValueError("a slot is offered on terms")
        start, expires = int(self.start.timestamp()), int(self.expires.timestamp())
        return sign_slot(self.schedule_id, self.terms, start, expires, key.encode(), tenant)

    @classmethod
    def verify(cls, value: str, key: str, tenant: UUID, now: datetime) -> "SlotId":
        """Reads a slot id. Raises Problem `slot_invalid` (forged, cut, another practice's) or `slot_expired`."""
        try:
            raw = b64decode(value + "=" * (-len(value) % 4), _ALPHABET, validate=True)
        except ValueError:
            raw = b""
        if _text(raw) != value:
            raw = b""
        body, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
        if len(raw) != _BODY_BYTES + _MAC_BYTES or not compare_digest(mac, _mac(key.encode(), tenant, body)):
            raise invalid(
                "slot_invalid",
                "This is no slot of this practice; take the id from GET /v1/slots unchanged.",
                field="slot",
            )
        slot = cls(
            schedule_id=UUID(bytes=body[:16]),
            start=datetime.fromtimestamp(int.from_bytes(body[16:20], "big"), UTC),
            expires=datetime.fromtimestamp(int.from_bytes(body[20:24], "big"), UTC),
            terms=body[24:],
        )
        if slot.expires <= now:
            raise Problem(Kind.GONE, "slot_expired", "This slot was offered too long ago; search again.", field="slot")
        return slot


def sign_slot(schedule_id: UUID, terms: bytes, start: int, expires: int, key: bytes, tenant: UUID) -> str:
    """A slot id by whole seconds since 1970: a search signs hundreds."""
    body = schedule_id.bytes + start.to_bytes(4, "big") + expires.to_bytes(4, "big") + terms
    return _text(body + _mac(key, tenant, body))


def _text(raw: bytes) -> str:
    return b64encode(raw, _ALPHABET).decode().rstrip("=")


def _mac(key: bytes, tenant: UUID, body: bytes) -> bytes:
    return digest(key, b"slot/2" + tenant.bytes + body, "sha256")[:_MAC_BYTES]
