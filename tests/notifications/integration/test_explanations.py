"""Why a client was, or was not, messaged: with the rule behind each reason, and the version of what planned it."""

from typing import Any

import pytest

from tests.notifications.conftest import Practice
from tests.notifications.misses import ONE_STEP, missed, next_visit
from tests.notifications.visits import NOW_PLAN, visit

pytestmark = pytest.mark.servers


async def _explained(practice: Practice) -> list[dict[str, Any]]:
    found = await practice.call("GET", f"/v1/clients/{practice.client}/explain")
    return list(found["items"])


async def test_a_reason_names_the_rule_that_it_falls_under(practice: Practice) -> None:
    await practice.open("email")
    await practice.call("POST", "/v1/reminder-plans", 201, json=NOW_PLAN)
    await practice.follow(await visit(practice))
    await practice.fire_due()
    found = {(one["outcome"], one["reason"]): one["rule"] for one in await _explained(practice)}
    assert found == {("planned", None): None, ("channel_closed", "no_consent"): 2, ("sent", None): None}
    page = await practice.http.get(f"/console/clients/{practice.client}", headers=practice.headers())
    assert "(no consent, rule 2)" in page.text


async def test_each_message_names_the_version_of_its_plan_also_by_its_second_channel(practice: Practice) -> None:
    await practice.open("sms", "email")
    for _ in range(2):
        await practice.call("POST", "/v1/reminder-plans", 201, json=NOW_PLAN)
    await practice.follow(await visit(practice))
    await practice.fire_due()
    await practice.reported("undelivered")
    await practice.fire_due()
    explained = await _explained(practice)
    assert {"sms", "email"} <= {one["channel"] for one in explained}
    assert {(one["step"], one["plan_version"], one["flow_version"]) for one in explained} == {("plan.0", 2, None)}


async def test_what_an_outreach_does_names_the_version_of_its_flow(practice: Practice) -> None:
    await practice.open("sms", "email")
    await practice.call("POST", "/v1/outreach-flows", 201, json=ONE_STEP)
    await practice.follow(await missed(practice))
    await practice.fire_due()
    await practice.follow(await next_visit(practice))
    about = [one for one in await _explained(practice) if one["outreach_id"]]
    assert {one["purpose"] for one in about} == {"missed_you", "outreach"}
    assert {(one["plan_version"], one["flow_version"]) for one in about} == {(None, 1)}
