"""Booking over HTTP against real PostgreSQL: the life of a visit, and every refusal."""

import asyncio
import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from services.booking import repository
from services.booking.domain.appointments import Actor
from services.booking.domain.slots import SlotTaken
from services.booking.jobs import timers as timers_of
from services.booking.use_cases import appointments
from shared.capability import Capability
from shared.contracts.availability import SchedulePublished
from shared.contracts.slots import SlotId
from shared.timers import TimerRunner
from tests.booking.conftest import ManualClock
from tests.conftest import MakeApi, MakeSettings
from tests.support.build import NOW, appointment_event, schedule
from tests.support.issuer import Issuer
from tests.support.practice import Practice, count, new_id
from tests.support.servers import LINK_KEY

pytestmark = pytest.mark.servers


async def events(practice: Practice) -> list[tuple[str, int]]:
    async with practice.resources.database.transaction(practice.tenant) as session:
        rows = await session.execute(text("SELECT topic, payload FROM outbox ORDER BY id"))
        return [(row.topic, json.loads(row.payload)["sequence"]) for row in rows if row.topic != "client.registered"]


async def timers(practice: Practice) -> list[Any]:
    async with practice.resources.database.transaction(practice.tenant) as session:
        return list(await session.scalars(text("SELECT due_at FROM timers")))


async def test_a_visit_from_booking_to_its_end_leaves_events_and_history(
    practice: Practice, clock: ManualClock
) -> None:
    start, later = practice.starts(2)
    answer = await practice.book(start)
    assert answer.status_code == 201
    visit = answer.json()
    assert answer.headers["etag"] == '"1"'
    assert answer.headers["location"] == f"/v1/appointments/{visit['id']}"
    assert await timers(practice) == [start + timedelta(minutes=5)]

    moved = await practice.act(visit, "reschedule", {"slot": practice.slot(later)}, **{"if-match": '"1"'})
    assert moved.status_code == 200, moved.text
    assert (moved.status_code, moved.json()["id"], moved.json()["version"]) == (200, visit["id"], 2)
    assert await timers(practice) == [later + timedelta(minutes=5)]
    assert (await practice.act(visit, "arrive")).json()["status"] == "arrived"
    assert await timers(practice) == []
    assert (await practice.act(visit, "check-in")).json()["status"] == "checked-in"
    early = await practice.act(visit, "complete")
    assert (early.status_code, early.json()["code"]) == (409, "not_started")
    clock.now = later
    assert (await practice.act(visit, "complete")).json()["status"] == "fulfilled"

    assert await events(practice) == [
        ("appointment.booked", 1),
        ("appointment.rescheduled", 2),
        ("appointment.arrived", 3),
        ("appointment.checked_in", 4),
        ("appointment.fulfilled", 5),
    ]
    found = await practice.http.get(f"/v1/appointments/{visit['id']}/history", headers=practice.headers())
    assert [(item["sequence"], item["status"], item["party"]) for item in found.json()["items"]] == [
        (1, "booked", "practice"),
        (2, "booked", "practice"),
        (3, "arrived", "practice"),
        (4, "checked-in", "practice"),
        (5, "fulfilled", "practice"),
    ]


async def test_how_a_visit_stands_is_told_to_who_has_the_key(practice: Practice, clock: ManualClock) -> None:
    """Its version, and those of what has changed for its client since; nothing of others, nothing without proof."""
    early, start, later, others = practice.starts(4)
    client = await practice.client()
    before = (await practice.book(early, client)).json()
    clock.now += timedelta(seconds=1)
    visit = (await practice.book(start, client)).json()
    assert (await practice.act(visit, "reschedule", {"slot": practice.slot(later)})).status_code == 200

    async def ask(purpose: str = "standing", key: str = LINK_KEY, tenant: UUID = practice.tenant) -> Any:
        proof = Capability(purpose, tenant, UUID(visit["id"]), clock() + timedelta(minutes=5)).sign(key)
        return await practice.http.get(f"/v1/standing/{proof}")

    assert (await ask()).json() == {"sequences": {visit["id"]: 2}}
    clock.now += timedelta(seconds=1)
    assert (await practice.act(before, "cancel", {"reason": "illness"})).status_code == 200
    assert (await practice.book(others)).status_code == 201
    assert (await ask()).json() == {"sequences": {visit["id"]: 2, before["id"]: 2}}
    for refused in (await ask("visit"), await ask(key="other" * 8), await ask(tenant=uuid4())):
        assert refused.status_code == 404, refused.text


