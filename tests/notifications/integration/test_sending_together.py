"""Many reminders that are due at once: the usual ones go together, each of the others for a reason of its own."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from sqlalchemy import text

from services.notifications import repository
from services.notifications.clients import CarrierUnavailable, Outbound
from services.notifications.clients.phone import PhoneCarrier
from services.notifications.domain.model import Begun
from services.notifications.use_cases import sending_together, worlds
from shared.contracts.booking import AppointmentCancelled, AppointmentFulfilled, AppointmentMissed, AppointmentState
from tests.notifications.conftest import Practice
from tests.notifications.integration.test_exactly_once import AT_ONCE, booked, consenting
from tests.notifications.misses import ONE_STEP, ask_for_rating
from tests.notifications.vendors import Slow, carried_by
from tests.support.build import appointment_event

pytestmark = pytest.mark.servers


async def many(practice: Practice, number: int) -> dict[str, AppointmentState]:
    """As many clients who take texts, each with a visit; by their phones."""
    await practice.open()
    await practice.call("POST", "/v1/reminder-plans", 201, json={"steps": [AT_ONCE["steps"][1]]})
    now, visits = await practice.now(), {}
    for one in range(number):
        client, phone = uuid4(), f"+1305{201 + one:03d}{uuid4().int % 8_000 + 1_000}"
        await consenting(practice, client, phone)
        visits[phone] = await booked(practice, client, now)
        await practice.follow(visits[phone])
    return visits


async def told(practice: Practice, client: UUID) -> list[tuple[str, str | None]]:
    found = await practice.call("GET", f"/v1/clients/{client}/explain")
    return [(one["outcome"], one["reason"]) for one in found["items"]]


def texts(practice: Practice) -> Counter[str]:
    return Counter(one.to for one in practice.outside.carrier.store.messages if one.channel == "sms")


async def rows(practice: Practice, query: str) -> list[Any]:
    async with practice.resources.database.transaction(practice.tenant) as session:
        return list((await session.execute(text(query))).all())


async def test_who_wishes_mails_is_not_texted_with_the_others(practice: Practice) -> None:
    visits = await many(practice, 3)
    wishing = next(iter(visits.values())).client_id
    await practice.call("PUT", f"/v1/clients/{wishing}/preferences", json={"channels": ["email"]})
    timers = await practice.claimed()
    assert len(await practice.runner().fire_together(timers)) == 2
    assert sorted(texts(practice)[phone] for phone in visits) == [0, 1, 1]


async def test_what_a_carrier_may_have_already_is_not_sent_with_the_others(practice: Practice) -> None:
    await many(practice, 3)
    timers = await practice.claimed()
    begun = Begun(timers[0].key, "sms", "sms", await practice.now(), "+12025550188")
    async with practice.resources.database.transaction(practice.tenant) as session:
        await repository.hand_overs.begin(session, practice.tenant, [begun])
    assert timers[0].id not in await practice.runner().fire_together(timers)


async def test_where_a_carrier_takes_its_time_no_more_are_begun_together(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else whoever of them says STOP would wait for all of them."""
    await many(practice, 12)
    monkeypatch.setattr(sending_together, "LONGEST_SECONDS", 0.0)
    monkeypatch.setattr(sending_together, "AT_ONCE", 5)
    timers = await practice.claimed()
    assert len(await practice.runner().fire_together(timers)) == 5


async def test_what_is_usual_goes_together_with_its_reason_its_event_and_its_trace(practice: Practice) -> None:
    if not isinstance(trace.get_tracer_provider(), TracerProvider):
        trace.set_tracer_provider(TracerProvider())
    visits = await many(practice, 20)
    timers = await practice.claimed()
    assert set(await practice.runner().fire_together(timers)) == {timer.id for timer in timers}
    assert texts(practice).items() >= dict.fromkeys(visits, 1).items()
    for visit in visits.values():
        assert (await told(practice, visit.client_id))[:2] == [("planned", None), ("sent", None)]
    sent = await rows(
        practice,
        "SELECT messages.id, status, messages.traceparent AS planned, outbox.traceparent AS told, vendor, carrier_id"
        " FROM messages JOIN outbox ON key = messages.id::text AND topic = 'message.sent'",
    )
    assert len(sent) == len(visits)
    for one in sent:
        assert (one.status in ("sent", "delivered"), bool(one.vendor), bool(one.carrier_id)) == (True, True, True)
        assert one.planned.split("-")[1] == one.told.split("-")[1], "one trace from booking to carrier"
    assert len({one.told.split("-")[1] for one in sent}) == len(visits), "and each its own"
    left = await rows(practice, "SELECT key FROM timers WHERE kind = 'message.send'")
    assert left == [], "none is left to be sent again"
    unheard = await rows(
        practice,
        "SELECT messages.id FROM messages LEFT JOIN timers ON key = messages.id AND kind = 'message.look_up'"
        " WHERE status = 'sent' AND key IS NULL",
    )
    assert unheard == [], "of each that hasn't been reported on the carrier will be asked"


