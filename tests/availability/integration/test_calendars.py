"""Calendars kept elsewhere, from the feed to the search: read again and again, stale when unread, gone when dropped."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from services.availability.clients import FeedError, Feeds
from services.availability.jobs import timers
from services.availability.repository.calendars import REFRESH
from services.availability.resources import Resources
from services.availability.use_cases import calendars
from shared.timers import Timer
from tests.availability.conftest import WEEK, Practice
from tests.availability.integration.test_fetching_calendars import sends, server
from tests.support.build import NOW

pytestmark = pytest.mark.servers

LUNCH = datetime(2026, 3, 3, 17, 0, tzinfo=UTC)


def feed(*starts: datetime, rule: str = "") -> bytes:
    events = "".join(
        f"BEGIN:VEVENT\r\nUID:{number}\r\nDTSTART:{start:%Y%m%dT%H%M%SZ}\r\nDURATION:PT1H\r\n{rule}END:VEVENT\r\n"
        for number, start in enumerate(starts)
    )
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{events}END:VCALENDAR\r\n".encode()


class Elsewhere:
    """A provider's calendar at an address that this machine may read."""

    def __init__(self, practice: Practice) -> None:
        self.practice = practice
        self.path = f"/v1/providers/{practice.ids['provider_id']}/calendars"
        self.own: Resources = practice.http.app.state.resources  # type: ignore[attr-defined] # set by the fixture
        self.id = ""

    async def follow(self, url: str, **more: Any) -> dict[str, Any]:
        host = url.split("/")[2]
        object.__setattr__(self.own.settings, "insecure_feed_hosts", host)
        object.__setattr__(self.own, "feeds", Feeds(insecure_hosts=frozenset({host})))
        added: dict[str, Any] = await self.practice.call(
            "POST", self.path, 201, json={"name": "Rota", "url": url, **more}
        )
        self.id = added["id"]
        return added

    async def state(self) -> dict[str, Any]:
        found: dict[str, Any] = await self.practice.call("GET", f"{self.path}/{self.id}")
        return found

    async def read(self, body: bytes | FeedError, at: datetime) -> None:
        """One reading as the worker applies it, at a time of the test's choice."""
        if isinstance(body, FeedError):
            reading = calendars.Reading(code=body.code, detail=body.detail, line=body.line)
        else:
            zone, until = "America/New_York", at + timedelta(days=90)
            found = await self.own.feeds.busy(body, zone, at, until)
            spans = [(int(low.timestamp()), int(high.timestamp())) for low, high in found]
            reading = calendars.Reading(busy=spans, until=until)
        async with self.practice.database.transaction(self.practice.tenant) as session:
            await calendars.take_reading(
                session, tenant=self.practice.tenant, calendar_id=UUID(self.id), reading=reading, now=at
            )
        await self.own.board.look()


@pytest.fixture
async def elsewhere(practice: Practice) -> AsyncIterator[Elsewhere]:
    await practice.publish()
    yield Elsewhere(practice)


async def hidden(practice: Practice, at: datetime) -> bool:
    found = await practice.search()
    return f"{at:%Y-%m-%dT%H:%M:%SZ}" not in [item["start"] for item in found["items"]]


async def test_the_worker_reads_a_feed_at_once_and_again_only_if_it_changed(elsewhere: Elsewhere) -> None:
    practice = elsewhere.practice
    assert not await hidden(practice, LUNCH)
    # Weekly for ever, since the worker reads at the machine's time and the search looks at the test's.
    always = feed(datetime(2020, 1, 7, 17, 0, tzinfo=UTC), rule="RRULE:FREQ=WEEKLY\r\n")
    answer = {"with": sends("200 OK", always, etag='"1"')}

    async def serve(head: str, writer: Any) -> None:
        known = 'if-none-match: "1"' in head.lower()
        await (sends("304 Not Modified", etag='"1"') if known else answer["with"])(head, writer)

    async with server(serve) as (port, heads):
        added = await elsewhere.follow(f"http://127.0.0.1:{port}/secret.ics", refresh_every="PT15M")
        assert (added["host"], added["fetched_at"]) == ("127.0.0.1", None)
        assert "secret" not in str(added), "the address is a secret"
        assert await practice.fire_due() == 1
        read = await elsewhere.state()
        assert read["error_code"] is None
        assert 9 <= read["busy_times"] <= 12, "as far as the horizon asks, and a fortnight"
        await practice.call("POST", f"{elsewhere.path}/{elsewhere.id}/refresh", 202)
        await practice.fire_due()
        again = await elsewhere.state()
    assert len(heads) == 2
    assert again["fetched_at"] > read["fetched_at"], "found unchanged is as good as read"
    assert again["busy_times"] == read["busy_times"]


