"""A practice's rules over HTTP: what changes them shows in search, in explain and in what is published."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from services.availability import repository
from services.availability.use_cases import calendars, hours, projection
from shared.contracts.booking import (
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentRescheduled,
    AppointmentState,
    SlotHeld,
    SlotReleased,
)
from shared.contracts.slots import floor, moment
from shared.paging import pack
from tests.availability.conftest import WEEK, Practice
from tests.support.build import NOW, appointment_event

pytestmark = pytest.mark.servers

TUESDAY = "2026-03-03"


def starts(found: dict[str, Any], day: str = "") -> list[str]:
    return [item["start"] for item in found["items"] if item["start"].startswith(day)]


async def follows(practice: Practice, **more: Any) -> dict[str, Any]:
    """A schedule without windows of its own, of a provider who works weekdays 09:00-17:00."""
    await set_hours(practice, windows=WEEK)
    schedule: dict[str, Any] = await practice.call("POST", "/v1/schedules", 201, json={**practice.ids, **more})
    return schedule


async def set_hours(practice: Practice, expect: int = 200, **hours: Any) -> Any:
    path = f"/v1/providers/{practice.ids['provider_id']}/hours"
    version = (await practice.call("GET", path))["version"]
    return await practice.call("PUT", path, expect, json=hours, headers={"if-match": f'"{version}"'})


async def reasons(practice: Practice, start: str, **more: Any) -> list[tuple[str, str]]:
    query = {"provider": practice.ids["provider_id"], "start": start, **more}
    found = await practice.call("GET", "/v1/slots/explain", params=query)
    [item] = found["items"]
    assert item["offered"] == (not item["reasons"])
    return [(reason["rule"], reason["detail"]) for reason in item["reasons"]]


def visit(practice: Practice, schedule: dict[str, Any], start: str, **more: Any) -> AppointmentState:
    at = datetime.fromisoformat(start)
    event = more.pop("event", AppointmentBooked)
    ids = {"provider_id": practice.ids["provider_id"], "schedule_id": schedule["id"], **more}
    return appointment_event(event, start=at, **ids)


async def test_hours_of_a_provider_hold_for_schedules_without_their_own(practice: Practice) -> None:
    await follows(practice)
    assert len(starts(await practice.search(days=3), TUESDAY)) == 15
    await set_hours(practice, windows=[{"weekday": 1, "start": "18:00", "end": "20:00"}])
    assert starts(await practice.search(days=3)) == [f"{TUESDAY}T{at}:00Z" for at in ("23:00", "23:30")] + [
        "2026-03-04T00:00:00Z"
    ]
    published = await practice.outbox("schedule.published")
    assert [event["sequence"] for _, event in published] == [1, 2]


SUNDAY_NIGHT = [{"weekday": 6, "start": "20:00", "end": "02:00"}, {"weekday": 0, "start": "01:00", "end": "09:00"}]
TRIP = {"first": "2026-06-02", "last": "2026-06-09", "zone": "UTC"}


@pytest.mark.parametrize(
    ("hours", "code", "field"),
    [
        ({"windows": [*WEEK, {"weekday": 0, "start": "16:00", "end": "18:00"}]}, "windows_overlap", "windows.5"),
        ({"windows": SUNDAY_NIGHT}, "windows_overlap", "windows.1"),
        ({"windows": [], "travels": [{**TRIP, "last": "2026-06-01"}]}, "travel_inverted", "travels.0.last"),
        ({"windows": [], "travels": [TRIP, TRIP]}, "travel_overlap", "travels.1.first"),
        (
            {"windows": [], "travels": [TRIP, {**TRIP, "first": TRIP["last"], "last": "2026-06-20"}]},
            "travel_overlap",
            "travels.1.first",
        ),
        ({"windows": [], "travels": [{**TRIP, "zone": "Mars/Base"}]}, "invalid_request", "travels.0.zone"),
        ({"windows": [], "most_per_day": 0}, "invalid_request", "most_per_day"),
    ],
)
async def test_bad_hours_name_the_field_and_change_nothing(
    hours: dict[str, Any], code: str, field: str, practice: Practice
) -> None:
    await follows(practice)
    before = await practice.outbox()
    problem = await set_hours(practice, 422, **hours)
    assert (problem["code"], problem["field"]) == (code, field)
    assert await practice.outbox() == before


async def test_hours_are_replaced_only_by_who_has_read_them(practice: Practice) -> None:
    path = f"/v1/providers/{practice.ids['provider_id']}/hours"
    assert (await practice.call("PUT", path, 428, json={"windows": WEEK}))["code"] == "if_match_missing"
    await practice.call("PUT", path, 412, json={"windows": WEEK}, headers={"if-match": '"7"'})


async def test_an_override_replaces_a_days_hours_and_holidays_close_the_rest(practice: Practice) -> None:
    await follows(practice)
    base = f"/v1/providers/{practice.ids['provider_id']}/overrides"
    await practice.call("PUT", f"{base}/{TUESDAY}", json={"windows": [{"start": "12:00", "end": "13:30"}]})
    await practice.call("PUT", f"{base}/2026-03-04", json={"windows": []})
    assert starts(await practice.search(days=2))[-2:] == [f"{TUESDAY}T17:00:00Z", f"{TUESDAY}T17:30:00Z"]
    assert (await reasons(practice, "2026-03-04T15:00:00Z"))[0] == ("override", "outside the hours set for 2026-03-04")
    holidays = f"/v1/practices/{practice.tenant}/holidays"
    for day in (TUESDAY, "2026-03-05"):
        await practice.call("PUT", f"{holidays}/{day}", json={"name": "Founders' day"})
    found = await practice.search(days=3)
    assert starts(found, TUESDAY), "an override with hours is open on a holiday too"
    assert not starts(found, "2026-03-05")
    assert [rule for rule, _ in await reasons(practice, "2026-03-05T15:00:00Z")] == ["holiday"]
    await practice.call("DELETE", f"{holidays}/2026-03-05", 204)
    await practice.call("DELETE", f"{base}/2026-03-04", 204)
    await practice.call("DELETE", f"{base}/2026-03-04", 404)
    assert not await reasons(practice, "2026-03-04T15:00:00Z")
    assert not await reasons(practice, "2026-03-05T15:00:00Z")


async def test_what_a_date_never_had_is_outside_hours_and_not_hidden_by_what_was_set_for_it(
    practice: Practice,
) -> None:
    """A schedule with hours of its own on Tuesday mornings; the provider is there longer on two dates."""
    await practice.publish([{"weekday": 1, "start": "09:00", "end": "12:00"}])
    for day in ("2026-03-10", "2026-03-11"):
        path = f"/v1/providers/{practice.ids['provider_id']}/overrides/{day}"
        await practice.call("PUT", path, json={"windows": [{"start": "09:00", "end": "20:00"}]})
        assert [rule for rule, _ in await reasons(practice, f"{day}T18:00:00Z")] == ["outside_hours"]


async def test_the_small_hours_of_a_night_are_hidden_by_what_was_set_for_the_day_before(practice: Practice) -> None:
    await set_hours(practice, windows=[{"weekday": 4, "start": "22:00", "end": "06:00"}])
    await practice.call("POST", "/v1/schedules", 201, json=practice.ids)
    saturday = "2026-03-14T05:00:00Z"
    assert await reasons(practice, saturday) == []
    path = f"/v1/providers/{practice.ids['provider_id']}/overrides/2026-03-13"
    await practice.call("PUT", path, json={"windows": []})
    for start in (saturday, "2026-03-14T03:00:00Z"):
        assert await reasons(practice, start) == [("override", "outside the hours set for 2026-03-13")]


async def test_every_rule_that_hides_a_time_is_named(practice: Practice) -> None:
    await practice.publish(new_client_windows=[{"weekday": 5, "start": "09:00", "end": "12:00"}])
    assert [rule for rule, _ in await reasons(practice, "2026-03-07T15:10:00Z")] == ["new_clients_only", "off_grid"]
    assert [rule for rule, _ in await reasons(practice, "2026-03-07T15:10:00Z", new_client="true")] == ["off_grid"]


async def test_who_is_preferred_twice_counts_where_they_are_named_first(practice: Practice) -> None:
    await practice.publish()
    other = (await practice.call("POST", "/v1/providers", 201, json={"name": "B", "zone": "America/New_York"}))["id"]
    await practice.call("POST", "/v1/schedules", 201, json={**practice.ids, "provider_id": other, "windows": WEEK})
    mine = practice.ids["provider_id"]
    for prefer in ([mine, other], [mine, other, mine]):
        assert (await practice.search(prefer=prefer))["items"][0]["provider_id"] == mine


@pytest.mark.parametrize(
    ("timing", "code", "field"),
    [
        ({"step": "PT7M"}, "step_uneven", "step"),
        ({"step": "PT11H"}, "step_uneven", "step"),
        ({"minimum_notice": "P40D", "horizon": "P30D"}, "notice_beyond_horizon", "minimum_notice"),
    ],
)
async def test_timing_that_does_not_fit_is_refused_of_a_type_and_of_a_schedule(
    timing: dict[str, str], code: str, field: str, practice: Practice
) -> None:
    body = {"name": "Visit", "duration": "PT50M", "step": "PT30M", **timing}
    refused = await practice.call("POST", "/v1/appointment-types", 422, json=body)
    assert (refused["code"], refused["field"]) == (code, field)
    refused = await practice.call("POST", "/v1/schedules", 422, json={**practice.ids, "windows": WEEK, **timing})
    assert (refused["code"], refused["field"]) == (code, field)
    assert await practice.outbox("schedule.published") == []


async def test_a_date_is_overridden_once_and_a_start_is_a_whole_second(practice: Practice) -> None:
    shut = {"date": "2026-03-04", "windows": []}
    body = {**practice.ids, "windows": WEEK, "overrides": [shut, shut]}
    refused = await practice.call("POST", "/v1/schedules", 422, json=body)
    assert (refused["code"], refused["field"]) == ("override_twice", "overrides.1.date")
    query = {"provider": practice.ids["provider_id"], "start": "2026-03-04T15:00:00.5Z"}
    refused = await practice.call("GET", "/v1/slots/explain", 422, params=query)
    assert refused["field"] == "start"


@pytest.mark.parametrize("what", ["overrides", "time-off", "holidays", "calendars"])
async def test_nobody_fills_the_tables_without_end(
    what: str, practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MOST_OVERRIDES", "MOST_TIME_OFF", "MOST_HOLIDAYS"):
        monkeypatch.setattr(hours, name, 2)
    monkeypatch.setattr(calendars, "MOST_CALENDARS", 2)
    provider = f"/v1/providers/{practice.ids['provider_id']}"

    async def add(day: int, expect: int) -> Any:
        if what == "overrides":
            return await practice.call("PUT", f"{provider}/overrides/2026-04-{day:02d}", expect, json={"windows": []})
        if what == "holidays":
            path = f"/v1/practices/{practice.tenant}/holidays/2026-04-{day:02d}"
            return await practice.call("PUT", path, expect, json={"name": "Day off"})
        if what == "time-off":
            body = {"begins_at": f"2026-04-{day:02d}T12:00:00Z", "ends_at": f"2026-04-{day:02d}T14:00:00Z"}
            return await practice.call("POST", f"{provider}/time-off", expect, json=body)
        body = {"name": "Own", "url": f"https://calendar.example.org/{day}.ics"}
        return await practice.call("POST", f"{provider}/calendars", expect, json=body)

    made = 200 if what in ("overrides", "holidays") else 201
    for day in (1, 2):
        await add(day, made)
    assert (await add(3, 422))["code"].startswith("too_many_")
    if made == 200:
        await add(2, made)


async def test_a_schedules_own_override_replaces_a_day_of_its_own_hours(practice: Practice) -> None:
    shut = {"date": "2026-03-04", "windows": []}
    short = {"date": TUESDAY, "windows": [{"start": "12:00", "end": "13:30"}]}
    schedule = await practice.publish(overrides=[short, shut])
    found = await practice.search(days=3)
    assert starts(found, TUESDAY) == [f"{TUESDAY}T17:00:00Z", f"{TUESDAY}T17:30:00Z"]
    assert not starts(found, "2026-03-04")
    assert starts(found, "2026-03-05"), "the other days stay as they are"
    assert (await reasons(practice, f"{TUESDAY}T15:00:00Z"))[0] == ("override", f"outside the hours set for {TUESDAY}")
    headers, body = {"if-match": f'"{schedule["version"]}"'}, {"windows": WEEK}
    await practice.call("PUT", f"/v1/schedules/{schedule['id']}", json=body, headers=headers)
    assert f"{TUESDAY}T15:00:00Z" in starts(await practice.search(days=3))


async def test_a_providers_override_stays_within_a_schedules_own_hours(practice: Practice) -> None:
    wednesday = "2026-03-04"
    await practice.publish(
        [{"weekday": 2, "start": "10:00", "end": "12:00"}],
        new_client_windows=[{"weekday": 2, "start": "14:00", "end": "16:00"}],
    )
    path = f"/v1/providers/{practice.ids['provider_id']}/overrides/{wednesday}"

    async def offered(**more: Any) -> list[str]:
        return [start[11:16] for start in starts(await practice.search(days=3, **more), wednesday)]

    await practice.call("PUT", path, json={"windows": [{"start": "11:00", "end": "15:00"}]})
    assert (await offered(), await offered(new_client="true")) == (["16:00"], ["16:00", "19:00"])
    kept = [{"start": "10:00", "end": "12:00"}]
    await practice.call("PUT", path, json={"windows": [], "new_client_windows": kept})
    assert (await offered(), await offered(new_client="true")) == ([], ["15:00", "15:30", "16:00"])
    past = f"/v1/providers/{practice.ids['provider_id']}/overrides/2020-01-01"
    refused = await practice.call("PUT", past, 422, json={"windows": []})
    assert (refused["code"], refused["field"]) == ("override_past", "date")


async def test_a_travelling_provider_works_by_the_clock_of_the_place(practice: Practice) -> None:
    await follows(practice)
    await set_hours(
        practice, windows=WEEK, travels=[{"first": TUESDAY, "last": TUESDAY, "zone": "America/Los_Angeles"}]
    )
    found = await practice.search(days=3)
    assert starts(found, TUESDAY)[0] == f"{TUESDAY}T17:00:00Z"
    assert {item["zone"] for item in found["items"]} == {"America/New_York", "America/Los_Angeles"}


async def test_time_off_hides_its_time_and_asks_to_rebook_what_it_meets(practice: Practice) -> None:
    schedule = await follows(practice)
    booked = visit(practice, schedule, f"{TUESDAY}T15:00:00+00:00")
    await practice.follow(booked)
    path = f"/v1/providers/{practice.ids['provider_id']}/time-off"
    away = {"begins_at": f"{TUESDAY}T14:00:00Z", "ends_at": f"{TUESDAY}T18:00:00Z"}
    added = await practice.call("POST", path, 201, json=away)
    assert starts(await practice.search(days=2), TUESDAY)[0] == f"{TUESDAY}T18:00:00Z"
    [(_, told)] = await practice.outbox("provider.unavailable")
    assert [(item["begin"], item["because"]) for item in told["blocked"]] == [(f"{TUESDAY}T14:00:00Z", "time_off")]
    await practice.call("DELETE", f"{path}/{added['id']}", 204)
    assert [event["blocked"] for _, event in await practice.outbox("provider.unavailable")][-1] == []
    assert starts(await practice.search(days=2), TUESDAY)[0] == f"{TUESDAY}T14:00:00Z"


@pytest.mark.parametrize(
    ("begins", "ends", "code"),
    [
        ("2026-03-03T14:00:00Z", "2026-03-03T14:00:00Z", "time_off_inverted"),
        ("2026-03-03T14:00:00Z", "2027-06-03T14:00:00Z", "time_off_too_long"),
        ("2026-03-01T14:00:00Z", "2026-03-01T15:00:00Z", "time_off_past"),
        ("2026-03-03T14:00:00", "2026-03-03T15:00:00", "invalid_request"),
    ],
)
async def test_time_off_that_makes_no_sense_is_refused(begins: str, ends: str, code: str, practice: Practice) -> None:
    path = f"/v1/providers/{practice.ids['provider_id']}/time-off"
    problem = await practice.call("POST", path, 422, json={"begins_at": begins, "ends_at": ends})
    assert problem["code"] == code
    assert problem["field"] in ("begins_at", "ends_at")
    assert (await practice.call("GET", path))["items"] == []


async def test_explain_names_every_rule_with_its_figures(practice: Practice) -> None:
    schedule = await practice.publish(most_per_day=1, minimum_notice="PT24H", horizon="P10D", buffer_before="PT10M")
    await practice.follow(visit(practice, schedule, "2026-03-04T15:00:00+00:00", client_id=uuid4()))
    assert await reasons(practice, "2026-03-04T16:00:00Z") == [
        ("visit", "inside buffer of an appointment 10:00-10:50"),
        ("most_per_day", "over 1 a day of this schedule"),
    ]
    assert (await reasons(practice, "2026-03-04T15:30:00Z"))[0] == ("visit", "during an appointment 10:00-10:50")
    assert await reasons(practice, "2026-03-02T16:00:00Z") == [("minimum_notice", "notice of 24 h")]
    assert await reasons(practice, "2026-03-02T14:00:00Z") == [("past", "in the past")]
    assert await reasons(practice, "2026-03-13T15:00:00Z") == [("horizon", "further ahead than 10 days")]
    assert [rule for rule, _ in await reasons(practice, "2026-03-05T15:10:00Z")] == ["off_grid"]
    assert [rule for rule, _ in await reasons(practice, "2026-03-07T15:00:00Z")] == ["outside_hours"]
    assert await reasons(practice, "2026-03-05T15:00:00Z") == []


async def test_a_room_is_shared_and_a_client_is_in_one_place(practice: Practice) -> None:
    room = await practice.call("POST", "/v1/rooms", 201, json={"location_id": practice.ids["location_id"], "name": "1"})
    await practice.publish(room_ids=[room["id"]])
    other, client = uuid4(), uuid4()
    at = f"{TUESDAY}T15:00:00+00:00"
    elsewhere = {"provider_id": other, "schedule_id": uuid4()}
    await practice.follow(
        visit(practice, {"id": ""}, at, **elsewhere, room_id=UUID(room["id"])),
        visit(practice, {"id": ""}, "2026-03-04T15:00:00+00:00", **elsewhere, client_id=client),
    )
    assert [rule for rule, _ in await reasons(practice, f"{TUESDAY}T15:00:00Z")] == ["room"]
    assert f"{TUESDAY}T15:00:00Z" not in starts(await practice.search())
    assert "2026-03-04T15:00:00Z" in starts(await practice.search())
    assert "2026-03-04T15:00:00Z" not in starts(await practice.search(client=str(client)))
    assert [rule for rule, _ in await reasons(practice, "2026-03-04T15:00:00Z", client=str(client))] == ["client"]


async def test_a_room_of_another_place_is_refused(practice: Practice) -> None:
    problem = await practice.call(
        "POST", "/v1/schedules", 422, json={**practice.ids, "windows": WEEK, "room_ids": [str(uuid4())]}
    )
    assert (problem["code"], problem["field"]) == ("room_unknown", "room_ids.0")


async def test_a_group_is_offered_until_its_last_seat_is_taken(practice: Practice) -> None:
    schedule = await practice.publish(capacity=2)
    at = f"{TUESDAY}T15:00:00"
    await practice.follow(visit(practice, schedule, f"{at}+00:00"))
    found = starts(await practice.search())
    assert f"{at}Z" in found
    assert f"{TUESDAY}T15:30:00Z" not in found, "the group's time is taken from everything else"
    await practice.follow(visit(practice, schedule, f"{at}+00:00"))
    assert f"{at}Z" not in starts(await practice.search())
    told = await reasons(practice, f"{at}Z")
    assert told == [("full", "the group 10:00-10:50 has no seat left")], "once, whatever the seats"


async def test_some_hours_are_kept_for_new_clients(practice: Practice) -> None:
    schedule = await practice.publish([WEEK[1]], new_client_windows=[WEEK[2]])
    wednesday = "2026-03-04T15:00:00Z"
    known = uuid4()
    await practice.follow(visit(practice, schedule, f"{TUESDAY}T20:00:00+00:00", client_id=known))
    assert wednesday not in starts(await practice.search())
    assert wednesday in starts(await practice.search(new_client="true"))
    assert wednesday in starts(await practice.search(client=str(uuid4())))
    assert wednesday not in starts(await practice.search(client=str(known)))
    told = await practice.search(client=str(known), new_client="true")
    assert wednesday not in starts(told), "their visits say whether a client is new"
    assert [rule for rule, _ in await reasons(practice, wednesday)] == ["new_clients_only"]


async def test_a_visit_to_be_moved_does_not_stand_in_its_own_way(practice: Practice) -> None:
    schedule = await practice.publish()
    booked = visit(practice, schedule, f"{TUESDAY}T15:00:00+00:00")
    await practice.follow(booked)
    assert f"{TUESDAY}T15:30:00Z" not in starts(await practice.search())
    assert f"{TUESDAY}T15:30:00Z" in starts(await practice.search(ignore=str(booked.appointment_id)))


async def test_a_visit_to_be_moved_frees_its_room_for_others_and_leaves_its_client_new(practice: Practice) -> None:
    room = (
        await practice.call("POST", "/v1/rooms", 201, json={"location_id": practice.ids["location_id"], "name": "1"})
    )["id"]
    schedule = await practice.publish(
        room_ids=[room], new_client_windows=[{**WEEK[1], "start": "18:00", "end": "19:00"}]
    )
    other = (await practice.call("POST", "/v1/providers", 201, json={"name": "B", "zone": "America/New_York"}))["id"]
    body = {**practice.ids, "provider_id": other, "windows": WEEK, "room_ids": [room]}
    await practice.call("POST", "/v1/schedules", 201, json=body)
    client, start = uuid4(), f"{TUESDAY}T15:00:00Z"
    booked = visit(practice, schedule, start, room_id=UUID(room), client_id=client)
    await practice.follow(booked)
    assert start not in starts(await practice.search(provider=other))
    ignoring: dict[str, Any] = {"ignore": str(booked.appointment_id)}
    assert start in starts(await practice.search(provider=other, **ignoring))
    evening = f"{TUESDAY}T23:00:00Z"
    assert evening not in starts(await practice.search(client=str(client)))
    assert evening in starts(await practice.search(client=str(client), **ignoring))


async def test_a_clients_own_visit_right_after_the_range_hides_what_would_run_into_it(practice: Practice) -> None:
    await practice.publish()
    client, until = uuid4(), datetime.fromisoformat(f"{TUESDAY}T15:00:00+00:00")
    await practice.follow(appointment_event(start=until, client_id=client))
    query: dict[str, Any] = {"from": (until - timedelta(hours=1)).isoformat(), "to": until.isoformat()}
    anybody = [item["start"][11:16] for item in (await practice.search(**query))["items"]]
    theirs = [item["start"][11:16] for item in (await practice.search(client=str(client), **query))["items"]]
    assert (anybody, theirs) == (["14:00", "14:30"], ["14:00"])


async def test_the_first_available_of_a_provider_is_the_earliest_of_their_schedules(practice: Practice) -> None:
    for start, modality in (("12:00", "in_person"), ("09:00", "telehealth"), ("15:00", "in_person")):
        place = {"name": start, "zone": "America/New_York", "modality": modality}
        location = (await practice.call("POST", "/v1/locations", 201, json=place))["id"]
        windows = [{"weekday": 1, "start": start, "end": f"{int(start[:2]) + 1}:00"}]
        body = {**practice.ids, "location_id": location, "windows": windows}
        await practice.call("POST", "/v1/schedules", 201, json=body)
    [first] = (await practice.search(first_available="true"))["items"]
    assert (first["start"], first["modality"]) == (f"{TUESDAY}T14:00:00Z", "telehealth")


async def test_a_schedule_is_published_once_until_it_is_withdrawn(practice: Practice) -> None:
    schedule = await practice.publish()
    refused = await practice.call("POST", "/v1/schedules", 409, json={**practice.ids, "windows": WEEK})
    assert (refused["code"], refused["schedule_id"]) == ("schedule_exists", schedule["id"])
    headers = {"if-match": f'"{schedule["version"]}"'}
    await practice.call("DELETE", f"/v1/schedules/{schedule['id']}", headers=headers)
    assert (await practice.publish())["id"] != schedule["id"]


async def test_a_hold_hides_its_slot_until_it_is_released_or_expires(practice: Practice) -> None:
    schedule = await practice.publish()
    as_visit = visit(practice, schedule, f"{TUESDAY}T15:00:00+00:00")
    values = {**as_visit.model_dump(), "hold_id": uuid4(), "expires_at": NOW + timedelta(minutes=5)}
    held = SlotHeld.model_validate(values)
    await practice.follow_hold(held)
    assert f"{TUESDAY}T15:00:00Z" not in starts(await practice.search())
    released = SlotReleased.model_validate({**values, "sequence": 2})
    await practice.follow_hold(released, held)
    assert f"{TUESDAY}T15:00:00Z" in starts(await practice.search())
    assert [event["reason"] for _, event in await practice.outbox("availability.opened")][-1] == "released"
    told = len(await practice.outbox("availability.opened"))
    again = SlotHeld.model_validate({**values, "hold_id": uuid4()})
    booked = SlotReleased.model_validate({**again.model_dump(), "sequence": 2, "because": "booked"})
    await practice.follow_hold(again, booked)
    assert len(await practice.outbox("availability.opened")) == told, "a visit has taken its place"
    expired = SlotHeld.model_validate({**values, "hold_id": uuid4(), "expires_at": NOW - timedelta(seconds=1)})
    await practice.follow_hold(expired)
    assert f"{TUESDAY}T15:00:00Z" in starts(await practice.search())


async def test_time_that_becomes_free_is_told_once(practice: Practice) -> None:
    schedule = await practice.publish()
    assert [event["reason"] for _, event in await practice.outbox("availability.opened")] == ["hours"]
    booked = visit(practice, schedule, f"{TUESDAY}T15:00:00+00:00")
    values = {**booked.model_dump(), "status": "cancelled", "sequence": 2}
    cancelled = AppointmentCancelled.model_validate(values)
    await practice.follow(booked, cancelled, booked, cancelled)
    # Visits at 14:30, 15:00 and 15:30 could not be booked before.
    assert await opened(practice) == [("cancelled", practice.ids["provider_id"], "14:30/16:20")]


async def opened(practice: Practice) -> list[tuple[str, str, str]]:
    """What was told of visits and holds that gave their time back: why, whose time, and which on Tuesday."""
    told = [event for _, event in await practice.outbox("availability.opened") if event["reason"] != "hours"]
    return [
        (event["reason"], event["provider_id"], f"{item['begin'][11:16]}/{item['end'][11:16]}")
        for event in told
        for item in event["opened"]
    ]


def gone(booked: AppointmentState) -> AppointmentState:
    return AppointmentCancelled.model_validate({**booked.model_dump(), "status": "cancelled", "sequence": 2})


async def test_a_visit_called_off_in_its_providers_time_off_opens_nothing(practice: Practice) -> None:
    schedule = await practice.publish()
    booked = visit(practice, schedule, f"{TUESDAY}T15:00:00+00:00")
    await practice.follow(booked)
    off = {"begins_at": f"{TUESDAY}T05:00:00Z", "ends_at": f"{TUESDAY}T23:30:00Z"}
    await practice.call("POST", f"/v1/providers/{practice.ids['provider_id']}/time-off", 201, json=off)
    await practice.follow(gone(booked))
    assert await opened(practice) == []


async def test_a_visit_of_a_withdrawn_schedule_opens_nothing(practice: Practice) -> None:
    schedule = await practice.publish()
    booked = visit(practice, schedule, f"{TUESDAY}T15:00:00+00:00")
    await practice.follow(booked)
    await practice.call("DELETE", f"/v1/schedules/{schedule['id']}", headers={"if-match": f'"{schedule["version"]}"'})
    await practice.follow(gone(booked))
    assert await opened(practice) == []


async def test_a_visit_that_moves_a_little_opens_only_what_it_no_longer_takes(practice: Practice) -> None:
    schedule = await practice.publish()
    booked = visit(practice, schedule, f"{TUESDAY}T15:00:00+00:00")
    values = {"event": AppointmentRescheduled, "sequence": 2, "appointment_id": booked.appointment_id}
    await practice.follow(booked, visit(practice, schedule, f"{TUESDAY}T15:30:00+00:00", **values))
    assert await opened(practice) == [("moved", practice.ids["provider_id"], "14:30/15:20")]


@pytest.mark.parametrize("last", ["held ends", "called off"])
async def test_a_visit_booked_from_a_hold_opens_its_time_once_whichever_end_is_heard_of_last(
    practice: Practice, last: str
) -> None:
    booked = visit(practice, await practice.publish(), f"{TUESDAY}T15:00:00+00:00")
    held = SlotHeld.model_validate(
        {**booked.model_dump(), "hold_id": uuid4(), "expires_at": NOW + timedelta(minutes=5)}
    )
    ending = {"sequence": 2, "because": "booked", "appointment_id": booked.appointment_id}
    ended = SlotReleased.model_validate({**held.model_dump(), **ending})
    await practice.follow_hold(held)
    await practice.follow(booked)
    if last == "called off":
        await practice.follow_hold(ended)
        assert await opened(practice) == []
        await practice.follow(gone(booked))
    else:
        await practice.follow(gone(booked))
        assert await opened(practice) == [], "still kept, for all that is known"
        await practice.follow_hold(ended)
    [(_, provider, span)] = await opened(practice)
    assert (provider, span) == (practice.ids["provider_id"], "14:30/16:20")


async def test_a_visit_that_moves_to_another_schedule_at_its_time_opens_its_full_day(practice: Practice) -> None:
    place = {"name": "Video", "zone": "America/New_York", "modality": "telehealth"}
    video = (await practice.call("POST", "/v1/locations", 201, json=place))["id"]
    full = await practice.publish(most_per_day=1)
    body = {**practice.ids, "location_id": video, "windows": WEEK}
    other = await practice.call("POST", "/v1/schedules", 201, json=body)
    booked = visit(practice, full, f"{TUESDAY}T15:00:00+00:00")
    values = {"event": AppointmentRescheduled, "sequence": 2, "appointment_id": booked.appointment_id}
    await practice.follow(booked, visit(practice, other, f"{TUESDAY}T15:00:00+00:00", **values))
    assert [span for _, _, span in await opened(practice)] == ["14:00/14:50", "16:00/21:50"]


async def test_a_visit_that_moves_to_another_room_at_its_time_opens_the_old_one(practice: Practice) -> None:
    other = (await practice.call("POST", "/v1/providers", 201, json={"name": "B", "zone": "America/New_York"}))["id"]
    rooms = [
        (await practice.call("POST", "/v1/rooms", 201, json={"name": name, "location_id": practice.ids["location_id"]}))
        for name in ("1", "2")
    ]
    first, second = (room["id"] for room in rooms)
    schedule = await practice.publish(room_ids=[first, second])
    body = {**practice.ids, "provider_id": other, "windows": WEEK, "room_ids": [first]}
    await practice.call("POST", "/v1/schedules", 201, json=body)
    booked = visit(practice, schedule, f"{TUESDAY}T15:00:00+00:00", room_id=UUID(first))
    values = {"sequence": 2, "appointment_id": booked.appointment_id, "room_id": UUID(second)}
    moved = visit(practice, schedule, f"{TUESDAY}T15:00:00+00:00", event=AppointmentRescheduled, **values)
    await practice.follow(booked, moved)
    assert await opened(practice) == [("moved", other, "14:30/16:20")]


async def test_a_visit_that_moves_within_a_day_that_is_full_with_it_opens_its_own_hour_only(practice: Practice) -> None:
    schedule = await practice.publish(most_per_day=2)
    booked = visit(practice, schedule, f"{TUESDAY}T15:00:00+00:00")
    values = {"event": AppointmentRescheduled, "sequence": 2, "appointment_id": booked.appointment_id}
    await practice.follow(booked, visit(practice, schedule, f"{TUESDAY}T19:00:00+00:00", **values))
    assert await opened(practice) == [("moved", practice.ids["provider_id"], "14:30/16:20")]


async def test_two_visits_of_one_hour_that_are_called_off_at_once_open_it(practice: Practice) -> None:
    schedule = await practice.publish()
    both = [visit(practice, schedule, f"{TUESDAY}T15:00:00+00:00") for _ in range(2)]
    await practice.follow(*both)
    begin = practice.database.transaction

    async def call_off(one: AppointmentState) -> None:
        async with begin(practice.tenant) as session:
            await projection.follow_visit(session, tenant=practice.tenant, state=gone(one), now=NOW)

    async with begin(practice.tenant) as first:
        await projection.follow_visit(first, tenant=practice.tenant, state=gone(both[0]), now=NOW)
        second = asyncio.create_task(call_off(both[1]))
        async with begin(practice.tenant) as onlooker:
            while not await onlooker.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")):
                assert not second.done(), "told without a look at the other"
    await second
    assert await opened(practice) == [("cancelled", practice.ids["provider_id"], "14:30/16:20")]


async def test_nobody_is_told_of_a_time_that_nobody_waits_for(practice: Practice) -> None:
    schedule = await practice.publish(horizon="P180D")
    for at, told in (("2026-05-01", 1), ("2026-06-02", 1)):
        booked = visit(practice, schedule, f"{at}T15:00:00+00:00")
        await practice.follow(booked, gone(booked))
        assert len(await opened(practice)) == told, at


async def test_a_shared_room_that_is_free_again_opens_time_of_all_who_use_it(practice: Practice) -> None:
    other = (await practice.call("POST", "/v1/providers", 201, json={"name": "B", "zone": "America/New_York"}))["id"]
    place = {"name": "1", "location_id": practice.ids["location_id"]}
    room = (await practice.call("POST", "/v1/rooms", 201, json=place))["id"]
    schedule = await practice.publish(room_ids=[room])
    body = {**practice.ids, "provider_id": other, "windows": WEEK, "room_ids": [room]}
    await practice.call("POST", "/v1/schedules", 201, json=body)
    booked = visit(practice, schedule, f"{TUESDAY}T15:00:00+00:00", room_id=UUID(room))
    await practice.follow(booked, gone(booked))
    both = [("cancelled", provider, "14:30/16:20") for provider in (practice.ids["provider_id"], other)]
    assert sorted(await opened(practice)) == sorted(both)


async def test_a_full_day_that_is_so_no_more_opens_as_a_whole(practice: Practice) -> None:
    schedule = await practice.publish(most_per_day=1)
    booked = visit(practice, schedule, f"{TUESDAY}T15:00:00+00:00")
    await practice.follow(booked, gone(booked))
    assert await opened(practice) == [("cancelled", practice.ids["provider_id"], "14:00/21:50")]


async def test_a_visit_that_is_moved_gives_back_its_old_time_and_takes_the_new_one(practice: Practice) -> None:
    other = (await practice.call("POST", "/v1/providers", 201, json={"name": "B", "zone": "UTC"}))["id"]
    schedule = await practice.publish()
    body = {**practice.ids, "provider_id": other, "windows": WEEK}
    elsewhere = await practice.call("POST", "/v1/schedules", 201, json=body)
    booked = visit(practice, schedule, f"{TUESDAY}T15:00:00+00:00")
    await practice.follow(booked)

    async def free_at(at: str) -> set[str]:
        found = (await practice.search())["items"]
        return {item["provider_id"] for item in found if item["start"] == at}

    old, new = f"{TUESDAY}T15:00:00Z", f"{TUESDAY}T16:00:00Z"
    assert (await free_at(old), await free_at(new)) == ({other}, {practice.ids["provider_id"], other})
    ids = {"provider_id": other, "schedule_id": elsewhere["id"], "appointment_id": booked.appointment_id}
    moved = visit(practice, schedule, new, event=AppointmentRescheduled, sequence=2, **ids)
    await practice.follow(moved)
    assert (await free_at(old), await free_at(new)) == (
        {practice.ids["provider_id"], other},
        {practice.ids["provider_id"]},
    )
    assert await opened(practice) == [("moved", practice.ids["provider_id"], "14:30/16:20")]


async def test_a_seat_more_in_a_full_group_is_time_that_opened(practice: Practice) -> None:
    schedule = await practice.publish()
    await practice.follow(visit(practice, schedule, f"{TUESDAY}T15:00:00+00:00"))
    before = len(await practice.outbox("availability.opened"))
    headers, body = {"if-match": f'"{schedule["version"]}"'}, {"windows": WEEK, "capacity": 2}
    await practice.call("PUT", f"/v1/schedules/{schedule['id']}", json=body, headers=headers)
    [told] = [event for _, event in (await practice.outbox("availability.opened"))[before:]]
    assert (told["reason"], told["opened"]) == (
        "hours",
        [{"begin": f"{TUESDAY}T15:00:00Z", "end": f"{TUESDAY}T15:50:00Z"}],
    )


async def test_evenings_are_those_of_the_asked_zone_wherever_the_server_is(practice: Practice) -> None:
    await practice.open_in("America/Los_Angeles")
    await practice.publish([{"weekday": day, "start": "09:00", "end": "20:00"} for day in range(7)])
    found = await practice.search(days=1, time_of_day="evening", zone="America/Los_Angeles")
    # Five in the afternoon in Los Angeles is one in the morning of the next day in UTC.
    assert starts(found) == [f"{TUESDAY}T{at}:00Z" for at in ("01:00", "01:30", "02:00", "02:30", "03:00")]
    weekend = await practice.search(days=7, weekday=["5", "6"], zone="America/Los_Angeles", time_of_day="morning")
    assert starts(weekend)[0] == "2026-03-07T17:00:00Z"
    assert {at[:10] for at in starts(weekend)} == {"2026-03-07", "2026-03-08"}


async def test_days_of_a_calendar_view_count_what_a_search_finds(practice: Practice) -> None:
    await practice.publish()
    query = {
        "appointment_type": practice.ids["appointment_type_id"],
        "from": "2026-03-02T00:00:00-05:00",
        "to": "2026-03-16T00:00:00-04:00",
        "zone": "America/New_York",
    }
    days = await practice.call("GET", "/v1/slots/days", params=query)
    counted = {item["date"]: item["slots"] for item in days["items"]}
    assert list(counted) == [f"2026-03-{day:02}" for day in range(2, 16)]
    assert counted["2026-03-03"] == 15
    assert counted["2026-03-07"] == 0
    found = await practice.call("GET", "/v1/slots", params={**query, "limit": "2000"})
    assert sum(counted.values()) == len(found["items"])


async def test_first_available_across_the_practice_and_the_clients_preference(practice: Practice) -> None:
    await practice.publish([WEEK[1]])
    first = practice.ids["provider_id"]
    second = (await practice.call("POST", "/v1/providers", 201, json={"name": "B", "zone": "UTC"}))["id"]
    body = {**practice.ids, "provider_id": second, "windows": [WEEK[2]]}
    await practice.call("POST", "/v1/schedules", 201, json=body)
    found = await practice.search(first_available="true")
    assert [(item["provider_id"], item["start"][:10]) for item in found["items"]] == [
        (first, TUESDAY),
        (second, "2026-03-04"),
    ]
    preferred = await practice.search(prefer=second)
    assert [item["provider_id"] for item in preferred["items"]][:1] == [second]
    pages, cursor = [], None
    while True:
        page = await practice.search(prefer=second, limit="4", **({"cursor": cursor} if cursor else {}))
        pages += page["items"]
        cursor = page["next"]
        if cursor is None:
            break
    assert [item["start"] for item in pages] == starts(preferred)


async def test_pages_of_first_available_follow_each_other(practice: Practice) -> None:
    await practice.publish([WEEK[1]])
    for day in (2, 3, 4):
        other = (await practice.call("POST", "/v1/providers", 201, json={"name": "B", "zone": "UTC"}))["id"]
        await practice.call(
            "POST", "/v1/schedules", 201, json={**practice.ids, "provider_id": other, "windows": [WEEK[day]]}
        )
    whole = (await practice.search(first_available="true"))["items"]
    assert len(whole) == 4
    page = await practice.search(first_available="true", limit="3")
    rest = await practice.search(first_available="true", limit="3", cursor=page["next"])
    assert (page["items"] + rest["items"], rest["next"]) == (whole, None)


async def test_days_count_only_the_times_of_the_week_that_are_asked_for(practice: Practice) -> None:
    await practice.publish()
    query = {
        "appointment_type": practice.ids["appointment_type_id"],
        "from": "2026-03-02T00:00:00-05:00",
        "to": "2026-03-09T00:00:00-04:00",
        "zone": "America/New_York",
        "weekday": ["1", "2"],
        "time_of_day": "afternoon",
    }
    days = await practice.call("GET", "/v1/slots/days", params=query)
    # Starts at 12:00, 12:30 … 16:00 on Tuesday and Wednesday.
    assert [item["slots"] for item in days["items"]] == [0, 9, 9, 0, 0, 0, 0]


async def test_an_override_of_the_provider_is_on_the_providers_clock_for_windows_of_a_schedule_too(
    practice: Practice,
) -> None:
    await practice.publish([{"weekday": 1, "start": "08:00", "end": "18:00"}])
    path = f"/v1/providers/{practice.ids['provider_id']}/overrides/{TUESDAY}"
    await practice.call("PUT", path, json={"windows": [{"start": "09:00", "end": "12:00"}]})
    found = starts(await practice.search(), TUESDAY)
    assert (found[0], found[-1]) == (f"{TUESDAY}T14:00:00Z", f"{TUESDAY}T16:00:00Z")


async def test_an_override_of_a_schedule_goes_before_the_providers(practice: Practice) -> None:
    own = {"date": TUESDAY, "windows": [{"start": "13:00", "end": "14:00"}], "new_client_windows": []}
    await practice.publish(overrides=[own])
    path = f"/v1/providers/{practice.ids['provider_id']}/overrides/{TUESDAY}"
    await practice.call("PUT", path, json={"windows": [{"start": "09:00", "end": "12:00"}]})
    assert starts(await practice.search(), TUESDAY) == [f"{TUESDAY}T18:00:00Z"]


async def test_several_preferences_come_in_their_order_and_the_rest_by_time(practice: Practice) -> None:
    await practice.publish([WEEK[1]])
    soonest, others = practice.ids["provider_id"], []
    for day in (2, 3, 4):
        other = (await practice.call("POST", "/v1/providers", 201, json={"name": "B", "zone": "UTC"}))["id"]
        body = {**practice.ids, "provider_id": other, "windows": [WEEK[day]]}
        await practice.call("POST", "/v1/schedules", 201, json=body)
        others.append(other)
    wednesday, thursday, friday = others

    async def in_order(*prefer: str) -> list[str]:
        found = (await practice.search(first_available="true", prefer=list(prefer)))["items"]
        every = [item["provider_id"] for item in (await practice.search(prefer=list(prefer)))["items"]]
        assert list(dict.fromkeys(every)) == [item["provider_id"] for item in found]
        return [item["provider_id"] for item in found]

    assert await in_order(friday, wednesday) == [friday, wednesday, soonest, thursday]
    assert await in_order(wednesday, friday) == [wednesday, friday, soonest, thursday]


async def test_intakes_within_two_days_come_before_a_preference(practice: Practice) -> None:
    await practice.open(intake=True)
    await practice.publish([WEEK[1]])
    soon = practice.ids["provider_id"]
    later = (await practice.call("POST", "/v1/providers", 201, json={"name": "B", "zone": "UTC"}))["id"]
    await practice.call("POST", "/v1/schedules", 201, json={**practice.ids, "provider_id": later, "windows": [WEEK[4]]})
    found = [item["provider_id"] for item in (await practice.search(prefer=later))["items"]]
    assert found[0] == soon, "an intake soon is kept more often"
    assert found[-1] == later


async def test_two_days_of_an_intake_end_48_hours_after_its_first_page(practice: Practice) -> None:
    await practice.open(intake=True)
    await practice.publish([{"weekday": 2, "start": "09:00", "end": "17:00"}])
    preferred = (await practice.call("POST", "/v1/providers", 201, json={"name": "B", "zone": "UTC"}))["id"]
    late = {**practice.ids, "provider_id": preferred, "windows": [WEEK[4]]}
    await practice.call("POST", "/v1/schedules", 201, json=late)
    found = starts(await practice.search(prefer=preferred))
    friday = next(place for place, start in enumerate(found) if start.startswith("2026-03-06"))
    # It is Monday 10:00 on the clock of the practice: Wednesday 09:00 and 09:30 are sooner than 48 hours.
    assert found[:friday] == ["2026-03-04T14:00:00Z", "2026-03-04T14:30:00Z"]


async def test_a_cursor_that_names_the_end_of_time_is_no_error_of_ours(practice: Practice) -> None:
    await practice.open(intake=True)
    schedule = await practice.publish()
    position = [0, 0, schedule["id"], floor(datetime(9999, 12, 31, 23, tzinfo=UTC))]
    assert await practice.search(prefer=practice.ids["provider_id"], cursor=pack(position))


async def test_a_client_is_not_told_why_a_time_is_hidden(practice: Practice) -> None:
    await practice.publish()
    headers = practice.issuer.headers(practice.tenant, "client", client_id=str(uuid4()))
    query = {"provider": practice.ids["provider_id"], "start": f"{TUESDAY}T15:00:00Z"}
    await practice.call("GET", "/v1/slots/explain", 403, params=query, headers=headers)


async def test_a_provider_may_add_and_remove_own_calendars_only(practice: Practice) -> None:
    path = f"/v1/providers/{practice.ids['provider_id']}/calendars"
    body = {"name": "Rota", "url": "https://calendar.example.org/a.ics"}
    other = practice.issuer.headers(practice.tenant, "provider", provider_id=str(uuid4()))
    own = practice.issuer.headers(practice.tenant, "provider", provider_id=practice.ids["provider_id"])
    await practice.call("POST", path, 403, json=body, headers=other)
    added = await practice.call("POST", path, 201, json=body, headers=own)
    await practice.call("DELETE", f"{path}/{added['id']}", 403, headers=other)
    await practice.call("DELETE", f"{path}/{added['id']}", 204, headers=own)


async def test_a_provider_may_change_own_hours_only(practice: Practice) -> None:
    headers = practice.issuer.headers(practice.tenant, "provider", provider_id=str(uuid4()))
    path = f"/v1/providers/{practice.ids['provider_id']}/time-off"
    away = {"begins_at": f"{TUESDAY}T14:00:00Z", "ends_at": f"{TUESDAY}T18:00:00Z"}
    answer = await practice.http.post(path, json=away, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "not_yours")


async def test_what_is_kept_in_memory_ends_at_the_horizon_and_moves_with_it(practice: Practice) -> None:
    await practice.publish(horizon="P1D")
    board = practice.http.app.state.resources.board  # type: ignore[attr-defined] # set by the fixture
    assert starts(await practice.search())[-1] == f"{TUESDAY}T15:00:00Z"
    shelf = (await board.open(practice.tenant)).shelf
    first, *beyond = shelf.blocks.values()
    assert moment(first.starts[-1]) <= NOW + timedelta(days=1, hours=1)
    assert not any(block.starts for block in beyond)
    assert first.good_until == floor(NOW) + 3600


async def test_a_holiday_reaches_each_provider_in_a_transaction_of_its_own_and_the_worker_does_what_is_left(
    practice: Practice,
) -> None:
    await practice.publish()
    other = await practice.call("POST", "/v1/providers", 201, json={"name": "B", "zone": "America/New_York"})
    await practice.publish(provider_id=other["id"])
    path = f"/v1/practices/{practice.tenant}/holidays"

    async def open_for() -> set[str]:
        found = await practice.search(begin=datetime(2026, 3, 5, 5, tzinfo=UTC), days=1)
        return {item["provider_id"] for item in found["items"]}

    async with practice.database.transaction(practice.tenant) as session:
        await repository.practice.provider(session, UUID(other["id"]), lock=True)
        await practice.call("PUT", f"{path}/2026-03-05", json={"name": "Founders' Day"})
        assert await open_for() == {other["id"]}, "whoever can be reached is closed at once"
    assert await practice.fire_due() == 1
    assert await open_for() == set()
    await practice.call("DELETE", f"{path}/2026-03-05", 204)
    assert (await open_for(), await practice.fire_due()) == ({practice.ids["provider_id"], other["id"]}, 0)


async def test_what_is_over_or_unknown_or_no_number_is_refused(practice: Practice) -> None:
    provider, path = practice.ids["provider_id"], f"/v1/practices/{practice.tenant}/holidays"
    problem = await practice.call("PUT", f"{path}/2020-01-01", 422, json={"name": "Long ago"})
    assert (problem["code"], problem["field"]) == ("holiday_past", "date")
    windows: list[dict[str, Any]] = [{"weekday": True, "start": "09:00", "end": "17:00"}]
    problem = await practice.call("POST", "/v1/schedules", 422, json={**practice.ids, "windows": windows})
    assert problem["field"] == "windows.0.weekday"
    body = {**practice.ids, "windows": [{**windows[0], "weekday": 1}], "capacity": True}
    assert (await practice.call("POST", "/v1/schedules", 422, json=body))["field"] == "capacity"
    await practice.publish()
    search = {"appointment_type": practice.ids["appointment_type_id"], "to": (NOW + timedelta(days=1)).isoformat()}
    for where, query in (
        ("/v1/slots/explain", {"provider": provider, "start": NOW.isoformat()}),
        ("/v1/slots", {**search, "from": NOW.isoformat()}),
    ):
        problem = await practice.call("GET", where, 404, params={**query, "ignore": str(uuid4())})
        assert (problem["code"], problem["field"]) == ("appointment_not_found", "ignore")


async def test_time_off_of_several_days_is_explained_with_its_dates(practice: Practice) -> None:
    await practice.publish()
    provider = practice.ids["provider_id"]
    away = {"begins_at": "2026-03-10T20:00:00Z", "ends_at": "2026-03-20T14:00:00Z"}
    await practice.call("POST", f"/v1/providers/{provider}/time-off", 201, json=away)
    query = {"provider": provider, "start": "2026-03-12T15:00:00Z"}
    [item] = (await practice.call("GET", "/v1/slots/explain", params=query))["items"]
    assert "time off 2026-03-10 16:00 - 2026-03-20 10:00" in [reason["detail"] for reason in item["reasons"]]