async def test_another_service_says_that_a_client_is_there_and_who_said_so(
    practice: Practice, clock: ManualClock
) -> None:
    [start] = practice.starts(1)
    visit = (await practice.book(start)).json()
    clock.now = start + timedelta(minutes=6)

    async def say(purpose: str = "attendance", key: str = LINK_KEY, said_by: str = "staff-7") -> Any:
        proof = Capability(purpose, practice.tenant, UUID(visit["id"]), clock() + timedelta(minutes=5)).sign(key)
        return await practice.http.post(f"/v1/attendance/{proof}", json={"said_by": said_by})

    for refused in (await say("standing"), await say(key="other" * 8)):
        assert refused.status_code == 404, refused.text
    assert (await say(said_by="")).status_code == 422
    assert (await say()).status_code == 200
    path = f"/v1/appointments/{visit['id']}"
    assert (await practice.http.get(path, headers=practice.headers())).json()["status"] == "arrived"
    history = (await practice.http.get(f"{path}/history", headers=practice.headers())).json()["items"]
    assert (history[-1]["party"], history[-1]["subject"]) == ("practice", "staff-7")
    assert ((await say()).status_code, (await say()).json()["code"]) == (409, "illegal_move")


async def test_a_freed_time_can_be_booked_again(practice: Practice) -> None:
    [start] = practice.starts(1)
    visit = (await practice.book(start)).json()
    assert (await practice.book(start)).status_code == 409
    assert (await practice.act(visit, "cancel", {"reason": "illness"})).json()["reason_code"] == "illness"
    assert (await practice.book(start)).status_code == 201


async def test_a_taken_slot_is_refused_with_three_alternatives_that_can_be_booked(practice: Practice) -> None:
    [start] = practice.starts(1)
    await practice.book(start)
    client = await practice.client()
    refused = await practice.book(start, client)
    assert refused.status_code == 409
    body = refused.json()
    assert body["code"] == "slot_taken"
    assert len(body["alternatives"]) == 3
    for other in body["alternatives"]:
        booked = await practice.http.post(
            "/v1/appointments",
            json={"slot": other["slot"], "client_id": await practice.client()},
            headers=practice.headers(),
        )
        again = await practice.http.post(
            "/v1/appointments", json={"slot": other["slot"], "client_id": client}, headers=practice.headers()
        )
        assert {booked.status_code, again.status_code} <= {201, 409}
    assert booked.status_code in (201, 409)


async def test_a_client_cannot_be_in_two_places(practice: Practice) -> None:
    [start] = practice.starts(1)
    client = await practice.client()
    assert (await practice.book(start, client)).status_code == 201
    other = await practice.publish(schedule(windows=practice.rules.windows))
    body = {"slot": practice.slot(start, schedule_id=other.schedule_id), "client_id": client}
    refused = await practice.http.post("/v1/appointments", json=body, headers=practice.headers())
    assert (refused.status_code, refused.json()["code"]) == (409, "slot_taken")
    starts = [item["start"] for item in refused.json()["alternatives"]]
    assert start.isoformat().replace("+00:00", "Z") not in starts


async def test_thirty_two_contenders_for_each_of_sixty_slots(practice: Practice) -> None:
    """One 201 each, the rest 409 with alternatives; nothing else, and no deadlock."""
    clients = [await practice.client() for _ in range(32)]
    before = await deadlocks(practice)
    for start in practice.starts(60):
        answers = await asyncio.gather(*(practice.book(start, client) for client in clients))
        statuses = sorted(answer.status_code for answer in answers)
        assert statuses == [201] + [409] * 31
        for answer in answers:
            if answer.status_code == 409:
                assert answer.json()["code"] == "slot_taken"
                assert len(answer.json()["alternatives"]) == 3
    assert await deadlocks(practice) == before
    assert await count(practice, "appointments") == 60


async def deadlocks(practice: Practice) -> int:
    query = text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    async with practice.resources.database.transaction(practice.tenant) as session:
        return int(await session.scalar(query) or 0)


@pytest.mark.parametrize("table", ["providers", "clients"])
async def test_who_finds_provider_or_client_locked_waits_and_is_told_to_try_again(
    table: str, practice: Practice
) -> None:
    [start] = practice.starts(1)
    client = await practice.client()
    async with practice.resources.database.transaction(practice.tenant) as session:
        await session.execute(text(f"SELECT 1 FROM {table} FOR NO KEY UPDATE"))
        busy = await practice.book(start, client)
    assert (busy.status_code, busy.json()["code"], busy.headers["retry-after"]) == (503, "busy", "1")
    assert await count(practice, "appointments") == 0
    assert (await practice.book(start, client)).status_code == 201


