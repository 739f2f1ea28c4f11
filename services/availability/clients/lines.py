"""The lines of a feed: which line says what, so that a refusal can name one (RFC 5545, 3.1 and 3.6)."""

import re
from dataclasses import dataclass, field

from services.availability.clients.errors import FeedError

MOST_EVENTS = 5_000

# Wider than RFC 5545, which knows neither `_` nor `.`: programs write both in properties of their own.
_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_FOLDED = (" ", "\t")
READ = ("VEVENT", "VFREEBUSY")
ZONES = ("STANDARD", "DAYLIGHT")


@dataclass(frozen=True, slots=True)
class Line:
    """A content line: where it begins, what it says after its colon, and all of it unfolded."""

    number: int
    value: str
    whole: str


@dataclass(slots=True)
class Located:
    """A component, with the line on which it begins and the lines of each of its properties."""

    kind: str
    line: int
    properties: dict[str, list[Line]] = field(default_factory=dict)

    def lines_of(self, name: str) -> list[Line]:
        """Every line of a property."""
        return self.properties.get(name, [])

    def line_of(self, name: str) -> int:
        """The (first) line of a property; of the component itself where it has none such."""
        return next((line.number for line in self.lines_of(name)), self.line)

    def text_of(self, name: str) -> str:
        """What a property says; nothing where there is none such."""
        return next((line.value for line in self.lines_of(name)), "")


def text_of(body: bytes) -> str:
    """A feed's text. Raises FeedError `feed_malformed` when it is no UTF-8 or has NUL characters."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        raise FeedError("feed_malformed", f"Line {line} is not UTF-8.", line) from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise FeedError("feed_malformed", f"Line {line} has a NUL character.", line)
    return text


def components(text: str) -> list[Located]:
    """Every component of a calendar, in the order in which they begin. Raises FeedError `feed_malformed` or
    `feed_too_many_events`."""
    found: list[Located] = []
    stack: list[Located] = []
    events, ended = 0, False
    for number, line in _unfolded(text):
        if not line.strip():
            continue
        name, value = _split(number, line)
        if not stack:
            if ended or (name, value.strip().upper()) != ("BEGIN", "VCALENDAR"):
                if ended and name == "BEGIN" and value.strip().upper() == "VCALENDAR":
                    raise FeedError("feed_malformed", f"A second calendar begins in line {number}.", number)
                raise FeedError("feed_malformed", f"Line {number} should be BEGIN:VCALENDAR.", number)
            stack.append(Located("VCALENDAR", number))
            found.append(stack[-1])
        elif name == "BEGIN":
            component = Located(value.strip().upper(), number)
            stack.append(component)
            found.append(component)
            events += component.kind in (*READ, *ZONES)
            if events > MOST_EVENTS:
                raise FeedError("feed_too_many_events", f"The feed has more than {MOST_EVENTS} events.", number)
        elif name == "END":
            if value.strip().upper() != stack[-1].kind:
                told = (
                    f"Line {number} ends {value.strip()[:30]!r}, but {stack[-1].kind} of line {stack[-1].line} is open."
                )
                raise FeedError("feed_malformed", told, number)
            stack.pop()
            ended = not stack
        else:
            stack[-1].properties.setdefault(name, []).append(Line(number, value, line))
    if not ended:
        last = text.count("\n") + 1
        raise FeedError("feed_malformed", "The feed ends in the middle: END:VCALENDAR is missing.", last)
    return found


def _unfolded(text: str) -> list[tuple[int, str]]:
    """Content lines with the number of the line on which each begins."""
    found: list[tuple[int, str]] = []
    pieces: list[str] = []
    began = 1
    # Only these end a line here; `splitlines` knows more.
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        if line.startswith(_FOLDED) and pieces:
            pieces.append(line[1:])
            continue
        if pieces:
            found.append((began, "".join(pieces)))
        pieces, began = [line], number
    found.append((began, "".join(pieces)))
    return found


def _split(number: int, line: str) -> tuple[str, str]:
    """The name of a property and everything after its first colon that isn't quoted."""
    name = _NAME.match(line)
    quoted = False
    if name is not None and line[name.end() : name.end() + 1] in (":", ";"):
        for place in range(name.end(), len(line)):
            if line[place] == '"':
                quoted = not quoted
            elif line[place] == ":" and not quoted:
                return name.group().upper(), line[place + 1 :]
    raise FeedError("feed_malformed", f"Line {number} is none of a calendar: it should read NAME:value.", number)
