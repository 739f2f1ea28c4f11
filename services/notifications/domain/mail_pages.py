"""The text of a mail's part, in whatever alphabet or as a page. It takes time in proportion to its length."""

import codecs
import re
from email.message import Message
from html import unescape

_NO_ALPHABETS = frozenset(("idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined"))
"""Python's own, of which no mail program knows; some take a text's length squared."""
_TAG = re.compile(r"(?:/?[a-z][a-z0-9]*|[!?])", re.IGNORECASE)
_UNSEEN = frozenset(("style", "script", "title"))
_LINES = frozenset(("br", "div", "tr", "li", "ul", "ol", "table", "blockquote", "h1", "h2", "h3", "h4", "pre"))
_BREAKS = dict.fromkeys(_LINES, "\n") | {"p": "\n\n", "td": " ", "th": " ", "hr": "\n________\n"}


def decoded(part: Message) -> str:
    """In the alphabet that it names; in UTF-8 where nobody knows that one."""
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    try:
        name = codecs.lookup(part.get_content_charset("utf-8")).name
        return payload.decode("utf-8" if name in _NO_ALPHABETS else name, "replace")
    except (LookupError, ValueError):
        return payload.decode("utf-8", "replace")


def text_of(page: str) -> str:
    """What a page shows, with what it quotes marked as in a plain text. `html.parser` takes lengths squared."""
    told, hidden = _shown(page, _UNSEEN)
    if hidden:
        # What nobody should see has no end: better too much than nothing.
        told, _ = _shown(page.replace("<!--", " "), frozenset())
    return unescape(told)


def _shown(page: str, unseen: frozenset[str]) -> tuple[str, bool]:
    """The text, and whether something unseen had no end."""
    first, *rest = page.split("<")
    told, quotes, until = [_flowing(first)], _Quotes(), ""
    for piece in rest:
        tag, closed, text = piece.partition(">")
        if until == "-->" and until in piece:
            until, text = "", piece.partition("-->")[2]
        elif until and tag.lower().startswith(until):
            until = ""
        elif until:
            continue
        elif piece.startswith("!--"):
            text = piece.partition("-->")[2]
            until = "" if "-->" in piece else "-->"
        elif (found := _TAG.match(piece)) is None or not closed:
            text = f"<{piece}"
        else:
            name = found[0].lower()
            until = f"/{name}" if name in unseen else ""
            quotes.meet(name, tag)
            told.append(_BREAKS.get(name.lstrip("/"), "").replace("\n", quotes.line))
        told += [_flowing(text)] if not until else []
    return "".join(told), bool(until)


class _Quotes:
    """How deep in quotations we are; mail programs mark those, and not what somebody has set apart."""

    def __init__(self) -> None:
        self._open: list[bool] = []
        self._deep = 0

    def meet(self, name: str, tag: str) -> None:
        if name == "blockquote":
            marked = "cite" in tag.lower() or "_quote" in tag.lower()
            self._open.append(marked)
            self._deep += marked
        elif name == "/blockquote" and self._open:
            self._deep -= self._open.pop()

    @property
    def line(self) -> str:
        return "\n> " if self._deep else "\n"


def _flowing(text: str) -> str:
    return re.sub(r"\s+", " ", text)
