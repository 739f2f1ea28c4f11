"""Booking on the practice's page, as a browser without scripts does it."""

import asyncio
from base64 import urlsafe_b64decode
from datetime import timedelta
from uuid import UUID

import pytest

from services.booking.use_cases import self_booking
from tests.support.browser import Browser, Page
from tests.support.town import Town

pytestmark = pytest.mark.servers


async def choose(phone: Browser, town: Town, time: str = "", **filters: str) -> Page:
    """From the first page to the review of a time, whose label begins so."""
    page = await phone.open(filters.pop("page", town.page))
    page = await phone.open(next(href for words, href in page.links if words.startswith("Follow-up")))
    if filters:
        page = await phone.send(page.form("/times"), **filters)
    form = next(form for form in page.forms if "/hold" in form.action)
    return await phone.send(form, press=time or next(iter(form.presses)))


async def test_from_the_kind_of_visit_to_a_booked_one(phone: Browser, town: Town) -> None:
    page = await phone.open(town.page)
    assert "Book a visit with Maple" in page.text
    assert "First visit 50 minutes · for your first visit" in page.text
    page = await choose(phone, town)
    assert phone.url.startswith(f"/book/{town.tenant}/review/")
    assert "Follow-up, 50 minutes" in page.text
    assert "We keep this time for you until 10:05 am." in page.text
    assert await town.visits() == [], "nothing is booked before the review"
    page = await phone.send(
        page.form("/book"), name="Kim Doe", email="kim@example.org", phone="(202) 555-0147", mails="true", texts="true"
    )
    assert phone.url.startswith("/a/")
    assert "Your visit" in page.text
    [visit] = await town.visits()
    client = await town.call("booking", "GET", f"/v1/clients/{visit['client_id']}")
    assert (client["name"], visit["changed_by"], visit["status"]) == ("Kim Doe", "client", "booked")
    path = f"/v1/clients/{visit['client_id']}"
    contact = await town.call("notifications", "GET", f"{path}/contact")
    assert contact == {"email": "kim@example.org", "phone": "+12025550147", "zone": "America/New_York"}
    consents = (await town.call("notifications", "GET", f"{path}/consents"))["items"]
    assert {(one["channel"], one["granted"], one["source"]) for one in consents} == {
        ("email", True, "booking page"),
        ("sms", True, "booking page"),
    }
    assert {one["wording_version"] for one in consents} == {"booking-page-2026-11"}


async def test_a_second_press_finds_the_visit_of_the_first(phone: Browser, town: Town) -> None:
    page = await choose(phone, town)
    form = page.form("/book")
    for _ in range(2):
        await phone.send(form, name="Kim Doe", email="kim@example.org")
        assert phone.url.startswith("/a/")
    assert len(await town.visits()) == 1


async def test_what_is_missing_is_said_beside_its_field_and_what_was_entered_stays(phone: Browser, town: Town) -> None:
    page = await choose(phone, town)
    page = await phone.send(page.form("/book"), name=" ", phone="12", texts="true")
    assert (phone.status, page.invalid) == (422, ["name", "phone"])
    assert "Enter your name." in page.text
    assert "Enter a phone number with its area code" in page.text
    assert (page.form("/book").values["phone"], page.form("/book").values["texts"]) == ("12", "true")
    page = await phone.send(page.form("/book"), name="Kim", phone="", email="kim@nowhere", mails="true")
    assert page.invalid == ["email", "phone"]
    assert await town.visits() == []


async def test_a_number_that_nobody_has_is_said_beside_its_field_and_nothing_is_booked(
    phone: Browser, town: Town
) -> None:
    page = await choose(phone, town)
    page = await phone.send(page.form("/book"), name="Kim Doe", email="kim@example.org", phone="+1 202 123 4567")
    assert (phone.status, "Enter a phone number with its area code" in page.text) == (422, True)
    assert page.form("/book").values["name"] == "Kim Doe"
    assert await town.visits() == []
    await phone.send(page.form("/book"), name="Kim Doe", email="kim@example.org", phone="(202) 555-0147")
    assert len(await town.visits()) == 1


async def test_a_provider_a_part_of_the_day_and_video_narrow_the_times(phone: Browser, town: Town) -> None:
    page = await phone.open(town.page)
    page = await phone.open(next(href for words, href in page.links if words.startswith("Follow-up")))
    everything = next(form for form in page.forms if "/hold" in form.action).buttons
    assert everything[0].startswith("Monday 2 March, 10:00 am, with ")
    page = await phone.send(page.form("/times"), part="evening", modality="telehealth")
    evening = next(form for form in page.forms if "/hold" in form.action).buttons
    assert evening
    assert all(" pm, " in words and "video" in words for words in evening)
    assert {words.split(", ")[1] for words in evening} == {"5:00 pm", "5:30 pm", "6:00 pm", "6:30 pm", "7:00 pm"}
    page = await phone.send(page.form("/times"), part="weekend")
    weekend = next(form for form in page.forms if "/hold" in form.action).buttons
    assert {words.split()[0] for words in weekend} == {"Saturday", "Sunday"}
    later = await phone.open(dict(page.links)["Later days"])
    more = next(form for form in later.forms if "/hold" in form.action).buttons
    assert not set(weekend) & set(more)


async def test_a_kept_time_is_nobody_elses_can_be_kept_longer_and_given_back(phone: Browser, town: Town) -> None:
    page = await choose(phone, town)
    review = phone.url
    page = await phone.send(page.form("/extend"))
    assert "until 10:10 am" in page.text
    page = await phone.send(page.form("/extend"))
    assert "until 10:15 am" in page.text
    assert not any("/extend" in form.action for form in page.forms), "twice at most"
    await phone.send(page.form("/release"))
    assert "/times" in phone.url
    await phone.open(review)
    assert (phone.status, "Nothing was booked" in phone.page.text) == (410, True)


