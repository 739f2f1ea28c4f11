"""A carrier may have a message and nobody knows; or says of it what holds of an address that is another one by now."""

from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from services.notifications.clients import CarrierUnavailable, Outbound, OutcomeUnknown, signature
from services.notifications.clients.phone import PhoneCarrier, Taken
from services.notifications.domain.templates import NoWords
from services.notifications.use_cases import sending
from services.notifications.use_cases.handing_over import Post
from shared.contracts.booking import AppointmentConfirmed
from tests.notifications.conftest import TOKEN, Practice
from tests.notifications.integration.test_vendors import booked, two, waiting
from tests.notifications.vendors import Failing, carried_by
from tests.notifications.visits import NOW_PLAN, visit

pytestmark = pytest.mark.servers


ASKED_NOW = {
    "steps": [
        {
            "purpose": "confirm_request",
            "anchor": "booking",
            "offset": "PT0S",
            "channels": ["sms", "email"],
            "when": {"unconfirmed": True},
        }
    ]
}


@dataclass
class Taciturn:
    """A carrier that takes texts and reports nothing by itself."""

    name: str = "sms"
    knows_repetitions: bool = True

    async def send(self, message: Outbound) -> str:
        return f"SM{message.id}"


async def silent(practice: Practice, plan: Any = NOW_PLAN) -> Failing:
    """The only carrier of texts took one and did not say so; nothing has been asked again yet."""
    real = practice.resources.carriers.vendors["sms"][0]

    class Loses(Failing):
        async def send(self, message: Any) -> str:
            self.asked.append(message.id)
            carrier_id = await real.send(message)
            if len(self.asked) == 1:
                raise OutcomeUnknown("sms_silent")
            return carrier_id

    carrier = Loses(real, [])
    practice.resources = carried_by(practice.resources, carrier)
    await booked(practice, plan=plan)
    await practice.fire_due()
    return carrier


async def again(practice: Practice) -> tuple[str, str | None]:
    """What the message has become after it was looked at once more."""
    await practice.come_due("message.send")
    await practice.fire_due()
    [message] = await practice.messages()
    return message["status"], message["reason"]


@pytest.mark.parametrize("first", [[], [OutcomeUnknown("sms_http_502")]])
async def test_what_was_taken_at_last_and_did_not_arrive_goes_on_by_the_next_channel(
    first: list[Exception], practice: Practice
) -> None:
    practice.resources = carried_by(practice.resources, Failing(Taciturn(), first))
    await booked(practice)
    await practice.fire_due()
    await practice.come_due("message.send")
    await practice.fire_due()
    await report(practice, "undelivered", code=30003)
    await practice.fire_due()
    assert len(practice.outside.mails(practice.email)) == 1
    assert await practice.tasks() == []


class Forgetful(PhoneCarrier):
    """A carrier that knows no repetitions and loses its first answer; before or after it has taken the text."""

    takes: ClassVar[bool] = True
    asked: ClassVar[list[UUID]] = []

    async def send(self, message: Outbound) -> str:
        self.asked.append(message.id)
        if len(self.asked) > 1:
            return await super().send(message)
        if self.takes:
            await super().send(message)
        raise OutcomeUnknown("sms_silent")


async def lost(practice: Practice, *, taken: bool) -> None:
    """The first answer of the only carrier of texts is lost."""
    real = practice.resources.carriers.vendors["sms"][0]
    assert isinstance(real, PhoneCarrier)
    assert not real.knows_repetitions, "unless the settings say so"
    Forgetful.takes, Forgetful.asked = taken, []
    practice.resources = carried_by(practice.resources, Forgetful(**{name: getattr(real, name) for name in FIELDS}))
    await booked(practice)
    await practice.fire_due()


FIELDS = [field.name for field in fields(PhoneCarrier)]


