"""The waitlist over HTTP against real PostgreSQL: freed times, rounds of offers, and who gets what."""

import asyncio
import json
import re
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text

from services.booking.domain.waitlist import Offer
from services.booking.jobs import timers
from services.booking.use_cases import accepting, appointments, waitlist
from shared.capability import Capability
from shared.contracts.availability import AvailabilityOpened, Opened
from shared.contracts.waitlist import Fate
from shared.timers import TimerRunner
from tests.booking.conftest import ManualClock
from tests.support.build import schedule
from tests.support.practice import Practice, count
from tests.support.servers import LINK_KEY

pytestmark = pytest.mark.servers

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


class Waitlist:
    """What happens around the list of one practice."""

    def __init__(self, practice: Practice, clock: ManualClock) -> None:
        self.practice, self.clock = practice, clock

    async def join(self, client: str | None = None, expect: int = 201, role: str = "staff", **body: Any) -> Any:
        """Joins a minute after whoever came before."""
        self.clock.now += MINUTE
        body = {
            "client_id": client or await self.practice.client(),
            "appointment_type_id": str(self.practice.rules.appointment_type_id),
            "zone": "America/New_York",
            **body,
        }
        answer = await self.practice.http.post("/v1/waitlist", json=body, headers=self.practice.headers(role))
        assert answer.status_code == expect, answer.text
        return answer.json()

    async def open(self, start: datetime, length: timedelta = 50 * MINUTE, *others: datetime) -> UUID:
        """Availability tells that a time is free, and others of that length too."""
        news = AvailabilityOpened(
            sequence=1,
            opening_id=uuid4(),
            provider_id=self.practice.rules.provider_id,
            reason="cancelled",
            opened=tuple(Opened(begin=begin, end=begin + length) for begin in (start, *others)),
        )
        async with self.practice.resources.database.transaction(self.practice.tenant) as session:
            await waitlist.follow_opening(session, tenant=self.practice.tenant, news=news, now=self.clock.now)
        return news.opening_id

    async def round(self, opening: UUID) -> list[Offer]:
        async with self.practice.resources.database.transaction(self.practice.tenant) as session:
            return await waitlist.offer_round(
                session, tenant=self.practice.tenant, opening_id=opening, now=self.clock.now
            )

    async def next_round(self, opening: UUID) -> datetime | None:
        query = text("SELECT due_at FROM timers WHERE kind = 'waitlist.round' AND key = :opening")
        async with self.practice.resources.database.transaction(self.practice.tenant) as session:
            due: datetime | None = await session.scalar(query, {"opening": opening})
        return due

    async def accept(self, offer: Offer, **headers: str) -> httpx.Response:
        path = f"/v1/waitlist/offers/{offer.id}/accept"
        return await self.practice.http.post(path, headers={**self.practice.headers(), **headers})

    async def fates(self, entry: dict[str, Any]) -> list[str]:
        answer = await self.practice.http.get(f"/v1/waitlist/{entry['id']}/offers", headers=self.practice.headers())
        return [offer["fate"] for offer in answer.json()["items"]]

    async def entry(self, entry: dict[str, Any]) -> Any:
        answer = await self.practice.http.get(f"/v1/waitlist/{entry['id']}", headers=self.practice.headers())
        return answer.json()

    async def told(self) -> Counter[str]:
        query = text("SELECT topic, payload FROM outbox WHERE topic LIKE 'waitlist.%'")
        async with self.practice.resources.database.transaction(self.practice.tenant) as session:
            rows = (await session.execute(query)).all()
        return Counter(
            f"{row.topic} {fate}" if (fate := json.loads(row.payload).get("fate")) else row.topic for row in rows
        )

    async def visits(self) -> list[tuple[str, datetime]]:
        query = text("SELECT client_id, start FROM appointments WHERE status = 'booked' ORDER BY start")
        async with self.practice.resources.database.transaction(self.practice.tenant) as session:
            return [(str(row.client_id), row.start) for row in await session.execute(query)]


@pytest.fixture
def waiting(practice: Practice, clock: ManualClock) -> Waitlist:
    return Waitlist(practice, clock)


