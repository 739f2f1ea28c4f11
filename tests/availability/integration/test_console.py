"""The console's page of a provider's week, as a browser without a mouse would use it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from shared.console import COOKIE
from tests.availability.conftest import Practice
from tests.support.browser import Browser, Page
from tests.support.build import NOW, appointment_event

pytestmark = pytest.mark.servers


@pytest.fixture
async def browser(practice: Practice) -> Browser:
    """Somebody of the staff, signed in."""
    one = Browser(practice.http, "http://availability.test")
    await sign_in(one, practice)
    return one


async def sign_in(browser: Browser, practice: Practice, role: str = "staff", **claims: Any) -> Page:
    token = practice.issuer.headers(practice.tenant, role, **claims)["authorization"].removeprefix("Bearer ")
    page = await browser.open("/console")
    assert browser.url.startswith("/console/sign-in"), "who isn't signed in is asked to"
    return await browser.send(page.form("/sign-in"), token=token)


async def week(browser: Browser, practice: Practice, day: str = "2026-03-04") -> Page:
    return await browser.open(f"/console/providers/{practice.ids['provider_id']}/week?day={day}")


async def hours(practice: Practice) -> list[tuple[int, str, str]]:
    found = await practice.call("GET", f"/v1/providers/{practice.ids['provider_id']}/hours")
    return [(one["weekday"], one["start"], one["end"]) for one in found["windows"]]


async def test_signing_in_leads_to_the_providers_and_from_there_to_a_week(browser: Browser, practice: Practice) -> None:
    assert browser.url == "/console"
    [link] = [href for words, href in browser.page.links if words.startswith("A ·")]
    page = await browser.open(link)
    assert "A: week of Monday, March 2, 2026" in page.text
    assert page.text.count("closed") >= 7
    assert [words for words, _ in page.links if "eek" in words] == ["← Week before", "This week", "Week after →"]
    later = await browser.open(dict(page.links)["Week after →"])
    assert "week of Monday, March 9, 2026" in later.text
    await browser.send(later.form("/sign-out"))
    assert browser.url.startswith("/console/sign-in")
    assert COOKIE not in browser.cookies


async def test_changing_weekly_hours_leaves_trips_and_the_daily_limit(browser: Browser, practice: Practice) -> None:
    path = f"/v1/providers/{practice.ids['provider_id']}/hours"
    trip = {"first": "2026-06-02", "last": "2026-06-09", "zone": "Europe/Paris"}
    body = {"windows": [], "travels": [trip], "most_per_day": 5}
    await practice.call("PUT", path, json=body, headers={"if-match": '"1"'})
    page = await week(browser, practice)
    await browser.send(page.form("/hours"), **{"open-1": "09:00-12:00"})
    found = await practice.call("GET", path)
    assert (len(found["windows"]), found["travels"], found["most_per_day"]) == (1, [trip], 5)


async def test_hours_that_may_be_in_the_morning_or_not_are_asked_about(browser: Browser, practice: Practice) -> None:
    page = await week(browser, practice)
    page = await browser.send(page.form("/hours"), **{"open-1": "9-5"})
    assert "Write am or pm" in page.text
    assert await hours(practice) == []


async def test_weekly_hours_are_changed_and_offered(browser: Browser, practice: Practice) -> None:
    await practice.call("POST", "/v1/schedules", 201, json=practice.ids)
    page = await week(browser, practice)
    form = page.form("/hours")
    page = await browser.send(form, **{"open-1": "9am-12:00pm, 13:00 – 17:00", "new-2": "18:00-20:00"})
    assert "The weekly hours are changed." in page.text
    assert "9:00am-12:00pm, 1:00pm-5:00pm" in page.text
    assert "new clients: 6:00pm-8:00pm" in page.text
    assert await hours(practice) == [(1, "09:00:00", "12:00:00"), (1, "13:00:00", "17:00:00")]
    found = [item["start"] for item in (await practice.search(days=2))["items"]]
    assert found[0] == "2026-03-03T14:00:00Z"
    assert page.form("/hours").values["open-1"] == "9:00am-12:00pm, 1:00pm-5:00pm", "what it shows it also reads"


async def test_a_form_sent_twice_changes_once(browser: Browser, practice: Practice) -> None:
    form = (await week(browser, practice)).form("/time-off")
    for _ in range(2):
        await browser.send(form, first="2026-03-04")
        assert browser.status == 200
    found = await practice.call("GET", f"/v1/providers/{practice.ids['provider_id']}/time-off")
    assert [(one["begins_at"], one["ends_at"]) for one in found["items"]] == [
        ("2026-03-04T05:00:00Z", "2026-03-05T05:00:00Z")
    ]


async def test_hours_that_somebody_else_has_changed_meanwhile_are_not_overwritten(
    browser: Browser, practice: Practice
) -> None:
    form = (await week(browser, practice)).form("/hours")
    await browser.send((await week(browser, practice)).form("/hours"), **{"open-0": "9am-10am"})
    page = await browser.send(form, **{"open-0": "11am-12pm"})
    assert browser.status == 412
    assert "has changed since you read it" in page.text
    assert await hours(practice) == [(0, "09:00:00", "10:00:00")]


@pytest.mark.parametrize(
    ("values", "field", "told"),
    [
        ({"open-1": "9am to noon"}, "open-1", "Tuesday: “9am to noon” is no window."),
        ({"open-1": "25:00-26:00"}, "open-1", "Tuesday: “25:00-26:00” is no window."),
        ({"new-4": "13pm-14pm"}, "new-4", "Friday: “13pm-14pm” is no window."),
        ({"open-1": "9am-12pm, 11-13"}, "open-1", "Tuesday: 11:00am-1:00pm overlaps another window."),
        ({"open-6": "22-6", "open-0": "05:00-07:00"}, "open-6", "Sunday: 10:00pm-6:00am overlaps another window."),
    ],
)
async def test_hours_that_make_no_sense_are_said_beside_their_field(
    browser: Browser, practice: Practice, values: dict[str, str], field: str, told: str
) -> None:
    page = await browser.send((await week(browser, practice)).form("/hours"), **values)
    assert browser.status == 422
    assert told in page.text
    assert page.invalid == [field]
    assert page.form("/hours").values[field] == values[field], "what was written is not lost"
    assert await hours(practice) == []


async def test_a_form_that_lacks_a_day_closes_nothing(browser: Browser, practice: Practice) -> None:
    form = (await browser.send((await week(browser, practice)).form("/hours"), **{"open-0": "9am-10am"})).form("/hours")
    del form.values["open-0"]
    page = await browser.send(form)
    assert (browser.status, page.invalid, await hours(practice)) == (422, ["open-0"], [(0, "09:00:00", "10:00:00")])
    form = page.form("/overrides")
    form.values = {"date": "2026-03-04"}
    page = await browser.send(form)
    assert (browser.status, page.invalid) == (422, ["windows"])


async def test_a_date_gets_other_hours_and_back(browser: Browser, practice: Practice) -> None:
    await browser.send((await week(browser, practice)).form("/hours"), **{"open-2": "9-17"})
    page = await browser.send(browser.page.form("/overrides"), date="2026-03-04", windows="10am-11am")
    assert "10:00am-11:00am this date only" in page.text
    page = await browser.send(page.form("/overrides"), date="2026-03-04", windows="")
    assert "closed this date only" in page.text
    page = await browser.send(page.form("/overrides/drop"))
    assert "Wednesday Mar 4 9:00am-5:00pm" in page.text
    assert "The weekly hours hold again" in page.text
    page = await browser.send(page.form("/overrides"), date="")
    assert (browser.status, page.invalid) == (422, ["date"])


async def test_time_off_is_entered_by_the_providers_clock_and_removed(browser: Browser, practice: Practice) -> None:
    page = await browser.send(
        (await week(browser, practice, "2026-03-08")).form("/time-off"),
        first="2026-03-06",
        last="2026-03-08",
        until="14:00",
        **{"from": "09:30"},
    )
    assert "Friday Mar 6 closed Away 9:30am to 12:00am" in page.text
    assert "Saturday Mar 7 closed Away all day" in page.text
    assert "Sunday Mar 8 closed Away 12:00am to 2:00pm" in page.text
    found = await practice.call("GET", f"/v1/providers/{practice.ids['provider_id']}/time-off")
    # The clock changes that Sunday at two in the morning.
    assert [(one["begins_at"], one["ends_at"]) for one in found["items"]] == [
        ("2026-03-06T14:30:00Z", "2026-03-08T18:00:00Z")
    ]
    page = await browser.send(page.form("/time-off/drop"))
    assert "The time off is removed." in page.text
    assert "Away" not in page.text


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"first": "2026-03-06", "last": "2026-03-05"}, "last"),
        ({"first": "2026-02-06"}, "last"),
        ({"first": "tomorrow"}, "first"),
        ({"first": "2026-03-06", "from": "late"}, "from"),
        ({"first": "2026-03-06", "from": "10:00Z"}, "from"),
    ],
)
async def test_time_off_that_makes_no_sense_is_said(
    browser: Browser, practice: Practice, values: dict[str, str], field: str
) -> None:
    page = await browser.send((await week(browser, practice)).form("/time-off"), **values)
    assert (browser.status, page.invalid) == (422, [field])


async def test_a_form_whose_week_can_not_be_shown_writes_nothing(browser: Browser, practice: Practice) -> None:
    form = (await week(browser, practice)).form("/time-off")
    form.values["day"] = "zzz"
    await browser.send(form, first="2026-03-06")
    assert browser.status == 422
    assert (await practice.call("GET", f"/v1/providers/{practice.ids['provider_id']}/time-off"))["items"] == []


async def test_an_override_that_makes_no_sense_is_said_beside_its_field(browser: Browser, practice: Practice) -> None:
    form = (await week(browser, practice)).form("/overrides")
    page = await browser.send(form, date="2026-03-06", windows="9am-1pm, 12pm-2pm")
    assert (browser.status, page.invalid) == (422, ["windows"])


async def test_visits_and_holidays_are_shown_on_their_day(browser: Browser, practice: Practice) -> None:
    await practice.call("PUT", "/v1/practices/" + str(practice.tenant), json={"name": "M", "zone": "America/New_York"})
    await practice.call("PUT", f"/v1/practices/{practice.tenant}/holidays/2026-03-05", json={"name": "Founders' Day"})
    start = NOW.replace(hour=15, minute=0) + timedelta(days=1)
    await practice.follow(appointment_event(provider_id=UUID(practice.ids["provider_id"]), start=start))
    page = await week(browser, practice)
    assert "Tuesday Mar 3 closed Visit 10:00am to 10:50am" in page.text
    assert "Thursday Mar 5 closed Founders' Day" in page.text


async def test_every_field_has_a_label_and_every_button_says_what_it_does(browser: Browser, practice: Practice) -> None:
    await browser.send((await week(browser, practice)).form("/time-off"), first="2026-03-04")
    page = await browser.send(browser.page.form("/overrides"), date="2026-03-04", windows="10am-11am")
    assert page.lang == "en"
    hidden = {"once", "day", "version", "date", "time_off_id", "after"}
    for form in page.forms:
        assert form.buttons, form.action
        assert set(form.values) - hidden <= set(form.labels), form.action
    buttons = [words for form in page.forms for words in form.buttons]
    assert len(buttons) == len(set(buttons))
    assert ("Skip to content", "#content") in page.links
    assert "script" not in browser.headers["content-security-policy"]


async def test_who_may_look_and_who_may_change(practice: Practice) -> None:
    own = UUID(practice.ids["provider_id"])
    for role, claims, status in (
        ("client", {"client_id": uuid4()}, 403),
        ("provider", {"provider_id": uuid4()}, 200),
        ("provider", {"provider_id": own}, 200),
    ):
        browser = Browser(practice.http, "http://availability.test")
        await sign_in(browser, practice, role, **claims)
        await week(browser, practice)
        assert browser.status == status, role
    stranger = Browser(practice.http, "http://availability.test")
    token = practice.issuer.headers(uuid4())["authorization"].removeprefix("Bearer ")
    await stranger.send((await stranger.open("/console")).form("/sign-in"), token=token)
    await week(stranger, practice)
    assert stranger.status == 404


async def test_a_form_of_another_site_and_a_bad_token_are_refused(browser: Browser, practice: Practice) -> None:
    form = (await week(browser, practice)).form("/hours")
    page = await browser.send(form, origin="https://evil.example", **{"open-0": "9am-10am"})
    assert (browser.status, await hours(practice)) == (403, [])
    assert "http://availability.test" in page.text
    other = Browser(practice.http, "http://availability.test")
    sign_in_form = (await other.open("/console/sign-in?after=https://evil.example")).form("/sign-in")
    page = await other.send(sign_in_form, token="nonsense")
    assert (other.status, COOKIE in other.cookies) == (401, False)
    token = practice.issuer.headers(practice.tenant)["authorization"].removeprefix("Bearer ")
    await other.send(sign_in_form, token=token)
    assert other.url == "/console", "nobody is sent to another site"
    gone = Browser(practice.http, "http://availability.test")
    gone.cookies.set(COOKIE, "expired")
    page = await gone.open("/console")
    assert "You were signed out" in page.text


async def test_a_proxy_that_signs_in_sends_the_token_itself(practice: Practice) -> None:
    headers = {"accept": "text/html", **practice.issuer.headers(practice.tenant)}
    answer = await practice.http.get("/console", headers=headers)
    assert answer.status_code == 200
    assert "<h1>Providers</h1>" in answer.text


@pytest.mark.parametrize("day", ["9999-12-31", "9999-12-27", "0001-01-01", "soon"])
async def test_a_week_out_of_all_proportion_is_refused(day: str, browser: Browser, practice: Practice) -> None:
    cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    path = f"/console/providers/{practice.ids['provider_id']}/week"
    answer = await practice.http.get(path, params={"day": day}, headers={"cookie": cookie})
    assert answer.status_code == 422


@pytest.mark.parametrize(("away", "shown"), [("Pacific/Auckland", 1), ("Asia/Tokyo", 1), ("Pacific/Pago_Pago", 1)])
async def test_a_visit_is_on_one_day_of_the_week_whatever_trip_is_entered_around_it(
    away: str, shown: int, browser: Browser, practice: Practice
) -> None:
    """A trip ends and the clock goes back by most of a day: those hours are on a day too."""
    schedule = await practice.publish()
    for hour in range(0, 48, 5):
        start = datetime(2026, 3, 6, tzinfo=UTC) + timedelta(hours=hour)
        ids: dict[str, Any] = {"provider_id": UUID(practice.ids["provider_id"]), "schedule_id": UUID(schedule["id"])}
        await practice.follow(appointment_event(start=start, **ids))
    path = f"/v1/providers/{practice.ids['provider_id']}/hours"
    trip = {"first": "2026-03-05", "last": "2026-03-06", "zone": away}
    await practice.call("PUT", path, json={"windows": [], "travels": [trip]}, headers={"if-match": '"1"'})
    assert (await week(browser, practice)).text.count("Visit ") == 10 * shown
