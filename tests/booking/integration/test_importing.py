"""Visits taken over from another system, and given to one, over HTTP against real PostgreSQL."""

import asyncio
import json
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from icalendar import Calendar
from sqlalchemy import text

from services.booking.domain.imports import MOST
from tests.booking.conftest import ManualClock
from tests.support.build import NOW, schedule
from tests.support.practice import Practice, count

pytestmark = pytest.mark.servers

HEADING = "external_id,client_id,schedule_id,start,end,status"
DAY = timedelta(days=1)
EVENING = NOW.replace(hour=23)
"""No hour that the schedule offers: six in the evening."""


class File:
    """A table that grows row by row; row 2 is the first."""

    def __init__(self, practice: Practice) -> None:
        self.practice = practice
        self.lines = [HEADING]

    def add(self, client_id: str, start: datetime, status: str = "", **changes: Any) -> "File":
        values = {
            "external_id": f"EHR-{len(self.lines) + 1}",
            "client_id": client_id,
            "schedule_id": self.practice.rules.schedule_id,
            "start": start.isoformat(),
            "end": "",
            "status": status,
        }
        self.lines.append(",".join(str(value) for value in {**values, **changes}.values()))
        return self

    @property
    def content(self) -> str:
        return "\n".join(self.lines)


async def send(practice: Practice, file: File | str | bytes, media: str = "text/csv", **asked: Any) -> httpx.Response:
    role, claims = asked.pop("role", "staff"), asked.pop("claims", {})
    headers = practice.headers(role, **claims) | {"content-type": media} | asked.pop("headers", {})
    content = file.content if isinstance(file, File) else file
    return await practice.http.post("/v1/imports", content=content, params=asked, headers=headers)


async def export(practice: Practice, **asked: Any) -> httpx.Response:
    answer = await practice.http.get("/v1/exports/appointments", params=asked, headers=practice.headers())
    assert answer.status_code == 200, answer.text
    return answer


def figures(report: dict[str, Any]) -> tuple[int, int, int]:
    return report["imported"], report["unchanged"], report["refused"]


async def events(practice: Practice) -> list[tuple[str, dict[str, Any]]]:
    async with practice.resources.database.transaction(practice.tenant) as session:
        query = "SELECT topic, payload FROM outbox WHERE topic LIKE 'appointment.%' ORDER BY id"
        return [(topic, json.loads(payload)) for topic, payload in await session.execute(text(query))]


async def test_visits_past_and_to_come_are_taken_over_as_they_are(practice: Practice) -> None:
    client = await practice.client()
    file = File(practice)
    file.add(client, NOW - 9 * DAY, "fulfilled").add(client, NOW - 2 * DAY, "noshow")
    file.add(client, NOW - DAY, "cancelled").add(client, EVENING + DAY, end=(EVENING + DAY + DAY / 16).isoformat())
    answer = await send(practice, file)
    assert answer.status_code == 201, answer.text
    report = answer.json()
    assert (report["dry_run"], report["rows"], figures(report)) == (False, 4, (4, 0, 0))
    assert [visit["row"] for visit in report["visits"]] == [2, 3, 4, 5]
    coming = report["visits"][3]["appointment_id"]
    visit = (await practice.http.get(f"/v1/appointments/{coming}", headers=practice.headers())).json()
    assert (visit["status"], visit["external_id"], visit["version"]) == ("booked", "EHR-5", 1)
    assert datetime.fromisoformat(visit["end"]) == EVENING + DAY + DAY / 16
    history = (await practice.http.get(f"/v1/appointments/{coming}/history", headers=practice.headers())).json()
    assert [(entry["party"], entry["note"]) for entry in history["items"]] == [("practice", "imported")]
    told = await events(practice)
    assert [(topic, event["status"]) for topic, event in told] == [
        ("appointment.imported", status) for status in ("fulfilled", "noshow", "cancelled", "booked")
    ]
    assert not any("EHR" in json.dumps(event) for _, event in told)
    async with practice.resources.database.transaction(practice.tenant) as session:
        keys = list(await session.scalars(text("SELECT key FROM timers WHERE kind = 'appointment.miss'")))
    assert [str(key) for key in keys] == [coming]
    moved = await practice.act(visit, "cancel", {})
    assert (moved.status_code, moved.json()["external_id"]) == (200, "EHR-5")


