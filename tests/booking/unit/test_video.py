"""Where visits by video take place."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from services.booking.domain.video import Door, check_template, room_of
from shared.errors import Problem


@pytest.mark.parametrize(
    "template", ["https://video.example.org/{room}", "https://video.example.org:8443/a/{room}?b=c#d"]
)
def test_an_https_address_with_one_place_for_the_room_is_taken(template: str) -> None:
    check_template(template)


@pytest.mark.parametrize(
    "template",
    [
        "http://video.example.org/{room}",
        "https://video.example.org/",
        "https://video.example.org/{room}/{room}",
        "https://video.example.org/{name}",
        "https://video.example.org/{room}{",
        "https://{room}.example.org/",
        "https://user:word@video.example.org/{room}",
        "https:///{room}",
        "https://video.example.org:99999/{room}",
        "https://[::1/{room}",
        "https://video.example.org/{room} ",
        "https://video.example.org/\n{room}",
        "javascript:alert('{room}')",
        "https://video.example.org/{room}" + "x" * 500,
    ],
)
def test_any_other_address_is_refused_by_its_field(template: str) -> None:
    with pytest.raises(Problem) as refusal:
        check_template(template)
    assert (refusal.value.code, refusal.value.field) == ("video_link_invalid", "video_link")


def test_a_room_is_its_visits_own_always_and_nobodys_guess() -> None:
    visit, other = uuid4(), uuid4()
    room = room_of(visit, "k" * 32)
    assert room == room_of(visit, "k" * 32)
    assert len({room, room_of(other, "k" * 32), room_of(visit, "l" * 32)}) == 3
    assert room.isalnum()
    assert len(room) == 24
    assert visit.hex[:8] not in room


def test_a_door_is_open_around_the_visit_only() -> None:
    opens = datetime(2026, 3, 4, 13, 45, tzinfo=UTC)
    door = Door("https://v.example/x", opens, opens + timedelta(hours=1))
    moment = timedelta(microseconds=1)
    assert [door.is_open(at) for at in (opens - moment, opens, door.closes_at - moment, door.closes_at)] == [
        False,
        True,
        True,
        False,
    ]
    with pytest.raises(Problem, match="13:45Z on"):
        door.check_open(opens - moment)
    with pytest.raises(Problem, match="over"):
        door.check_open(door.closes_at)
