"""Forms of nested data: from a body of the API to what stands in each field, and back.

A field says how one value is written and read, and knows no rule: whether it is allowed is for the model to say.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any, ClassVar, get_args

from pydantic import BaseModel

Sent = Mapping[str, str]
"""What was typed, by the name of the field."""


def coded(model: type[BaseModel], name: str) -> dict[str, str]:
    """The codes that a field of a model may have, in its order, each with its words."""
    return {code: code.replace("_", " ") for code in _codes(model.model_fields[name].annotation)}


def _codes(annotation: Any) -> Iterator[str]:
    for part in get_args(annotation):
        if isinstance(part, str):
            yield part
        else:
            yield from _codes(part)


@dataclass(frozen=True)
class Field:
    """What can be said of one thing; by itself a line of text, of which an empty one says nothing."""

    kind: ClassVar[str] = "text"
    missing: ClassVar[str] = "Enter something here."

    name: str
    label: str
    hint: str = ""

    def write(self, value: Any, at: str) -> dict[str, str]:
        return {} if value is None else {at: str(value)}

    def read(self, sent: Sent, at: str) -> Any:
        """What the API would get; None where nothing is said."""
        return sent.get(at, "").strip() or None

    def words(self, sent: Sent, at: str) -> str:
        """What is said, for who only reads it; nothing where nothing is said."""
        return sent.get(at, "")


@dataclass(frozen=True)
class Text(Field):
    pass


@dataclass(frozen=True)
class Number(Field):
    kind: ClassVar[str] = "number"
    missing: ClassVar[str] = "Enter a whole number."


@dataclass(frozen=True)
class Choice(Field):
    """One of several codes; `none` are the words for saying nothing, where that is a choice."""

    kind: ClassVar[str] = "choice"
    missing: ClassVar[str] = "Choose one of these."

    choices: Mapping[str, str] = field(default_factory=dict)
    none: str | None = None

    @property
    def options(self) -> dict[str, str]:
        return ({} if self.none is None else {"": self.none}) | dict(self.choices)

    def words(self, sent: Sent, at: str) -> str:
        return self._of(sent[at]) if sent.get(at) else ""

    def _of(self, code: str) -> str:
        return self.choices.get(code, code)


_SAID = {True: "yes", False: "no"}


@dataclass(frozen=True)
class YesNo(Choice):
    choices: Mapping[str, str] = field(default_factory=lambda: {"yes": "yes", "no": "no"})

    def write(self, value: Any, at: str) -> dict[str, str]:
        return {} if value is None else {at: _SAID[value]}

    def read(self, sent: Sent, at: str) -> Any:
        text = super().read(sent, at)
        return {"yes": True, "no": False}.get(text, text)


UNITS = {
    "days": (timedelta(days=1), "P{}D"),
    "hours": (timedelta(hours=1), "PT{}H"),
    "minutes": (timedelta(minutes=1), "PT{}M"),
    "seconds": (timedelta(seconds=1), "PT{}S"),
}
_NUMBER = re.compile(r"([0-9]{1,9})(?:[.,]([0-9]{1,6}))?", re.ASCII)


@dataclass(frozen=True)
class Span(Field):
    """A duration: a number and its unit. Seconds are offered only where somebody has said them by the API."""

    kind: ClassVar[str] = "span"
    missing: ClassVar[str] = "Enter a number, such as 3 or 1.5, and choose its unit."

    def units(self, sent: Sent, at: str) -> dict[str, str]:
        return {unit: unit for unit in UNITS if unit != "seconds" or sent.get(f"{at}.unit") == unit}

    def write(self, value: Any, at: str) -> dict[str, str]:
        if value is None:
            return {}
        number, unit = in_units(value)
        return {at: number, f"{at}.unit": unit}

    def read(self, sent: Sent, at: str) -> Any:
        text, unit = sent.get(at, "").strip(), sent.get(f"{at}.unit", "days")
        if not text:
            return None
        number = _NUMBER.fullmatch(text)
        if number is None or unit not in UNITS:
            # pydantic would make something of many a text; of this one it makes nothing.
            return f"no duration: {text} {unit}"
        one, form = UNITS[unit]
        if number[2] is None:
            return form.format(int(number[1]))
        seconds = Decimal(f"{number[1]}.{number[2]}") * int(one.total_seconds())
        return f"PT{_plain(seconds)}S"

    def words(self, sent: Sent, at: str) -> str:
        number, unit = sent.get(at, ""), sent.get(f"{at}.unit", "")
        return f"{number} {unit[:-1] if number == '1' else unit}".strip()


def in_units(value: timedelta) -> tuple[str, str]:
    """A duration as its number of the largest unit of which it is a whole one."""
    for unit, (one, _) in UNITS.items():
        if value and value % one == timedelta(0):
            return str(value // one), unit
    if not value:
        return "0", "minutes"
    return _plain(Decimal(value // timedelta(microseconds=1)) / 1_000_000), "seconds"


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


@dataclass(frozen=True)
class Ranked(Choice):
    """Codes in an order of preference, each place a choice of its own."""

    kind: ClassVar[str] = "ranked"
    missing: ClassVar[str] = "Choose at least one."

    places: tuple[str, ...] = ("First choice", "Second choice", "Third choice")

    def slots(self, at: str) -> list[tuple[str, str]]:
        return [(f"{at}.{number}", words) for number, words in enumerate(self.places)]

    def write(self, value: Any, at: str) -> dict[str, str]:
        return {f"{at}.{number}": code for number, code in enumerate(value or ())}

    def read(self, sent: Sent, at: str) -> Any:
        chosen = (sent.get(name, "").strip() for name, _ in self.slots(at))
        return [code for code in chosen if code] or None

    def words(self, sent: Sent, at: str) -> str:
        return ", or else ".join(map(self._of, self.read(sent, at) or ()))


@dataclass(frozen=True)
class Ticks(Choice):
    """Any of several codes, whatever their order."""

    kind: ClassVar[str] = "ticks"

    def boxes(self, sent: Sent, at: str) -> dict[str, str]:
        """Each box by its code; also one that only a page that isn't ours can have had."""
        ours = dict(self.choices)
        ticked = (name.removeprefix(f"{at}.") for name, text in sent.items() if name.startswith(f"{at}.") and text)
        return ours | {code: code for code in ticked if code not in ours}

    def write(self, value: Any, at: str) -> dict[str, str]:
        return {f"{at}.{code}": "yes" for code in value or ()}

    def read(self, sent: Sent, at: str) -> Any:
        return [code for code in self.boxes(sent, at) if sent.get(f"{at}.{code}")] or None

    def words(self, sent: Sent, at: str) -> str:
        return " or ".join(map(self._of, self.read(sent, at) or ()))


@dataclass(frozen=True)
class Group(Field):
    """Several fields that are said together; where none says anything, neither does the group."""

    kind: ClassVar[str] = "group"
    missing: ClassVar[str] = "Add at least one."

    fields: tuple[Field, ...] = ()
    listed: bool = False
    """As many as one likes of one kind, so that something can be wrong with how many there are."""

    def write(self, value: Any, at: str = "") -> dict[str, str]:
        found: dict[str, str] = {}
        for one in self.fields:
            found |= one.write((value or {}).get(one.name), below(at, one.name))
        return found

    def read(self, sent: Sent, at: str = "") -> Any:
        said = {one.name: one.read(sent, below(at, one.name)) for one in self.fields}
        return {name: value for name, value in said.items() if value is not None} or None

    def member(self, name: object) -> Field | None:
        return next((one for one in self.fields if one.name == name), None)

    def says(self, sent: Sent, at: str) -> bool:
        return self.read(sent, at) is not None


def below(at: str, name: str) -> str:
    return f"{at}.{name}" if at else name
