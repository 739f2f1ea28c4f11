"""From iCalendar to busy times: RFC 5545's own examples, and refusals that name the line."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.availability.clients import recurrence
from services.availability.clients.errors import FeedError
from services.availability.clients.reading import busy_times

NEW_YORK = "America/New_York"
BEGIN, END = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)


def feed(*events: str, head: str = "") -> bytes:
    """A calendar of events, each the lines between BEGIN and END, separated by spaces or new lines."""
    blocks = "".join(
        f"BEGIN:VEVENT\r\nUID:{number}\r\n" + "\r\n".join(event.split("\n")) + "\r\nEND:VEVENT\r\n"
        for number, event in enumerate(events)
    )
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//t//EN\r\n{head}{blocks}END:VCALENDAR\r\n".encode()


def free_busy(*lines: str) -> bytes:
    return "\r\n".join(("BEGIN:VCALENDAR", "BEGIN:VFREEBUSY", *lines, "END:VFREEBUSY", "END:VCALENDAR", "")).encode()


def busy(*events: str, zone: str = NEW_YORK, begin: datetime = BEGIN, end: datetime = END) -> list[str]:
    found = busy_times(feed(*events), zone, begin, end)
    return [f"{low:%m-%dT%H:%M}/{high:%m-%dT%H:%M}" for low, high in found]


def series(*events: str, zone: str = NEW_YORK) -> list[str]:
    """The busy times of events that have one UID."""
    body = re.sub(rb"UID:\d+", b"UID:0", feed(*events))
    return [f"{low:%m-%dT%H:%M}/{high:%m-%dT%H:%M}" for low, high in busy_times(body, zone, BEGIN, END)]


def refusal(body: bytes, zone: str = NEW_YORK) -> FeedError:
    with pytest.raises(FeedError) as refused:
        busy_times(body, zone, BEGIN, END)
    return refused.value


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ("DTSTART:20260302T150000Z\nDTEND:20260302T160000Z", ["03-02T15:00/03-02T16:00"]),
        ("DTSTART:20260302T150000Z\nDURATION:PT30M", ["03-02T15:00/03-02T15:30"]),
        ("DTSTART:20260302T150000Z", []),
        (
            "DTSTART;TZID=Europe/Paris:20260302T150000\nDTEND;TZID=Europe/Paris:20260302T160000",
            ["03-02T14:00/03-02T15:00"],
        ),
        ("DTSTART;TZID=W. Europe Standard Time:20260302T150000\nDURATION:PT1H", ["03-02T14:00/03-02T15:00"]),
        ("DTSTART:20260302T100000\nDTEND:20260302T110000", ["03-02T15:00/03-02T16:00"]),
        ("DTSTART;VALUE=DATE:20260302", ["03-02T05:00/03-03T05:00"]),
        ("DTSTART;VALUE=DATE:20260302\nDTEND;VALUE=DATE:20260304", ["03-02T05:00/03-04T05:00"]),
        ("DTSTART;VALUE=DATE:20260308", ["03-08T05:00/03-09T04:00"]),
        ("DTSTART:20260302T150000Z\nDURATION:PT1H\nSTATUS:CANCELLED", []),
        ("DTSTART:20260302T150000Z\nDURATION:PT1H\nSTATUS:TENTATIVE", ["03-02T15:00/03-02T16:00"]),
        ("DTSTART:20260302T150000Z\nDURATION:PT1H\nTRANSP:TRANSPARENT", []),
        ("DTSTART:20260302T150000Z\nDURATION:PT1H\nX-MICROSOFT-CDO-BUSYSTATUS:FREE", []),
        # An hour before and after daylight saving begins: the wall time stays.
        (
            "DTSTART;TZID=America/New_York:20260306T090000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=4",
            [
                "03-06T14:00/03-06T15:00",
                "03-07T14:00/03-07T15:00",
                "03-08T13:00/03-08T14:00",
                "03-09T13:00/03-09T14:00",
            ],
        ),
        ("DTSTART;TZID=America/New_York:20260308T023000\nDURATION:PT1H", ["03-08T07:30/03-08T08:30"]),
        ("DTSTART;TZID=America/New_York:20260307T230000\nDURATION:PT10H", ["03-08T04:00/03-08T14:00"]),
        ("DTSTART;TZID=America/New_York:20260307T230000\nDURATION:P1D", ["03-08T04:00/03-09T03:00"]),
        (
            "DTSTART;TZID=America/New_York:20260308T003000\nDTEND;TZID=America/New_York:20260308T063000",
            ["03-08T05:30/03-08T10:30"],
        ),
        (
            "DTSTART;VALUE=DATE:20260302\nRRULE:FREQ=WEEKLY;COUNT=2",
            ["03-02T05:00/03-03T05:00", "03-09T04:00/03-10T04:00"],
        ),
        (
            "DTSTART:20260302T150000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=3\nEXDATE:20260303T150000Z",
            ["03-02T15:00/03-02T16:00", "03-04T15:00/03-04T16:00"],
        ),
        (
            "DTSTART:20260302T150000Z\nDURATION:PT1H\nRDATE:20260305T150000Z,20260306T170000Z",
            ["03-02T15:00/03-02T16:00", "03-05T15:00/03-05T16:00", "03-06T17:00/03-06T18:00"],
        ),
        (
            "DTSTART:20260302T150000Z\nDURATION:PT1H\nRDATE;VALUE=PERIOD:20260305T150000Z/PT2H",
            ["03-02T15:00/03-02T16:00", "03-05T15:00/03-05T17:00"],
        ),
    ],
)
def test_what_an_event_says_is_busy(event: str, expected: list[str]) -> None:
    assert busy(event) == expected


def test_the_earlier_of_two_equal_wall_times() -> None:
    begin = datetime(2025, 11, 1, tzinfo=UTC)
    event = "DTSTART;TZID=America/New_York:20251102T013000\nDURATION:PT15M"
    assert busy(event, begin=begin, end=begin + timedelta(days=9)) == ["11-02T05:30/11-02T05:45"]


@pytest.mark.parametrize(
    ("zone", "utc"),
    [
        ("Asia/Kolkata", "03-30T03:30"),
        ("Asia/Kathmandu", "03-30T03:15"),
        ("Australia/Lord_Howe", "03-29T22:00"),
        ("Pacific/Chatham", "03-29T19:15"),
        ("Antarctica/Troll", "03-30T07:00"),
    ],
)
def test_floating_times_are_read_on_the_providers_clock(zone: str, utc: str) -> None:
    assert busy("DTSTART:20260330T090000\nDURATION:PT1H", zone=zone)[0].startswith(utc)


def test_a_moved_and_a_cancelled_occurrence() -> None:
    series = "DTSTART:20260302T150000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=4"
    moved = "RECURRENCE-ID:20260303T150000Z\nDTSTART:20260303T180000Z\nDURATION:PT2H"
    cancelled = "RECURRENCE-ID:20260304T150000Z\nDTSTART:20260304T150000Z\nDURATION:PT1H\nSTATUS:CANCELLED"
    body = feed(series, moved, cancelled).replace(b"UID:1\r\n", b"UID:0\r\n").replace(b"UID:2\r\n", b"UID:0\r\n")
    found = [f"{low:%d %H}-{high:%H}" for low, high in busy_times(body, NEW_YORK, BEGIN, END)]
    assert found == ["02 15-16", "03 18-20", "05 15-16"]


DAILY_IN_NEW_YORK = "DTSTART;TZID=America/New_York:20260302T{time}\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=3"


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        # The same moment, written in another zone: it is excluded, or replaced.
        ([DAILY_IN_NEW_YORK.format(time="100000") + "\nEXDATE:20260303T150000Z"], ["02T15", "04T15"]),
        (
            [
                DAILY_IN_NEW_YORK.format(time="100000"),
                "RECURRENCE-ID:20260303T150000Z\nDTSTART:20260303T200000Z\nDURATION:PT1H",
            ],
            ["02T15", "03T20", "04T15"],
        ),
        # Another moment that only shows the same figures: nothing is excluded or replaced.
        ([DAILY_IN_NEW_YORK.format(time="150000") + "\nEXDATE:20260303T150000Z"], ["02T20", "03T20", "04T20"]),
        (
            [DAILY_IN_NEW_YORK.format(time="100000") + "\nEXDATE;TZID=Europe/Paris:20260303T100000"],
            ["02T15", "03T15", "04T15"],
        ),
        (
            [
                DAILY_IN_NEW_YORK.format(time="150000"),
                "RECURRENCE-ID:20260303T150000Z\nDTSTART:20260303T150000Z\nSTATUS:CANCELLED",
            ],
            ["02T20", "03T20", "04T20"],
        ),
        (
            [
                "DTSTART;TZID=America/New_York:20260302T100000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=2;BYHOUR=10,15\n"
                "EXDATE;TZID=America/New_York:20260302T100000"
            ],
            ["02T20"],
        ),
        # An exception counts also where the series excludes its date, or comes after it, or has none.
        (
            [
                DAILY_IN_NEW_YORK.format(time="100000") + "\nEXDATE:20260303T150000Z",
                "RECURRENCE-ID:20260303T150000Z\nDTSTART:20260303T180000Z\nDURATION:PT1H",
            ],
            ["02T15", "03T18", "04T15"],
        ),
        (
            [
                "RECURRENCE-ID:20260303T150000Z\nDTSTART:20260303T180000Z\nDURATION:PT1H",
                DAILY_IN_NEW_YORK.format(time="100000"),
            ],
            ["02T15", "03T18", "04T15"],
        ),
        (["RECURRENCE-ID:20260303T150000Z\nDTSTART:20260303T180000Z\nDURATION:PT1H"], ["03T18"]),
        # Moved into the time that is asked for, and out of it.
        (
            [
                "DTSTART:20260105T150000Z\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;COUNT=3",
                "RECURRENCE-ID:20260112T150000Z\nDTSTART:20260310T180000Z\nDURATION:PT1H",
            ],
            ["10T18"],
        ),
        (
            [
                "DTSTART:20260302T150000Z\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;COUNT=2",
                "RECURRENCE-ID:20260309T150000Z\nDTSTART:20260610T180000Z\nDURATION:PT1H",
            ],
            ["02T15"],
        ),
        # The later version of an event, and of an exception.
        (
            [
                "DTSTART:20260302T150000Z\nDURATION:PT1H\nSEQUENCE:1",
                "DTSTART:20260303T150000Z\nDURATION:PT1H\nSEQUENCE:2",
            ],
            ["03T15"],
        ),
        (
            [
                DAILY_IN_NEW_YORK.format(time="100000"),
                "RECURRENCE-ID:20260303T150000Z\nSEQUENCE:2\nDTSTART:20260303T180000Z\nDURATION:PT1H",
                "RECURRENCE-ID:20260303T150000Z\nSEQUENCE:1\nDTSTART:20260303T200000Z\nDURATION:PT1H",
            ],
            ["02T15", "03T18", "04T15"],
        ),
        # The same event twice is that event.
        (
            [
                "DTSTART:20260302T150000Z\nDURATION:PT1H\nDTSTAMP:20260101T000000Z",
                "DTSTART:20260302T150000Z\nDURATION:PT1H",
            ],
            ["02T15"],
        ),
        # A free exception of a busy series, and a busy one of a free series.
        (
            [
                DAILY_IN_NEW_YORK.format(time="100000"),
                "RECURRENCE-ID:20260303T150000Z\nDTSTART:20260303T150000Z\nDURATION:PT1H\nTRANSP:TRANSPARENT",
            ],
            ["02T15", "04T15"],
        ),
        (
            [
                DAILY_IN_NEW_YORK.format(time="100000") + "\nTRANSP:TRANSPARENT",
                "RECURRENCE-ID:20260303T150000Z\nDTSTART:20260303T150000Z\nDURATION:PT1H\nTRANSP:OPAQUE",
            ],
            ["03T15"],
        ),
    ],
)
def test_what_belongs_together_is_found_by_the_moment(events: list[str], expected: list[str]) -> None:
    assert [text[3:8] for text in series(*events)] == expected


def test_events_without_uid_do_not_belong_together() -> None:
    body = feed("DTSTART:20260302T150000Z\nDURATION:PT1H", "DTSTART:20260303T150000Z\nDURATION:PT1H")
    body = re.sub(rb"UID:\d+\r\n", b"", body)
    assert [low.day for low, _ in busy_times(body, NEW_YORK, BEGIN, END)] == [2, 3]


def test_what_began_long_before_is_still_busy_and_says_when_it_began() -> None:
    for event, began in (
        ("DTSTART:20260101T000000Z\nDTEND:20260305T000000Z", "01-01"),
        ("DTSTART:20260203T000000Z\nDURATION:P30D\nRRULE:FREQ=MONTHLY;COUNT=1", "02-03"),
        ("DTSTART:20260105T150000Z\nDURATION:PT1H\nRDATE;VALUE=PERIOD:20260201T000000Z/P32D", "02-01"),
    ):
        assert busy(event) == [f"{began}T00:00/03-05T00:00"]


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        # Begin and end in the hour that is skipped; an end before the begin is none.
        (
            "DTSTART;TZID=America/New_York:20260308T023000\nDTEND;TZID=America/New_York:20260308T030000",
            ["08T07:30/08T08:00"],
        ),
        (
            "DTSTART;TZID=America/New_York:20260308T010000\nDTEND;TZID=America/New_York:20260308T023000",
            ["08T06:00/08T07:30"],
        ),
        # What the clock skips is busy, as every program shows it, and not counted (3.3.10): COUNT goes on by one.
        (
            "DTSTART;TZID=America/New_York:20260307T023000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=2",
            ["07T07:30/07T08:30", "08T07:30/08T08:30", "09T06:30/09T07:30"],
        ),
        # Over the night in which the clock changes: as long as the exact length and the end on the wall both say.
        (
            "DTSTART;TZID=America/New_York:20260306T230000\nDTEND;TZID=America/New_York:20260307T070000\n"
            "RRULE:FREQ=DAILY;COUNT=3",
            ["07T04:00/07T12:00", "08T04:00/08T12:00", "09T03:00/09T11:00"],
        ),
        ("DTSTART;TZID=America/New_York:20260307T230000\nDURATION:P1DT1H", ["08T04:00/09T04:00"]),
        ("DTSTART;TZID=America/New_York:20260307T230000\nDURATION:PT25H", ["08T04:00/09T05:00"]),
        (
            "DTSTART;TZID=America/New_York:20260306T230000\nDTEND;TZID=Europe/Paris:20260307T070000\n"
            "RRULE:FREQ=DAILY;COUNT=3",
            ["07T04:00/07T06:00", "08T04:00/08T06:00", "09T03:00/09T05:00"],
        ),
        (
            "DTSTART:20260302T150000Z\nRDATE;VALUE=PERIOD;TZID=America/New_York:20260308T000000/20260308T040000",
            ["08T05:00/08T08:00"],
        ),
    ],
)
def test_in_the_night_in_which_the_clock_changes(event: str, expected: list[str]) -> None:
    assert [text.replace("03-", "") for text in busy(event)] == expected


def test_an_event_that_ends_on_a_longer_night_ends_on_the_wall() -> None:
    begin = datetime(2025, 11, 1, tzinfo=UTC)
    event = (
        "DTSTART;TZID=America/New_York:20251031T230000\nDTEND;TZID=America/New_York:20251101T070000\n"
        "RRULE:FREQ=DAILY;COUNT=3"
    )
    found = busy(event, begin=begin, end=begin + timedelta(days=9))
    assert found == ["11-01T03:00/11-01T11:00", "11-02T03:00/11-02T12:00", "11-03T04:00/11-03T12:00"]


@pytest.mark.parametrize(
    ("zone", "wall", "utc"),
    [
        # Skipped: the offset before the gap.
        (NEW_YORK, "20260308T023000", "2026-03-08T07:30"),
        ("Australia/Lord_Howe", "20261004T021500", "2026-10-03T15:45"),
        ("Pacific/Chatham", "20260927T030000", "2026-09-26T14:15"),
        ("Antarctica/Troll", "20260329T020000", "2026-03-29T02:00"),
        # Twice: the first.
        (NEW_YORK, "20261101T013000", "2026-11-01T05:30"),
        ("Australia/Lord_Howe", "20260405T014500", "2026-04-04T14:45"),
        ("Pacific/Chatham", "20260405T030000", "2026-04-04T13:15"),
        ("Antarctica/Troll", "20261025T020000", "2026-10-25T00:00"),
        # No daylight saving, and no whole hours.
        ("Asia/Kolkata", "20260308T023000", "2026-03-07T21:00"),
        ("Asia/Kathmandu", "20260308T023000", "2026-03-07T20:45"),
    ],
)
def test_wall_times_that_are_skipped_or_come_twice(zone: str, wall: str, utc: str) -> None:
    begin = datetime.fromisoformat(utc).replace(tzinfo=UTC)
    for event, own in ((f"DTSTART;TZID={zone}:{wall}\nDURATION:PT5M", "UTC"), (f"DTSTART:{wall}\nDURATION:PT5M", zone)):
        found = busy_times(feed(event), own, begin - timedelta(days=2), begin + timedelta(days=2))
        assert found == [(begin, begin + timedelta(minutes=5))]


EXDATE_IN_ZONE = "EXDATE;TZID=America/New_York:20260316T100000"
OUR_OWN = """BEGIN:VTIMEZONE
TZID:Our Own
BEGIN:STANDARD
DTSTART:20071104T020000
RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU
TZOFFSETFROM:-0400
TZOFFSETTO:-0500
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:20070311T020000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU
TZOFFSETFROM:-0500
TZOFFSETTO:-0400
END:DAYLIGHT
END:VTIMEZONE
""".replace("\n", "\r\n")


def test_a_zone_of_the_feeds_own_has_daylight_saving_and_stays_in_its_feed() -> None:
    daily = "DTSTART;TZID=Our Own:20260307T100000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=2"
    skipped = "DTSTART;TZID=Our Own:20260308T023000\nDURATION:PT1H"
    expected = [datetime(2026, 3, 7, 15), datetime(2026, 3, 8, 7, 30), datetime(2026, 3, 8, 14)]  # noqa: DTZ001 -- in UTC
    first, last = feed(daily, skipped, head=OUR_OWN), feed(daily, skipped)
    last = last.replace(b"END:VCALENDAR", OUR_OWN.encode() + b"END:VCALENDAR")
    for body in (first, last):
        assert [low.replace(tzinfo=None) for low, _ in busy_times(body, NEW_YORK, BEGIN, END)] == expected
    assert "'Our Own' is not known" in refusal(feed(daily)).detail


@pytest.mark.parametrize(
    ("old", "new", "code", "line"),
    [
        ("FREQ=YEARLY;BYMONTH=11", "FREQ=SECONDLY;BYMONTH=11", "feed_recurrence", 8),
        ("TZOFFSETTO:-0500\r\n", "", "feed_malformed", 6),
        ("TZOFFSETTO:-0500", "TZOFFSETTO:+9999", "feed_malformed", 10),
        # This one shows only when the zone is used.
        ("TZOFFSETTO:-0500", f"{EXDATE_IN_ZONE}\r\nTZOFFSETTO:-0500", "feed_malformed", 22),
    ],
)
def test_a_zone_that_can_not_be_computed_is_refused_by_its_line(old: str, new: str, code: str, line: int) -> None:
    error = refusal(feed("DTSTART;TZID=Our Own:20260307T100000", head=OUR_OWN.replace(old, new)))
    assert (error.code, error.line) == (code, line)


def test_what_is_no_standard_changes_no_time() -> None:
    daily = "DTSTART:20260307T150000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=2"
    for zone in ("America/New_York", "Mars/Base"):
        found = busy_times(feed(daily, head=f"X-WR-TIMEZONE:{zone}\r\nX-OF_OUR.OWN:1\r\n"), NEW_YORK, BEGIN, END)
        assert [low.hour for low, _ in found] == [15, 15]


def test_separators_of_other_standards_end_no_line() -> None:
    assert len(busy("DTSTART:20260302T150000Z\nDURATION:PT1H\nDESCRIPTION:a\u2028b\x0cc\x85d\x1ce")) == 1


@pytest.mark.parametrize(
    ("until", "expected"),
    [
        ("20260305T030000Z", 3),  # 22:00 in New York on the 4th
        ("20260305T025959Z", 2),
    ],
)
def test_until_is_compared_as_a_moment(until: str, expected: int) -> None:
    event = f"DTSTART;TZID=America/New_York:20260302T220000\nDURATION:PT1H\nRRULE:FREQ=DAILY;UNTIL={until}"
    assert len(busy(event)) == expected


def test_until_in_the_hour_that_comes_twice() -> None:
    begin = datetime(2025, 10, 31, tzinfo=UTC)
    # 01:10 for the second time is after 01:30 for the first.
    event = "DTSTART;TZID=America/New_York:20251101T013000\nDURATION:PT9M\nRRULE:FREQ=DAILY;UNTIL=20251102T061000Z"
    assert len(busy(event, begin=begin, end=begin + timedelta(days=9))) == 2


@pytest.mark.parametrize(
    "event",
    [
        "DTSTART:{day}T150000Z\nRRULE:FREQ=WEEKLY;UNTIL={until}",
        "DTSTART;TZID=America/New_York:{day}T150000\nRRULE:FREQ=WEEKLY;UNTIL={until}T150000",
        "DTSTART:{day}T150000\nRRULE:FREQ=WEEKLY;UNTIL={until}T150000Z",
        "DTSTART:{day}T150000Z\nRRULE:FREQ=WEEKLY;UNTIL={until}T150000",
        "DTSTART;VALUE=DATE:{day}\nRRULE:FREQ=WEEKLY;UNTIL={until}T000000Z",
    ],
)
def test_until_of_another_kind_is_refused_only_where_it_matters(event: str) -> None:
    length = "" if "VALUE=DATE" in event else "\nDURATION:PT1H"
    error = refusal(feed(event.format(day="20260302", until="20260316") + length))
    assert (error.code, error.line) == ("feed_recurrence", 7)
    assert len(busy(event.format(day="20260302", until="20260313") + length)) == 2
    assert busy(event.format(day="20240101", until="20240115") + length) == [], "it was over long ago"


def test_free_and_busy_periods() -> None:
    body = free_busy(
        "FREEBUSY:20260302T150000Z/PT1H",
        "FREEBUSY;FBTYPE=FREE:20260303T150000Z/PT1H",
        "FREEBUSY;FBTYPE=BUSY-TENTATIVE:20260304T150000Z/PT1H,20260305T150000Z/20260305T160000Z",
        "FREEBUSY;FBTYPE=BUSY-UNAVAILABLE:20260306T150000Z/PT1H",
    )
    assert [low.day for low, _ in busy_times(body, NEW_YORK, BEGIN, END)] == [2, 4, 5, 6]


def test_a_zone_defined_in_the_feed() -> None:
    zone = (
        "BEGIN:VTIMEZONE\r\nTZID:Our Own\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0330\r\n"
        "TZOFFSETTO:+0330\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
    )
    body = feed("DTSTART;TZID=Our Own:20260302T120000\nDURATION:PT1H", head=zone)
    assert busy_times(body, NEW_YORK, BEGIN, END)[0][0] == datetime(2026, 3, 2, 8, 30, tzinfo=UTC)


def test_busy_times_are_merged_and_cut_where_what_is_asked_ends() -> None:
    found = busy(
        "DTSTART:20260228T000000Z\nDTEND:20260301T020000Z",
        "DTSTART:20260302T150000Z\nDURATION:PT2H",
        "DTSTART:20260302T160000Z\nDURATION:PT3H",
        "DTSTART:20260401T000000Z\nDURATION:PT3H",
    )
    assert found == ["02-28T00:00/03-01T02:00", "03-02T15:00/03-02T19:00"]


GOOD = "DTSTART:20260302T150000Z\nDURATION:PT1H"
WHOLE_DAY_ID = "RECURRENCE-ID;VALUE=DATE:20260303"


DAILY = "DTSTART;TZID=America/New_York:20260302T090000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=3"


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (b"", 1),
        (b"<!doctype html>\n<html></html>", 1),
        (b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n", 3),
        (b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nEND:VCALENDAR\r\n", 3),
        (b"BEGIN:VCALENDAR\r\nVERSION 2.0\r\nEND:VCALENDAR\r\n", 2),
        (b"BEGIN:VCALENDAR\r\nX-A:\xff\r\nEND:VCALENDAR\r\n", 2),
        (b"BEGIN:VCALENDAR\r\nX-A:\0\r\nEND:VCALENDAR\r\n", 2),
        (feed(GOOD) + feed(GOOD), 10),
        (feed(GOOD, "SUMMARY:x"), 9),
        (feed(GOOD, "DTSTART:2026XX"), 11),
        (feed(GOOD, "SUMMARY:folded\n  on and on\nDTSTART:20260302T150000Z\nDTEND:20260301T150000Z"), 14),
        (feed("DTSTART;TZID=Nowhere/Land:20260302T150000\nDURATION:PT1H"), 6),
        # What contradicts itself is hours wrong, whichever half of it is believed.
        (feed("DTSTART;TZID=America/New_York:20260302T140000Z\nDURATION:PT1H"), 6),
        (feed("DTSTART;TZID=America/New_York:20260302T140000\nDTEND;TZID=America/New_York:20260302T150000Z"), 7),
        (feed("DTSTART;TZID=America/New_York;TZID=Asia/Tokyo:20260302T140000\nDURATION:PT1H"), 6),
        (feed("DTSTART;VALUE=DATE:20260302T090000\nDURATION:PT1H"), 6),
        (feed(f"{DAILY}\nEXDATE;TZID=America/New_York:20260303T140000Z"), 9),
        (feed(f"{DAILY}\nRDATE;TZID=America/New_York;VALUE=PERIOD:20260305T150000Z/PT2H"), 9),
        (feed("DTSTART:20260302T150000Z\nDTEND;VALUE=DATE:20260303"), 7),
        (feed("DTSTART:00010101T000000Z"), 6),
        (feed("DTSTART:20260302T150000Z\nDURATION:-PT1H"), 7),
        (feed(f"{GOOD}\nRECURRENCE-ID;RANGE=THISANDFUTURE:20260302T150000Z"), 8),
        (feed(f"{GOOD}\nRRULE:FREQ=FOO"), 8),
        (feed(f"{GOOD}\nRECURRENCE-ID;RANGE=THISANDPRIOR:20260302T150000Z"), 8),
        (feed(f"{GOOD}\nRECURRENCE-ID:20260302T150000Z\nRDATE:20260303T150000Z"), 9),
        (feed(f"{GOOD}\nEXDATE:nonsense"), 8),
        (feed(f"{GOOD}\nEXDATE:20260303T150000Z\nSUMMARY:folded\n  on\nEXDATE:nonsense"), 11),
        (feed(f"{GOOD}\nEXDATE:20260303T150000Z\nEXDATE;TZID=Nowhere:20260303T150000"), 9),
        (feed(f"{GOOD}\nEXDATE;VALUE=DATE:20260303"), 8),
        (feed(f"{GOOD}\nEXDATE:20260303T150000"), 8),
        (feed(f"{GOOD}\nEXDATE;VALUE=PERIOD:20260303T150000Z/PT1H"), 8),
        (feed("DTSTART;VALUE=DATE:20260302\nRRULE:FREQ=DAILY\nEXDATE:20260303T000000Z"), 8),
        (feed(f"{GOOD}\nRDATE;VALUE=DATE:20260303"), 8),
        (feed(f"{GOOD}\nRDATE:"), 8),
        (feed(f"{GOOD}\nRDATE;VALUE=PERIOD:20260305T150000Z/20260304T150000Z"), 8),
        (feed(f"{GOOD}\nRDATE:99991231T235959Z"), 8),
        (feed(f"{GOOD}\nEXRULE:FREQ=DAILY"), 8),
        (feed(f"{GOOD}\nSEQUENCE:one"), 8),
        (feed(f"{GOOD}\ndtstart:20260303T150000Z"), 8),
        (feed("DTSTART:20260302T150000Z\nDURATION:P9999999W"), 7),
        (feed("DTSTART:20260302T150000Z\nDURATION:P"), 7),
        (feed("DTSTART;VALUE=DATE:20260302\nDURATION:PT1H"), 7),
        (feed("DTSTART;TZID=America/New_York:20260302T150000\nDTEND:20260303T150000"), 7),
        (feed("DTSTART;VALUE=PERIOD:20260302T150000Z/PT1H"), 6),
        (feed("DTSTART:20260302T235960Z"), 6),
        (feed(GOOD, f"{GOOD}\nBEGIN:VALARM\nTRIGGER:x\nEND:VALARM"), 14),
        (re.sub(rb"UID:\d", b"UID:0", feed(GOOD, "DTSTART:20260303T150000Z")), 10),
        (
            re.sub(rb"UID:\d", b"UID:0", feed(f"{GOOD}\nRRULE:FREQ=DAILY", f"{GOOD}\n{WHOLE_DAY_ID}")),
            14,
        ),
        (free_busy("FREEBUSY:99991231T235959Z/PT1H"), 3),
        (free_busy("FREEBUSY:20260302T150000Z/-PT1H"), 3),
        (b"\xff\xfeB\x00E\x00", 1),
    ],
)
def test_a_bad_feed_is_refused_by_its_line(body: bytes, line: int) -> None:
    error = refusal(body)
    assert (error.code, error.line) == ("feed_malformed", line), error.detail


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=SECONDLY",
        "FREQ=MINUTELY;INTERVAL=1",
        "FREQ=HOURLY",
        "FREQ=SECONDLY;COUNT=30000",
        "FREQ=HOURLY;COUNT=9;BYMONTH=3",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=YEARLY;BYMONTH=2,4;BYMONTHDAY=31",
        "FREQ=DAILY;COUNT=4;UNTIL=20260401T000000Z",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;BYSETPOS=2",
        "FREQ=WEEKLY;BYDAY=TU",
        "FREQ=WEEKLY;BYDAY=1MO",
        "FREQ=WEEKLY;BYMONTHDAY=2",
        "FREQ=MONTHLY;BYWEEKNO=10;BYDAY=MO",
        "FREQ=DAILY;BYEASTER=0",
        "RSCALE=GREGORIAN;FREQ=YEARLY;SKIP=FORWARD",
        "FREQ=DAILY;COUNT=1;COUNT=2",
    ],
)
def test_a_recurrence_without_end_or_meaning_is_refused_by_its_line(rule: str) -> None:
    error = refusal(feed(GOOD, f"{GOOD}\nRRULE:{rule}"))
    assert error.code in ("feed_recurrence", "feed_malformed")
    assert error.line == 13
    assert "line 13" in error.detail


def test_rules_that_take_too_long_together_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recurrence, "MOST_SECONDS", -1.0)
    assert refusal(feed(f"{GOOD}\nRRULE:FREQ=DAILY")).code == "feed_recurrence"


def test_a_weekly_event_for_ever_is_read_as_far_as_asked() -> None:
    assert len(busy("DTSTART:20200106T150000Z\nDURATION:PT1H\nRRULE:FREQ=WEEKLY")) == 5


def test_too_many_events_are_refused() -> None:
    assert refusal(feed(*[GOOD] * 5_001)).code == "feed_too_many_events"


def _days(text: str) -> list[tuple[int, int, int]]:
    """ "1997-09 2 3-5" → each of these days."""
    month, *days = text.split()
    year, number = map(int, month.split("-"))
    found = []
    for day in days:
        low, _, high = day.partition("-")
        found += [(year, number, at) for at in range(int(low), int(high or low) + 1)]
    return found


RFC_5545: Sequence[tuple[str, str, list[str]]] = [
    # Section 3.8.5.3, in its order: rule, start, the days that it lists (those that end in "..." as far as listed).
    ("FREQ=DAILY;COUNT=10", "19970902T090000", ["1997-9 2-11"]),
    (
        "FREQ=DAILY;UNTIL=19971224T000000Z",
        "19970902T090000",
        ["1997-9 2-30", "1997-10 1-31", "1997-11 1-30", "1997-12 1-23"],
    ),
    ("FREQ=DAILY;INTERVAL=2", "19970902T090000", ["1997-9 2 4 6 8 10 12 14 16 18 20 22 24 26 28 30"]),
    ("FREQ=DAILY;INTERVAL=10;COUNT=5", "19970902T090000", ["1997-9 2 12 22", "1997-10 2 12"]),
    (
        "FREQ=YEARLY;UNTIL=20000131T140000Z;BYMONTH=1;BYDAY=SU,MO,TU,WE,TH,FR,SA",
        "19980101T090000",
        ["1998-1 1-31", "1999-1 1-31", "2000-1 1-31"],
    ),
    ("FREQ=DAILY;UNTIL=20000131T140000Z;BYMONTH=1", "19980101T090000", ["1998-1 1-31", "1999-1 1-31", "2000-1 1-31"]),
    ("FREQ=WEEKLY;COUNT=10", "19970902T090000", ["1997-9 2 9 16 23 30", "1997-10 7 14 21 28", "1997-11 4"]),
    ("FREQ=WEEKLY;INTERVAL=2;WKST=SU", "19970902T090000", ["1997-9 2 16 30", "1997-10 14 28", "1997-11 11 25"]),
    ("FREQ=WEEKLY;COUNT=10;WKST=SU;BYDAY=TU,TH", "19970902T090000", ["1997-9 2 4 9 11 16 18 23 25 30", "1997-10 2"]),
    (
        "FREQ=WEEKLY;INTERVAL=2;UNTIL=19971224T000000Z;WKST=SU;BYDAY=MO,WE,FR",
        "19970901T090000",
        [
            "1997-9 1 3 5 15 17 19 29",
            "1997-10 1 3 13 15 17 27 29 31",
            "1997-11 10 12 14 24 26 28",
            "1997-12 8 10 12 22",
        ],
    ),
    (
        "FREQ=WEEKLY;INTERVAL=2;COUNT=8;WKST=SU;BYDAY=TU,TH",
        "19970902T090000",
        ["1997-9 2 4 16 18 30", "1997-10 2 14 16"],
    ),
    (
        "FREQ=MONTHLY;COUNT=10;BYDAY=1FR",
        "19970905T090000",
        [
            "1997-9 5",
            "1997-10 3",
            "1997-11 7",
            "1997-12 5",
            "1998-1 2",
            "1998-2 6",
            "1998-3 6",
            "1998-4 3",
            "1998-5 1",
            "1998-6 5",
        ],
    ),
    (
        "FREQ=MONTHLY;UNTIL=19971224T000000Z;BYDAY=1FR",
        "19970905T090000",
        ["1997-9 5", "1997-10 3", "1997-11 7", "1997-12 5"],
    ),
    (
        "FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU",
        "19970907T090000",
        ["1997-9 7 28", "1997-11 2 30", "1998-1 4 25", "1998-3 1 29", "1998-5 3 31"],
    ),
    (
        "FREQ=MONTHLY;COUNT=6;BYDAY=-2MO",
        "19970922T090000",
        ["1997-9 22", "1997-10 20", "1997-11 17", "1997-12 22", "1998-1 19", "1998-2 16"],
    ),
    (
        "FREQ=MONTHLY;BYMONTHDAY=-3",
        "19970928T090000",
        ["1997-9 28", "1997-10 29", "1997-11 28", "1997-12 29", "1998-1 29", "1998-2 26"],
    ),
    (
        "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=2,15",
        "19970902T090000",
        ["1997-9 2 15", "1997-10 2 15", "1997-11 2 15", "1997-12 2 15", "1998-1 2 15"],
    ),
    (
        "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=1,-1",
        "19970930T090000",
        ["1997-9 30", "1997-10 1 31", "1997-11 1 30", "1997-12 1 31", "1998-1 1 31", "1998-2 1"],
    ),
    (
        "FREQ=MONTHLY;INTERVAL=18;COUNT=10;BYMONTHDAY=10,11,12,13,14,15",
        "19970910T090000",
        ["1997-9 10-15", "1999-3 10-13"],
    ),
    (
        "FREQ=MONTHLY;INTERVAL=2;BYDAY=TU",
        "19970902T090000",
        ["1997-9 2 9 16 23 30", "1997-11 4 11 18 25", "1998-1 6 13 20 27", "1998-3 3 10 17 24 31"],
    ),
    (
        "FREQ=YEARLY;COUNT=10;BYMONTH=6,7",
        "19970610T090000",
        [f"{year}-{month} 10" for year in range(1997, 2002) for month in (6, 7)],
    ),
    (
        "FREQ=YEARLY;INTERVAL=2;COUNT=10;BYMONTH=1,2,3",
        "19970310T090000",
        ["1997-3 10", *[f"{year}-{month} 10" for year in (1999, 2001, 2003) for month in (1, 2, 3)]],
    ),
    (
        "FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200",
        "19970101T090000",
        [
            "1997-1 1",
            "1997-4 10",
            "1997-7 19",
            "2000-1 1",
            "2000-4 9",
            "2000-7 18",
            "2003-1 1",
            "2003-4 10",
            "2003-7 19",
            "2006-1 1",
        ],
    ),
    ("FREQ=YEARLY;BYDAY=20MO", "19970519T090000", ["1997-5 19", "1998-5 18", "1999-5 17"]),
    ("FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO", "19970512T090000", ["1997-5 12", "1998-5 11", "1999-5 17"]),
    (
        "FREQ=YEARLY;BYMONTH=3;BYDAY=TH",
        "19970313T090000",
        ["1997-3 13 20 27", "1998-3 5 12 19 26", "1999-3 4 11 18 25"],
    ),
    (
        "FREQ=YEARLY;BYDAY=TH;BYMONTH=6,7,8",
        "19970605T090000",
        ["1997-6 5 12 19 26", "1997-7 3 10 17 24 31", "1997-8 7 14 21 28"],
    ),
    (
        "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13",
        "19980213T090000",
        ["1998-2 13", "1998-3 13", "1998-11 13", "1999-8 13", "2000-10 13"],
    ),
    (
        "FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13",
        "19970913T090000",
        [
            "1997-9 13",
            "1997-10 11",
            "1997-11 8",
            "1997-12 13",
            "1998-1 10",
            "1998-2 7",
            "1998-3 7",
            "1998-4 11",
            "1998-5 9",
            "1998-6 13",
        ],
    ),
    (
        "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8",
        "19961105T090000",
        ["1996-11 5", "2000-11 7", "2004-11 2"],
    ),
    ("FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3", "19970904T090000", ["1997-9 4", "1997-10 7", "1997-11 6"]),
    (
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2",
        "19970929T090000",
        ["1997-9 29", "1997-10 30", "1997-11 27", "1997-12 30", "1998-1 29", "1998-2 26", "1998-3 30"],
    ),
    ("FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO", "19970805T090000", ["1997-8 5 10 19 24"]),
    ("FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU", "19970805T090000", ["1997-8 5 17 19 31"]),
    ("FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5", "20070115T090000", ["2007-1 15 30", "2007-2 15", "2007-3 15 30"]),
]


@pytest.mark.parametrize(("rule", "start", "listed"), RFC_5545, ids=[item[0] for item in RFC_5545])
def test_the_recurrences_of_rfc_5545(rule: str, start: str, listed: list[str]) -> None:
    expected = [day for text in listed for day in _days(text)]
    zone = ZoneInfo(NEW_YORK)
    last = datetime(*expected[-1], 23, tzinfo=zone)
    begin, end = datetime(1996, 1, 1, tzinfo=UTC), (last + timedelta(days=3650)).astimezone(UTC)
    event = f"DTSTART;TZID=America/New_York:{start}\nDURATION:PT1H\nRRULE:{rule}"
    found = [low.astimezone(zone) for low, _ in busy_times(feed(event), NEW_YORK, begin, end)]
    if "COUNT" not in rule and "UNTIL" not in rule:
        found = [at for at in found if at <= last]
    assert [(at.year, at.month, at.day) for at in found] == expected
    assert {at.hour for at in found} == {9}


@pytest.mark.parametrize(
    ("rule", "hours"),
    [
        ("FREQ=HOURLY;INTERVAL=3;UNTIL=19970902T210000Z", ["09:00", "12:00", "15:00"]),
        ("FREQ=MINUTELY;INTERVAL=15;COUNT=6", ["09:00", "09:15", "09:30", "09:45", "10:00", "10:15"]),
        ("FREQ=MINUTELY;INTERVAL=90;COUNT=4", ["09:00", "10:30", "12:00", "13:30"]),
        ("FREQ=DAILY;COUNT=3;BYHOUR=9,10;BYMINUTE=0,20", ["09:00", "09:20", "10:00"]),
    ],
)
def test_the_recurrences_of_rfc_5545_within_a_day(rule: str, hours: list[str]) -> None:
    event = f"DTSTART;TZID=America/New_York:19970902T090000\nDURATION:PT5M\nRRULE:{rule}"
    begin = datetime(1997, 9, 1, tzinfo=UTC)
    found = busy_times(feed(event), NEW_YORK, begin, begin + timedelta(days=5))
    assert [f"{low.astimezone(ZoneInfo(NEW_YORK)):%H:%M}" for low, _ in found] == hours


PIECES = st.sampled_from(
    """BEGIN:VCALENDAR|END:VCALENDAR|BEGIN:VEVENT|END:VEVENT|BEGIN:VTIMEZONE|END:VTIMEZONE|UID:1|UID:2|SEQUENCE:x
