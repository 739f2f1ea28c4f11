"""Holds over HTTP against real PostgreSQL: nobody gets a slot that is kept for somebody else."""

import asyncio
import json
from collections import Counter
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import httpx
import pytest
from sqlalchemy import text

from services.booking.domain.holds import MOST_OF_NOBODY, Hold
from services.booking.jobs import timers
from services.booking.use_cases import holds, self_booking
from shared.contracts.availability import Blocked
from shared.contracts.slots import SlotId
from shared.errors import Problem
from shared.timers import TimerRunner
from tests.booking.conftest import ManualClock
from tests.support.build import NOW, schedule
from tests.support.practice import Practice, count
from tests.support.servers import SLOT_KEY

pytestmark = pytest.mark.servers

MINUTE = timedelta(minutes=1)


async def hold(
    practice: Practice, start: datetime, client: str | None = None, role: str = "staff", **claims: Any
) -> httpx.Response:
    body = {"slot": practice.slot(start)} | ({"client_id": client} if client else {})
    return await practice.http.post("/v1/holds", json=body, headers=practice.headers(role, **claims))


async def book(practice: Practice, start: datetime, client: str, kept: dict[str, Any] | None) -> httpx.Response:
    body = {"slot": practice.slot(start), "client_id": client, "hold_id": kept["id"] if kept else None}
    return await practice.http.post("/v1/appointments", json=body, headers=practice.headers())


async def told(practice: Practice) -> list[tuple[str, int, str | None]]:
    query = text("SELECT topic, payload FROM outbox WHERE topic LIKE 'slot.%' ORDER BY id")
    async with practice.resources.database.transaction(practice.tenant) as session:
        events = [(row.topic, json.loads(row.payload)) for row in await session.execute(query)]
    return [(topic, event["sequence"], event.get("because")) for topic, event in events]


async def test_what_is_kept_is_not_booked_on_other_terms(practice: Practice) -> None:
    [start] = practice.starts(1)
    client, slot = await practice.client(), practice.slot(start)
    kept = (await hold(practice, start, client)).json()
    await practice.publish(practice.rules.model_copy(update={"sequence": 2, "duration": timedelta(minutes=25)}))
    body = {"slot": slot, "client_id": client, "hold_id": kept["id"]}
    refused = await practice.http.post("/v1/appointments", json=body, headers=practice.headers())
    assert (refused.status_code, refused.json()["code"]) == (409, "slot_gone")
    assert "another length" in refused.json()["detail"]
    # A slot id of now doesn't make it right: its hold keeps a time of another length.
    refused = await book(practice, start, client, kept)
    assert (refused.status_code, refused.json()["code"]) == (422, "hold_of_another_slot")
    assert await count(practice, "appointments") == 0


async def fire_all(practice: Practice) -> None:
    """Fires the timers of this practice as if they were due."""
    async with practice.resources.database.transaction(practice.tenant) as session:
        await session.execute(text("UPDATE timers SET due_at = '2000-01-01Z' WHERE kind = 'hold.expire'"))
    runner = TimerRunner(practice.resources.database, timers(practice.resources))
    for timer in await runner.claim(100):
        if timer.tenant == practice.tenant:
            await runner.fire(timer)


async def test_a_kept_slot_is_nobody_elses_until_it_is_booked_with_its_hold(practice: Practice) -> None:
    [start] = practice.starts(1)
    client, other = await practice.client(), await practice.client()
    answer = await hold(practice, start)
    kept = answer.json()
    assert (answer.status_code, answer.headers["location"]) == (201, f"/v1/holds/{kept['id']}")
    assert (kept["extensions_left"], kept["start"]) == (2, f"{start:%Y-%m-%dT%H:%M:%SZ}")
    refused = await book(practice, start, other, None)
    assert (refused.status_code, refused.json()["code"]) == (409, "slot_taken")
    assert f"{start:%Y-%m-%dT%H:%M:%SZ}" not in [item["start"] for item in refused.json()["alternatives"]]
    again = await hold(practice, start)
    assert (again.status_code, len(again.json()["alternatives"])) == (409, 3)
    assert (await book(practice, start, client, kept)).status_code == 201
    assert await told(practice) == [("slot.held", 1, None), ("slot.released", 2, "booked")]
    assert await count(practice, "holds") == 0
    missing = await practice.http.get(f"/v1/holds/{kept['id']}", headers=practice.headers())
    assert (missing.status_code, missing.json()["code"]) == (404, "hold_not_found")


