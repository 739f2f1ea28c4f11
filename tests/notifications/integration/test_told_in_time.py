"""What is off, or moved, is told while that helps; where hours, quotas or carriers keep it too long, a person tells."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from services.notifications.clients import CarrierUnavailable
from services.notifications.domain.policy import TOLD_BEFORE
from shared.contracts.booking import AppointmentCancelled, AppointmentRescheduled, AppointmentState
from shared.contracts.notifications import Channel
from tests.notifications.conftest import Practice, daytime
from tests.notifications.integration.test_carriers_away import again
from tests.notifications.misses import ONE_STEP, missed
from tests.notifications.vendors import Failing, carried_by
from tests.notifications.visits import NOW_PLAN, later, visit

pytestmark = pytest.mark.servers
BY_PRACTICE: dict[str, Any] = {"status": "cancelled", "changed_by": "practice"}


async def called_off(practice: Practice, **until: float) -> AppointmentState:
    """A visit so long ahead, of whose booking nothing has been heard."""
    event = await visit(practice, start=await practice.now() + timedelta(**until))
    gone = AppointmentCancelled.model_validate(event.model_dump() | BY_PRACTICE | {"sequence": 2})
    await practice.follow(gone)
    await practice.fire_due()
    return gone


async def told_by(practice: Practice) -> list[tuple[str, str | None]]:
    return [(task["kind"], task["appointment_id"]) for task in await practice.tasks() if task["kind"] == "unreachable"]


def away(practice: Practice, channel: Channel, code: str) -> None:
    real = practice.resources.carriers.vendors[channel][0]
    broken = Failing(real, [CarrierUnavailable(code)] * 99, channel)
    practice.resources = carried_by(practice.resources, broken, channel=channel)


@pytest.mark.parametrize(("hours", "person"), [(2.5, True), (9.0, False)])
async def test_who_would_hear_only_after_or_just_before_it_hears_from_a_person_now(
    hours: float, person: bool, practice: Practice
) -> None:
    """The client's own hours begin in an hour."""
    await practice.open("sms", "email")
    opens, closes = (datetime.now(ZoneInfo(daytime())) + timedelta(hours=more) for more in (1, 1.5))
    kept = {"channels": ["sms", "email"], "opens": opens.strftime("%H:%M"), "closes": closes.strftime("%H:%M")}
    await practice.call("PUT", f"/v1/clients/{practice.client}/preferences", json=kept)
    gone = await called_off(practice, hours=hours)
    [message] = await practice.messages()
    assert (message["status"], message["reason"]) == (
        ("not_sent", "quiet_hours_until_start") if person else ("planned", None)
    )
    assert await told_by(practice) == ([("unreachable", str(gone.appointment_id))] if person else [])


async def test_where_mails_are_away_and_texts_are_used_up_a_person_tells_two_hours_before(practice: Practice) -> None:
    await practice.open("sms", "email")
    await practice.call("POST", "/v1/outreach-flows", 201, json=ONE_STEP)
    await practice.follow(await missed(practice))
    await practice.fire_due()
    away(practice, "email", "smtp_421")
    gone = await called_off(practice, hours=10)
    for minutes in (30, 30):
        await again(practice, minutes)
    assert await told_by(practice) == []
    await _comes_near(practice, gone)
    assert await told_by(practice) == [("unreachable", str(gone.appointment_id))]
    assert ("cancellation", None, "not_sent", "smtp_421") in await practice.decisions()


async def test_a_carrier_that_stays_away_until_a_visit_that_is_off_leaves_it_to_a_person(practice: Practice) -> None:
    await practice.open("sms")
    away(practice, "sms", "sms_http_503")
    gone = await called_off(practice, minutes=90)
    assert await told_by(practice) == [], "it may be back in a moment"
    await again(practice, 11)
    assert await told_by(practice) == [("unreachable", str(gone.appointment_id))]


async def _comes_near(practice: Practice, gone: AppointmentState) -> None:
    async with practice.resources.database.transaction(practice.tenant) as session:
        start = await practice.now() + TOLD_BEFORE - timedelta(seconds=1)
        await session.execute(text("UPDATE visits SET start = :at"), {"at": start})
    await again(practice, 5)


async def test_each_visit_that_is_off_has_a_person_who_tells_it(practice: Practice) -> None:
    """Also beside one who is asked already, about a reminder of another visit."""
    await practice.open()
    await practice.call("POST", "/v1/reminder-plans", 201, json=NOW_PLAN)
    gone = [await called_off(practice, days=days) for days in (3, 4, 5)]
    assert {visit_id for _, visit_id in await told_by(practice)} == {str(one.appointment_id) for one in gone}
    assert [outcome for _, _, outcome, _ in await practice.decisions()].count("person_asked") == 3


@pytest.mark.parametrize(("by", "person"), [("practice", True), ("provider", True), ("client", False)])
async def test_a_visit_that_is_moved_by_the_practice_is_told_by_a_person_where_no_message_goes(
    by: str, person: bool, practice: Practice
) -> None:
    await practice.open()
    event = await visit(practice, start=await practice.now() + timedelta(days=9))
    await practice.follow(event)
    await practice.fire_due()
    assert await told_by(practice) == [], "who books knows"
    now = await practice.now()
    moved = {"start": now + timedelta(hours=20), "changed_at": now, "changed_by": by}
    await practice.follow(later(event, AppointmentRescheduled, **moved))
    await practice.fire_due()
    assert await told_by(practice) == ([("unreachable", str(event.appointment_id))] if person else [])


async def test_a_move_of_a_move_is_told_once(practice: Practice) -> None:
    await practice.open()
    event = await visit(practice, start=await practice.now() + timedelta(days=9))
    await practice.follow(event)
    for _ in range(2):
        now = await practice.now()
        event = later(event, AppointmentRescheduled, start=event.start + timedelta(days=1), changed_at=now)
        await practice.follow(event)
    await practice.fire_due()
    assert await told_by(practice) == [("unreachable", str(event.appointment_id))]
