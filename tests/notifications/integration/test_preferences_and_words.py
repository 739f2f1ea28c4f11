"""What clients wish goes before plans and flows; what practices write goes before Rapport's own words."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from services.notifications import repository
from services.notifications.clients import CarrierUnavailable
from services.notifications.domain.conditions import KEPT
from services.notifications.domain.outreach import OutreachFlow, is_held_out
from services.notifications.domain.plans import ReminderPlan
from services.notifications.use_cases.practice import record_consent
from shared.contracts.notifications import Channel
from tests.notifications.conftest import Practice, daytime, text_in
from tests.notifications.vendors import Failing, carried_by
from tests.notifications.visits import NOW_PLAN, visit

pytestmark = pytest.mark.servers


async def booked(practice: Practice) -> None:
    await practice.call("POST", "/v1/reminder-plans", 201, json=NOW_PLAN)
    await practice.follow(await visit(practice))
    await practice.fire_due()


async def wish(practice: Practice, expect: int = 200, **body: Any) -> Any:
    return await practice.call("PUT", f"/v1/clients/{practice.client}/preferences", expect, json=body)


async def test_the_newest_word_counts_of_a_yes_a_no_and_a_yes_again(practice: Practice) -> None:
    await practice.open("sms")
    await practice.consent("sms", granted=False)
    await booked(practice)
    assert practice.outside.texts(practice.phone) == []
    await practice.consent("sms")
    await practice.follow(await visit(practice))
    await practice.fire_due()
    assert len(practice.outside.texts(practice.phone)) == 1


async def test_whoever_takes_a_yes_for_a_number_that_has_said_stop_hears_that_it_changes_nothing(
    practice: Practice,
) -> None:
    """Its owner of before said so, perhaps: only a START from there lifts it, as at every carrier."""
    await practice.open("sms")
    body = {"channel": "sms", "granted": True, "wording_version": "2026-01", "source": "intake form"}
    path = f"/v1/clients/{practice.client}/consents"
    assert (await practice.call("POST", path, 201, json=body))["stopped"] is False
    await text_in(practice, "STOP")
    assert (await practice.call("POST", path, 201, json=body))["stopped"] is True
    await text_in(practice, "START")
    assert (await practice.call("POST", path, 201, json=body))["stopped"] is False


@pytest.mark.parametrize("last", [0, 1])
async def test_of_two_on_one_number_the_one_who_was_written_to_last_is_taken_to_answer(
    last: int, practice: Practice
) -> None:
    clients = sorted((uuid4(), uuid4()))
    for client in clients:
        practice.client = client
        await practice.open("sms")
    practice.client = clients[last]
    await booked(practice)
    await text_in(practice, "Who is this?")
    [task] = await practice.tasks()
    assert task["client_id"] == str(clients[last])


async def test_a_wish_that_is_taken_back_in_the_night_is_no_wish_in_the_morning(practice: Practice) -> None:
    await practice.open("sms", "email", "voice")
    opens, closes = (datetime.now(ZoneInfo(daytime())) + timedelta(hours=more) for more in (1, 1.5))
    await wish(practice, channels=["voice"], opens=opens.strftime("%H:%M"), closes=closes.strftime("%H:%M"))
    await booked(practice)
    assert ("reminder", None, "deferred", "quiet_hours") in await practice.decisions()
    await wish(practice)
    await practice.come_due("message.send")
    await practice.fire_due()
    assert ("reminder", "sms", "sent", None) in await practice.decisions()


async def test_a_wish_that_is_taken_back_while_its_carrier_is_away_is_no_wish_when_it_goes(practice: Practice) -> None:
    await practice.open("sms", "email")
    real = practice.resources.carriers.vendors["email"][0]
    broken = Failing(real, [CarrierUnavailable("smtp_421")] * 9, "email")
    practice.resources = carried_by(practice.resources, broken, channel="email")
    await wish(practice, channels=["email"])
    await booked(practice)
    assert ("reminder", None, "waiting", "smtp_421") in await practice.decisions()
    await wish(practice)
    await practice.come_due("message.send")
    await practice.fire_due()
    assert ("reminder", "sms", "sent", None) in await practice.decisions()


async def test_a_step_for_those_who_are_not_held_out_goes_to_them_and_to_nobody_else(practice: Practice) -> None:
    plan = {"holdout_percent": 50, "steps": [{**NOW_PLAN["steps"][0], "when": {"held_out": False}}]}
    await practice.open("sms")
    await practice.call("POST", "/v1/reminder-plans", 201, json=plan)
    version = (await practice.call("GET", "/v1/reminder-plans/1"))["version"]
    reached, phone = {}, practice.phone
    for number in range(12):
        practice.client, practice.phone = uuid4(), f"{phone[:-2]}{number:02d}"
        await practice.open("sms")
        await practice.follow(await visit(practice))
        await practice.fire_due()
        reached[practice.client] = len(practice.outside.texts(practice.phone))
    assert reached == {one: int(not is_held_out(50, version, one, "plan")) for one in reached}


async def test_who_wishes_mails_gets_mails_whatever_the_plan_says(practice: Practice) -> None:
    await practice.open("sms", "email")
    kept = await wish(practice, channels=["email"])
    assert kept == await practice.call("GET", f"/v1/clients/{practice.client}/preferences")
    await booked(practice)
    assert (len(practice.outside.texts(practice.phone)), len(practice.outside.mails(practice.email))) == (0, 1)
    await practice.call("PUT", f"/v1/clients/{practice.client}/preferences", json={})
    await booked(practice)
    assert len(practice.outside.texts(practice.phone)) == 1


async def test_a_wish_goes_no_further_than_the_consent(practice: Practice) -> None:
    await practice.open("email")
    await wish(practice, channels=["sms"])
    await booked(practice)
    assert [(one["status"], one["reason"]) for one in await practice.messages()] == [("not_sent", "no_consent")]


async def test_an_answer_goes_by_the_way_that_was_asked(practice: Practice) -> None:
    await practice.open("sms", "email")
    await wish(practice, channels=["email"])
    assert await text_in(practice, "HELP") == 200
    await practice.fire_due()
    assert len(practice.outside.texts(practice.phone)) == 1


async def test_a_client_is_written_to_in_their_language_and_others_in_the_practices(practice: Practice) -> None:
    await practice.open("sms", "email")
    await wish(practice, language="es", channels=["email"])
    await booked(practice)
    [mail] = practice.outside.mails(practice.email)
    assert mail.startswith("Su cita del ")
    assert " a las " in mail
    sender = await practice.call("GET", "/v1/sender")
    await practice.call("PUT", "/v1/sender", json=sender | {"language": "es"})
    await wish(practice)
    await booked(practice)
    assert ": su cita, " in practice.outside.texts(practice.phone)[0]
    await wish(practice, language="en")
    await booked(practice)
    assert ": see you " in practice.outside.texts(practice.phone)[1]


async def test_between_a_clients_own_hours_only(practice: Practice) -> None:
    zone = daytime()
    await practice.open("sms", zone=zone)
    local = (await practice.now()).astimezone(ZoneInfo(zone))
    # A part of the day that is not now.
    opens, closes = ("19:00", "20:30") if local.hour < 18 else ("08:00", "09:00")
    await wish(practice, opens=opens, closes=closes)
    await booked(practice)
    assert practice.outside.texts(practice.phone) == []
    [planned] = await practice.messages()
    due = datetime.fromisoformat(planned["due_at"]).astimezone(ZoneInfo(zone))
    assert f"{due:%H:%M}" == opens
    assert due > local
    assert due - local < timedelta(hours=25)
    assert ("reminder", None, "deferred", "quiet_hours") in await practice.decisions()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"channels": ["pigeon"]}, "channels.0"),
        ({"channels": ["sms", "sms"]}, ""),
        ({"language": "tlh"}, "language"),
        ({"opens": "09:00"}, ""),
        ({"opens": "07:00", "closes": "20:00"}, ""),
        ({"opens": "20:00", "closes": "09:00"}, ""),
    ],
)
async def test_a_wish_that_cannot_be_names_its_field(body: dict[str, Any], field: str, practice: Practice) -> None:
    refused = await wish(practice, 422, **body)
    assert refused.get("field", "").startswith(field), refused


@pytest.mark.parametrize("phone", ["+1202555", "+12021234567", "202 555 0123", "+10000000000", "+999123456789"])
async def test_a_number_that_is_none_is_refused(phone: str, practice: Practice) -> None:
    body = {"phone": phone}
    refused = await practice.call("PUT", f"/v1/clients/{practice.client}/contact", 422, json=body)
    assert refused["field"] == "phone"


async def test_a_landline_gets_no_text_and_the_next_channel_is_used(practice: Practice) -> None:
    practice.phone = "+493012345678"
    await practice.open("sms", "email")
    await booked(practice)
    assert len(practice.outside.mails(practice.email)) == 1
    assert ("reminder", "sms", "channel_closed", "landline") in await practice.decisions()


async def test_a_practice_has_its_own_words_and_goes_back_to_ours(practice: Practice) -> None:
    await practice.open("sms")
    path = "/v1/templates/reminder/sms/en"
    body = {"body": "Hello from {{ name }}: {{ when }}, {{ link }}"}
    first = await practice.call("PUT", path, json=body)
    second = await practice.call("PUT", path, json=body)
    assert (first["version"], second["version"]) == (1, 2)
    await booked(practice)
    assert practice.outside.texts(practice.phone)[0].startswith("Hello from Maple: ")
    listed = (await practice.call("GET", "/v1/templates"))["items"]
    mine = [one for one in listed if one["version"]]
    assert [(one["purpose"], one["channel"], one["language"], one["body"]) for one in mine] == [
        ("reminder", "sms", "en", body["body"])
    ]
    assert len({(one["purpose"], one["channel"], one["language"]) for one in listed}) == len(listed) > 60
    await practice.call("DELETE", path, 204)
    await booked(practice)
    assert practice.outside.texts(practice.phone)[1].startswith("Maple: see you ")


async def test_words_that_cannot_be_sent_are_refused_with_every_finding_and_nothing_is_kept(practice: Practice) -> None:
    path = "/v1/templates/reminder/sms/en"
    refused = await practice.call("PUT", path, 422, json={"body": "Your therapy for $5"})
    assert (refused["code"], refused["field"]) == ("words_refused", "body")
    assert len(refused["errors"]) == 4
    refused = await practice.call("PUT", path, 422, json={"body": "{{ ''.__class__.__mro__ }}{{ name }}{{ link }}"})
    assert "no code" in refused["detail"]
    await practice.call("PUT", "/v1/templates/reminder/fax/en", 422, json={"body": "x"})
    await practice.call("DELETE", "/v1/templates/rating_request/voice/en", 404)
    assert all(one["version"] == 0 for one in (await practice.call("GET", "/v1/templates"))["items"])


@pytest.mark.parametrize("word", ["OCD", "grief", "rehab", "duelo", "Zoom", "copay", "factura"])
async def test_words_that_are_not_neutral_are_refused(word: str, practice: Practice) -> None:
    body = {"body": f"{{{{ name }}}}: your {word} visit {{{{ when }}}} {{{{ link }}}}"}
    refused = await practice.call("PUT", "/v1/templates/reminder/sms/en", 422, json=body)
    assert (refused["code"], refused["field"]) == ("words_refused", "body")
    assert f"'{word.lower()}'" in refused["detail"]


@pytest.mark.parametrize(
    "name", ["Depression Clinic", "Anxiety Therapy", "OCD & Trauma", "Cutting $99 SALE", "Maple Zoom"]
)
async def test_a_senders_name_is_neutral_or_nothing_of_it_is_kept(name: str, practice: Practice) -> None:
    await practice.open("sms")
    before = await practice.call("GET", "/v1/sender")
    changed = before | {"name": name, "phone": "+12025550199"}
    refused = await practice.call("PUT", "/v1/sender", 422, json=changed)
    assert (refused["code"], refused["field"], refused["status"]) == ("name_refused", "name", 422)
    assert "a neutral name, such as Maple Practice, is right" in refused["detail"]
    assert await practice.call("GET", "/v1/sender") == before


async def test_another_practices_words_are_its_own(practice: Practice) -> None:
    path = "/v1/templates/reminder/sms/en"
    await practice.call("PUT", path, json={"body": "Hi, {{ name }}: {{ when }} {{ link }}"})
    practice.tenant = uuid4()
    assert all(one["version"] == 0 for one in (await practice.call("GET", "/v1/templates"))["items"])


async def test_a_mail_is_a_page_too(practice: Practice) -> None:
    await practice.open("email")
    await booked(practice)
    [mail] = practice.outside.carrier.store.find(to=practice.email, channel="email")
    assert mail.html.startswith("<!doctype html>")
    assert "A reminder of your visit on" in mail.html
    assert mail.links[0] in mail.html


async def test_pages_speak_the_clients_language(practice: Practice) -> None:
    await practice.open("sms", "email")
    await wish(practice, channels=["email"], language="es")
    await booked(practice)
    [mail] = practice.outside.carrier.store.find(to=practice.email, channel="email")
    html = {"accept": "text/html"}
    mails = (await practice.http.get(next(link for link in mail.links if "/u/" in link), headers=html)).text
    assert '<html lang="es">' in mails and "No más correos" in mails
    await practice.call(
        "POST", f"/v1/clients/{practice.client}/secure-messages", 201, json={"body": "Hola, ¿cómo está?"}
    )
    await practice.fire_due()
    [notice] = [one for one in practice.outside.carrier.store.find(to=practice.email) if "le escribe" in one.subject]
    inbox = (await practice.http.get(next(link for link in notice.links if "/m/" in link), headers=html)).text
    assert '<html lang="es">' in inbox and "Su mensaje" in inbox and "Lo he leído" in inbox
    for english in ("Your message", "I have read", "Send<", "Sunday", " at "):
        assert english not in inbox


async def test_what_was_published_before_a_rule_was_made_is_shown_as_it_is(practice: Practice) -> None:
    step = {"after": "PT0S", "message": "missed_you", "channels": ["email"]}
    flow = OutreachFlow.model_validate({"steps": [step, step], "gives_up_after": "P1D"}, context=KEPT)
    said = {"offset": "PT24H", "channels": ["email"]}
    plan = ReminderPlan.model_validate({"steps": [said, said]}, context=KEPT)
    now = await practice.now()
    async with practice.resources.database.transaction(practice.tenant) as session:
        await repository.plans.add_flow(session, practice.tenant, flow, now)
        await repository.plans.add_plan(session, practice.tenant, plan, now)
    for kind, name in (("outreach-flows", "flow"), ("reminder-plans", "plan")):
        for version in ("current", "1"):
            assert len((await practice.call("GET", f"/v1/{kind}/{version}"))[name]["steps"]) == 2


async def test_what_has_no_words_for_a_channel_is_not_published_until_it_has(practice: Practice) -> None:
    step = {"purpose": "confirmation", "anchor": "booking", "offset": "PT0S", "channels": ["email", "voice"]}
    refused = await practice.call("POST", "/v1/reminder-plans", 422, json={"steps": [step]})
    assert (refused["type"].rsplit(":", 1)[-1], refused["field"]) == ("no_words", "steps.0.channels.1")
    flow = {
        "steps": [{"after": "PT0S", "task": "call"}],
        "on_barrier": {"cost": {"message": "remote_offer", "channels": ["voice"]}},
        "gives_up_after": "P1D",
    }
    refused = await practice.call("POST", "/v1/outreach-flows", 422, json=flow)
    assert refused["field"] == "on_barrier.cost.channels.0"
    words = {"body": "This is {{ name }}. You are booked. To change it, please call {{ phone }}."}
    await practice.call("PUT", "/v1/templates/confirmation/voice/en", json=words)
    await practice.call("POST", "/v1/reminder-plans", 201, json={"steps": [step]})


async def test_one_press_ends_mails_and_looking_does_not(practice: Practice) -> None:
    await practice.open("sms", "email")
    await wish(practice, channels=["email", "sms"])
    await booked(practice)
    [mail] = practice.outside.carrier.store.find(to=practice.email, channel="email")
    way_out = next(link for link in mail.links if "/u/" in link)
    assert way_out in mail.html
    for _ in range(3):
        page = await practice.http.get(way_out, headers={"accept": "text/html"})
        assert "No more mails" in page.text
    await booked(practice)
    assert len(practice.outside.mails(practice.email)) == 2
    # As a mail program presses it: no cookies, no origin.
    pressed = await practice.http.post(way_out, data={"List-Unsubscribe": "One-Click"})
    assert pressed.status_code == 200, "a mail program follows no redirection (RFC 8058)"
    await booked(practice)
    assert (len(practice.outside.mails(practice.email)), len(practice.outside.texts(practice.phone))) == (2, 1)
    page = await practice.http.get(way_out, headers={"accept": "text/html"})
    assert "no more mails" in page.text
    assert (await practice.http.post(f"{way_out}/again")).status_code == 303
    newest = (await practice.call("GET", f"/v1/clients/{practice.client}/consents"))["items"][0]
    assert (newest["granted"], newest["source"]) == (True, "mails page")
    assert (await practice.http.post(way_out[:-3])).status_code == 404
    assert (await practice.http.post(way_out)).status_code == 303


async def test_an_old_mail_says_no_yes_to_mails_to_another_address(practice: Practice) -> None:
    """Nobody has agreed to be written to there; and ending them where there is no address is no error."""
    await practice.open("email")
    await booked(practice)
    [mail] = practice.outside.carrier.store.find(to=practice.email, channel="email")
    way_out = next(link for link in mail.links if "/u/" in link)
    contact = await practice.call("GET", f"/v1/clients/{practice.client}/contact")
    path = f"/v1/clients/{practice.client}/contact"
    await practice.call("PUT", path, json=contact | {"email": f"other-{uuid4()}@example.org"})
    assert (await practice.http.post(f"{way_out}/again")).status_code == 303
    page = await practice.http.get(way_out, headers={"accept": "text/html"})
    assert "no more mails" in page.text and "/again" not in page.text
    kept = await practice.call("GET", f"/v1/clients/{practice.client}/consents")
    assert [(one["address"], one["granted"]) for one in kept["items"]] == [(practice.email, True)]
    await practice.call("PUT", path, json=contact | {"email": None})
    assert (await practice.http.post(way_out, data={"List-Unsubscribe": "One-Click"})).status_code == 200


@pytest.mark.parametrize("behind", [timedelta(hours=1), timedelta(minutes=2)])
async def test_what_was_said_last_counts_whatever_the_clock_of_who_took_it(
    behind: timedelta, practice: Practice
) -> None:
    await practice.open("sms", "email")
    own = practice.resources.clock
    async with practice.resources.database.transaction(practice.tenant) as session:
        channels: tuple[Channel, ...] = ("sms", "email")
        for channel in channels:
            await record_consent(
                session,
                tenant=practice.tenant,
                client_id=practice.client,
                channel=channel,
                granted=False,
                wording_version="1",
                source="desk",
                actor="staff-7",
                now=own() - behind,
            )
    await booked(practice)
    assert practice.outside.texts(practice.phone) == practice.outside.mails(practice.email) == []
    newest = (await practice.call("GET", f"/v1/clients/{practice.client}/consents"))["items"]
    assert [one["granted"] for one in newest if one["channel"] == "sms"] == [False, True]
