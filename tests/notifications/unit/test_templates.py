"""The words of messages: neutral, short, and complete."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import get_args
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifications.domain.model import FROM_A_PERSON, REPLIES, Language, Offer, Purpose, Sender, Visit
from services.notifications.domain.plans import new_message
from services.notifications.domain.segments import segments
from services.notifications.domain.templates import Links, Tongue, render
from services.notifications.domain.words import LANGUAGES
from shared.capability import Capability
from shared.contracts.notifications import Channel
from tests.support.build import NOW, appointment_event

KEY = "k" * 40
LINKS = Links(uuid4(), KEY, *(f"https://care.example.org/{name}" for name in ("booking", "feedback", "messages")))
VISIT = Visit.of(appointment_event())
OFFER = Offer(VISIT.id, VISIT.client_id, VISIT.start, NOW + timedelta(minutes=15), "open", 1)
FORBIDDEN = re.compile(
    r"therap|counsel|psych|mental|depress|anxi|diagnos|score|phq|gad|telehealth|video|session|clinic|treat|\$|fee\b|offer",
    re.IGNORECASE,
)
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)


def rendered(
    purpose: Purpose,
    channel: Channel,
    name: str = "Maple Practice",
    language: Language = "en",
    zone: str | None = "America/New_York",
) -> tuple[str, str]:
    sender = Sender(name, "+12025550100", "+12025550111", "hello@maple.example", "desk@maple.example")
    message = new_message(
        client_id=VISIT.client_id, visit=VISIT, purpose=purpose, step="x", channels=(channel,), due_at=NOW
    )
    about = OFFER if purpose == "waitlist_offer" else VISIT
    text = render(message, channel, sender, about, Tongue(language, zone), LINKS, NOW)
    return text.subject, text.body


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("channel", ["sms", "voice", "email"])
@pytest.mark.parametrize("purpose", ["reminder", "confirm_request"])
def test_whose_zone_nobody_knows_is_told_which_one_is_meant(
    purpose: Purpose, channel: Channel, language: Language
) -> None:
    subject, body = rendered(purpose, channel, "W" * 20, language, zone=None)
    told = re.findall(r"\d\d?:\d\d(?: UTC|\S*)?", f"{subject} {body}")
    assert told == [one for one in told if one.endswith(" UTC")]
    assert told
    assert channel != "sms" or segments(body) == 1


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("purpose", PURPOSES)
@given(name=st.text(st.characters(categories=["Lu", "Ll", "Nd", "Zs"]), min_size=1, max_size=20))
def test_every_text_fits_names_the_practice_and_says_nothing_of_the_care(
    purpose: Purpose, language: Language, name: str
) -> None:
    _, body = rendered(purpose, "sms", name, language)
    assert len(body) <= 160
    assert name in body
    words = re.sub(r"https?://\S+", "", body).replace(name, "", 1)
    assert not FORBIDDEN.search(words)
    assert "{" not in body


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("purpose", PURPOSES)
def test_every_text_is_sent_in_one_part_whatever_day_it_names(purpose: Purpose, language: Language) -> None:
    sender = Sender("W" * 20, "+12025550100", "+12025550111", "hello@maple.example", "desk@maple.example")
    message = new_message(
        client_id=VISIT.client_id, visit=VISIT, purpose=purpose, step="x", channels=("sms",), due_at=NOW
    )
    for day in range(0, 366, 5):
        start = datetime(2026, 12, 31, 18, 0, tzinfo=UTC) + timedelta(days=day)
        about = replace(OFFER if purpose == "waitlist_offer" else VISIT, start=start)
        text = render(message, "sms", sender, about, Tongue(language, "America/New_York"), LINKS, NOW)
        assert segments(text.body) == 1, text.body


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("purpose", PURPOSES)
def test_subjects_of_mails_say_nothing_of_the_care(purpose: Purpose, language: Language) -> None:
    subject, body = rendered(purpose, "email", language=language)
    assert subject
    assert not FORBIDDEN.search(subject)
    assert "Maple Practice, +12025550100" in body
    assert "{" not in subject + body


@pytest.mark.parametrize(
    "purpose", [one for one in PURPOSES if one not in REPLIES | FROM_A_PERSON and one != "cancellation"]
)
def test_links_are_opaque_capabilities_for_this_visit_alone(purpose: Purpose) -> None:
    _, body = rendered(purpose, "sms")
    found = re.search(
        r"https://care\.example\.org/(?:booking/(?:a|w|me)|feedback/s|messages/c)/([A-Za-z0-9_-]{64})(?:\s|$)", body
    )
    assert found is not None
    kinds = ("visit", "remote", "barrier", "alliance", "offer", "check_in", "client")
    meant = [kind for kind in kinds if _opens(found.group(1), kind)]
    assert len(meant) == 1


def _opens(link: str, kind: str) -> bool:
    try:
        capability = Capability.verify(link, KEY, kind, NOW + timedelta(days=1))
    except Exception:  # noqa: BLE001 -- whichever refusal it is, the link does not open
        return False
    return capability.tenant == LINKS.tenant and (
        capability.subject in (VISIT.id, VISIT.client_id) or kind == "check_in"
    )


def test_a_freed_time_is_named_with_until_when_it_can_be_had_on_the_clients_clock() -> None:
    _, body = rendered("waitlist_offer", "sms")
    assert "Wed 4 Mar 10:00am free, first come: https" in body
    subject, mail = rendered("waitlist_offer", "email")
    assert subject == "Wednesday 4 March at 10:00 am is free"
    assert "until 10:15am. If" in mail


def test_help_names_the_practice_its_phone_the_way_out_and_the_crisis_lines() -> None:
    _, body = rendered("help", "sms")
    for part in ("Maple Practice", "+12025550100", "STOP", "988", "911"):
        assert part in body


def test_a_text_that_cannot_fit_is_an_error_and_never_cut() -> None:
    long = Links(uuid4(), KEY, "https://" + "x" * 90 + ".example", "https://f.example", "https://m.example")
    sender = Sender("Maple", "+12025550100", "+12025550111", "hello@maple.example", "desk@maple.example")
    message = new_message(
        client_id=VISIT.client_id, visit=VISIT, purpose="reminder", step="x", channels=("sms",), due_at=NOW
    )
    with pytest.raises(ValueError, match="160"):
        render(message, "sms", sender, VISIT, Tongue(), long, NOW)
