"""Availability over HTTP against real PostgreSQL: schedules, search, refusals, and offered means bookable."""

import random
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.booking import repository as booking
from shared.contracts.availability import SchedulePublished
from shared.contracts.booking import AppointmentBooked, AppointmentCancelled, AppointmentRescheduled
from shared.contracts.slots import SlotId
from tests.availability.conftest import WEEK, Practice
from tests.conftest import MakeApi
from tests.support.build import NOW, appointment_event
from tests.support.issuer import Issuer
from tests.support.practice import Practice as BookingPractice
from tests.support.servers import SLOT_KEY

pytestmark = pytest.mark.servers


def starts(found: dict[str, Any]) -> list[str]:
    return [item["start"] for item in found["items"]]


async def test_published_hours_are_found_soonest_first_with_signed_ids(practice: Practice) -> None:
    schedule = await practice.publish()
    found = await practice.search(days=1)
    # Monday, 10:00 in New York: from now until the last visit that ends by 17:00.
    assert starts(found)[:2] == ["2026-03-02T15:00:00Z", "2026-03-02T15:30:00Z"]
    assert starts(found)[-1] == "2026-03-03T14:30:00Z"
    assert starts(found) == sorted(starts(found))
    for item in found["items"]:
        slot = SlotId.verify(item["slot"], SLOT_KEY, practice.tenant, NOW)
        assert str(slot.schedule_id) == schedule["id"] == item["schedule_id"]
        assert slot.start == datetime.fromisoformat(item["start"])


async def test_a_booked_time_is_gone_and_a_freed_one_is_back_in_whatever_order_the_news_comes(
    practice: Practice,
) -> None:
    await practice.publish()
    taken = datetime.fromisoformat("2026-03-03T15:00:00+00:00")
    booked = appointment_event(AppointmentBooked, start=taken, provider_id=practice.ids["provider_id"])
    moved = AppointmentRescheduled.model_validate(
        {
            **booked.model_dump(),
            "sequence": 2,
            "occupied_from": taken + timedelta(hours=2),
            "occupied_to": taken + timedelta(hours=3),
        }
    )
    gone = AppointmentCancelled.model_validate({**moved.model_dump(), "sequence": 3, "status": "cancelled"})
    every = set(starts(await practice.search()))
    await practice.follow(booked, booked)
    hidden = every - set(starts(await practice.search()))
    assert hidden == {"2026-03-03T14:30:00Z", "2026-03-03T15:00:00Z", "2026-03-03T15:30:00Z"}
    await practice.follow(moved, booked)
    assert "2026-03-03T15:00:00Z" in starts(await practice.search())
    assert "2026-03-03T17:00:00Z" not in starts(await practice.search())
    await practice.follow(gone, moved, booked)
    assert set(starts(await practice.search())) == every


