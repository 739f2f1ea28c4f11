"""What is wrong with a practice's own words."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import get_args
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifications.domain.linting import findings, name_finding
from services.notifications.domain.model import Language, Offer, Purpose, Sender, Visit
from services.notifications.domain.plans import new_message
from services.notifications.domain.templates import Links, Tongue, render
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
        ("{{ name }}: ther{# x #}apy {{ link }}", "no remarks"),
        ("{{ name }}: {% raw %}{{ therapy }}{% endraw %} {{ link }}", "no code"),
        ("{{" + "(" * 1500 + "name" + ")" * 1500 + "}} {{ link }}", "no code"),
        ("{{ " + "-" * 2000 + "1 }} {{ link }}", "no code"),
        ("{{ name }} {{ link", "line 1"),
        ("{{ name }}: see you {{ when }}.", "{{ link }} is missing"),
        ("See you {{ when }}. {{ link }}", "{{ name }} is missing"),
        ("{{ name }}: your therapy {{ when }} {{ link }}", "what the care is about"),
        ("{{ name }}: su terapia {{ when }} {{ link }}", "what the care is about"),
        ("{{ name }}: only $20 {{ when }} {{ link }}", "money"),
        ("{{ name }}: {{ when }} https://evil.example {{ link }}", "address"),
        ("{{ name }}: evil.example/x {{ link }}", "address"),
        ("{{ name }}: write to hello@example {{ link }}", "address"),
        ("{{ name }}.example: {{ link }}", "address"),
        ("{{ name }}: niñez.org/a {{ link }}", "address"),
        ("{{ name }}: 10.20.30.40/x {{ link }}", "address"),
        ("{{ name }}: ftp://1/x {{ link }}", "address"),
        ("{{ name }}: your shrink {{ link }}", "what the care is about"),
        ("{{ name }}: " + "x" * 60 + " {{ when }} {{ link }}", "160"),
        ("{{ name }}: le llamará {{ link }}", "'á' leave 70 characters for a text, not 160"),
        ("{{ name }}: sí, ¡allí! {{ link }}", "sent, and paid, as 3 texts: 'í' leave"),
        ("{{ name }}: it’s on – come {{ link }}", "'–', '’' leave"),
        ("{{ name }}: see you 😀 {{ link }}", "'😀' leave"),
        ("{{ name }}: " + "[" * 25 + " {{ link }}", "takes the place of two"),
    ],
)
def test_what_cannot_be_sent_is_named(body: str, says: str) -> None:
    found = findings(Words(body), "reminder", "sms", "en")
    assert found
    assert all(one.field == "body" for one in found)
    assert any(says in one.message for one in found), found


@pytest.mark.parametrize("said", ["EE.UU.", "Sr.Lopez", "a.m.or p.m.", "p.ej.", "3.30", "No.12"])
def test_what_only_looks_like_an_address_may_stand(said: str) -> None:
    assert findings(Words(f"{{{{ name }}}}: {said} {{{{ link }}}}"), "reminder", "sms", "en") == []


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


@pytest.mark.parametrize(
    "said",
    [
        "The fee is due",
        "It costs $20",
        "A gift for you",
        "Un regalo",
        "See https://maple.example/x",
        "http://maple",
        "maple.help",
        "rb.gy/abc",
        "Write to desk@maple.example",
    ],
)
def test_a_mails_body_and_link_sell_nothing_and_lead_nowhere_else(said: str) -> None:
    for field, words in (
        ("subject", Words("x", said, "See")),
        ("body", Words(said, "Your visit", "See")),
        ("action", Words("x", "Your visit", said)),
    ):
        [found] = findings(words, "reminder", "email", "en")
        assert found.field == field
        assert "money" in found.message or "address" in found.message


def test_what_the_care_is_about_may_stand_within_a_mail_that_is_opened() -> None:
    assert findings(Words("Your session on {{ when }}.", "Your visit", "Online form"), "reminder", "email", "en") == []


def test_letters_that_cost_nothing_stay() -> None:
    assert findings(Words("{{ name }}: ¿qué tal? ¡mañana! ñ ü à {{ link }}"), "reminder", "sms", "es") == []


def test_a_short_answer_and_whatever_is_no_text_may_have_any_letter() -> None:
    assert findings(Words("{{ name }}: así será."), "answer_confirm", "sms", "es") == []
    assert findings(Words("Así será.", "Usted irá", "Ver"), "reminder", "email", "es") == []
    assert findings(Words("{{ name }} {{ phone }} así será"), "reminder", "voice", "es") == []


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


CARE = (
    "OCD ADHD rehab bipolar CBT DBT EMDR grief bereavement couples marriage sobriety detox suicide self-harm abuse mood"
    " autism PTSD panic insomnia anxiety depression psychology neuropsychology psychotherapy hypnotherapy counseling"
    " clinic session treatment addiction recovery alcohol drugs anorexia trauma medication diagnosis symptoms PHQ-9"
    " GAD-7 score telehealth drogas TLP TDAH TEPT duelo pareja terapia psicóloga psiquiatra ansiedad depresión"
    " diagnóstico sesión clínica tratamiento adicción adicto alcoholismo trastorno pánico sobriedad maltrato autolesión"
    " cocaine heroin fentanyl meth methamphetamine cannabis weed nicotine marijuana opiates narcotics vaping cocaína"
    " heroína fentanilo metanfetamina marihuana mariguana nicotina narcóticos dementia demencia Alzheimer postpartum"
    " posparto postparto perinatal DUI DWI 12-step"
)
MONEY = (
    "copay co-pay bill invoice payment pay paid fee fees $20 20€ price cost insurance deductible discount sale offer"
    " coupon refund pago pagar costo factura tarifa precio descuento gratis oferta copago saldo deuda cobro"
    " voucher penalty penalties deposit gift giveaway prize reward multa multas regalo premio depósito depósitos cupón"
    " cupones recargo sorteo"
)
PLACE = "Zoom remote virtual online video telehealth remota videollamada"


@pytest.mark.parametrize("shout", [str.lower, str.upper])
@pytest.mark.parametrize(
    ("word", "says"),
    [(one, "what the care is about") for one in CARE.split()] + [(one, "money") for one in MONEY.split()],
)
def test_no_word_tells_of_care_or_money_in_a_text_a_subject_or_a_call(
    word: str, says: str, shout: Callable[[str], str]
) -> None:
    told = f"your {shout(word)}"
    purposes: tuple[Purpose, ...] = ("reminder", "remote_offer")
    for purpose in purposes:
        text, *_ = findings(Words(f"{{{{ name }}}}: {told} {{{{ link }}}}"), purpose, "sms", "en")
        assert (text.field, says in text.message) == ("body", True)
    [subject] = findings(Words("Hello", told, "See"), "reminder", "email", "en")
    assert (subject.field, says in subject.message) == ("subject", True)
    [call] = findings(Words(f"{{{{ name }}}} {{{{ phone }}}} {told}"), "reminder", "voice", "en")
    assert says in call.message
    assert name_finding(f"The {shout(word)} Place") is not None


@pytest.mark.parametrize(
    "told",
    ["AA meeting", "aa group", "Al-Anon", "twelve-step group", "los doce pasos", "post-partum group", "crystal meth"],
)
def test_nor_do_several_of_care(told: str) -> None:
    [found] = findings(Words(f"{{{{ name }}}}: {told} {{{{ link }}}}"), "reminder", "sms", "en")
    assert "what the care is about" in found.message


@pytest.mark.parametrize(
    "told",
    ["special deal", "free gift", "20 bucks", "50 euros", "100 pesos", "1 euro", "deal of the day", "free trial"],
)
def test_nor_do_several_of_money(told: str) -> None:
    [found] = findings(Words(f"{{{{ name }}}}: {told} {{{{ link }}}}"), "reminder", "sms", "en")
    assert "money" in found.message


@pytest.mark.parametrize("word", [one for one in PLACE.split() if one != "telehealth"])
def test_how_to_meet_stands_only_where_that_is_offered(word: str) -> None:
    words = Words(f"{{{{ name }}}}: your {word} visit {{{{ link }}}}")
    [found] = findings(words, "reminder", "sms", "en")
    assert "how you meet" in found.message
    assert findings(words, "remote_offer", "sms", "en") == []
    assert name_finding(f"Maple {word}")


@pytest.mark.parametrize(
    "told",
    [
        "sobre su cita",
        "thank you for your care",
        "we add a time for you",
        "is Tuesday free?",
        "you choose the time",
        "su hora queda libre",
        "no se preocupe",
        "a great deal of time",
        "a method that fits",
        "your dues and don'ts",
        "Bucks County, Weedon Road",
        "method, seaweed, heroic",
    ],
)
def test_neutral_words_stay(told: str) -> None:
    assert findings(Words(f"{{{{ name }}}}: {told} {{{{ link }}}}"), "reminder", "sms", "es") == []


NEUTRAL = (
    *("Maple Practice", "Dr. Smith", "Casa Roble", "Oak & Elm", "Dr. Bill Smith", "Dr. Price", "Oak Medical Center"),
    *("Dr. Grace Fee", "Mindful Path", "Dr. Sessions", "Dr. Treat", "Abushaban Family Practice", "Stressman & Co"),
    *("Doctor Price", "McPherson & Griever", "Dr. Weed", "Dr. Anna Weed", "Weedon & Co", "Methven Family Practice"),
    *("Seaweed Lane", "Heroines Rising", "Giftos Practice"),
)
TELLING = (
    *("EatingDisorder Help", "Oncology Group", "Weight Loss Group", "Trans Care", "Borderline Group", "50% off"),
    *("BehavioralHealth", "MySafeRehab", "Stop Smoking", "Cancer Care", "Dr. Anxiety", "Dr. Smith Therapy"),
    *("Mindfulness Group", "Medical Marijuana", "Price & Co", "Stressed Out", "Grieving Hearts", "Abused No More"),
    *("Abusados", "Tobacco Free", "Dr. Price Clinic", "Drug Rehab", "Cocaine Help", "Heroin Helpline", "Dementia Care"),
    *("Casa Heroína", "Postpartum Place", "DUI Classes", "Dr. Weed Therapy", "Weed & Co", "AA Meeting House"),
    *("Free Gift", "Premio Casa", "NicotineFree"),
)


@pytest.mark.parametrize("name", TELLING)
def test_a_name_that_tells_is_refused(name: str) -> None:
    assert name_finding(name) is not None


@pytest.mark.parametrize("name", NEUTRAL)
def test_neutral_names_stay(name: str) -> None:
    assert name_finding(name) is None


@given(body=st.text(max_size=200), subject=st.text(max_size=40), channel=st.sampled_from(CHANNELS))
def test_whatever_is_written_is_kept_or_named(body: str, subject: str, channel: Channel) -> None:
    for one in findings(Words(body, subject), "reminder", channel, "en"):
        assert one.field in ("body", "subject", "action")
        assert one.message


@pytest.mark.parametrize(
    "body", ["{{ name }}: free till {{ until }} %s {{ link }}", "{{ name }}: {{ when }} %s {{ link }}"]
)
def test_what_passes_fits_with_the_clients_zone_and_without(body: str) -> None:
    passed = [
        words
        for length in range(1, 80)
        if not findings(words := Words(body % ("x" * length)), "waitlist_offer", "sms", "en")
    ]
    assert len(passed) > 10
    longest = passed[-1]
    nobody, start = UUID(int=0), datetime(2026, 9, 30, 16, 0, tzinfo=UTC)
    offer = Offer(nobody, nobody, start, start + timedelta(minutes=15), "open", 1)
    visit = Visit(nobody, nobody, "booked", start, start, start, 1, None)
    message = new_message(
        client_id=nobody, visit=visit, purpose="waitlist_offer", step="x", channels=("sms",), due_at=start
    )
    sender = Sender("W" * 20, "+12025550100", "+12025550111", "hello@maple.example", "desk@maple.example")
    links = Links(
        nobody, "k" * 40, *(f"https://care.example.org/{name}" for name in ("booking", "feedback", "messages"))
    )
    bodies = [
        render(
            message, "sms", sender, offer, Tongue("en", zone, {("waitlist_offer", "sms", "en"): longest}), links, start
        )
        for zone in ("America/New_York", "America/Los_Angeles", None)
    ]
    assert max(len(one.body) for one in bodies) == 160