@pytest.mark.parametrize("whose", ["provider", "client", "room"])
async def test_the_database_itself_refuses_an_overlap_that_slipped_past_the_locks(
    whose: str, practice: Practice
) -> None:
    [start] = practice.starts(1)
    if whose == "room":
        await practice.publish(practice.rules.model_copy(update={"sequence": 2, "room_ids": (uuid4(),)}))
    first = (await practice.book(start)).json()
    async with practice.resources.database.transaction(practice.tenant) as session:
        standing = await repository.appointments.get(session, UUID(first["id"]))
    if whose == "provider":
        # A group of its own: else it would be refused as somebody in the same seat.
        other = replace(standing, id=uuid4(), group_id=uuid4(), client_id=UUID(await practice.client()))
    else:
        elsewhere = await practice.publish(schedule())
        other = replace(standing, id=uuid4(), group_id=uuid4(), provider_id=elsewhere.provider_id)
        if whose == "room":
            other = replace(other, client_id=UUID(await practice.client()))
    with pytest.raises(SlotTaken):
        async with practice.resources.database.transaction(practice.tenant) as session:
            event = appointment_event(appointment_id=other.id)
            await repository.appointments.save(session, practice.tenant, other, event, Actor("practice", "test"), NOW)
    assert await count(practice, "appointments") == 1


async def test_opposing_moves_never_deadlock_and_never_double_book(practice: Practice) -> None:
    first, second = practice.starts(2)
    one, two = (await practice.book(first)).json(), (await practice.book(second)).json()
    for _ in range(10):
        answers = await asyncio.gather(
            practice.act(one, "reschedule", {"slot": practice.slot(second)}),
            practice.act(two, "reschedule", {"slot": practice.slot(first)}),
        )
        assert [(one.status_code, one.json()["code"]) for one in answers] == [(409, "slot_taken")] * 2


async def test_opposing_moves_between_providers_all_succeed_and_never_deadlock(practice: Practice) -> None:
    """Each goes where nobody is, from one provider and room to the other's: their locks cross."""
    rooms = uuid4(), uuid4()
    kind = {"appointment_type_id": practice.rules.appointment_type_id}
    here = await practice.publish(schedule(room_ids=rooms, **kind))
    there = await practice.publish(schedule(room_ids=rooms[::-1], **kind))
    starts = practice.starts(16)
    client = [await practice.client() for _ in range(8)]

    def slot(rules: SchedulePublished, start: datetime) -> str:
        return practice.slot(start, schedule_id=rules.schedule_id)

    visits = []
    for number, start in enumerate(starts[:8]):
        body = {"slot": slot((here, there)[number % 2], start), "client_id": client[number]}
        answer = await practice.http.post("/v1/appointments", json=body, headers=practice.headers())
        visits.append(answer.json())
    before = await deadlocks(practice)
    for lap in range(6):
        goals = starts[8:] if lap % 2 == 0 else starts[:8]
        answers = await asyncio.gather(
            *(
                practice.act(visit, "reschedule", {"slot": slot((there, here)[(number + lap) % 2], goals[number])})
                for number, visit in enumerate(visits)
            )
        )
        assert [answer.status_code for answer in answers] == [200] * 8
    assert await deadlocks(practice) == before


