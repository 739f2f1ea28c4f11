"""What a text says, however a phone's keyboard, haste or caution has spelled it."""

import difflib
import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import lru_cache

_APOSTROPHES = dict.fromkeys(map(ord, "'`´ʹʻʼʽˈˊˋ՚՛׳‘’‚‛′‵ꞌ＇"))
"""Taken out before anything else: Unicode's compatibility form makes a blank and an accent of some of them."""
_MASK = re.escape("*@$!|")
"""Signs that may stand for a letter within a word: `k*ll`, `su!cide`."""
_WORD_OR_SIGNS = re.compile(rf"[a-z0-9{_MASK}]+|[^a-z0-9{_MASK}]+")
_AROUND = re.compile(rf"(?<![a-z0-9{_MASK}])[{_MASK}]+|[{_MASK}]+(?![a-z0-9{_MASK}])")
_WORD_SIGN = re.compile(rf"[a-z0-9{_MASK}]")
_LOOKALIKES = str.maketrans(
    "авекмнорстухіјѕԁһӏԛԝѵпАВЕКМНОРСТУХІЈЅԌԚԜαβεηικνορτυχωγμΑΒΕΖΗΙΚΜΝΟΡΤΥΧıłøᴀʙᴄᴅᴇғɢʜɪᴊᴋʟᴍɴᴏᴘʀsᴛᴜᴠᴡʏᴢɡ",
    "abekmhopctyxijsdhlqwvnABEKMHOPCTYXIJSGQWabenikvoptuxwyuABEZHIKMNOPTYXiloabcdefghijklmnoprstuvwyzg",
)
_INSTEAD = str.maketrans("013457@$!|", "oieastasii")
_ELL = str.maketrans("1|", "ll")
_I_WITHIN = re.compile("(?<=[a-z])I+")
_SELVES = ("myself", "himself", "herself", "themselves")
_ENGLISH = ("suicide", "suicidal", "overdose", "overdosing", "alive", "unalive", *_SELVES)
_SPANISH = ("suicida", "suicidas", "suicidio", "suicidar", "suicidarme", "matar", "matarme", "morir", "morirme")
_OFTEN_MISSPELLED = (*_ENGLISH, *_SPANISH, "ahorcarme", "sobredosis", "quiero", "quiere", "quieren")
_OFTEN_MASKED = (*_OFTEN_MISSPELLED, "kill", "killing", "die", "dead", "dying", "cut", "cutting", "hang")
_SHORT_FOR = {
    "cant": "cnt",
    "couldnt": "cudnt",
    "would": "wud wld",
    "could": "cud",
    "should": "shud",
    "want": "wnt wan",
    "wanna": "wnna wanan",
    "gonna": "gona gna",
    "about": "abt",
    "through": "thru",
    "love": "luv",
    "before": "b4",
    "anymore": "nemore nymore anymor",
    "anything": "nething",
    "no one": "no1 noone",
    "someone": "some1 sum1",
    "anyone": "any1 ne1",
    "everyone": "every1 evry1",
    "people": "ppl",
    "tomorrow": "tmrw tmr tomorow 2morrow",
    "tonight": "tonite 2nite 2night",
    "forever": "4ever",
    "goodbye": "gudbye goodby",
    "que": "q",
    "por que": "xq pq",
    "estoy": "toy",
    "tambien": "tmb",
    "matar": "mtar",
    "matarme": "mtarme",
    "morir": "mrir",
    "morirme": "mrirme",
}
_IN_SHORT = {short: word for word, shorts in _SHORT_FOR.items() for short in shorts.split()}
"""`no1 wud miss me`."""
_WITHOUT_G = re.compile(
    "(th?ink|end|kill|cutt|hurt|jump|hang|liv|dy|hitt|beat|chok|threaten|feel|go|try|plann?|tak|giv|say|tell|stabb?|shoot"
    "|drown|burn|bleed|overdos|wish|hop|pray|exist|breath|driv|stand|sitt|hold|bring|load)in"
)
"""`endin it all`."""
_CLOSE = 0.83
"""Of difflib's ratio: one letter too few, too many or in the wrong place in a word of six."""
_LONGEST_MISSPELLED = 14
"""Beyond it no word is as close to the longest of those."""
MOST_SIGNS = 20_000
"""Of a longer text, its beginning and its end are looked at: no phone sends more than 1,600."""
MOST_WORDS = 1_500
"""Different ones in a text that are looked at for misspelling."""