async def test_pages_follow_each_other_without_gap_or_repetition(practice: Practice) -> None:
    await practice.publish()
    whole = await practice.search()
    seen: list[str] = []
    cursor: dict[str, Any] = {}
    while True:
        page = await practice.search(limit="7", **cursor)
        seen += [item["slot"] for item in page["items"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert seen == [item["slot"] for item in whole["items"]]


async def test_search_by_provider_place_and_modality(practice: Practice) -> None:
    await practice.publish()
    first = dict(practice.ids)
    place = {"name": "Video", "zone": "America/New_York", "modality": "telehealth"}
    video = await practice.call("POST", "/v1/locations", 201, json=place)
    other = await practice.call("POST", "/v1/providers", 201, json={"name": "B", "zone": "America/Los_Angeles"})
    practice.ids |= {"provider_id": other["id"], "location_id": video["id"]}
    await practice.publish()
    both = await practice.search(days=1)
    assert {item["provider_id"] for item in both["items"]} == {first["provider_id"], other["id"]}
    assert starts(both) == sorted(starts(both))
    remote = await practice.search(days=1, modality="telehealth")
    assert {item["provider_id"] for item in remote["items"]} == {other["id"]}
    # Nine in the morning in Los Angeles.
    assert starts(remote)[0] == "2026-03-02T17:00:00Z"
    mine = await practice.search(days=1, provider=first["provider_id"])
    assert {item["location_id"] for item in mine["items"]} == {first["location_id"]}


async def test_publishing_replacing_and_withdrawing_are_told_with_a_rising_sequence(practice: Practice) -> None:
    schedule = await practice.publish()
    path = f"/v1/schedules/{schedule['id']}"
    body = {"windows": WEEK[:1]}
    refused = await practice.call("PUT", path, 428, json=body)
    assert refused["code"] == "if_match_missing"
    stale = await practice.call("PUT", path, 412, json=body, headers={"if-match": '"7"'})
    assert stale["code"] == "version_mismatch"
    await practice.call("PUT", path, 200, json=body, headers={"if-match": '"1"'})
    await practice.http.delete(path, headers=practice.issuer.headers(practice.tenant))
    assert [(name, event["sequence"]) for name, event in await practice.outbox()] == [
        ("schedule.published", 1),
        ("schedule.published", 2),
        ("schedule.withdrawn", 3),
    ]
    assert (await practice.search())["items"] == []


def window(weekday: int, start: str, end: str) -> dict[str, Any]:
    return {"weekday": weekday, "start": start, "end": end}


BAD_SCHEDULES: list[tuple[dict[str, Any], str]] = [
    (
        {
            "windows": [
                {"weekday": 0, "start": "09:00", "end": "12:00"},
                {"weekday": 0, "start": "11:00", "end": "13:00"},
            ]
        },
        "windows",
    ),
    (
        {
            "windows": [
                {"weekday": 0, "start": "20:00", "end": "04:00"},
                {"weekday": 1, "start": "03:00", "end": "05:00"},
            ]
        },
        "windows",
    ),
    (
        {
            "windows": [
                {"weekday": 6, "start": "20:00", "end": "04:00"},
                {"weekday": 0, "start": "03:00", "end": "05:00"},
            ]
        },
        "windows",
    ),
    ({"windows": [{"weekday": 7, "start": "09:00", "end": "12:00"}]}, "windows.0.weekday"),
    ({"windows": [{"weekday": 0, "start": "9", "end": "noon"}]}, "windows.0"),
    ({"windows": []}, "windows"),
    ({"zone": "America/New_York"}, "zone"),
    ({"duration": "PT0S"}, "duration"),
    ({"duration": "-PT50M"}, "duration"),
    ({"step": "PT25H"}, "step"),
    ({"step": "PT0S"}, "step"),
    ({"buffer_before": "P2D"}, "buffer_before"),
    ({"horizon": "P800D"}, "horizon"),
    ({"provider_id": str(uuid4())}, "provider_id"),
    ({"location_id": str(uuid4())}, "location_id"),
    ({"appointment_type_id": str(uuid4())}, "appointment_type_id"),
    ({"room_ids": [str(UUID(int=1)), str(UUID(int=1))]}, "room_ids"),
    ({"colour": "red"}, "colour"),
]


@pytest.mark.parametrize(("change", "field"), BAD_SCHEDULES)
async def test_a_bad_schedule_names_the_field_and_writes_nothing(
    change: dict[str, Any], field: str, practice: Practice
) -> None:
    refused = await practice.call("POST", "/v1/schedules", 422, json={**practice.ids, "windows": WEEK, **change})
    assert refused["field"].startswith(field)
    assert await practice.outbox() == []
    assert (await practice.call("GET", "/v1/schedules"))["items"] == []


async def test_rules_that_are_too_much_for_one_event_are_refused_and_write_nothing(practice: Practice) -> None:
    hours = [
        {"start": f"{hour:02}:{minute}", "end": f"{hour:02}:{minute + 5}"} for hour in range(12) for minute in (10, 30)
    ]
    days = [{"date": f"{NOW.date() + timedelta(days=day)}", "windows": hours} for day in range(300)]
    body = {**practice.ids, "windows": WEEK, "overrides": days}
    refused = await practice.call("POST", "/v1/schedules", 413, json=body)
    assert (refused["code"], refused["field"]) == ("event_too_large", "body")
    assert await practice.outbox() == []
    assert (await practice.call("GET", "/v1/schedules"))["items"] == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"from": "2026-03-02T15:00:00"}, "from"),
        ({"to": "yesterday"}, "to"),
        ({"providers": "0199f3a2-7c1e-7b6a-9d53-2f1f6a1c9e10"}, "providers"),
        ({"to": "2026-03-01T15:00:00Z"}, "to"),
        ({"to": "2026-04-15T15:00:00Z"}, "to"),
        ({"appointment_type": str(uuid4())}, "appointment_type"),
        ({"provider": str(uuid4())}, "provider"),
        ({"prefer": str(uuid4())}, "prefer"),
        ({"modality": "telepathy"}, "modality"),
        ({"limit": "0"}, "limit"),
        ({"cursor": "x"}, "cursor"),
    ],
)
async def test_a_bad_search_names_the_field(change: dict[str, str], field: str, practice: Practice) -> None:
    query = {
        "appointment_type": practice.ids["appointment_type_id"],
        "from": "2026-03-02T15:00:00Z",
        "to": "2026-03-09T15:00:00Z",
        **change,
    }
    refused = await practice.call("GET", "/v1/slots", 422, params=query)
    assert refused["field"].startswith(field)