async def test_fifty_parallel_requests_with_one_key_book_once_and_answer_alike(practice: Practice) -> None:
    [start] = practice.starts(1)
    client, key = await practice.client(), new_id()
    answers = await asyncio.gather(*(practice.book(start, client, key) for _ in range(50)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotency-replayed" in answer.headers for answer in answers) == 49
    assert await count(practice, "appointments") == 1


async def test_a_key_used_for_another_request_is_refused(practice: Practice) -> None:
    first, second = practice.starts(2)
    client, key = await practice.client(), new_id()
    assert (await practice.book(first, client, key)).status_code == 201
    refused = await practice.book(second, client, key)
    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")


async def test_what_is_asked_in_the_address_is_part_of_the_request(practice: Practice) -> None:
    headers = practice.headers("admin") | {"idempotency-key": new_id(), "content-type": "text/csv"}
    file = "external_id,client_id,schedule_id,start,end,zone,status\na,b,c,2027-03-04T09:00,,UTC,booked\n"
    first = await practice.http.post("/v1/imports?partial=true", content=file, headers=headers)
    other = await practice.http.post(f"/v1/imports?partial=true&schedule_id={new_id()}", content=file, headers=headers)
    assert first.status_code in (200, 201)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_one_key_of_two_callers_is_two_keys(practice: Practice) -> None:
    key = {"idempotency-key": new_id()}
    ids = []
    for who in ("staff-1", "staff-2"):
        headers = practice.headers(sub=who) | key
        answer = await practice.http.post("/v1/clients", json={"name": "Sam Rivera"}, headers=headers)
        assert (answer.status_code, "idempotency-replayed" in answer.headers) == (201, False)
        ids.append(answer.json()["id"])
        again = await practice.http.post("/v1/clients", json={"name": "Sam Rivera"}, headers=headers)
        assert again.json()["id"] == ids[-1], "each gets its own answer again"
    assert len(set(ids)) == 2


async def test_a_clients_token_lists_no_other_clients_visits(practice: Practice) -> None:
    mine, other = await practice.client(), await practice.client()
    headers = practice.headers("client", client_id=mine)
    refused = await practice.http.get("/v1/appointments", params={"client_id": other}, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_yours")


async def test_a_refusal_is_not_kept_under_its_key(practice: Practice) -> None:
    [start] = practice.starts(1)
    visit = (await practice.book(start)).json()
    client, key = await practice.client(), new_id()
    assert (await practice.book(start, client, key)).status_code == 409
    await practice.act(visit, "cancel", {})
    assert (await practice.book(start, client, key)).status_code == 201


async def test_a_stale_version_is_refused_and_nothing_written(practice: Practice) -> None:
    [start] = practice.starts(1)
    visit = (await practice.book(start)).json()
    await practice.act(visit, "check-in")
    stale = await practice.act(visit, "cancel", {}, **{"if-match": '"1"'})
    assert (stale.status_code, stale.json()["code"], stale.json()["field"]) == (412, "version_mismatch", "If-Match")
    odd = await practice.act(visit, "cancel", {}, **{"if-match": "yesterday's"})
    assert (odd.status_code, odd.json()["code"]) == (422, "if_match_invalid")
    assert len(await events(practice)) == 2


@pytest.mark.parametrize("name", ["", "   ", "\t\n", "\u200b\u200b", "Sam\nRivera", "x" * 201])
async def test_a_name_is_one_line_that_is_not_blank(name: str, practice: Practice) -> None:
    refused = await practice.http.post("/v1/clients", json={"name": name}, headers=practice.headers())
    assert (refused.status_code, refused.json()["field"]) == (422, "name")
    kept = await practice.http.post("/v1/clients", json={"name": "  Sam Rivera "}, headers=practice.headers())
    assert kept.json()["name"] == "Sam Rivera"


async def test_an_illegal_move_says_which_are_legal(practice: Practice) -> None:
    [start] = practice.starts(1)
    visit = (await practice.book(start)).json()
    refused = await practice.act(visit, "complete")
    assert refused.status_code == 409
    assert refused.json()["code"] == "illegal_move"
    assert refused.json()["legal_moves"] == ["confirm", "reschedule", "cancel", "running-late", "arrive", "check-in"]


async def test_a_failed_move_leaves_the_old_booking_untouched(practice: Practice) -> None:
    first, second = practice.starts(2)
    visit = (await practice.book(first)).json()
    await practice.book(second)
    refused = await practice.act(visit, "reschedule", {"slot": practice.slot(second)})
    assert (refused.status_code, refused.json()["code"]) == (409, "slot_taken")
    found = await practice.http.get(f"/v1/appointments/{visit['id']}", headers=practice.headers())
    assert found.json() == visit


BAD_SLOTS: dict[str, tuple[int, str]] = {
    "forged": (422, "slot_invalid"),
    "cut": (422, "slot_invalid"),
    "other practice": (422, "slot_invalid"),
    "expired": (410, "slot_expired"),
    "past": (410, "slot_past"),
    "off the grid": (409, "slot_gone"),
    "unknown schedule": (409, "slot_gone"),
    "withdrawn": (409, "slot_gone"),
    "half as long": (409, "slot_gone"),
    "by video": (409, "slot_gone"),
    "elsewhere": (409, "slot_gone"),
    "with somebody else": (409, "slot_gone"),
    "of another type": (409, "slot_gone"),
}
OTHER_TERMS: dict[str, dict[str, object]] = {
    "half as long": {"duration": timedelta(minutes=25)},
    "by video": {"modality": "telehealth"},
    "elsewhere": {"location_id": uuid4()},
    "with somebody else": {"provider_id": uuid4()},
    "of another type": {"appointment_type_id": uuid4()},
}


@pytest.mark.parametrize("kind", BAD_SLOTS)
async def test_a_bad_slot_is_refused_with_its_reason_and_nothing_is_written(kind: str, practice: Practice) -> None:
    [start] = practice.starts(1)
    status, code = BAD_SLOTS[kind]
    slot = {
        "forged": practice.slot(start, key="x" * 40),
        "cut": practice.slot(start)[:-1],
        "other practice": practice.slot(start, tenant=uuid4()),
        "expired": practice.slot(start, expires=NOW),
        "past": practice.slot(NOW - timedelta(hours=1)),
        "off the grid": practice.slot(start + timedelta(minutes=1)),
        "unknown schedule": practice.slot(start, schedule_id=uuid4()),
        "withdrawn": practice.slot(start),
        **dict.fromkeys(OTHER_TERMS, practice.slot(start)),
    }[kind]
    if kind in OTHER_TERMS:
        await practice.publish(practice.rules.model_copy(update={"sequence": 2, **OTHER_TERMS[kind]}))
    if kind == "withdrawn":
        await practice.withdraw()
    client = await practice.client()
    refused = await practice.http.post(
        "/v1/appointments", json={"slot": slot, "client_id": client}, headers=practice.headers()
    )
    assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["detail"]
    assert await count(practice, "appointments") == 0


BAD_BODIES: list[tuple[bytes, int, str, str]] = [
    (b"{", 400, "malformed_json", "body"),
    (b'{"slot": "\xff\xfe"}', 400, "malformed_json", "body"),
    (b"[" * 5_000 + b"]" * 5_000, 400, "malformed_json", "body"),
    (b"[]", 422, "invalid_request", "body"),
    (b'{"client_id": "0199f3a2-7c1e-7b6a-9d53-2f1f6a1c9e10"}', 422, "invalid_request", "slot"),
    (b'{"slot": "x", "client_id": "seven"}', 422, "invalid_request", "client_id"),
    (
        b'{"slot": "x", "client_id": "0199f3a2-7c1e-7b6a-9d53-2f1f6a1c9e10", "colour": "red"}',
        422,
        "invalid_request",
        "colour",
    ),
]


@pytest.mark.parametrize(("body", "status", "code", "field"), BAD_BODIES)
async def test_a_bad_body_names_the_field(body: bytes, status: int, code: str, field: str, practice: Practice) -> None:
    headers = {**practice.headers(), "content-type": "application/json"}
    refused = await practice.http.post("/v1/appointments", content=body, headers=headers)
    assert (refused.status_code, refused.json()["code"], refused.json()["field"]) == (status, code, field)


async def test_a_misspelt_parameter_is_refused_rather_than_left_out(practice: Practice) -> None:
    refused = await practice.http.get(f"/v1/appointments?client={new_id()}", headers=practice.headers())
    assert (refused.status_code, refused.json()["code"], refused.json()["field"]) == (
        422,
        "unknown_parameter",
        "client",
    )
    assert "client_id, cursor, limit, needs_rebooking" in refused.json()["detail"]
    refused = await practice.http.post("/v1/clients?dry_run=true", json={"name": "Sam"}, headers=practice.headers())
    assert (refused.status_code, refused.json()["field"]) == (422, "dry_run")
    assert await count(practice, "clients") == 0


async def test_a_body_that_is_too_large_is_refused_declared_or_not(practice: Practice) -> None:
    headers = {**practice.headers(), "content-type": "application/json"}
    large = b'{"name": "' + b"x" * 5_000_000 + b'"}'
    read = 0
    declared = await practice.http.post("/v1/clients", content=large, headers=headers)

    async def pieces() -> Any:
        nonlocal read
        for number in range(0, len(large), 100_000):
            read += 1
            yield large[number : number + 100_000]

    streamed = await practice.http.post("/v1/clients", content=pieces(), headers=headers)
    assert read < 15, "what is too large is not read to its end"
    for refused in (declared, streamed):
        assert (refused.status_code, refused.json()["code"]) == (413, "body_too_large")
    assert await count(practice, "clients") == 0


async def test_an_unknown_client_and_another_practices_visit_are_not_found(practice: Practice) -> None:
    [start] = practice.starts(1)
    refused = await practice.book(start, new_id())
    assert (refused.status_code, refused.json()["code"]) == (404, "client_not_found")
    visit = (await practice.book(start)).json()
    stranger = practice.issuer.headers(uuid4())
    path = f"/v1/appointments/{visit['id']}"
    for answer in (
        await practice.http.get(path, headers=stranger),
        await practice.http.get(f"{path}/history", headers=stranger),
        await practice.http.post(f"{path}/cancel", json={}, headers=stranger),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "appointment_not_found")
    listed = await practice.http.get("/v1/appointments", headers=stranger)
    assert listed.json() == {"items": [], "next": None}


async def test_who_may_do_what(practice: Practice) -> None:
    [start] = practice.starts(1)
    mine, theirs = await practice.client(), await practice.client()
    as_client = practice.headers("client", client_id=mine)
    body = {"slot": practice.slot(start), "client_id": theirs}
    refused = await practice.http.post("/v1/appointments", json=body, headers=as_client)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_yours")
    visit = (await practice.book(start, theirs)).json()
    path = f"/v1/appointments/{visit['id']}"
    assert (await practice.http.get(path, headers=as_client)).status_code == 404
    assert (await practice.http.post(f"{path}/cancel", json={}, headers=as_client)).status_code == 404
    for move in ("arrive", "check-in"):
        refused = await practice.http.post(f"{path}/{move}", headers=practice.headers("client", client_id=theirs))
        assert (refused.status_code, refused.json()["code"]) == (403, "role_not_allowed")
    refused = await practice.http.get(path, headers=practice.headers(scope="clients:read"))
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
    other = practice.headers("provider", provider_id=uuid4())
    assert (await practice.http.get(path, headers=other)).status_code == 404
    own = practice.headers("provider", provider_id=practice.rules.provider_id)
    assert (await practice.http.get(path, headers=own)).status_code == 200


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "token_missing"),
        ({"authorization": "Basic eA=="}, "token_missing"),
        ({"authorization": "Bearer nonsense"}, "token_invalid"),
    ],
)
async def test_without_a_good_token_nothing_is_answered(headers: dict[str, str], code: str, practice: Practice) -> None:
    refused = await practice.http.get("/v1/appointments", headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (401, code)
    assert refused.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"aud": "somebody else"}, "token_invalid"),
        ({"iss": "https://evil.example"}, "token_invalid"),
        ({"exp": 1_600_000_000}, "token_expired"),
        ({"role": "emperor"}, "token_invalid"),
        ({"practice_id": "seven"}, "token_invalid"),
        ({"role": "client"}, "token_invalid"),
        ({"exp": None}, "token_invalid"),
    ],
)
async def test_a_token_that_lies_or_lacks_is_refused(claims: dict[str, Any], code: str, practice: Practice) -> None:
    refused = await practice.http.get("/v1/appointments", headers=practice.headers(**claims))
    assert (refused.status_code, refused.json()["code"]) == (401, code)


