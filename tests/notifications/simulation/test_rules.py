"""What holds the year against the rules sees each of them broken."""

from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.notifications.simulation.clients import Truth
from tests.notifications.simulation.rules import HandedOver, Sent, broken

CLIENT, PHONE = UUID(int=1), "+12025550123"
NOON = datetime.fromisoformat("2026-03-04T17:00:00+00:00")
TRUTH = Truth(CLIENT, PHONE, "sam@example.org", "America/New_York", frozenset({("sms", PHONE)}))


def text(purpose: str = "check_in", at: datetime = NOON, truth: Truth = TRUTH, **changes: Any) -> Sent:
    values: dict[str, Any] = {
        "at": at,
        "message": uuid4(),
        "channel": "sms",
        "to": PHONE,
        "subject": "",
        "body": "Maple: hello",
        "stopped": False,
        "truths": {CLIENT: truth},
    }
    missed_at = changes.pop("missed_at", None)
    place = changes.pop("place", (uuid4(),))
    return Sent(HandedOver(**values | changes), CLIENT, purpose, place, missed_at)


def test_what_is_right_breaks_nothing() -> None:
    days = [NOON + timedelta(days=number) for number in (0, 3, 6, 9)]
    assert not broken([text(at=day) for day in days], "Maple")
    night = NOON.replace(hour=4)
    booked = replace(TRUTH, last_booked=night - timedelta(minutes=20))
    assert not broken([text("reminder"), text("reminder"), text("confirmation", night, booked)], "Maple")


@pytest.mark.parametrize(
    ("rule", "sent"),
    [
        ("1:", [text(stopped=True)]),
        ("2:", [text(truth=replace(TRUTH, agreed=frozenset()))]),
        ("3:", [text(at=NOON.replace(hour=12))]),
        ("3:", [text(truth=replace(TRUTH, zone=None))]),
        ("3:", [text("confirmation", NOON.replace(hour=4), replace(TRUTH, last_booked=NOON.replace(hour=2)))]),
        ("3:", [text(truth=replace(TRUTH, opens=time(13), closes=time(18)))]),
        ("4:", [text(), text(at=NOON + timedelta(hours=3))]),
        ("4:", [text(at=NOON + timedelta(days=number)) for number in (0, 2, 4, 6)]),
        ("4:", [text(body="Maple: " + "x" * 160)]),
        ("4:", [text(body="hello")]),
        ("4:", [text(body="Maple: the fee is due")]),
        ("5:", [text(body="Maple: your therapy")]),
        ("6:", [text(to="+12025550199")]),
        ("6:", [text(truth=replace(TRUTH, wished=("email",)))]),
        ("7:", [text(truth=replace(TRUTH, paused=True))]),
        ("outreach", [text("missed_you", missed_at=NOON, truth=replace(TRUTH, discharged=True))]),
        (
            "outreach",
            [text("missed_you", missed_at=NOON, truth=replace(TRUTH, last_booked=NOON + timedelta(minutes=1)))],
        ),
        ("exactly once", [text("reminder", place=(1,)), text("reminder", place=(1,))]),
    ],
)
def test_each_rule_is_seen_to_be_broken(rule: str, sent: list[Sent]) -> None:
    found = broken(sent, "Maple")
    assert [name for name in found if name.startswith(rule)], found
