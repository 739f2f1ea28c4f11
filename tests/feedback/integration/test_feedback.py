"""Feedback over HTTP against real PostgreSQL: the answers behind links, attendance, the report."""

import json
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import permutations
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from services.feedback import use_cases
from services.feedback.domain import ALLIANCE
from shared.capability import Capability
from shared.contracts.booking import (
    AppointmentArrived,
    AppointmentBooked,
    AppointmentFulfilled,
    AppointmentImported,
    AppointmentMissed,
)
from shared.contracts.notifications import OutreachAdvanced, OutreachEnded, OutreachStarted, OutreachState
from tests.conftest import MakeApi
from tests.support.build import NOW, appointment_event
from tests.support.issuer import Issuer
from tests.support.servers import LINK_KEY

pytestmark = pytest.mark.servers
HTML = {"accept": "text/html"}


class Practice:
    """One tenant of feedback with one client."""

    def __init__(self, http: httpx.AsyncClient, issuer: Issuer, tenant: UUID) -> None:
        self.http, self.issuer, self.tenant, self.client = http, issuer, tenant, uuid4()
        self.database = http.app.state.resources.database  # type: ignore[attr-defined] # set by the fixture

    def headers(self, role: str = "staff", **claims: Any) -> dict[str, str]:
        return self.issuer.headers(self.tenant, role, **claims)

    def visit(self, event: type[Any], sequence: int, **changes: Any) -> Any:
        values = {"client_id": self.client, "sequence": sequence, "start": NOW - timedelta(days=2)}
        return appointment_event(event, **{**values, **changes})

    async def follow(self, *events: Any) -> None:
        for event in events:
            async with self.database.transaction(self.tenant) as session:
                await use_cases.follow_visit(session, tenant=self.tenant, state=event, now=NOW)

    def link(self, purpose: str, visit: Any, days: int = 14) -> str:
        return Capability(purpose, self.tenant, visit.appointment_id, NOW + timedelta(days=days)).sign(LINK_KEY)

    async def events(self) -> list[tuple[str, dict[str, Any]]]:
        async with self.database.transaction(self.tenant) as session:
            rows = await session.execute(text("SELECT topic, payload FROM outbox ORDER BY id"))
            return [(row.topic, json.loads(row.payload)) for row in rows]


@pytest.fixture
async def practice(api: MakeApi, issuer: Issuer, tenant: UUID) -> AsyncIterator[Practice]:
    yield Practice(await api("feedback", clock=lambda: NOW), issuer, tenant)


async def test_what_got_in_the_way_is_told_with_one_tap_and_the_first_answer_stands(practice: Practice) -> None:
    missed = practice.visit(AppointmentMissed, 2)
    await practice.follow(missed)
    path = f"/s/{practice.link('barrier', missed)}"
    page = await practice.http.get(path, headers=HTML)
    assert "What got in the way?" in page.text
    assert await practice.events() == []
    for barrier in ("transport", "cost"):
        answer = await practice.http.post(f"{path}/barrier", data={"barrier": barrier}, headers=HTML)
        assert answer.status_code == 303
    events = await practice.events()
    assert [name for name, _ in events] == ["feedback.submitted", "barrier.reported"]
    assert events[1][1]["barrier"] == "transport"
    thanks = await practice.http.get(path, headers=HTML)
    assert "by video" in thanks.text
    assert "http://booking.test/a/" in thanks.text


@pytest.mark.parametrize(("instrument", "event"), [("barrier", AppointmentMissed), ("alliance", AppointmentFulfilled)])
async def test_every_question_has_a_line_by_which_a_client_writes_to_the_practice(
    instrument: str, event: type[Any], practice: Practice
) -> None:
    visit = practice.visit(event, 2)
    path = f"/s/{practice.link(instrument, visit)}"
    unheard = await practice.http.get(path, headers=HTML)
    assert (unheard.status_code, "Write to us" in unheard.text) == (200, False), "nobody knows yet whose visit it is"
    await practice.follow(visit)
    page = (await practice.http.get(path, headers=HTML)).text
    [link] = re.findall(r'href="http://notifications.test/m/([^"]+)">Something on your mind', page)
    assert Capability.verify(link, LINK_KEY, "write", NOW).subject == practice.client


async def test_an_answer_that_is_not_on_the_page_changes_nothing(practice: Practice) -> None:
    missed = practice.visit(AppointmentMissed, 2)
    await practice.follow(missed)
    refused = await practice.http.post(f"/s/{practice.link('barrier', missed)}/barrier", data={"barrier": "aliens"})
    assert (refused.status_code, refused.json()["field"]) == (422, "barrier")
    wrong = await practice.http.post(f"/s/{practice.link('alliance', missed)}/barrier", data={"barrier": "cost"})
    assert wrong.status_code == 422
    assert await practice.events() == []