async def test_while_the_issuer_is_away_a_caller_is_told_to_come_again(
    api: MakeApi, make_settings: MakeSettings, issuer: Issuer
) -> None:
    settings = (await make_settings("booking")).model_copy(update={"auth_jwks_url": "http://127.0.0.1:9/jwks.json"})
    http = await api("booking", settings)
    answer = await http.get("/v1/appointments", headers=issuer.headers(uuid4()))
    assert (answer.status_code, answer.json()["code"]) == (503, "issuer_unavailable")
    assert answer.headers["retry-after"] == "5"


async def test_lists_are_paged_by_start(practice: Practice) -> None:
    visits = [(await practice.book(start)).json() for start in practice.starts(5)]
    seen, cursor = [], None
    while True:
        query = {"limit": "2", **({"cursor": cursor} if cursor else {})}
        page = (await practice.http.get("/v1/appointments", params=query, headers=practice.headers())).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == [visit["id"] for visit in visits]
    refused = await practice.http.get("/v1/appointments", params={"cursor": "x"}, headers=practice.headers())
    assert (refused.status_code, refused.json()["field"]) == (422, "cursor")
    refused = await practice.http.get("/v1/appointments", params={"limit": "500"}, headers=practice.headers())
    assert (refused.status_code, refused.json()["field"]) == (422, "limit")


