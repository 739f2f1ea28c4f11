"""What comes back of a mail: bounces (RFC 3464) and complaints (RFC 5965), however they are damaged."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from email.parser import BytesHeaderParser, HeaderParser
from email.policy import Compat32
from typing import Literal
from uuid import UUID

MailMeaning = Literal["failed", "delayed", "delivered", "complaint"]
_ACTIONS: dict[str, MailMeaning] = {
    "failed": "failed",
    "delayed": "delayed",
    "delivered": "delivered",
    "relayed": "delivered",
    "expanded": "delivered",
}
OURS = re.compile(r"<([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})@[^<>\s]+>", re.IGNORECASE)
"""A Message-ID as we make them."""
_STATUS = re.compile(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}")
_ADDRESS = re.compile(r"[^\s;<>@]+@[^\s;<>]+")
_MOST_OF_A_FIELD = 1_000
"""Of a field's beginning, and of its end where it is longer than both: mail programs write less."""
_HOLDS_PARTS = re.compile(rb"(?:^|[\r\n])content-type:\s*(?:multipart|message)/", re.IGNORECASE)
_PARTED = re.compile(rb"[\r\n]--")
_MOST_LAYERS, _MOST_PARTS = 20, 1_000
_MOST_OF_A_REPORT = 200_000
"""Bytes: below them is only what the mail that came back said."""
NOBODY_THERE = frozenset(("5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"))
"""Of a recipient (RFC 3463, 7505): no such mailbox or domain, no address, moved away, takes no mail, disabled."""


@dataclass(frozen=True, slots=True)
class MailReport:
    """What became of one mail, as somebody else reports."""

    meaning: MailMeaning
    message_id: UUID
    status: str | None = None
    recipient: str | None = None

    @property
    def reason(self) -> str:
        return f"smtp_{self.status}" if self.status else "smtp_bounced"

    @property
    def nobody_there(self) -> bool:
        return self.status in NOBODY_THERE


class _Short(Compat32):
    """Reads fields without their middle where they are longer than any: the library takes some lengths squared."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        if len(value) > 2 * _MOST_OF_A_FIELD:
            value = f"{value[:_MOST_OF_A_FIELD]} {value[-_MOST_OF_A_FIELD:]}"
        return name, value


SHORT = _Short()


def opened(raw: bytes) -> Message:
    """A mail in its parts. Raises ValueError where it has more of them, or deeper ones, than a mail has."""
    if len(_HOLDS_PARTS.findall(raw)) > _MOST_LAYERS or len(_PARTED.findall(raw)) > _MOST_PARTS:
        raise ValueError("a mail of more parts than anybody reads")
    return message_from_bytes(raw, policy=SHORT)


def read(raw: bytes) -> MailReport | None:
    """The report that a mail is; None where it is something else, such as a letter, or nothing that can be read."""
    try:
        if BytesHeaderParser(policy=SHORT).parsebytes(raw).get_content_type() != "multipart/report":
            return None
        return _report(opened(raw[:_MOST_OF_A_REPORT]))
    except Exception:  # noqa: BLE001 -- whatever the library meets is this mail's fault
        return None


def _report(mail: Message) -> MailReport | None:
    parts = list(mail.walk())
    message_id = next(_ids(parts), None)
    if message_id is None:
        return None
    for part in parts:
        kind = part.get_content_type()
        if kind == "message/feedback-report":
            return MailReport("complaint", message_id)
        if kind == "message/delivery-status":
            return _delivery(part, message_id)
    return None


def _delivery(part: Message, message_id: UUID) -> MailReport | None:
    for fields in _blocks(part):
        action = str(fields.get("Action", "")).strip().lower()
        meaning = _ACTIONS.get(action)
        if meaning is None:
            continue
        status = _STATUS.search(str(fields.get("Status", "")))
        recipient = str(fields.get("Original-Recipient") or fields.get("Final-Recipient") or "")
        address = _ADDRESS.search(recipient)
        return MailReport(meaning, message_id, status[0] if status else None, address[0].lower() if address else None)
    return None


def _blocks(part: Message) -> list[Message]:
    """Groups of fields: of the report, then of each recipient."""
    payload = part.get_payload()
    return [one for one in payload if isinstance(one, Message)] if isinstance(payload, list) else []


def _ids(parts: list[Message]) -> Iterator[UUID]:
    """Of the mail that came back, whole or its headers alone."""
    for part in parts:
        kind, payload = part.get_content_type(), part.get_payload()
        returned: Message | None = None
        if kind == "message/rfc822" and isinstance(payload, list) and payload and isinstance(payload[0], Message):
            returned = payload[0]
        elif kind in ("text/rfc822-headers", "message/rfc822-headers"):
            returned = _headers(payload)
        found = OURS.search(str(returned.get("Message-ID", ""))) if returned is not None else None
        if found is not None:
            yield UUID(found[1])


def _headers(payload: object) -> Message | None:
    if isinstance(payload, str):
        return HeaderParser(policy=SHORT).parsestr(payload)
    return payload[0] if isinstance(payload, list) and payload and isinstance(payload[0], Message) else None
