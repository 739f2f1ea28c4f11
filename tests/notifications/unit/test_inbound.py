"""What a client's text means."""

import pytest

from services.notifications.domain.inbound import OPT_OUT, meaning


@pytest.mark.parametrize("word", sorted(OPT_OUT))
def test_an_opt_out_word_counts_in_any_case_as_the_whole_message(word: str) -> None:
    assert meaning(word) == meaning(f"  {word.lower()} ") == meaning(f"{word.title()}.") == "opt_out"


@pytest.mark.parametrize(
    "text",
    [
        "I want to end it",
        "i just want to end it all, stop",
        "Thinking about suicide again",
        "I don't want to be here anymore",
        "I don’t want to live",
        "i might hurt myself",
        "everyone would be better off dead without me",
        "I can't go on",
        "gonna overdose tonight",
    ],
)
def test_words_that_may_mean_self_harm_go_before_everything_else(text: str) -> None:
    assert meaning(text) == "safety"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("START", "opt_in"),
        ("unstop", "opt_in"),
        ("help", "help"),
        ("INFO", "help"),
        ("please cancel my visit", "other"),
        ("Can I stop by earlier?", "other"),
        ("1", "other"),
        ("", "other"),
    ],
)
def test_other_texts(text: str, expected: str) -> None:
    assert meaning(text) == expected