async def test_a_released_slot_is_free_and_releasing_again_is_no_error(practice: Practice) -> None:
    [start] = practice.starts(1)
    kept = (await hold(practice, start)).json()
    for _ in range(2):
        gone = await practice.http.delete(f"/v1/holds/{kept['id']}", headers=practice.headers())
        assert gone.status_code == 204
    assert await told(practice) == [("slot.held", 1, None), ("slot.released", 2, "released")]
    assert (await practice.book(start)).status_code == 201


async def test_a_hold_that_ran_out_keeps_nothing_and_its_holder_may_still_be_first(
    practice: Practice, clock: ManualClock
) -> None:
    first, second = practice.starts(2)
    client = await practice.client()
    late, lost = (await hold(practice, first)).json(), (await hold(practice, second)).json()
    clock.now += 5 * MINUTE
    assert (await book(practice, first, client, late)).status_code == 201
    assert (await practice.book(second)).status_code == 201
    refused = await book(practice, second, client, lost)
    assert (refused.status_code, refused.json()["code"]) == (409, "slot_taken")
    over = await practice.http.post(f"/v1/holds/{lost['id']}/extend", headers=practice.headers())
    assert (over.status_code, over.json()["code"]) == (410, "hold_expired")
    seen = await practice.http.get(f"/v1/holds/{lost['id']}", headers=practice.headers())
    assert (seen.status_code, seen.json()["code"]) == (410, "hold_expired"), "whether or not its timer has run"


async def test_a_slow_clock_does_not_revive_a_hold_over_what_was_booked_since(
    practice: Practice, clock: ManualClock
) -> None:
    [start] = practice.starts(1)
    lost = (await hold(practice, start)).json()
    begun, clock.now = clock.now, clock.now + 5 * MINUTE
    assert (await practice.book(start)).status_code == 201
    clock.now = begun + 4 * MINUTE  # as another process sees it
    over = await practice.http.post(f"/v1/holds/{lost['id']}/extend", headers=practice.headers())
    assert (over.status_code, over.json()["code"]) == (409, "slot_taken")
    assert over.json()["alternatives"], "as wherever a time is taken"
    seen = await practice.http.get(f"/v1/holds/{lost['id']}", headers=practice.headers())
    assert seen.json()["expires_at"] == lost["expires_at"]


async def test_what_is_kept_longer_takes_the_room_that_is_free_by_then(practice: Practice, clock: ManualClock) -> None:
    rooms = sorted((uuid4(), uuid4()))
    await practice.publish(practice.rules.model_copy(update={"sequence": 2, "room_ids": tuple(rooms)}))
    [start] = practice.starts(1)
    kept = (await hold(practice, start)).json()

    async def room_kept() -> UUID:
        async with practice.resources.database.transaction(practice.tenant) as session:
            found: UUID = await session.scalar(text("SELECT room_id FROM holds"))
            return found

    first = await room_kept()
    other = await practice.publish(schedule(room_ids=(first,)))
    begun, clock.now = clock.now, clock.now + 5 * MINUTE
    body = {"slot": practice.slot(start, schedule_id=other.schedule_id), "client_id": await practice.client()}
    taken = await practice.http.post("/v1/appointments", json=body, headers=practice.headers())
    assert taken.status_code == 201, taken.text
    clock.now = begun + 4 * MINUTE  # as another process sees it
    longer = await practice.http.post(f"/v1/holds/{kept['id']}/extend", headers=practice.headers())
    assert longer.status_code == 200, longer.text
    assert await room_kept() == next(room for room in rooms if room != first)


async def test_what_is_offered_no_more_is_kept_no_longer(practice: Practice) -> None:
    [start] = practice.starts(1)
    kept = (await hold(practice, start)).json()
    await practice.withdraw()
    gone = await practice.http.post(f"/v1/holds/{kept['id']}/extend", headers=practice.headers())
    assert (gone.status_code, gone.json()["code"]) == (409, "slot_gone")


