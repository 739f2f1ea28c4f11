"""Reports that come before the record, late, or of what nobody has."""

import pytest
from sqlalchemy import text

from services.notifications.domain.templates import NoWords
from services.notifications.use_cases import handing_over
from shared.contracts.booking import AppointmentCancelled
from tests.notifications.conftest import Practice
from tests.notifications.integration.test_unknown_outcomes import (
    ASKED_NOW,
    Taciturn,
    crashed,
    moved_to,
    report,
    unreachable,
)
from tests.notifications.integration.test_vendors import booked
from tests.notifications.vendors import carried_by
from tests.notifications.visits import NOW_PLAN, visit

pytestmark = pytest.mark.servers


async def test_a_report_that_is_faster_than_the_record_completes_it(practice: Practice) -> None:
    await booked(practice, plan=ASKED_NOW)
    await crashed(practice)
    await report(practice, "delivered")
    [message] = await practice.messages()
    assert (message["status"], bool(message["sent_at"])) == ("delivered", True)
    assert [one[2] for one in await practice.decisions()] == ["planned", "sent", "delivered"]
    async with practice.resources.database.transaction(practice.tenant) as session:
        assert await session.scalar(text("SELECT count(*) FROM questions")) == 1
    await practice.fire_due()
    assert len(practice.outside.texts(practice.phone)) == 1


@pytest.mark.parametrize("dropped", ["cancelled", "stopped"])
async def test_what_was_dropped_while_a_carrier_may_have_it_is_told_as_that_and_settled_by_its_report(
    dropped: str, practice: Practice
) -> None:
    await practice.open("sms")
    practice.resources = carried_by(practice.resources, Taciturn())
    await practice.call("POST", "/v1/reminder-plans", 201, json=NOW_PLAN)
    event = await visit(practice)
    await practice.follow(event)
    await crashed(practice)
    if dropped == "cancelled":
        gone = {"sequence": 2, "status": "cancelled"}
        await practice.follow(AppointmentCancelled.model_validate(event.model_dump() | gone))
    else:
        await practice.text_from(practice.phone, "STOP")
        await practice.come_due("message.send")
        await practice.fire_due()
    assert ("reminder", None, "not_sent", "outcome_unknown") in await practice.decisions()
    await report(practice, "delivered", "voice")
    assert "delivered" not in [one["status"] for one in await practice.messages()], "of a call that was none"
    await report(practice, "delivered", vendor="sms_2")
    await report(practice, "delivered")
    [message] = [one for one in await practice.messages() if one["purpose"] == "reminder"]
    assert (message["status"], bool(message["sent_at"])) == ("delivered", True)
    told = [one[2] for one in await practice.decisions() if one[0] == "reminder" and one[2] != "channel_closed"]
    # When it went is known now: before it was dropped.
    assert told == ["planned", "sent", "not_sent", "delivered"]


async def test_who_was_not_asked_for_want_of_words_has_nothing(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wordless(*_: object) -> None:
        raise NoWords("text_too_long", "It is too long.")

    monkeypatch.setattr(handing_over, "render", wordless)
    await booked(practice)
    await practice.fire_due()
    async with practice.resources.database.transaction(practice.tenant) as session:
        assert await session.scalar(text("SELECT count(*) FROM hand_overs")) == 0


async def test_a_report_of_a_vendor_that_does_not_have_it_changes_nothing(practice: Practice) -> None:
    practice.resources = carried_by(practice.resources, Taciturn())
    await booked(practice)
    await practice.fire_due()
    await report(practice, "undelivered", code=30005, vendor="sms_2")
    assert [one["status"] for one in await practice.messages()] == ["sent"]
    await report(practice, "undelivered", code=30005, vendor="sms")
    assert next(one["status"] for one in await practice.messages()) == "failed"


async def test_a_report_on_what_nobody_was_asked_to_carry_changes_nothing(practice: Practice) -> None:
    await booked(practice)
    await report(practice, "delivered")
    assert [one["status"] for one in await practice.messages()] == ["planned"]


async def test_a_report_on_a_call_says_nothing_of_a_text(practice: Practice) -> None:
    await booked(practice)
    await practice.fire_due()
    await report(practice, "failed", "voice", 30005)
    assert [one["status"] for one in await practice.messages()] in (["sent"], ["delivered"])


@pytest.mark.parametrize("code", [30005, 21610])
async def test_what_is_said_late_of_an_old_number_does_not_hold_of_the_new_one(code: int, practice: Practice) -> None:
    await booked(practice)
    old, new = practice.phone, "+13035550188"
    practice.resources = carried_by(practice.resources, Taciturn())
    await practice.fire_due()
    await moved_to(practice, new)
    await practice.consent("sms")
    await report(practice, "undelivered", code=code)
    assert await unreachable(practice) == ([old] if code == 30005 else [])
    async with practice.resources.database.transaction(practice.tenant) as session:
        stopped = list(await session.scalars(text("SELECT phone FROM suppressions")))
        newest = text("SELECT granted FROM consents WHERE address = :phone ORDER BY id DESC LIMIT 1")
        assert stopped == ([old] if code == 21610 else [])
        assert await session.scalar(newest, {"phone": new}) is True
