"""The page behind a link: looking changes nothing, one tap books, a link opens one visit."""

import asyncio
import re
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest

from services.booking.use_cases import appointments
from shared.capability import Capability
from shared.contracts.availability import Window
from shared.contracts.slots import SlotId
from tests.booking.conftest import ManualClock
from tests.support.build import NOW, schedule
from tests.support.practice import Practice, count
from tests.support.servers import LINK_KEY, SLOT_KEY

pytestmark = pytest.mark.servers
HTML = {"accept": "text/html"}
SLOT = r'name="slot" value="([A-Za-z0-9.-]{59})"'


async def missed_visit(practice: Practice, clock: ManualClock) -> dict[str, Any]:
    [start] = practice.starts(1)
    visit: dict[str, Any] = (await practice.book(start)).json()
    clock.now = start + timedelta(minutes=16)
    async with practice.resources.database.transaction(practice.tenant) as session:
        await appointments.notice_absence(
            session, tenant=practice.tenant, appointment_id=UUID(visit["id"]), now=clock.now
        )
    return visit


def link(practice: Practice, visit: dict[str, Any], purpose: str = "visit", days: int = 14) -> str:
    return Capability(purpose, practice.tenant, UUID(visit["id"]), NOW + timedelta(days=days)).sign(LINK_KEY)


async def test_a_missed_visit_is_rebooked_with_one_tap_and_a_second_tap_changes_nothing(
    practice: Practice, clock: ManualClock
) -> None:
    visit = await missed_visit(practice, clock)
    path = f"/a/{link(practice, visit)}"
    for _ in range(3):
        page = await practice.http.get(path, headers=HTML)
        assert page.status_code == 200
    assert await count(practice, "appointments") == 1
    slots = re.findall(r'name="slot" value="([A-Za-z0-9.-]{59})"', page.text)
    assert len(slots) == 6
    for slot in (slots[0], slots[1]):
        answer = await practice.http.post(f"{path}/book", data={"slot": slot}, headers=HTML)
        assert answer.status_code == 303
    assert await count(practice, "appointments") == 2
    done = await practice.http.get(path, headers=HTML)
    assert "You're booked" in done.text
    listed = (await practice.http.get("/v1/appointments", headers=practice.headers())).json()["items"]
    assert [item["rebooked_from"] for item in listed] == [None, visit["id"]]


async def test_two_taps_at_once_rebook_once(practice: Practice, clock: ManualClock) -> None:
    visit = await missed_visit(practice, clock)
    path = f"/a/{link(practice, visit)}/book"
    starts = [start for start in practice.starts(12) if start > clock.now + timedelta(hours=2)][:6]
    slots = [practice.slot(start, expires=clock.now + timedelta(hours=1)) for start in starts]
    presses = (practice.http.post(path, data={"slot": slot}, headers=HTML) for slot in slots)
    assert {answer.status_code for answer in await asyncio.gather(*presses)} == {303}
    assert await count(practice, "appointments") == 2


async def test_a_second_press_moves_nothing_and_the_history_says_what_was_done(
    practice: Practice, clock: ManualClock
) -> None:
    video = await practice.publish(
        schedule(modality="telehealth", appointment_type_id=practice.rules.appointment_type_id)
    )
    start, _ = practice.starts(2)
    visit = (await practice.book(start)).json()
    path = f"/a/{link(practice, visit)}"
    slot = practice.slot(start, schedule_id=video.schedule_id)
    for _ in range(2):
        assert (await practice.http.post(f"{path}/move", data={"slot": slot}, headers=HTML)).status_code == 303
    await practice.act(visit, "confirm")
    history = await practice.http.get(f"/v1/appointments/{visit['id']}/history", headers=practice.headers())
    said = [(one["event"], one["modality"], one["provider_id"], one["subject"]) for one in history.json()["items"]]
    before, after = str(practice.rules.provider_id), str(video.provider_id)
    assert [item[:3] for item in said] == [
        ("appointment.booked", "in_person", before),
        ("appointment.rescheduled", "telehealth", after),
        ("appointment.confirmed", "telehealth", after),
    ]
    assert said[1][3] == "link"


