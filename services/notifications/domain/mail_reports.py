"""What comes back of a mail: bounces (RFC 3464), complaints (RFC 5965), and what people answer."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, message_from_string
from email.message import Message
from html import unescape
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


MOST_WORDS = 10_000
_QUOTED = re.compile(r"^(>|On .{5,200} wrote:|El .{5,200} escribi\u00f3:|-{4,} ?Original|_{8,}|From: )", re.MULTILINE)
"""Where mail programs begin to repeat what was answered."""


@dataclass(frozen=True, slots=True)
class MailReply:
    """What somebody wrote back to one of our mails; `mail_id` is theirs."""

    mail_id: str
    message_id: UUID
    words: str


def read_reply(raw: bytes) -> MailReply | None:
    """The answer to one of our mails that a mail is; None for what no person wrote (RFC 3834), or not to us."""
    mail = message_from_bytes(raw)
    if str(mail.get("Auto-Submitted", "no")).strip().lower() != "no" or mail.get_content_type() == "multipart/report":
        return None
    answered = _OURS.search(f"{mail.get('In-Reply-To', '')} {mail.get('References', '')}")
    words = _words(mail)
    if answered is None or not words:
        return None
    return MailReply(str(mail.get("Message-ID") or answered[0])[:500], UUID(answered[1]), words)


def _words(mail: Message) -> str:
    """What was written, without what it answers; of a mail in HTML alone its text."""
    texts = {part.get_content_type(): part for part in reversed(list(mail.walk())) if not part.is_multipart()}
    part = texts.get("text/plain") or texts.get("text/html")
    if part is None:
        return ""
    payload = part.get_payload(decode=True)
    try:
        told = payload.decode(part.get_content_charset("utf-8"), "replace") if isinstance(payload, bytes) else ""
    except LookupError:
        told = payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""
    if part.get_content_type() == "text/html":
        told = unescape(re.sub(r"<[^>]*>", " ", re.sub(r"(?is)<(style|script)\b.*?</\1>|<br\s*/?>|</p>", "\n", told)))
    told = told.replace("\r\n", "\n").replace("\x00", "")
    quoted = _QUOTED.search(told)
    return (told[: quoted.start()] if quoted else told).strip()[:MOST_WORDS]


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