@pytest.mark.parametrize("change", ["holiday", "away"])
async def test_a_hold_does_not_outlast_that_the_practice_is_closed_or_the_provider_away(
    practice: Practice, change: str
) -> None:
    [start] = practice.starts(1)
    kept = (await hold(practice, start)).json()
    if change == "holiday":
        day = start.astimezone(ZoneInfo(practice.rules.zone)).date()
        await practice.publish(practice.rules.model_copy(update={"sequence": 2, "holidays": (day,)}))
    else:
        off = Blocked(begin=start - 60 * MINUTE, end=start + 60 * MINUTE, because="time_off")
        await practice.publish(practice.rules.model_copy(update={"sequence": 2, "blocked": (off,)}))
    gone = await practice.http.post(f"/v1/holds/{kept['id']}/extend", headers=practice.headers())
    assert (gone.status_code, gone.json()["code"]) == (409, "slot_gone")
    assert gone.json()["rule"] == ("holiday" if change == "holiday" else "time_off")


async def test_what_is_free_instead_is_free_for_the_client_whom_a_hold_is_for(
    practice: Practice, clock: ManualClock
) -> None:
    kept_at, busy, _ = practice.starts(3)
    client = await practice.client()
    other = await practice.publish(schedule(provider_id=uuid4(), schedule_id=uuid4()))
    kept = (await hold(practice, kept_at, client)).json()
    body = {"slot": practice.slot(busy, schedule_id=other.schedule_id), "client_id": client}
    assert (await practice.http.post("/v1/appointments", json=body, headers=practice.headers())).status_code == 201
    begun, clock.now = clock.now, clock.now + 5 * MINUTE
    assert (await practice.book(kept_at)).status_code == 201
    clock.now = begun + 4 * MINUTE  # as another process sees it
    refused = await practice.http.post(f"/v1/holds/{kept['id']}/extend", headers=practice.headers())
    assert refused.status_code == 409
    found = [datetime.fromisoformat(one["start"]) for one in refused.json()["alternatives"]]
    assert found and busy not in found


async def test_nothing_is_kept_longer_for_who_is_discharged(practice: Practice) -> None:
    [start] = practice.starts(1)
    client = await practice.client()
    kept = (await hold(practice, start, client)).json()
    gone = await practice.http.post(f"/v1/clients/{client}/discharge", json={}, headers=practice.headers())
    assert gone.status_code == 200, gone.text
    refused = await practice.http.post(f"/v1/holds/{kept['id']}/extend", headers=practice.headers())
    assert (refused.status_code, refused.json()["code"]) == (409, "client_discharged")


async def test_what_was_early_enough_when_it_was_kept_is_early_enough_while_it_is(
    practice: Practice, clock: ManualClock
) -> None:
    await practice.publish(practice.rules.model_copy(update={"sequence": 2, "minimum_notice": timedelta(hours=24)}))
    start, client = NOW + timedelta(hours=24), await practice.client()
    body = {"slot": practice.slot(start), "client_id": client}
    answer = await hold(practice, start)
    assert answer.status_code == 201, answer.text
    kept = answer.json()
    clock.now += 2 * MINUTE
    alone = await practice.http.post("/v1/appointments", json=body, headers=practice.headers())
    assert (alone.status_code, alone.json()["code"]) == (409, "slot_gone"), "nobody else may have it so late"
    longer = await practice.http.post(f"/v1/holds/{kept['id']}/extend", headers=practice.headers())
    assert longer.status_code == 200, longer.text
    clock.now += 9 * MINUTE
    late = body | {"hold_id": kept["id"]}
    refused = await practice.http.post("/v1/appointments", json=late, headers=practice.headers())
    assert (refused.status_code, refused.json()["code"]) == (409, "slot_gone"), "it has run out"
    clock.now -= 2 * MINUTE
    booked = await practice.http.post("/v1/appointments", json=late, headers=practice.headers())
    assert booked.status_code == 201, booked.text


async def test_keeping_longer_and_booking_at_the_same_time_wait_for_each_other(
    practice: Practice, clock: ManualClock
) -> None:
    database, tenant = practice.resources.database, practice.tenant
    stuck = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"

    async def deadlocks() -> int:
        async with database.transaction(tenant) as session:
            # What was counted is told to others within a second, or when asked to.
            await session.execute(text("SELECT pg_stat_force_next_flush()"))
        async with database.transaction(tenant) as session:
            return int(await session.scalar(text(stuck)))

    async def run(work: Any) -> str:
        try:
            await database.run(tenant, work)
        except Problem as refused:
            return refused.code
        return "ok"

    before, results = await deadlocks(), Counter[tuple[str, str]]()
    for start in practice.starts(20):
        hold_id = UUID((await hold(practice, start)).json()["id"])
        client = self_booking.new_client(hold_id)
        extend = partial(holds.extend, tenant=tenant, hold_id=hold_id, now=clock.now)
        book = partial(
            self_booking.book, tenant=tenant, hold_id=hold_id, client_id=client, new_name="Kim", now=clock.now
        )
        longer, booked = await asyncio.gather(run(extend), run(book))
        results[longer, booked] += 1
    assert {booked for _, booked in results} == {"ok"}
    assert {longer for longer, _ in results} <= {"ok", "hold_not_found"}
    assert await deadlocks() == before