async def test_the_miss_is_noticed_once_and_only_if_nobody_came(practice: Practice, clock: ManualClock) -> None:
    first, second = practice.starts(2)
    absent, present = (await practice.book(first)).json(), (await practice.book(second)).json()
    clock.now = second
    await practice.act(present, "check-in")
    for visit, start in ((absent, first), (present, second)):
        for _ in range(2):
            async with practice.resources.database.transaction(practice.tenant) as session:
                await appointments.notice_absence(
                    session, tenant=practice.tenant, appointment_id=visit["id"], now=start + timedelta(minutes=15)
                )
    assert [name for name, _ in await events(practice)].count("appointment.missed") == 1
    found = await practice.http.get(f"/v1/appointments/{absent['id']}", headers=practice.headers())
    assert (found.json()["status"], found.json()["changed_by"]) == ("noshow", "system")


async def test_the_provider_is_asked_at_five_minutes_and_the_miss_is_fifteen_after_the_start(
    practice: Practice, clock: ManualClock
) -> None:
    [start] = practice.starts(1)
    visit = (await practice.book(start)).json()
    due = "SELECT due_at FROM timers WHERE kind = 'appointment.miss'"

    async def look(minutes: int) -> None:
        """The runner fires what is due, as it would at that time."""
        runner = TimerRunner(practice.resources.database, timers_of(practice.resources))
        async with practice.resources.database.transaction(practice.tenant) as session:
            assert await session.scalar(text(due)) == start + timedelta(minutes=minutes)
            await session.execute(text("UPDATE timers SET due_at = '2000-01-01Z' WHERE kind = 'appointment.miss'"))
        for timer in await runner.claim(100):
            if timer.tenant == practice.tenant:
                await runner.fire(replace(timer, now=start + timedelta(minutes=minutes)))

    await look(5)
    async with practice.resources.database.transaction(practice.tenant) as session:
        assert await session.scalar(text(due)) == start + timedelta(minutes=15)
    seen = (await practice.http.get(f"/v1/appointments/{visit['id']}", headers=practice.headers())).json()
    assert (seen["status"], seen["version"]) == ("booked", 2)
    await look(15)
    async with practice.resources.database.transaction(practice.tenant) as session:
        assert await session.scalar(text(due)) is None
    assert [name for name, _ in await events(practice)] == [
        "appointment.booked",
        "appointment.awaited",
        "appointment.missed",
    ]
    history = await practice.http.get(f"/v1/appointments/{visit['id']}/history", headers=practice.headers())
    assert [(one["event"], one["party"]) for one in history.json()["items"]][1:] == [
        ("appointment.awaited", "system"),
        ("appointment.missed", "system"),
    ]


