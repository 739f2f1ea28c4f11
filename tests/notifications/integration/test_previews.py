"""What a plan or flow would say and when, before anybody gets it."""

from typing import Any

import pytest

from tests.notifications.conftest import Practice

pytestmark = pytest.mark.servers

VISIT = {
    "start": "2026-03-12T15:00:00Z",
    "booked_at": "2026-03-02T15:00:00Z",
    "zone": "America/New_York",
    "first_visit": True,
}


async def preview(practice: Practice, what: str, expect: int = 200, **body: Any) -> Any:
    visit = {**VISIT, **body.pop("visit", {})}
    return await practice.call("POST", f"/v1/{what}/preview", expect, json={**body, "visit": visit})


async def test_every_message_of_the_plan_in_force_is_shown_with_its_time_and_words(practice: Practice) -> None:
    await practice.open()
    items = (await preview(practice, "reminder-plans"))["items"]
    assert [(one["purpose"], one["due_at"], one["goes_at"], one["reason"]) for one in items] == [
        ("confirmation", "2026-03-02T15:00:00Z", "2026-03-02T15:00:00Z", None),
        ("reminder", "2026-03-09T15:00:00Z", "2026-03-09T15:00:00Z", None),
        ("confirm_request", "2026-03-10T15:00:00Z", "2026-03-10T15:00:00Z", None),
        ("reminder", "2026-03-11T15:00:00Z", "2026-03-11T15:00:00Z", None),
    ]
    text, mail = items[2]["texts"]
    assert (text["channel"], text["parts"]) == ("sms", 1)
    assert text["body"].startswith("Maple: Thu 12 Mar 11:00am? 1 yes 2 move 3 no http")
    assert (mail["channel"], mail["subject"]) == ("email", "Will you be there on Thursday 12 March at 11:00 am?")
    assert await practice.messages() == []


async def test_what_would_not_go_says_why_and_what_falls_in_the_night_waits(practice: Practice) -> None:
    await practice.open()
    visit = {"start": "2026-03-12T10:00:00Z", "booked_at": "2026-03-11T12:00:00Z", "confirmed": True}
    items = (await preview(practice, "reminder-plans", visit=visit))["items"]
    assert [(one["reason"], one["goes_at"]) for one in items] == [
        (None, "2026-03-11T12:00:00Z"),
        ("too_late_when_booked", None),
        ("too_late_when_booked", None),
        ("too_late_when_booked", None),
    ]
    plan = {
        "steps": [
            {"offset": "PT24H", "channels": ["sms"]},
            {"offset": "PT2H", "channels": ["sms"]},
            {"offset": "PT20H", "channels": ["sms"], "when": {"unconfirmed": True}},
        ]
    }
    visit = {"start": "2026-03-12T10:00:00Z", "booked_at": "2026-03-02T12:00:00Z", "confirmed": True}
    items = (await preview(practice, "reminder-plans", plan=plan, visit=visit))["items"]
    assert [(one["reason"], one["goes_at"]) for one in items] == [
        (None, "2026-03-11T12:00:00Z"),
        ("quiet_hours_until_start", None),
        ("condition_unconfirmed", None),
    ]


async def test_every_step_of_a_flow_is_shown_and_what_it_has_for_each_barrier(practice: Practice) -> None:
    await practice.open()
    items = (await preview(practice, "outreach-flows", visit={"barrier": "cost"}))["items"]
    assert [(one["step"], one["purpose"] or one["task"], one["reason"]) for one in items[:4]] == [
        ("step.0", "missed_you", None),
        ("step.1", "barrier_question", "condition_barriers"),
        ("step.2", "call_client", None),
        ("step.3", "closing", None),
    ]
    assert items[0]["due_at"] == "2026-03-12T15:15:00Z"
    after = {one["step"]: (one["purpose"] or one["task"], one["due_at"]) for one in items[4:]}
    assert after["barrier.transport"] == ("remote_offer", None)
    assert after["barrier.cost"] == ("talk_about_payment", None)
    steps = [
        {"after": "PT0S", "task": "first", "then": "last"},
        {"after": "PT1H", "task": "second"},
        {"after": "PT2H", "task": "third", "name": "last"},
    ]
    items = (await preview(practice, "outreach-flows", flow={"steps": steps, "gives_up_after": "P1D"}))["items"]
    assert [one["reason"] for one in items] == [None, "led_past", None]


@pytest.mark.parametrize(
    ("what", "body", "field"),
    [
        ("reminder-plans", {"visit": {"booked_at": "2026-03-13T15:00:00Z"}}, "visit"),
        ("reminder-plans", {"visit": {"zone": "Mars/Base"}}, "visit.zone"),
        ("reminder-plans", {"visit": {"start": "0001-01-01T00:00:00Z"}}, "visit.start"),
        ("reminder-plans", {"plan": {"steps": []}}, "plan.steps"),
        (
            "outreach-flows",
            {
                "flow": {
                    "steps": [
                        {"after": "PT0S", "task": "a", "name": "a"},
                        {"after": "PT1H", "task": "b", "then": "a"},
                    ],
                    "gives_up_after": "P1D",
                }
            },
            "flow.steps.1.then",
        ),
    ],
)
async def test_what_cannot_be_names_its_field(what: str, body: dict[str, Any], field: str, practice: Practice) -> None:
    await practice.open()
    refused = await preview(practice, what, 422, **body)
    assert refused["field"] == field, refused


async def test_without_a_sender_there_are_no_words(practice: Practice) -> None:
    refused = await preview(practice, "reminder-plans", 409)
    assert refused["code"] == "no_sender"


async def test_published_versions_stay_to_be_read(practice: Practice) -> None:
    plan = {"steps": [{"offset": "PT2H", "channels": ["sms"]}]}
    first = await practice.call("POST", "/v1/reminder-plans", 201, json=plan)
    await practice.call("POST", "/v1/reminder-plans", 201, json={"steps": [{"offset": "PT3H", "channels": ["sms"]}]})
    assert await practice.call("GET", "/v1/reminder-plans/1") == first
    assert (await practice.call("GET", "/v1/reminder-plans/0"))["plan"]["steps"][0]["purpose"] == "confirmation"
    assert (await practice.call("GET", "/v1/reminder-plans/3", 404))["code"] == "reminder_plan_not_found"
    assert (await practice.call("GET", "/v1/outreach-flows/0"))["version"] == 0
    assert (await practice.call("GET", "/v1/outreach-flows/1", 404))["code"] == "outreach_flow_not_found"