async def test_a_page_that_is_left_open_cancels_nothing_once_the_client_is_there(
    practice: Practice, clock: ManualClock
) -> None:
    [start] = practice.starts(1)
    visit = (await practice.book(start)).json()
    clock.now = start - timedelta(minutes=5)
    await practice.act(visit, "check-in")
    path = f"/a/{link(practice, visit)}/cancel"
    assert (await practice.http.post(path, data={"reason": "illness"}, headers=HTML)).status_code == 303
    mine = practice.headers("client", client_id=visit["client_id"])
    refused = await practice.http.post(
        f"/v1/appointments/{visit['id']}/cancel", json={"reason": "illness"}, headers=mine
    )
    assert (refused.status_code, refused.json()["code"]) == (409, "already_started")
    found = await practice.http.get(f"/v1/appointments/{visit['id']}", headers=practice.headers())
    assert found.json()["status"] == "checked-in"


async def test_a_visit_that_is_moved_beyond_its_link_gets_another_one(practice: Practice, clock: ManualClock) -> None:
    start, late = practice.starts(1)[0], practice.starts(60)[-1]
    visit = (await practice.book(start)).json()
    before = link(practice, visit, days=1)
    moved = await practice.http.post(f"/a/{before}/move", data={"slot": practice.slot(late)}, headers=HTML)
    assert moved.status_code == 303
    after = moved.headers["location"].rsplit("/", 1)[1]
    assert after != before
    clock.now = late - timedelta(minutes=30)
    assert (await practice.http.get(f"/a/{before}", headers=HTML)).status_code == 410
    assert (await practice.http.get(f"/a/{after}", headers=HTML)).status_code == 200


async def test_a_missed_visit_is_made_up_for_by_one_of_its_own_type(practice: Practice, clock: ManualClock) -> None:
    other = await practice.publish(schedule())
    visit = await missed_visit(practice, clock)
    start = next(start for start in practice.starts(30) if start > clock.now + timedelta(hours=2))
    slot = practice.slot(start, schedule_id=other.schedule_id, expires=clock.now + timedelta(hours=1))
    answer = await practice.http.post(f"/a/{link(practice, visit)}/book", data={"slot": slot}, headers=HTML)
    assert answer.status_code == 422
    assert await count(practice, "appointments") == 1


async def test_who_comes_late_by_video_finds_the_door_open_though_counted_as_missing(
    practice: Practice, clock: ManualClock
) -> None:
    policy = {"late_within": "P1D", "video_link": "https://video.example.org/{room}"}
    admin = practice.headers("admin") | {"if-match": '"0"'}
    assert (await practice.http.put("/v1/policy", json=policy, headers=admin)).status_code == 200
    await practice.publish(practice.rules.model_copy(update={"sequence": 2, "modality": "telehealth"}))
    practice.rules = practice.published[practice.rules.schedule_id]
    visit = await missed_visit(practice, clock)
    start = datetime.fromisoformat(visit["start"])
    for minutes, is_open in ((16, True), (64, True), (66, False)):
        clock.now = start + timedelta(minutes=minutes)
        page = await practice.http.get(f"/a/{link(practice, visit)}", headers=HTML)
        assert "We missed you" in page.text
        assert ("Join the video visit" in page.text) is is_open


async def test_a_remote_link_offers_only_what_needs_no_travel(practice: Practice, clock: ManualClock) -> None:
    await practice.publish(schedule(modality="telehealth", appointment_type_id=practice.rules.appointment_type_id))
    visit = await missed_visit(practice, clock)
    page = await practice.http.get(f"/a/{link(practice, visit, 'remote')}", headers=HTML)
    assert "Video visits" in page.text
    assert "· video" in page.text
    assert "in person" not in page.text