async def test_another_practice_sees_nothing_and_may_not_write_here(practice: Practice) -> None:
    schedule = await practice.publish()
    stranger = practice.issuer.headers(uuid4())
    found = await practice.http.get(f"/v1/schedules/{schedule['id']}", headers=stranger)
    assert found.status_code == 404
    query = {
        "appointment_type": practice.ids["appointment_type_id"],
        "from": "2026-03-02T15:00:00Z",
        "to": "2026-03-03T15:00:00Z",
    }
    assert (await practice.http.get("/v1/slots", params=query, headers=stranger)).status_code == 422
    body = {"name": "Maple", "zone": "UTC"}
    refused = await practice.http.put(f"/v1/practices/{practice.tenant}", json=body, headers=stranger)
    assert (refused.status_code, refused.json()["code"]) == (404, "practice_not_found")
    client = practice.issuer.headers(practice.tenant, "client", client_id=uuid4())
    refused = await practice.http.post("/v1/schedules", json={**practice.ids, "windows": WEEK}, headers=client)
    assert (refused.status_code, refused.json()["code"]) == (403, "role_not_allowed")
    own = await practice.http.get("/v1/slots", params=query, headers=client)
    assert own.status_code == 200


async def test_offered_means_bookable_and_what_is_not_offered_is_refused(
    practice: Practice, api: MakeApi, issuer: Issuer
) -> None:
    """Random rules through both services: for any minute, availability lists it exactly if booking books it."""
    draw = random.Random(20260302)  # noqa: S311 -- the same rules each time
    http = await api("booking", clock=lambda: NOW)
    for _ in range(6):
        practice.tenant = uuid4()
        timing = {
            "duration": f"PT{draw.choice((20, 45, 50, 90))}M",
            "buffer_before": f"PT{draw.choice((0, 5))}M",
            "buffer_after": f"PT{draw.choice((0, 10))}M",
            "step": f"PT{draw.choice((10, 15, 30))}M",
            "minimum_notice": f"PT{draw.choice((0, 24))}H",
            "horizon": f"P{draw.choice((3, 20))}D",
        }
        await practice.open(**timing)
        opens = draw.choice(("08:15", "09:00", "22:00"))
        await practice.publish(
            [{"weekday": day, "start": opens, "end": draw.choice(("06:00", "23:30"))} for day in (1, 3)]
        )
        [(_, payload)] = await practice.outbox()
        desk = BookingPractice(http, issuer, practice.tenant, rules=SchedulePublished.model_validate(payload))
        await desk.publish()
        for _ in range(25):
            start = NOW + timedelta(minutes=5 * draw.randrange(0, 7 * 288))
            offered = f"{start:%Y-%m-%dT%H:%M:%SZ}" in starts(await practice.search(days=1, begin=start))
            answer = await desk.book(start)
            assert (answer.status_code == 201) == offered, (timing, start, answer.text)
            if offered:
                visit = answer.json()
                async with desk.resources.database.transaction(practice.tenant) as session:
                    found = await booking.appointments.get(session, UUID(visit["id"]))
                event = appointment_event(
                    start=found.start,
                    provider_id=found.provider_id,
                    occupied_from=found.occupied_from,
                    occupied_to=found.occupied_to,
                )
                await practice.follow(event)
        for item in (await practice.search(days=7))["items"][:1]:
            assert (await desk.book(datetime.fromisoformat(item["start"]))).status_code == 201


