"""Every reason that notifications can put on record has its rule, or is known to have none."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from services.notifications.clients.phone import OPTED_OUT
from services.notifications.domain.rules import RULES, WITHOUT_RULE, is_known, rule_of
from shared.contracts.notifications import OutreachEnd

PLACES: dict[str, int] = {
    "Refuse": 0,
    "Defer": 1,
    "NoWords": 0,
    "CarrierRefused": 0,
    "CarrierUnavailable": 0,
    "OutcomeUnknown": 0,
    "Unavailable": 0,
    "_not_sent": 3,
    "drop": 3,
    "end_all": 3,
    "_end": 3,
    "_decide": 4,
    "_follow_report": 4,
    "_note": 4,
    "pause": 3,
    "not_sent": 1,
    "failed": 0,
    "plan_check_ins": 5,
}
"""Which argument of what is called is a reason; beside any that is named so."""
SERVICE = Path("services/notifications")


def _calls() -> Iterator[ast.Call]:
    for path in SERVICE.rglob("*.py"):
        # A webhook's delivery that failed is nobody's message.
        if not {"migrations", "schemas"}.intersection(path.parts) and path.stem != "webhooks":
            yield from (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))


def _constants() -> dict[str, str]:
    found: dict[str, str] = {}
    for path in SERVICE.rglob("*.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and node.value.value:
                found |= {name.id: str(node.value.value) for name in node.targets if isinstance(name, ast.Name)}
    return found


def _said(node: ast.expr, constants: dict[str, str]) -> Iterator[str]:
    """What an expression can be, as far as it is written down; what is filled in is an `x`."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.Name) and node.id in constants:
        yield constants[node.id]
    elif isinstance(node, ast.JoinedStr):
        parts = [part.value if isinstance(part, ast.Constant) else "x" for part in node.values]
        said = "".join(str(part) for part in parts)
        # By the name of a vendor, or of a channel.
        yield "sms" + said[1:] if said.startswith("x") else said
    elif isinstance(node, ast.IfExp):
        yield from _said(node.body, constants)
        yield from _said(node.orelse, constants)
    elif isinstance(node, ast.BoolOp):
        for value in node.values:
            yield from _said(value, constants)


def _reasons() -> set[str]:
    constants = _constants()
    found: set[str] = set()
    for call in _calls():
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        given = [word.value for word in call.keywords if word.arg == "reason"]
        place = PLACES.get(name)
        if place is not None and place < len(call.args):
            given.append(call.args[place])
        for node in given:
            found.update(_said(node, constants))
    return found


def test_each_reason_that_is_written_somewhere_has_its_rule_or_none() -> None:
    written = _reasons()
    assert {
        "no_consent",
        "quiet_hours",
        "visit_since",
        "told_already",
        "condition_x",
        "sms_x",
        "undelivered",
    } <= written
    assert sorted(reason for reason in written if not is_known(reason)) == []


def test_nothing_in_the_table_is_written_nowhere() -> None:
    of_booking = {"booking_away", "booking_silent"}
    written = _reasons() | set(get_args(OutreachEnd)) | {f"sms_{code}" for code in OPTED_OUT} | of_booking
    assert (RULES.keys() | WITHOUT_RULE) - written == set()


@pytest.mark.parametrize("reason", get_args(OutreachEnd))
def test_each_end_of_an_outreach_has_its_rule_or_none(reason: str) -> None:
    assert is_known(reason)


def test_a_stop_that_the_carrier_knows_of_is_a_stop() -> None:
    assert {rule_of(f"sms_{code}") for code in OPTED_OUT} == {1}


def test_what_no_rule_says_has_none() -> None:
    assert [rule_of(reason) for reason in (None, "visit_changed", "condition_misses", "sms_30005")] == [None] * 4
