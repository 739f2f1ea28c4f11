"""A visit that is missed a second time, in whatever order that is heard of."""

from datetime import timedelta
from typing import Any

import pytest

from services.notifications.use_cases import outreach as run
from shared.contracts.booking import AppointmentMissed, AppointmentMissedRetracted, AppointmentRescheduled
from tests.notifications.conftest import Practice
from tests.notifications.integration.test_calls_of_outreach import A_CALL
from tests.notifications.misses import ONE_STEP, missed, reported

pytestmark = pytest.mark.servers


async def moved_and_missed_again(
    practice: Practice, first: AppointmentMissed
) -> tuple[AppointmentRescheduled, AppointmentMissed]:
    now = await practice.now()
    moved = first.model_dump() | {"sequence": 3, "status": "booked", "changed_at": now}
    again = {"sequence": 4, "changed_at": now + timedelta(hours=1)}
    return AppointmentRescheduled.model_validate(moved), first.model_copy(update=again)


@pytest.mark.parametrize("order", ["as it was", "the move late"])
async def test_a_second_miss_is_answered_though_the_move_between_is_heard_of_later(
    order: str, practice: Practice
) -> None:
    await practice.open("email")
    await practice.call("POST", "/v1/outreach-flows", 201, json=ONE_STEP)
    first = await missed(practice)
    await practice.follow(first)
    await practice.fire_due()
    await practice.come_due("outreach.step")
    await practice.fire_due()
    assert [one["end_reason"] for one in await practice.outreach()] == ["no_response"]
    moved, again = await moved_and_missed_again(practice, first)
    await practice.follow(*((moved, again) if order == "as it was" else (again, moved)))
    assert [one["end_reason"] for one in await practice.outreach()] == ["no_response", None]


async def test_a_first_miss_that_is_still_being_answered_ends_with_the_second(practice: Practice) -> None:
    await practice.open("email")
    await practice.call("POST", "/v1/outreach-flows", 201, json=ONE_STEP)
    first = await missed(practice)
    moved, again = await moved_and_missed_again(practice, first)
    await practice.follow(first, again, moved)
    assert [one["end_reason"] for one in await practice.outreach()] == ["visit_changed", None]


async def test_who_is_to_be_called_already_is_not_put_down_twice(practice: Practice) -> None:
    await practice.call("POST", "/v1/outreach-flows", 201, json=A_CALL)
    first = await missed(practice)
    await practice.follow(first)
    async with practice.resources.database.transaction(practice.tenant) as session:
        told = reported(practice, first, "cost")
        await run.learn_barrier(session, tenant=practice.tenant, report=told, now=await practice.now())
    none: dict[str, Any] = {"sequence": 3, "status": "arrived", "changed_at": await practice.now()}
    again = {"sequence": 4, "changed_at": await practice.now()}
    await practice.follow(
        AppointmentMissedRetracted.model_validate(first.model_dump() | none), first.model_copy(update=again)
    )
    assert [one["end_reason"] for one in await practice.outreach()] == ["visit_changed", None]
    assert [task["kind"] for task in await practice.tasks()] == ["talk_about_payment"]
    assert ("outreach", None, "step_left_out", "task_open") in await practice.decisions()
