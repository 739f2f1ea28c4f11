"""What searches remember can't outlive what it says: every change is heard of, and what can't hear doesn't answer."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from services.availability import board as boards
from services.availability.board import Block, Board, Shelf
from services.availability.repository.changes import Feed, announce
from services.availability.use_cases import projection
from shared.contracts.booking import AppointmentBooked, SlotHeld
from shared.contracts.slots import Plan
from shared.db import Database
from tests.availability.conftest import WEEK, Practice
from tests.conftest import MakeApi
from tests.support.build import NOW, appointment_event
from tests.support.issuer import Issuer
from tests.support.streams import eventually

pytestmark = pytest.mark.servers

TAKEN = datetime.fromisoformat("2026-03-03T15:00:00+00:00")


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def practice(api: MakeApi, issuer: Issuer, tenant: UUID, clock: Clock) -> AsyncIterator[Practice]:
    one = Practice(await api("availability", clock=clock), issuer, tenant)
    await one.open()
    await one.publish()
    yield one


def board_of(practice: Practice) -> Board:
    board: Board = practice.http.app.state.resources.board  # type: ignore[attr-defined] # set by the fixture
    return board


async def booked_elsewhere(practice: Practice) -> None:
    """The worker hears of a booking: another process, with a database connection of its own."""
    event = appointment_event(AppointmentBooked, start=TAKEN, provider_id=UUID(practice.ids["provider_id"]))
    worker = Database(practice.database.url, pool_size=1, name="availability")
    try:
        async with worker.transaction(practice.tenant) as session:
            await projection.follow_visit(session, tenant=practice.tenant, state=event, now=NOW)
    finally:
        await worker.close()


async def is_offered(practice: Practice, **more: Any) -> bool:
    return f"{TAKEN:%Y-%m-%dT%H:%M:%SZ}" in [item["start"] for item in (await practice.search(**more))["items"]]


async def test_what_another_process_has_heard_is_gone_from_memory(practice: Practice) -> None:
    assert await is_offered(practice)
    assert await is_offered(practice)
    await booked_elsewhere(practice)

    async def gone() -> bool:
        return not await is_offered(practice)

    await eventually(gone, 5)


async def test_who_does_not_hear_of_changes_does_not_answer_from_memory(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await is_offered(practice)
    board = board_of(practice)
    monkeypatch.setattr(board, "_hear", lambda *_: None)

    async def deaf() -> bool:
        return not board.trusted

    await eventually(deaf, 5)
    await booked_elsewhere(practice)
    assert not await is_offered(practice), "not even the first search after it"


async def test_a_process_that_stood_still_asks_what_it_missed_and_computes_nothing_else_anew(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await is_offered(practice)
    other = await practice.call("POST", "/v1/providers", 201, json={"name": "B", "zone": "America/New_York"})
    await practice.publish(provider_id=other["id"])
    board = board_of(practice)
    await practice.search()
    asking, look, hear = False, board.look, board._hear

    async def asked() -> None:
        nonlocal asking
        asking = True
        await look()
        asking = False

    def deaf_but_for_that(began: float, news: Any) -> None:
        if asking:
            hear(began, news)

    monkeypatch.setattr(board, "_hear", deaf_but_for_that)

    async def stood_still() -> bool:
        return not board.trusted

    await eventually(stood_still, 5)
    monkeypatch.setattr(board, "look", asked)
    computed: list[UUID] = []
    plain = boards._block

    def noted(plan: Plan, *rest: Any) -> Block:
        computed.append(plan.provider_id)
        return plain(plan, *rest)

    monkeypatch.setattr(boards, "_block", noted)
    await booked_elsewhere(practice)
    found = (await practice.search(limit="199"))["items"]
    assert set(computed) == {UUID(practice.ids["provider_id"])}
    assert practice.ids["provider_id"] not in {
        item["provider_id"] for item in found if item["start"] == f"{TAKEN:%Y-%m-%dT%H:%M:%SZ}"
    }


async def test_the_same_question_is_answered_once_a_second(
    practice: Practice, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = board_of(practice)

    async def trusted() -> bool:
        return board.trusted

    await eventually(trusted)
    first = await practice.search()
    asked = 0
    plain = board.open

    async def counted(tenant: UUID) -> Any:
        nonlocal asked
        asked += 1
        return await plain(tenant)

    monkeypatch.setattr(board, "open", counted)
    await eventually(trusted)
    assert (await practice.search(), asked) == (first, 0)
    await practice.search(limit="7")
    assert asked == 1, "another question"
    clock.now += timedelta(seconds=1)
    await practice.search()
    assert asked == 2, "in the next second the answer may be another"


async def test_an_answer_to_somebody_in_particular_is_not_kept_for_others(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = board_of(practice)
    kept: list[str] = []
    plain = board.keep_answer

    def noted(tenant: UUID, shelf: Any, question: str, *rest: Any) -> None:
        kept.append(question)
        plain(tenant, shelf, question, *rest)

    monkeypatch.setattr(board, "keep_answer", noted)
    await practice.search(client=str(uuid4()))
    visit = appointment_event(AppointmentBooked, start=TAKEN, provider_id=UUID(practice.ids["provider_id"]))
    await practice.follow(visit)
    await practice.search(ignore=str(visit.subject))
    own = practice.issuer.headers(practice.tenant, "client", client_id=uuid4())
    query = {
        "appointment_type": practice.ids["appointment_type_id"],
        "from": NOW.isoformat(),
        "to": (NOW + timedelta(days=1)).isoformat(),
    }
    assert (await practice.http.get("/v1/slots", params=query, headers=own)).status_code == 200
    assert kept == []
    await practice.search()
    assert len(kept) == 1


async def test_an_answer_whose_making_a_change_has_overtaken_is_not_kept(practice: Practice) -> None:
    board = board_of(practice)
    await practice.search()
    shelf = (await board.open(practice.tenant)).shelf
    before = board.generation
    await practice.follow(appointment_event(start=TAKEN, provider_id=UUID(practice.ids["provider_id"])))
    assert board.generation > before
    board.keep_answer(practice.tenant, shelf, "q", 1, b"old", before)
    assert board.answer(practice.tenant, "q", 1) is None


async def test_a_shelf_that_was_read_while_something_changed_is_not_kept(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = board_of(practice)
    plain = boards._load

    async def overtaken(*args: Any, **more: Any) -> Shelf:
        shelf = await plain(*args, **more)
        await booked_elsewhere(practice)
        await board.look()
        return shelf

    board._shelves.clear()
    monkeypatch.setattr(boards, "_load", overtaken)
    read = (await board.open(practice.tenant)).shelf
    monkeypatch.setattr(boards, "_load", plain)
    assert board._shelves.get(practice.tenant) is None
    assert (await board.open(practice.tenant)).shelf is not read
    assert not await is_offered(practice)


async def test_other_rules_leave_nothing_of_the_old_ones_in_memory(practice: Practice) -> None:
    board = board_of(practice)
    [schedule] = (await practice.call("GET", "/v1/schedules"))["items"]
    place = {"name": "Elsewhere", "zone": "America/New_York", "modality": "telehealth"}
    location = (await practice.call("POST", "/v1/locations", 201, json=place))["id"]
    other = await practice.publish([WEEK[1]], location_id=location)
    assert await is_offered(practice)
    known = {id for id, _, _ in (await board.open(practice.tenant)).shelf.blocks}
    assert known == {UUID(schedule["id"]), UUID(other["id"])}
    headers, body = {"if-match": f'"{schedule["version"]}"'}, {"windows": [WEEK[4]]}
    await practice.call("PUT", f"/v1/schedules/{schedule['id']}", json=body, headers=headers)
    await practice.call("DELETE", f"/v1/schedules/{other['id']}", headers={"if-match": f'"{other["version"]}"'})
    await board.look()
    assert not await is_offered(practice)
    assert {item["start"][:10] for item in (await practice.search())["items"]} == {"2026-03-06"}
    headers["if-match"] = '"2"'
    longer = {"windows": [WEEK[4]], "duration": "PT100M"}
    await practice.call("PUT", f"/v1/schedules/{schedule['id']}", json=longer, headers=headers)
    await board.look()
    first = (await practice.search())["items"][0]
    assert (first["start"][11:], first["end"][11:]) == ("14:00:00Z", "15:40:00Z"), "slots are written anew too"


async def test_a_change_that_is_committed_after_a_younger_one_is_heard_of(practice: Practice) -> None:
    feed = Feed(practice.database.url)
    await feed.look()
    older, younger = uuid4(), uuid4()
    async with practice.database.transaction(practice.tenant) as session:
        await announce(session, practice.tenant, older)
        async with practice.database.transaction(practice.tenant) as other:
            await announce(other, practice.tenant, younger)
        assert younger in {provider for _, _, provider, _ in await feed.look() or ()}
    heard = {provider for _, _, provider, _ in await feed.look() or ()}
    assert older in heard
    assert younger not in heard, "once"
    feed.close()


async def test_changes_that_every_process_has_seen_are_dropped(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boards, "REMEMBERED_SECONDS", 0.1)
    aged = "UPDATE changes SET changed_at = changed_at - interval '11 minutes'"

    async def left() -> int:
        async with practice.database.transaction(practice.tenant) as session:
            return int(await session.scalar(text("SELECT count(*) FROM changes")) or 0)

    before = await left()
    assert before > 1
    async with practice.database.transaction(practice.tenant) as session:
        await session.execute(text(f"{aged} WHERE id = (SELECT min(id) FROM changes)"))

    async def dropped() -> bool:
        return await left() == before - 1

    await eventually(dropped, 5)


async def test_a_hold_that_runs_out_forgets_its_own_providers_times_alone(
    practice: Practice, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedules = []
    for _ in range(4):
        made = await practice.call("POST", "/v1/providers", 201, json={"name": "B", "zone": "America/New_York"})
        schedules.append(await practice.publish(provider_id=made["id"]))
    for number, one in enumerate(schedules[:2]):
        visit = appointment_event(
            start=TAKEN, provider_id=UUID(one["provider_id"]), schedule_id=UUID(one["id"])
        ).model_dump()
        expires_at = clock.now + timedelta(minutes=5 * (number + 1))
        await practice.follow_hold(SlotHeld.model_validate({**visit, "hold_id": uuid4(), "expires_at": expires_at}))
    computed: list[UUID] = []
    plain = boards._block

    def noted(plan: Plan, *rest: Any) -> Block:
        computed.append(plan.provider_id)
        return plain(plan, *rest)

    monkeypatch.setattr(boards, "_block", noted)
    await practice.search(days=3)
    assert len(set(computed)) == 5
    for one in schedules[:2]:
        computed.clear()
        clock.now += timedelta(minutes=5, seconds=1)
        found = await practice.search(days=3, begin=clock.now)
        assert set(computed) == {UUID(one["provider_id"])}
        starts = {item["start"] for item in found["items"] if item["provider_id"] == one["provider_id"]}
        assert f"{TAKEN:%Y-%m-%dT%H:%M:%SZ}" in starts
