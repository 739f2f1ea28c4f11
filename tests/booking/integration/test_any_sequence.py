"""Whatever a practice and its clients do, in any order: nobody is in two places, and events say what is so.

The machine speaks to the API over real PostgreSQL, and after each step looks into the tables.
"""

import asyncio
import json
from collections import defaultdict
from collections.abc import Coroutine
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4

import httpx
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text

from services.booking.use_cases import appointments, holds
from shared.contracts.slots import Plan, SlotId, floor, free, moment
from tests.booking.conftest import ManualClock
from tests.support.build import NOW, schedule
from tests.support.issuer import Issuer
from tests.support.issuer import practice as new_practice
from tests.support.practice import Practice
from tests.support.servers import SLOT_KEY

pytestmark = pytest.mark.servers

T = TypeVar("T")
EXAMPLES = max(6, settings().max_examples // 6)
STEPS = 30
SEATS = 2
DAYS = 2
REFUSALS = {404, 409, 410, 422}
"""All that a caller may be told; anything else is a fault of ours."""


class World:
    """One practice of two providers: a room that they share, and a group of two seats."""

    def __init__(self, http: httpx.AsyncClient, issuer: Issuer, clock: ManualClock) -> None:
        clock.now = NOW
        self.clock = clock
        self.practice = Practice(http, issuer, new_practice())
        room, (first, second) = uuid4(), (uuid4(), uuid4())
        kind = {"horizon": timedelta(days=5), "buffer_before": timedelta(minutes=5)}
        self.schedules = [
            schedule(provider_id=first, **kind),
            schedule(provider_id=first, room_ids=(room,), duration=timedelta(minutes=80), **kind),
            schedule(provider_id=second, room_ids=(room,), capacity=SEATS, **kind),
        ]
        self.clients: list[str] = []

    async def open(self) -> None:
        for rules in self.schedules:
            await self.practice.publish(rules)
        self.clients = [await self.practice.client() for _ in range(3)]

    def start(self, number: int, which: int) -> datetime:
        """A start of a schedule that its hours offer, whether or not it is taken."""
        starts = free(Plan(self.schedules[number]), [], floor(NOW), floor(NOW + timedelta(days=DAYS)), NOW)
        return moment(starts[which % len(starts)])

    def slot(self, number: int, which: int) -> str:
        rules, start = self.schedules[number], self.start(number, which)
        slot = SlotId(rules.schedule_id, start, self.clock.now + timedelta(hours=1), Plan(rules).terms)
        return slot.sign(SLOT_KEY, self.practice.tenant)

    async def ask(self, method: str, path: str, table: str | None = None, **body: Any) -> httpx.Response:
        headers = self.practice.headers(role="staff") | ({"content-type": "text/csv"} if table else {})
        answer = await self.practice.http.request(method, path, json=body or None, content=table, headers=headers)
        assert answer.is_success or answer.status_code in REFUSALS, (path, answer.status_code, answer.text)
        return answer

    async def end_holds(self) -> None:
        """What the timers do."""
        for row in await self.rows("SELECT id FROM holds WHERE expires_at <= :now", now=self.clock.now):
            async with self.practice.resources.database.transaction(self.practice.tenant) as session:
                await holds.end(
                    session, tenant=self.practice.tenant, hold_id=row["id"], because="expired", now=self.clock.now
                )

    async def notice_misses(self) -> None:
        for row in await self.rows("SELECT id FROM appointments WHERE status = 'booked'"):
            async with self.practice.resources.database.transaction(self.practice.tenant) as session:
                await appointments.notice_absence(
                    session, tenant=self.practice.tenant, appointment_id=row["id"], now=self.clock.now
                )

    async def rows(self, query: str, **values: Any) -> list[dict[str, Any]]:
        async with self.practice.resources.database.transaction(self.practice.tenant) as session:
            return [dict(row) for row in (await session.execute(text(query), values)).mappings()]

    async def check_places(self) -> None:
        """No overlap of provider, room or client, and no more clients than seats."""
        visits = await self.rows(
            'SELECT client_id, provider_id, schedule_id, room_id, start, "end", occupied_from, occupied_to, seat'
            " FROM appointments WHERE status NOT IN ('cancelled', 'entered-in-error')"
        )
        held = await self.rows(
            'SELECT client_id, provider_id, schedule_id, room_id, start, "end", occupied_from, occupied_to, seat'
            " FROM holds WHERE expires_at > :now",
            now=self.clock.now,
        )
        groups: dict[tuple[UUID, datetime], list[int]] = defaultdict(list)
        for number, one in enumerate(standing := visits + held):
            groups[one["schedule_id"], one["start"]].append(one["seat"])
            for other in standing[:number]:
                together = (one["schedule_id"], one["start"]) == (other["schedule_id"], other["start"])
                for whose in ("provider_id", "room_id"):
                    if one[whose] is not None and one[whose] == other[whose] and not together:
                        apart = (
                            one["occupied_to"] <= other["occupied_from"] or other["occupied_to"] <= one["occupied_from"]
                        )
                        assert apart, f"two at once by {whose}: {one}, {other}"
                if one["client_id"] is not None and one["client_id"] == other["client_id"]:
                    assert one["end"] <= other["start"] or other["end"] <= one["start"], (
                        f"in two places: {one}, {other}"
                    )
        capacity = {rules.schedule_id: rules.capacity for rules in self.schedules}
        for (schedule_id, _), seats in groups.items():
            assert len(seats) == len(set(seats)) <= capacity[schedule_id]

    async def check_events(self) -> None:
        """Of each visit and hold a sequence without gaps, whose last event is how it stands; and one line of history
        for each.
        """
        events: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for row in await self.rows("SELECT topic, key, payload FROM outbox ORDER BY id"):
            events[row["key"]].append(json.loads(row["payload"]) | {"topic": row["topic"]})
        for key, told in events.items():
            assert [event["sequence"] for event in told] == list(range(1, len(told) + 1)), key
        history = defaultdict(list)
        for row in await self.rows(
            "SELECT appointment_id, sequence, status FROM appointment_history ORDER BY sequence"
        ):
            history[str(row["appointment_id"])].append((row["sequence"], row["status"]))
        for visit in await self.rows("SELECT id, status, start, sequence, room_id FROM appointments"):
            told = events[str(visit["id"])]
            last = told[-1]
            assert (last["status"], last["sequence"]) == (visit["status"], visit["sequence"])
            assert datetime.fromisoformat(last["start"]) == visit["start"]
            assert history[str(visit["id"])] == [(event["sequence"], event["status"]) for event in told]
        live = {str(row["id"]) for row in await self.rows("SELECT id FROM holds")}
        for key, told in events.items():
            if told[0]["topic"] == "slot.held":
                assert (told[-1]["topic"] == "slot.held") == (key in live)

    async def check_timers(self) -> None:
        """Exactly the booked visits are watched, each until its provider is asked, and then until it is missed."""
        watched = {
            row["key"]: row["due_at"]
            for row in await self.rows("SELECT key, due_at FROM timers WHERE kind = 'appointment.miss'")
        }
        booked = await self.rows(
            "SELECT id, start, grace, late_by, changed_at FROM appointments WHERE status = 'booked'"
            " AND NOT needs_rebooking"
        )
        due = {}
        for row in booked:
            late = row["late_by"] or timedelta(0)
            asked, missed = row["start"] + max(timedelta(minutes=5), late), row["start"] + max(row["grace"], late)
            due[row["id"]] = asked if row["changed_at"] < asked < missed else missed
        assert watched == due


def _apart(one: dict[str, Any], other: dict[str, Any], begin: str, end: str) -> bool:
    return bool(one[end] <= other[begin] or other[end] <= one[begin])


class Machine(RuleBasedStateMachine):
    """Its steps run in the loop of the application; `make` is set by the test."""

    loop: asyncio.AbstractEventLoop
    http: httpx.AsyncClient
    issuer: Issuer
    clock: ManualClock

    visits = Bundle("visits")
    kept = Bundle("kept")
    slots = st.tuples(st.integers(0, 2), st.integers(0, 12))
    who = st.integers(0, 2)
    scopes = st.sampled_from(["this", "this-and-following"])

    def __init__(self) -> None:
        super().__init__()
        self.series: dict[str, str] = {}
        """By visit."""
        self.rows = 0
        self.world = World(self.http, self.issuer, self.clock)
        self.run(self.world.open())

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(30)

    def ask(self, method: str, path: str, table: str | None = None, **body: Any) -> dict[str, Any] | None:
        answer = self.run(self.world.ask(method, path, table, **body))
        return answer.json() if answer.is_success and answer.content else None

    @rule(target=visits, slot=slots, who=who)
    def book(self, slot: tuple[int, int], who: int) -> str | None:
        body = {"slot": self.world.slot(*slot), "client_id": self.world.clients[who]}
        found = self.ask("POST", "/v1/appointments", **body)
        return found["id"] if found else None

    @rule(target=kept, slot=slots, who=st.none() | who)
    def hold(self, slot: tuple[int, int], who: int | None) -> tuple[str, tuple[int, int], int] | None:
        client = {} if who is None else {"client_id": self.world.clients[who]}
        found = self.ask("POST", "/v1/holds", slot=self.world.slot(*slot), **client)
        return (found["id"], slot, who or 0) if found else None

    @rule(target=visits, slot=slots, who=who, often=st.integers(2, 4), partial=st.booleans())
    def book_series(self, slot: tuple[int, int], who: int, often: int, partial: bool) -> MultipleResults[str]:
        body: dict[str, Any] = {"slot": self.world.slot(*slot), "client_id": self.world.clients[who]}
        found = self.ask("POST", "/v1/series", **body, partial=partial, rrule=f"FREQ=DAILY;COUNT={often}")
        made = [visit["id"] for visit in found["appointments"]] if found else []
        assert not found or partial or len(made) == often, "all or none, unless asked for less"
        self.series |= dict.fromkeys(made, found["id"]) if found else {}
        return multiple(*made)

    @rule(visit=visits, scope=scopes)
    def cancel_series(self, visit: str | None, scope: str) -> None:
        if visit in self.series:
            self.ask("POST", f"/v1/series/{self.series[visit]}/cancel", appointment_id=visit, scope=scope)

    @rule(visit=visits, scope=scopes, slot=slots, partial=st.booleans())
    def move_series(self, visit: str | None, scope: str, slot: tuple[int, int], partial: bool) -> None:
        if visit in self.series:
            body: dict[str, Any] = {"appointment_id": visit, "scope": scope, "slot": self.world.slot(*slot)}
            self.ask("POST", f"/v1/series/{self.series[visit]}/reschedule", **body, partial=partial)

    @rule(
        target=visits,
        rows=st.lists(st.tuples(slots, who, st.sampled_from(["booked", "cancelled"])), min_size=1, max_size=3),
        partial=st.booleans(),
    )
    def bring_in(self, rows: list[tuple[tuple[int, int], int, str]], partial: bool) -> MultipleResults[str]:
        lines = ["external_id,client_id,schedule_id,start,status"]
        for slot, who, status in rows:
            self.rows += 1
            schedule, start = self.world.schedules[slot[0]].schedule_id, self.world.start(*slot)
            lines.append(f"EHR-{self.rows},{self.world.clients[who]},{schedule},{start.isoformat()},{status}")
        found = self.ask("POST", f"/v1/imports?partial={str(partial).lower()}", "\n".join(lines))
        made = [row["appointment_id"] for row in found["visits"]] if found else []
        assert not found or partial or len(made) == len(rows), "all or none, unless asked for less"
        return multiple(*made)

    @rule(hold=kept)
    def extend(self, hold: tuple[str, tuple[int, int], int] | None) -> None:
        if hold:
            self.ask("POST", f"/v1/holds/{hold[0]}/extend")

    @rule(target=visits, hold=consumes(kept))
    def book_what_is_kept(self, hold: tuple[str, tuple[int, int], int] | None) -> str | None:
        if hold is None:
            return None
        body = {"slot": self.world.slot(*hold[1]), "client_id": self.world.clients[hold[2]], "hold_id": hold[0]}
        found = self.ask("POST", "/v1/appointments", **body)
        return found["id"] if found else None

    @rule(hold=consumes(kept))
    def release(self, hold: tuple[str, tuple[int, int], int] | None) -> None:
        if hold:
            self.ask("DELETE", f"/v1/holds/{hold[0]}")

    @rule(visit=visits, slot=slots)
    def reschedule(self, visit: str | None, slot: tuple[int, int]) -> None:
        if visit:
            self.ask("POST", f"/v1/appointments/{visit}/reschedule", slot=self.world.slot(*slot))

    @rule(
        visit=visits,
        move=st.sampled_from(["confirm", "arrive", "check-in", "complete"]),
    )
    def move(self, visit: str | None, move: str) -> None:
        if visit:
            self.ask("POST", f"/v1/appointments/{visit}/{move}")

    @rule(visit=visits)
    def cancel(self, visit: str | None) -> None:
        if visit:
            self.ask("POST", f"/v1/appointments/{visit}/cancel", reason="illness")

    @rule(visit=visits, minutes=st.sampled_from([5, 20]))
    def run_late(self, visit: str | None, minutes: int) -> None:
        if visit:
            self.ask("POST", f"/v1/appointments/{visit}/running-late", by=f"PT{minutes}M")

    @rule(visit=visits, reason=st.sampled_from(["was_there", "gave_notice"]))
    def retract(self, visit: str | None, reason: str) -> None:
        if visit:
            self.ask("POST", f"/v1/appointments/{visit}/retract-miss", reason=reason)

    @rule(minutes=st.sampled_from([3, 6, 40, 600]))
    def time_passes(self, minutes: int) -> None:
        self.world.clock.now += timedelta(minutes=minutes)
        self.run(self.world.end_holds())
        self.run(self.world.notice_misses())

    @invariant()
    def nobody_is_in_two_places(self) -> None:
        self.run(self.world.check_places())

    @invariant()
    def events_say_what_is_so(self) -> None:
        self.run(self.world.check_events())

    @invariant()
    def whoever_may_be_missed_is_watched(self) -> None:
        self.run(self.world.check_timers())


async def test_in_any_sequence_nobody_is_in_two_places_and_events_say_what_is_so(
    practice: Practice, issuer: Issuer, clock: ManualClock
) -> None:
    attributes = {"loop": asyncio.get_running_loop(), "http": practice.http, "issuer": issuer, "clock": clock}
    machine = type("Machine", (Machine,), attributes)
    profile = settings(
        max_examples=EXAMPLES,
        stateful_step_count=STEPS,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        # Thirty steps against a database: a shorter counterexample would take longer to find than the test may take.
        phases=[Phase.explicit, Phase.reuse, Phase.generate],
    )
    await asyncio.to_thread(run_state_machine_as_test, machine, settings=profile)
