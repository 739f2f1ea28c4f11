"""Words of danger, as people write them on a phone; and everyday ones that only sound so.

The corpora are phrases, one a line. Those of danger were written in rounds, each without a look at the patterns, which
were then widened for what they had missed: said outright, in slang, misspelled, by what is left behind; then of danger
from others and to them. None may be missed. What nobody has thought of yet may be: whoever hears of a phrase adds it
there.
"""

import difflib
from pathlib import Path
from random import Random

import pytest

from services.notifications.domain import crisis, spelling
from services.notifications.domain.crisis import ENGLISH, SPANISH, danger, holds, without_harmless
from services.notifications.domain.harmless_words import HARMLESS
from services.notifications.domain.inbound import meaning
from services.notifications.domain.model import Language
from services.notifications.domain.words import LANGUAGES

JOINTS = (". ", ", ", "\n")


def corpus(name: str, language: Language) -> list[str]:
    return (Path(__file__).parent / "corpus" / f"{name}.{language}.txt").read_text().splitlines()


@pytest.fixture(scope="module")
def everyday() -> list[str]:
    return [text for language in LANGUAGES for text in corpus("everyday", language)]


@pytest.fixture(scope="module")
def needed() -> set[str]:
    """Every pattern that alone finds a phrase."""
    alone = set()
    for text in (text for language in LANGUAGES for text in corpus("danger", language)):
        said = without_harmless(text)
        found = [pattern for pattern in (*ENGLISH, *SPANISH) if holds(said, (pattern,))]
        if len(found) == 1:
            alone.add(found[0])
    return alone


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_phrase_of_danger_is_missed_and_each_is_known_by_its_language(language: Language) -> None:
    texts = corpus("danger", language)
    assert len(texts) > 400
    assert {text: meaning(text) for text in texts if meaning(text) != "safety"} == {}
    assert {text: danger(text) for text in texts if danger(text) != language} == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_nor_when_shouted_or_with_something_around_it(language: Language) -> None:
    for text in corpus("danger", language):
        assert danger(text.upper()) == danger(f"{text}!!!") == danger(f"\n ...{text} 😢") == language, text


@pytest.mark.parametrize("sign", "'’‘´`ʼʹˈ′‵＇‛՚")
def test_whatever_a_keyboard_takes_for_an_apostrophe(sign: str) -> None:
    for text in ("I don't want to live", "I can't go on", "I'd rather be dead", "I won't be here tomorrow", "I OD'd"):
        assert danger(text.replace("'", sign)) == "en", (text, sign)


@pytest.mark.parametrize("language", LANGUAGES)
def test_everyday_phrases_alarm_nobody(language: Language) -> None:
    texts = corpus("everyday", language)
    assert len(texts) > 80
    assert {text: danger(text) for text in texts if danger(text) is not None} == {}


def test_danger_beside_something_harmless_is_found(everyday: list[str]) -> None:
    for text in everyday:
        assert danger(f"{text}. I want to kill myself") == "en", text
        assert danger(f"quiero matarme. {text}") == "es", text


@pytest.mark.parametrize("language", LANGUAGES)
def test_whatever_sentence_stands_beside_it(language: Language) -> None:
    ordinary, texts = corpus("everyday", language), corpus("danger", language)
    for number, text in enumerate(texts):
        joint, beside = JOINTS[number % len(JOINTS)], ordinary[number % len(ordinary)]
        for joined in (f"{text}{joint}{beside}", f"{beside}{joint}{text}"):
            assert danger(joined) is not None, joined


@pytest.mark.parametrize("language", LANGUAGES)
def test_hardly_any_two_everyday_sentences_alarm_beside_each_other(language: Language) -> None:
    """Danger may begin in one clause and end in the next: "los amo, adios", "I don't want to live, anymore"."""
    ordinary = corpus("everyday", language)
    pairs = [(one, other) for one in ordinary for other in ordinary]
    sample = enumerate(Random(language).sample(pairs, 1_500))  # noqa: S311 - a sample
    joined = [f"{one}{JOINTS[number % len(JOINTS)]}{other}" for number, (one, other) in sample]
    assert len([text for text in joined if danger(text) is not None]) < len(joined) / 200