async def test_each_that_is_not_usual_has_its_own_way_and_keeps_none_of_the_others(practice: Practice) -> None:
    visits = await many(practice, 12)
    phones = list(visits)
    stopped, called_off, unwilling, refused = phones[:4]
    practice.outside.booking.learn(
        AppointmentCancelled.model_validate(
            visits[called_off].model_dump()
            | {"sequence": 2, "status": "cancelled", "reason_code": "illness", "changed_by": "client"}
        ),
        practice.tenant,
    )
    no = {"channel": "sms", "granted": False, "wording_version": "2026-01", "source": "by phone"}
    await practice.call("POST", f"/v1/clients/{visits[unwilling].client_id}/consents", 201, json=no)
    async with practice.resources.database.transaction(practice.tenant) as session:
        stop = "INSERT INTO suppressions (tenant_id, phone, at) VALUES (:tenant, :phone, now())"
        await session.execute(text(stop), {"tenant": practice.tenant, "phone": stopped})
    practice.outside.carrier.stopped.add(refused)
    before = texts(practice)
    timers = await practice.claimed()
    await practice.runner().fire_all(timers)
    went = texts(practice) - before
    assert went == Counter(phones[4:])
    reasons = {phone: (await told(practice, visits[phone].client_id))[-1] for phone in phones[:4]}
    assert reasons == {
        stopped: ("not_sent", "opted_out"),
        called_off: ("waiting", "news_on_the_way"),
        unwilling: ("not_sent", "no_consent"),
        refused: ("not_sent", "sms_21610"),
    }


