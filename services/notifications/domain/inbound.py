"""What a client's text means, before anybody reads it."""

import re
from typing import Literal

Meaning = Literal["opt_out", "opt_in", "help", "safety", "other"]

OPT_OUT = frozenset(("STOP", "QUIT", "END", "REVOKE", "OPTOUT", "OPT OUT", "CANCEL", "UNSUBSCRIBE", "STOPALL"))
OPT_IN = frozenset(("START", "UNSTOP"))
HELP = frozenset(("HELP", "INFO"))

_SAFETY = re.compile(
    r"suicid|kill(ing)? my ?self|end(ing)? (it|my life|things|everything)|(want|going|ready) to die"
    r"|don'?t want to (live|be here|be alive)|hurt(ing)? my ?self|harm(ing)? my ?self|self[- ]?harm"
    r"|cut(ting)? my ?self|better off dead|no reason to live|overdos|can'?t go on|take my (own )?life",
    re.IGNORECASE,
)


def meaning(body: str) -> Meaning:
    """Opt-out words count as the whole message in any case; anything that may mean self-harm goes before the rest.

    "END" is an opt-out; "I want to end it" is a person who may be in danger.
    """
    words = re.sub(r"\s+", " ", body.replace("’", "'")).strip()
    whole = words.strip(" .!\"'").upper()
    if whole in OPT_OUT:
        return "opt_out"
    if _SAFETY.search(words):
        return "safety"
    if whole in OPT_IN:
        return "opt_in"
    if whole in HELP:
        return "help"
    return "other"