def later(practice: Practice, count: int) -> list[datetime]:
    """Free times that are beyond any cut-off."""
    return [start for start in practice.starts(count + 8) if start > practice.now + 12 * HOUR][:count]


def ids(offers: Iterable[Offer]) -> list[str]:
    return [str(offer.entry_id) for offer in offers]


async def test_three_at_a_time_the_longest_waiting_first_then_the_next_three(waiting: Waitlist) -> None:
    [start] = later(waiting.practice, 1)
    entries = [await waiting.join() for _ in range(7)]
    opening = await waiting.open(start)
    first = await waiting.round(opening)
    assert ids(first) == [entry["id"] for entry in entries[:3]]
    assert {offer.start for offer in first} == {start}
    assert await waiting.next_round(opening) == first[0].expires_at == waiting.clock.now + 15 * MINUTE
    assert await waiting.round(opening) == [], "nobody is asked while three are"
    waiting.clock.now += 15 * MINUTE
    assert ids(await waiting.round(opening)) == [entry["id"] for entry in entries[3:6]]
    assert [await waiting.fates(entry) for entry in entries[:4]] == [["expired"]] * 3 + [["open"]]
    waiting.clock.now += 15 * MINUTE
    assert ids(await waiting.round(opening)) == [entries[6]["id"]]
    waiting.clock.now += 15 * MINUTE
    for _ in range(4):
        assert await waiting.round(opening) == [], "nobody is asked about the same time twice"
    assert await count(waiting.practice, "waitlist_openings") == 0
    assert await waiting.told() == {
        "waitlist.joined": 7,
        "waitlist.offered open": 7,
        "waitlist.offer_ended expired": 7,
    }


async def test_a_client_has_one_offer_at_a_time_whatever_they_wait_for(waiting: Waitlist, practice: Practice) -> None:
    client = await practice.client()
    mine = [await waiting.join(client) for _ in range(3)]
    others = [await waiting.join() for _ in range(3)]
    [start] = later(practice, 1)
    opening = await waiting.open(start)
    offers = await waiting.round(opening)
    assert ids(offers) == [mine[0]["id"], others[0]["id"], others[1]["id"]]
    waiting.clock.now += 16 * MINUTE
    # Let pass once, this time is offered to this client for none of the three.
    assert ids(await waiting.round(opening)) == [others[2]["id"]]


async def test_who_has_waited_longest_comes_first_whatever_the_ids_say(waiting: Waitlist, practice: Practice) -> None:
    entries = [await waiting.join() for _ in range(4)]
    async with practice.resources.database.transaction(practice.tenant) as session:
        query = text("UPDATE waitlist_entries SET joined_at = joined_at - interval '1 day' WHERE id = :id")
        await session.execute(query, {"id": UUID(entries[-1]["id"])})
    [start] = later(practice, 1)
    offers = await waiting.round(await waiting.open(start))
    assert ids(offers) == [entries[3]["id"], entries[0]["id"], entries[1]["id"]]


async def test_a_time_that_was_booked_in_the_usual_way_was_lost_and_its_page_says_so(
    waiting: Waitlist, practice: Practice
) -> None:
    entry = await waiting.join()
    [start] = later(practice, 1)
    opening = await waiting.open(start)
    [offer] = await waiting.round(opening)
    assert (await practice.book(start)).status_code == 201
    link = Capability("offer", practice.tenant, offer.id, waiting.clock.now + HOUR).sign(LINK_KEY)
    page = await practice.http.get(f"/w/{link}", headers={"accept": "text/html"})
    assert "Somebody was faster" in page.text and "A time is free" not in page.text
    waiting.clock.now += 16 * MINUTE
    await waiting.round(opening)
    assert await waiting.fates(entry) == ["lost"]


