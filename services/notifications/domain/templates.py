"""The words of each message: a neutral sender, date, time, phone and an opaque link; never what the care is about."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from services.notifications.domain.model import Message, Offer, Purpose, Sender, Visit
from shared.capability import Capability
from shared.contracts.notifications import Channel

SMS_LENGTH = 160
LINK_LIFETIME = timedelta(days=14)
CRISIS = "Call or text 988, in danger call 911."


@dataclass(frozen=True, slots=True)
class Links:
    """Makes the links of one tenant's messages."""

    tenant: UUID
    key: str
    booking: str
    feedback: str

    def visit(self, visit: Visit, now: datetime, *, remote: bool = False) -> str:
        """To the visit's page; `remote` opens it on times that need no travel."""
        return f"{self.booking.rstrip('/')}/a/{self._sign('remote' if remote else 'visit', visit, now)}"

    def survey(self, purpose: Literal["barrier", "alliance"], visit: Visit, now: datetime) -> str:
        return f"{self.feedback.rstrip('/')}/s/{self._sign(purpose, visit, now)}"

    def offer(self, offer: Offer, now: datetime) -> str:
        """To a freed time that can be taken."""
        return f"{self.booking.rstrip('/')}/w/{self._sign('offer', offer, now)}"

    def _sign(self, purpose: str, about: Visit | Offer, now: datetime) -> str:
        expires = max(now, about.start) + LINK_LIFETIME
        return Capability(purpose, self.tenant, about.id, expires).sign(self.key)


@dataclass(frozen=True, slots=True)
class Text:
    """A rendered message; texts have no subject."""

    subject: str
    body: str


def render(
    message: Message,
    channel: Channel,
    sender: Sender,
    about: Visit | Offer | None,
    zone: str | None,
    links: Links,
    now: datetime,
) -> Text:
    """The message for a channel. Raises ValueError when a text can't be had within 160 characters."""
    when = _when(about.start, zone) if about else ""
    until = _clock(about.expires_at, zone) if isinstance(about, Offer) else ""
    link = _link(message.purpose, about, links, now) if about else ""
    if channel == "sms":
        return Text("", _fit(sender, _SMS[message.purpose], when, link))
    if channel == "voice":
        if message.purpose not in _VOICE:
            raise ValueError("there are no words for a call of this purpose")
        day = _long_when(about.start, zone) if about else ""
        return Text("", _VOICE[message.purpose].format(name=sender.name, phone=_digits(sender.phone), when=day))
    subject, paragraphs = _EMAIL[message.purpose]
    long_when = _long_when(about.start, zone) if about else ""
    values = {"name": sender.name, "phone": sender.phone, "when": long_when, "until": until, "link": link}
    body = "\n\n".join(paragraph.format(**values) for paragraph in (*paragraphs, *_FOOTER))
    return Text(subject.format(**values), body + "\n")


_SMS: dict[Purpose, str] = {
    "confirmation": "{name}: you're booked for {when}. {link}",
    "cancellation": "{name}: your visit {when} is cancelled. {phone}",
    "reminder": "{name}: see you {when}. {link}",
    "confirm_request": "{name}: {when}? 1 yes 2 move 3 no {link}",
    "missed_you": "{name}: we missed you, no worries. A new time: {link}",
    "barrier_question": "{name}: what got in the way? One tap: {link}",
    "remote_offer": "{name}: meet from where you are: {link}",
    "other_times": "{name}: other times for you: {link}",
    "closing": "{name}: your place is open, any time: {link}",
    "rating_request": "{name}: how was it? Four taps: {link}",
    "waitlist_offer": "{name}: {when} free, first come: {link}",
    "opt_out_confirmation": "{name}: you'll get no more texts. Text START to get them again. Questions: {phone}.",
    "opt_in_confirmation": "{name}: texts are on again. Text STOP to end them, HELP for help.",
    "help": "{name}, {phone}. Text STOP for no more texts. " + CRISIS,
    "safety": "{name}: this number is not monitored. " + CRISIS + " You matter; someone will call you.",
}
_VOICE: dict[Purpose, str] = {
    "reminder": "This is {name}, about {when}. To change it, please call {phone}. Thank you.",
    "confirm_request": "This is {name}. Will you be there on {when}? To change it, please call {phone}. Thank you.",
    "missed_you": "This is {name}. We missed you, and nothing is lost. For a new time, please call {phone}.",
    "other_times": "This is {name}. We have other times for you. Please call {phone}.",
    "closing": "This is {name}. Your place is open, any time. Please call {phone}.",
}
"""What a call says; a link can't be heard, so it's the practice's number instead."""
_ENDINGS = (" Reply STOP to opt out", " STOP to opt out", "")

