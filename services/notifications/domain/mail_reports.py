"""What mail servers and mail programs report of a mail: bounces (RFC 3464) and complaints (RFC 5965)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, message_from_string
from email.message import Message
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
_OURS = re.compile(r"<([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})@[^<>\s]+>", re.IGNORECASE)
"""A Message-ID as we make them."""
_STATUS = re.compile(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}")
_ADDRESS = re.compile(r"[^\s;<>]+@[^\s;<>]+")
_NOBODY_THERE = frozenset(("5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"))
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
        return self.status in _NOBODY_THERE


def read(raw: bytes) -> MailReport | None:
    """The report that a mail is; None where it is something else, such as a letter or an automatic answer."""
    mail = message_from_bytes(raw)
    if mail.get_content_type() != "multipart/report":
        return None
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
        found = _OURS.search(str(returned.get("Message-ID", ""))) if returned is not None else None
        if found is not None:
            yield UUID(found[1])


def _headers(payload: object) -> Message | None:
    if isinstance(payload, str):
        return message_from_string(payload)
    return payload[0] if isinstance(payload, list) and payload and isinstance(payload[0], Message) else None
