"""The words of pages, in every language."""

import pytest

from services.notifications.domain.words import LANGUAGES, manner, page_words


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_all_words_of_the_pages_and_none_of_them_is_english_elsewhere(language: str) -> None:
    words, english = (page_words(one, name="Maple", phone="+1") for one in (language, "en"))  # type: ignore[arg-type] # one of LANGUAGES
    assert words.keys() == english.keys()
    assert all(words.values())
    assert language == "en" or not {name for name in words if words[name] == english[name]}


def test_words_are_filled() -> None:
    words = page_words("en", name="Maple", phone="+12025550100")
    assert words["messages_with"] == "Messages with Maple"
    assert words["or_call"] == "Or call +12025550100."
    assert manner("en").crisis in words["sent"]