async def test_the_first_to_accept_has_it_and_the_others_keep_their_places(waiting: Waitlist) -> None:
    [start] = later(waiting.practice, 1)
    entries = [await waiting.join() for _ in range(3)]
    offers = await waiting.round(await waiting.open(start))
    won = await waiting.accept(offers[1])
    assert (won.status_code, won.json()["client_id"]) == (200, entries[1]["client_id"])
    assert await waiting.visits() == [(entries[1]["client_id"], start)]
    filled = await waiting.entry(entries[1])
    assert (filled["status"], filled["appointment_id"]) == ("filled", won.json()["id"])
    late = await waiting.accept(offers[0])
    assert (late.status_code, late.json()["code"], late.json()["fate"]) == (410, "offer_over", "lost")
    assert late.json()["detail"] == "Somebody was faster; you keep your place on the list."
    assert [await waiting.fates(entry) for entry in entries] == [["lost"], ["accepted"], ["lost"]]
    assert (await waiting.entry(entries[0]))["status"] == "waiting"
    again = await waiting.accept(offers[1])
    assert (again.status_code, again.json()["id"]) == (200, won.json()["id"]), "a second tap finds the visit"
    assert await waiting.told() == {
        "waitlist.joined": 3,
        "waitlist.offered open": 3,
        "waitlist.filled": 1,
        "waitlist.offer_ended accepted": 1,
        "waitlist.offer_ended lost": 2,
    }


