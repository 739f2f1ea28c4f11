"""Reminder plans and outreach flows as data."""

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.notifications.domain.check_ins import CheckInPlan
from services.notifications.domain.conditions import KEPT
from services.notifications.domain.model import Visit, moves_forward
from services.notifications.domain.outreach import DEFAULT_FLOW, Outreach, OutreachFlow, is_held_out
from services.notifications.domain.plans import DEFAULT_PLAN, TOO_LATE, ReminderPlan, plan_messages
from tests.support.build import NOW, appointment_event


def test_the_default_plan_confirms_at_once_then_mails_at_three_days_and_texts_at_one() -> None:
    visit = Visit.of(appointment_event(start=NOW + timedelta(days=10)))
    planned = plan_messages(DEFAULT_PLAN, visit, NOW)
    assert [(one.purpose, one.channels[0], one.due_at, one.status) for one in planned] == [
        ("confirmation", "email", NOW, "planned"),
        ("reminder", "email", visit.start - timedelta(days=3), "planned"),
        ("confirm_request", "sms", visit.start - timedelta(days=2), "planned"),
        ("reminder", "sms", visit.start - timedelta(days=1), "planned"),
    ]


def test_a_step_whose_time_has_passed_is_on_record_as_not_sent() -> None:
    visit = Visit.of(appointment_event(start=NOW + timedelta(days=2)))
    planned = plan_messages(DEFAULT_PLAN, visit, NOW + timedelta(seconds=1))
    assert [(one.status, one.reason) for one in planned] == [
        ("planned", None),
        ("not_sent", TOO_LATE),
        ("not_sent", TOO_LATE),
        ("planned", None),
    ]


WHEN = st.one_of(
    st.tuples(st.integers(0, 90 * 24), st.just("booking")), st.tuples(st.integers(1, 90 * 24), st.just("start"))
)


@given(st.lists(WHEN, min_size=1, max_size=10, unique=True))
def test_each_step_has_exactly_one_message_never_after_the_start_when_anchored_there(
    steps: list[tuple[int, str]],
) -> None:
    plan = ReminderPlan.model_validate(
        {
            "steps": [
                {"anchor": anchor, "offset": timedelta(hours=hours), "channels": ["sms"]} for hours, anchor in steps
            ]
        }
    )
    visit = Visit.of(appointment_event(start=NOW + timedelta(days=30)))
    planned = plan_messages(plan, visit, NOW)
    assert [one.step for one in planned] == [f"plan.{number}" for number in range(len(steps))]
    for one, (hours, anchor) in zip(planned, steps, strict=True):
        assert one.due_at == (
            visit.booked_at + timedelta(hours=hours) if anchor == "booking" else visit.start - timedelta(hours=hours)
        )


@pytest.mark.parametrize(
    ("before", "step", "is_known"),
    [
        ({"offset": "PT48H"}, {"offset": "PT24H"}, True),
        ({"offset": "PT24H"}, {"offset": "PT24H"}, False),
        ({"offset": "PT24H"}, {"offset": "PT79H"}, False),
        ({"anchor": "booking", "offset": "PT0S"}, {"offset": "PT24H"}, True),
        ({"offset": "PT24H"}, {"anchor": "booking", "offset": "PT0S"}, False),
        ({"anchor": "booking", "offset": "PT1H"}, {"anchor": "booking", "offset": "PT2H"}, True),
        ({"anchor": "booking", "offset": "PT2H"}, {"anchor": "booking", "offset": "PT1H"}, False),
    ],
)
def test_a_step_asks_only_of_one_that_was_due_before_it(
    before: dict[str, Any], step: dict[str, Any], is_known: bool
) -> None:
    asking = {**step, "channels": ["email"], "when": {"step_before": "not_arrived"}}
    plan = {"steps": [{**before, "channels": ["sms"]}, asking]}
    if is_known:
        ReminderPlan.model_validate(plan)
        return
    with pytest.raises(ValidationError, match=r"steps\.1\.when\.step_before: the step before should be due earlier"):
        ReminderPlan.model_validate(plan)
    # One that was published when nobody looked at this still holds.
    assert len(ReminderPlan.model_validate(plan, context=KEPT).steps) == 2


