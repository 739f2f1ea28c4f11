"""The copy of booking's visits: made anew from real topics, and held against a real booking's truth."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text

from services.availability import upkeep
from services.availability.clients import Booking
from shared.contracts import BY_TYPE
from shared.contracts.availability import SchedulePublished
from shared.contracts.booking import AppointmentBooked, AppointmentCancelled, HoldState
from shared.contracts.standing import VisitStanding
from tests.availability.conftest import Practice
from tests.availability.integration.test_projection import life_of_a_hold, life_of_a_visit
from tests.conftest import MakeApi
from tests.support.build import NOW, appointment_event
from tests.support.issuer import Issuer
from tests.support.practice import Practice as Desk
from tests.support.servers import SLOT_KEY
from tests.support.streams import envelope, publish

pytestmark = pytest.mark.servers


async def rows(practice: Practice) -> dict[UUID, tuple[Any, ...]]:
    async with practice.database.transaction(practice.tenant) as session:
        found = await session.execute(text("SELECT id, sequence, free, occupied_from, room_id FROM occupied"))
        return {row.id: tuple(row) for row in found}


async def spoil(practice: Practice, *statements: str) -> None:
    async with practice.database.transaction(practice.tenant) as session:
        for statement in statements:
            await session.execute(text(statement))


async def test_a_spoilt_copy_is_made_anew_from_the_topics(practice: Practice, kafka: str) -> None:
    await practice.call("PUT", f"/v1/practices/{practice.tenant}", json={"name": "Maple", "zone": "America/New_York"})
    schedule = await practice.publish()
    provider, start = UUID(practice.ids["provider_id"]), NOW.replace(hour=15, minute=0) + timedelta(days=1)
    lives = [
        life_of_a_visit(provider, start, cancelled=False),
        life_of_a_visit(provider, start + timedelta(hours=2), cancelled=True),
        life_of_a_hold(provider, start + timedelta(hours=4), schedule["id"])[:1],
        life_of_a_visit(provider, start + timedelta(days=2), cancelled=False)[:1],
    ]
    for life in lives:
        # Newest first: what counts is the sequence, not the place on the topic.
        await publish(kafka, *(envelope(event, practice.tenant) for event in reversed(life)))
        for event in life:
            await (practice.follow_hold(event) if isinstance(event, HoldState) else practice.follow(event))
    right, offered = await rows(practice), await practice.search()
    moved, called_off, held, last = [life[0].subject for life in lives]
    stranger = appointment_event(provider_id=provider, start=start + timedelta(days=3))
    await practice.follow(stranger)
    later = lives[3][0].model_dump() | {"sequence": 7, "status": "cancelled"}
    await spoil(
        practice,
        f"DELETE FROM occupied WHERE id = '{moved}'",
        f"UPDATE occupied SET free = false WHERE id = '{called_off}'",
        f"UPDATE occupied SET occupied_from = occupied_from + interval '5 minutes', sequence = 1 WHERE id = '{held}'",
    )
    assert await rows(practice) != right
    said = await practice.outbox("%")
    found = await upkeep.rebuild(practice.database, kafka, lambda: NOW, [practice.tenant])
    assert (found.mended, found.removed) == (3, 1)
    assert await rows(practice) == right
    await practice.follow()
    assert [item["start"] for item in (await practice.search())["items"]] == [
        item["start"] for item in offered["items"]
    ], "searches have heard of it too"
    assert await practice.outbox("%") == said, "nothing happened that others should hear of"
    # What the consumer has heard while the topics were read is newer, and stays.
    await practice.follow(AppointmentCancelled.model_validate(later))
    again = await upkeep.rebuild(practice.database, kafka, lambda: NOW, [practice.tenant])
    assert (again.mended, again.removed) == (0, 0)
    assert (await rows(practice))[last][1:3] == (7, True)


@pytest.fixture
async def desk(practice: Practice, api: MakeApi, issuer: Issuer) -> AsyncIterator[Desk]:
    """The same practice at booking, with the schedule that availability has published."""
    await practice.call("PUT", f"/v1/practices/{practice.tenant}", json={"name": "Maple", "zone": "America/New_York"})
    await practice.publish()
    [(_, payload)] = await practice.outbox()
    one = Desk(
        await api("booking", clock=lambda: NOW),
        issuer,
        practice.tenant,
        rules=SchedulePublished.model_validate(payload),
    )
    await one.publish()
    yield one


async def told(practice: Practice, desk: Desk, appointment_id: str) -> None:
    """Booking's newest event of a visit arrives."""
    query = text("SELECT topic, payload FROM outbox WHERE key = :key ORDER BY id DESC LIMIT 1")
    async with desk.resources.database.transaction(desk.tenant) as session:
        [row] = (await session.execute(query, {"key": appointment_id})).all()
    await practice.follow(BY_TYPE[row.topic].model_validate_json(row.payload))