async def test_the_timer_ends_it_and_says_so(practice: Practice) -> None:
    [start] = practice.starts(1)
    kept = (await hold(practice, start)).json()
    await fire_all(practice)
    assert await told(practice) == [("slot.held", 1, None), ("slot.released", 2, "expired")]
    assert (await practice.http.get(f"/v1/holds/{kept['id']}", headers=practice.headers())).status_code == 404
    assert (await book(practice, start, await practice.client(), kept)).status_code == 201
    assert [name for name, *_ in await told(practice)] == ["slot.held", "slot.released"]


async def test_it_is_extended_twice_and_its_timer_moves_along(practice: Practice, clock: ManualClock) -> None:
    [start] = practice.starts(1)
    kept = (await hold(practice, start)).json()
    path = f"/v1/holds/{kept['id']}/extend"
    for left in (1, 0):
        clock.now += 4 * MINUTE
        longer = await practice.http.post(path, headers=practice.headers())
        assert (longer.status_code, longer.json()["extensions_left"]) == (200, left)
        until = datetime.fromisoformat(longer.json()["expires_at"])
        async with practice.resources.database.transaction(practice.tenant) as session:
            assert await session.scalar(text("SELECT due_at FROM timers WHERE kind = 'hold.expire'")) == until
    third = await practice.http.post(path, headers=practice.headers())
    assert (third.status_code, third.json()["code"]) == (409, "hold_not_extendable")
    clock.now = until - MINUTE
    assert (await practice.book(start)).status_code == 409
    assert await told(practice) == [("slot.held", sequence, None) for sequence in (1, 2, 3)]


async def test_a_client_keeps_three_slots_and_sees_only_their_own(practice: Practice) -> None:
    *starts, another = practice.starts(5)
    client, other = await practice.client(), await practice.client()
    mine = {"client_id": client, "sub": "client-1"}
    kept = [(await hold(practice, start, role="client", **mine)).json() for start in starts[:3]]
    assert {item["client_id"] for item in kept} == {client}
    fourth = await hold(practice, starts[3], role="client", **mine)
    assert (fourth.status_code, fourth.json()["code"]) == (409, "too_many_holds")
    theirs = practice.headers("client", client_id=other, sub="client-2")
    path = f"/v1/holds/{kept[0]['id']}"
    for method, where in (("GET", path), ("POST", f"{path}/extend"), ("DELETE", path)):
        assert (await practice.http.request(method, where, headers=theirs)).status_code == 404
    body = {"slot": practice.slot(starts[0]), "client_id": other, "hold_id": kept[0]["id"]}
    stolen = await practice.http.post("/v1/appointments", json=body, headers=theirs)
    assert (stolen.status_code, stolen.json()["code"]) == (404, "hold_not_found")
    for_another = {"slot": practice.slot(another), "client_id": client}
    refused = await practice.http.post("/v1/holds", json=for_another, headers=theirs)
    assert (refused.status_code, refused.json()["field"]) == (403, "client_id")
    assert await count(practice, "holds") == 3


async def test_a_hold_is_used_for_its_own_slot_and_client(practice: Practice) -> None:
    first, second = practice.starts(2)
    client, other = await practice.client(), await practice.client()
    kept = (await hold(practice, first, client)).json()
    elsewhere = await book(practice, second, client, kept)
    assert (elsewhere.status_code, elsewhere.json()["field"]) == (422, "hold_id")
    assert (await book(practice, first, other, kept)).json()["code"] == "hold_of_another_client"
    assert await count(practice, "appointments") == 0
    assert (await book(practice, first, client, kept)).status_code == 201