def letters(text: str) -> str:
    """In lower case, without accents, apostrophes and invisible signs, with single blanks.

    Cyrillic and Greek letters are those that they look like.
    """
    bare = unicodedata.normalize("NFKD", text.translate(_APOSTROPHES))
    kept = "".join(sign for sign in bare if not unicodedata.combining(sign) and unicodedata.category(sign) != "Cf")
    return re.sub(r"\s+", " ", kept.translate(_LOOKALIKES)).strip().lower()


def readings(text: str) -> Iterable[str]:
    """What a text may say, by sound: words with one sign between them.

    That's a blank within a clause, `.` between sentences, `,` at a comma and `;` at a softer break, such as an emoji.
    In more than one way where signs may stand for letters: `ki11 myse1f`, `d*e`, `s u i c i d e`, `kiII`.
    """
    text = re.sub(r"[\n\r\u2028\u2029]+", ".", _ends(text))
    plain = _ends(letters(text))
    masked = _AROUND.sub(_break, plain)
    ways = [re.sub(f"[{_MASK}]+", _break, plain), masked, masked.translate(_ELL), _joined(masked)]
    if _I_WITHIN.search(text):
        ways.append(_AROUND.sub(_break, letters(_I_WITHIN.sub(lambda run: "l" * len(run[0]), text))))
    hear = _hearing()
    return dict.fromkeys(_WORD_OR_SIGNS.sub(hear, way).strip(" ,.;") for way in dict.fromkeys(ways))


def _ends(text: str) -> str:
    half = MOST_SIGNS // 2
    return text if len(text) <= MOST_SIGNS else f"{text[:half]}.{text[-half:]}"


def _break(signs: re.Match[str]) -> str:
    return "." if "!" in signs[0] else " "


def _hearing() -> Callable[[re.Match[str]], str]:
    """How a word or what stands between two is read; only so many words of a text are looked at for misspelling."""
    heard: dict[str, str] = {}

    def hear(found: re.Match[str]) -> str:
        part = found[0]
        if part not in heard:
            if not _WORD_SIGN.match(part):
                heard[part] = _between(part)
            elif len(heard) < MOST_WORDS:
                heard[part] = _heard(part)
            else:
                heard[part] = sound(part)
        return heard[part]

    return hear


def _between(signs: str) -> str:
    """What stands between two words, as one sign."""
    bare = re.sub('[\\s"“”«»]', "", signs)
    if not bare or (len(signs) == 1 and bare in "-_/&+"):
        return " "
    if ".." not in bare and re.search("[.!?¡¿]", bare):
        return "."
    return "," if "," in bare else ";"


def sound(word: str) -> str:
    """The same for words that sound alike in English or Spanish: `quiero` and `kiero`, `vivir` and `bivir`, `dieee`."""
    word = re.sub("qu(?=[ei])|q", "k", word)
    word = re.sub("c(?=[eiy])|z", "s", word).replace("c", "k").replace("v", "b")
    # `off` is not `of`.
    return re.sub(r"fff+", "ff", re.sub(r"([a-eg-z])\1+", r"\1", word))


@lru_cache(maxsize=10_000)
def _heard(word: str) -> str:
    word = _IN_SHORT.get(word, word)
    if not word.isdigit() and " " not in word:
        word = word.translate(_INSTEAD)
    if _WITHOUT_G.fullmatch(word):
        return sound(f"{word}g")
    if "*" in word:
        word = next((one for one in _OFTEN_MASKED if _may_be(one, word)), word.replace("*", ""))
    elif 4 < len(word) <= _LONGEST_MISSPELLED:
        word = next(iter(difflib.get_close_matches(word, _OFTEN_MISSPELLED, 1, _CLOSE)), word)
    return sound(word)


def _may_be(word: str, masked: str) -> bool:
    return len(word) == len(masked) and all(sign in ("*", letter) for letter, sign in zip(word, masked, strict=True))


def _joined(text: str) -> str:
    """Letters that stand alone are one word: `s u i c i d e`."""
    return re.sub(r"\b[a-z0-9](?:[ .\-_][a-z0-9]\b){2,}", lambda run: re.sub(r"[ .\-_]", "", run[0]), text)