@pytest.mark.parametrize(
    "flow",
    [
        {"steps": [], "gives_up_after": "P1D"},
        {"steps": [{"after": "P2D", "task": "call"}], "gives_up_after": "P1D"},
        {"steps": [{"after": "P2D", "task": "a"}, {"after": "P1D", "task": "b"}], "gives_up_after": "P9D"},
        {"steps": [{"after": "PT0S"}], "gives_up_after": "P1D"},
        {"steps": [{"after": "PT0S", "message": "missed_you"}], "gives_up_after": "P1D"},
        {
            "steps": [{"after": "PT0S", "message": "missed_you", "channels": ["sms"], "task": "x"}],
            "gives_up_after": "P1D",
        },
        {"steps": [{"after": "PT0S", "message": "missed_you", "channels": ["fax"]}], "gives_up_after": "P1D"},
        {"steps": [{"after": "PT0S", "task": "call"}], "gives_up_after": "P1D", "holdout_percent": 51},
        {"steps": [{"after": "PT0S", "task": "call", "name": "a", "then": "a"}], "gives_up_after": "P1D"},
        {
            "steps": [
                {"after": "PT0S", "task": "call", "name": "a"},
                {"after": "PT1H", "task": "call", "name": "b", "then": "a"},
            ],
            "gives_up_after": "P1D",
        },
        {"steps": [{"after": "PT0S", "task": "call", "then": "nowhere"}], "gives_up_after": "P1D"},
        {"steps": [{"after": "PT0S", "task": "call", "name": "end"}], "gives_up_after": "P1D"},
        {"steps": [{"after": "PT0S", "task": "call", "name": "a"}] * 2, "gives_up_after": "P1D"},
        {"steps": [{"after": "PT0S", "task": "call", "when": {"step_before": "arrived"}}], "gives_up_after": "P1D"},
        {
            "steps": [{"after": "PT0S", "task": "call", "when": {"misses_at_least": 3, "misses_at_most": 2}}],
            "gives_up_after": "P1D",
        },
        {"steps": [{"after": "PT0S", "task": "call", "when": {"weather": "fine"}}], "gives_up_after": "P1D"},
    ],
)
def test_a_flow_that_cannot_end_or_says_nothing_is_refused(flow: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        OutreachFlow.model_validate(flow)


@pytest.mark.parametrize("named", [{}, {"name": "other"}, {"then": "end"}])
def test_a_flow_that_says_the_same_twice_at_once_is_refused(named: dict[str, str]) -> None:
    step = {"after": "PT0S", "message": "missed_you", "channels": ["email"]}
    flow = {"steps": [step, step | named], "gives_up_after": "P1D"}
    with pytest.raises(ValidationError, match=r"steps\.1: should differ from the steps before it"):
        OutreachFlow.model_validate(flow)
    # One that was published when nobody looked at this still holds.
    assert len(OutreachFlow.model_validate(flow, context=KEPT).steps) == 2
    differs = {"steps": [step, step | {"when": {"first_visit": True}}], "gives_up_after": "P1D"}
    assert len(OutreachFlow.model_validate(differs).steps) == 2


def test_steps_come_due_from_the_miss_and_then_the_flow_gives_up() -> None:
    run = Outreach(uuid4(), uuid4(), uuid4(), 0, missed_at=NOW, started_at=NOW + timedelta(seconds=1))
    dues = []
    for _ in DEFAULT_FLOW.steps:
        dues.append(run.next_due(DEFAULT_FLOW) - NOW)
        run = run.moved_on(DEFAULT_FLOW, took=True)
    dues.append(run.next_due(DEFAULT_FLOW) - NOW)
    assert dues == [timedelta(0), timedelta(days=1), timedelta(days=3), timedelta(days=7), timedelta(days=14)]


@given(st.uuids(), st.integers(0, 50))
def test_the_holdout_is_stable_and_grows_with_its_share(client: UUID, percent: int) -> None:
    assert is_held_out(percent, 1, client) == is_held_out(percent, 1, client)
    assert is_held_out(100, 1, client)
    if is_held_out(percent, 1, client):
        assert is_held_out(percent + 1, 1, client)


def test_about_the_stated_share_is_held_out() -> None:
    share = sum(is_held_out(20, 3, UUID(int=number)) for number in range(5000)) / 5000
    assert 0.18 < share < 0.22


def test_who_is_held_out_of_a_flow_is_in_a_plan_as_likely_as_others() -> None:
    held_out = [UUID(int=number) for number in range(5000) if is_held_out(20, 1, UUID(int=number))]
    share = sum(is_held_out(20, 1, client, "plan") for client in held_out) / len(held_out)
    assert 0.16 < share < 0.24


def test_a_carriers_reports_only_move_a_message_forward() -> None:
    [message, *_] = plan_messages(DEFAULT_PLAN, Visit.of(appointment_event(start=NOW + timedelta(days=9))), NOW)
    sent = message.sent("email", "email", "c-1", "sam@example.org", NOW)
    delivered = sent.delivered(NOW)
    assert moves_forward(sent, "delivered")
    assert moves_forward(sent, "failed")
    assert not moves_forward(delivered, "failed")
    assert not moves_forward(delivered, "delivered")
    assert not moves_forward(sent.failed("sms_30003"), "delivered")


def test_the_plans_of_the_docs_are_plans() -> None:
    said = (Path(__file__).parents[3] / "docs" / "notifications.md").read_text()
    reminders, check_ins = re.findall(r"```json\n(.*?)```", said, re.DOTALL)
    assert ReminderPlan.model_validate(json.loads(reminders)).steps
    assert CheckInPlan.model_validate(json.loads(check_ins)).steps


def test_what_follows_a_booking_follows_a_move() -> None:
    plan = ReminderPlan.model_validate(
        {"steps": [{"purpose": "confirmation", "anchor": "booking", "offset": "PT0S", "channels": ["sms"]}]}
    )
    visit = Visit.of(
        appointment_event(start=NOW + timedelta(days=10), booked_at=NOW - timedelta(days=5), changed_at=NOW)
    )
    [planned] = plan_messages(plan, visit, NOW)
    assert planned.due_at == NOW