async def test_a_busy_time_is_not_offered_and_keeps_its_distance_by_the_buffers(elsewhere: Elsewhere) -> None:
    practice = elsewhere.practice
    await elsewhere.follow("http://127.0.0.1:9/a.ics")
    await elsewhere.read(feed(LUNCH), NOW)
    for minutes, is_hidden in ((-60, False), (-30, True), (0, True), (30, True), (60, False)):
        assert await hidden(practice, LUNCH + timedelta(minutes=minutes)) is is_hidden, minutes
    query = {"provider": practice.ids["provider_id"], "start": LUNCH.isoformat()}
    [item] = (await practice.call("GET", "/v1/slots/explain", params=query))["items"]
    assert [(reason["rule"], reason["detail"]) for reason in item["reasons"]] == [
        ("calendar", "an event of a calendar kept elsewhere 12:00-13:00")
    ]
    [(_, first), (_, second)] = await practice.outbox("schedule.published")
    assert (first["blocked"], len(second["blocked"])) == ([], 1)
    await practice.call("DELETE", f"{elsewhere.path}/{elsewhere.id}", 204)
    assert not await hidden(practice, LUNCH)
    await practice.call("GET", f"{elsewhere.path}/{elsewhere.id}", 404)


async def test_an_event_under_way_is_no_news_at_each_reading_and_explains_itself_by_its_own_dates(
    elsewhere: Elsewhere,
) -> None:
    practice = elsewhere.practice
    await elsewhere.follow("http://127.0.0.1:9/a.ics")
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:x", "BEGIN:VEVENT", "UID:1", "DTSTAMP:20260101T000000Z"]
    lines += ["DTSTART;VALUE=DATE:20260302", "DTEND;VALUE=DATE:20260307", "END:VEVENT", "END:VCALENDAR", ""]
    for minutes in (0, 15, 30):
        await elsewhere.read("\r\n".join(lines).encode(), NOW + timedelta(minutes=minutes))
    assert (await elsewhere.state())["error_code"] is None
    assert len(await practice.outbox("schedule.published")) == 2
    query = {"provider": practice.ids["provider_id"], "start": LUNCH.isoformat()}
    [item] = (await practice.call("GET", "/v1/slots/explain", params=query))["items"]
    told = [(reason["detail"], reason["from"]) for reason in item["reasons"] if reason["rule"] == "calendar"]
    assert told == [
        ("an event of a calendar kept elsewhere 2026-03-02 00:00 - 2026-03-07 00:00", "2026-03-02T05:00:00Z")
    ]
    await elsewhere.read(feed(LUNCH), NOW + timedelta(minutes=45))
    assert len(await practice.outbox("schedule.published")) == 3


async def test_a_feed_that_fails_is_tried_no_sooner_than_in_a_minute(elsewhere: Elsewhere) -> None:
    await elsewhere.follow("http://127.0.0.1:9/a.ics", refresh_every="PT1S")

    async def due() -> Any:
        async with elsewhere.practice.database.transaction(elsewhere.practice.tenant) as session:
            return await session.scalar(text("SELECT due_at FROM timers WHERE kind = :kind"), {"kind": REFRESH})

    await elsewhere.read(feed(LUNCH), NOW)
    assert await due() == NOW + timedelta(seconds=1)
    await elsewhere.read(FeedError("feed_status", "it answered 404"), NOW)
    assert await due() == NOW + timedelta(minutes=1)


async def test_a_feed_that_never_changes_is_read_in_full_before_what_was_read_runs_out(elsewhere: Elsewhere) -> None:
    practice = elsewhere.practice
    always = feed(datetime(2020, 1, 7, 17, 0, tzinfo=UTC), rule="RRULE:FREQ=WEEKLY\r\n")

    async def serve(head: str, writer: Any) -> None:
        known = 'if-none-match: "1"' in head.lower()
        await (sends("304 Not Modified", etag='"1"') if known else sends("200 OK", always, etag='"1"'))(head, writer)

    async with server(serve) as (port, heads):
        await elsewhere.follow(f"http://127.0.0.1:{port}/secret.ics")
        await practice.fire_due()
        for less, is_conditional in (("6 days", True), ("8 days", False)):
            async with practice.database.transaction(practice.tenant) as session:
                earlier = "UPDATE calendars SET busy_until = busy_until - CAST(:less AS text)::interval"
                await session.execute(text(earlier), {"less": less})
            await practice.call("POST", f"{elsewhere.path}/{elsewhere.id}/refresh", 202)
            await practice.fire_due()
            assert ("if-none-match" in heads[-1].lower()) is is_conditional, less
    assert len(heads) == 3