async def test_what_was_imported_is_occupied(practice: Practice) -> None:
    [start] = practice.starts(1)
    client = await practice.client()
    assert (await send(practice, File(practice).add(client, start))).status_code == 201
    refused = await practice.book(start)
    assert (refused.status_code, refused.json()["code"], refused.json()["rule"]) == (409, "slot_taken", "visit")


async def test_the_same_file_twice_is_nothing_new(practice: Practice) -> None:
    file = File(practice).add(await practice.client(), EVENING).add(await practice.client(), NOW - DAY, "fulfilled")
    first, again = await send(practice, file), await send(practice, file)
    assert (figures(first.json()), figures(again.json())) == ((2, 0, 0), (0, 2, 0))
    assert (again.status_code, len(await events(practice))) == (201, 2)


async def test_a_dry_run_reports_row_by_row_and_writes_nothing(practice: Practice) -> None:
    client, other = await practice.client(), await practice.client()
    file = File(practice).add(client, EVENING).add(client, EVENING + DAY / 96).add(other, EVENING + DAY)
    file.add(str(uuid4()), EVENING + 2 * DAY).add(other, EVENING + 3 * DAY, schedule_id=uuid4())
    file.add(other, EVENING + 3 * DAY, external_id="EHR-2").add(other, NOW - DAY)
    file.add(other, EVENING + 4 * DAY, "fulfilled").add("Sam", EVENING + 5 * DAY)
    answer = await send(practice, file, dry_run=True)
    assert answer.status_code == 200, answer.text
    report = answer.json()
    assert (report["dry_run"], report["rows"], figures(report), report["visits"]) == (True, 9, (2, 0, 7), [])
    said = [(item["row"], item["code"], item["field"], item["other_row"]) for item in report["refusals"]]
    assert said == [
        (3, "occupied", "start", 2),
        (5, "client_not_found", "client_id", None),
        (6, "schedule_not_found", "schedule_id", None),
        (7, "duplicate_row", "external_id", 2),
        (8, "status_invalid", "status", None),
        (9, "status_invalid", "status", None),
        (10, "id_invalid", "client_id", None),
    ]
    assert all(item["detail"] for item in report["refusals"])
    assert (await count(practice, "appointments"), await events(practice)) == (0, [])


async def test_all_or_nothing_unless_partial(practice: Practice) -> None:
    client = await practice.client()
    file = File(practice).add(client, EVENING).add(client, EVENING).add(client, EVENING + DAY)
    refused = await send(practice, file, headers={"idempotency-key": "k1"})
    assert (refused.status_code, refused.json()["code"]) == (422, "import_refused")
    assert "row 3" in refused.json()["detail"]
    report = refused.json()["report"]
    assert (report["dry_run"], figures(report)) == (True, (2, 0, 1))
    assert await count(practice, "appointments") == 0
    taken = await send(practice, file, partial=True, headers={"idempotency-key": "k1"})
    assert (taken.status_code, figures(taken.json())) == (201, (2, 0, 1))
    again = await send(practice, file, partial=True, headers={"idempotency-key": "k1"})
    assert (again.json(), again.headers["idempotency-replayed"]) == (taken.json(), "true")
    assert await count(practice, "appointments") == 2


@pytest.mark.parametrize("whose", ["provider", "client", "hold"])
async def test_a_row_where_somebody_is_occupied_here_names_what_stands_in_its_way(
    whose: str, practice: Practice
) -> None:
    [start] = practice.starts(1)
    booked = (await practice.book(start)).json()
    client, rules = booked["client_id"], practice.rules
    if whose == "client":
        rules = await practice.publish(schedule())
    else:
        client = await practice.client()
    if whose == "hold":
        await practice.act(booked, "cancel", {})
        held = await practice.http.post("/v1/holds", json={"slot": practice.slot(start)}, headers=practice.headers())
        assert held.status_code == 201, held.text
        booked = held.json()
    file = File(practice).add(client, start + timedelta(minutes=20), schedule_id=rules.schedule_id)
    [refusal] = (await send(practice, file, dry_run=True)).json()["refusals"]
    assert (refusal["code"], refusal["rule"]) == ("occupied", "client" if whose == "client" else "visit")
    assert refusal["appointment_id"] == booked["id"]


