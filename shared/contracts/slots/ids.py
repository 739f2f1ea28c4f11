"""Slot ids: opaque, signed, good for an hour; booking verifies them without asking anybody."""

from base64 import b32decode, b32encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from hmac import compare_digest
from hmac import new as hmac
from uuid import UUID

from shared.errors import Kind, Problem, invalid

SLOT_ID_LIFETIME = timedelta(hours=1)
_MAC_BYTES = 16


@dataclass(frozen=True, slots=True)
class SlotId:
    """What an opaque slot id says: this schedule, this start, valid until."""

    schedule_id: UUID
    start: datetime
    expires: datetime

    def sign(self, key: str, tenant: UUID) -> str:
        """64 characters of `[a-z2-7]`: schedule, start and expiry under an HMAC that also covers the tenant."""
        body = self.schedule_id.bytes + _seconds(self.start) + _seconds(self.expires)
        return b32encode(body + _mac(key, tenant, body)).decode().lower()

    @classmethod
    def verify(cls, value: str, key: str, tenant: UUID, now: datetime) -> "SlotId":
        """Reads a slot id. Raises Problem `slot_invalid` (forged, cut, another practice's) or `slot_expired`."""
        try:
            raw = b32decode(value.upper())
        except ValueError:
            raw = b""
        body, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
        if len(raw) != 24 + _MAC_BYTES or not compare_digest(mac, _mac(key, tenant, body)):
            raise invalid(
                "slot_invalid",
                "This is no slot of this practice; take the id from GET /v1/slots unchanged.",
                field="slot",
            )
        slot = cls(
            schedule_id=UUID(bytes=body[:16]),
            start=datetime.fromtimestamp(int.from_bytes(body[16:20], "big"), UTC),
            expires=datetime.fromtimestamp(int.from_bytes(body[20:24], "big"), UTC),
        )
        if slot.expires <= now:
            raise Problem(Kind.GONE, "slot_expired", "This slot was offered too long ago; search again.", field="slot")
        return slot


def _seconds(moment: datetime) -> bytes:
    return int(moment.timestamp()).to_bytes(4, "big")


def _mac(key: str, tenant: UUID, body: bytes) -> bytes:
    return hmac(key.encode(), b"slot/1" + tenant.bytes + body, sha256).digest()[:_MAC_BYTES]
