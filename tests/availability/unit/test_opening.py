"""Which time a change of rules opens: what can be booked now, and was not open to booking before."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.availability.domain import opening
from shared.contracts.availability import Blocked, ScheduleWithdrawn
from shared.contracts.slots import Plan, Taken, floor
from tests.support.build import ids, schedule

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = floor(datetime(2026, 3, 4, tzinfo=UTC))
SCHEDULE, PROVIDER, ROOM, OTHER_ROOM = ids(4)
HOUR = 3600


def at(hour: float) -> int:
    return DAY + int(hour * HOUR)


def plan(**more: Any) -> Plan:
    """Wednesdays from nine to twelve in UTC, an hour on the hour; one Wednesday is near enough to be offered."""
    plain = {
        "schedule_id": SCHEDULE,
        "provider_id": PROVIDER,
        "zone": "UTC",
        "windows": [{"weekday": 2, "start": "09:00", "end": "12:00"}],
        "duration": timedelta(hours=1),
        "buffer_after": timedelta(0),
        "step": timedelta(hours=1),
        "horizon": timedelta(days=5),
    }
    return Plan(schedule(**{**plain, **more}))


def visit(start: int, minutes: int = 60, room: UUID | None = None) -> Taken:
    end = start + 60 * minutes
    return Taken(uuid4(), PROVIDER, SCHEDULE, room, uuid4(), start, end, start, end)


def opened(before: Plan | None, after: Plan, *taken: Taken) -> list[tuple[float, float]]:
    spans = opening.newly_open(before, after, taken, NOW)
    return [((begin - DAY) / HOUR, (end - DAY) / HOUR) for begin, end in spans]


TEN, ELEVEN, ALL = (10, 11), (11, 12), (9, 12)


@pytest.mark.parametrize(
    ("before", "after", "taken", "told"),
    [
        pytest.param(None, {}, [], [ALL], id="the first hours"),
        pytest.param(None, {}, [visit(at(10))], [(9, 10), ELEVEN], id="the first hours, but for what is booked"),
        pytest.param({"capacity": 1}, {"capacity": 2}, [visit(at(10))], [TEN], id="a seat more in a group"),
        pytest.param({"capacity": 2}, {"capacity": 2}, [visit(at(10))], [], id="a seat that was there"),
        pytest.param({"most_per_day": 1}, {"most_per_day": 2}, [visit(at(10))], [(9, 10), ELEVEN], id="one more a day"),
        pytest.param(
            {"provider_most_per_day": 1}, {}, [visit(at(9))], [(10, 12)], id="the provider's limit is taken away"
        ),
        pytest.param(
            {"room_ids": (ROOM,)},
            {"room_ids": (ROOM, OTHER_ROOM)},
            [visit(at(10), room=ROOM)._replace(provider_id=uuid4(), schedule_id=uuid4())],
            [TEN],
            id="another room",
        ),
        pytest.param(
            {"buffer_before": timedelta(hours=1)}, {}, [visit(at(10))], [ELEVEN], id="a buffer that was in the way"
        ),
        pytest.param({"duration": timedelta(hours=2)}, {}, [visit(at(10))], [(9, 10), ELEVEN], id="a shorter visit"),
        pytest.param({"minimum_notice": timedelta(hours=46)}, {}, [], [(9, 10)], id="less notice"),
        pytest.param({"horizon": timedelta(days=1)}, {}, [], [ALL], id="a horizon further off"),
        pytest.param(
            {"blocked": [Blocked(begin="2026-03-04T10:00Z", end="2026-03-04T11:00Z", because="time_off")]},
            {},
            [],
            [TEN],
            id="time off that is called off",
        ),
        pytest.param({"holidays": ["2026-03-04"]}, {}, [], [ALL], id="no holiday after all"),
        pytest.param({}, {"step": timedelta(minutes=15)}, [], [], id="a finer step is no more time"),
        pytest.param({}, {"duration": timedelta(minutes=30)}, [], [], id="nor is a shorter visit in an empty day"),
        pytest.param({}, {"windows": [{"weekday": 2, "start": "09:00", "end": "11:00"}]}, [], [], id="fewer hours"),
        pytest.param(
            {},
            {"new_client_windows": [{"weekday": 2, "start": "13:00", "end": "14:00"}]},
            [],
            [(13, 14)],
            id="hours for new clients",
        ),
    ],
)
def test_what_a_change_opens(
    before: dict[str, Any] | None, after: dict[str, Any], taken: list[Taken], told: list[tuple[float, float]]
) -> None:
    assert opened(None if before is None else plan(**before), plan(**after), *taken) == told


def test_a_withdrawn_schedule_opens_nothing() -> None:
    gone = ScheduleWithdrawn.model_validate(plan().state.model_dump())
    assert opened(None, Plan(gone)) == []