async def test_what_a_carrier_has_in_its_list_is_not_given_to_it_again(practice: Practice) -> None:
    await lost(practice, taken=True)
    assert (await again(practice))[0] in ("sent", "delivered")
    assert len(Forgetful.asked) == len(practice.outside.texts(practice.phone)) == 1
    async with practice.resources.database.transaction(practice.tenant) as session:
        [kept] = await session.scalars(text("SELECT carrier_id FROM messages"))
        assert list(await session.scalars(text("SELECT message_id FROM hand_overs"))) == []
    assert kept in [one.id for one in practice.outside.carrier.store.find(to=practice.phone)]
    assert practice.outside.mails(practice.email) == []


async def test_what_is_not_in_its_list_after_a_while_is_given_to_it_again(practice: Practice) -> None:
    await lost(practice, taken=False)
    assert await again(practice) == ("planned", None)
    assert len(Forgetful.asked) == 1
    waits = [reason for *_, outcome, reason in await practice.decisions() if outcome == "waiting"]
    assert waits == ["sms_silent", "outcome_awaited"]
    await practice.settle()
    assert await again(practice) == ("planned", None), "in a transaction of its own"
    assert (await again(practice))[0] in ("sent", "delivered")
    assert (len(Forgetful.asked), len(practice.outside.texts(practice.phone))) == (2, 1)
    assert await practice.tasks() == []


async def test_another_text_to_that_number_is_not_taken_for_the_one_that_was_lost(practice: Practice) -> None:
    await practice.open("sms")
    await practice.text_from(practice.phone, "HELP")
    await practice.fire_due()
    known = len(practice.outside.texts(practice.phone))
    assert known == 1
    await lost(practice, taken=False)
    await practice.settle()
    for _ in range(2):
        await practice.come_due("message.send")
        await practice.fire_due()
    assert len(practice.outside.texts(practice.phone)) == known + 1


async def both_lost(practice: Practice, *, taken: int | None, plan: Any = ASKED_NOW) -> dict[int, UUID]:
    """Two visits' texts go to one number; each answer is lost, and only the text of that visit was taken, if any."""
    await practice.open("sms")
    real = practice.resources.carriers.vendors["sms"][0]
    assert isinstance(real, PhoneCarrier)

    class Loses(PhoneCarrier):
        async def send(self, message: Outbound) -> str:
            if taken is not None and message.id == texts[taken]:
                await super().send(message)
            raise OutcomeUnknown("sms_http_502")

    own = practice.resources
    practice.resources = carried_by(own, Loses(**{name: getattr(real, name) for name in FIELDS}))
    await practice.call("POST", "/v1/reminder-plans", 201, json=plan)
    visits = [await visit(practice, start=await practice.now() + timedelta(days=days)) for days in (3, 4)]
    for one in visits:
        await practice.follow(one)
    texts = {}
    for number, one in enumerate(visits):
        async with own.database.transaction(practice.tenant) as session:
            query = text("SELECT id FROM messages WHERE appointment_id = :id")
            texts[number] = UUID(str(await session.scalar(query, {"id": one.appointment_id})))
    await practice.fire_due()
    practice.resources = own
    return texts


@pytest.mark.parametrize("taken", [0, 1])
@pytest.mark.parametrize("first", [0, 1])
async def test_of_two_texts_to_one_number_the_one_that_was_taken_is_known_by_its_words(
    first: int, taken: int, practice: Practice
) -> None:
    """Else the other one would never go, and the answer to this one would be taken for the other visit's."""
    texts = await both_lost(practice, taken=taken)
    await practice.settle()
    for message in (texts[first], texts[1 - first]):
        await practice.fire(message)
    for _ in range(2):
        await practice.come_due("message.send")
        await practice.fire_due()
    words = practice.outside.texts(practice.phone)
    assert len(words) == len(set(words)) == 2
    async with practice.resources.database.transaction(practice.tenant) as session:
        query = text("SELECT carrier_id FROM messages WHERE status IN ('sent', 'delivered')")
        named = list(await session.scalars(query))
    assert len(set(named)) == 2
    assert await practice.tasks() == []


