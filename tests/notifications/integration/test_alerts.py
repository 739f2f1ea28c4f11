"""The mail that tells the practice that a person is needed now: it gets there, or somebody hears that it doesn't."""

import pytest
from sqlalchemy import text

from services.notifications.clients import CarrierRefused, CarrierUnavailable, Outbound, OutcomeUnknown
from shared.timers import MAX_ATTEMPTS
from tests.notifications.conftest import Practice, text_in
from tests.notifications.integration.test_bounces import came_back
from tests.notifications.unit.test_mail_reports import bounce
from tests.notifications.vendors import Failing, carried_by

pytestmark = pytest.mark.servers
IN_DANGER = "I want to kill myself"


def desk(practice: Practice) -> list[str]:
    return practice.outside.mails(f"desk-{practice.tenant}@maple.example")


async def kinds(practice: Practice) -> list[str]:
    return sorted(one["kind"] for one in await practice.tasks())


def servers(practice: Practice, *errors: Exception) -> tuple[Failing, Failing]:
    """Two mail servers, the first of which fails so."""
    real = practice.resources.carriers.vendors["email"][0]
    first, second = Failing(real, list(errors), "email"), Failing(real, [], "email_2")
    practice.resources = carried_by(practice.resources, first, second, channel="email")
    return first, second


@pytest.mark.parametrize("error", [CarrierRefused("smtp_550", "address"), OutcomeUnknown("mail_server_silent")])
async def test_where_one_server_does_not_take_it_the_other_does(error: Exception, practice: Practice) -> None:
    await practice.open("sms")
    servers(practice, error)
    await text_in(practice, IN_DANGER)
    await practice.fire_due()
    assert len(desk(practice)) == 1


async def test_what_is_refused_is_tried_until_it_is_taken_and_whoever_looks_at_tasks_hears_of_it(
    practice: Practice,
) -> None:
    await practice.open("sms")
    refused = CarrierRefused("smtp_550", "address")
    real = practice.resources.carriers.vendors["email"][0]
    only = Failing(real, [refused] * (MAX_ATTEMPTS + 2), "email")
    practice.resources = carried_by(practice.resources, only, channel="email")
    await text_in(practice, IN_DANGER)
    for _ in range(MAX_ATTEMPTS + 3):
        await practice.come_due("task.alert")
        await practice.fire_due()
    assert await kinds(practice) == ["alerts_fail", "safety"]
    assert len(desk(practice)) == 1


@pytest.mark.parametrize("move", ["claim", "close"])
async def test_who_has_seen_to_it_gets_no_more_mails(move: str, practice: Practice) -> None:
    """A server that takes them and stays silent would bring one every five minutes."""
    await practice.open("sms")
    real = practice.resources.carriers.vendors["email"][0]

    class Silent(Failing):
        async def send(self, message: Outbound) -> str:
            await self.own.send(message)
            raise OutcomeUnknown("mail_server_silent")

    practice.resources = carried_by(practice.resources, Silent(real, [], "email"), channel="email")
    await text_in(practice, IN_DANGER)
    await practice.fire_due()
    [task] = await practice.tasks()
    await practice.call("POST", f"/v1/tasks/{task['id']}/{move}", json={"outcome": "done"} if move == "close" else None)
    for _ in range(4):
        await practice.come_due("task.alert")
        await practice.fire_due()
    assert len(desk(practice)) == 1


async def test_servers_that_stay_away_are_a_task(practice: Practice) -> None:
    await practice.open("sms")
    real = practice.resources.carriers.vendors["email"][0]
    away = Failing(real, [CarrierUnavailable("mail_server_away")] * 9, "email")
    practice.resources = carried_by(practice.resources, away, channel="email")
    await text_in(practice, IN_DANGER)
    await practice.fire_due()
    assert await kinds(practice) == ["safety"], "it may be back in a moment"
    async with practice.resources.database.transaction(practice.tenant) as session:
        await session.execute(text("UPDATE tasks SET opened_at = opened_at - interval '16 minutes'"))
    await practice.come_due("task.alert")
    await practice.fire_due()
    assert await kinds(practice) == ["alerts_fail", "safety"]


async def test_danger_that_nobody_has_seen_to_in_time_is_told_again(practice: Practice) -> None:
    await practice.open("sms")
    await text_in(practice, IN_DANGER)
    await practice.fire_due()
    await practice.come_due("task.overdue")
    await practice.fire_due()
    assert len(desk(practice)) == 2


async def test_an_alert_that_bounces_is_a_task(practice: Practice) -> None:
    await practice.open("sms")
    await text_in(practice, IN_DANGER)
    await practice.fire_due()
    [task] = await practice.tasks()
    raw = bounce().replace(b"0199f3a2-7c1e-7b6a-9d53-2f1f6a1c9e10", task["id"].encode())
    for _ in range(2):
        assert (await came_back(practice, raw))["meaning"] == "failed"
    assert await kinds(practice) == ["alerts_fail", "safety"]
