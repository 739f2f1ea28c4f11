"""Expected against sent: what didn't go out as it should have, and what was never heard of, calls a person."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from services.notifications import repository
from services.notifications.clients import CarrierRefused
from services.notifications.domain.model import Begun
from services.notifications.domain.reconciling import full_hour
from shared.contracts.booking import AppointmentBooked
from tests.notifications.conftest import Practice
from tests.notifications.integration.test_inbound import booked
from tests.notifications.vendors import Failing, carried_by

pytestmark = pytest.mark.servers


async def look(practice: Practice) -> dict[str, Any]:
    await practice.come_due("reconcile")
    await practice.fire_due()
    found: dict[str, Any] = (await practice.call("GET", "/v1/reconciliations"))["items"][0]
    return found


async def due(practice: Practice) -> Any:
    async with practice.resources.database.transaction(practice.tenant) as session:
        return await session.scalar(text("SELECT due_at FROM timers WHERE kind = 'reconcile'"))


async def alarms(practice: Practice) -> list[str]:
    return practice.outside.mails(f"desk-{practice.tenant}@maple.example")


async def test_an_hour_in_which_all_went_well(practice: Practice) -> None:
    await practice.open("sms")
    assert await due(practice) == full_hour(await practice.now())
    await practice.follow(await booked(practice))
    await practice.fire_due()
    await practice.follow(await booked(practice))
    await practice.consent("sms", granted=False)
    await practice.fire_due()
    found = await look(practice)
    figures = ("expected", "sent", "failed", "not_sent", "waiting", "overdue", "unplanned", "alarm")
    assert [found[name] for name in figures] == [2, 1, 0, 1, 0, 0, 0, False]
    assert found["unheard"] == []
    assert await due(practice) == full_hour(await practice.now())
    assert await alarms(practice) == []


async def test_a_visit_that_was_never_heard_of_is_an_alarm_when_it_stays_so(practice: Practice) -> None:
    await practice.open("sms")
    event = await booked(practice)
    practice.outside.booking.learn(event, practice.tenant)
    first = await look(practice)
    assert (first["unheard"], first["alarm"]) == ([str(event.appointment_id)], False), "it may be on its way"
    assert await due(practice) < await practice.now() + timedelta(minutes=6)
    second = await look(practice)
    assert (second["unheard"], second["alarm"]) == ([str(event.appointment_id)], True)
    assert len(await alarms(practice)) == 1
    [task] = await practice.tasks()
    assert (task["kind"], task["client_id"]) == ("check_messages", None)
    await look(practice)
    assert len(await alarms(practice)) == 1, "one task is enough until it is closed"
    await practice.follow(event)
    assert (await look(practice))["alarm"] is False


async def test_what_is_overdue_is_an_alarm_at_once(practice: Practice) -> None:
    await practice.open("sms")
    await practice.follow(await booked(practice))
    async with practice.resources.database.transaction(practice.tenant) as session:
        # A timer that got lost.
        await session.execute(text("DELETE FROM timers WHERE kind = 'message.send'"))
        await session.execute(text("UPDATE messages SET due_at = due_at - interval '16 minutes'"))
    found = await look(practice)
    assert (found["overdue"], found["waiting"], found["alarm"]) == (1, 1, True)
    assert len(await alarms(practice)) == 1


@pytest.mark.parametrize(("code", "refused", "alarm"), [("sms_30007", 3, True), ("sms_21610", 0, False)])
async def test_an_hour_in_which_carriers_refuse_what_they_are_given_is_an_alarm(
    code: str, refused: int, alarm: bool, practice: Practice
) -> None:
    """Unless they do so because clients want none."""
    await practice.open("sms")
    real = practice.resources.carriers.vendors["sms"][0]
    refusal = CarrierRefused(code, "opt_out" if code == "sms_21610" else "message")
    practice.resources = carried_by(practice.resources, Failing(real, [refusal] * 3))
    for _ in range(3):
        await practice.follow(await booked(practice))
        await practice.fire_due()
        await practice.consent("sms")
        async with practice.resources.database.transaction(practice.tenant) as session:
            await session.execute(text("DELETE FROM suppressions"))
    found = await look(practice)
    assert (found["sent"], found["not_sent"], found["refused"], found["alarm"]) == (0, 3, refused, alarm)


async def test_a_visit_without_any_message_on_record_is_an_alarm(practice: Practice) -> None:
    await practice.open("sms")
    event: AppointmentBooked = await booked(practice)
    await practice.follow(event)
    async with practice.resources.database.transaction(practice.tenant) as session:
        await session.execute(text("DELETE FROM messages"))
        await session.execute(text("DELETE FROM timers WHERE kind = 'message.send'"))
    assert (await look(practice))["unplanned"] == 0, "planned a moment ago, it may be seen half-way"
    async with practice.resources.database.transaction(practice.tenant) as session:
        query = text("UPDATE visits SET changed_at = changed_at - interval '16 minutes' WHERE id = :id")
        await session.execute(query, {"id": UUID(str(event.appointment_id))})
    found = await look(practice)
    assert (found["unplanned"], found["alarm"]) == (1, True)


async def test_while_booking_is_away_it_is_looked_at_later(practice: Practice) -> None:
    await practice.open("sms")
    practice.outside.booking.away = True
    try:
        await practice.come_due("reconcile")
        await practice.fire_due()
    finally:
        practice.outside.booking.away = False
    assert (await practice.call("GET", "/v1/reconciliations"))["items"] == []
    assert (await look(practice))["alarm"] is False
    client = practice.headers("client", client_id=practice.client)
    await practice.call("GET", "/v1/reconciliations", 403, headers=client)


async def test_who_was_asked_to_carry_what_is_known_for_a_month(practice: Practice) -> None:
    await practice.open("sms")
    now, recent, old = await practice.now(), uuid4(), uuid4()
    asked = [Begun(recent, "sms", "sms", now - timedelta(days=29)), Begun(old, "sms", "sms", now - timedelta(days=31))]
    async with practice.resources.database.transaction(practice.tenant) as session:
        await repository.hand_overs.begin(session, practice.tenant, asked)
    await look(practice)
    async with practice.resources.database.transaction(practice.tenant) as session:
        assert await repository.hand_overs.among(session, [recent, old]) == {recent}
