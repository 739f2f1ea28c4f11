"""What a text says, however a phone's keyboard, haste or caution has spelled it."""

import difflib
import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

_APOSTROPHES = dict.fromkeys(map(ord, "'`´ʹʻʼʽˈˊˋ՚՛׳‘’‚‛′‵ꞌ＇"))
"""Taken out before anything else: Unicode's compatibility form makes a blank and an accent of some of them."""
_MASK = re.escape("*@$!|")
"""Signs that may stand for a letter within a word: `k*ll`, `su!cide`."""
_WORD = re.compile(rf"[a-z0-9{_MASK}]+")
_AROUND = re.compile(rf"(?<![a-z0-9{_MASK}])[{_MASK}]+|[{_MASK}]+(?![a-z0-9{_MASK}])")
_INSTEAD = str.maketrans("013457@$!|", "oieastasii")
_ELL = str.maketrans("1|", "ll")
_ENGLISH = ("suicide", "suicidal", "overdose", "overdosing", "unalive", "myself")
_SPANISH = ("suicida", "suicidas", "suicidio", "suicidar", "suicidarme", "matar", "matarme", "morir", "morirme")
_OFTEN_MISSPELLED = (*_ENGLISH, *_SPANISH, "ahorcarme", "sobredosis", "quiero", "quiere", "quieren")
_OFTEN_MASKED = (*_OFTEN_MISSPELLED, "kill", "killing", "die", "dead", "dying", "cut", "cutting", "hang")
_CLOSE = 0.83
"""Of difflib's ratio: one letter too few, too many or in the wrong place in a word of six."""


def letters(text: str) -> str:
    """In lower case, without accents, apostrophes and invisible signs, with single blanks."""
    bare = unicodedata.normalize("NFKD", text.translate(_APOSTROPHES))
    kept = "".join(sign for sign in bare if not unicodedata.combining(sign) and unicodedata.category(sign) != "Cf")
    return re.sub(r"\s+", " ", kept).strip().lower()


def readings(text: str) -> Iterable[str]:
    """What a text may say, by sound: letters and digits with single blanks.

    In more than one way where signs may stand for letters: `ki11 myse1f`, `d*e`, `s u i c i d e`.
    """
    plain = letters(text)
    masked = _AROUND.sub(" ", plain)
    ways = (re.sub(f"[{_MASK}]", " ", plain), masked, masked.translate(_ELL), _joined(masked))
    return dict.fromkeys(" ".join(map(_heard, _WORD.findall(way))) for way in ways)


def sound(word: str) -> str:
    """The same for words that sound alike in English or Spanish: `quiero` and `kiero`, `vivir` and `bivir`, `dieee`."""
    word = re.sub("qu(?=[ei])|q", "k", word)
    word = re.sub("c(?=[eiy])|z", "s", word).replace("c", "k").replace("v", "b")
    # `off` is not `of`.
    return re.sub(r"fff+", "ff", re.sub(r"([a-eg-z])\1+", r"\1", word))


@lru_cache(maxsize=10_000)
def _heard(word: str) -> str:
    if not word.isdigit():
        word = word.translate(_INSTEAD)
    if "*" in word:
        masked = re.compile(re.escape(word).replace(r"\*", "[a-z*]"))
        word = next((one for one in _OFTEN_MASKED if masked.fullmatch(one)), word.replace("*", ""))
    elif len(word) > 4:
        word = next(iter(difflib.get_close_matches(word, _OFTEN_MISSPELLED, 1, _CLOSE)), word)
    return sound(word)


def _joined(text: str) -> str:
    """Letters that stand alone are one word: `s u i c i d e`."""
    return re.sub(r"\b[a-z0-9](?:[ .\-_][a-z0-9]\b){2,}", lambda run: re.sub(r"[ .\-_]", "", run[0]), text)
