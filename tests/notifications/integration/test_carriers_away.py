"""A carrier that can't be talked with for long: what it has not taken goes by another channel, once."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from services.notifications.clients import CarrierRefused, CarrierUnavailable, Outbound, OutcomeUnknown
from services.notifications.clients.phone import PhoneCarrier
from services.notifications.domain.mail_reports import MailReport
from services.notifications.use_cases import reports, sending
from shared.contracts.booking import AppointmentCancelled
from shared.contracts.notifications import Channel
from tests.notifications.conftest import Practice
from tests.notifications.integration.test_unknown_outcomes import FIELDS
from tests.notifications.integration.test_vendors import booked, hand_overs, two
from tests.notifications.misses import ONE_STEP, missed
from tests.notifications.vendors import Failing, carried_by
from tests.notifications.visits import NOW_PLAN, visit

pytestmark = pytest.mark.servers


async def again(practice: Practice, minutes: int) -> None:
    """It is looked at once more, so many minutes later: by then somebody may go to look how the carrier is."""
    practice.resources.carriers.breakers.clear()
    async with practice.resources.database.transaction(practice.tenant) as session:
        for table, column in (("messages", "due_at"), ("hand_overs", "begun_at"), ("decisions", "at")):
            past = text(f"UPDATE {table} SET {column} = {column} - CAST(:past AS interval)")
            await session.execute(past, {"past": timedelta(minutes=minutes)})
    await practice.come_due("message.send")
    await practice.fire_due()


def sent(practice: Practice) -> tuple[int, int]:
    return len(practice.outside.texts(practice.phone)), len(practice.outside.mails(practice.email))


@pytest.mark.parametrize("code", ["sms_http_401", "sms_unreachable", "sms_http_429"])
async def test_while_texts_cannot_go_for_long_a_mail_does(code: str, practice: Practice) -> None:
    first = Failing(practice.resources.carriers.vendors["sms"][0], [CarrierUnavailable(code)] * 9)
    practice.resources = carried_by(practice.resources, first)
    await booked(practice)
    await practice.fire_due()
    await again(practice, 5)
    assert sent(practice) == (0, 0), "it may be back in a moment"
    await again(practice, 6)
    assert sent(practice) == (0, 1)
    assert ("reminder", "sms", "channel_closed", code) in await practice.decisions()
    assert await practice.tasks() == []


async def test_texts_that_cannot_go_are_an_alarm_though_mails_went(practice: Practice) -> None:
    """Wrong credentials, say: every reminder by mail is not what the practice wanted."""
    asked: list[Exception] = [CarrierUnavailable("sms_http_401")] * 99
    practice.resources = carried_by(practice.resources, Failing(practice.resources.carriers.vendors["sms"][0], asked))
    await booked(practice)
    for _ in range(2):
        await practice.follow(await visit(practice))
    await practice.fire_due()
    for minutes in (11, 1):
        await again(practice, minutes)
    assert sent(practice) == (0, 3)
    await practice.come_due("reconcile")
    await practice.fire_due()
    found = (await practice.call("GET", "/v1/reconciliations"))["items"][0]
    assert (found["sent"], found["refused"], found["alarm"]) == (3, 3, True)


@pytest.mark.parametrize("ready", [True, False])
async def test_one_that_is_late_already_is_not_sent_by_mail_because_of_one_hiccup(
    ready: bool, practice: Practice
) -> None:
    """The worker was away, say: how late it is says nothing of the carrier. And a second one goes first."""
    first, second = two(practice, CarrierUnavailable("sms_http_503"), CarrierUnavailable("sms_http_503"))
    if not ready:
        practice.resources = carried_by(practice.resources, first)
    await booked(practice)
    async with practice.resources.database.transaction(practice.tenant) as session:
        await session.execute(text("UPDATE messages SET due_at = due_at - interval '30 minutes'"))
    await practice.fire_due()
    if ready:
        assert (sent(practice), len(second.asked)) == ((1, 0), 1)
        return
    assert sent(practice) == (0, 0)
    for _ in range(2):
        await practice.come_due("message.send")
        await practice.fire_due()
    assert sent(practice) == (1, 0)


@pytest.mark.parametrize("of_address", [False, True])
async def test_where_both_vendors_have_failed_it_goes_by_the_next_channel(of_address: bool, practice: Practice) -> None:
    """Also where either is ready again by then, or is well and says that this address can't be reached now."""
    errors = [CarrierUnavailable("sms_http_503", of_address=of_address) for _ in range(99)]
    first, second = two(practice, *errors)
    second.errors = list(errors)
    await booked(practice)
    await practice.fire_due()
    for minutes in (5, 6, 1):
        await again(practice, minutes)
    assert first.asked and second.asked
    assert sent(practice) == (0, 1)