async def test_rooms_and_seats_are_shared_out_and_end(practice: Practice) -> None:
    rooms = (uuid4(), uuid4())
    clients = [await practice.client() for _ in range(4)]
    file = File(practice)
    for client in clients[:3]:
        rules = await practice.publish(schedule(room_ids=rooms))
        file.add(client, EVENING, schedule_id=rules.schedule_id)
    group = await practice.publish(schedule(capacity=3))
    for client in clients:
        file.add(client, EVENING + DAY, schedule_id=group.schedule_id)
    report = (await send(practice, file, partial=True)).json()
    assert [(item["row"], item["rule"]) for item in report["refusals"]] == [(4, "room"), (8, "full")]
    async with practice.resources.database.transaction(practice.tenant) as session:
        rows = await session.execute(text("SELECT room_id, group_id, seat FROM appointments ORDER BY start, seat"))
        found = list(rows)
    assert {row.room_id for row in found[:2]} == set(rooms)
    assert (len({row.group_id for row in found[2:]}), [row.seat for row in found[2:]]) == (1, [1, 2, 3])


async def test_nothing_is_to_come_for_who_is_discharged_or_with_a_schedule_that_is_withdrawn(
    practice: Practice, clock: ManualClock
) -> None:
    gone = await practice.client()
    answer = await practice.http.post(f"/v1/clients/{gone}/discharge", json={}, headers=practice.headers())
    assert answer.status_code == 200, answer.text
    async with practice.resources.database.transaction(practice.tenant) as session:
        old = await practice.publish(schedule())
        await session.execute(text("UPDATE schedules SET withdrawn_at = now() WHERE id = :id"), {"id": old.schedule_id})
    client = await practice.client()
    file = File(practice).add(gone, EVENING).add(gone, NOW - DAY, "fulfilled")
    file.add(client, EVENING, schedule_id=old.schedule_id)
    file.add(client, NOW - DAY, "fulfilled", schedule_id=old.schedule_id)
    report = (await send(practice, file, partial=True)).json()
    assert [(item["row"], item["code"]) for item in report["refusals"]] == [
        (2, "client_discharged"),
        (4, "schedule_withdrawn"),
    ]
    assert [visit["row"] for visit in report["visits"]] == [3, 5]


async def test_a_visit_that_is_here_otherwise_is_never_changed_by_a_file(practice: Practice) -> None:
    client = await practice.client()
    await send(practice, File(practice).add(client, EVENING))
    refused = await send(practice, File(practice).add(client, EVENING + DAY))
    [refusal] = refused.json()["report"]["refusals"]
    assert (refusal["code"], refusal["field"], refused.status_code) == ("row_differs", "start", 422)
    [(_, first)] = await events(practice)
    assert refusal["appointment_id"] == first["appointment_id"]


@pytest.mark.parametrize("format", ["csv", "ics"])
async def test_what_was_exported_can_be_imported_again_unchanged(format: str, practice: Practice) -> None:
    first, second, third = practice.starts(3)
    booked = (await practice.book(first)).json()
    await practice.act((await practice.book(second)).json(), "cancel", {})
    wrong = (await practice.book(third)).json()
    await practice.act(wrong, "enter-in-error", {"reason": "another client's"})
    await send(practice, File(practice).add(await practice.client(), NOW - DAY, "fulfilled", external_id='a"b,c;d'))
    await send(practice, File(practice).add(await practice.client(), NOW - 2 * DAY, "fulfilled"))
    exported = await export(practice, format=format)
    media = {"csv": "text/csv", "ics": "text/calendar"}[format]
    assert exported.headers["content-type"] == f"{media}; charset=utf-8"
    assert "attachment" in exported.headers["content-disposition"]
    assert (booked["id"] in exported.text, wrong["id"] in exported.text) == (True, False)
    again = await send(practice, exported.content, media)
    assert (again.status_code, figures(again.json())) == (201, (0, 3, 0)), again.text


