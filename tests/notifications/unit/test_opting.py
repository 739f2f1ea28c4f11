"""Who wants no more texts: carriers' words with politeness around them or said twice, signed ones, and other ways."""

from pathlib import Path

import pytest

from services.notifications.domain.inbound import meaning
from services.notifications.domain.opting import OPT_OUT

OF_VISITS = ("CANCEL", "CANCELAR", "CANCELA")
"""With more around them they may be about a visit."""


def corpus(name: str) -> list[str]:
    return (Path(__file__).parent / "corpus" / f"{name}.txt").read_text().splitlines()


@pytest.mark.parametrize("word", sorted(OPT_OUT.difference(OF_VISITS)))
@pytest.mark.parametrize(
    "said",
    [
        "{} please",
        "Please {}.",
        "{}, thanks!",
        "{} now",
        "hi, {}",
        "por favor {}",
        "Hola, {}, muchas gracias",
        "good morning, {} thank you very much",
        "{} please {}",
    ],
)
def test_politeness_around_a_word_changes_nothing(said: str, word: str) -> None:
    assert meaning(said.format(*[word] * 2)) == meaning(said.format(*[word.lower()] * 2)) == "opt_out"


@pytest.mark.parametrize("word", sorted(OPT_OUT))
def test_nor_does_it_to_say_it_again(word: str) -> None:
    assert meaning(f"{word} {word.lower()}") == meaning(f"{word}! {word}! {word}!") == "opt_out"


@pytest.mark.parametrize("word", OF_VISITS)
def test_what_may_be_about_a_visit_counts_alone_only(word: str) -> None:
    assert meaning(word) == "opt_out"
    assert meaning(f"{word} please") == meaning(f"por favor {word.lower()}") == "other"


@pytest.mark.parametrize(
    "text",
    [
        "Stop texting this number",
        "Stop sending texts to this number",
        "stop sending messages to my phone please",
        "I no longer want to receive texts",
        "I no longer wish to get these messages",
        "I don't want texts from you",
        "i dont wish to receive any more texts",
        "Please remove me from your text list",
        "remove my number from your texting list",
        "take me off the sms list",
        "unsub",
        "unsub please",
        "unsub me",
        "STOP2END",
        "reply STOP",
        "STOP 2",
        "stop1",
        "Remove please",
        "stop2quit",
        "stoptoend",
        "stop txting me",
        "stop txtin me pls",
        "dont txt me",
        "do not txt this number again",
        "no more txts",
        "stop notifications",
        "stop all notifications",
        "stop alerts",
        "stop the alerts please",
        "stop the spam",
        "no more notifications",
        "cancel alerts",
        "alto a los mensajes",
        "alto a sus mensajes por favor",
        "basta de mensajes",
        "basta ya de mensajes",
        "no más notificaciones",
        "paren los avisos",
    ],
)
def test_as_people_say_it_otherwise(text: str) -> None:
    assert meaning(text) == "opt_out"


def test_nor_is_it_another_thing_when_asked_for_or_said_in_anger() -> None:
    texts = corpus("opt_out")
    assert len(texts) > 90
    assert {text: meaning(text) for text in texts if meaning(text) != "opt_out"} == {}
    assert {text: meaning(text.upper()) for text in texts if meaning(f"{text.upper()}!!") != "opt_out"} == {}


def test_what_asks_for_something_else_in_the_same_words_is_none() -> None:
    assert {text: meaning(text) for text in corpus("no_opt_out") if meaning(text) != "other"} == {}


def test_nor_is_a_long_text_however_it_begins() -> None:
    assert meaning("stop texting me " + "and " * 60) == "other"
    assert meaning("can you " * 2_000 + "stop") == "other"


@pytest.mark.parametrize(
    "text",
    [
        "Stop - Sam",
        "Stop - Sam.",
        "stop - Sam",
        "STOP - SAM LEE",
        "STOP\nMaria Lopez",
        "STOP\n\nMaría José López",
        "Stop\n- Ana",
        "stop -- J. Smith",
        "Stop - A. Smith",
        "Stop — Maria de la Cruz",
        "STOP ~ O'Brien",
        "STOP - Ana-Luisa Vega",
        "Stop - April Jones",
        "STOP\nJulio Vega",
        "Stop - Will Park",
    ],
)
def test_a_name_below_it_is_a_signature(text: str) -> None:
    assert meaning(text) == "opt_out"


@pytest.mark.parametrize(
    "text",
    [
        "Stop - running late",
        "Stop - Running late",
        "STOP - RUNNING LATE",
        "Stop - traffic jam",
        "STOP - TRAFFIC JAM",
        "Stop\nTraffic",
        "Stop - maybe Friday",
        "Stop - Maybe Friday",
        "Stop - next week",
        "Stop - Next Tuesday",
        "stop - Fri",
        "stop - April",
        "Stop\nMay",
        "stop - lunes",
        "Stop - Lunes",
        "STOP - EL LUNES",
        "stop — mañana",
        "Stop — Mañana",
        "Stop - Domingo",
        "Stop - La próxima semana",
        "Stop - Tal Vez",
        "Stop - Enero",
        "Stop - Jan",
        "Stop\nSnow day",
        "stop - sam",
        "stop\nOne sec",
        "Stop\nWait",
        "Stop\nSorry",
        "STOP\nUn momento",
        "STOP\nHelp",
        "Stop - Sick today",
        "stop - flat tire",
        "Stop - Main Street",
        "Stop - What is this",
        "Stop\nWho is this",
        "stop - by the door",
    ],
)
def test_what_may_be_about_a_visit_is_none_and_a_person_reads_it(text: str) -> None:
    assert meaning(text) == "other"


@pytest.mark.parametrize(
    "text",
    [
        "end of the street",
        "the end, thanks",
        "no más tarde, gracias",
        "now",
        "please please",
        "thanks",
        "hola",
        "stop notifications at 9?",
        "no more alerts at night, mornings only",
        "alto en la puerta",
        "baja la música por favor",
        "voy a salir, gracias",
        "I no longer want this time",
        "remove me from the Friday list",
        "subs",
        "start stop",
    ],
)
def test_what_only_begins_alike_is_none(text: str) -> None:
    assert meaning(text) == "other"


@pytest.mark.parametrize("text", ["START START", "opt in opt in", "start now please", "ALTA, muchas gracias"])
def test_who_wants_them_again_may_be_as_polite(text: str) -> None:
    assert meaning(text) == "opt_in"
