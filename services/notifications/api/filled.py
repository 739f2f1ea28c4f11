"""A form with steps as somebody filled it in: reading it, and adding, removing and moving its steps."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import BaseModel, ValidationError

from services.notifications.api import faults
from services.notifications.api.forms import Group, Sent

_OF_STEP = re.compile(r"steps\.([0-9]{1,4})\.(.+)", re.ASCII | re.DOTALL)
_PLACE = re.compile(r"[0-9]{1,4}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Filled:
    """What stands in each field: of the whole, and of each step."""

    fields: Sent
    steps: tuple[Sent, ...]

    @classmethod
    def of(cls, sent: Sent) -> "Filled":
        """From what a browser sends; the steps keep their order, whatever numbers they had."""
        whole: dict[str, str] = {}
        steps: dict[int, dict[str, str]] = {}
        for name, text in sent.items():
            if found := _OF_STEP.fullmatch(name):
                steps.setdefault(int(found[1]), {})[found[2]] = text
            else:
                whole[name] = text
        return cls(whole, tuple(steps[number] for number in sorted(steps)))

    @property
    def flat(self) -> dict[str, str]:
        """As the page names them."""
        flat = dict(self.fields)
        for number, step in enumerate(self.steps):
            flat |= {f"steps.{number}.{name}": text for name, text in step.items()}
        return flat

    def rearranged(self, press: str, blank: Sent) -> tuple["Filled", int | None]:
        """After a press of `add`, `remove.2`, `up.2` or `down.2`, and the step to look at next.

        A press of no step, or past the first or last one, changes nothing.
        """
        steps = list(self.steps)
        do, _, place = press.partition(".")
        if do == "add":
            return replace(self, steps=(*steps, blank)), len(steps)
        at = int(place) if _PLACE.fullmatch(place) else len(steps)
        to = at + {"up": -1, "down": 1}.get(do, 0)
        if at >= len(steps) or not 0 <= to < len(steps):
            return self, None
        moved = steps.pop(at)
        if do != "remove":
            steps.insert(to, moved)
        return replace(self, steps=tuple(steps)), min(to, len(steps) - 1) if steps else None


@dataclass(frozen=True, slots=True)
class StepForm:
    """The form of a model that has steps: what each step can say, and what the whole."""

    model: type[BaseModel]
    step_model: type[BaseModel]
    step: Group
    whole: Group
    given: Mapping[str, str] = field(default_factory=dict)
    """What this form doesn't ask, since it is a form of just that."""

    @property
    def most_steps(self) -> int:
        """As many as the model allows."""
        limits = (getattr(one, "max_length", None) for one in self.model.model_fields["steps"].metadata)
        return int(next(limit for limit in limits if limit is not None))

    @property
    def blank(self) -> dict[str, str]:
        """A new step, with what the model says where nothing is said."""
        known = self.step_model.model_fields
        return self.step.write({name: one.default for name, one in known.items() if isinstance(one.default, str)})

    def write(self, value: BaseModel) -> Filled:
        said = value.model_dump()
        return Filled(self.whole.write(said), tuple(map(self.step.write, said["steps"])))

    def body(self, filled: Filled) -> dict[str, Any]:
        """What the API would get."""
        steps = [self.step.read(one) or {} for one in filled.steps]
        return {**(self.whole.read(filled.fields) or {}), **self.given, "steps": steps}

    def faults(self, filled: Filled, error: ValidationError) -> list[faults.Fault]:
        """What the model found wrong in the body of this form, by field."""
        return faults.find(self.page(len(filled.steps)), error)

    def page(self, steps: int) -> Group:
        """The whole form as one group, with so many steps."""
        each = (Group(str(number), f"Step {number + 1}", fields=self.step.fields) for number in range(steps))
        listed = Group("steps", "Steps", fields=tuple(each), listed=True)
        return Group("", "", fields=(listed, *self.whole.fields))