DTSTART:20260302T150000Z|DTSTART;VALUE=DATE:20260302|DTSTART:20260302T150000|DTSTART;TZID=Here:20260302T150000
DTEND:20260302T160000Z|DTEND;VALUE=DATE:20260303|DURATION:PT1H|RRULE:FREQ=DAILY|RRULE:;;=|RRULE:FREQ=YEARLY;BYDAY=99MO
RRULE:FREQ=WEEKLY;BYDAY=MO;UNTIL=20260401|EXDATE:20260303T150000Z|EXDATE;VALUE=DATE:20260303|TZID:Here
RDATE;VALUE=PERIOD:20260305T150000Z/PT2H|RECURRENCE-ID:20260303T150000Z|RECURRENCE-ID;VALUE=DATE:20260303
TZOFFSETTO:+9999|X-WR-TIMEZONE:Mars/Base|X-WR-TIMEZONE:Europe/Paris|STATUS:?| folded||FREEBUSY:1/2
BEGIN:VFREEBUSY|END:VFREEBUSY""".replace("\n", "|").split("|")
)


@given(st.lists(PIECES, max_size=25))
def test_whatever_a_feed_says_it_is_read_or_refused(lines: list[str]) -> None:
    body = "\r\n".join(["BEGIN:VCALENDAR", "BEGIN:VEVENT", *lines, "END:VEVENT", "END:VCALENDAR"]).encode()
    try:
        found = busy_times(body, NEW_YORK, BEGIN, END)
    except FeedError as error:
        assert error.detail
        assert error.code.startswith("feed_")
    else:
        assert found == sorted(found)
        assert all(BEGIN <= low < high <= END for low, high in found)


VALID = feed(
    "DTSTART;TZID=America/New_York:20260302T100000\nDTEND;TZID=America/New_York:20260302T110000\n"
    "RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=MO;UNTIL=20270301T150000Z\nEXDATE;TZID=America/New_York:20260316T100000\n"
    "RDATE;VALUE=PERIOD:20260305T150000Z/PT2H\nSEQUENCE:1\nSUMMARY:a\n  folded line",
    "RECURRENCE-ID;TZID=America/New_York:20260330T100000\nDTSTART;TZID=Our Own:20260330T120000\nDURATION:P1DT1H",
    "DTSTART;VALUE=DATE:20260310\nDURATION:P2D\nRRULE:FREQ=MONTHLY;BYMONTHDAY=10;COUNT=7\nTRANSP:OPAQUE",
    head=OUR_OWN + "BEGIN:VFREEBUSY\r\nFREEBUSY;FBTYPE=BUSY:20260302T150000Z/PT1H\r\nEND:VFREEBUSY\r\n",
)


TELLING = (b"9" * 6, b"-", b":", b";", b",", b"=", b"\r\n", b"Z")


@given(st.data())
def test_whatever_becomes_of_a_good_feed_it_is_read_or_refused(data: st.DataObject) -> None:
    """Bytes replaced, taken out, put in and repeated; lines swapped, doubled, dropped."""
    assert len(busy_times(VALID, NEW_YORK, BEGIN, END)) > 3
    body = VALID
    for _ in range(data.draw(st.integers(1, 4))):
        if data.draw(st.booleans()):
            low = data.draw(st.integers(0, len(body)))
            high = data.draw(st.integers(low, min(len(body), low + 12)))
            new = data.draw(st.one_of(st.binary(max_size=4), st.sampled_from(TELLING)))
            body = body[:low] + new * data.draw(st.integers(1, 3)) + body[high:]
        else:
            lines = body.split(b"\r\n")
            one, other = (data.draw(st.integers(0, len(lines) - 1)) for _ in range(2))
            lines[one : one + data.draw(st.integers(0, 1))] = [lines[other]] * data.draw(st.integers(0, 2))
            body = b"\r\n".join(lines)
    try:
        found = busy_times(body, NEW_YORK, BEGIN, END)
    except FeedError as error:
        assert error.detail
        assert error.code.startswith("feed_")
        assert error.line is None or 1 <= error.line <= body.count(b"\n") + 1
    else:
        assert found == sorted(found)
        assert all(BEGIN <= low < high <= END for low, high in found)


@given(st.binary(max_size=200))
def test_whatever_bytes_come_they_are_refused(body: bytes) -> None:
    refusal(body)
