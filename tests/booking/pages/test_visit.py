"""What a client can do by the link to their visit, as a browser without scripts does it."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.support.browser import Browser
from tests.support.town import Town

pytestmark = pytest.mark.servers


@pytest.fixture
async def visit(town: Town) -> dict[str, Any]:
    return await town.book(await town.client())


async def test_looking_changes_nothing(phone: Browser, town: Town, visit: dict[str, Any]) -> None:
    link = town.link(visit)
    for path in ("", "/cancel", "/times", "/times?modality=telehealth"):
        page = await phone.open(link + path)
        assert phone.status == 200, path
    slot = next(iter(next(form for form in page.forms if form.action.endswith("/move")).presses.values()))[1]
    await phone.open(f"{link}/move?slot={slot}")
    assert phone.status == 200
    for post_only in ("/confirm", "/late", "/book"):
        await phone.open(link + post_only)
        assert phone.status in (404, 405)
    assert await town.visit(visit["id"]) == visit


async def test_a_client_confirms(phone: Browser, town: Town, visit: dict[str, Any]) -> None:
    page = await phone.open(town.link(visit))
    page = await phone.send(page.form("/confirm"))
    assert "You have said that you will come" in page.text
    assert not any(form.action.endswith("/confirm") for form in page.forms)
    found = await town.visit(visit["id"])
    assert (found["confirmed_at"] is not None, found["changed_by"]) == (True, "client")


async def test_a_client_changes_the_time_after_a_review(phone: Browser, town: Town, visit: dict[str, Any]) -> None:
    page = await phone.open(town.link(visit) + "/times")
    page = await phone.send(page.form("/times"), part="evening")
    page = await phone.send(page.form("/move"), press="Tuesday 3 March, 6:00 pm")
    assert "Move your visit?" in page.text
    assert (await town.visit(visit["id"]))["version"] == 1
    page = await phone.send(page.form("/move"))
    assert "Tuesday 3 March, 6:00 pm (EST)" in page.text
    moved = await town.visit(visit["id"])
    assert (moved["start"], moved["version"]) == ("2026-03-03T23:00:00Z", 2)


async def test_a_time_that_is_taken_meanwhile_leaves_the_visit_where_it_is(
    phone: Browser, town: Town, visit: dict[str, Any]
) -> None:
    page = await phone.open(town.link(visit) + "/times")
    press = "Tuesday 3 March, 6:00 pm"
    review = await phone.send(page.form("/move"), press=press)
    slot = review.form("/move").values["slot"]
    body = {"slot": slot, "client_id": await town.client()}
    await town.call("booking", "POST", "/v1/appointments", 201, json=body)
    page = await phone.send(review.form("/move"))
    assert "can't be had any more; your visit is where it was" in page.text
    assert (await town.visit(visit["id"]))["start"] == visit["start"]


@pytest.mark.parametrize("asked", ["review", "move"])
async def test_a_time_whose_terms_have_changed_is_not_moved_to(
    asked: str, phone: Browser, town: Town, visit: dict[str, Any]
) -> None:
    page = await phone.open(f"{town.link(visit)}/times")
    choice = page.form("/move")
    press: str | None = next(iter(choice.presses))
    if asked == "move":
        page = await phone.send(choice, press=press)
        choice, press = page.form("/move"), None
    await town.change_every_schedule(duration=timedelta(minutes=25))
    page = await phone.send(choice, press=press)
    assert "can't be had any more; your visit is where it was" in page.text
    assert (await town.visit(visit["id"]))["version"] == visit["version"]


async def test_a_time_that_was_offered_an_hour_ago_is_chosen_anew(
    phone: Browser, town: Town, visit: dict[str, Any]
) -> None:
    page = await phone.open(f"{town.link(visit)}/times")
    choice = page.form("/move")
    town.clock.now += timedelta(minutes=61)
    page = await phone.send(choice, press=next(iter(choice.presses)))
    assert "can't be had any more; your visit is where it was" in page.text


async def test_a_client_meets_by_video_instead_at_the_same_time_if_it_is_free(
    phone: Browser, town: Town, visit: dict[str, Any]
) -> None:
    page = await phone.open(town.link(visit))
    page = await phone.open(dict(page.links)["Meet by video instead"])
    form = page.form("/move")
    same = next(words for words in form.presses if "9:00 am" in words)
    page = await phone.send(
        await _sent(phone, form, same),
    )
    moved = await town.visit(visit["id"])
    assert (moved["modality"], moved["id"]) == ("telehealth", visit["id"])
    assert "by video" in page.text
    assert "Meet by video instead" not in page.text


async def _sent(phone: Browser, form: Any, press: str) -> Any:
    return (await phone.send(form, press=press)).form("/move")


async def test_by_video_it_stays_with_whom_it_was_and_somebody_else_is_named_before_anything_moves(
    phone: Browser, town: Town
) -> None:
    names = {one["id"]: one["name"] for one in (await town.call("availability", "GET", "/v1/providers"))["items"]}
    visits: list[dict[str, Any]] = []
    while {visit["provider_id"] for visit in visits} != set(names):
        visits.append(await town.book(await town.client(), len(visits)))
    visit = next(one for one in visits if one["provider_id"] == max(names))
    for one in visits:
        if one is not visit:
            await town.call("booking", "POST", f"/v1/appointments/{one['id']}/cancel", json={"reason": "illness"})
    link = town.link(visit)
    page = await phone.open(f"{link}/times?modality=telehealth")
    form = page.form("/move")
    page = await phone.send(form, press=next(iter(form.presses)))
    assert "With" not in page.text.split("Move your visit?")[1].split("Move it")[0]
    await phone.send(page.form("/move"))
    moved = await town.visit(visit["id"])
    assert (moved["provider_id"], moved["modality"]) == (visit["provider_id"], "telehealth")
    second = await town.book(await town.client(), 3)
    link = town.link(second)
    own = datetime.fromisoformat(second["start"])
    slots = await town.call(
        "availability",
        "GET",
        "/v1/slots",
        params={
            "appointment_type": second["appointment_type_id"],
            "from": own.isoformat(),
            "to": (own + timedelta(days=7)).isoformat(),
            "limit": "200",
        },
    )
    offered = next(one for one in slots["items"] if one["provider_id"] != second["provider_id"])
    page = await phone.open(f"{link}/move?slot={offered['slot']}")
    assert f"With {names[offered['provider_id']]}, not with whom it was" in page.text


async def test_a_link_to_a_visit_that_is_over_or_called_off_offers_no_times(
    phone: Browser, town: Town, visit: dict[str, Any]
) -> None:
    link = town.link(visit)
    await town.call("booking", "POST", f"/v1/appointments/{visit['id']}/cancel", json={"reason": "illness"})
    for page in ("times", "times?modality=telehealth"):
        assert "This visit was cancelled" in (await phone.open(f"{link}/{page}")).text


async def test_a_client_cancels_and_the_link_does_nothing_more(
    phone: Browser, town: Town, visit: dict[str, Any]
) -> None:
    link = town.link(visit)
    page = await phone.open(link)
    confirm = page.form("/confirm")
    page = await phone.open(link + "/cancel")
    cancel = page.form("/cancel")
    page = await phone.send(cancel, reason="illness")
    assert "This visit was cancelled" in page.text
    found = await town.visit(visit["id"])
    assert (found["status"], found["reason_code"], found["late"]) == ("cancelled", "illness", False)
    for form in (confirm, cancel):
        page = await phone.send(form)
        assert (phone.status, "This visit was cancelled" in page.text) == (200, True)
    assert "There is nothing to cancel" in (await phone.open(link + "/cancel")).text
    assert (await town.visit(visit["id"]))["version"] == 2


async def test_who_is_late_says_so_with_one_tap_within_the_hour(
    phone: Browser, town: Town, visit: dict[str, Any]
) -> None:
    link = town.link(visit)
    assert "Running late?" not in (await phone.open(link)).text
    town.clock.now = datetime.fromisoformat(visit["start"]) - timedelta(minutes=5)
    page = await phone.open(town.link(visit))
    page = await phone.send(page.form("/late"), press="15 minutes")
    assert "about 15 minutes late" in page.text
    assert (await town.visit(visit["id"]))["late_by"] == "PT15M"


async def test_a_link_that_has_expired_or_is_for_something_else_opens_nothing(
    phone: Browser, town: Town, visit: dict[str, Any]
) -> None:
    booking = town.urls["booking"]
    expired = town.sign("visit", visit["id"], expires=town.clock.now)
    await phone.open(f"{booking}/a/{expired}")
    assert (phone.status, "please call the practice" in phone.page.text) == (410, True)
    for purpose in ("client", "hold", "barrier"):
        await phone.open(f"{booking}/a/{town.sign(purpose, visit['id'])}")
        assert phone.status == 404


async def test_pages_keep_their_address_to_themselves(phone: Browser, town: Town, visit: dict[str, Any]) -> None:
    for path in (town.link(visit), town.page, f"{town.urls['booking']}/me/{town.sign('client', visit['client_id'])}"):
        await phone.open(path)
        assert phone.status == 200
        assert phone.headers["referrer-policy"] == "no-referrer"
        assert phone.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in phone.headers["content-security-policy"]


async def test_what_is_over_is_told_as_it_was(phone: Browser, town: Town, visit: dict[str, Any]) -> None:
    path = f"{town.urls['booking']}/me/{town.sign('client', visit['client_id'])}"
    town.clock.now = datetime.fromisoformat(visit["end"])
    page = await phone.open(path)
    assert ": you were there" not in page.text, "nobody has said so yet"
    assert "took place" not in page.text
    await town.call("booking", "POST", f"/v1/appointments/{visit['id']}/check-in")
    assert ": you were there" in (await phone.open(path)).text


async def test_a_missed_visits_page_says_with_whom_other_times_are(
    phone: Browser, town: Town, visit: dict[str, Any]
) -> None:
    town.clock.now = datetime.fromisoformat(visit["end"])
    await town.notice_misses()
    page = await phone.open(town.link(visit))
    assert page.text.count("· with ") == 6
    assert "· in person · with Dr. Ada Okoro" in page.text
    assert "· video · with Jo Lindqvist" in page.text
    town.apps["booking"].state.resources.names._url = "http://127.0.0.1:9"
    town.clock.now += timedelta(minutes=2)
    assert "with Jo" not in (await phone.open(town.link(visit))).text, "it does without names where there are none"


async def test_a_client_sees_visits_and_places_and_gives_a_place_up(
    phone: Browser, town: Town, visit: dict[str, Any]
) -> None:
    client = visit["client_id"]
    wish = {"client_id": client, "appointment_type_id": visit["appointment_type_id"], "zone": "America/New_York"}
    entry = await town.call("booking", "POST", "/v1/waitlist", 201, json=wish)
    gone = await town.book(client, 40)
    await town.call("booking", "POST", f"/v1/appointments/{gone['id']}/cancel", json={"reason": "illness"})
    path = f"{town.urls['booking']}/me/{town.sign('client', client)}"
    page = await phone.open(path)
    assert "Waiting for a time" in page.text
    assert ": cancelled" in page.text
    assert len([href for _, href in page.links if "/a/" in href]) == 1
    page = await phone.send(page.form("/leave"))
    assert "Waiting for" not in page.text
    assert (await town.call("booking", "GET", f"/v1/waitlist/{entry['id']}"))["status"] == "left"
    other = await town.client()
    foreign = f"{town.urls['booking']}/me/{town.sign('client', other)}/waitlist/{entry['id']}/leave"
    assert (await town.http.post(foreign)).status_code == 404


async def test_the_link_to_a_video_visit_is_on_its_page_around_its_time(phone: Browser, town: Town) -> None:
    policy = {"late_within": "P1D", "video_link": "https://video.example.org/{room}"}
    await town.call("booking", "PUT", "/v1/policy", json=policy, headers={"if-match": '"1"'})
    visit = await town.book(await town.client(), modality="telehealth")
    start = datetime.fromisoformat(visit["start"])
    shown = {}
    for minutes in (-16, -15, 64, 65):
        town.clock.now = start + timedelta(minutes=minutes)
        page = await phone.open(town.link(visit))
        shown[minutes] = [href for words, href in page.links if words == "Join the video visit"]
    assert [len(found) for found in shown.values()] == [0, 1, 1, 0]
    assert shown[-15][0].startswith("https://video.example.org/")


async def test_a_visit_goes_into_the_clients_calendar_from_its_page(
    phone: Browser, town: Town, visit: dict[str, Any]
) -> None:
    page = await phone.open(town.link(visit))
    file = await town.http.get(dict(page.links)["Add it to your calendar"])
    assert (file.status_code, file.headers["content-type"]) == (200, "text/calendar; charset=utf-8")
    assert f"UID:{visit['id']}@rapport" in file.text
    assert "SUMMARY:Appointment" in file.text
