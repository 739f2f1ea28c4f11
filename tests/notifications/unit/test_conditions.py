"""When a step is taken."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifications.domain.conditions import Condition, Facts

DAY = timedelta(days=1)
KNOWN = Facts(
    first_visit=True,
    unconfirmed=True,
    lead_time=3 * DAY,
    modality="in_person",
    barrier="cost",
    misses=2,
    step_before_arrived=True,
    held_out=False,
)
MET: dict[str, list[dict[str, Any]]] = {
    "first_visit": [{"first_visit": True}],
    "unconfirmed": [{"unconfirmed": True}],
    "lead_time": [{"lead_time_at_least": "P3D"}, {"lead_time_at_most": "P3D"}],
    "modality": [{"modality": "in_person"}],
    "barriers": [{"barriers": ["cost"]}, {"barriers": ["unknown", "cost"]}],
    "misses": [{"misses_at_least": 2}, {"misses_at_most": 2}],
    "step_before": [{"step_before": "arrived"}],
    "held_out": [{"held_out": False}],
}
UNMET: dict[str, list[dict[str, Any]]] = {
    "first_visit": [{"first_visit": False}],
    "unconfirmed": [{"unconfirmed": False}],
    "lead_time": [{"lead_time_at_least": "P3DT1S"}, {"lead_time_at_most": "P2DT23H59M59S"}],
    "modality": [{"modality": "telehealth"}],
    "barriers": [{"barriers": ["unknown"]}, {"barriers": ["time", "fit"]}],
    "misses": [{"misses_at_least": 3}, {"misses_at_most": 1}],
    "step_before": [{"step_before": "not_arrived"}],
    "held_out": [{"held_out": True}],
}


def test_where_nothing_is_asked_anything_will_do() -> None:
    assert not Condition().asks
    assert Condition().unmet(Facts()) is None


@pytest.mark.parametrize("said", [one for many in MET.values() for one in many])
def test_what_is_as_asked_holds(said: dict[str, Any]) -> None:
    condition = Condition.model_validate(said)
    assert condition.asks
    assert condition.unmet(KNOWN) is None


@pytest.mark.parametrize(("name", "said"), [(name, one) for name, many in UNMET.items() for one in many])
def test_what_is_not_as_asked_is_named(name: str, said: dict[str, Any]) -> None:
    assert Condition.model_validate(said).unmet(KNOWN) == name


@pytest.mark.parametrize("name", ["first_visit", "unconfirmed", "lead_time", "modality", "step_before"])
def test_no_condition_on_what_is_unknown_holds(name: str) -> None:
    for said in (*MET[name], *UNMET[name]):
        assert Condition.model_validate(said).unmet(Facts()) == name


def test_a_barrier_that_nobody_named_is_unknown() -> None:
    assert Condition(barriers=("unknown",)).unmet(replace(KNOWN, barrier=None)) is None
    assert Condition(barriers=("cost",)).unmet(replace(KNOWN, barrier=None)) == "barriers"


@given(st.lists(st.sampled_from([(name, one) for name, many in MET.items() for one in many]), unique_by=lambda x: x[0]))
def test_all_that_is_asked_must_hold(asked: list[tuple[str, dict[str, Any]]]) -> None:
    said = {name: value for _, one in asked for name, value in one.items()}
    assert Condition.model_validate(said).unmet(KNOWN) is None
    for name, _ in asked:
        spoiled = {
            **{key: value for other, one in asked if other != name for key, value in one.items()},
            **UNMET[name][0],
        }
        assert Condition.model_validate(spoiled).unmet(KNOWN) == name
