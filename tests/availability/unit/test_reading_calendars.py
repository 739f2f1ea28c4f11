"""From iCalendar to busy times: RFC 5545's own examples, and refusals that name the line."""

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


def busy(*events: str, zone: str = NEW_YORK, begin: datetime = BEGIN, end: datetime = END) -> list[str]:
    found = busy_times(feed(*events), zone, begin, end)
    return [f"{low:%m-%dT%H:%M}/{high:%m-%dT%H:%M}" for low, high in found]


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


def test_free_and_busy_periods() -> None:
    body = (
        b"BEGIN:VCALENDAR\r\nBEGIN:VFREEBUSY\r\nUID:1\r\nFREEBUSY:20260302T150000Z/PT1H\r\n"
        b"FREEBUSY;FBTYPE=FREE:20260303T150000Z/PT1H\r\nFREEBUSY;FBTYPE=BUSY-TENTATIVE:20260304T150000Z/PT1H\r\n"
        b"END:VFREEBUSY\r\nEND:VCALENDAR\r\n"
    )
    assert [low.day for low, _ in busy_times(body, NEW_YORK, BEGIN, END)] == [2, 4]


def test_a_zone_defined_in_the_feed() -> None:
    zone = (
        "BEGIN:VTIMEZONE\r\nTZID:Our Own\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0330\r\n"
        "TZOFFSETTO:+0330\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
    )
    body = feed("DTSTART;TZID=Our Own:20260302T120000\nDURATION:PT1H", head=zone)
    assert busy_times(body, NEW_YORK, BEGIN, END)[0][0] == datetime(2026, 3, 2, 8, 30, tzinfo=UTC)


def test_busy_times_are_merged_and_cut_to_what_is_asked() -> None:
    found = busy(
        "DTSTART:20260228T000000Z\nDTEND:20260301T020000Z",
        "DTSTART:20260302T150000Z\nDURATION:PT2H",
        "DTSTART:20260302T160000Z\nDURATION:PT3H",
        "DTSTART:20260401T000000Z\nDURATION:PT3H",
    )
    assert found == ["03-01T00:00/03-01T02:00", "03-02T15:00/03-02T19:00"]


GOOD = "DTSTART:20260302T150000Z\nDURATION:PT1H"


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
        (feed("DTSTART:20260302T150000Z\nDTEND;VALUE=DATE:20260303"), 7),
        (feed("DTSTART:00010101T000000Z"), 6),
        (feed("DTSTART:20260302T150000Z\nDURATION:-PT1H"), 7),
        (feed(f"{GOOD}\nRECURRENCE-ID;RANGE=THISANDFUTURE:20260302T150000Z"), 8),
        (feed(f"{GOOD}\nRRULE:FREQ=FOO"), 8),
        (feed(f"{GOOD}\nEXDATE:nonsense"), 8),
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


@given(st.binary(max_size=200))
def test_whatever_bytes_come_they_are_refused(body: bytes) -> None:
    refusal(body)
