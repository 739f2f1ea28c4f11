"""A digit answers the newest question of a number, or a person reads it: never another visit's."""

from datetime import timedelta

import pytest

from shared.contracts.booking import AppointmentRescheduled
from tests.notifications.conftest import Practice, text_in
from tests.notifications.integration import test_check_ins
from tests.notifications.integration.test_check_ins import HTML, link_in
from tests.notifications.integration.test_inbound import answers, asked

pytestmark = pytest.mark.servers


@pytest.mark.parametrize("said", ["3", "1"])
async def test_a_digit_after_a_tap_calls_off_no_visit_and_is_read(said: str, practice: Practice) -> None:
    await practice.open("sms", "email")
    await asked(practice)
    before = len(practice.outside.texts(practice.phone))
    await test_check_ins.asked(practice)
    texts = practice.outside.texts(practice.phone)
    assert len(texts) > before
    await practice.http.post(link_in(texts[-1]), data={"answer": "well"}, headers=HTML)
    await text_in(practice, said)
    assert await answers(practice) == []
    assert "read_reply" in [one["kind"] for one in await practice.tasks()]


async def test_a_digit_to_what_has_been_moved_since_calls_off_no_other_visit(practice: Practice) -> None:
    await practice.open("sms", "email")
    _, second = await asked(practice), await asked(practice)
    start = second.start + timedelta(days=1)
    moved = second.model_dump() | {"sequence": 2, "start": start, "changed_by": "practice"}
    await practice.follow(AppointmentRescheduled.model_validate(moved))
    await text_in(practice, "3")
    assert await answers(practice) == []
    assert [one["kind"] for one in await practice.tasks()] == ["read_reply"]