def test_a_clause_takes_nothing_away_from_the_next_one() -> None:
    for end in (". ", ".", "! ", "? ", "; ", ", ", "\n", " - ", " 😢 ", "... "):
        assert danger(f"I want to die{end}tired of it all") == "en", end
        assert danger(f"just shoot me{end}they told me to call") == "en", end
        assert danger(f"hi{end}I give up{end}bring the form") == "en", end
        assert danger(f"I want to end{end}it all") == "en", end


@pytest.mark.parametrize("pattern", (*ENGLISH, *SPANISH))
def test_each_pattern_finds_what_no_other_one_does(pattern: str, needed: set[str]) -> None:
    assert pattern in needed


@pytest.mark.parametrize("pattern", HARMLESS)
def test_each_harmless_one_keeps_something_from_an_alarm(pattern: str, everyday: list[str]) -> None:
    others = tuple(one for one in HARMLESS if one != pattern)
    assert any(holds(without_harmless(text, others), (*ENGLISH, *SPANISH)) for text in everyday)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("k1ll myse1f", "kill myself"),
        ("ki11 myself", "kill myself"),
        ("k*ll myself", "kill myself"),
        ("su!cide", "suicide"),
        ("kiII myself", "kill myself"),
        ("I want to die!End of story", "i want to die. end of story"),
        ("die*sigh*", "die sigh"),
        ("k\u0456ll m\u0443s\u0435lf", "kill myself"),
        ("ᴋɪʟʟ ᴍʏsᴇʟғ", "kill myself"),
        ("s u i c i d e", "suicide"),
        ("s\nu\ni\nc\ni\nd\ne", "suicide"),
        ("s.u.i.c.i.d.e", "suicide"),
        ("I WANT TO DIEEEE", "i want to die"),
        ("kiero morir", "quiero morir"),
        ("sui\u200bcide", "suicide"),
        ("ｓｕｉｃｉｄｅ", "suicide"),
        ("suisidio", "suicidio"),
        ("cnt do this nemore, no1 wud care", "cant do this anymore, no one would care"),
        ("my son will kill himslef", "my son will kill himself"),
    ],
)
def test_however_it_is_spelled(written: str, meant: str) -> None:
    assert set(without_harmless(written)) & set(without_harmless(meant))


def test_no_text_is_long_to_look_through() -> None:
    for text in ("a" * 5_000, "no quiero " * 500, "i want to " * 500, "* " * 2_000, "a b " * 1_000):
        assert danger(text) is None


@pytest.mark.parametrize("sign", ["", "*", "|"])
def test_only_so_many_of_its_words_are_looked_at_for_misspelling(sign: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: set[str] = set()

    def seldom(word: str) -> str:
        asked.add(word)
        return word

    monkeypatch.setattr(spelling, "_heard", seldom)
    assert danger(" ".join(f"k{sign}{number}" for number in range(4_000))) is None
    assert 100 < len(asked) <= spelling.MOST_WORDS


def test_nor_is_a_word_that_is_longer_than_any_of_those(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def close(word: str, *_: object) -> list[str]:
        asked.append(word)
        return []

    monkeypatch.setattr(difflib, "get_close_matches", close)
    assert danger("suicidarmes " + "q" * 15 + " " + "suicide" * 500) is None
    assert asked == ["suicidarmes"]


def test_of_a_text_that_no_phone_sends_both_ends_are_looked_at() -> None:
    long = "all is well " * 20_000
    assert danger(f"I want to die. {long}") == danger(f"{long}. I want to die") == "en"
    assert danger(f"\ufdfa{long}") is None
    assert max(map(len, spelling.readings("\ufdfa" * spelling.MOST_SIGNS))) <= spelling.MOST_SIGNS + 1


def test_nobody_hides_in_a_text_that_a_phone_sends() -> None:
    words = " ".join(f"w{number}" for number in range(250))
    assert len(words) > 1_100
    assert danger(f"{words} i want to comit sucide") == "en"


@pytest.mark.parametrize("phrases", [crisis.ENGLISH, crisis.SPANISH, HARMLESS])
def test_what_is_looked_for_keeps_no_groups_which_takes_ten_times_as_long(phrases: tuple[str, ...]) -> None:
    assert crisis._any_of(phrases, *crisis._DANGER).groups == 0
