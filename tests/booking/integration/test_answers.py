"""What clients answer by text, over real PostgreSQL."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.booking.use_cases import answering
from shared.contracts.notifications import QuestionAnswered
from tests.booking.conftest import ManualClock
from tests.support.practice import Practice

pytestmark = pytest.mark.servers


async def answer(practice: Practice, visit: dict[str, Any], said: str, **changes: Any) -> dict[str, Any]:
    news = QuestionAnswered.model_validate(
        {
            "sequence": 1,
            "question_id": uuid4(),
            "client_id": visit["client_id"],
            "appointment_id": visit["id"],
            "start": visit["start"],
            "answer": said,
            "answered_at": practice.now,
            **changes,
        }
    )
    database = practice.resources.database
    async with database.transaction(practice.tenant) as session:
        await answering.follow_answer(session, tenant=practice.tenant, news=news, now=practice.now)
    path = f"/v1/appointments/{visit['id']}"
    found = await practice.http.get(path, headers=practice.headers())
    return dict(found.json())


async def booked(practice: Practice) -> dict[str, Any]:
    [start] = practice.starts(1)
    return dict((await practice.book(start)).json())


async def test_who_says_yes_has_confirmed(practice: Practice) -> None:
    visit = await booked(practice)
    found = await answer(practice, visit, "confirm")
    assert (found["status"], bool(found["confirmed_at"]), found["changed_by"]) == ("booked", True, "client")
    again = await answer(practice, visit, "confirm")
    assert again["version"] == found["version"]


async def test_who_says_no_has_called_off_and_the_time_is_free(practice: Practice) -> None:
    visit = await booked(practice)
    found = await answer(practice, visit, "cancel")
    assert (found["status"], found["reason_code"]) == ("cancelled", "client_request")
    assert (await practice.book(practice.starts(1)[0])).status_code == 201
    assert (await answer(practice, visit, "confirm"))["status"] == "cancelled", "said too late"


async def test_who_wants_another_time_keeps_the_one_they_have(practice: Practice) -> None:
    visit = await booked(practice)
    assert (await answer(practice, visit, "move"))["version"] == visit["version"]


@pytest.mark.parametrize("change", ["start", "client_id", "appointment_id"])
async def test_an_answer_about_another_visit_changes_nothing(change: str, practice: Practice) -> None:
    visit = await booked(practice)
    other: Any = practice.starts(2)[1] if change == "start" else uuid4()
    assert (await answer(practice, visit, "cancel", **{change: other}))["version"] == visit["version"]


async def test_a_visit_that_has_begun_is_not_confirmed_any_more(practice: Practice, clock: ManualClock) -> None:
    visit = await booked(practice)
    clock.now = practice.now = practice.starts(1)[0] + timedelta(minutes=1)
    assert (await answer(practice, visit, "confirm"))["version"] == visit["version"]
    assert UUID(visit["id"])
