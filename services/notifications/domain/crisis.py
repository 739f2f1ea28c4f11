"""Whether a text may speak of danger, to whomever it is. One too many costs a call; one too few may cost a life."""

import gc
import re
from collections.abc import Iterable
from functools import cache

from services.notifications.domain import crisis_words, crisis_words_es, violence_words
from services.notifications.domain.harmless_words import HARMLESS
from services.notifications.domain.model import Language
from services.notifications.domain.spelling import readings, sound

ENGLISH = (*crisis_words.ENGLISH, *violence_words.ENGLISH)
SPANISH = (*crisis_words_es.SPANISH, *violence_words.SPANISH)
_EVERYDAY = (" ", r" (?:\w+ ){0,3}")
_DANGER = ("[ ,.;]", r"(?:[ ,;](?:\w+[ ;]){0,3}|[ ;](?:\w+[ ;]){0,2}\w+,)")
"""What may stand between two words of a phrase, and in place of `…`.

What is everyday ends with its clause. Danger may go on in the next one: "I want to end. it", "los amo a todos, adios".
"""
MANY = 100
_UNLESS = re.compile(r"\(\?!((?:[^()]|\((?:[^()]|\([^()]*\))*\))*)\)")
"""What may not follow, in whole words of the same clause."""
_GROUP = re.compile(r"(?<!\\)\((?!\?)")
"""Where a group begins that is kept: nobody asks for it, and keeping it takes ten times as long."""


def danger(text: str) -> Language | None:
    """The language in which a text may speak of danger; None where it doesn't."""
    said = without_harmless(text)
    if holds(said, SPANISH):
        return "es"
    return "en" if holds(said, ENGLISH) else None


def without_harmless(text: str, harmless: tuple[str, ...] = HARMLESS) -> list[str]:
    """A text's readings without everyday phrases that only sound like danger."""
    return [_any_of(harmless, *_EVERYDAY).sub("~", reading) for reading in readings(text)]


def holds(said: Iterable[str], phrases: tuple[str, ...]) -> bool:
    """Whether one of a text's readings has one of these phrases."""
    return any(_any_of(phrases, *_DANGER).search(reading) for reading in said)


@cache
def _any_of(phrases: tuple[str, ...], blank: str, gap: str) -> re.Pattern[str]:
    # Whoever is in haste writes `iwanttodie`.
    heard = "|".join(_by_sound(phrase, blank, gap) for phrase in phrases)
    compiled = re.compile(rf"\b(?:i ?)?(?:{_GROUP.sub('(?:', heard)})\b")
    if len(phrases) >= MANY:
        # What compiling leaves behind refers to itself: five megabytes that would stay for long.
        gc.collect()
    return compiled


def _by_sound(phrase: str, blank: str, gap: str) -> str:
    said = _UNLESS.split(phrase)
    return "".join(
        rf"(?!{_part(part, ' ', gap)}\b)" if place % 2 else _part(part, blank, gap) for place, part in enumerate(said)
    )


def _part(part: str, blank: str, gap: str) -> str:
    heard = re.sub(r"\\.|[a-z]+", lambda word: word[0] if word[0].startswith("\\") else sound(word[0]), part)
    heard = gap.join(one.replace(" ", f"{blank}?") for one in heard.split(" … "))
    return heard.replace(r"\A", "(?<![^,.;])").replace(r"\Z", "(?![^,.;])")
