"""What a practice decides for itself, and what follows for its visits."""

from datetime import timedelta
from uuid import uuid4

import httpx
import pytest

from tests.booking.conftest import ManualClock
from tests.support.practice import Practice, count

pytestmark = pytest.mark.servers


DEFAULTS = {"self_booking": "off", "video_link": None}


async def put(practice: Practice, body: object, role: str = "admin", **headers: str) -> httpx.Response:
    return await practice.http.put("/v1/policy", json=body, headers={**practice.headers(role), **headers})


async def get(practice: Practice) -> httpx.Response:
    return await practice.http.get("/v1/policy", headers=practice.headers())


async def test_a_practice_without_a_policy_has_the_default_and_sets_its_own_by_version(practice: Practice) -> None:
    found = await get(practice)
    assert (found.json(), found.headers["etag"]) == (
        {**DEFAULTS, "late_within": "P1D", "version": 0},
        '"0"',
    )
    missing = await put(practice, {"late_within": "PT48H"})
    assert (missing.status_code, missing.json()["code"]) == (428, "if_match_missing")
    changed = await put(practice, {"late_within": "PT48H"}, **{"if-match": '"0"'})
    assert (changed.status_code, changed.json(), changed.headers["etag"]) == (
        200,
        {**DEFAULTS, "late_within": "P2D", "version": 1},
        '"1"',
    )
    stale = await put(practice, {"late_within": "PT1H"}, **{"if-match": '"0"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "version_mismatch")
    assert (await get(practice)).json() == changed.json()


@pytest.mark.parametrize("wrong", ["P15D", "-PT1H", "two days", 24, None])
async def test_a_window_that_makes_no_sense_is_refused_by_its_field(wrong: object, practice: Practice) -> None:
    refused = await put(practice, {"late_within": wrong}, **{"if-match": '"0"'})
    assert (refused.status_code, refused.json()["field"]) == (422, "late_within")
    assert await count(practice, "policies") == 0


async def test_only_the_administration_sets_it_and_no_client_reads_it(practice: Practice) -> None:
    for role in ("staff", "app"):
        refused = await put(practice, {"late_within": "PT1H"}, role, **{"if-match": '"0"'})
        assert (refused.status_code, refused.json()["code"]) == (403, "role_not_allowed")
    theirs = practice.headers("client", client_id=uuid4())
    assert (await practice.http.get("/v1/policy", headers=theirs)).status_code == 403


async def test_a_visit_is_called_off_late_by_the_practices_own_window(practice: Practice, clock: ManualClock) -> None:
    early, late = [(await practice.book(start)).json() for start in practice.starts(2)]
    await put(practice, {"late_within": "PT2H"}, **{"if-match": '"0"'})
    first, second = practice.starts(2)
    clock.now = first - timedelta(hours=2)
    assert (await practice.act(early, "cancel", {"reason": "illness"})).json()["late"] is False
    clock.now = second - timedelta(hours=2) + timedelta(seconds=1)
    assert (await practice.act(late, "cancel", {"reason": "illness"})).json()["late"] is True
