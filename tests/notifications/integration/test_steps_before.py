"""A step that asks whether the message before it arrived: whichever that was in this run of its flow."""

from datetime import datetime
from typing import Any

import pytest

from shared.contracts.booking import AppointmentConfirmed, AppointmentState
from tests.notifications.conftest import Practice
from tests.notifications.misses import missed
from tests.notifications.visits import NOW_PLAN, visit

pytestmark = pytest.mark.servers

FIRST = {"after": "PT0S", "message": "missed_you", "channels": ["sms"]}
LAST = {"after": "PT1H", "message": "closing", "channels": ["email"], "when": {"step_before": "not_arrived"}}


@pytest.mark.parametrize("reported", ["delivered", "undelivered"])
@pytest.mark.parametrize(
    "steps",
    [
        [{**FIRST, "then": "last"}, {"after": "PT0S", "task": "call_client"}, {**LAST, "name": "last"}],
        [FIRST, {"after": "PT0S", "task": "call_client"}, LAST],
        [FIRST, {**LAST, "after": "PT0S", "when": {"misses_at_least": 9}}, LAST],
    ],
    ids=["after a jump", "after a task", "after one that was left out"],
)
async def test_the_step_before_is_the_last_one_that_was_taken_and_sent(
    steps: list[dict[str, Any]], reported: str, practice: Practice
) -> None:
    await practice.open("sms", "email")
    flow = {"steps": steps, "gives_up_after": "P2D"}
    await practice.call("POST", "/v1/outreach-flows", 201, json=flow)
    await practice.follow(await missed(practice))
    await practice.fire_due()
    await practice.reported(reported)
    await practice.come_due("outreach.step")
    await practice.fire_due()
    went = [one["purpose"] for one in await practice.messages() if one["channel"] == "email"]
    assert went == ([] if reported == "delivered" else ["closing"])


async def test_what_arrived_of_an_earlier_step_says_nothing_of_the_one_before(practice: Practice) -> None:
    steps = [
        {**FIRST, "channels": ["email"]},
        {"after": "PT0S", "message": "barrier_question", "channels": ["sms"]},
        {"after": "PT1H", "task": "call_client", "when": {"step_before": "not_arrived"}},
    ]
    await practice.open("sms", "email")
    await practice.call("POST", "/v1/outreach-flows", 201, json={"steps": steps, "gives_up_after": "P2D"})
    await practice.follow(await missed(practice))
    await practice.fire_due()
    await practice.reported("undelivered")
    await practice.come_due("outreach.step")
    await practice.fire_due()
    assert [one["kind"] for one in await practice.tasks()] == ["call_client"]


async def test_a_plan_whose_step_asks_of_a_later_one_is_refused_with_the_field(practice: Practice) -> None:
    steps = [
        {"offset": "PT24H", "channels": ["sms"]},
        {"offset": "PT79H", "channels": ["email"], "when": {"step_before": "not_arrived"}},
    ]
    refused = await practice.call("POST", "/v1/reminder-plans", 422, json={"steps": steps})
    assert refused["field"] == "steps.1.when.step_before"
    assert refused["detail"].startswith("steps.1.when.step_before: the step before should be due earlier")
    refused = await practice.call("POST", "/v1/reminder-plans/preview", 422, json={"plan": {"steps": steps}})
    assert "plan.steps.1.when.step_before" in [one["field"] for one in refused["errors"]]


@pytest.mark.parametrize(
    ("steps", "field"),
    [
        ([{"offset": "PT24H", "channels": ["sms"]}] * 2, "steps.1"),
        ([{"offset": "PT24H", "channels": ["sms"]}, {"offset": "PT0S", "channels": ["sms"]}], "steps.1.offset"),
    ],
)
async def test_a_plan_that_says_something_twice_or_never_is_refused_with_the_field(
    steps: list[dict[str, Any]], field: str, practice: Practice
) -> None:
    refused = await practice.call("POST", "/v1/reminder-plans", 422, json={"steps": steps})
    assert refused["field"] == field


@pytest.mark.parametrize("reported", ["delivered", "undelivered"])
async def test_a_reminder_before_has_arrived_or_not_whatever_was_remarked_since(
    reported: str, practice: Practice
) -> None:
    steps = [
        {"anchor": "booking", "offset": "PT0S", "channels": ["sms"]},
        {"offset": "PT24H", "channels": ["email"], "when": {"step_before": "not_arrived"}},
    ]
    await practice.open("sms", "email")
    await practice.call("POST", "/v1/reminder-plans", 201, json={"steps": steps})
    booked = await visit(practice)
    await practice.follow(booked)
    await practice.fire_due()
    await practice.reported(reported)
    await practice.follow(confirmed(booked, await practice.now()))
    await practice.come_due("message.send")
    await practice.fire_due()
    assert len(practice.outside.mails(practice.email)) == (reported == "undelivered")


async def test_what_failed_before_a_remark_is_not_tried_that_way_again(practice: Practice) -> None:
    await practice.open("sms", "email")
    await practice.call("POST", "/v1/reminder-plans", 201, json=NOW_PLAN)
    booked = await visit(practice)
    await practice.follow(booked)
    await practice.fire_due()
    await practice.reported("undelivered")
    await practice.follow(confirmed(booked, await practice.now()))
    wished = {"channels": ["sms", "email"]}
    await practice.call("PUT", f"/v1/clients/{practice.client}/preferences", json=wished)
    await practice.fire_due()
    assert len(practice.outside.texts(practice.phone)) == len(practice.outside.mails(practice.email)) == 1


def confirmed(booked: AppointmentState, now: datetime) -> AppointmentState:
    values = {"sequence": booked.sequence + 1, "confirmed_at": now, "changed_at": now}
    return AppointmentConfirmed.model_validate(booked.model_dump() | values)