_EMAIL: dict[Purpose, tuple[str, tuple[str, ...]]] = {
    "confirmation": (
        "You're booked for {when}",
        (
            "Your visit is on {when}.",
            "See it here: {link}",
            "What to expect: we'll remind you before it, and you can ask anything by phone.",
        ),
    ),
    "cancellation": (
        "Cancelled: {when}",
        ("Your visit on {when} is cancelled; nobody expects you then.", "For another time, please call us."),
    ),
    "reminder": ("Your visit on {when}", ("A reminder of your visit on {when}.", "Details: {link}")),
    "confirm_request": (
        "Will you be there on {when}?",
        ("Your first visit is on {when}.", "Say with one tap whether you'll be there, or choose another time: {link}"),
    ),
    "missed_you": (
        "A new time, if you like",
        ("We missed you on {when}. That happens, and nothing is lost.", "Choose a new time: {link}"),
    ),
    "barrier_question": (
        "What got in the way?",
        ("You couldn't make it on {when}. If you tell us why, we can try to help. One tap: {link}",),
    ),
    "remote_offer": (
        "Times that need no travel",
        ("Thank you for telling us. You can meet from where you are; choose a time here: {link}",),
    ),
    "other_times": ("Other times for you", ("Thank you for telling us. Here are other times: {link}",)),
    "closing": (
        "Your place is open",
        ("We haven't heard from you, and won't press. When you're ready, a new time is here: {link}",),
    ),
    "rating_request": ("Four quick questions", ("How was your visit on {when}? Four taps help us: {link}",)),
    "waitlist_offer": (
        "{when} is free",
        (
            "A time that you wait for is free: {when}.",
            "The first to say yes has it, until {until}: {link}",
            "If it doesn't suit you, you keep your place.",
        ),
    ),
    "opt_out_confirmation": ("Texts are off", ("You'll get no more texts.",)),
    "opt_in_confirmation": ("Texts are on", ("You'll get texts again.",)),
    "help": ("Help", ("Call us at {phone}.",)),
    "safety": ("Please call 988", ("This address is not monitored. " + CRISIS,)),
}
_FOOTER = ("{name}, {phone}",)


def _fit(sender: Sender, template: str, when: str, link: str) -> str:
    for ending in _ENDINGS if link else ("",):
        body = (template + ending).format(name=sender.name, phone=sender.phone, when=when, link=link)
        if len(body) <= SMS_LENGTH:
            return body
    raise ValueError(f"the text has {len(body)} characters, {SMS_LENGTH} are the most; shorten the sender's name")


def _link(purpose: Purpose, about: Visit | Offer, links: Links, now: datetime) -> str:
    if isinstance(about, Offer):
        return links.offer(about, now)
    if purpose == "barrier_question":
        return links.survey("barrier", about, now)
    if purpose == "rating_request":
        return links.survey("alliance", about, now)
    return links.visit(about, now, remote=purpose == "remote_offer")


def _when(start: datetime, zone: str | None) -> str:
    wall = start.astimezone(ZoneInfo(zone or "UTC"))
    return f"{wall:%a} {wall.day} {wall:%b} {_clock(start, zone)}"


def _clock(at: datetime, zone: str | None) -> str:
    wall = at.astimezone(ZoneInfo(zone or "UTC"))
    return f"{wall.hour % 12 or 12}:{wall.minute:02d}{'am' if wall.hour < 12 else 'pm'}"


def _long_when(start: datetime, zone: str | None) -> str:
    wall = start.astimezone(ZoneInfo(zone or "UTC"))
    return (
        f"{wall:%A} {wall.day} {wall:%B} at {wall.hour % 12 or 12}:{wall.minute:02d} {'am' if wall.hour < 12 else 'pm'}"
    )


def _digits(phone: str) -> str:
    """A number as it's read out, digit by digit."""
    return ", ".join(sign for sign in phone if sign.isdigit())