async def test_who_wants_more_time_for_what_is_offered_no_more_sees_what_is(phone: Browser, town: Town) -> None:
    page = await choose(phone, town)
    await town.change_every_schedule(duration=timedelta(minutes=25))
    page = await phone.send(page.form("/extend"))
    assert (phone.status, "/times" in phone.url) == (200, True)
    assert any("/hold" in form.action for form in page.forms)


async def test_who_comes_late_still_has_the_time_if_nobody_was_faster(phone: Browser, town: Town) -> None:
    page = await choose(phone, town, "Tuesday 3 March")
    town.clock.now += timedelta(minutes=6)
    page = await phone.open(phone.url)
    assert "If nobody was faster, you can still have it." in page.text
    await phone.send(page.form("/book"), name="Kim Doe", email="kim@example.org")
    assert len(await town.visits()) == 1


async def test_a_known_client_books_by_a_personal_link_without_a_form(phone: Browser, town: Town) -> None:
    await town.set_self_booking("clients")
    await phone.open(town.page)
    assert (phone.status, "Please call the practice" in phone.page.text) == (404, True)
    client = await town.client()
    links = await town.call("booking", "POST", f"/v1/clients/{client}/personal-link")
    page = await choose(phone, town, page=links["book"])
    assert "About you" not in page.text
    await phone.send(next(form for form in page.forms if "/book?" in form.action))
    [visit] = await town.visits(client_id=client)
    page = await phone.open(links["portal"])
    [(words, href)] = [link for link in page.links if "/a/" in link[1]]
    assert "am (EST)" in words
    await phone.open(href)
    assert "Your visit" in phone.page.text
    assert visit["status"] == "booked"


@pytest.mark.parametrize("who", ["off", "clients"])
async def test_a_practice_that_takes_no_such_bookings_says_whom_to_call(who: str, phone: Browser, town: Town) -> None:
    await town.set_self_booking(who)
    page = await phone.open(town.page)
    assert (phone.status, "Please call the practice" in page.text) == (404, True)


async def test_addresses_that_are_made_up_or_of_another_practice_open_nothing(phone: Browser, town: Town) -> None:
    other = "0199f3a2-7c1e-7b6a-9d53-2f1f6a1c9e10"
    await phone.open(f"/book/{other}")
    assert phone.status == 404
    await phone.open(f"{town.page}?me={'A' * 64}")
    assert phone.status == 404
    client = await town.client()
    stolen = town.sign("client", client, tenant=UUID(other))
    await phone.open(f"{town.page}?me={stolen}")
    assert phone.status == 404
    await phone.open(f"{town.page}/review/{town.sign('hold', other)}")
    assert phone.status == 410
    await phone.open(f"{town.page}/times?type=nonsense")
    assert phone.status == 422


async def test_when_details_cannot_be_kept_nothing_is_booked_and_the_time_stays_kept(
    phone: Browser, town: Town
) -> None:
    page = await choose(phone, town)
    review, form = phone.url, page.form("/book")
    resources = town.apps["booking"].state.resources
    resources.contacts._url = "http://127.0.0.1:9"
    page = await phone.send(form, name="Kim Doe", email="kim@example.org")
    assert (phone.status, "Your time is still kept" in page.text) == (503, True)
    assert await town.visits() == []
    page = await phone.open(review)
    assert "We keep this time for you" in page.text


@pytest.mark.parametrize("known", [False, True])
async def test_two_presses_at_once_make_one_visit_and_both_find_it(known: bool, phone: Browser, town: Town) -> None:
    page = town.page
    if known:
        client = await town.client()
        page = (await town.call("booking", "POST", f"/v1/clients/{client}/personal-link"))["book"]
    forms = (await choose(phone, town, page=page)).forms
    form = next(form for form in forms if form.action.partition("?")[0].endswith("/book"))
    data = form.values | ({} if known else {"name": "Kim Doe", "email": "kim@example.org"})

    async def press() -> tuple[int, bool]:
        answer = await phone.http.post(form.action, data=data, headers={"origin": town.urls["booking"]})
        return answer.status_code, "/a/" in answer.headers.get("location", "")

    assert set(await asyncio.gather(*(press() for _ in range(3)))) == {(303, True)}
    assert len(await town.visits()) == 1


@pytest.mark.parametrize("how", ["released", "lost", "changed"])
async def test_nothing_is_kept_of_who_comes_too_late(how: str, phone: Browser, town: Town) -> None:
    page = await choose(phone, town, "Tuesday 3 March")
    form = page.form("/book")
    hold_id = UUID(bytes=urlsafe_b64decode(phone.url.rsplit("/", 1)[1])[16:32])
    if how == "released":
        await phone.send(page.form("/release"))
    elif how == "changed":
        await town.change_every_schedule(duration=timedelta(minutes=25))
    else:
        town.clock.now += timedelta(minutes=6)
        other = await choose(phone, town, "Tuesday 3 March")
        await phone.send(other.form("/book"), name="Lee", email="lee@example.org")
    await phone.send(form, name="Kim Doe", email="kim@example.org", phone="202 555 0147", mails="true", texts="true")
    assert "/a/" not in phone.url
    assert ("That time can't be had any more" in phone.page.text) == (how != "released")
    path = f"/v1/clients/{self_booking.new_client(hold_id)}"
    answer = await town.http.get(
        f"{town.urls['notifications']}{path}/contact", headers=town.issuer.headers(town.tenant)
    )
    assert answer.status_code == 404, answer.text
    assert (await town.call("notifications", "GET", f"{path}/consents"))["items"] == []