async def test_a_longer_horizon_reads_at_once_what_lies_further_ahead(elsewhere: Elsewhere) -> None:
    practice = elsewhere.practice
    await elsewhere.follow("http://127.0.0.1:9/a.ics")
    await elsewhere.read(feed(LUNCH), NOW)

    async def next_reading() -> datetime:
        async with practice.database.transaction(practice.tenant) as session:
            query = text("SELECT due_at FROM timers WHERE key = :calendar")
            due: datetime | None = await session.scalar(query, {"calendar": elsewhere.id})
        assert due is not None
        return due

    usual = await next_reading()
    assert usual > NOW
    [(_, published)] = [one for one in await practice.outbox("schedule.published") if one[1]["sequence"] == 1]
    path = f"/v1/schedules/{published['schedule_id']}"
    for horizon, version, due in (("P62D", 1, usual), ("P180D", 2, NOW)):
        body, headers = {"windows": WEEK, "horizon": horizon}, {"if-match": f'"{version}"'}
        await practice.call("PUT", path, json=body, headers=headers)
        assert await next_reading() == due, horizon


async def test_a_schedule_that_looks_further_ahead_is_read_for_at_once(elsewhere: Elsewhere) -> None:
    practice = elsewhere.practice
    await elsewhere.follow("http://127.0.0.1:9/a.ics")
    await elsewhere.read(feed(LUNCH), NOW)
    place = {"name": "Video", "zone": "America/New_York", "modality": "telehealth"}
    video = (await practice.call("POST", "/v1/locations", 201, json=place))["id"]
    body = {**practice.ids, "location_id": video, "windows": WEEK, "horizon": "P180D"}
    await practice.call("POST", "/v1/schedules", 201, json=body)
    async with practice.database.transaction(practice.tenant) as session:
        due = await session.scalar(text("SELECT due_at FROM timers WHERE key = :calendar"), {"calendar": elsewhere.id})
    assert due == NOW


async def test_a_bad_feed_names_its_line_and_what_it_said_before_holds_until_it_is_stale_and_after(
    elsewhere: Elsewhere,
) -> None:
    practice = elsewhere.practice
    await elsewhere.follow("http://127.0.0.1:9/a.ics", refresh_every="PT15M", stale_after="PT1H")
    await elsewhere.read(feed(LUNCH), NOW)
    bad = FeedError("feed_malformed", "Line 6: DTSTART can't be read.", 6)
    await elsewhere.read(bad, NOW + timedelta(minutes=59))
    state = await elsewhere.state()
    assert (state["error_code"], state["error_line"], state["stale"]) == ("feed_malformed", 6, False)
    assert await practice.outbox("calendar.%") == []
    await elsewhere.read(bad, NOW + timedelta(minutes=60))
    await elsewhere.read(bad, NOW + timedelta(minutes=75))
    assert (await elsewhere.state())["stale"] is True
    assert await hidden(practice, LUNCH), "a stale calendar stays applied"
    [(topic, event)] = await practice.outbox("calendar.%")
    assert (topic, event["stale"], event["reason_code"]) == ("calendar.stale", True, "feed_malformed")
    await elsewhere.read(feed(), NOW + timedelta(minutes=90))
    state = await elsewhere.state()
    assert (state["stale"], state["error_code"], state["error_line"]) == (False, None, None)
    assert [topic for topic, _ in await practice.outbox("calendar.%")] == ["calendar.stale", "calendar.refreshed"]
    assert not await hidden(practice, LUNCH)


async def test_a_feed_that_can_not_be_had_is_said_by_the_worker(elsewhere: Elsewhere) -> None:
    async with server(sends("404 Not Found")) as (port, _):
        await elsewhere.follow(f"http://127.0.0.1:{port}/secret.ics")
        await elsewhere.practice.fire_due()
    state = await elsewhere.state()
    assert (state["error_code"], state["fetched_at"]) == ("feed_status", None)
    assert "secret" not in state["error_detail"]


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"url": "http://calendar.example/a.ics"}, "feed_not_https", "url"),
        ({"url": "https://10.0.0.1/a.ics"}, "feed_address_forbidden", "url"),
        ({"url": "https://u:p@calendar.example/"}, "feed_url_invalid", "url"),
        ({"refresh_every": "P2D"}, "refresh_out_of_range", "refresh_every"),
        ({"refresh_every": "PT1H", "stale_after": "PT1M"}, "stale_too_soon", "stale_after"),
        ({"stale_after": "P31D"}, "stale_too_late", "stale_after"),
    ],
)
async def test_a_calendar_that_can_not_be_followed_is_refused_by_its_field(
    change: dict[str, str], code: str, field: str, elsewhere: Elsewhere
) -> None:
    body = {"name": "Rota", "url": "https://calendar.example/a.ics", **change}
    problem = await elsewhere.practice.call("POST", elsewhere.path, 422, json=body)
    assert (problem["code"], problem["field"]) == (code, field)
    assert (await elsewhere.practice.call("GET", elsewhere.path))["items"] == []


