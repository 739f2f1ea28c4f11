"""What people answer to a mail: what of it they have written themselves, and what that means."""

import re
from contextlib import suppress
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesHeaderParser
from email.utils import parseaddr
from hashlib import sha256
from typing import Literal
from uuid import UUID

from services.notifications.domain.crisis import danger
from services.notifications.domain.inbound import meaning
from services.notifications.domain.mail_pages import decoded, text_of
from services.notifications.domain.mail_reports import OURS, SHORT, opened

ReplyMeaning = Literal["safety", "opt_out", "other"]

MOST_WORDS = 10_000
UNREADABLE = "[This mail could not be read here: please look for it in the practice's mailbox.]"
_AT_A_TIME, _SHARED = 5_000, 300
"""Characters of a long letter that are looked at for words of danger in one go, and twice at its seams."""
_MOST_SEARCHED = 100_000
"""Characters of a letter's beginning, and of its end: nobody writes both."""

_NO_LETTERS = frozenset(("calendar", "vcard", "x-vcard", "directory"))
"""Texts that no person writes."""
_OF_MANY = (
    "List-Id",
    "List-Unsubscribe",
    "Precedence",
    "Feedback-ID",
)
"""What mailing lists write, in a mail that answers none of ours."""
_OF_MACHINES = ("X-Autoreply", "X-Autorespond")
"""What those write that don't know of RFC 3834."""
_FORGED = re.compile(r"\b(?:dmarc|spf)=(?:fail|softfail)\b", re.IGNORECASE)
_WRITES = re.compile(r"(?:On|El) .{3,}")
_WROTE = re.compile(r".{5,300} (?:wrote|escribi\u00f3):")
_DIVIDES = re.compile(r"(?:-{4,} ?\w[\w ]{0,40}-{4,}|_{8,})")
_FROM = re.compile(r"\W{0,3}(?:From|De)\W{0,3}:", re.IGNORECASE)
_FIELD = re.compile(r"\W{0,3}(?:Sent|Date|To|Subject|Enviado(?: el)?|Fecha|Para|Asunto)\W{0,3}:", re.IGNORECASE)
_SIGNED = re.compile(r"(?:sent|enviado) (?:from|with|via|desde|con) |(?:get|obt\u00e9n|obtener) outlook ", re.I)
_AGAIN = re.compile(r"(?:(?:re|rv|fwd?|aw|sv)\s{0,3}(?:\[\d\])?:\s{0,3})+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class MailReply:
    """What somebody wrote, to one of our mails where `message_id` is its; `mail_id` is theirs, `sender` whom it says
    it is from.
    """

    mail_id: str
    message_id: UUID | None
    words: str
    meaning: ReplyMeaning = "other"
    sender: str | None = None
    more: bool = False
    """Whether somebody who opts out has written something else beside it."""
    doubtful: bool = False
    """The mail server that took it in says that it isn't from where it says it is (RFC 8601)."""


def read_reply(raw: bytes) -> MailReply | None:
    """What a person wrote to us by mail; None for what no person wrote (RFC 3834), or to many.

    A letter that can't be read is one still, with words that say so.
    """
    try:
        head = BytesHeaderParser(policy=SHORT).parsebytes(raw)
        answered = OURS.search(f"{head.get('In-Reply-To', '')} {head.get('References', '')}")
        automatic = str(head.get("Auto-Submitted", "no")).partition(";")[0].strip().lower() != "no"
        automatic |= any(name in head for name in _OF_MACHINES)
        automatic |= "auto_reply" in str(head.get("Precedence", "")).lower()
        if answered is None:
            automatic |= any(name in head for name in _OF_MANY) or str(head.get("Return-Path", "")).strip() == "<>"
        if automatic or head.get_content_type() == "multipart/report":
            return None
        mail_id = _clean(str(head.get("Message-ID", ""))).strip()[:500] or f"sha256:{sha256(raw).hexdigest()}"
        subject, sender = _subject(head), _clean(parseaddr(str(head.get("From", "")))[1]).lower() or None
    except Exception:  # noqa: BLE001 -- whatever the library meets is this mail's fault
        return None
    if answered is None and sender is None:
        return None
    try:
        letter = _letter(opened(raw), subject)
    except Exception:  # noqa: BLE001 -- as above, and a person has answered us
        said, _ = _own(raw.decode("utf-8", "replace"))
        letter = _Letter(UNREADABLE, "safety" if _speaks_of_danger(said) else "other")
    if letter is None:
        return None
    answers = UUID(answered[1]) if answered else None
    doubtful = _FORGED.search(" ".join(map(str, head.get_all("Authentication-Results", [])))) is not None
    return MailReply(mail_id, answers, letter.words, letter.meaning, sender, letter.more, doubtful)


@dataclass(frozen=True, slots=True)
class _Letter:
    words: str
    meaning: ReplyMeaning
    more: bool = False


def _letter(mail: Message, subject: str) -> _Letter | None:
    """What was written; None where nothing was."""
    found = _Found([], [])
    _gather(mail, found)
    body = "\n\n".join(found.words).strip()
    paragraphs = re.split(r"\n\s*\n", _unsigned(body), maxsplit=1)
    again, bare = _AGAIN.match(subject) is not None, _AGAIN.sub("", subject, count=1)
    in_danger = _speaks_of_danger(subject)
    opted_out = meaning((paragraphs[0] or bare)[:_AT_A_TIME]) == "opt_out"
    if subject and (not again or in_danger or (opted_out and not paragraphs[0])):
        body = f"{subject}\n\n{body}".strip()
    if not body and not found.others:
        return None
    words = body[:MOST_WORDS].strip() or UNREADABLE
    if in_danger or any(map(_speaks_of_danger, found.said)):
        return _Letter(words, "safety")
    return _Letter(words, "opt_out" if opted_out else "other", more=len(paragraphs) > 1)


@dataclass(slots=True)
class _Found:
    """What a mail's parts hold: words to read, all that may speak of danger, and what is no text."""

    words: list[str]
    said: list[str]
    others: bool = False


def _gather(part: Message, found: _Found) -> None:
    """Of a part's other forms the first that says something; of a mail within a mail nothing, as somebody quotes it."""
    payload = part.get_payload()
    if part.get_content_maintype() == "message" or part.get_content_subtype() in _NO_LETTERS:
        found.others = True
    elif isinstance(payload, list):
        before = len(found.words)
        for one in (one for one in payload if isinstance(one, Message)):
            already = len(found.words)
            _gather(one, found)
            if part.get_content_type() == "multipart/alternative" and already > before:
                del found.words[already:]
    elif part.get_content_maintype() in ("text", "multipart"):
        told = _clean(decoded(part))
        said, words = _own(text_of(told) if part.get_content_type() == "text/html" else told)
        found.said.append(said)
        found.words += [words] if words else []
    else:
        found.others = True


def _own(told: str) -> tuple[str, str]:
    """All that isn't marked as quoted, and the same without the line that says who is."""
    lines = told.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    above = lines[: _answered_from(lines)]
    # Where nothing stands above what is answered, it was written below.
    lines = above if any(_unsigned(line).strip() and not _quoted(line) for line in above) else lines
    own, said, at = [], [], 0
    while at < len(lines):
        wrote = _attribution(lines, at)
        said += lines[at : at + wrote] or ([] if _quoted(lines[at]) else [lines[at]])
        own += [] if wrote or _quoted(lines[at]) else [lines[at].rstrip()]
        at += wrote or 1
    return "\n".join(said), re.sub(r"\n{3,}", "\n\n", "\n".join(own)).strip()


def _quoted(line: str) -> bool:
    return line.startswith((">", " >"))


def _attribution(lines: list[str], at: int) -> int:
    """How many lines from here say who has written what was answered: "On Monday Maple wrote:", wrapped or not."""
    if not _WRITES.match(lines[at]):
        return 0
    for count in (1, 2, 3):
        taken = lines[at : at + count]
        if not taken[-1].strip() or (count > 1 and _WRITES.match(taken[-1])):
            return 0
        whole = " ".join(taken).strip()
        if len(whole) <= 400 and _WROTE.fullmatch(whole):
            below = next((line for line in lines[at + count : at + count + 3] if line.strip()), "")
            return count if _quoted(below) or re.search(r"[@\d]", whole) else 0
    return 0


def _answered_from(lines: list[str]) -> int:
    """At which line a mail program repeats the answered mail with its fields, under a line that divides."""
    for at, line in enumerate(lines):
        if _DIVIDES.fullmatch(line.strip()):
            fields = [one for one in lines[at + 1 : at + 9] if one.strip()]
            if fields and _FROM.match(fields[0]) and any(map(_FIELD.match, fields[1:5])):
                return at
    return len(lines)


def _unsigned(words: str) -> str:
    """Without what mail programs put below a letter."""
    lines = words.split("\n")
    end = next((at for at, line in enumerate(lines) if line.rstrip() == "--"), len(lines))
    return "\n".join(line for line in lines[:end] if not _SIGNED.match(line.strip())).strip()


def _speaks_of_danger(text: str) -> bool:
    """Looked for piece by piece: a long letter takes its time, and others shouldn't wait for it."""
    if len(text) > 2 * _MOST_SEARCHED:
        text = f"{text[:_MOST_SEARCHED]}\n{text[-_MOST_SEARCHED:]}"
    starts = range(0, len(text), _AT_A_TIME - _SHARED)
    return any(danger(text[start : start + _AT_A_TIME]) is not None for start in starts)


def _subject(head: Message) -> str:
    told = str(head.get("Subject", ""))
    with suppress(HeaderParseError, LookupError, ValueError):
        told = str(make_header(decode_header(told)))
    return " ".join(_clean(told).split())


def _clean(text: str) -> str:
    """Without what no database keeps: NUL, and halves of characters."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()