async def test_of_twenty_who_accept_at_once_one_wins_and_nobody_loses_a_visit(
    waiting: Waitlist, practice: Practice
) -> None:
    admin = practice.headers("admin")
    rules = {"at_once": 20, "open_for": "PT15M", "cut_off": "PT2H", "earliest": "00:00", "latest": "23:59"}
    answer = await practice.http.put("/v1/waitlist/rules", json=rules, headers={**admin, "if-match": '"0"'})
    assert (answer.status_code, answer.json()["at_once"]) == (200, 20)
    freed, *others = later(practice, 11)
    owned: dict[str, datetime] = {}
    entries = []
    for number in range(20):
        client = await practice.client()
        swaps = None
        if number % 2:
            owned[client] = others[number // 2]
            visit = await practice.book(others[number // 2], client)
            assert visit.status_code == 201, visit.text
            swaps = visit.json()["id"]
        entries.append(await waiting.join(client, swaps=swaps))
    offers = await waiting.round(await waiting.open(freed))
    assert len(offers) == 20
    answers = await asyncio.gather(*(waiting.accept(offer) for offer in offers))
    assert Counter(answer.status_code for answer in answers) == {200: 1, 410: 19}
    assert {answer.json()["fate"] for answer in answers if answer.status_code == 410} == {"lost"}
    [winner] = [answer.json() for answer in answers if answer.status_code == 200]
    expected = {client: start for client, start in owned.items() if client != winner["client_id"]}
    assert dict(await waiting.visits()) == {**expected, winner["client_id"]: freed}
    fates = [await waiting.fates(entry) for entry in entries]
    assert Counter(fate for [fate] in fates) == {"accepted": 1, "lost": 19}


async def test_accepting_moves_the_visit_that_is_to_be_swapped(waiting: Waitlist, practice: Practice) -> None:
    freed, own = later(practice, 2)
    client = await practice.client()
    visit = (await practice.book(own, client)).json()
    await waiting.join(client, swaps=visit["id"])
    [offer] = await waiting.round(await waiting.open(freed))
    moved = await waiting.accept(offer)
    assert (moved.status_code, moved.json()["id"], moved.json()["version"]) == (200, visit["id"], 2)
    assert await waiting.visits() == [(client, freed)]


async def test_in_a_visits_place_only_earlier_times_are_offered_or_as_late_as_the_client_says(
    waiting: Waitlist, practice: Practice
) -> None:
    earlier, own, afterwards = later(practice, 3)
    client = await practice.client()
    visit = (await practice.book(own, client)).json()
    entry = await waiting.join(client, swaps=visit["id"])
    assert await waiting.round(await waiting.open(afterwards)) == []
    [offer] = await waiting.round(await waiting.open(earlier))
    left = await practice.http.delete(f"/v1/waitlist/{entry['id']}", headers=practice.headers())
    assert left.status_code == 200
    patient = await waiting.join(client, swaps=visit["id"], last_day=f"{afterwards + timedelta(days=1):%Y-%m-%d}")
    [offer] = await waiting.round(await waiting.open(afterwards))
    assert (str(offer.entry_id), offer.start) == (patient["id"], afterwards)


async def test_after_the_visit_was_called_off_what_is_later_is_offered_too(
    waiting: Waitlist, practice: Practice
) -> None:
    own, afterwards = later(practice, 2)
    client = await practice.client()
    visit = (await practice.book(own, client)).json()
    await waiting.join(client, swaps=visit["id"])
    await practice.act(visit, "cancel", {"reason": "provider_unavailable"})
    assert len(await waiting.round(await waiting.open(afterwards))) == 1


@pytest.mark.parametrize(("how", "offered"), [("called off", 0), ("moved away", 0), ("the practice called off", 1)])
async def test_nobody_is_offered_the_time_that_they_gave_up(
    how: str, offered: int, waiting: Waitlist, practice: Practice
) -> None:
    own, other = later(practice, 2)
    client = await practice.client()
    visit = (await practice.book(own, client)).json()
    await waiting.join(client)
    if how == "moved away":
        assert (await practice.act(visit, "reschedule", {"slot": practice.slot(other)})).status_code == 200
    else:
        reason = "illness" if how == "called off" else "provider_unavailable"
        assert (await practice.act(visit, "cancel", {"reason": reason})).status_code == 200
    opening = await waiting.open(own)
    assert len(await waiting.round(opening)) == offered
    if not offered:
        somebody = await waiting.join()
        assert ids(await waiting.round(opening)) == [somebody["id"]]


async def test_a_swap_that_fails_leaves_the_visit_where_it_is(waiting: Waitlist, practice: Practice) -> None:
    freed, own = later(practice, 2)
    client = await practice.client()
    visit = (await practice.book(own, client)).json()
    entry = await waiting.join(client, swaps=visit["id"])
    [offer] = await waiting.round(await waiting.open(freed))
    assert (await practice.book(freed)).status_code == 201, "anybody may be faster by the usual way"
    late = await waiting.accept(offer)
    assert (late.status_code, late.json()["fate"]) == (410, "lost")
    assert (client, own) in await waiting.visits()
    assert await waiting.fates(entry) == ["lost"]


async def test_a_visit_that_was_called_off_meanwhile_is_not_swapped_but_booked_anew(
    waiting: Waitlist, practice: Practice
) -> None:
    freed, own = later(practice, 2)
    client = await practice.client()
    visit = (await practice.book(own, client)).json()
    await waiting.join(client, swaps=visit["id"])
    [offer] = await waiting.round(await waiting.open(freed))
    await practice.act(visit, "cancel", {})
    booked = await waiting.accept(offer)
    assert (booked.status_code, booked.json()["id"] == visit["id"]) == (200, False)
    assert await waiting.visits() == [(client, freed)]


async def test_a_visit_that_has_begun_meanwhile_is_not_swapped_but_booked_anew(
    waiting: Waitlist, practice: Practice
) -> None:
    freed, own = later(practice, 2)
    client = await practice.client()
    visit = (await practice.book(own, client)).json()
    await waiting.join(client, swaps=visit["id"])
    [offer] = await waiting.round(await waiting.open(freed))
    begun = text('UPDATE appointments SET start = :start, "end" = :end WHERE id = :id')
    values = {"start": waiting.clock.now - HOUR, "end": waiting.clock.now - 10 * MINUTE, "id": visit["id"]}
    async with practice.resources.database.transaction(practice.tenant) as session:
        await session.execute(begun, values)
    booked = await waiting.accept(offer)
    assert booked.status_code == 200, booked.text
    assert booked.json()["id"] != visit["id"]


@pytest.mark.parametrize("what", ["declined", "left"])
async def test_what_ends_an_offer_while_it_is_accepted_goes_before_and_nothing_is_booked(
    waiting: Waitlist, practice: Practice, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    [freed] = later(practice, 1)
    entry = await waiting.join()
    [offer] = await waiting.round(await waiting.open(freed))
    book = appointments.book

    async def and_meanwhile(*args: Any, **kwargs: Any) -> Any:
        fate: Fate = "declined" if what == "declined" else "withdrawn"
        async with practice.resources.database.transaction(practice.tenant) as session:
            await accepting.close(session, tenant=practice.tenant, offer_id=offer.id, fate=fate, now=waiting.clock.now)
        return await book(*args, **kwargs)

    monkeypatch.setattr(appointments, "book", and_meanwhile)
    refused = await waiting.accept(offer)
    assert (refused.status_code, refused.json()["code"]) == (410, "offer_over")
    assert await waiting.visits() == []
    assert (await waiting.entry(entry))["status"] == "waiting"


async def test_what_is_no_more_what_was_offered_is_not_booked(waiting: Waitlist, practice: Practice) -> None:
    [freed] = later(practice, 1)
    entry = await waiting.join()
    [offer] = await waiting.round(await waiting.open(freed))
    await practice.publish(
        practice.rules.model_copy(update={"sequence": 2, "modality": "telehealth", "location_id": uuid4()})
    )
    refused = await waiting.accept(offer)
    assert (refused.status_code, refused.json()["code"], refused.json()["fate"]) == (410, "offer_over", "withdrawn")
    assert refused.json()["detail"] == "This time is not offered any more."
    assert await waiting.visits() == []
    assert await waiting.fates(entry) == ["withdrawn"]
    assert (await waiting.entry(entry))["status"] == "waiting"


async def test_two_taps_at_once_on_a_swap_both_find_the_visit(waiting: Waitlist, practice: Practice) -> None:
    freed, own = later(practice, 2)
    client = await practice.client()
    visit = (await practice.book(own, client)).json()
    await waiting.join(client, swaps=visit["id"])
    [offer] = await waiting.round(await waiting.open(freed))
    answers = await asyncio.gather(*(waiting.accept(offer) for _ in range(3)))
    assert [(answer.status_code, answer.json().get("id")) for answer in answers] == [(200, visit["id"])] * 3
    assert await waiting.visits() == [(client, freed)]


async def test_who_has_another_visit_then_is_told_so_and_the_offer_stands(
    waiting: Waitlist, practice: Practice
) -> None:
    [freed] = later(practice, 1)
    client = await practice.client()
    entry = await waiting.join(client)
    [offer] = await waiting.round(await waiting.open(freed))
    elsewhere = await practice.publish(schedule(appointment_type_id=practice.rules.appointment_type_id))
    slot = practice.slot(freed, schedule_id=elsewhere.schedule_id)
    body = {"slot": slot, "client_id": client}
    visit = await practice.http.post("/v1/appointments", json=body, headers=practice.headers())
    busy = await waiting.accept(offer)
    assert (busy.status_code, busy.json()["code"]) == (409, "slot_taken")
    assert busy.json()["detail"] == "You have another visit at this time; change that one first."
    assert await waiting.fates(entry) == ["open"]
    await practice.act(visit.json(), "cancel", {})
    assert (await waiting.accept(offer)).status_code == 200


async def test_what_is_declined_goes_to_the_next_at_once(waiting: Waitlist) -> None:
    [start] = later(waiting.practice, 1)
    entries = [await waiting.join() for _ in range(4)]
    opening = await waiting.open(start)
    offers = await waiting.round(opening)
    path = f"/v1/waitlist/offers/{offers[0].id}/decline"
    for _ in range(2):
        answer = await waiting.practice.http.post(path, headers=waiting.practice.headers())
        assert (answer.status_code, answer.json()["fate"]) == (200, "declined")
    assert await waiting.next_round(opening) == waiting.clock.now
    assert ids(await waiting.round(opening)) == [entries[3]["id"]]
    late = await waiting.accept(offers[0])
    assert (late.status_code, late.json()["fate"]) == (410, "declined")


async def test_who_leaves_is_offered_nothing_more_and_what_was_offered_goes_to_the_next(waiting: Waitlist) -> None:
    [start] = later(waiting.practice, 1)
    entries = [await waiting.join() for _ in range(4)]
    opening = await waiting.open(start)
    offers = await waiting.round(opening)
    path = f"/v1/waitlist/{entries[0]['id']}"
    waiting.clock.now += MINUTE
    for _ in range(2):
        answer = await waiting.practice.http.delete(path, headers=waiting.practice.headers())
        assert (answer.status_code, answer.json()["status"]) == (200, "left")
    assert await waiting.next_round(opening) == waiting.clock.now, "the next one needn't wait"
    assert ids(await waiting.round(opening)) == [entries[3]["id"]]
    late = await waiting.accept(offers[0])
    assert (late.status_code, late.json()["fate"]) == (410, "withdrawn")
    assert (await waiting.told())["waitlist.left"] == 1


async def test_an_offer_that_has_run_out_is_not_to_be_had_even_before_the_next_round(waiting: Waitlist) -> None:
    [start] = later(waiting.practice, 1)
    await waiting.join()
    [offer] = await waiting.round(await waiting.open(start))
    waiting.clock.now = offer.expires_at
    late = await waiting.accept(offer)
    assert (late.status_code, late.json()["fate"]) == (410, "expired")
    assert await waiting.visits() == []


async def test_several_free_times_are_spread_and_each_gets_one_that_suits(waiting: Waitlist) -> None:
    first, second, third = later(waiting.practice, 3)
    local = second.astimezone(waiting.practice.now.tzinfo)
    late = {"weekday": local.weekday(), "start": f"{local:%H:%M}", "end": "23:59"}
    picky = await waiting.join(zone="UTC", windows=[late])
    other = await waiting.join()
    one_more = await waiting.join()
    offers = await waiting.round(await waiting.open(first, third + HOUR - first))
    given = {str(offer.entry_id): offer.start for offer in offers}
    assert given[picky["id"]] == second
    assert {given[other["id"]], given[one_more["id"]]} == {first, third}


async def test_only_what_opened_is_offered_and_not_what_lies_between(waiting: Waitlist) -> None:
    first, _, third = later(waiting.practice, 3)
    for _ in range(3):
        await waiting.join()
    offers = await waiting.round(await waiting.open(first, 50 * MINUTE, third))
    assert Counter(offer.start for offer in offers) == {first: 2, third: 1}


async def test_nothing_is_offered_that_could_not_be_booked(waiting: Waitlist, practice: Practice) -> None:
    freed, taken = later(practice, 2)
    client = await practice.client()
    await waiting.join(client)
    assert (await practice.book(taken)).status_code == 201
    opening = await waiting.open(taken)
    assert await waiting.round(opening) == []
    other = await practice.publish(schedule(appointment_type_id=practice.rules.appointment_type_id))
    body = {"slot": practice.slot(freed, schedule_id=other.schedule_id), "client_id": client}
    await practice.http.post("/v1/appointments", json=body, headers=practice.headers())
    assert await waiting.round(await waiting.open(freed)) == [], "its client is elsewhere then"


async def test_what_opened_by_news_that_are_still_on_their_way_is_looked_at_again(waiting: Waitlist) -> None:
    [start] = later(waiting.practice, 1)
    await waiting.join()
    blocked = {"begin": start - HOUR, "end": start + HOUR, "because": "time_off"}
    rules = waiting.practice.rules.model_dump()
    closed = type(waiting.practice.rules).model_validate({**rules, "sequence": 2, "blocked": [blocked]})
    await waiting.practice.publish(closed)
    opening = await waiting.open(start)
    assert await waiting.round(opening) == []
    assert await waiting.next_round(opening) == waiting.clock.now + timedelta(seconds=5)
    await waiting.practice.publish(type(closed).model_validate({**rules, "sequence": 3}))
    assert len(await waiting.round(opening)) == 1


async def test_nothing_is_offered_after_the_cut_off_or_in_the_night(waiting: Waitlist) -> None:
    [start] = later(waiting.practice, 1)
    await waiting.join()
    opening = await waiting.open(start)
    night = start.replace(hour=4)
    waiting.clock.now = night
    assert await waiting.round(opening) == []
    assert await waiting.next_round(opening) == night.replace(hour=13), "eight o'clock in New York"
    for too_near in (start - 2 * HOUR - 14 * MINUTE, start - 2 * HOUR + 36 * MINUTE):
        waiting.clock.now = too_near
        assert await waiting.round(opening) == []
    assert await count(waiting.practice, "waitlist_openings") == 0


async def test_a_group_goes_on_being_offered_until_its_last_seat_is_taken(
    waiting: Waitlist, practice: Practice
) -> None:
    practice.rules = await practice.publish(schedule(capacity=2))
    [start] = later(practice, 1)
    for _ in range(3):
        await waiting.join()
    offers = await waiting.round(await waiting.open(start))
    answers = [await waiting.accept(offer) for offer in offers]
    assert [answer.status_code for answer in answers] == [200, 200, 410]


async def test_where_nobody_waits_nothing_is_kept(waiting: Waitlist) -> None:
    [start] = later(waiting.practice, 1)
    await waiting.open(start)
    assert await count(waiting.practice, "waitlist_openings") == 0


async def test_the_worker_makes_the_rounds(waiting: Waitlist, practice: Practice) -> None:
    """By the database's clock, so with rules that have no night."""
    async with practice.resources.database.transaction(practice.tenant) as session:
        today: datetime = await session.scalar(text("SELECT date_trunc('day', now())"))
    ahead = today + timedelta(days=3)
    while ahead.weekday() > 4:
        ahead += timedelta(days=1)
    practice.rules = await practice.publish(
        schedule(zone="UTC", appointment_type_id=practice.rules.appointment_type_id)
    )
    rules = {"earliest": "00:00", "latest": "23:59:59"}
    headers = {**practice.headers("admin"), "if-match": '"0"'}
    assert (await practice.http.put("/v1/waitlist/rules", json=rules, headers=headers)).status_code == 200
    await waiting.join()
    opening = await waiting.open(ahead.replace(hour=10))
    async with practice.resources.database.transaction(practice.tenant) as session:
        # Before whatever other tests have left.
        await session.execute(text("UPDATE timers SET due_at = '2000-01-01Z' WHERE kind = 'waitlist.round'"))
    runner = TimerRunner(practice.resources.database, timers(practice.resources))
    for timer in await runner.claim(100):
        if timer.key == opening:
            await runner.fire(timer)
    assert (await waiting.told())["waitlist.offered open"] == 1


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({"appointment_type_id": str(uuid4())}, "nothing_to_wait_for", "appointment_type_id"),
        ({"provider_ids": [str(uuid4())]}, "nothing_to_wait_for", "appointment_type_id"),
        ({"zone": "Mars/Olympus"}, "invalid_request", "zone"),
        ({"windows": [{"weekday": 7, "start": "09:00", "end": "10:00"}]}, "invalid_request", "windows.0.weekday"),
        ({"windows": [{"weekday": 0, "start": "09:00Z", "end": "10:00"}]}, "invalid_request", "windows.0.start"),
        ({"first_day": "2026-03-09", "last_day": "2026-03-08"}, "invalid_request", None),
        ({"last_day": "2026-02-28"}, "dates_in_the_past", "last_day"),
        ({"swaps": str(uuid4())}, "appointment_not_found", None),
        ({"client_id": str(uuid4())}, "client_not_found", "client_id"),
        ({"hours": []}, "invalid_request", "hours"),
    ],
)
async def test_bad_wishes_name_the_field_and_leave_nothing(
    body: dict[str, Any], code: str, field: str | None, waiting: Waitlist
) -> None:
    expect = 404 if code.endswith("not_found") else 422
    refused = await waiting.join(expect=expect, **body)
    assert refused["code"] == code
    assert field is None or refused["field"] == field
    assert await count(waiting.practice, "waitlist_entries") == 0


async def test_a_visit_of_somebody_else_or_one_that_is_over_is_no_swap(waiting: Waitlist, practice: Practice) -> None:
    [start] = later(practice, 1)
    visit = (await practice.book(start)).json()
    assert (await waiting.join(swaps=visit["id"], expect=422))["code"] == "not_yours"
    await practice.act(visit, "cancel", {})
    assert (await waiting.join(visit["client_id"], swaps=visit["id"], expect=422))["code"] == "not_movable"


async def test_a_visit_is_swapped_for_one_of_its_own_type_only(waiting: Waitlist, practice: Practice) -> None:
    other = await practice.publish(schedule(provider_id=practice.rules.provider_id))
    client = await practice.client()
    slot = practice.slot(later(practice, 3)[-1], schedule_id=other.schedule_id)
    body = {"slot": slot, "client_id": client}
    visit = (await practice.http.post("/v1/appointments", json=body, headers=practice.headers())).json()
    refused = await waiting.join(client, 422, swaps=visit["id"])
    assert (refused["code"], refused["field"]) == ("not_alike", "swaps")


async def test_a_client_has_five_places_at_most(waiting: Waitlist, practice: Practice) -> None:
    client = await practice.client()
    for _ in range(5):
        await waiting.join(client)
    assert (await waiting.join(client, expect=409))["code"] == "too_many_entries"


async def test_a_clients_token_sees_and_does_what_is_its_clients(waiting: Waitlist, practice: Practice) -> None:
    [start] = later(practice, 1)
    mine, theirs = await practice.client(), await practice.client()
    as_client = practice.headers("client", client_id=mine)
    body = {"appointment_type_id": str(practice.rules.appointment_type_id), "zone": "America/New_York"}
    own = await practice.http.post("/v1/waitlist", json=body, headers=as_client)
    assert (own.status_code, own.json()["client_id"]) == (201, mine)
    assert own.headers["location"] == f"/v1/waitlist/{own.json()['id']}"
    refused = await practice.http.post("/v1/waitlist", json={**body, "client_id": theirs}, headers=as_client)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_yours")
    nobody = await practice.http.post("/v1/waitlist", json=body, headers=practice.headers())
    assert (nobody.status_code, nobody.json()["field"]) == (422, "client_id")
    entry = await waiting.join(theirs)
    listed = await practice.http.get("/v1/waitlist", headers=as_client)
    assert [item["id"] for item in listed.json()["items"]] == [own.json()["id"]]
    offers = await waiting.round(await waiting.open(start))
    [other] = [offer for offer in offers if str(offer.entry_id) == entry["id"]]
    for method, path in (
        ("GET", f"/v1/waitlist/{entry['id']}"),
        ("GET", f"/v1/waitlist/{entry['id']}/offers"),
        ("DELETE", f"/v1/waitlist/{entry['id']}"),
        ("POST", f"/v1/waitlist/offers/{other.id}/accept"),
        ("POST", f"/v1/waitlist/offers/{other.id}/decline"),
    ):
        assert (await practice.http.request(method, path, headers=as_client)).status_code == 404, path
    rules = await practice.http.put("/v1/waitlist/rules", json={}, headers={**practice.headers(), "if-match": '"0"'})
    assert (rules.status_code, rules.json()["code"]) == (403, "role_not_allowed")


async def test_the_page_of_an_offer_changes_nothing_until_its_button_is_pressed(
    waiting: Waitlist, practice: Practice
) -> None:
    [start] = later(practice, 1)
    entries = [await waiting.join() for _ in range(2)]
    first, second = await waiting.round(await waiting.open(start))

    def link(offer: Offer) -> str:
        return "/w/" + Capability("offer", practice.tenant, offer.id, offer.expires_at + HOUR).sign(LINK_KEY)

    for _ in range(2):
        page = await practice.http.get(link(first))
        assert (page.status_code, "Take this time" in page.text) == (200, True)
        [write] = re.findall(r'href="http://notifications.test/m/([^"]+)">Something on your mind', page.text)
        asked = Capability.verify(write, LINK_KEY, "write", waiting.clock.now)
        assert str(asked.subject) == entries[0]["client_id"]
    assert await waiting.visits() == []
    answer = await practice.http.post(f"{link(first)}/accept")
    assert answer.status_code == 303
    assert await waiting.visits() == [(entries[0]["client_id"], start)]
    assert "It's yours" in (await practice.http.get(link(first))).text
    assert (await practice.http.post(f"{link(second)}/accept")).status_code == 303
    assert "Somebody was faster; you keep your place" in (await practice.http.get(link(second))).text
    assert (await practice.http.post(f"{link(second)}/decline")).status_code == 303
    forged = "/w/" + Capability("visit", practice.tenant, first.id, first.expires_at).sign(LINK_KEY)
    assert (await practice.http.get(forged)).status_code == 404
