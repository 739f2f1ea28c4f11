"""Series over HTTP against real PostgreSQL: one visit, or one and those after it, moved and called off."""

import asyncio
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from tests.booking.conftest import ManualClock
from tests.support.practice import Practice, count, new_id
from tests.support.series import DAY, FIRST, HOUR, NEW_YORK, WEEKLY, ask, change, deadlocks, starts, statuses, told

pytestmark = pytest.mark.servers


async def test_one_visit_has_its_own_life(practice: Practice) -> None:
    series = (await ask(practice, await practice.client())).json()
    first, _, third = series["appointments"]
    assert (await practice.act(first, "cancel", {})).json()["series_id"] == series["id"]
    moved = await change(practice, series, 1, "reschedule", scope="this", slot=practice.slot(WEEKLY[1] + DAY))
    assert starts(moved.json()["appointments"]) == [WEEKLY[0], WEEKLY[1] + DAY, WEEKLY[2]]
    assert [item["version"] for item in moved.json()["appointments"]] == [2, 2, 1]
    one = await change(practice, series, 1, "cancel", scope="this")
    assert statuses(one.json()) == ["cancelled", "cancelled", "booked"]
    again = await change(practice, series, 1, "cancel", scope="this")
    assert (again.status_code, again.json()["code"]) == (409, "illegal_move")
    assert third == one.json()["appointments"][2]


async def test_this_and_following_are_called_off_and_free(practice: Practice) -> None:
    series = (await ask(practice, await practice.client())).json()
    gone = await change(practice, series, 1, "cancel", reason="illness")
    assert statuses(gone.json()) == ["booked", "cancelled", "cancelled"]
    assert {item["reason_code"] for item in gone.json()["appointments"][1:]} == {"illness"}
    assert (await told(practice))[3:] == ["appointment.cancelled"] * 2
    assert await count(practice, "timers") == 1
    assert [(await practice.book(start)).status_code for start in WEEKLY] == [409, 201, 201]


async def test_this_and_following_move_as_far_on_the_wall_clock(practice: Practice) -> None:
    series = (await ask(practice, await practice.client())).json()
    target = WEEKLY[0] + timedelta(days=1, hours=2)
    moved = await change(practice, series, 0, "reschedule", slot=practice.slot(target))
    found = starts(moved.json()["appointments"])
    assert found == [start + timedelta(days=1, hours=2) for start in WEEKLY]
    assert {start.astimezone(NEW_YORK).time() for start in found} == {time(12)}
    assert (await told(practice))[3:] == ["appointment.rescheduled"] * 3
    assert [(await practice.book(start)).status_code for start in WEEKLY] == [201, 201, 201]


@pytest.mark.parametrize("days", [1, -1])
async def test_visits_move_to_each_others_times(days: int, practice: Practice) -> None:
    series = (await ask(practice, await practice.client(), "FREQ=DAILY;COUNT=2", start=FIRST + DAY)).json()
    target = FIRST + DAY + days * DAY
    moved = await change(practice, series, 0, "reschedule", slot=practice.slot(target))
    assert (moved.status_code, starts(moved.json()["appointments"])) == (200, [target, target + DAY])


async def test_a_move_of_all_is_all_or_none_unless_part_is_asked_for(practice: Practice) -> None:
    series = (await ask(practice, await practice.client())).json()
    taken = WEEKLY[1] + timedelta(hours=1)
    await practice.book(taken)
    target = practice.slot(WEEKLY[0] + timedelta(hours=1))
    refused = await change(practice, series, 0, "reschedule", slot=target)
    assert (refused.status_code, refused.json()["code"]) == (409, "series_conflicts")
    assert starts(refused.json()["conflicts"]) == [taken]
    unchanged = await practice.http.get(f"/v1/series/{series['id']}", headers=practice.headers())
    assert unchanged.json() == series
    part = (await change(practice, series, 0, "reschedule", slot=target, partial=True)).json()
    assert starts(part["appointments"]) == [WEEKLY[0] + timedelta(hours=1), WEEKLY[1], WEEKLY[2] + timedelta(hours=1)]
    [left] = part["left_out"]
    assert (left["appointment_id"], left["rule"]) == (series["appointments"][1]["id"], "visit")


async def test_what_is_over_or_called_off_does_not_follow(practice: Practice, clock: ManualClock) -> None:
    series = (await ask(practice, await practice.client())).json()
    await practice.act(series["appointments"][1], "cancel", {})
    moved = await change(practice, series, 0, "reschedule", slot=practice.slot(WEEKLY[0] + timedelta(hours=1)))
    assert starts(moved.json()["appointments"]) == [
        WEEKLY[0] + timedelta(hours=1),
        WEEKLY[1],
        WEEKLY[2] + timedelta(hours=1),
    ]
    clock.now = WEEKLY[0] + timedelta(hours=2)
    late = await change(
        practice, series, 0, "reschedule", slot=practice.slot(WEEKLY[2], expires=clock.now + timedelta(hours=1))
    )
    assert (late.status_code, late.json()["code"]) == (409, "already_started")


