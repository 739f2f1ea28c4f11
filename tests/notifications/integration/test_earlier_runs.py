"""What was before an outreach is not of it: an earlier one after the same visit, an earlier no."""

from datetime import timedelta

import pytest

from shared.contracts.booking import AppointmentMissedRetracted
from tests.notifications.conftest import Practice
from tests.notifications.misses import ONE_STEP, TWO_STEPS, missed
from tests.notifications.visits import NOW_PLAN, visit

pytestmark = pytest.mark.servers


async def test_a_second_miss_that_was_none_either_ends_its_own_outreach(practice: Practice) -> None:
    await practice.open("sms", "email")
    await practice.call("POST", "/v1/outreach-flows", 201, json=ONE_STEP)
    first = await missed(practice)
    again = first.model_copy(update={"sequence": 4, "changed_at": first.changed_at + timedelta(seconds=2)})
    taken_back = [
        AppointmentMissedRetracted.model_validate(
            miss.model_dump() | {"sequence": miss.sequence + 1, "status": "arrived"}
        )
        for miss in (first, again)
    ]
    await practice.follow(first, taken_back[0], again)
    assert [one["status"] for one in await practice.outreach()] == ["ended", "running"]
    await practice.follow(taken_back[1])
    runs = [(one["status"], one["end_reason"]) for one in await practice.outreach()]
    assert runs == [("ended", "visit_changed")] * 2
    await practice.fire_due()
    assert practice.outside.texts(practice.phone) == practice.outside.mails(practice.email) == []


async def test_who_had_stopped_texts_at_the_carrier_before_a_miss_is_reached_out_to_by_mail(
    practice: Practice,
) -> None:
    """That no was not to this outreach, which texts nobody who has said it."""
    await practice.open("sms", "email")
    await practice.call("POST", "/v1/reminder-plans", 201, json=NOW_PLAN)
    await practice.call("POST", "/v1/outreach-flows", 201, json=TWO_STEPS)
    practice.outside.carrier.stopped.add(practice.phone)
    await practice.follow(await visit(practice))
    await practice.fire_due()
    consents = await practice.call("GET", f"/v1/clients/{practice.client}/consents")
    [no] = [one for one in consents["items"] if not one["granted"]]
    assert (no["channel"], no["source"]) == ("sms", "carrier")
    before = len(practice.outside.mails(practice.email))
    await practice.follow(await missed(practice))
    await practice.fire_due()
    [run] = await practice.outreach()
    assert (run["status"], run["end_reason"], run["step"]) == ("running", None, 1)
    assert len(practice.outside.mails(practice.email)) == before + 1
    assert practice.outside.texts(practice.phone) == []
