"""What is wrong with a practice's own words."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifications.domain.linting import findings
from services.notifications.domain.model import Language, Purpose
from services.notifications.domain.words import LANGUAGES, Words, default_words
from shared.contracts.notifications import Channel

GOOD = "{{ name }}: see you {{ when }}. {{ link }}"
CHANNELS: tuple[Channel, ...] = get_args(Channel)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("purpose", get_args(Purpose))
def test_our_own_words_pass(purpose: Purpose, channel: Channel, language: Language) -> None:
    words = default_words(purpose, channel, language)
    if words is None:
        assert channel == "voice", "every purpose has a text and a mail"
        return
    assert findings(words, purpose, channel, language) == []


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("{{ name }}: {{ when }} {{ link }} {{ diagnosis }}", "diagnosis"),
        ("{{ name }}: {{ when }} {{ until }} {{ link }}", "until"),
        ("{{ name }}: {% if when %}x{% endif %} {{ link }}", "no code"),
        ("{{ name }}: {% for a in name %}x{% endfor %} {{ link }}", "no code"),
        ("{{ name.__class__ }} {{ link }}", "no code"),
        ("{{ name | upper }} {{ link }}", "no code"),
        ("{{ name() }} {{ link }}", "no code"),
        ("{{ 7 * 7 }} {{ name }} {{ link }}", "no code"),
        ("{% include 'x' %}{{ name }} {{ link }}", "no code"),
        ("{{ name }} {{ link", "line 1"),
        ("{{ name }}: see you {{ when }}.", "{{ link }} is missing"),
        ("See you {{ when }}. {{ link }}", "{{ name }} is missing"),
        ("{{ name }}: your therapy {{ when }} {{ link }}", "what the care is about"),
        ("{{ name }}: su terapia {{ when }} {{ link }}", "what the care is about"),
        ("{{ name }}: only $20 {{ when }} {{ link }}", "money"),
        ("{{ name }}: {{ when }} https://evil.example {{ link }}", "address"),
        ("{{ name }}: " + "x" * 60 + " {{ when }} {{ link }}", "160"),
    ],
)
def test_what_cannot_be_sent_is_named(body: str, says: str) -> None:
    found = findings(Words(body), "reminder", "sms", "en")
    assert found
    assert all(one.field == "body" for one in found)
    assert any(says in one.message for one in found), found


@pytest.mark.parametrize(
    ("words", "field"),
    [
        (Words("x", "", "See"), "subject"),
        (Words("x", "Two\nlines", "See"), "subject"),
        (Words("x", "Your therapy", "See"), "subject"),
        (Words("x", "Your visit", ""), "action"),
        (Words("{% raw %}", "Your visit", "See"), "body"),
    ],
)
def test_of_a_mail_too(words: Words, field: str) -> None:
    assert [one.field for one in findings(words, "reminder", "email", "en")] == [field]


def test_a_text_has_no_subject() -> None:
    assert [one.field for one in findings(Words(GOOD, "Hello", "See"), "reminder", "sms", "en")] == [
        "subject",
        "action",
    ]


def test_a_call_says_whom_to_call_and_help_says_everything_that_it_must() -> None:
    assert [one.message for one in findings(Words("This is {{ name }}."), "reminder", "voice", "en")] == [
        "{{ phone }} is missing"
    ]
    assert len(findings(Words("{{ name }}"), "help", "sms", "en")) == 3
    assert findings(Words("{{ name }} {{ phone }} STOP {{ crisis }}"), "help", "sms", "en") == []


@given(body=st.text(max_size=200), subject=st.text(max_size=40), channel=st.sampled_from(CHANNELS))
def test_whatever_is_written_is_kept_or_named(body: str, subject: str, channel: Channel) -> None:
    for one in findings(Words(body, subject), "reminder", channel, "en"):
        assert one.field in ("body", "subject", "action")
        assert one.message