async def test_a_text_with_other_words_may_be_this_one_and_a_person_is_asked(practice: Practice) -> None:
    """Somebody else's from the same number, or ours as the carrier has changed it."""
    await lost(practice, taken=False)
    real = practice.resources.carriers.vendors["sms"][0]
    assert isinstance(real, PhoneCarrier)
    other = Outbound(uuid4(), practice.phone, await number_of(practice), "", "Oak: your order is ready")
    await PhoneCarrier.send(real, other)
    assert await again(practice) == ("planned", None)
    await practice.settle()
    assert await again(practice) == ("not_sent", "outcome_unknown")
    assert [one["kind"] for one in await practice.tasks()] == ["unreachable"]
    assert len(practice.outside.texts(practice.phone)) == 1


async def test_a_text_is_looked_for_under_the_number_from_which_it_went(practice: Practice) -> None:
    await lost(practice, taken=True)
    sender = await practice.call("GET", "/v1/sender")
    await practice.call("PUT", "/v1/sender", json=sender | {"sms_from": "+12025550177"})
    assert (await again(practice))[0] in ("sent", "delivered")
    assert len(practice.outside.texts(practice.phone)) == 1


async def test_a_report_of_what_went_by_a_wished_channel_before_it_was_on_record_goes_on(practice: Practice) -> None:
    """The plan says mails, the client wishes texts, and the process has died after the carrier took one."""
    mails = {"steps": [{**ASKED_NOW["steps"][0], "purpose": "reminder", "channels": ["email"]}]}
    await practice.open("sms", "email")
    await practice.call("PUT", f"/v1/clients/{practice.client}/preferences", json={"channels": ["sms", "email"]})
    practice.resources = carried_by(practice.resources, Taciturn())
    await practice.call("POST", "/v1/reminder-plans", 201, json=mails)
    await practice.follow(await visit(practice))
    await crashed(practice)
    await report(practice, "undelivered", code=30003)
    await practice.fire_due()
    assert len(practice.outside.mails(practice.email)) == 1


async def test_where_a_wished_call_is_reported_busy_the_text_that_is_wished_next_goes(practice: Practice) -> None:
    """Though by the plan's own order nothing comes after calls."""
    plan = {"steps": [{**ASKED_NOW["steps"][0], "purpose": "reminder", "channels": ["sms", "voice"]}]}
    await practice.open("sms", "voice")
    await practice.call("PUT", f"/v1/clients/{practice.client}/preferences", json={"channels": ["voice", "sms"]})
    real = practice.resources.carriers.vendors["voice"][0]
    silent = Failing(real, [OutcomeUnknown("voice_silent")] * 9, "voice")
    practice.resources = carried_by(practice.resources, silent, channel="voice")
    await practice.call("POST", "/v1/reminder-plans", 201, json=plan)
    await practice.follow(await visit(practice))
    await practice.fire_due()
    [message] = await practice.messages()
    path, form = f"/v1/callbacks/voice/{practice.tenant}/{message['id']}", {"CallSid": "CA1", "CallStatus": "busy"}
    headers = {"x-twilio-signature": signature(TOKEN, practice.url + path, form)}
    assert (await practice.http.post(path, data=form, headers=headers)).status_code == 204
    await practice.fire_due()
    assert len(practice.outside.texts(practice.phone)) == 1


async def test_what_went_by_text_and_did_not_arrive_goes_by_the_mail_that_is_wished_since(practice: Practice) -> None:
    await lost(practice, taken=True)
    await practice.call("PUT", f"/v1/clients/{practice.client}/preferences", json={"channels": ["email"]})
    await practice.come_due("message.send")
    await practice.fire_due()
    await report(practice, "undelivered", code=30003)
    await practice.fire_due()
    assert len(practice.outside.mails(practice.email)) == 1


