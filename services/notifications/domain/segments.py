"""How many texts a carrier makes of one, by the alphabet that its characters need (3GPP TS 23.038 and 23.040)."""

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("^{}\\[~]|€\f")
"""Each of these takes two places."""


def beyond_basic(text: str) -> list[str]:
    """The characters that make a text's parts shorter, each once."""
    return sorted({sign for sign in text if sign not in _BASIC and sign not in _EXTENDED})


def segments(text: str) -> int:
    """Parts that a text is sent in: of 160 characters, 70 where one is beyond the basic alphabet; less in a chain."""
    if not beyond_basic(text):
        length = len(text) + sum(sign in _EXTENDED for sign in text)
        alone, chained = 160, 153
    else:
        length = len(text.encode("utf-16-le")) // 2
        alone, chained = 70, 67
    return 1 if length <= alone else -(-length // chained)
