"""Exactly one message per visit, version, step and channel, by the ledger of who carried it: whatever comes twice, in
another order, or from workers whose clocks disagree.
"""

import asyncio
import random
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from services.notifications import jobs, repository
from services.notifications.clients.phone import PhoneCarrier
from services.notifications.domain.model import Visit
from shared.clock import system_clock
from shared.contracts.booking import (
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentConfirmed,
    AppointmentRescheduled,
    AppointmentState,
)
from shared.contracts.notifications import Channel
from shared.timers import TimerRunner
from tests.notifications.conftest import SOON, Practice
from tests.notifications.vendors import carried_by
from tests.notifications.victim import MOMENTS, dies
from tests.support.build import appointment_event
from tests.support.streams import eventually

pytestmark = pytest.mark.servers

HOUR = timedelta(hours=1)
AT_ONCE = {
    "steps": [
        {"purpose": "confirmation", "anchor": "booking", "offset": "PT0S", "channels": ["email"]},
        {"purpose": "reminder", "anchor": "booking", "offset": "PT0S", "channels": ["sms"]},
    ]
}


async def history(practice: Practice, last: type[AppointmentState]) -> list[AppointmentState]:
    """Booked, confirmed, moved, and confirmed again or called off."""
    now, appointment = await practice.now(), uuid4()
    events: list[AppointmentState] = []
    kinds: list[type[AppointmentState]] = [AppointmentBooked, AppointmentConfirmed, AppointmentRescheduled, last]
    for sequence, kind in enumerate(kinds, 1):
        moved = sequence >= 3
        more: dict[str, Any] = {"status": "cancelled"} if kind is AppointmentCancelled else {}
        events.append(
            appointment_event(
                kind,
                appointment_id=appointment,
                client_id=practice.client,
                sequence=sequence,
                start=now + SOON * (2 if moved else 1),
                booked_at=now,
                changed_at=now + timedelta(milliseconds=sequence),
                confirmed_at=now if kind is AppointmentConfirmed else None,
                **more,
            )
        )
    return events


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("last", [AppointmentConfirmed, AppointmentCancelled])
async def test_events_in_any_order_and_several_times_make_each_message_once(
    last: type[AppointmentState], seed: int, practice: Practice
) -> None:
    await practice.open("sms", "email")
    await practice.call("POST", "/v1/reminder-plans", 201, json=AT_ONCE)
    events = await history(practice, last)
    for event in events:
        practice.outside.booking.learn(event, practice.tenant)
    order = random.Random(seed)  # noqa: S311 -- an order that can be repeated, no secret
    arriving = events * 2
    order.shuffle(arriving)
    for event in arriving:
        await practice.follow(event)
        if order.random() < 0.5:
            await asyncio.gather(practice.fire_due(), practice.fire_due())
    for _ in range(2):
        await practice.come_due("message.send")
        await practice.fire_due()
    texts = practice.outside.texts(practice.phone)
    subjects = [mail.split("\n")[0] for mail in practice.outside.mails(practice.email)]
    if last is AppointmentCancelled:
        assert texts == [], "what booking knew to be called off was never reminded of"
        assert len(subjects) <= 1, "one mail takes it back at most"
    else:
        assert (len(texts), len(subjects)) == (1, 1)


async def test_two_workers_whose_clocks_are_two_hours_apart_send_each_once_and_nothing_early(
    practice: Practice,
) -> None:
    await practice.open()
    now = await practice.now()
    await practice.call("POST", "/v1/reminder-plans", 201, json=AT_ONCE)
    clients = [(uuid4(), f"+1303{number:03d}{uuid4().int % 10_000:04d}") for number in range(201, 231)]
    for client, phone in clients:
        await consenting(practice, client, phone)
        await practice.follow(await booked(practice, client, now))
    ahead_client, ahead_phone = uuid4(), f"+1304{uuid4().int % 800 + 201:03d}1234"
    await consenting(practice, ahead_client, ahead_phone)
    later = await booked(practice, ahead_client, now + timedelta(minutes=40))
    await practice.follow(later)

    stop = asyncio.Event()
    runners = []
    for skew in (-HOUR, HOUR):

        def skewed(skew: timedelta = skew) -> datetime:
            return system_clock() + skew

        resources = replace(practice.resources, clock=skewed)
        runners.append(TimerRunner(resources.database, jobs.timers(resources), many=jobs.timers_together(resources)))
    running = [asyncio.create_task(runner.run(stop)) for runner in runners]
    try:
        await eventually(lambda: nothing_is_due(practice), 30)
    finally:
        stop.set()
        await asyncio.gather(*running)
    ledger = Counter(one.to for one in practice.outside.carrier.store.messages if one.channel == "sms")
    assert {phone: ledger[phone] for _, phone in clients} == {phone: 1 for _, phone in clients}
    assert ledger[ahead_phone] == 0, "not early, for whomever it is an hour later"


async def consenting(practice: Practice, client: UUID, phone: str) -> None:
    contact = await practice.call("GET", f"/v1/clients/{practice.client}/contact")
    await practice.call("PUT", f"/v1/clients/{client}/contact", json=contact | {"phone": phone, "email": None})
    yes = {"channel": "sms", "granted": True, "wording_version": "2026-01", "source": "intake form"}
    await practice.call("POST", f"/v1/clients/{client}/consents", 201, json=yes)


async def booked(practice: Practice, client: UUID, at: datetime) -> AppointmentState:
    return appointment_event(AppointmentBooked, client_id=client, start=at + SOON, booked_at=at, changed_at=at)