async def test_a_night_in_which_nobody_was_asked_gives_nothing_up(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(practice.outside.carrier, "knows", True)
    real = practice.resources.carriers.vendors["sms"][0]
    practice.resources = carried_by(practice.resources, Failing(real, [OutcomeUnknown("sms_silent")]))
    await booked(practice)
    await practice.fire_due()
    async with practice.resources.database.transaction(practice.tenant) as session:
        await session.execute(text("UPDATE hand_overs SET begun_at = begun_at - interval '11 hours'"))
    await practice.come_due("message.send")
    await practice.fire_due()
    assert sent(practice) == (1, 0)


async def test_what_a_carrier_that_knows_repetitions_may_have_is_given_up_in_the_end(practice: Practice) -> None:
    errors: list[Exception] = [OutcomeUnknown("sms_silent"), *[CarrierUnavailable("sms_http_503")] * 99]
    practice.resources = carried_by(practice.resources, Failing(practice.resources.carriers.vendors["sms"][0], errors))
    await booked(practice)
    for _ in range(8):
        await again(practice, 60)
    [message] = await practice.messages()
    assert (message["status"], message["reason"]) == ("not_sent", "outcome_unknown")
    assert [one["kind"] for one in await practice.tasks()] == ["unreachable"]


async def test_a_carrier_that_wants_a_day_of_peace_keeps_no_mail_waiting(practice: Practice) -> None:
    asks: list[Exception] = [CarrierUnavailable("sms_http_429", timedelta(days=1))] * 9
    practice.resources = carried_by(practice.resources, Failing(practice.resources.carriers.vendors["sms"][0], asks))
    await booked(practice)
    await practice.fire_due()
    async with practice.resources.database.transaction(practice.tenant) as session:
        query = text("SELECT leased_until - clock_timestamp() FROM timers WHERE kind = 'message.send'")
        assert (await session.scalar(query)) < timedelta(minutes=10)


async def test_where_there_is_no_other_way_it_waits(practice: Practice) -> None:
    asked = Failing(practice.resources.carriers.vendors["sms"][0], [CarrierUnavailable("sms_http_401")] * 3)
    practice.resources = carried_by(practice.resources, asked)
    await booked(practice, "sms")
    for _ in range(3):
        await again(practice, 30)
    assert sent(practice) == (0, 0)
    await again(practice, 30)
    assert sent(practice) == (1, 0)


@pytest.mark.parametrize("channels", [("sms", "email"), ("sms",)])
async def test_a_carrier_that_is_never_understood_and_takes_nothing_is_given_up(
    channels: tuple[str, ...], practice: Practice
) -> None:
    real = practice.resources.carriers.vendors["sms"][0]
    assert isinstance(real, PhoneCarrier)
    asked = []

    class Babbles(PhoneCarrier):
        async def send(self, message: object) -> str:
            asked.append(message)
            raise OutcomeUnknown("sms_not_understood")

    practice.resources = carried_by(practice.resources, Babbles(**{name: getattr(real, name) for name in FIELDS}))
    await booked(practice, *channels)
    for _ in range(30):
        await again(practice, 20)
    assert sent(practice) == (0, 1 if "email" in channels else 0)
    assert len(asked) < 15
    ended = {one["channel"]: (one["status"], one["reason"]) for one in await practice.messages()}
    assert ended["sms"] == (("failed" if "email" in channels else "not_sent"), "not_taken")
    assert [one["kind"] for one in await practice.tasks()] == ([] if "email" in channels else ["unreachable"])


async def test_one_that_may_have_it_and_is_away_now_is_the_only_one_that_is_asked(practice: Practice) -> None:
    first, second = two(practice, OutcomeUnknown("sms_silent"), CarrierUnavailable("sms_http_503"))
    await booked(practice)
    for _ in range(2):
        await again(practice, 20)
    assert await hand_overs(practice) == ["sms"]
    await again(practice, 20)
    assert (len(first.asked), len(second.asked)) == (3, 0)
    assert sent(practice) == (1, 0)


async def test_an_answer_that_was_lost_is_waited_for_though_the_visit_was_long_ago(practice: Practice) -> None:
    """Outreach is about a visit that has begun: that is no reason to give up what is to bring a client back."""
    await practice.open("sms", "email")
    await practice.call("POST", "/v1/outreach-flows", 201, json=ONE_STEP)
    real = practice.resources.carriers.vendors["sms"][0]
    assert isinstance(real, PhoneCarrier)
    asked = []

    class Loses(PhoneCarrier):
        async def send(self, message: object) -> str:
            asked.append(message)
            if len(asked) == 1:
                raise OutcomeUnknown("sms_http_502")
            return await super().send(message)  # type: ignore[arg-type] # what it was given

    practice.resources = carried_by(practice.resources, Loses(**{name: getattr(real, name) for name in FIELDS}))
    await practice.follow(await missed(practice))
    await practice.fire_due()
    for minutes in (0, 6, 0):
        await again(practice, minutes)
    assert (len(asked), sent(practice)) == (2, (1, 0))


async def texts_and_mails_fail(practice: Practice, *mail_servers: Failing) -> None:
    texts = Failing(practice.resources.carriers.vendors["sms"][0], [CarrierUnavailable("sms_http_503")] * 99)
    practice.resources = carried_by(practice.resources, texts)
    practice.resources = carried_by(practice.resources, *mail_servers, channel="email")
    await booked(practice, "sms", "email", "voice")
    wish = {"channels": ["sms", "email", "voice"]}
    await practice.call("PUT", f"/v1/clients/{practice.client}/preferences", json=wish)
    await practice.fire_due()


async def test_the_second_mail_server_is_asked_before_the_third_channel(practice: Practice) -> None:
    real = practice.resources.carriers.vendors["email"][0]
    first = Failing(real, [CarrierUnavailable("smtp_451")] * 99, "email")
    await texts_and_mails_fail(practice, first, Failing(real, [], "email_2"))
    for minutes in (5, 6, 1):
        await again(practice, minutes)
    assert sent(practice) == (0, 1)
    assert ("reminder", "voice", "sent", None) not in await practice.decisions()


async def test_a_channel_that_fails_once_is_waited_for_though_another_is_away_for_long(practice: Practice) -> None:
    real = practice.resources.carriers.vendors["email"][0]
    await texts_and_mails_fail(practice, Failing(real, [CarrierUnavailable("smtp_451")], "email"))
    for minutes in (11, 1):
        await again(practice, minutes)
    assert sent(practice) == (0, 1)
    assert ("reminder", "voice", "sent", None) not in await practice.decisions()


async def test_with_both_carriers_of_texts_away_the_second_mail_server_is_asked(practice: Practice) -> None:
    first, second = two(practice, *[CarrierUnavailable("sms_http_503")] * 99)
    second.errors += first.errors
    real = practice.resources.carriers.vendors["email"][0]
    servers = Failing(real, [CarrierUnavailable("smtp_451")] * 99, "email"), Failing(real, [], "email_2")
    practice.resources = carried_by(practice.resources, *servers, channel="email")
    await booked(practice)
    await practice.fire_due()
    await again(practice, 11)
    assert sent(practice) == (0, 1)


@pytest.mark.parametrize("later", [CarrierUnavailable("smtp_421"), None])
async def test_a_channel_that_has_refused_is_not_asked_again_while_the_next_one_waits(
    later: CarrierUnavailable | None, practice: Practice
) -> None:
    texts = Failing(practice.resources.carriers.vendors["sms"][0], [CarrierRefused("sms_30003", "message")] * 99)
    practice.resources = carried_by(practice.resources, texts)
    if later is not None:
        real = practice.resources.carriers.vendors["email"][0]
        mails = Failing(real, [later] * 3, "email")
        practice.resources = carried_by(practice.resources, mails, channel="email")
    await booked(practice)
    await practice.fire_due()
    for _ in range(4):
        await again(practice, 2)
    assert len(texts.asked) == 1
    assert sent(practice) == (0, 1)
    assert any(reason == "sms_30003" for _, _, _, reason in await practice.decisions())


class Takes(Failing):
    """Takes each, and says so never for the first one."""

    async def send(self, message: Outbound) -> str:
        self.asked.append(message.id)
        taken = await self.own.send(message)
        if len(self.asked) == 1:
            raise OutcomeUnknown(f"{self.name}_silent")
        return taken


@pytest.mark.parametrize(("first", "then"), [("sms", "email"), ("email", "sms")])
async def test_what_the_next_channel_may_have_after_a_refusal_goes_once(
    first: Channel, then: Channel, practice: Practice
) -> None:
    vendors = practice.resources.carriers.vendors
    refusing = Failing(vendors[first][0], [CarrierRefused(f"{first}_30003", "message")] * 9, first)
    practice.resources = carried_by(practice.resources, refusing, channel=first)
    practice.resources = carried_by(
        practice.resources, Takes(vendors[then][0], [], then, knows_repetitions=False), channel=then
    )
    step = {"purpose": "reminder", "anchor": "booking", "offset": "PT0S", "channels": [first, then]}
    await booked(practice, plan={"steps": [step]})
    await practice.fire_due()
    for _ in range(3):
        await again(practice, 6)
    assert sum(sent(practice)) == 1
    assert len(refusing.asked) == 1


@pytest.mark.parametrize("call", [CarrierRefused("voice_13224", "message"), CarrierRefused("voice_21610", "opt_out")])
async def test_of_three_channels_the_one_that_is_closed_nor_the_one_that_refuses_keeps_the_third(
    call: CarrierRefused, practice: Practice
) -> None:
    """No yes for texts, calls refused, mails away for a moment."""
    vendors = practice.resources.carriers.vendors
    calls = Failing(vendors["voice"][0], [call] * 9, "voice")
    practice.resources = carried_by(practice.resources, calls, channel="voice")
    mails = Failing(vendors["email"][0], [CarrierUnavailable("smtp_421")], "email")
    practice.resources = carried_by(practice.resources, mails, channel="email")
    await practice.open("voice", "email")
    wish = {"channels": ["sms", "voice", "email"]}
    await practice.call("PUT", f"/v1/clients/{practice.client}/preferences", json=wish)
    await practice.call("POST", "/v1/reminder-plans", 201, json=NOW_PLAN)
    await practice.follow(await visit(practice))
    await practice.fire_due()
    await again(practice, 1)
    assert sent(practice) == (0, 1)


@pytest.mark.parametrize("late", [False, True])
async def test_of_three_channels_two_refuse_once_each_while_the_third_is_away(
    late: bool, practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where their refusals take long."""
    if late:
        monkeypatch.setattr(sending, "LATE_SECONDS", -1.0)
    vendors = practice.resources.carriers.vendors
    texts = Failing(vendors["sms"][0], [CarrierRefused("sms_30003", "message")] * 99)
    calls = Failing(vendors["voice"][0], [CarrierRefused("voice_13224", "message")] * 99, "voice")
    mails = Failing(vendors["email"][0], [CarrierUnavailable("smtp_421")] * 3, "email")
    practice.resources = carried_by(practice.resources, texts)
    practice.resources = carried_by(practice.resources, calls, channel="voice")
    practice.resources = carried_by(practice.resources, mails, channel="email")
    await booked(practice, "sms", "email", "voice")
    wish = {"channels": ["sms", "voice", "email"]}
    await practice.call("PUT", f"/v1/clients/{practice.client}/preferences", json=wish)
    await practice.fire_due()
    for _ in range(4):
        await again(practice, 1)
    assert (len(texts.asked), len(calls.asked)) == (1, 1)
    assert sent(practice) == (0, 1)


class Silent(PhoneCarrier):
    """Never says whether it has taken anything, and has not."""

    async def send(self, message: Outbound) -> str:  # noqa: ARG002 -- nothing becomes of it
        raise OutcomeUnknown(f"{self.name}_silent")


async def test_what_was_not_taken_goes_on_though_the_wish_has_changed_meanwhile(practice: Practice) -> None:
    """A call was wished and asked for; by the plan's order, which holds again, texts and mails are left."""
    vendors = practice.resources.carriers.vendors
    [real] = vendors["voice"]
    calls = Silent(**{name: getattr(real, name) for name in FIELDS} | {"knows_repetitions": False})
    practice.resources = carried_by(practice.resources, calls, channel="voice")
    await practice.open("sms", "voice")
    plan = {"steps": [{"purpose": "reminder", "anchor": "booking", "offset": "PT0S", "channels": ["sms", "voice"]}]}
    await practice.call("POST", "/v1/reminder-plans", 201, json=plan)
    await practice.call("PUT", f"/v1/clients/{practice.client}/preferences", json={"channels": ["voice", "sms"]})
    await practice.follow(await visit(practice))
    await practice.fire_due()
    await practice.call("PUT", f"/v1/clients/{practice.client}/preferences", json={"channels": []})
    for _ in range(3):
        await again(practice, 11)
    assert sent(practice) == (1, 0)
    assert ("reminder", "voice", "failed", "not_taken") in await practice.decisions()


async def test_a_channel_that_was_only_away_may_take_what_was_put_off_meanwhile(practice: Practice) -> None:
    """Mails away for long, no words for a call, texts used up for today: as mails are back, one goes."""
    await practice.open("sms", "email", "voice")
    await practice.call("POST", "/v1/outreach-flows", 201, json=ONE_STEP)
    await practice.follow(await missed(practice))
    await practice.fire_due()
    vendors = practice.resources.carriers.vendors
    mails = Failing(vendors["email"][0], [CarrierUnavailable("smtp_421")] * 2, "email")
    practice.resources = carried_by(practice.resources, mails, channel="email")
    wish = {"channels": ["email", "voice", "sms"]}
    await practice.call("PUT", f"/v1/clients/{practice.client}/preferences", json=wish)
    event = await visit(practice)
    gone = {"status": "cancelled", "changed_by": "practice", "sequence": 2}
    await practice.follow(AppointmentCancelled.model_validate(event.model_dump() | gone))
    await practice.fire_due()
    await again(practice, 11)
    assert ("cancellation", None, "deferred", "daily_text_cap") in await practice.decisions()
    await again(practice, 1)
    assert sent(practice) == (1, 1)


async def test_who_may_text_since_a_mail_went_gets_it_by_what_is_left(practice: Practice) -> None:
    """The first message of the step was to begin with a text, and is on record so."""
    await practice.open("email", "voice")
    wish = {"channels": ["sms", "email", "voice"]}
    await practice.call("PUT", f"/v1/clients/{practice.client}/preferences", json=wish)
    await practice.call("POST", "/v1/reminder-plans", 201, json=NOW_PLAN)
    await practice.follow(await visit(practice))
    await practice.fire_due()
    await practice.consent("sms")
    [message] = await practice.messages()
    assert message["channel"] == "email"
    report = MailReport(message_id=UUID(message["id"]), meaning="failed", status="5.2.2")
    async with practice.resources.database.transaction(practice.tenant) as session:
        await reports.take_mail_report(session, tenant=practice.tenant, report=report, now=await practice.now())
    await practice.fire_due()
    assert [one["status"] for one in await practice.messages() if one["channel"] == "voice"] == ["sent"]
