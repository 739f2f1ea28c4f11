"""What is wrong with a practice's own words, before anybody gets them: rules 4 and 5 of those that protect people."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from jinja2 import TemplateSyntaxError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from services.notifications.domain import neutral
from services.notifications.domain.addresses import address
from services.notifications.domain.model import Language, Offer, Purpose, Sender, Visit
from services.notifications.domain.plans import new_message
from services.notifications.domain.segments import beyond_basic, segments
from services.notifications.domain.templates import WITHOUT_LINK, Links, NoWords, Tongue, render
from services.notifications.domain.words import Words
from shared.contracts.notifications import Channel

_NO_TEXT = frozenset(("Cc", "Cs", "Cn", "Co"))
"""Categories of signs that mail programs and carriers stumble over."""
_PARSER = ImmutableSandboxedEnvironment()
_VARIABLE = re.compile(r"\{\{.*?\}\}")
_ANYTHING = "xx"
"""What a variable may say, where only signs around it count."""
VARIABLES = ("name", "phone", "when", "until", "crisis", "link")
_MUST: dict[Purpose, tuple[str, ...]] = {
    "help": ("phone", "crisis"),
    "safety": ("crisis",),
}
_MUST_SAY: dict[Purpose, tuple[str, ...]] = {
    "help": ("STOP",),
    "opt_out_confirmation": ("START",),
    "opt_in_confirmation": ("STOP",),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong in a field, and what would be right."""

    field: str
    message: str


def findings(words: Words, purpose: Purpose, channel: Channel, language: Language) -> list[Finding]:
    """None where these words can be sent to anybody."""
    found = [*_shape(words, channel), *_code(words, purpose)]
    return found or [
        *_missing(words, purpose, channel),
        *_content(words, purpose, channel),
        *_length(words, purpose, channel, language),
    ]


def _shape(words: Words, channel: Channel) -> Iterator[Finding]:
    if channel == "email" and not words.subject.strip():
        yield Finding("subject", "a mail should have a subject")
    if channel != "email":
        for name in ("subject", "action"):
            if getattr(words, name):
                yield Finding(name, "only mails have one; leave it out")
    for name in ("subject", "action"):
        if "\n" in getattr(words, name) or "\r" in getattr(words, name):
            yield Finding(name, "should be one line")
    for name in ("subject", "body", "action"):
        if any(unicodedata.category(sign) in _NO_TEXT for sign in getattr(words, name).replace("\n", " ")):
            yield Finding(name, "should be text without control characters")


def _code(words: Words, purpose: Purpose) -> Iterator[Finding]:
    known = {name for name in VARIABLES if (name != "link" or purpose not in WITHOUT_LINK)}
    if purpose != "waitlist_offer":
        known.discard("until")
    for field in ("subject", "body", "action"):
        try:
            yield from _code_of(field, getattr(words, field), known)
        except TemplateSyntaxError as error:
            yield Finding(field, f"line {error.lineno}: {error.message}")
        except RecursionError:  # thousands of brackets
            yield Finding(field, "only {{ names }} can stand here, no code")


def _code_of(field: str, text: str, known: set[str]) -> Iterator[Finding]:
    if "{%" in text or "{#" in text:
        # What isn't shown could stand between the letters of what may not be said.
        yield Finding(field, "only {{ names }} can stand here, no code and no remarks")
        return
    tree = _PARSER.parse(text)
    if field == "body" and not any(tree.find_all((nodes.TemplateData, nodes.Name))):
        yield Finding(field, "says nothing")
    for node in tree.find_all(nodes.Node):
        if isinstance(node, nodes.Name):
            if node.name not in known:
                told = f"{{{{ {node.name} }}}} is not known here; there are {', '.join(sorted(known))}"
                yield Finding(field, told)
        elif not isinstance(node, nodes.Output | nodes.TemplateData):
            yield Finding(field, f"line {node.lineno}: only {{{{ names }}}} can stand here, no code")
            break