async def test_an_export_is_read_page_by_page_in_order_and_may_be_of_a_range(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.booking.api.imports.PAGE", 2)
    file = File(practice)
    for number in range(5):
        file.add(await practice.client(), NOW - number * DAY - DAY, "fulfilled")
    await send(practice, file)
    lines = (await export(practice)).text.splitlines()
    assert [line.split(",")[0] for line in lines] == ["external_id", "EHR-6", "EHR-5", "EHR-4", "EHR-3", "EHR-2"]
    some = await export(practice, **{"from": (NOW - 3 * DAY).isoformat(), "to": (NOW - DAY).isoformat()})
    assert [line.split(",")[0] for line in some.text.splitlines()[1:]] == ["EHR-4", "EHR-3"]
    calendar = Calendar.from_ical((await export(practice, format="ics")).text)
    assert [str(event["UID"]) for event in calendar.walk("VEVENT")] == ["EHR-6", "EHR-5", "EHR-4", "EHR-3", "EHR-2"]
    headers = practice.headers()
    odd = {"from": NOW.isoformat(), "to": NOW.isoformat()}
    refused = await practice.http.get("/v1/exports/appointments", params=odd, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (422, "range_invalid")


async def test_only_the_practice_imports_and_exports_and_only_its_own(practice: Practice) -> None:
    client = await practice.client()
    file = File(practice).add(client, EVENING)
    for role, claims in (("client", {"client_id": client}), ("provider", {"provider_id": uuid4()})):
        assert (await send(practice, file, role=role, claims=claims)).status_code == 403
        answer = await practice.http.get("/v1/exports/appointments", headers=practice.headers(role, **claims))
        assert answer.status_code == 403
    await send(practice, file)
    elsewhere = Practice(practice.http, practice.issuer, uuid4(), rules=practice.rules)
    assert len((await export(elsewhere)).text.splitlines()) == 1
    refused = await send(elsewhere, file)
    assert [item["code"] for item in refused.json()["report"]["refusals"]] == ["client_not_found"]


async def test_what_is_no_table_and_no_calendar_is_refused(practice: Practice) -> None:
    file = File(practice).add(await practice.client(), EVENING)
    for media in ("application/json", "text/plain", ""):
        answer = await send(practice, file, media)
        assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    empty = await send(practice, "")
    assert (empty.status_code, empty.json()["code"]) == (422, "file_empty")


async def test_a_hundred_thousand_rows_are_refused_at_once_and_a_full_file_is_taken(practice: Practice) -> None:
    client = await practice.client()
    lines = [f"{number},{client},2020-01-01T00:00Z" for number in range(100_000)]
    huge = "\n".join(["external_id,client_id,start", *lines])
    answer = await send(practice, huge)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    short = "\n".join(["external_id,client_id,start", *(f"{number},," for number in range(100_000))])
    answer = await send(practice, short, schedule_id=str(practice.rules.schedule_id))
    assert (answer.status_code, answer.json()["code"]) == (413, "file_too_long")
    assert "5000 rows" in answer.json()["detail"]
    past = [NOW - timedelta(hours=number + 1) for number in range(MOST)]
    full = [f"{number},{client},{start:%Y-%m-%dT%H:%MZ},fulfilled" for number, start in enumerate(past)]
    content = "\n".join(["external_id,client_id,start,status", *full])
    taken = await send(practice, content, schedule_id=str(practice.rules.schedule_id))
    assert (taken.status_code, figures(taken.json())) == (201, (MOST, 0, 0)), taken.text[:500]


async def test_of_two_imports_of_one_file_at_once_one_takes_it_over(practice: Practice) -> None:
    other = await practice.publish(schedule())
    file = File(practice)
    for number in range(20):
        rules = practice.rules if number % 2 else other
        file.add(await practice.client(), EVENING + number * DAY, schedule_id=rules.schedule_id)
    answers = await asyncio.gather(*(send(practice, file) for _ in range(4)))
    assert sorted(figures(answer.json()) for answer in answers) == [(0, 20, 0)] * 3 + [(20, 0, 0)]


async def test_an_import_and_bookings_at_once_never_take_the_same_time(practice: Practice) -> None:
    starts = practice.starts(6)
    file = File(practice)
    for start in starts:
        file.add(await practice.client(), start)
    clients = [await practice.client() for _ in starts]
    answers = await asyncio.gather(
        *(practice.book(start, client) for start, client in zip(starts, clients, strict=True)),
        send(practice, file, partial=True),
    )
    *booked, imported = answers
    won = sum(answer.status_code == 201 for answer in booked)
    assert {answer.status_code for answer in booked} <= {201, 409}
    assert figures(imported.json()) == (6 - won, 0, won)


async def test_an_import_that_was_entered_in_error_can_be_made_anew(practice: Practice) -> None:
    client = await practice.client()
    wrong = (await send(practice, File(practice).add(client, EVENING))).json()["visits"][0]["appointment_id"]
    await practice.act({"id": wrong}, "enter-in-error", {"reason": "the wrong day"})
    again = await send(practice, File(practice).add(client, EVENING + DAY))
    assert (again.status_code, figures(again.json())) == (201, (1, 0, 0)), again.text
    assert again.json()["visits"][0]["appointment_id"] != wrong