FAR = ["0001-01-01", "0001-01-03", "1999-12-31", "2201-01-01", "9999-12-27", "9999-12-31"]


@pytest.mark.parametrize("day", FAR)
async def test_a_time_out_of_all_proportion_is_refused_by_its_field(day: str, practice: Practice) -> None:
    """With a provider, a type and a schedule: else the answer would be that there is none."""
    await practice.publish()
    provider, kind = practice.ids["provider_id"], practice.ids["appointment_type_id"]
    at = f"{day}T00:00:00Z"
    for path, query, field in (
        ("/v1/slots", {"appointment_type": kind, "from": at, "to": at}, "from"),
        ("/v1/slots/days", {"appointment_type": kind, "from": at, "to": at}, "from"),
        ("/v1/slots/explain", {"provider": provider, "start": at}, "start"),
    ):
        problem = await practice.call("GET", path, 422, params=query)
        assert (problem["code"], problem["field"]) == ("invalid_request", field)
    admin = practice.issuer.headers(practice.tenant, "admin")
    for path in (f"/v1/providers/{provider}/overrides/{day}", f"/v1/practices/{practice.tenant}/holidays/{day}"):
        body: dict[str, Any] = {"windows": []} if "overrides" in path else {"name": "Someday"}
        problem = await practice.call("PUT", path, 422, json=body, headers=admin)
        assert (problem["code"], problem["field"]) == ("invalid_request", "date")


@pytest.mark.parametrize("what", ["appointment_type", "location"])
async def test_explain_refuses_what_the_practice_does_not_have(what: str, practice: Practice) -> None:
    await practice.publish()
    query = {"provider": practice.ids["provider_id"], "start": "2026-03-03T15:00:00Z"}
    problem = await practice.call("GET", "/v1/slots/explain", 422, params={**query, what: str(uuid4())})
    assert (problem["code"], problem["field"]) == (f"{what}_unknown", what)
    [item] = (await practice.call("GET", "/v1/slots/explain", params={**query, what: practice.ids[f"{what}_id"]}))[
        "items"
    ]
    assert item["offered"]


async def test_weekdays_and_times_of_day_need_somebodys_clock(practice: Practice) -> None:
    await practice.publish()
    begin = {"from": NOW.isoformat(), "to": (NOW + timedelta(days=7)).isoformat()}
    query = {"appointment_type": practice.ids["appointment_type_id"], **begin, "time_of_day": "evening"}
    problem = await practice.call("GET", "/v1/slots", 422, params=query)
    assert (problem["code"], problem["field"]) == ("zone_needed", "zone")
    assert await practice.search(time_of_day="evening", zone="America/New_York")


async def test_a_client_can_not_look_behind_somebody_elses_visit(practice: Practice) -> None:
    await practice.publish()
    mine, theirs = uuid4(), uuid4()
    visit = appointment_event(
        AppointmentBooked,
        start=NOW + timedelta(days=1),
        client_id=theirs,
        provider_id=UUID(practice.ids["provider_id"]),
    )
    await practice.follow(visit)
    headers = practice.issuer.headers(practice.tenant, "client", client_id=mine)
    query = {
        "appointment_type": practice.ids["appointment_type_id"],
        "from": NOW.isoformat(),
        "to": (NOW + timedelta(days=7)).isoformat(),
        "ignore": str(visit.appointment_id),
    }
    problem = await practice.call("GET", "/v1/slots", 403, params=query, headers=headers)
    assert (problem["code"], problem["field"]) == ("not_yours", "ignore")
    own = practice.issuer.headers(practice.tenant, "client", client_id=theirs)
    assert (await practice.call("GET", "/v1/slots", params=query, headers=own))["items"]
