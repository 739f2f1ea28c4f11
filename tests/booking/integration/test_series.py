"""Series over HTTP against real PostgreSQL: looked at, booked all or none, part only when asked for."""

import asyncio
from datetime import time, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from shared.contracts.availability import Window
from tests.support.build import NOW
from tests.support.practice import Practice, count, new_id
from tests.support.series import DAY, FIRST, HOUR, NEW_YORK, WEEKLY, ask, change, deadlocks, starts, told

pytestmark = pytest.mark.servers


async def test_a_series_is_previewed_booked_and_read(practice: Practice) -> None:
    client = await practice.client()
    seen = (await ask(practice, client, path="/preview")).json()
    assert (seen["bookable"], starts(seen["items"])) == (True, WEEKLY)
    assert await count(practice, "appointments") == 0
    answer = await ask(practice, client)
    series = answer.json()
    assert (answer.status_code, answer.headers["location"]) == (201, f"/v1/series/{series['id']}")
    assert starts(series["appointments"]) == WEEKLY
    assert {start.astimezone(NEW_YORK).time() for start in starts(series["appointments"])} == {time(10)}
    assert {item["series_id"] for item in series["appointments"]} == {series["id"]}
    assert await told(practice) == ["appointment.booked"] * 3
    assert (await count(practice, "timers"), await count(practice, "appointment_history")) == (3, 3)
    again = await practice.http.get(f"/v1/series/{series['id']}", headers=practice.headers())
    assert again.json() == series


async def test_one_conflict_and_nothing_is_booked_but_it_says_what_is_free_near_it(practice: Practice) -> None:
    assert (await practice.book(WEEKLY[1])).status_code == 201
    client = await practice.client()
    before = await count(practice, "outbox")
    seen = (await ask(practice, client, path="/preview")).json()
    assert [item["bookable"] for item in seen["items"]] == [True, False, True]
    refused = await ask(practice, client)
    assert (refused.status_code, refused.json()["code"]) == (409, "series_conflicts")
    [conflict] = refused.json()["conflicts"]
    assert (starts([conflict]), conflict["rule"]) == ([WEEKLY[1]], "visit")
    near = starts(conflict["alternatives"])
    assert {abs(start - WEEKLY[1]) for start in near} <= {timedelta(hours=1), timedelta(hours=1.5)}
    assert conflict == seen["items"][1]
    assert (await count(practice, "appointments"), await count(practice, "series")) == (1, 0)
    assert await count(practice, "outbox") == before
    slot = {"slot": conflict["alternatives"][0]["slot"], "client_id": client}
    booked = await practice.http.post("/v1/appointments", json=slot, headers=practice.headers())
    assert (booked.status_code, booked.json()["series_id"]) == (201, None)


async def test_part_of_a_series_only_when_asked_for_and_never_nothing(practice: Practice) -> None:
    await practice.book(WEEKLY[1])
    client = await practice.client()
    part = await ask(practice, client, body={"partial": True})
    assert (part.status_code, starts(part.json()["appointments"])) == (201, [WEEKLY[0], WEEKLY[2]])
    assert starts(part.json()["left_out"]) == [WEEKLY[1]]
    assert part.json()["left_out"][0]["rule"] == "visit"
    assert part.json()["left_out"][0]["detail"] == "The provider has another visit at this time."
    nothing = await ask(practice, await practice.client(), body={"partial": True})
    assert (nothing.status_code, len(nothing.json()["conflicts"])) == (409, 3)
    assert await count(practice, "series") == 1


@pytest.mark.parametrize(
    "rule", ["most_per_day", "provider_most_per_day", "client", "room", "full", "holiday", "horizon"]
)
async def test_each_occurrence_goes_by_the_rules_of_single_visits(rule: str, practice: Practice) -> None:
    room, client = uuid4(), await practice.client()
    changes: dict[str, dict[str, Any]] = {
        "room": {"room_ids": (room,)},
        "full": {"capacity": 2},
        "holiday": {"holidays": (WEEKLY[1].date(),)},
        "horizon": {"horizon": timedelta(days=7)},
        "client": {},
    }
    rules = practice.rules.model_copy(update={"sequence": 2, **changes.get(rule, {rule: 1})})
    await practice.publish(rules)
    elsewhere = rules.model_copy(update={"schedule_id": uuid4(), "provider_id": uuid4()})
    await practice.publish(elsewhere)
    same_day = WEEKLY[1] + timedelta(hours=2)
    if rule in ("client", "room"):
        whose = client if rule == "client" else await practice.client()
        body = {"slot": practice.slot(WEEKLY[1], schedule_id=elsewhere.schedule_id), "client_id": whose}
        assert (await practice.http.post("/v1/appointments", json=body, headers=practice.headers())).status_code == 201
    elif rule == "full":
        assert [(await practice.book(WEEKLY[1])).status_code for _ in range(2)] == [201, 201]
    elif rule.endswith("per_day"):
        assert (await practice.book(same_day)).status_code == 201
    seen = (await ask(practice, client, "FREQ=WEEKLY;COUNT=2", "/preview")).json()
    assert [item["bookable"] for item in seen["items"]] == [True, False]
    assert seen["items"][1]["rule"] == rule
    single = await practice.book(WEEKLY[1], client)
    assert (single.status_code, single.json()["rule"]) == (409, rule)
    assert (await ask(practice, client, "FREQ=WEEKLY;COUNT=2")).status_code == 409
    assert (await practice.book(WEEKLY[0], client)).status_code == 201