async def test_what_nobody_can_say_when_the_visit_begins_is_given_up_and_a_person_is_asked(practice: Practice) -> None:
    await lost(practice, taken=False)
    real = practice.resources.carriers.vendors["sms"][0]
    assert isinstance(real, PhoneCarrier)

    class Listless(PhoneCarrier):
        async def taken(self, *_: object) -> list[Taken]:
            raise CarrierUnavailable("sms_http_503")

    away = Listless(**{name: getattr(real, name) for name in FIELDS})
    practice.resources = carried_by(practice.resources, away)
    assert await again(practice) == ("planned", None)
    async with practice.resources.database.transaction(practice.tenant) as session:
        await session.execute(text("UPDATE hand_overs SET begun_at = begun_at - interval '7 hours'"))
        await session.execute(text("UPDATE messages SET due_at = due_at - interval '7 hours'"))
    assert await again(practice) == ("not_sent", "outcome_unknown")
    assert [one["kind"] for one in await practice.tasks()] == ["unreachable"]


async def number_of(practice: Practice) -> str:
    return str((await practice.call("GET", "/v1/sender"))["sms_from"])


async def moved_to(practice: Practice, phone: str) -> None:
    contact = await practice.call("GET", f"/v1/clients/{practice.client}/contact")
    await practice.call("PUT", f"/v1/clients/{practice.client}/contact", json=contact | {"phone": phone})


async def unreachable(practice: Practice) -> list[str]:
    async with practice.resources.database.transaction(practice.tenant) as session:
        return list(await session.scalars(text("SELECT address FROM unreachable")))


