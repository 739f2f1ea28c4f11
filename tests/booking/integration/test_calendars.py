"""Calendar files, private feeds, and the way into a visit by video, over HTTP against real PostgreSQL."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from icalendar import Calendar
from sqlalchemy import text

from tests.booking.conftest import ManualClock
from tests.support.build import NOW, schedule
from tests.support.practice import Practice

pytestmark = pytest.mark.servers

MINUTE = timedelta(minutes=1)


def events(answer: httpx.Response) -> list[Any]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    return list(Calendar.from_ical(answer.text).walk("VEVENT"))


async def open_feed(practice: Practice, role: str = "staff", expect: int = 201, **body: Any) -> Any:
    claims = body.pop("claims", {})
    answer = await practice.http.post("/v1/calendars", json=body, headers=practice.headers(role, **claims))
    assert answer.status_code == expect, answer.text
    return answer.json()


def path(feed: dict[str, Any]) -> str:
    return str(httpx.URL(feed["url"]).path)


async def test_a_visit_as_a_calendar_file_says_when_and_nothing_of_what(practice: Practice) -> None:
    [start] = practice.starts(1)
    visit = (await practice.book(start)).json()
    answer = await practice.http.get(f"/v1/appointments/{visit['id']}/calendar.ics", headers=practice.headers())
    [event] = events(answer)
    assert (event["DTSTART"].dt, event["DTEND"].dt) == (start, start + 50 * MINUTE)
    assert (str(event["UID"]), int(event["SEQUENCE"])) == (f"{visit['id']}@rapport", 1)
    assert (str(event["SUMMARY"]), str(event["CLASS"])) == ("Appointment", "PRIVATE")
    other = practice.headers("client", client_id=uuid4())
    refused = await practice.http.get(f"/v1/appointments/{visit['id']}/calendar.ics", headers=other)
    assert refused.status_code == 404


@pytest.mark.parametrize("whose", ["provider", "client"])
async def test_a_feed_has_what_stands_of_one_person_and_is_read_without_a_token_until_it_is_revoked(
    whose: str, practice: Practice
) -> None:
    first, second, third = practice.starts(3)
    visit = (await practice.book(first)).json()
    gone = (await practice.book(second, visit["client_id"])).json()
    await practice.act(gone, "cancel", {})
    elsewhere = await practice.publish(schedule())
    body = {"slot": practice.slot(third, schedule_id=elsewhere.schedule_id), "client_id": await practice.client()}
    await practice.http.post("/v1/appointments", json=body, headers=practice.headers())
    feed = await open_feed(practice, **{f"{whose}_id": visit[f"{whose}_id"]})
    read = await practice.http.get(path(feed))
    assert [str(event["UID"]) for event in events(read)] == [f"{visit['id']}@rapport"]
    assert "Sam" not in read.text
    again = await practice.http.get(path(feed), headers={"if-none-match": read.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    await practice.act(visit, "reschedule", {"slot": practice.slot(second)})
    moved = await practice.http.get(path(feed), headers={"if-none-match": read.headers["etag"]})
    [event] = events(moved)
    assert (event["DTSTART"].dt, int(event["SEQUENCE"])) == (second, 2)
    for _ in range(2):
        answer = await practice.http.delete(f"/v1/calendars/{feed['id']}", headers=practice.headers())
        assert (answer.status_code, answer.json()["revoked_at"] is not None) == (200, True)
    closed = await practice.http.get(path(feed))
    assert (closed.status_code, closed.json()["code"]) == (404, "calendar_not_found")


async def test_a_feed_reaches_a_month_back_and_a_year_ahead(practice: Practice, clock: ManualClock) -> None:
    [start] = practice.starts(1)
    visit = (await practice.book(start)).json()
    feed = await open_feed(practice, client_id=visit["client_id"])
    for now, seen in ((start + timedelta(days=30), 1), (start + timedelta(days=30) + MINUTE, 0)):
        clock.now = now
        assert len(events(await practice.http.get(path(feed)))) == seen, now
    clock.now = start - timedelta(days=365)
    assert events(await practice.http.get(path(feed))) == []


async def test_an_address_is_a_secret_that_is_kept_nowhere(practice: Practice) -> None:
    client = await practice.client()
    feed = await open_feed(practice, client_id=client)
    secret = path(feed).rsplit("/", 1)[1].removesuffix(".ics")
    async with practice.resources.database.transaction(practice.tenant) as session:
        row = (await session.execute(text("SELECT * FROM calendars"))).mappings().one()
    assert secret not in str(dict(row))
    assert len(row["token_hash"]) == 32
    listed = await practice.http.get("/v1/calendars", params={"client_id": client}, headers=practice.headers())
    assert "url" not in listed.json()["items"][0]
    for forged in (secret[:-4] + "AAAA", "A" * len(secret), "x", "%00", secret[:40]):
        assert (await practice.http.get(f"/calendars/{forged}.ics")).status_code == 404, forged


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"provider_id": str(uuid4()), "client_id": str(uuid4())},
        {"client_id": str(uuid4()), "titles": "kind"},
        {"provider_id": str(uuid4()), "titles": "names"},
    ],
)
async def test_a_feed_is_of_one_person_and_a_clients_is_always_opaque(body: dict[str, Any], practice: Practice) -> None:
    assert (await open_feed(practice, expect=422, **body))["code"] == "invalid_request"


async def test_everybody_opens_and_revokes_what_is_their_own(practice: Practice) -> None:
    mine, theirs, provider = await practice.client(), await practice.client(), uuid4()
    as_client = {"client_id": mine}
    await open_feed(practice, "client", claims=as_client, client_id=mine)
    other = await open_feed(practice, client_id=theirs)
    assert (await open_feed(practice, "client", 403, claims=as_client, client_id=theirs))["code"] == "not_yours"
    assert (await open_feed(practice, "client", 403, claims=as_client, provider_id=str(provider)))[
        "code"
    ] == "not_yours"
    as_provider = {"provider_id": provider}
    await open_feed(practice, "provider", claims=as_provider, provider_id=str(provider))
    assert (await open_feed(practice, "provider", 403, claims=as_provider, client_id=mine))["code"] == "not_yours"
    headers = practice.headers("client", client_id=mine)
    refused = await practice.http.delete(f"/v1/calendars/{other['id']}", headers=headers)
    assert refused.status_code == 404
    assert len(events(await practice.http.get(path(other)))) == 0, "it stands"
    listed = await practice.http.get("/v1/calendars", headers=headers)
    assert [item["client_id"] for item in listed.json()["items"]] == [mine]
    assert (await open_feed(practice, expect=404, client_id=str(uuid4())))["code"] == "client_not_found"


async def set_video(practice: Practice, link: str | None = "https://video.example.org/{room}") -> None:
    body = {"late_within": "P1D", "video_link": link}
    headers = {**practice.headers("admin"), "if-match": '"0"'}
    assert (await practice.http.put("/v1/policy", json=body, headers=headers)).status_code == 200


async def by_video(practice: Practice) -> tuple[dict[str, Any], datetime]:
    practice.rules = await practice.publish(schedule(modality="telehealth"))
    [start] = practice.starts(1)
    return (await practice.book(start)).json(), start


async def join(practice: Practice, visit: dict[str, Any], role: str = "staff", **claims: Any) -> httpx.Response:
    return await practice.http.get(f"/v1/appointments/{visit['id']}/join", headers=practice.headers(role, **claims))


async def test_the_link_to_join_is_told_around_the_visit_only_and_to_whom_it_concerns(
    practice: Practice, clock: ManualClock
) -> None:
    await set_video(practice)
    visit, start = await by_video(practice)
    clock.now = start - 15 * MINUTE - timedelta(seconds=1)
    early = await join(practice, visit)
    assert (early.status_code, early.json()["code"]) == (409, "not_open_yet")
    urls = set()
    for now in (start - 15 * MINUTE, start + 64 * MINUTE):
        clock.now = now
        for role, claims in (
            ("staff", {}),
            ("client", {"client_id": visit["client_id"]}),
            ("provider", {"provider_id": UUID(visit["provider_id"])}),
        ):
            answer = await join(practice, visit, role, **claims)
            assert answer.status_code == 200, answer.text
            urls.add(answer.json()["url"])
    [url] = urls
    assert url.startswith("https://video.example.org/")
    assert visit["id"] not in url
    assert (await join(practice, visit, "client", client_id=uuid4())).status_code == 404
    clock.now = start + 65 * MINUTE
    assert (await join(practice, visit)).status_code == 410
    query = text("SELECT count(*) FROM outbox WHERE convert_from(payload, 'utf8') LIKE '%video.example%'")
    async with practice.resources.database.transaction(practice.tenant) as session:
        assert await session.scalar(query) == 0


async def test_only_visits_by_video_that_stand_have_one(practice: Practice, clock: ManualClock) -> None:
    [start] = practice.starts(1)
    in_person = (await practice.book(start)).json()
    video, _ = await by_video(practice)
    clock.now = NOW + timedelta(minutes=50)
    assert (await join(practice, video)).status_code == 404, "the practice has set no address"
    await set_video(practice)
    assert (await join(practice, in_person)).status_code == 404
    assert (await join(practice, video)).status_code == 200
    await practice.act(video, "cancel", {})
    assert (await join(practice, video)).status_code == 404


async def test_an_address_that_makes_no_sense_is_refused_by_its_field(practice: Practice) -> None:
    body = {"late_within": "P1D", "video_link": "http://video.example.org/{room}"}
    headers = {**practice.headers("admin"), "if-match": '"0"'}
    refused = await practice.http.put("/v1/policy", json=body, headers=headers)
    assert (refused.status_code, refused.json()["code"], refused.json()["field"]) == (
        422,
        "video_link_invalid",
        "video_link",
    )


async def test_a_visit_that_was_entered_in_error_has_no_door_and_no_place_in_a_calendar(
    practice: Practice, clock: ManualClock
) -> None:
    await set_video(practice)
    visit, clock.now = await by_video(practice)
    assert (await join(practice, visit)).status_code == 200
    await practice.act(visit, "enter-in-error", {"reason": "another client's"})
    assert (await join(practice, visit)).status_code == 404
    where = f"/v1/appointments/{visit['id']}/calendar.ics"
    [event] = events(await practice.http.get(where, headers=practice.headers()))
    assert str(event["STATUS"]) == "CANCELLED"