async def drift(practice: Practice, desk: Desk, ask: type[Booking] = Booking) -> tuple[int, dict[UUID, str]]:
    asked = ask(desk.http, "http://booking.test", SLOT_KEY)
    [(_, count, found)] = [one async for one in upkeep.check(practice.database, asked, lambda: NOW, [practice.tenant])]
    return count, {item.visit_id: item.how for item in found}


async def test_a_copy_that_is_right_has_not_drifted(practice: Practice, desk: Desk) -> None:
    for start in desk.starts(3):
        visit = (await desk.book(start)).json()
        await told(practice, desk, visit["id"])
    await desk.act(visit, "cancel", {"reason": "illness"})
    await told(practice, desk, visit["id"])
    assert await drift(practice, desk) == (3, {})


async def test_each_kind_of_drift_is_told_by_its_visit(
    practice: Practice, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "SETTLE_SECONDS", 0.0)
    visits = [(await desk.book(start)).json() for start in desk.starts(6)]
    missing, behind, changed, right, theirs, elsewhere = (UUID(visit["id"]) for visit in visits)
    for visit in visits[1:]:
        await told(practice, desk, visit["id"])
    await desk.act(visits[1], "cancel", {"reason": "illness"})
    await spoil(practice, f"UPDATE occupied SET occupied_to = occupied_to + interval '1 hour' WHERE id = '{changed}'")
    await spoil(practice, f"UPDATE occupied SET client_id = '{uuid4()}' WHERE id = '{theirs}'")
    moved = (
        f"schedule_id = '{uuid4()}', starts_at = starts_at - interval '1 hour', ends_at = ends_at - interval '1 hour'"
    )
    await spoil(practice, f"UPDATE occupied SET {moved} WHERE id = '{elsewhere}'")
    stranger = appointment_event(AppointmentBooked, provider_id=uuid4())
    await practice.follow(stranger)
    count, found = await drift(practice, desk)
    assert count == 6
    assert found == {
        missing: "is missing here: its time is offered although it is taken",
        behind: "is version 1 here, 2 at booking",
        changed: "has another occupied_to here, in the same version",
        theirs: "has another client_id here, in the same version",
        elsewhere: "has another schedule_id, starts_at, ends_at here, in the same version",
        stranger.appointment_id: "is unknown to booking: its time is not offered although it is free",
    }
    assert right not in found


async def test_an_event_on_its_way_is_no_drift(practice: Practice, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    [start] = desk.starts(1)
    visit = (await desk.book(start)).json()
    asked: list[datetime] = []

    class Later(Booking):
        """The event arrives between the first look and the second."""

        async def standings(self, tenant: UUID, now: datetime) -> list[VisitStanding]:
            asked.append(now)
            if len(asked) == 2:
                await told(practice, desk, visit["id"])
            return await super().standings(tenant, now)

    monkeypatch.setattr(upkeep, "SETTLE_SECONDS", 0.0)
    assert await drift(practice, desk, Later) == (1, {})
    assert len(asked) == 2


async def test_standings_need_their_proof(desk: Desk) -> None:
    for key, tenant in (("other-" * 8, desk.tenant), (SLOT_KEY, uuid4())):
        asked = Booking(desk.http, "http://booking.test", key)
        if tenant == desk.tenant:
            with pytest.raises(httpx.HTTPStatusError):
                await asked.standings(tenant, NOW)
        else:
            assert await asked.standings(tenant, NOW) == []


async def test_every_page_of_standings_is_asked_for(practice: Practice, desk: Desk) -> None:
    for start in desk.starts(5):
        await desk.book(start)
    seen: list[int] = []
    plain = desk.http.get

    async def two_at_a_time(url: str, *, params: dict[str, str] | None, **more: Any) -> httpx.Response:
        answer = await plain(url, params={**(params or {}), "limit": 2}, **more)
        seen.append(len(answer.json()["items"]))
        return answer

    desk.http.get = two_at_a_time  # type: ignore[method-assign,assignment] # the client's own paging is what is tested
    found = await Booking(desk.http, "http://booking.test", SLOT_KEY).standings(desk.tenant, NOW)
    assert (seen, len({visit.id for visit in found})) == ([2, 2, 1], 5)


async def test_practices_are_listed_to_the_commands_and_nothing_else_is(practice: Practice) -> None:
    await practice.call("PUT", f"/v1/practices/{practice.tenant}", json={"name": "Maple", "zone": "America/New_York"})
    async with practice.database.every_tenant() as session:
        listed = await session.scalar(text("SELECT count(*) FROM practices"))
        providers = await session.scalar(text("SELECT count(*) FROM providers"))
        changed = await session.execute(text("UPDATE practices SET name = 'x' RETURNING 1"))
        assert (bool(listed), providers, changed.all()) == (True, 0, [])
    async with practice.database.transaction(uuid4()) as session:
        assert await session.scalar(text("SELECT count(*) FROM practices")) == 0