def _missing(words: Words, purpose: Purpose, channel: Channel) -> Iterator[Finding]:
    named = {node.name for node in _PARSER.parse(words.body).find_all(nodes.Name)}
    must = set(_MUST.get(purpose, ()))
    if channel != "email":
        must.add("name")
    if channel == "voice":
        must.add("phone")
    if channel == "sms" and purpose not in WITHOUT_LINK:
        must.add("link")
    for name in sorted(must - named):
        yield Finding("body", f"{{{{ {name} }}}} is missing")
    if channel == "email" and purpose not in WITHOUT_LINK and not words.action.strip():
        yield Finding("action", "should say what the link does")
    if channel == "sms":
        for word in _MUST_SAY.get(purpose, ()):
            if word not in words.body:
                yield Finding("body", f"should say {word}")


def _content(words: Words, purpose: Purpose, channel: Channel) -> Iterator[Finding]:
    """Who sees a mail in a list, or a phone from aside, reads the subject; only who opens it reads on."""
    field = "subject" if channel == "email" else "body"
    # A practice's name is looked through where it's set; the names of variables are nobody's words.
    told = _VARIABLE.sub(" ", getattr(words, field))
    if (care := neutral.names_care(told)) is not None:
        yield Finding(field, f"{care!r} says what the care is about; others may read it")
    if purpose != "remote_offer" and (place := neutral.names_place(told)) is not None:
        yield Finding(field, f"{place!r} says how you meet, which only a remote_offer may")
    for name in ("subject", "body", "action") if channel == "email" else ("body",):
        yield from _sells_or_leads_away(name, getattr(words, name))


def _sells_or_leads_away(field: str, text: str) -> Iterator[Finding]:
    if (sale := neutral.speaks_of_money(_VARIABLE.sub(" ", text))) is not None:
        yield Finding(field, f"{sale!r} speaks of money or sells something, which no message may")
    if address(_VARIABLE.sub(_ANYTHING, text)):
        yield Finding(field, "an address should not stand here; {{ link }} is the one")


def name_finding(name: str) -> str | None:
    """What is wrong with a sender's name, which stands in every message; None where it's neutral."""
    told = neutral.of_name(name)
    for word, why in (
        (neutral.names_care(told), "says what the care is about"),
        (neutral.names_place(told), "says how you meet"),
        (neutral.speaks_of_money(told), "speaks of money"),
    ):
        if word is not None:
            return (
                f"{word!r} {why}, and whoever sees a message reads it; a neutral name, such as Maple Practice, is right"
            )
    return None


_START = datetime(2026, 9, 30, 16, 0, tzinfo=UTC)
_SENDER = Sender("W" * 20, "+12025550100", "+12025550111", "hello@example.org", "desk@example.org")


def _length(words: Words, purpose: Purpose, channel: Channel, language: Language) -> Iterator[Finding]:
    """With the longest name, day and link that there can be."""
    nobody = UUID(int=0)
    visit = Visit(nobody, nobody, "booked", _START, _START, _START, 1, None)
    offer = Offer(nobody, nobody, _START, _START + timedelta(minutes=15), "open", 1)
    message = new_message(
        client_id=nobody, visit=visit, purpose=purpose, step="sample", channels=(channel,), due_at=_START
    )
    links = Links(
        nobody, "k" * 40, *(f"https://care.example.org/{name}" for name in ("booking", "feedback", "messages"))
    )
    about = offer if purpose == "waitlist_offer" else visit
    # A day is longer with a zone (`Wed 30 Sep 12:00pm`), a time alone is without (`16:15 UTC`).
    for zone in ("America/New_York", None):
        tongue = Tongue(language, zone, {(purpose, channel, language): words})
        try:
            text = render(message, channel, _SENDER, about, tongue, links, _START - timedelta(days=3))
        except NoWords as error:
            yield Finding("body", str(error))
            return
        if channel == "sms" and (parts := segments(text.body)) > 1:
            yield Finding("body", f"would be sent, and paid, as {parts} texts: {_costly(text.body)}")
            return


def _costly(text: str) -> str:
    """Which characters make a text longer than it looks."""
    beyond = beyond_basic(text)
    if not beyond:
        return "each of ^ { } [ ] ~ | \\ and € takes the place of two characters"
    told = ", ".join(map(repr, beyond))
    return f"{told} leave 70 characters for a text, not 160 (GSM 03.38 lacks them); choose other words; é and ñ do"