async def test_a_visit_is_confirmed_once_and_a_miss_retracted_by_the_practice_only(
    practice: Practice, clock: ManualClock
) -> None:
    [start] = practice.starts(1)
    visit = (await practice.book(start)).json()
    assert visit["confirmed_at"] is None
    theirs = practice.headers("client", client_id=visit["client_id"])
    path = f"/v1/appointments/{visit['id']}"
    for _ in range(2):
        confirmed = await practice.http.post(f"{path}/confirm", headers=theirs)
        assert (confirmed.status_code, confirmed.json()["version"]) == (200, 2)
    assert confirmed.json()["confirmed_at"] is not None
    early = await practice.act(visit, "retract-miss", {"reason": "was_there"})
    assert (early.status_code, early.json()["legal_moves"]) == (
        409,
        ["confirm", "reschedule", "cancel", "running-late", "arrive", "check-in"],
    )
    clock.now = start + timedelta(minutes=15)
    async with practice.resources.database.transaction(practice.tenant) as session:
        await appointments.notice_absence(
            session, tenant=practice.tenant, appointment_id=UUID(visit["id"]), now=clock.now
        )
    refused = await practice.http.post(f"{path}/retract-miss", json={"reason": "was_there"}, headers=theirs)
    assert (refused.status_code, refused.json()["code"]) == (403, "role_not_allowed")
    unclear = await practice.act(visit, "retract-miss", {"reason": "because"})
    assert (unclear.status_code, unclear.json()["field"]) == (422, "reason")
    retracted = await practice.act(visit, "retract-miss", {"reason": "was_there"})
    assert (retracted.status_code, retracted.json()["status"]) == (200, "arrived")
    assert (await practice.act(visit, "complete")).json()["status"] == "fulfilled"
    assert [name for name, _ in await events(practice)] == [
        "appointment.booked",
        "appointment.confirmed",
        "appointment.missed",
        "appointment.missed_retracted",
        "appointment.fulfilled",
    ]


async def test_older_news_of_a_schedule_changes_nothing(practice: Practice) -> None:
    newer = practice.rules.model_copy(update={"sequence": 3, "windows": ()})
    await practice.publish(newer)
    await practice.publish(practice.rules)
    [start] = practice.starts(1)
    refused = await practice.book(start)
    assert (refused.status_code, refused.json()["code"]) == (409, "slot_gone")


def test_a_slot_id_has_few_characters_and_those_that_fhir_allows(practice: Practice) -> None:
    value = practice.slot(NOW)
    assert len(value) == 59
    assert all(sign.isalnum() or sign in ".-" for sign in value)
    assert isinstance(SlotId.verify(value, "slot-" * 8, practice.tenant, NOW), SlotId)


