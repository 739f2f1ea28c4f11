"""The practice calls a visit off or moves it: its client hears of that by whatever way there is, or a person tells."""

from datetime import timedelta
from typing import Any

import pytest

from services.notifications.clients import CarrierRefused
from shared.contracts.booking import AppointmentCancelled, AppointmentRescheduled
from tests.notifications.conftest import Practice
from tests.notifications.misses import ONE_STEP, missed
from tests.notifications.vendors import Failing, carried_by
from tests.notifications.visits import later, visit

pytestmark = pytest.mark.servers


async def called_off(practice: Practice, **changes: Any) -> None:
    event = await visit(practice)
    await practice.follow(event)
    await practice.fire_due()
    by = {"status": "cancelled", "changed_by": "practice"}
    await practice.follow(later(event, AppointmentCancelled, **(by | changes)))
    await practice.fire_due()


async def became(practice: Practice) -> str:
    [found] = [one["status"] for one in await practice.messages() if one["purpose"] == "cancellation"]
    return str(found)


async def kinds(practice: Practice) -> list[str]:
    return [one["kind"] for one in await practice.tasks() if one["status"] != "closed"]


async def test_who_has_agreed_to_texts_alone_is_told_by_text(practice: Practice) -> None:
    await practice.open("sms")
    await called_off(practice)
    assert "is cancelled" in practice.outside.texts(practice.phone)[-1]
    assert await kinds(practice) == []


async def test_who_has_called_it_off_is_told_by_mail_alone(practice: Practice) -> None:
    await practice.open("sms")
    await called_off(practice, changed_by="client")
    assert (await became(practice), await kinds(practice)) == ("not_sent", [])


async def test_where_mails_are_refused_a_text_tells(practice: Practice) -> None:
    await practice.open("sms", "email")
    refused = CarrierRefused("smtp_550", "address")
    real = practice.resources.carriers.vendors["email"][0]
    practice.resources = carried_by(practice.resources, Failing(real, [refused] * 9, "email"), channel="email")
    await called_off(practice)
    assert "is cancelled" in practice.outside.texts(practice.phone)[-1]


@pytest.mark.parametrize("channels", [(), ("sms",)])
async def test_who_can_be_told_by_no_channel_is_told_by_a_person(practice: Practice, channels: tuple[str, ...]) -> None:
    """Else they come in vain."""
    await practice.open(*channels)
    real = practice.resources.carriers.vendors["sms"][0]
    practice.resources = carried_by(practice.resources, Failing(real, [CarrierRefused("sms_30003", "message")] * 9))
    await called_off(practice)
    assert (await became(practice), (await kinds(practice))[-1:]) == ("not_sent", ["tell_change"])


@pytest.mark.parametrize(("days", "became_of_it", "asked"), [(5.0, "planned", []), (1.05, "not_sent", ["tell_change"])])
async def test_where_the_quota_is_full_it_waits_for_the_next_day_or_a_person_tells(
    days: float, became_of_it: str, asked: list[str], practice: Practice
) -> None:
    await practice.open("sms")
    await practice.call("POST", "/v1/outreach-flows", 201, json=ONE_STEP)
    await practice.follow(await missed(practice))
    await practice.fire_due()
    assert len(practice.outside.texts(practice.phone)) == 1, "the only automated text of the day"
    event = await visit(practice, start=await practice.now() + timedelta(days=days))
    gone = {"status": "cancelled", "changed_by": "practice", "sequence": 2}
    # Of its booking nothing has been heard, which would end the outreach before.
    await practice.follow(AppointmentCancelled.model_validate(event.model_dump() | gone))
    await practice.fire_due()
    assert (await became(practice), await kinds(practice)) == (became_of_it, asked)


async def test_a_visit_that_is_moved_to_tomorrow_is_confirmed_by_text_where_there_are_no_mails(
    practice: Practice,
) -> None:
    await practice.open("sms")
    event = await visit(practice, start=await practice.now() + timedelta(days=9))
    await practice.follow(event)
    await practice.fire_due()
    start = await practice.now() + timedelta(hours=20)
    await practice.follow(later(event, AppointmentRescheduled, start=start, changed_by="practice"))
    await practice.fire_due()
    first, second = practice.outside.texts(practice.phone)
    assert first != second
