"""Offered ⇔ bookable: any rules and bookings, through the public APIs of both services on real PostgreSQL.

What each service says reaches the other as events do, from its outbox; only Kafka's wire is left out.
"""

import json
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from services.booking.repository import schedules
from services.booking.use_cases import following as booking
from shared.contracts import BY_TYPE
from shared.contracts.slots import SlotId
from tests.availability.conftest import Practice
from tests.conftest import MakeApi
from tests.support.build import NOW
from tests.support.servers import SLOT_KEY

pytestmark = pytest.mark.servers

DAYS = 5
NEAR = [(NOW + timedelta(days=number)).date() for number in range(DAYS + 1)]
ZONES = ("America/New_York", "America/Los_Angeles", "Asia/Kolkata")
EXAMPLES = max(10, settings().max_examples // 8)
"""Each is a practice of its own with some twenty attempts to book."""

walls = st.sampled_from(["00:00", "08:15", "09:00", "12:00", "13:30", "17:00", "22:00"])
window = st.builds(
    lambda day, start, end: {"weekday": day, "start": start, "end": end}, st.sampled_from(range(6)), walls, walls
)
hours = st.lists(st.builds(lambda start, end: {"start": start, "end": end}, walls, walls), max_size=1)
days = st.sampled_from(NEAR)


def seldom(strategy: st.SearchStrategy[Any], usually: Any) -> st.SearchStrategy[Any]:
    return st.integers(0, 2).flatmap(lambda die: strategy if die == 0 else st.just(usually))


def iso(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


class Both:
    """One practice at both services, and the news between them."""

    def __init__(self, practice: Practice, desk: httpx.AsyncClient) -> None:
        self.practice, self.desk = practice, desk
        self.heard = {"availability": 0, "booking": 0}
        self.schedules: list[dict[str, Any]] = []
        self.clients: list[str] = []
        self.visits: dict[str, tuple[str, str]] = {}
        """By id: whose, and of which kind."""
        self.holds: list[str] = []

    async def tell(self) -> None:
        """Every event that is new in either outbox takes effect at the other service."""
        for topic, payload in await self._news("availability", self.practice.database):
            message = BY_TYPE[topic].model_validate_json(payload)
            database = self.desk.app.state.resources.database  # type: ignore[attr-defined] # set by the fixture
            async with database.transaction(self.practice.tenant) as session:
                if topic.startswith("schedule."):
                    await booking.replicate_schedule(
                        session,
                        tenant=self.practice.tenant,
                        schedule=message,  # type: ignore[arg-type] # the topic says so
                        now=NOW,
                    )
        database = self.desk.app.state.resources.database  # type: ignore[attr-defined] # set by the fixture
        for topic, payload in await self._news("booking", database):
            follow = self.practice.follow_hold if topic.startswith("slot.") else self.practice.follow
            if topic.startswith(("appointment.", "slot.")):
                await follow(BY_TYPE[topic].model_validate_json(payload))  # type: ignore[arg-type] # the topic says so
        await self.practice.http.app.state.resources.board.look()  # type: ignore[attr-defined] # set by the fixture

    async def _news(self, service: str, database: Any) -> list[tuple[str, bytes]]:
        query = text("SELECT id, topic, payload FROM outbox WHERE id > :heard ORDER BY id")
        async with database.transaction(self.practice.tenant) as session:
            rows = (await session.execute(query, {"heard": self.heard[service]})).all()
        if rows:
            self.heard[service] = rows[-1].id
        return [(row.topic, row.payload) for row in rows]

    async def ask(self, method: str, path: str, **body: Any) -> httpx.Response:
        headers = self.practice.issuer.headers(self.practice.tenant)
        return await self.desk.request(method, path, headers=headers, json=body or None)

    async def offered(self, schedule: dict[str, Any], start: datetime, client: str, **more: str) -> bool:
        query = {
            **more,
            "appointment_type": schedule["appointment_type_id"],
            "from": iso(start),
            "to": iso(start + timedelta(minutes=1)),
            "client": client,
            "limit": "200",
        }
        found = await self.practice.call("GET", "/v1/slots", params=query)
        return any(
            item["schedule_id"] == schedule["id"] and item["start"] == f"{start:%Y-%m-%dT%H:%M:%SZ}"
            for item in found["items"]
        )

    async def slot(self, schedule: dict[str, Any], start: datetime) -> str:
        """An id for a start that may not be offered, on the schedule's terms."""
        database = self.desk.app.state.resources.database  # type: ignore[attr-defined] # set by the fixture
        async with database.transaction(self.practice.tenant) as session:
            plan = await schedules.plan(session, UUID(schedule["id"]))
        assert plan is not None
        return SlotId(plan.schedule_id, start, NOW + timedelta(hours=1), plan.terms).sign(
            SLOT_KEY, self.practice.tenant
        )


async def open_practice(both: Both, data: st.DataObject) -> None:
    """Two providers and two kinds of visit under any rules, sharing a room now and then."""
    practice, draw = both.practice, data.draw
    practice.tenant = uuid4()
    zone = draw(st.sampled_from(ZONES))
    call = practice.call
    await call("PUT", f"/v1/practices/{practice.tenant}", json={"name": "Maple", "zone": zone})
    if (holiday := draw(seldom(days, None))) is not None:
        await call("PUT", f"/v1/practices/{practice.tenant}/holidays/{holiday}", json={"name": "Holiday"})
    location = await call("POST", "/v1/locations", 201, json={"name": "Site", "zone": zone, "modality": "in_person"})
    room = await call("POST", "/v1/rooms", 201, json={"name": "1", "location_id": location["id"]})
    kinds = []
    for duration in draw(st.lists(st.sampled_from([20, 50, 90]), min_size=2, max_size=2)):
        timing = {
            "duration": f"PT{duration}M",
            "buffer_before": f"PT{draw(st.sampled_from((0, 5)))}M",
            "buffer_after": f"PT{draw(st.sampled_from((0, 10)))}M",
            "step": f"PT{draw(st.sampled_from((15, 30)))}M",
            "minimum_notice": f"PT{draw(st.sampled_from((0, 24)))}H",
            "horizon": f"P{draw(st.sampled_from((3, 20)))}D",
        }
        kinds.append(await call("POST", "/v1/appointment-types", 201, json={"name": "Visit", **timing}))
    for _ in range(2):
        provider = await call("POST", "/v1/providers", 201, json={"name": "A", "zone": zone})
        await _hours(both, provider["id"], draw)
        for kind in kinds:
            rules = {
                "windows": draw(seldom(st.lists(window, min_size=1, max_size=1), None)),
                "capacity": draw(seldom(st.just(2), 1)),
                "room_ids": draw(seldom(st.just([room["id"]]), [])),
                "most_per_day": draw(seldom(st.just(1), None)),
            }
            body = {
                "provider_id": provider["id"],
                "appointment_type_id": kind["id"],
                "location_id": location["id"],
                **{name: value for name, value in rules.items() if value is not None},
            }
            both.schedules.append(await call("POST", "/v1/schedules", 201, json=body))
    for _ in range(3):
        both.clients.append((await both.ask("POST", "/v1/clients", name="Sam")).json()["id"])


async def _hours(both: Both, provider: str, draw: Any) -> None:
    call, path = both.practice.call, f"/v1/providers/{provider}"
    all_week = [{"weekday": day, "start": "08:15", "end": "22:00"} for day in range(7)]
    weekly = {
        "windows": draw(st.sampled_from([all_week, all_week[:3]])),
        "new_client_windows": draw(seldom(st.just([{"weekday": 2, "start": "22:00", "end": "06:00"}]), [])),
        "most_per_day": draw(seldom(st.sampled_from([1, 2]), None)),
        "travels": [
            {"first": str(first), "last": str(first + timedelta(days=1)), "zone": draw(st.sampled_from(ZONES))}
            for first in draw(seldom(days.map(lambda day: [day]), []))
        ],
    }
    await call("PUT", f"{path}/hours", json=weekly, headers={"if-match": '"1"'})
    day: date | None = draw(seldom(days, None))
    if day is not None:
        override = {"windows": draw(hours), "new_client_windows": draw(hours)}
        await call("PUT", f"{path}/overrides/{day}", json=override)
    if draw(seldom(st.just(True), False)):
        begins = NOW + timedelta(hours=draw(st.integers(0, 24 * DAYS)))
        off = {"begins_at": iso(begins), "ends_at": iso(begins + timedelta(hours=draw(st.sampled_from([3, 30]))))}
        await call("POST", f"{path}/time-off", 201, json=off)


@pytest.fixture
async def desk(api: MakeApi) -> httpx.AsyncClient:
    """Booking, one for all examples."""
    http: httpx.AsyncClient = await api("booking", clock=lambda: NOW)
    return http


@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
@given(data=st.data())
async def test_what_is_offered_can_be_booked_and_nothing_else(
    practice: Practice, desk: httpx.AsyncClient, data: st.DataObject
) -> None:
    both = Both(practice, desk)
    await open_practice(both, data)
    await both.tell()
    quarter = timedelta(minutes=15)
    for _ in range(18):
        schedule, client = data.draw(st.sampled_from(both.schedules)), data.draw(st.sampled_from(both.clients))
        if data.draw(st.booleans()):
            start = NOW + quarter * data.draw(st.integers(-4, 96 * DAYS))
        else:
            start = await _some_offer(both, data) or NOW + quarter
        how = data.draw(st.sampled_from(["book", "book", "hold", "move"]))
        offered, answer = await _attempt(both, data, how, schedule, start, client)
        told = json.dumps([how, schedule, iso(start), client, answer.json()])
        assert answer.is_success == offered, told
        assert answer.status_code in (200, 201, 409, 410, 422), told
        event(f"{how}, offered: {offered}")
        if both.visits and data.draw(seldom(st.just(True), False)):
            visit = data.draw(st.sampled_from(sorted(both.visits)))
            del both.visits[visit]
            assert (await both.ask("POST", f"/v1/appointments/{visit}/cancel", reason="illness")).status_code == 200
        if both.holds and data.draw(seldom(st.just(True), False)):
            assert (await both.ask("DELETE", f"/v1/holds/{both.holds.pop()}")).status_code == 204
        await both.tell()


async def test_a_kept_slot_is_not_offered_until_it_is_given_back(practice: Practice, desk: httpx.AsyncClient) -> None:
    """Said by itself: random attempts need not hit it in every run."""
    both = Both(practice, desk)
    schedule = await practice.publish()
    client = (await both.ask("POST", "/v1/clients", name="Sam")).json()["id"]
    await both.tell()
    start = datetime.fromisoformat((await practice.search())["items"][0]["start"])
    kept = await both.ask("POST", "/v1/holds", slot=await both.slot(schedule, start), client_id=client)
    await both.tell()
    assert not await both.offered(schedule, start, client)
    await both.ask("DELETE", f"/v1/holds/{kept.json()['id']}")
    await both.tell()
    assert await both.offered(schedule, start, client)


async def _attempt(
    both: Both, data: st.DataObject, how: str, schedule: dict[str, Any], start: datetime, client: str
) -> tuple[bool, httpx.Response]:
    """Whether a start is offered for a visit, a hold or the move of a visit, and what booking answers to it."""
    slot, kind = await both.slot(schedule, start), schedule["appointment_type_id"]
    if how == "move":
        of_kind = sorted(visit for visit, (_, known) in both.visits.items() if known == kind)
        if of_kind:
            visit = data.draw(st.sampled_from(of_kind))
            offered = await both.offered(schedule, start, both.visits[visit][0], ignore=visit)
            return offered, await both.ask("POST", f"/v1/appointments/{visit}/reschedule", slot=slot)
    offered = await both.offered(schedule, start, client)
    if how == "hold":
        answer = await both.ask("POST", "/v1/holds", slot=slot, client_id=client)
        if answer.is_success:
            both.holds.append(answer.json()["id"])
        return offered, answer
    answer = await both.ask("POST", "/v1/appointments", slot=slot, client_id=client)
    if answer.is_success:
        both.visits[answer.json()["id"]] = client, kind
    return offered, answer


async def _some_offer(both: Both, data: st.DataObject) -> datetime | None:
    """A start that is offered to somebody: random times alone would seldom hit one."""
    kind = data.draw(st.sampled_from(both.schedules))["appointment_type_id"]
    query = {"appointment_type": kind, "from": iso(NOW), "to": iso(NOW + timedelta(days=DAYS)), "limit": "200"}
    found = (await both.practice.call("GET", "/v1/slots", params=query))["items"]
    return datetime.fromisoformat(data.draw(st.sampled_from(found))["start"]) if found else None