async def test_a_carrier_that_fails_for_some_is_asked_for_these_again_and_for_no_other(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    visits = await many(practice, 10)
    flaky, asked = set(list(visits)[::3]), Counter[str]()
    send = PhoneCarrier.send

    async def sometimes(self: PhoneCarrier, message: Outbound) -> str:
        asked[message.to] += 1
        if message.to in flaky and asked[message.to] == 1:
            raise CarrierUnavailable("sms_503")
        return await send(self, message)

    monkeypatch.setattr(PhoneCarrier, "send", sometimes)
    await practice.runner().fire_all(await practice.claimed())
    assert texts(practice).items() >= dict.fromkeys(visits, 1).items()
    assert asked == Counter(list(visits)) + Counter(flaky)


async def test_what_somebody_else_has_in_hand_is_left_to_them(practice: Practice) -> None:
    visits = await many(practice, 6)
    timers = await practice.claimed()
    held = timers[0].key
    async with practice.resources.database.transaction(practice.tenant) as session:
        await session.execute(text("SELECT id FROM messages WHERE id = :id FOR UPDATE"), {"id": held})
        done = set(await practice.runner().fire_together(timers))
    assert done == {timer.id for timer in timers[1:]}
    assert sum(texts(practice)[phone] for phone in visits) == len(visits) - 1


async def miss(practice: Practice, client: UUID, at: datetime) -> AppointmentState:
    return appointment_event(
        AppointmentMissed,
        client_id=client,
        sequence=2,
        start=at - timedelta(minutes=15),
        booked_at=at - timedelta(days=3),
        changed_at=at,
        changed_by="system",
    )


async def test_outreach_goes_together_too_but_not_to_whom_booking_knows_to_be_back(practice: Practice) -> None:
    visits = await many(practice, 8)
    await practice.call("POST", "/v1/outreach-flows", 201, json=ONE_STEP)
    now = await practice.now()
    for visit in visits.values():
        await practice.follow(await miss(practice, visit.client_id, now))
    await practice.fire_due()
    reached = {phone for phone in visits if texts(practice)[phone]}
    assert reached == set(visits), "reminders and outreach alike"

    async with practice.resources.database.transaction(practice.tenant) as session:
        await session.execute(text("DELETE FROM timers"))
        again = "UPDATE messages SET status = 'planned', sent_at = NULL, vendor = NULL "
        again += "WHERE purpose = 'missed_you' RETURNING id"
        ids = list(await session.scalars(text(again)))
        timer = "INSERT INTO timers (tenant_id, kind, key, due_at) VALUES (:tenant, 'message.send', :key, now())"
        for id_ in ids:
            await session.execute(text(timer), {"tenant": practice.tenant, "key": id_})
    back, *_ = visits.values()
    practice.outside.booking.learn(await booked(practice, back.client_id, now), practice.tenant)
    before = texts(practice)
    timers = await practice.claimed()
    gone = await practice.runner().fire_together(timers)
    assert len(gone) == len(ids) - 1 == 7
    phone = next(phone for phone, visit in visits.items() if visit is back)
    assert (texts(practice) - before)[phone] == 0


async def test_of_two_texts_against_one_clients_quota_one_goes(practice: Practice) -> None:
    visits = await many(practice, 2)
    await practice.call("POST", "/v1/outreach-flows", 201, json=ONE_STEP)
    await practice.fire_due()
    before = texts(practice)
    now = await practice.now()
    for visit in visits.values():
        missed = await miss(practice, visit.client_id, now)
        await practice.follow(missed)
        await ask_for_rating(practice, visit)
    await practice.come_due("outreach.step")
    steps = await practice.claimed()
    await practice.runner().fire_all([timer for timer in steps if timer.kind == "outreach.step"])
    await practice.come_due("message.send")
    timers = [timer for timer in await practice.claimed() if timer.kind == "message.send"]
    assert len(timers) == 4
    await practice.runner().fire_all(timers)
    assert texts(practice) - before == Counter(dict.fromkeys(visits, 1))
    for visit in visits.values():
        assert ("channel_closed", "daily_text_cap") in await told(practice, visit.client_id)


@pytest.mark.parametrize(
    ("ago", "counted"),
    [
        (timedelta(hours=23), (1, 1)),
        (timedelta(hours=25), (0, 1)),
        (timedelta(days=7, hours=-1), (0, 1)),
        (timedelta(days=7, hours=1), (0, 0)),
    ],
)
async def test_an_automated_text_counts_for_a_day_and_for_a_week(
    ago: timedelta, counted: tuple[int, int], practice: Practice
) -> None:
    await practice.open("sms")
    await practice.call("POST", "/v1/outreach-flows", 201, json=ONE_STEP)
    await practice.follow(await miss(practice, practice.client, await practice.now()))
    await practice.fire_due()
    [sent] = await practice.messages()
    async with practice.resources.database.transaction(practice.tenant) as session:
        message = await repository.messages.get(session, UUID(sent["id"]))
        assert message.sent_at is not None and message.channel == "sms"
        world = (await worlds.worlds_of(session, [message], message.sent_at + ago))[message.id]
    assert (world.texts_last_day, world.texts_last_week) == counted


@pytest.mark.parametrize("together", [False, True])
async def test_of_what_counts_two_workers_send_a_client_one_after_the_other(together: bool, practice: Practice) -> None:
    """Each looks at how many have gone: both would see none."""
    await practice.open("sms")
    now = await practice.now()
    for _ in range(2):
        kept = appointment_event(
            AppointmentFulfilled, client_id=practice.client, appointment_id=uuid4(), start=now - timedelta(hours=2)
        )
        await practice.follow(kept)
        await ask_for_rating(practice, kept)
    first, second = [timer for timer in await practice.claimed() if timer.kind == "message.send"]
    own, slow = practice.resources, Slow(practice.resources.carriers.vendors["sms"][0])
    practice.resources = carried_by(own, slow)
    sending_now = asyncio.create_task(practice.runner().fire(first))
    await asyncio.wait_for(slow.called.wait(), 5)
    practice.resources = own
    if together:
        assert set(await practice.runner().fire_together([second])) == set()
    else:
        await practice.runner().fire(second)
    slow.go_on.set()
    await sending_now
    await practice.come_due("message.send")
    await practice.fire_due()
    assert len(practice.outside.texts(practice.phone)) == 1
