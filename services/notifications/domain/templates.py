"""A message in words: a neutral sender, date, time, phone and an opaque link; never what the care is about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from jinja2 import TemplateError

from services.notifications.domain.model import FROM_A_PERSON, REPLIES, Language, Message, Offer, Purpose, Sender, Visit
from services.notifications.domain.words import (
    DEFAULT_LANGUAGE,
    Words,
    default_words,
    fill,
    mail_page,
    manner,
)
from shared.capability import Capability
from shared.contracts.notifications import Channel

SMS_LENGTH = 160
LINK_LIFETIME = timedelta(days=14)
UNSUBSCRIBE_LIFETIME = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Links:
    """Makes the links of one tenant's messages."""

    tenant: UUID
    key: str
    booking: str
    feedback: str
    notifications: str

    def visit(self, visit: Visit, now: datetime, opens_on: Literal["visit", "remote", "evening"] = "visit") -> str:
        """To the visit's page, which opens on times that need no travel, or on evenings and weekends, where asked."""
        return f"{self.booking.rstrip('/')}/a/{self._sign(opens_on, visit, now)}"

    def survey(self, purpose: Literal["barrier", "alliance"], visit: Visit, now: datetime) -> str:
        return f"{self.feedback.rstrip('/')}/s/{self._sign(purpose, visit, now)}"

    def offer(self, offer: Offer, now: datetime) -> str:
        """To a freed time that can be taken."""
        return f"{self.booking.rstrip('/')}/w/{self._sign('offer', offer, now)}"

    def mails(self, client_id: UUID, now: datetime) -> str:
        """To where a client ends mails with one press, of a person or of a mail program (RFC 8058)."""
        link = Capability("mails", self.tenant, client_id, now + UNSUBSCRIBE_LIFETIME).sign(self.key)
        return f"{self.notifications.rstrip('/')}/u/{link}"

    def inbox(self, client_id: UUID, now: datetime, *, only_write: bool = False) -> str:
        """To where a client reads what the practice wrote and writes back; or only writes."""
        purpose = "write" if only_write else "inbox"
        link = Capability(purpose, self.tenant, client_id, now + LINK_LIFETIME).sign(self.key)
        return f"{self.notifications.rstrip('/')}/m/{link}"

    def portal(self, client_id: UUID, now: datetime) -> str:
        """To a client's own page, where they book."""
        link = Capability("client", self.tenant, client_id, now + LINK_LIFETIME).sign(self.key)
        return f"{self.booking.rstrip('/')}/me/{link}"

    def check_in(self, message_id: UUID, now: datetime) -> str:
        """To where a client says in one tap how they are, as the message asks."""
        link = Capability("check_in", self.tenant, message_id, now + LINK_LIFETIME).sign(self.key)
        return f"{self.notifications.rstrip('/')}/c/{link}"

    def _sign(self, purpose: str, about: Visit | Offer, now: datetime) -> str:
        expires = max(now, about.start) + LINK_LIFETIME
        return Capability(purpose, self.tenant, about.id, expires).sign(self.key)


@dataclass(frozen=True, slots=True)
class Text:
    """A rendered message; only mails have a subject, and a form as a page."""

    subject: str
    body: str
    html: str | None = None
    unsubscribe_url: str | None = None


class NoWords(ValueError):
    """A message can't be had by this channel; the code says why."""

    def __init__(self, code: str, told: str) -> None:
        super().__init__(told)
        self.code = code


@dataclass(frozen=True, slots=True)
class Tongue:
    """In which language somebody is written to, on which clock, and in which words where the practice has its own."""

    language: Language = DEFAULT_LANGUAGE
    zone: str | None = None
    own: Mapping[tuple[Purpose, Channel, Language], Words] = field(default_factory=dict)

    def words(self, purpose: Purpose, channel: Channel) -> Words | None:
        own = self.own.get((purpose, channel, self.language))
        return own or default_words(purpose, channel, self.language)


def render(
    message: Message,
    channel: Channel,
    sender: Sender,
    about: Visit | Offer | None,
    tongue: Tongue,
    links: Links,
    now: datetime,
) -> Text:
    """The message for a channel. Raises NoWords where there are none, or a text can't be had within 160 characters."""
    words = tongue.words(message.purpose, channel)
    if words is None:
        raise NoWords("no_words", f"there are no words for a {message.purpose} by {channel}")
    values = _values(message, channel, sender, about, tongue, links, now)
    try:
        if channel == "sms":
            return Text("", _fit(words.body, values, manner(tongue.language).endings))
        if channel == "voice":
            return Text("", fill(words.body, values))
        way_out = None if message.purpose in REPLIES else links.mails(message.client_id, now)
        return _mail(words, values, tongue.language, way_out, links.inbox(message.client_id, now, only_write=True))
    except (TemplateError, OSError) as error:
        raise NoWords("words_unfit", f"the words can't be filled in: {error}") from error