async def test_more_busy_times_than_an_event_holds_are_refused_and_change_nothing(elsewhere: Elsewhere) -> None:
    await elsewhere.follow("http://127.0.0.1:9/a.ics")
    await elsewhere.read(feed(LUNCH), NOW)
    many = [(at, at + 60) for at in range(0, 1_501 * 120, 120)]
    async with elsewhere.practice.database.transaction(elsewhere.practice.tenant) as session:
        await calendars.take_reading(
            session,
            tenant=elsewhere.practice.tenant,
            calendar_id=UUID(elsewhere.id),
            reading=calendars.Reading(busy=many, until=NOW),
            now=NOW,
        )
    state = await elsewhere.state()
    assert (state["busy_times"], state["error_code"]) == (1, "feed_too_many_events")
    assert await hidden(elsewhere.practice, LUNCH)


async def test_all_calendars_of_a_provider_share_one_limit_and_an_old_reading_makes_room_for_the_new(
    elsewhere: Elsewhere,
) -> None:
    practice = elsewhere.practice

    async def read(calendar_id: str, begin: int) -> int:
        busy = [(at, at + 60) for at in range(begin, begin + 800 * 120, 120)]
        async with practice.database.transaction(practice.tenant) as session:
            await calendars.take_reading(
                session,
                tenant=practice.tenant,
                calendar_id=UUID(calendar_id),
                reading=calendars.Reading(busy=busy, until=NOW),
                now=NOW,
            )
        found = await practice.call("GET", f"{elsewhere.path}/{calendar_id}")
        return int(found["busy_times"])

    await elsewhere.follow("http://127.0.0.1:9/a.ics")
    first = elsewhere.id
    await elsewhere.follow("http://127.0.0.1:9/b.ics")
    assert await read(first, 0) == 800
    assert await read(first, 60) == 800, "it replaces the one before"
    assert await read(elsewhere.id, 0) == 0
    assert (await elsewhere.state())["error_code"] == "feed_too_many_events"


async def test_a_calendar_that_nobody_reads_any_more_is_stale_by_its_age(elsewhere: Elsewhere) -> None:
    await elsewhere.follow("http://127.0.0.1:9/rota.ics", stale_after="PT2H")
    await elsewhere.read(feed(LUNCH), NOW - timedelta(hours=2) + timedelta(seconds=1))
    assert not (await elsewhere.state())["stale"]
    await elsewhere.read(feed(LUNCH), NOW - timedelta(hours=2))
    found = await elsewhere.state()
    assert (found["stale"], found["error_code"], found["busy_times"]) == (True, None, 1)


async def test_a_calendar_that_makes_the_hours_too_large_to_publish_says_so_and_is_read_again(
    elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As 1,400 busy times do beside a month of overrides; here the limit is lower, which is quicker."""
    monkeypatch.setattr("shared.outbox.MAX_PAYLOAD", 10_000)
    events = feed(*(NOW + timedelta(hours=2 * n + 2) for n in range(200)))
    async with server(sends("200 OK", body=events)) as (port, _):
        await elsewhere.follow(f"http://127.0.0.1:{port}/rota.ics", refresh_every="PT1H", stale_after="PT2H")
        refresh, tenant = timers(elsewhere.own)[REFRESH], elsewhere.practice.tenant
        due = Timer(0, tenant, REFRESH, UUID(elsewhere.id), NOW, generation=0, attempts=0, traceparent=None, now=NOW)
        async with elsewhere.practice.database.transaction(tenant) as session:
            await refresh(session, due)
    found = await elsewhere.state()
    assert (found["error_code"], found["busy_times"]) == ("schedule_too_large", 0)
    async with elsewhere.practice.database.transaction(tenant) as session:
        [again] = await session.scalars(text("SELECT due_at FROM timers"))
    assert again == NOW + timedelta(hours=1)