async def test_errors_of_the_framework_are_problems_too(practice: Practice) -> None:
    missing = await practice.http.get("/v1/nothing", headers=practice.headers())
    assert (missing.status_code, missing.json()["code"]) == (404, "no_such_route")
    wrong = await practice.http.delete("/v1/appointments", headers=practice.headers())
    assert (wrong.status_code, wrong.json()["code"]) == (405, "method_not_allowed")
    assert missing.headers["content-type"] == wrong.headers["content-type"] == "application/problem+json"


async def test_who_runs_late_is_missed_later(practice: Practice, clock: ManualClock) -> None:
    [start] = practice.starts(1)
    visit = (await practice.book(start)).json()
    theirs = practice.headers("client", client_id=visit["client_id"])
    path = f"/v1/appointments/{visit['id']}/running-late"
    clock.now = start - timedelta(minutes=10)
    for _ in range(2):
        late = await practice.http.post(path, json={"by": "PT20M"}, headers=theirs)
        assert (late.status_code, late.json()["late_by"], late.json()["version"]) == (200, "PT20M", 2)
    assert await timers(practice) == [start + timedelta(minutes=20)]
    refused = await practice.http.post(path, json={"by": "PT31M"}, headers=theirs)
    assert (refused.status_code, refused.json()["field"]) == (422, "by")
    assert await events(practice) == [("appointment.booked", 1), ("appointment.running_late", 2)]


async def test_seats_below_those_taken_leave_who_has_one_and_admit_nobody_more(practice: Practice) -> None:
    practice.rules = await practice.publish(schedule(capacity=3))
    [start] = practice.starts(1)
    visits = [(await practice.book(start)).json() for _ in range(2)]
    smaller = practice.rules.model_copy(update={"capacity": 1, "sequence": 2})
    await practice.publish(smaller)
    refused = await practice.book(start)
    assert (refused.status_code, refused.json()["code"]) == (409, "slot_taken")
    for visit in visits:
        found = await practice.http.get(f"/v1/appointments/{visit['id']}", headers=practice.headers())
        assert (found.json()["status"], found.json()["version"]) == ("booked", 1)
    assert (await practice.act(visits[0], "cancel", {})).status_code == 200
    assert (await practice.book(start)).status_code == 409, "one seat, and one who has it"
    assert (await practice.act(visits[1], "cancel", {})).status_code == 200
    assert (await practice.book(start)).status_code == 201


@pytest.mark.parametrize("before", ["booked", "checked-in", "cancelled"])
async def test_what_should_never_have_been_in_the_books_takes_no_time_and_keeps_its_history(
    before: str, practice: Practice
) -> None:
    [start] = practice.starts(1)
    visit = (await practice.book(start)).json()
    if before != "booked":
        await practice.act(visit, {"checked-in": "check-in", "cancelled": "cancel"}[before], {})
    said = {"reason": "entered for the wrong client"}
    for _ in range(2):
        answer = await practice.act(visit, "enter-in-error", said)
        assert (answer.status_code, answer.json()["status"]) == (200, "entered-in-error")
    assert await timers(practice) == []
    assert (await practice.book(start)).status_code == 201
    history = await practice.http.get(f"/v1/appointments/{visit['id']}/history", headers=practice.headers())
    last = history.json()["items"][-1]
    assert (last["status"], last["note"], last["party"]) == ("entered-in-error", said["reason"], "practice")
    assert [topic for topic, _ in await events(practice)].count("appointment.entered_in_error") == 1
    refused = await practice.act(visit, "cancel", {})
    assert (refused.status_code, refused.json()["legal_moves"]) == (409, [])
    theirs = practice.headers("client", client_id=visit["client_id"])
    path = f"/v1/appointments/{visit['id']}/enter-in-error"
    assert (await practice.http.post(path, json=said, headers=theirs)).status_code == 403
    silent = await practice.act(visit, "enter-in-error", {"reason": ""})
    assert (silent.status_code, silent.json()["field"]) == (422, "reason")


async def test_a_clients_token_gives_a_clients_reason(practice: Practice) -> None:
    [start] = practice.starts(1)
    visit = (await practice.book(start)).json()
    mine = practice.headers("client", client_id=visit["client_id"])
    path = f"/v1/appointments/{visit['id']}/cancel"
    refused = await practice.http.post(path, json={"reason": "practice_closed"}, headers=mine)
    assert (refused.status_code, refused.json()["code"], refused.json()["field"]) == (422, "reason_not_yours", "reason")
    assert (await practice.http.post(path, json={"reason": "illness"}, headers=mine)).status_code == 200
