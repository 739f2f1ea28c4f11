"""How many texts a carrier makes of one."""

import pytest

from services.notifications.domain.segments import beyond_basic, segments


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 80 + "a", 2),
        ("ñ" * 160, 1),
        ("á" + "a" * 69, 1),
        ("á" + "a" * 70, 2),
        ("á" + "a" * 134, 3),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
    ],
)
def test_a_text_is_sent_in_as_many_parts_as_its_alphabet_needs(text: str, parts: int) -> None:
    assert segments(text) == parts


def test_what_makes_the_parts_shorter_is_named_once() -> None:
    assert beyond_basic("¿Qué tal? Mañana, ¡sí, sí! – ñandú 😀 [€]") == ["í", "ú", "–", "😀"]
