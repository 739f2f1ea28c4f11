"""The words of messages, by language: data beside the code, in Jinja2 that knows variables and nothing else."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, get_args

from jinja2 import StrictUndefined, Template
from jinja2.sandbox import ImmutableSandboxedEnvironment

from services.notifications.domain.model import Language, Purpose
from shared.contracts.notifications import Channel

LANGUAGES: tuple[Language, ...] = get_args(Language)
DEFAULT_LANGUAGE: Language = "en"
VOICES: dict[Language, str] = {"en": "en-US", "es": "es-US"}
"""How carriers call the voice of a language."""
_FOLDER = Path(__file__).parent.parent / "words"
_PLAIN = ImmutableSandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=False)
_ESCAPED = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=True, trim_blocks=True)


@dataclass(frozen=True, slots=True)
class Words:
    """What a message says by one channel. Only mails have a subject, and an `action`: what the link does."""

    body: str
    subject: str = ""
    action: str = ""


@dataclass(frozen=True, slots=True)
class Manner:
    """What all messages of a language share: how days are written, how texts end, what stands below a mail."""

    days: tuple[str, ...]
    months: tuple[str, ...]
    short_days: tuple[str, ...]
    short_months: tuple[str, ...]
    long: str
    at: str
    crisis: str
    endings: tuple[str, ...]
    footer: str
    concern: str
    unsubscribe: str


@cache
def _file(language: Language) -> Mapping[str, Any]:
    return tomllib.loads((_FOLDER / f"{language}.toml").read_text())


@cache
def manner(language: Language) -> Manner:
    file = _file(language)
    values: dict[str, Any] = {name: file[name] for name in Manner.__slots__}
    values |= {name: tuple(value) for name, value in values.items() if isinstance(value, list)}
    return Manner(**values)


@cache
def default_words(purpose: Purpose, channel: Channel, language: Language) -> Words | None:
    """Rapport's own words; None where a purpose has none for a channel."""
    found = _file(language).get(channel, {}).get(purpose)
    if found is None:
        return None
    return Words(found) if isinstance(found, str) else Words(**{name: text.strip() for name, text in found.items()})


def page_words(language: Language, **values: str) -> dict[str, str]:
    """What stands on the pages for clients."""
    shared = {"crisis": manner(language).crisis, "phone": "", "when": "", **values}
    return {name: fill(text, shared) for name, text in _file(language)["page"].items()}


def practice_word(language: Language) -> str:
    """What a practice without a name is called."""
    return str(_file(language)["page"]["practice"])


def fill(text: str, values: Mapping[str, Any]) -> str:
    """Raises jinja2.TemplateError where a variable is missing."""
    return _compiled(text).render(values)


def mail_page(values: Mapping[str, Any]) -> str:
    """A mail's other form, as a page that mail programs show alike. Raises OSError where MJML can't be read."""
    import mrml  # only where mails are written: a process of the API has no use for it

    output = mrml.to_html(_layout().render(values))
    return str(output.content)


@lru_cache(maxsize=2_000)
def _compiled(text: str) -> Template:
    return _PLAIN.from_string(text)


@cache
def _layout() -> Template:
    return _ESCAPED.from_string((_FOLDER / "mail.mjml").read_text())
