"""What a model found wrong, said next to the field where it was typed.

The rules are the model's; here is only where each belongs on the page, and its words for people.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from services.notifications.api.forms import Field, Group, Span, below

_OF_A_FIELD = re.compile(r"([a-z_]+(?:\.[a-z0-9_]+)*)(:?) (.+)", re.ASCII | re.DOTALL)
"""How a model begins what it says of one of its fields: `steps.1.then: no step …`, `holdout_percent should …`."""
_NOT_READ = frozenset(
    (
        "missing",
        "too_short",
        "int_type",
        "int_parsing",
        "int_parsing_size",
        "bool_type",
        "bool_parsing",
        "time_delta_type",
        "time_delta_parsing",
    )
)
_BOUNDS = {
    "greater_than_equal": ("ge", "At least {}."),
    "greater_than": ("gt", "More than {}."),
    "less_than_equal": ("le", "At most {}."),
    "too_long": ("max_length", "At most {}."),
    "string_too_long": ("max_length", "At most {} characters."),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """A field's name on the page, where that is in words, and what would be right."""

    name: str
    where: str
    words: str


@dataclass(frozen=True, slots=True)
class _Place:
    field: Field
    name: str
    where: tuple[str, ...] = ()

    def inside(self, path: Iterable[object]) -> "_Place | None":
        """The field that a path leads to; what lies within a field that has no parts is that field's."""
        here = self
        for part in path:
            if not isinstance(here.field, Group):
                return here
            member = here.field.member(str(part))
            if member is None:
                return None
            # “Step 2” says that it is one of the steps.
            where = () if here.field.listed else here.where
            here = _Place(member, below(here.name, member.name), (*where, member.label))
        return here


def find(form: Group, error: ValidationError, at: str = "") -> list[Fault]:
    """Each field at fault once, in the order of the page."""
    found: dict[str, Fault] = {}
    whole = _Place(form, at)
    for item in error.errors(include_url=False):
        fault = _fault(whole, item)
        found.setdefault(fault.name, fault)
    order = {name: number for number, name in enumerate(_names(form, at))}
    return sorted(found.values(), key=lambda fault: order[fault.name])


def _fault(whole: _Place, item: Any) -> Fault:
    place = whole.inside(item["loc"]) or whole
    words = _words(place.field, item)
    if item["type"] == "value_error" and isinstance(place.field, Group):
        said = _OF_A_FIELD.fullmatch(words)
        named = place.inside(said[1].split(".")) if said else None
        if said and named:
            place, words = named, said[3] if said[2] else f"this {said[3]}"
    while isinstance(place.field, Group) and not place.field.listed:
        first = place.field.fields[0]
        place = _Place(first, below(place.name, first.name), (*place.where, first.label))
    return Fault(place.name, ", ".join(place.where), f"{words[:1].upper()}{words[1:].rstrip('.')}.")


def _words(field: Field, item: Any) -> str:
    kind, context = item["type"], item.get("ctx", {})
    if kind in _NOT_READ or (kind == "value_error" and isinstance(field, Span)):
        return field.missing
    if kind == "literal_error":
        return f"“{str(item['input'])[:40]}” can't be chosen here"
    if kind == "string_pattern_mismatch":
        return field.hint
    if kind in _BOUNDS:
        bound, words = _BOUNDS[kind]
        return words.format(context[bound])
    return str(item["msg"]).removeprefix("Value error, ")


def _names(field: Field, at: str) -> Iterator[str]:
    yield at
    for one in field.fields if isinstance(field, Group) else ():
        yield from _names(one, below(at, one.name))