async def test_an_evening_link_offers_evenings_and_weekends_and_a_way_to_the_others(
    practice: Practice, clock: ManualClock
) -> None:
    visit = await missed_visit(practice, clock)
    path = f"/a/{link(practice, visit, 'evening')}"
    page = await practice.http.get(path, headers=HTML)
    assert "Nothing is free in the evenings or at weekends" in page.text
    late = Window(weekday=2, start=time(16), end=time(20)), Window(weekday=5, start=time(10), end=time(12))
    await practice.publish(schedule(windows=late, appointment_type_id=practice.rules.appointment_type_id))
    zone = ZoneInfo(practice.rules.zone)
    page = await practice.http.get(path, headers=HTML)
    assert "Evenings and weekends" in page.text
    slots = [SlotId.verify(one, SLOT_KEY, practice.tenant, clock.now) for one in re.findall(SLOT, page.text)]
    walls = [one.start.astimezone(zone) for one in slots]
    assert {wall.weekday() for wall in walls} == {2, 5}
    assert all(wall.hour >= 17 or wall.weekday() == 5 for wall in walls)
    assert "See all free times" in page.text and "?after_hours=false" in page.text
    page = await practice.http.get(f"{path}?after_hours=false", headers=HTML)
    assert "Next free times" in page.text and "?after_hours=true" in page.text
    assert re.findall(SLOT, page.text)


async def test_a_slot_that_was_taken_meanwhile_is_said_kindly_and_others_are_shown(
    practice: Practice, clock: ManualClock
) -> None:
    visit = await missed_visit(practice, clock)
    path = f"/a/{link(practice, visit)}"
    page = await practice.http.get(path, headers=HTML)
    slot = re.findall(r'name="slot" value="([A-Za-z0-9.-]{59})"', page.text)[0]
    body = {"slot": slot, "client_id": await practice.client()}
    assert (await practice.http.post("/v1/appointments", json=body, headers=practice.headers())).status_code == 201
    answer = await practice.http.post(f"{path}/book", data={"slot": slot}, headers=HTML)
    page = await practice.http.get(answer.headers["location"], headers=HTML)
    assert "can't be had any more" in page.text
    assert slot not in page.text


async def test_a_visit_that_was_not_missed_cannot_be_booked_anew(practice: Practice) -> None:
    first, second = practice.starts(2)
    visit = (await practice.book(first)).json()
    path = f"/a/{link(practice, visit)}"
    page = await practice.http.get(path, headers=HTML)
    assert "Your visit" in page.text
    assert 'name="slot"' not in page.text
    answer = await practice.http.post(f"{path}/book", data={"slot": practice.slot(second)})
    assert (answer.status_code, answer.json()["code"]) == (409, "not_missed")


@pytest.mark.parametrize(("kind", "status"), [("cut", 404), ("survey", 404), ("expired", 410), ("nobody's", 404)])
async def test_a_link_that_does_not_fit_shows_a_page_that_says_so(kind: str, status: int, practice: Practice) -> None:
    [start] = practice.starts(1)
    visit = (await practice.book(start)).json()
    bad = {
        "cut": link(practice, visit)[:-4],
        "survey": link(practice, visit, "barrier"),
        "expired": link(practice, visit, days=0),
        "nobody's": link(practice, {"id": str(uuid4())}),
    }[kind]
    page = await practice.http.get(f"/a/{bad}", headers=HTML)
    assert page.status_code == status
    assert page.headers["content-type"].startswith("text/html")
    assert "That didn&#39;t work" in page.text or "That didn't work" in page.text


async def test_a_page_keeps_its_link_to_itself(practice: Practice) -> None:
    [start] = practice.starts(1)
    visit = (await practice.book(start)).json()
    page = await practice.http.get(f"/a/{link(practice, visit)}", headers=HTML)
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "<script" not in page.text