@pytest.mark.parametrize(("kind", "status"), [("cut", 404), ("visit", 404), ("expired", 410)])
async def test_a_link_that_does_not_fit_says_so(kind: str, status: int, practice: Practice) -> None:
    missed = practice.visit(AppointmentMissed, 2)
    await practice.follow(missed)
    good = practice.link("barrier", missed)
    bad = {"cut": good[:-2], "visit": practice.link("visit", missed), "expired": practice.link("barrier", missed, 0)}
    page = await practice.http.get(f"/s/{bad[kind]}", headers=HTML)
    assert page.status_code == status
    assert "That didn" in page.text


async def test_after_a_visit_a_rating_is_asked_once_and_taken_once(practice: Practice) -> None:
    done = practice.visit(AppointmentFulfilled, 3)
    await practice.follow(done, done)
    assert [name for name, _ in await practice.events()] == ["feedback.requested"]
    path = f"/s/{practice.link('alliance', done)}"
    page = await practice.http.get(path, headers=HTML)
    assert all(words in page.text for words in ALLIANCE.values())
    assert page.text.count('type="radio"') == 44
    incomplete = await practice.http.post(f"{path}/rating", data={"heard": "9"})
    assert (incomplete.status_code, incomplete.json()["code"]) == (422, "answer_missing")
    odd = await practice.http.post(f"{path}/rating", data={**dict.fromkeys(ALLIANCE, "8"), "way": "eleven"})
    assert (odd.status_code, odd.json()["field"]) == (422, "way")
    for value in ("9", "1"):
        answer = await practice.http.post(f"{path}/rating", data=dict.fromkeys(ALLIANCE, value), headers=HTML)
        assert answer.status_code == 303
    assert [name for name, _ in await practice.events()] == ["feedback.requested", "feedback.submitted"]
    found = await practice.http.get(
        "/v1/requests", params={"client_id": str(practice.client)}, headers=practice.headers()
    )
    [request] = found.json()["items"]
    assert request["answers"] == dict.fromkeys(ALLIANCE, 9)
    assert request["submitted_at"] is not None


async def test_a_visit_that_took_place_in_another_systems_time_is_counted_but_not_asked_about(
    practice: Practice,
) -> None:
    done = practice.visit(AppointmentImported, 3, status="fulfilled")
    await practice.follow(done)
    assert await practice.events() == []
    found = await practice.http.get(
        "/v1/reports/retention",
        params={
            "from": (done.start - timedelta(days=1)).isoformat(),
            "to": (done.start + timedelta(days=1)).isoformat(),
        },
        headers=practice.headers(),
    )
    assert found.json()["attended"]["count"] == 1


async def test_a_low_rating_is_told_at_once_and_scores_stay_in_the_house(practice: Practice) -> None:
    done = practice.visit(AppointmentFulfilled, 3)
    await practice.follow(done)
    low = {**dict.fromkeys(ALLIANCE, "8"), "heard": "2"}
    await practice.http.post(f"/s/{practice.link('alliance', done)}/rating", data=low)
    events = await practice.events()
    assert [name for name, _ in events][-2:] == ["feedback.submitted", "alliance.low"]
    assert events[-1][1]["provider_id"] == str(done.provider_id)
    assert all("heard" not in body and "answers" not in body for _, body in events)


async def test_visits_come_out_alike_in_whatever_order_their_events_come(practice: Practice) -> None:
    visit = uuid4()
    states = [
        practice.visit(kind, number, appointment_id=visit)
        for number, kind in enumerate((AppointmentBooked, AppointmentArrived, AppointmentFulfilled), 1)
    ]
    for order in permutations([*states, states[2]]):
        practice.tenant = uuid4()
        await practice.follow(*order)
        path = f"/v1/clients/{practice.client}/attendance"
        found = await practice.http.get(path, headers=practice.headers())
        assert [item["status"] for item in found.json()["items"]] == ["fulfilled"]
        assert [name for name, _ in await practice.events()] == ["feedback.requested"]