async def test_a_hold_takes_a_seat_of_a_group_and_the_visit_takes_the_holds(practice: Practice) -> None:
    await practice.publish(practice.rules.model_copy(update={"sequence": 2, "capacity": 2}))
    [start] = practice.starts(1)
    first, second, third = [await practice.client() for _ in range(3)]
    kept = (await hold(practice, start)).json()
    assert (await practice.book(start, first)).status_code == 201
    assert (await practice.book(start, second)).json()["code"] == "slot_taken"
    assert (await book(practice, start, second, kept)).status_code == 201
    assert (await practice.book(start, third)).json()["code"] == "slot_taken"
    async with practice.resources.database.transaction(practice.tenant) as session:
        assert sorted(await session.scalars(text("SELECT seat FROM appointments"))) == [1, 2]


async def test_a_hold_takes_a_room_and_its_clients_time(practice: Practice) -> None:
    room = uuid4()
    await practice.publish(practice.rules.model_copy(update={"sequence": 2, "room_ids": (room,)}))
    [start] = practice.starts(1)
    client = await practice.client()
    assert (await hold(practice, start, client)).status_code == 201
    elsewhere = practice.rules.model_copy(update={"schedule_id": uuid4(), "provider_id": uuid4(), "room_ids": (room,)})
    await practice.publish(elsewhere)
    same_room = {"slot": practice.slot(start, schedule_id=elsewhere.schedule_id), "client_id": await practice.client()}
    refused = await practice.http.post("/v1/appointments", json=same_room, headers=practice.headers())
    assert (refused.status_code, refused.json()["rule"]) == (409, "room")
    free_room = elsewhere.model_copy(update={"sequence": 2, "room_ids": ()})
    await practice.publish(free_room)
    in_two_places = same_room | {"client_id": client}
    refused = await practice.http.post("/v1/appointments", json=in_two_places, headers=practice.headers())
    assert (refused.status_code, refused.json()["rule"]) == (409, "client")


async def test_two_providers_race_for_a_room_one_holding_one_booking(practice: Practice) -> None:
    """No constraint spans holds and visits: the room's lock is all that keeps them apart."""
    rooms = (uuid4(),)
    mine = await practice.publish(practice.rules.model_copy(update={"sequence": 2, "room_ids": rooms}))
    other = await practice.publish(schedule(room_ids=rooms))
    for start in practice.starts(12):
        first, second = await practice.client(), await practice.client()
        kept = {"slot": practice.slot(start, schedule_id=other.schedule_id), "client_id": first}
        booked = {"slot": practice.slot(start, schedule_id=mine.schedule_id), "client_id": second}
        answers = await asyncio.gather(
            practice.http.post("/v1/holds", json=kept, headers=practice.headers()),
            practice.http.post("/v1/appointments", json=booked, headers=practice.headers()),
        )
        assert sorted(answer.status_code for answer in answers) == [201, 409]


async def test_so_many_times_are_kept_for_nobody_in_particular_and_no_more(practice: Practice) -> None:
    """On the page, before anybody says who they are."""
    starts = practice.starts(MOST_OF_NOBODY + 1)

    async def keep(start: datetime) -> Hold:
        slot = SlotId.verify(practice.slot(start), SLOT_KEY, practice.tenant, practice.now)
        async with practice.resources.database.transaction(practice.tenant) as session:
            return await self_booking.keep(session, tenant=practice.tenant, slot=slot, client_id=None, now=practice.now)

    for start in starts[:-1]:
        await keep(start)
    with pytest.raises(Problem) as refused:
        await keep(starts[-1])
    assert refused.value.code == "too_many_holds"


async def test_holds_and_bookings_race_for_a_slot_and_one_wins(practice: Practice) -> None:
    clients = [await practice.client() for _ in range(16)]
    for start in practice.starts(10):
        ways = [hold(practice, start) for _ in clients] + [practice.book(start, client) for client in clients]
        statuses = Counter(answer.status_code for answer in await asyncio.gather(*ways))
        assert statuses == {201: 1, 409: 31}
    assert await count(practice, "appointments") + await count(practice, "holds") == 10


@pytest.mark.parametrize("path", ["extend", ""])
async def test_what_never_was_is_not_found(path: str, practice: Practice) -> None:
    method = "POST" if path else "GET"
    answer = await practice.http.request(method, f"/v1/holds/{uuid4()}/{path}".rstrip("/"), headers=practice.headers())
    assert (answer.status_code, answer.json()["code"]) == (404, "hold_not_found")