async def test_a_series_takes_a_seat_and_a_room_each_time_and_minds_holds(practice: Practice) -> None:
    rooms = (uuid4(), uuid4())
    await practice.publish(practice.rules.model_copy(update={"sequence": 2, "capacity": 2, "room_ids": rooms}))
    one, two, three = [await practice.client() for _ in range(3)]
    assert [(await ask(practice, client)).status_code for client in (one, two)] == [201, 201]
    async with practice.resources.database.transaction(practice.tenant) as session:
        rows = await session.execute(
            text("SELECT seat, room_id, count(DISTINCT group_id) FROM appointments GROUP BY 1, 2")
        )
        assert sorted(rows.all()) == [(1, rooms[0], 3), (2, rooms[0], 3)]
    assert {item["rule"] for item in (await ask(practice, three)).json()["conflicts"]} == {"full"}
    later = FIRST + timedelta(hours=2)
    for _ in range(2):
        held = await practice.http.post("/v1/holds", json={"slot": practice.slot(later)}, headers=practice.headers())
        assert held.status_code == 201
    refused = await ask(practice, three, start=later)
    assert starts(refused.json()["conflicts"]) == [later]


async def test_52_visits_and_the_same_answer_for_the_same_key(practice: Practice) -> None:
    await practice.publish(practice.rules.model_copy(update={"sequence": 2, "horizon": timedelta(days=400)}))
    client, key = await practice.client(), {"idempotency-key": new_id()}
    answers = await asyncio.gather(*(ask(practice, client, "FREQ=WEEKLY;COUNT=52", headers=key) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    found = starts(answers[0].json()["appointments"])
    assert (len(found), {start.astimezone(NEW_YORK).time() for start in found}) == (52, {time(10)})
    assert (await count(practice, "appointments"), await count(practice, "series")) == (52, 1)
    other = await ask(practice, client, "FREQ=WEEKLY;COUNT=3", headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


BAD: dict[str, tuple[int, str, str]] = {
    "endless": (422, "series_endless", "rrule"),
    "too long": (422, "series_too_long", "rrule"),
    "not a rule": (422, "rrule_invalid", "rrule"),
    "empty": (422, "series_empty", "rrule"),
    "no rule": (422, "invalid_request", "rrule"),
    "partial as text": (422, "invalid_request", "partial"),
    "forged": (422, "slot_invalid", "slot"),
    "other practice": (422, "slot_invalid", "slot"),
    "expired": (410, "slot_expired", "slot"),
    "past": (410, "slot_past", "slot"),
    "unknown schedule": (409, "slot_gone", ""),
    "unknown client": (404, "client_not_found", "client_id"),
}


@pytest.mark.parametrize("kind", BAD)
async def test_bad_input_is_refused_with_its_field_and_nothing_is_written(kind: str, practice: Practice) -> None:
    client, before = await practice.client(), await count(practice, "outbox")
    status, code, field = BAD[kind]
    bad: dict[str, Any] = {
        "endless": {"rrule": "FREQ=WEEKLY"},
        "too long": {"rrule": "FREQ=WEEKLY;COUNT=53"},
        "not a rule": {"rrule": "tuesdays"},
        "empty": {"rrule": "FREQ=WEEKLY;UNTIL=20200101"},
        "no rule": {"rrule": " "},
        "partial as text": {"partial": "yes"},
        "forged": {"slot": practice.slot(FIRST, key="x" * 40)},
        "other practice": {"slot": practice.slot(FIRST, tenant=uuid4())},
        "expired": {"slot": practice.slot(FIRST, expires=NOW)},
        "past": {"slot": practice.slot(NOW - timedelta(hours=1))},
        "unknown schedule": {"slot": practice.slot(FIRST, schedule_id=uuid4())},
        "unknown client": {"client_id": new_id()},
    }[kind]
    for path in ("", "/preview"):
        answer = await ask(practice, client, path=path, body=bad)
        assert answer.headers["content-type"] == "application/problem+json"
        said = answer.json()
        if (kind, path) == ("partial as text", "/preview"):
            continue
        assert (answer.status_code, said["code"], said.get("field") or "") == (status, code, field)
    assert (await count(practice, "series"), await count(practice, "appointments")) == (0, 0)
    assert await count(practice, "outbox") == before


async def test_no_series_for_who_is_discharged_is_previewed_as_if_it_could_be_had(practice: Practice) -> None:
    client = await practice.client()
    left = await practice.http.post(f"/v1/clients/{client}/discharge", json={}, headers=practice.headers())
    assert left.status_code == 200, left.text
    for path in ("/preview", ""):
        refused = await ask(practice, client, path=path)
        assert (refused.status_code, refused.json()["code"]) == (409, "client_discharged")


async def test_others_neither_see_nor_change_a_series(practice: Practice) -> None:
    mine, other = await practice.client(), await practice.client()
    series = (await ask(practice, mine, role="client", claims={"client_id": mine})).json()
    strangers = [
        practice.headers("client", client_id=other),
        practice.headers("provider", provider_id=uuid4()),
        practice.issuer.headers(uuid4(), "staff"),
    ]
    for headers in strangers:
        seen = await practice.http.get(f"/v1/series/{series['id']}", headers=headers)
        assert (seen.status_code, seen.json()["code"]) == (404, "series_not_found")
        for move, body in (("cancel", {}), ("reschedule", {"slot": practice.slot(FIRST + DAY)})):
            answer = await change(practice, series, 0, move, headers=headers, **body)
            assert answer.status_code in (404, 422), answer.text
    own = practice.headers("provider", provider_id=practice.rules.provider_id)
    assert (await practice.http.get(f"/v1/series/{series['id']}", headers=own)).json() == series
    for path in ("", "/preview"):
        refused = await ask(practice, mine, path=path, role="client", claims={"client_id": other})
        assert (refused.status_code, refused.json()["code"]) == (403, "not_yours")
    assert await count(practice, "appointments") == 3


async def test_series_and_single_visits_race_for_the_same_hours_and_each_has_one_winner(practice: Practice) -> None:
    all_day = tuple(Window(weekday=day, start=time(0), end=time(23, 30)) for day in range(7))
    await practice.publish(practice.rules.model_copy(update={"sequence": 2, "windows": all_day}))
    clients, before = [await practice.client() for _ in range(32)], await deadlocks(practice)
    for number in range(4):
        first = FIRST + timedelta(hours=number)
        hours = [first + day * DAY for day in range(4)]
        asked = await asyncio.gather(
            *(
                way
                for one, two in zip(clients[:16], clients[16:], strict=True)
                for way in (
                    ask(practice, one, "FREQ=DAILY;COUNT=4", start=first, body={"partial": number % 2 == 1}),
                    practice.book(hours[clients.index(two) % 4], two),
                )
            )
        )
        assert {answer.status_code for answer in asked} <= {201, 409}, [item.text for item in asked]
        query = text("SELECT start, count(*) FROM appointments WHERE start = ANY(:hours) GROUP BY start")
        async with practice.resources.database.transaction(practice.tenant) as session:
            found = {start: many for start, many in await session.execute(query, {"hours": hours})}  # noqa: C416
        assert found == dict.fromkeys(hours, 1)
    assert await deadlocks(practice) == before


async def test_alternatives_leave_the_rest_of_the_series_possible(practice: Practice) -> None:
    mornings = tuple(Window(weekday=day, start=time(10), end=time(11, 20)) for day in range(5))
    changes = {"sequence": 2, "windows": mornings, "holidays": ((FIRST + DAY).date(),)}
    await practice.publish(practice.rules.model_copy(update=changes))
    seen = (await ask(practice, await practice.client(), "FREQ=DAILY;COUNT=3", "/preview")).json()
    assert [item["bookable"] for item in seen["items"]] == [True, False, True]
    assert starts(seen["items"][1]["alternatives"]) == [FIRST - DAY + HOUR / 2, FIRST - DAY, FIRST + 3 * DAY]
