"""What availability says of schedules and absences: in whatever order it comes, it ends in the same state."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from services.booking.use_cases import following
from shared.contracts.availability import Blocked, ProviderUnavailable, ScheduleWithdrawn
from tests.support.build import NOW, schedule
from tests.support.practice import Practice

pytestmark = pytest.mark.servers


def away(practice: Practice, sequence: int, *days: int) -> ProviderUnavailable:
    """The provider will be away on whole days from now."""
    return ProviderUnavailable(
        sequence=sequence,
        provider_id=practice.rules.provider_id,
        blocked=tuple(
            Blocked(begin=NOW + timedelta(days=day), end=NOW + timedelta(days=day + 1), because="time_off")
            for day in days
        ),
    )


async def hear(practice: Practice, *news: Any) -> None:
    for one in news:
        async with practice.resources.database.transaction(practice.tenant) as session:
            if isinstance(one, ProviderUnavailable):
                await following.follow_absences(session, tenant=practice.tenant, news=one, now=NOW)
            else:
                await following.replicate_schedule(session, tenant=practice.tenant, schedule=one, now=NOW)


async def flags(practice: Practice) -> list[bool]:
    found = await practice.http.get("/v1/appointments", headers=practice.headers())
    return [item["needs_rebooking"] for item in found.json()["items"]]


async def test_time_off_flags_the_visits_that_it_meets_and_only_those(practice: Practice) -> None:
    for day in (1, 2):
        [start] = [one for one in practice.starts(40) if one.date() == (NOW + timedelta(days=day)).date()][-1:]
        assert (await practice.book(start)).status_code == 201
    await hear(practice, away(practice, 1, 2))
    before = await flags(practice)
    assert sorted(before) == [False, True]
    async with practice.resources.database.transaction(practice.tenant) as session:
        topics = list(await session.scalars(text("SELECT topic FROM outbox WHERE topic = 'appointment.flagged'")))
    assert topics == ["appointment.flagged"]
    await hear(practice, away(practice, 1, 2))
    assert await flags(practice) == before, "heard twice, done once"
    await hear(practice, away(practice, 2))
    assert await flags(practice) == [False, False], "there after all"
    await hear(practice, away(practice, 1, 2))
    assert await flags(practice) == [False, False], "older news changes nothing"


async def outcome(practice: Practice) -> tuple[Any, ...]:
    async with practice.resources.database.transaction(practice.tenant) as session:
        kept = await session.execute(
            text("SELECT id, sequence, withdrawn_at IS NULL AS open, rules->>'step' FROM schedules ORDER BY id")
        )
        absences = await session.execute(text("SELECT id, absences, absences_sequence FROM providers ORDER BY id"))
        return ([tuple(row) for row in kept], [tuple(row) for row in absences], await flags(practice))


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
async def test_out_of_order_and_repeated_news_end_in_the_same_state(practice: Practice, data: Any) -> None:
    first = schedule()
    gone = schedule(provider_id=first.provider_id)
    states = [
        first.model_copy(update={"sequence": 2, "step": timedelta(minutes=15)}),
        first.model_copy(update={"sequence": 3, "step": timedelta(minutes=10)}),
        gone,
        ScheduleWithdrawn.model_validate(gone.model_dump() | {"sequence": 2}),
    ]
    outcomes = []
    drawn = data.draw(st.permutations(range(7)))
    again = data.draw(st.lists(st.integers(0, 6), max_size=4))
    visit_at = None
    for order in (list(range(7)), [*drawn, *again]):
        practice.tenant, practice.rules = uuid4(), first
        await practice.publish()
        visit_at = visit_at or practice.starts(9)[8]
        assert (await practice.book(visit_at)).status_code == 201
        offset = (visit_at - NOW).days
        news: list[Any] = [
            *states,
            away(practice, 1, offset - 1, offset, offset + 1),
            away(practice, 2),
            away(practice, 3, offset),
        ]
        await hear(practice, *(news[number] for number in order))
        outcomes.append(await outcome(practice))
    assert outcomes[0] == outcomes[1]
