"""Whether a text may speak of self-harm. One too many costs a call; one too few may cost a life."""

import re
from collections.abc import Iterable
from functools import cache

from services.notifications.domain.crisis_words import ENGLISH, HARMLESS, SPANISH
from services.notifications.domain.model import Language
from services.notifications.domain.spelling import readings, sound


def danger(text: str) -> Language | None:
    """The language in which a text may speak of self-harm; None where it doesn't."""
    said = without_harmless(text)
    if holds(said, SPANISH):
        return "es"
    return "en" if holds(said, ENGLISH) else None


def without_harmless(text: str, harmless: tuple[str, ...] = HARMLESS) -> list[str]:
    """A text's readings without everyday phrases that only sound like danger."""
    return [_any_of(harmless).sub(",", reading) for reading in readings(text)]


def holds(said: Iterable[str], phrases: tuple[str, ...]) -> bool:
    """Whether one of a text's readings has one of these phrases."""
    return any(_any_of(phrases).search(reading) for reading in said)


@cache
def _any_of(phrases: tuple[str, ...]) -> re.Pattern[str]:
    # Whoever is in haste writes `iwanttodie`.
    return re.compile(r"\b(?:i ?)?(?:" + "|".join(map(_by_sound, phrases)) + r")\b")


def _by_sound(phrase: str) -> str:
    heard = re.sub(r"\\.|[a-z]+", lambda part: part[0] if part[0].startswith("\\") else sound(part[0]), phrase)
    return r" (?:\w+ ){0,3}".join(part.replace(" ", " ?") for part in heard.split(" … "))