async def test_who_has_it_perhaps_is_asked_again_under_the_same_id(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(practice.outside.carrier, "knows", True)
    carrier = await silent(practice)
    assert (await again(practice))[0] in ("sent", "delivered")
    assert (len(carrier.asked), len(set(carrier.asked))) == (2, 1)
    assert len(practice.outside.texts(practice.phone)) == 1


async def test_a_carrier_that_knows_no_repetitions_is_not_asked_again(practice: Practice) -> None:
    carrier = await silent(practice)
    carrier.knows_repetitions = False
    assert await again(practice) == ("not_sent", "outcome_unknown")
    assert len(carrier.asked) == 1


async def test_what_went_perhaps_by_text_does_not_go_by_mail_because_mails_are_wished_now(practice: Practice) -> None:
    await silent(practice)
    await practice.call("PUT", f"/v1/clients/{practice.client}/preferences", json={"channels": ["email"]})
    assert await again(practice) == ("not_sent", "outcome_unknown")
    assert len(practice.outside.texts(practice.phone)) == 1
    assert practice.outside.mails(practice.email) == []


async def test_what_went_perhaps_to_the_old_number_does_not_go_to_the_new_one(practice: Practice) -> None:
    carrier = await silent(practice)
    await moved_to(practice, "+13035550188")
    await practice.consent("sms")
    assert await again(practice) == ("not_sent", "outcome_unknown")
    assert len(carrier.asked) == 1
    assert [one["kind"] for one in await practice.tasks()] == ["unreachable"], "a person finds out"


async def crashed(practice: Practice) -> None:
    """The carrier has the text, and whoever asked it has died before that was on record."""
    own = practice.resources
    [timer] = await practice.claimed()
    post = Post(own.beside, own.carriers, own.booking, "http://b.test", "http://f.test", "k" * 40, practice.url)
    with pytest.raises(RuntimeError):
        async with own.database.transaction(practice.tenant) as session:
            await sending.send(session, tenant=practice.tenant, message_id=timer.key, now=timer.now, post=post)
            raise RuntimeError("the process dies here")


async def report(
    practice: Practice, status: str, channel: str = "sms", code: int | None = None, vendor: str | None = None
) -> None:
    plan = ("reminder", "confirm_request")
    by_text = [one for one in await practice.messages() if one["channel"] == "sms" or one["status"] == "planned"]
    [message] = [one for one in by_text if one["purpose"] in plan]
    path = f"/v1/callbacks/{channel}/{practice.tenant}/{message['id']}" + (f"?vendor={vendor}" if vendor else "")
    said = {"MessageStatus": status} if channel == "sms" else {"CallStatus": status}
    form = {"MessageSid": await practice.sid(message["id"]) or "SM7", **said} | (
        {"ErrorCode": str(code)} if code else {}
    )
    headers = {"x-twilio-signature": signature(TOKEN, practice.url + path, form)}
    answer = await practice.http.post(path, data=form, headers=headers)
    assert answer.status_code == 204, answer.text


async def test_who_has_confirmed_meanwhile_is_not_asked_by_the_next_channel(practice: Practice) -> None:
    await practice.open("sms", "email")
    await practice.call("POST", "/v1/reminder-plans", 201, json=ASKED_NOW)
    first = await visit(practice)
    await practice.follow(first)
    practice.resources = carried_by(practice.resources, Taciturn())
    await practice.fire_due()
    now = await practice.now()
    yes = first.model_dump() | {"sequence": 2, "confirmed_at": now, "changed_at": now}
    await practice.follow(AppointmentConfirmed.model_validate(yes))
    await report(practice, "undelivered", code=30003)
    await practice.fire_due()
    assert practice.outside.mails(practice.email) == []
    reasons = [one["reason"] for one in await practice.messages() if one["status"] == "not_sent"]
    assert reasons in (["condition_unconfirmed"], ["visit_changed"])


async def test_a_carrier_that_asks_for_hours_does_not_keep_the_second_one_waiting(practice: Practice) -> None:
    _, second = two(practice, CarrierUnavailable("sms_http_429", timedelta(hours=20)))
    await booked(practice)
    await practice.fire_due()
    assert len(second.asked) == 1


async def test_nobody_waits_for_a_carrier_beyond_the_visit(practice: Practice) -> None:
    real = practice.resources.carriers.vendors["sms"][0]
    errors: list[Exception] = [CarrierUnavailable("sms_http_429", timedelta(days=900))]
    practice.resources = carried_by(practice.resources, Failing(real, errors))
    await booked(practice)
    await practice.fire_due()
    async with practice.resources.database.transaction(practice.tenant) as session:
        until = await session.scalar(text("SELECT start - clock_timestamp() FROM visits"))
    assert until is not None and await waiting(practice) <= until + timedelta(seconds=5)


@pytest.mark.parametrize("written", ["12025550{}", "whatsapp:+12025550{}", " +1 202-555-0{}"])
async def test_a_stop_counts_however_the_carrier_writes_the_number(written: str, practice: Practice) -> None:
    await practice.open("sms")
    await practice.text_from(written.format("123"), "STOP")
    async with practice.resources.database.transaction(practice.tenant) as session:
        assert list(await session.scalars(text("SELECT phone FROM suppressions"))) == ["+12025550123"]


async def test_what_somebody_may_have_goes_by_no_other_channel_though_it_has_no_words_any_more(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The practice changes its template, say, before the same carrier is asked again."""
    await practice.open("sms", "email")
    await practice.call("POST", "/v1/reminder-plans", 201, json=NOW_PLAN)
    real = practice.resources.carriers.vendors["sms"][0]
    practice.resources = carried_by(practice.resources, Failing(real, [OutcomeUnknown("sms_silent")]))
    await practice.follow(await visit(practice))
    await practice.fire_due()

    def none(*_: object) -> Outbound:
        raise NoWords("text_too_long", "too long")

    monkeypatch.setattr(sending, "worded", none)
    await practice.come_due("message.send")
    await practice.fire_due()
    assert practice.outside.mails(practice.email) == []
    [message] = await practice.messages()
    assert (message["status"], message["reason"]) == ("not_sent", "outcome_unknown")
    assert [task["kind"] for task in await practice.tasks()] == ["unreachable"]
