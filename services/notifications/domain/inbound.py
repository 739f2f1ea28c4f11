"""What a client's text means, before anybody reads it."""

import re
import unicodedata
from typing import Literal, get_args

from services.notifications.domain.check_ins import CheckInAnswer
from services.notifications.domain.crisis import danger
from services.notifications.domain.opting import OPT_OUT, says_start, says_stop, whole

Meaning = Literal["opt_out", "opt_in", "help", "safety", "answer", "other"]
Answer = Literal["confirm", "move", "cancel"]
Digit = Literal["1", "2", "3"]

HELP = frozenset(("HELP", "INFO", "AYUDA"))
ANSWERS: dict[Digit, Answer] = {"1": "confirm", "2": "move", "3": "cancel"}
"""Digits only: no word that somebody may mean otherwise is an answer."""
CHECK_IN_ANSWERS: dict[Digit, CheckInAnswer] = {"1": "well", "2": "so_so", "3": "not_well"}
_DIGITS: dict[str, Digit] = {digit: digit for digit in get_args(Digit)}


def meaning(body: str) -> Meaning:
    """Carriers' opt-out words count as the whole message in any case; whatever may mean danger goes before the rest.

    "END" is an opt-out; "I want to end it" is a person who may be in danger.
    """
    keyword = whole(body)
    if keyword in OPT_OUT:
        return "opt_out"
    if danger(body) is not None:
        return "safety"
    if says_stop(body):
        return "opt_out"
    if says_start(keyword):
        return "opt_in"
    if keyword in HELP:
        return "help"
    return "answer" if digit(body) else "other"


def digit(body: str) -> Digit | None:
    """The one that a text is, if it's nothing else: `1`, ` 1.`, `(1)`, a keycap."""
    return _DIGITS.get(re.sub(r"[\s.!()\[\]#\ufe0f\u20e3]", "", unicodedata.normalize("NFKC", body)))