# Each example takes a tenant of its own, so the shared fixture carries nothing over.
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
async def test_visits_and_outreach_end_alike_in_whatever_order_and_however_often_they_are_told(
    practice: Practice, data: Any
) -> None:
    missed = practice.visit(AppointmentMissed, 2, start=NOW - timedelta(days=9), booked_at=NOW - timedelta(days=20))
    booked = AppointmentBooked.model_validate(missed.model_dump() | {"sequence": 1, "status": "booked"})
    back = practice.visit(
        AppointmentFulfilled, 2, booked_at=NOW - timedelta(days=8), rebooked_from=missed.appointment_id
    )
    first = AppointmentBooked.model_validate(back.model_dump() | {"sequence": 1, "status": "booked"})
    run = {
        "outreach_id": uuid4(),
        "client_id": practice.client,
        "appointment_id": missed.appointment_id,
        "flow_version": 1,
        "step": 1,
        "held_out": False,
        "started_at": NOW - timedelta(days=9),
    }
    open_run = {"status": "running", "end_reason": None, "rebooked_appointment_id": None, "ended_at": None}
    over = {
        "status": "ended",
        "end_reason": "rebooked",
        "rebooked_appointment_id": back.appointment_id,
        "ended_at": NOW,
    }
    events = [
        booked,
        missed,
        first,
        back,
        OutreachStarted.model_validate({**run, **open_run, "sequence": 1, "barrier": None}),
        OutreachAdvanced.model_validate({**run, **open_run, "sequence": 2, "barrier": "transport"}),
        OutreachEnded.model_validate({**run, **over, "sequence": 3, "barrier": "transport"}),
    ]
    order = data.draw(st.permutations(range(len(events))))
    again = data.draw(st.lists(st.integers(0, len(events) - 1), max_size=4))
    outcomes = []
    for numbers in (list(range(len(events))), [*order, *again]):
        practice.tenant = uuid4()
        for number in numbers:
            event = events[number]
            if isinstance(event, OutreachState):
                async with practice.database.transaction(practice.tenant) as session:
                    await use_cases.follow_outreach(session, tenant=practice.tenant, state=event)
            else:
                await practice.follow(event)
        report = (await practice.http.get("/v1/reports/retention", headers=practice.headers())).json()
        report.pop("practice_id", None)
        outcomes.append((report, sorted(name for name, _ in await practice.events())))
    assert outcomes[0][0]["recovered_visits"] == [str(back.appointment_id)]
    assert outcomes[0] == outcomes[1]


async def test_the_report_shows_what_outreach_won_back(practice: Practice) -> None:
    missed = practice.visit(AppointmentMissed, 2, start=NOW - timedelta(days=9), booked_at=NOW - timedelta(days=20))
    started_at = NOW - timedelta(days=9)
    back = practice.visit(
        AppointmentFulfilled,
        3,
        start=NOW - timedelta(days=5),
        booked_at=NOW - timedelta(days=8),
        rebooked_from=missed.appointment_id,
    )
    await practice.follow(missed, back)
    outreach = {
        "outreach_id": uuid4(),
        "client_id": practice.client,
        "appointment_id": missed.appointment_id,
        "flow_version": 1,
        "step": 1,
        "held_out": False,
        "barrier": "transport",
        "started_at": started_at,
    }
    ended = OutreachEnded.model_validate(
        {
            **outreach,
            "sequence": 3,
            "status": "ended",
            "end_reason": "rebooked",
            "rebooked_appointment_id": back.appointment_id,
            "ended_at": NOW,
        }
    )
    late = OutreachStarted.model_validate(
        {
            **outreach,
            "sequence": 1,
            "barrier": None,
            "status": "running",
            "end_reason": None,
            "rebooked_appointment_id": None,
            "ended_at": None,
        }
    )
    gentle = late.model_copy(update={"outreach_id": uuid4(), "trigger": "unscheduled"})
    for event in (ended, late, gentle):
        async with practice.database.transaction(practice.tenant) as session:
            await use_cases.follow_outreach(session, tenant=practice.tenant, state=event)
    answer = await practice.http.get("/v1/reports/retention", headers=practice.headers())
    report = answer.json()
    assert report["recovered_visits"] == [str(back.appointment_id)]
    assert report["barriers"] == {"transport": 1}
    assert (report["reached_out"]["misses"], report["reached_out"]["attended"]["count"]) == (1, 1)
    assert (report["missed"]["count"], report["missed"]["of"]) == (1, 2)
    assert 0 < report["missed"]["low"] < report["missed"]["share"] < report["missed"]["high"] < 1


async def test_a_report_range_must_make_sense(practice: Practice) -> None:
    for query in ({"from": "2026-03-02T00:00:00Z", "to": "2026-03-01T00:00:00Z"}, {"from": "2020-01-01T00:00:00Z"}):
        refused = await practice.http.get("/v1/reports/retention", params=query, headers=practice.headers())
        assert (refused.status_code, refused.json()["code"]) == (422, "range_invalid")
    naive = await practice.http.get(
        "/v1/reports/retention", params={"from": "2026-01-01T00:00:00"}, headers=practice.headers()
    )
    assert (naive.status_code, naive.json()["field"]) == (422, "from")


async def test_who_may_see_what(practice: Practice) -> None:
    mine = practice.headers("client", client_id=practice.client)
    path = f"/v1/clients/{practice.client}/attendance"
    assert (await practice.http.get(path, headers=mine)).status_code == 200
    assert (await practice.http.get(f"/v1/clients/{uuid4()}/attendance", headers=mine)).status_code == 404
    for closed in ("/v1/reports/retention", f"/v1/requests?client_id={practice.client}"):
        refused = await practice.http.get(closed, headers=mine)
        assert (refused.status_code, refused.json()["code"]) == (403, "role_not_allowed")