def _values(
    message: Message,
    channel: Channel,
    sender: Sender,
    about: Visit | Offer | None,
    tongue: Tongue,
    links: Links,
    now: datetime,
) -> dict[str, str]:
    """What words can name; `link` is left out where there is none."""
    when = "" if about is None else (short_when if channel == "sms" else long_when)(about.start, tongue)
    values = {
        "name": sender.name,
        "phone": digits(sender.phone) if channel == "voice" else sender.phone,
        "when": when,
        "until": clock(about.expires_at, tongue.zone) if isinstance(about, Offer) else "",
        "crisis": manner(tongue.language).crisis,
    }
    if message.purpose in FROM_A_PERSON:
        values["link"] = links.inbox(message.client_id, now)
    elif message.purpose == "next_visit":
        values["link"] = links.portal(message.client_id, now)
    elif about is not None and message.purpose not in WITHOUT_LINK:
        values["link"] = _link(message, about, links, now)
    return values


WITHOUT_LINK: frozenset[Purpose] = frozenset(("cancellation", *(one for one in REPLIES if one != "answer_move")))


def _mail(words: Words, values: Mapping[str, str], language: Language, way_out: str | None, inbox: str) -> Text:
    shared = manner(language)
    subject = fill(words.subject, values)
    paragraphs = [one.strip() for one in fill(words.body, values).split("\n\n") if one.strip()]
    footer = fill(shared.footer, values)
    link = values.get("link") if words.action else None
    action = fill(words.action, values) if link else ""
    lines = [*paragraphs, *([f"{action}: {link}"] if link else []), footer]
    lines += [f"{shared.concern}: {inbox}"]
    lines += [f"{shared.unsubscribe}: {way_out}"] if way_out else []
    page = mail_page(
        {
            "language": language,
            "subject": subject,
            "paragraphs": paragraphs,
            "link": link,
            "action": action,
            "footer": footer,
            "inbox_url": inbox,
            "concern": shared.concern,
            "unsubscribe_url": way_out,
            "unsubscribe": shared.unsubscribe,
        }
    )
    return Text(subject, "\n\n".join(lines) + "\n", page, way_out)


def _fit(text: str, values: Mapping[str, str], endings: Sequence[str]) -> str:
    """With the longest ending that fits; what is an answer, and so has no link, needs none."""
    filled = fill(text, values)
    for ending in endings if "link" in values else ("",):
        if len(filled + ending) <= SMS_LENGTH:
            return filled + ending
    told = f"the text has {len(filled)} characters, {SMS_LENGTH} are the most; shorten the sender's name or the words"
    raise NoWords("text_too_long", told)


FOR_TIME = "barrier.time"
"""The step of whom the usual hours are in the way."""


def _link(message: Message, about: Visit | Offer, links: Links, now: datetime) -> str:
    purpose = message.purpose
    if purpose == "check_in":
        return links.check_in(message.id, now)
    if isinstance(about, Offer):
        return links.offer(about, now)
    if purpose == "barrier_question":
        return links.survey("barrier", about, now)
    if purpose == "rating_request":
        return links.survey("alliance", about, now)
    if purpose == "remote_offer":
        return links.visit(about, now, "remote")
    return links.visit(about, now, "evening" if message.step == FOR_TIME else "visit")


def short_when(start: datetime, tongue: Tongue) -> str:
    """`Wed 4 Mar 10:00am`; without the day of the week where the zone takes its place."""
    wall = start.astimezone(ZoneInfo(tongue.zone or "UTC"))
    shared = manner(tongue.language)
    date = f"{wall.day} {shared.short_months[wall.month - 1]} {clock(start, tongue.zone)}"
    return f"{shared.short_days[wall.weekday()]} {date}" if tongue.zone else date


def long_when(start: datetime, tongue: Tongue) -> str:
    """`Wednesday 4 March at 10:00 am`."""
    wall = start.astimezone(ZoneInfo(tongue.zone or "UTC"))
    shared = manner(tongue.language)
    day = shared.long.format(day=shared.days[wall.weekday()], number=wall.day, month=shared.months[wall.month - 1])
    return f"{day}{shared.at}{clock(start, tongue.zone, ' ')}"


def clock(at: datetime, zone: str | None, between: str = "") -> str:
    """`10:00am`; `15:00 UTC` for whom nobody knows where they live, so that they don't take it for their own."""
    if zone is None:
        return f"{at.astimezone(UTC):%H:%M} UTC"
    wall = at.astimezone(ZoneInfo(zone))
    return f"{wall.hour % 12 or 12}:{wall.minute:02d}{between}{'am' if wall.hour < 12 else 'pm'}"


def digits(phone: str) -> str:
    """A number as it's read out, digit by digit."""
    return ", ".join(sign for sign in phone if sign.isdigit())


def reply_at_once(purpose: Purpose, sender: Sender | None, language: Language) -> str | None:
    """What goes back with the carrier's own answer; without a sender, only where help is to be found."""
    words, crisis = default_words(purpose, "sms", language), manner(language).crisis
    if sender is None or words is None:
        return crisis if purpose in ("help", "safety") else None
    return fill(words.body, {"name": sender.name, "phone": sender.phone, "crisis": crisis})