async def nothing_is_due(practice: Practice) -> bool:
    async with practice.resources.database.transaction(practice.tenant) as session:
        query = "SELECT count(*) FROM timers WHERE kind = 'message.send' AND due_at <= clock_timestamp()"
        return not await session.scalar(text(query))


@pytest.mark.parametrize("together", [True, False])
async def test_a_move_that_is_heard_of_while_booking_is_asked_holds_the_old_text_back(
    practice: Practice, together: bool
) -> None:
    await practice.open("sms")
    await practice.call("POST", "/v1/reminder-plans", 201, json={"steps": [AT_ONCE["steps"][1]]})
    first, _, moved, _ = await history(practice, AppointmentConfirmed)
    await practice.follow(first)
    practice.outside.booking.learn(moved, practice.tenant)

    async def hear() -> None:
        async with practice.resources.database.transaction(practice.tenant) as session:
            await repository.visits.save(session, practice.tenant, Visit.of(moved))

    runner = practice.runner()
    [timer] = await practice.claimed(runner)
    practice.outside.booking.meanwhile = hear
    try:
        await (runner.fire_together([timer]) if together else runner.fire(timer))
    finally:
        practice.outside.booking.meanwhile = None
    assert practice.outside.texts(practice.phone) == []


async def test_a_move_that_is_heard_of_by_its_confirmation_voids_what_was_planned_before(practice: Practice) -> None:
    await practice.open("sms")
    await practice.call("POST", "/v1/reminder-plans", 201, json={"steps": [AT_ONCE["steps"][1]]})
    first, _, _, confirmed = await history(practice, AppointmentConfirmed)
    await practice.follow(first, confirmed)
    found = [(one["status"], one["reason"]) for one in await practice.messages()]
    assert sorted(found, key=str) == [("not_sent", "visit_changed"), ("planned", None)]


@pytest.mark.parametrize("knows", [False, True], ids=["keeps a list", "knows repetitions"])
@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_worker_that_is_killed_around_the_carriers_call_has_sent_once_in_the_end(
    moment: str, knows: bool, practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    [carrier] = practice.resources.carriers.vendors["sms"]
    assert isinstance(carrier, PhoneCarrier)
    practice.resources = carried_by(practice.resources, replace(carrier, knows_repetitions=knows))
    monkeypatch.setattr(practice.outside.carrier, "knows", knows)
    await practice.open("sms")
    only_text = {"steps": [AT_ONCE["steps"][1]]}
    await practice.call("POST", "/v1/reminder-plans", 201, json=only_text)
    await practice.follow(await booked(practice, practice.client, await practice.now()))
    assert await dies(moment, practice.tenant, practice.resources.settings) == -9
    handed_over = len(practice.outside.texts(practice.phone))
    assert handed_over == (0 if moment == MOMENTS[0] else 1)
    [message] = await practice.messages()
    assert message["status"] == ("sent" if moment == MOMENTS[2] else "planned")
    await practice.settle()
    for _ in range(2):
        await practice.come_due("message.send")
        await practice.fire_due()
    assert len(practice.outside.texts(practice.phone)) == 1
    [message] = await practice.messages()
    assert message["status"] in ("sent", "delivered")


@pytest.mark.parametrize(("moment", "mails"), [(MOMENTS[0], 0), (MOMENTS[1], 1), (MOMENTS[2], 1)])
async def test_a_mail_of_which_nobody_knows_whether_it_went_is_not_sent_twice(
    moment: str, mails: int, practice: Practice
) -> None:
    """SMTP knows no repetitions: what was begun and not ended is left to a person."""
    await practice.open("email")
    await practice.call(
        "POST", "/v1/reminder-plans", 201, json={"steps": [{**AT_ONCE["steps"][1], "channels": ["email"]}]}
    )
    await practice.follow(await booked(practice, practice.client, await practice.now()))
    assert await dies(moment, practice.tenant, practice.resources.settings) == -9
    await practice.come_due("message.send")
    await practice.fire_due()
    assert len(practice.outside.mails(practice.email)) == mails
    [message] = await practice.messages()
    known = moment == MOMENTS[2]
    assert (message["status"], message["reason"]) == (("sent", None) if known else ("not_sent", "outcome_unknown"))


@pytest.mark.parametrize("channel", ["sms", "voice"])
@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_worker_that_is_killed_with_many_at_the_carrier_has_sent_each_once_in_the_end(
    moment: str, channel: Channel, practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a carrier that knows no repetitions and keeps a list."""
    [carrier] = practice.resources.carriers.vendors[channel]
    assert isinstance(carrier, PhoneCarrier)
    plain = replace(carrier, knows_repetitions=False)
    practice.resources = carried_by(practice.resources, plain, channel=channel)
    monkeypatch.setattr(practice.outside.carrier, "knows", False)
    clients = [(uuid4(), f"{practice.phone[:-2]}{number:02d}") for number in range(20)]
    for practice.client, practice.phone in clients:
        await practice.open(channel)
    plan = {"steps": [{**AT_ONCE["steps"][1], "channels": [channel]}]}
    await practice.call("POST", "/v1/reminder-plans", 201, json=plan)
    for client, _ in clients:
        await practice.follow(await booked(practice, client, await practice.now()))
    assert await dies(moment, practice.tenant, practice.resources.settings) == -9
    await practice.settle()
    for _ in range(3):
        await practice.come_due("message.send")
        await practice.fire_due()
    store = practice.outside.carrier.store
    assert [len(store.find(to=phone, channel=channel)) for _, phone in clients] == [1] * len(clients)
    for practice.client, _ in clients:
        assert [message["status"] for message in await practice.messages()] in (["sent"], ["delivered"])