async def test_it_moves_to_another_provider_on_another_wall_clock(practice: Practice) -> None:
    series = (await ask(practice, await practice.client())).json()
    london = practice.rules.model_copy(update={"schedule_id": uuid4(), "provider_id": uuid4(), "zone": "Europe/London"})
    await practice.publish(london)
    target = datetime(2026, 3, 3, 11, tzinfo=UTC)
    slot = practice.slot(target, schedule_id=london.schedule_id)
    moved = (await change(practice, series, 0, "reschedule", slot=slot)).json()
    shown = {start.astimezone(ZoneInfo("Europe/London")).time() for start in starts(moved["appointments"])}
    assert (shown, len(moved["appointments"])) == ({time(11)}, 3)
    assert {item["provider_id"] for item in moved["appointments"]} == {str(london.provider_id)}


async def test_a_change_needs_the_version_and_a_visit_of_the_series(practice: Practice) -> None:
    client = await practice.client()
    series = (await ask(practice, client)).json()
    other = (await practice.book(WEEKLY[0] + timedelta(hours=1))).json()
    strange = await change(practice, series, 0, "cancel", appointment_id=other["id"])
    assert (strange.status_code, strange.json()["field"]) == (409, "appointment_id")
    stale = await change(practice, series, 0, "cancel", headers=practice.headers() | {"if-match": '"7"'})
    assert stale.status_code == 412
    missing = await change(practice, series, 0, "cancel", appointment_id=new_id())
    assert (missing.status_code, missing.json()["code"]) == (404, "appointment_not_found")
    odd = await change(practice, series, 0, "cancel", scope="all")
    assert (odd.status_code, odd.json()["field"]) == (422, "scope")
    key = practice.headers() | {"idempotency-key": new_id()}
    first, second = [await change(practice, series, 1, "cancel", headers=key) for _ in range(2)]
    assert (first.status_code, first.content) == (200, second.content)
    assert "idempotency-replayed" in second.headers


async def test_changes_of_one_series_meet_and_none_is_lost_in_a_deadlock(practice: Practice) -> None:
    series = (await ask(practice, await practice.client(), "FREQ=DAILY;COUNT=4")).json()
    visits, before = series["appointments"], await deadlocks(practice)
    for hours in (1, 2, 3):
        moves = [
            change(practice, series, number, "reschedule", slot=practice.slot(FIRST + number * DAY + hours * HOUR))
            for number in (0, 1, 2)
        ]
        singles = [practice.act(visit, "confirm") for visit in reversed(visits)]
        answers = await asyncio.gather(
            *moves, *singles, change(practice, series, 3, "reschedule", **elsewhere(practice))
        )
        assert {answer.status_code for answer in answers} <= {200, 409}, [answer.text for answer in answers]
    answers = await asyncio.gather(*(change(practice, series, number, "cancel") for number in (3, 2, 1, 0)))
    assert {answer.status_code for answer in answers} <= {200, 409}
    found = await practice.http.get(f"/v1/series/{series['id']}", headers=practice.headers())
    assert statuses(found.json()) == ["cancelled"] * 4
    assert await deadlocks(practice) == before


def elsewhere(practice: Practice) -> dict[str, Any]:
    return {"slot": practice.slot(FIRST + 3 * DAY + 4 * HOUR), "scope": "this"}


async def test_a_provider_changes_their_own_visits_only(practice: Practice) -> None:
    series = (await ask(practice, await practice.client())).json()
    other = practice.rules.model_copy(update={"schedule_id": uuid4(), "provider_id": uuid4()})
    await practice.publish(other)
    slot = practice.slot(WEEKLY[1], schedule_id=other.schedule_id)
    assert (await change(practice, series, 1, "reschedule", scope="this", slot=slot)).status_code == 200
    own = practice.headers("provider", provider_id=practice.rules.provider_id)
    gone = (await change(practice, series, 0, "cancel", headers=own)).json()
    assert statuses(gone) == ["cancelled", "cancelled"]
    found = await practice.http.get(f"/v1/series/{series['id']}", headers=practice.headers())
    assert statuses(found.json()) == ["cancelled", "booked", "cancelled"]


async def test_who_has_arrived_already_is_not_called_off_with_those_before(
    practice: Practice, clock: ManualClock
) -> None:
    series = (await ask(practice, await practice.client())).json()
    clock.now = datetime.fromisoformat(series["appointments"][2]["start"])
    assert (await practice.act(series["appointments"][2], "arrive")).status_code == 200
    assert statuses((await change(practice, series, 0, "cancel")).json()) == ["cancelled", "cancelled", "arrived"]


async def test_a_move_to_where_it_is_keeps_to_the_seats_of_the_group(practice: Practice) -> None:
    await practice.publish(practice.rules.model_copy(update={"sequence": 2, "capacity": 2}))
    one, _ = [(await ask(practice, await practice.client())).json() for _ in range(2)]
    assert (await change(practice, one, 0, "reschedule", slot=practice.slot(FIRST))).status_code == 200
    async with practice.resources.database.transaction(practice.tenant) as session:
        assert sorted(await session.scalars(text("SELECT seat FROM appointments"))) == [1, 1, 1, 2, 2, 2]
