"""What a phone or a mail program makes a link of, and what only looks so."""

import pytest

from services.notifications.domain.addresses import address
from services.notifications.domain.linting import findings
from services.notifications.domain.words import Words

ADDRESSES = (
    *("rb.gy/abc", "is.gd/abc", "v.gd/x", "goo.su/x", "qr.ae/x", "bit.ly/3xY", "t.me/x", "x.co", "maple.nosuch/book"),
    *("maple.help", "maple.law", "maple.nyc", "maple.de/x", "maple.fr", "maple.in/x", "maple.gg", "maple.chat"),
    *("maple.team", "maple.clinic", "maple.io", "maple.today", "maple.is", "maple.in", "maple.me", "maple.us"),
    *("Maple.com", "MAPLE.HELP", "MAPLE.US", "Maple.help", "Maple.is", "book.maple.health", "maple.com.mx"),
    *("maple-oak.app", "maple.com.Bye", "maple.com:8080", "maple.foo:8080/x", "maple.foo?id=7", "maple.xn--p1ai"),
    *("niñez.org", "maple\uff0ehelp", "maple\u3002help", "maple.\u200bhelp", "163.com", "10.20.30.40", "www.maple"),
    *("http://maple", "https://x", "webcal://x", "hello@maple", "maple.casa", "maple.abogado", "maple.rehab"),
)
ORDINARY = (
    *("See you soon.Bye", "St.Mary", "9 a.m.tomorrow", "a.m.or p.m.", "9 a.m.in the hall", "9 a.m./p.m.", "3.30 p.m."),
    *("See you soon.It is at 3", "Gracias.No falte", "Mañana.Es a las 3", "Listo.Su hora", "Bien.Si puede, venga"),
    *(
        "EE.UU.",
        "Sr.Lopez",
        "Oak.St",
        "Estimada.Sra Vega",
        "p.ej.",
        "3.30",
        "10.30/11.30",
        "9.30.pm",
        "2.5.km",
        "No.12",
    ),
    *("Soon.Today we", "Bien.Soy yo", "e.g.", "i.e. this", "Ph.D.", "U.S.A.", "S.A.de C.V.", "and/or", "24/7", "..."),
    *("soon...help", "soon. help", "@ 3", "mail@ desk", "a las 3 p.m.de la tarde", "1.5 hours", "Ave.Maria", "Apt.B"),
)


@pytest.mark.parametrize("said", ADDRESSES)
def test_an_address_is_found_whatever_stands_around_it(said: str) -> None:
    for around in ("{}", "see {}", "({})", "{}.", "Look: {}, please", "a.b c.d {}!"):
        assert address(around.format(said)), around


@pytest.mark.parametrize("said", ORDINARY)
def test_what_only_looks_like_one_is_none(said: str) -> None:
    for around in ("{}", "see {}", "({})", "Well, {}!", "{} then"):
        assert not address(around.format(said)), around


@pytest.mark.parametrize("said", ["{{ name }}.help", "{{ name }}.is", "maple.{{ name }}/x", "{{ name }}.example"])
def test_nor_may_it_be_made_of_a_variable(said: str) -> None:
    [found] = findings(Words(f"{{{{ name }}}}: {said} {{{{ link }}}}"), "reminder", "sms", "en")
    assert "address" in found.message


@pytest.mark.parametrize("said", ["{{ when }}.Be on time", "{{ phone }}.No falte", "{{ when }}/{{ phone }}."])
def test_a_sentence_may_begin_beside_a_variable(said: str) -> None:
    found = findings(Words(f"{{{{ name }}}}: {said} {{{{ link }}}}"), "reminder", "sms", "en")
    assert not [one for one in found if "address" in one.message]


def test_no_text_is_long_to_look_through() -> None:
    for text in (
        "a" * 50_000,
        "a-" * 25_000,
        "a." * 25_000,
        "1.a" * 15_000,
        "?" * 50_000,
        "ab.cde" * 10_000,
        "{{" * 20_000,
    ):
        assert not address(text)
