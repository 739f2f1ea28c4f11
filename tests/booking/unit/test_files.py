"""Files of visits: what is read of them, and what is refused row by row."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.booking.domain import files
from services.booking.domain.files import read
from services.booking.domain.imports import MOST, Row
from shared.errors import Kind, Problem

CLIENT, SCHEDULE = uuid4(), uuid4()
HEADING = "external_id,client_id,schedule_id,start,end,zone,status"


def table(*lines: str, heading: str = HEADING) -> bytes:
    return "\n".join([heading, *lines]).encode()


def line(**changes: Any) -> str:
    values = {
        "external_id": "A1",
        "client_id": CLIENT,
        "schedule_id": SCHEDULE,
        "start": "2026-03-04T09:00:00-05:00",
        "end": "",
        "zone": "",
        "status": "",
    }
    return ",".join(str(value) for value in {**values, **changes}.values())


def event(**changes: str | None) -> str:
    values: dict[str, str | None] = {
        "UID": "A1",
        "DTSTART": "20260304T140000Z",
        "DTEND": "20260304T145000Z",
        "X-RAPPORT-CLIENT-ID": str(CLIENT),
        "X-RAPPORT-SCHEDULE-ID": str(SCHEDULE),
    }
    values.update({name if ";" in name else name.replace("_", "-"): value for name, value in changes.items()})
    lines = [f"{name}{'' if ';' in name else ':'}{value}" for name, value in values.items() if value is not None]
    return "\r\n".join(["BEGIN:VEVENT", *lines, "END:VEVENT"])


def calendar(*events: str) -> bytes:
    return "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:x", *events, "END:VCALENDAR", ""]).encode()


NEW_YORK = ";TZID=America/New_York:"
NINE = datetime(2026, 3, 4, 14, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "at"),
    [
        ({"start": "2026-03-04T09:00:00-05:00"}, NINE),
        ({"start": "2026-03-04 14:00Z"}, NINE),
        ({"start": "2026-03-04T09:00", "zone": "America/New_York"}, NINE),
        ({"start": "2026-03-04T09:00-05:00", "zone": "America/New_York"}, NINE),
        ({"start": "2026-03-04T14:00Z", "zone": "America/New_York"}, NINE),
        ({"start": "2026-03-04T19:30", "zone": "Asia/Kolkata"}, NINE),
        ({"start": "2026-11-01T01:30-04:00"}, datetime(2026, 11, 1, 5, 30, tzinfo=UTC)),
    ],
)
def test_each_row_has_its_own_offset_or_zone(said: dict[str, str], at: datetime) -> None:
    found = read(table(line(**said)), "csv", None)
    assert (found.rows, found.refusals) == ([Row(2, "A1", CLIENT, SCHEDULE, at)], [])


@pytest.mark.parametrize(
    ("said", "field", "code"),
    [
        ({"start": "2026-03-04T09:00"}, "start", "zone_missing"),
        ({"start": "2026-03-04T09:00-06:00", "zone": "America/New_York"}, "start", "zone_mismatch"),
        ({"start": "2026-03-08T02:30", "zone": "America/New_York"}, "start", "time_skipped"),
        ({"start": "2026-11-01T01:30", "zone": "America/New_York"}, "start", "time_ambiguous"),
        ({"start": "2026-03-04T09:00", "zone": "Eastern"}, "zone", "zone_unknown"),
        ({"start": "2026-03-04T09:00", "zone": "../etc/passwd"}, "zone", "zone_unknown"),
        ({"start": "2026-03-04T09:00", "zone": "localtime"}, "zone", "zone_unknown"),
        ({"start": "2026-03-04T09:00", "zone": "right/America/New_York"}, "zone", "zone_unknown"),
        ({"start": "2026-03-04T09:00", "zone": "Factory"}, "zone", "zone_unknown"),
        ({"start": "04.03.2026 9:00"}, "start", "time_invalid"),
        ({"start": "2026-02-30T09:00Z"}, "start", "time_invalid"),
        ({"start": "1926-03-04T09:00Z"}, "start", "time_invalid"),
        ({"start": "9999-12-31T23:59-14:00"}, "start", "time_invalid"),
        ({"start": ""}, "start", "time_invalid"),
        ({"end": "2026-03-04T09:00:00-05:00"}, "end", "end_invalid"),
        ({"end": "2026-03-05T09:00:01-05:00"}, "end", "end_invalid"),
        ({"end": "2026-03-04T10:00"}, "end", "zone_missing"),
        ({"external_id": ""}, "external_id", "external_id_invalid"),
        ({"external_id": "=HYPERLINK(1)"}, "external_id", "external_id_invalid"),
        ({"external_id": "two words"}, "external_id", "external_id_invalid"),
        ({"external_id": "A" * 201}, "external_id", "external_id_invalid"),
        ({"client_id": "Sam"}, "client_id", "id_invalid"),
        ({"schedule_id": ""}, "schedule_id", "id_invalid"),
        ({"status": "done"}, "status", "status_invalid"),
        ({"status": "booked,extra"}, "row", "row_malformed"),
    ],
)
def test_a_row_that_is_wrong_is_named_with_its_column_and_the_others_are_read(
    said: dict[str, str], field: str, code: str
) -> None:
    found = read(table(line(**said), "", line(external_id="A2")), "csv", None)
    [refusal] = found.refusals
    assert (refusal.number, refusal.field, refusal.code) == (2, field, code), refusal
    assert [(row.number, row.external_id) for row in found.rows] == [(4, "A2")]


@pytest.mark.parametrize(
    ("content", "code", "says"),
    [
        (b"", "file_empty", "not even a heading"),
        (table(), "file_empty", "no visit"),
        (table(line()).replace(b"A1", b"\xff"), "file_unreadable", "no UTF-8"),
        (table('"A1'), "file_unreadable", "line 2"),
        (table(line(), heading="external_id,client_id,start"), "columns_invalid", "schedule_id is missing"),
        (table(line(), heading=HEADING + ",name"), "columns_invalid", "'name' is not known"),
        (table(line(), heading=HEADING + ",zone"), "columns_invalid", "twice"),
    ],
)
def test_a_file_that_is_no_table_of_visits_is_refused_as_a_whole(content: bytes, code: str, says: str) -> None:
    with pytest.raises(Problem) as refused:
        read(content, "csv", None)
    assert (refused.value.code, refused.value.kind) == (code, Kind.INVALID)
    assert says in refused.value.detail


def test_a_table_of_a_spreadsheet_is_read_too() -> None:
    content = "﻿" + HEADING.replace(",", ";") + "\r\n" + line().replace(",", ";") + "\r\n;;;;;;\r\n"
    assert [row.external_id for row in read(content.encode(), "csv", None).rows] == ["A1"]


def test_the_file_as_a_whole_may_name_the_schedule() -> None:
    content = table(f"A1,{CLIENT},2026-03-04T14:00Z", heading="external_id,client_id,start")
    assert [row.schedule_id for row in read(content, "csv", SCHEDULE).rows] == [SCHEDULE]
    [row] = read(calendar(event(X_RAPPORT_SCHEDULE_ID=None)), "ics", SCHEDULE).rows
    assert row.schedule_id == SCHEDULE


@pytest.mark.parametrize("format", ["csv", "ics"])
def test_more_rows_than_a_file_may_have_are_too_many(format: Any) -> None:
    many = [str(number) for number in range(MOST + 1)]
    content = table(*many) if format == "csv" else calendar(*(["BEGIN:VEVENT\r\nUID:1\r\nEND:VEVENT"] * len(many)))
    with pytest.raises(Problem) as refused:
        read(content, format, None)
    assert (refused.value.code, refused.value.kind) == ("file_too_long", Kind.TOO_LARGE)


@pytest.mark.parametrize(
    ("changes", "end", "status"),
    [
        ({}, NINE + timedelta(minutes=50), None),
        ({"DTEND": None, "DURATION": "PT45M"}, NINE + timedelta(minutes=45), None),
        ({"DTEND": None}, None, None),
        ({"DTSTART": None, f"DTSTART{NEW_YORK}": "20260304T090000"}, NINE + timedelta(minutes=50), None),
        ({"STATUS": "CANCELLED"}, NINE + timedelta(minutes=50), "cancelled"),
        ({"STATUS": "CONFIRMED", "X_RAPPORT_STATUS": "fulfilled"}, NINE + timedelta(minutes=50), "fulfilled"),
    ],
)
def test_an_event_becomes_a_row(changes: dict[str, str | None], end: datetime | None, status: str | None) -> None:
    found = read(calendar(event(**changes)), "ics", None)
    assert found.refusals == []
    assert found.rows == [Row(1, "A1", CLIENT, SCHEDULE, NINE, end, status)]  # type: ignore[arg-type] # a status


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"RRULE": "FREQ=WEEKLY;COUNT=3"}, "RRULE", "recurring"),
        ({"RECURRENCE_ID": "20260304T140000Z"}, "RECURRENCE-ID", "recurring"),
        ({"DTSTART": "20260304T090000"}, "DTSTART", "zone_missing"),
        ({"DTSTART": None, "DTSTART;VALUE=DATE:": "20260304"}, "DTSTART", "time_invalid"),
        ({"DTSTART": None}, "DTSTART", "time_invalid"),
        ({"DTSTART": "20260230T140000Z"}, "DTSTART", "row_malformed"),
        ({"DTSTART": None, f"DTSTART{NEW_YORK}": "20261101T013000", "DTEND": None}, "DTSTART", "time_ambiguous"),
        ({"DTSTART": None, f"DTSTART{NEW_YORK}": "20260308T023000", "DTEND": None}, "DTSTART", "time_skipped"),
        ({"DTEND": "20260304T140000Z"}, "DTEND", "end_invalid"),
        ({"UID": None}, "UID", "external_id_invalid"),
        ({"X_RAPPORT_CLIENT_ID": None}, "X-RAPPORT-CLIENT-ID", "id_invalid"),
        ({"X_RAPPORT_SCHEDULE_ID": "there"}, "X-RAPPORT-SCHEDULE-ID", "id_invalid"),
        ({"X_RAPPORT_STATUS": "gone"}, "X-RAPPORT-STATUS", "status_invalid"),
    ],
)  # fmt: skip
def test_an_event_that_is_wrong_is_named_with_its_property(
    changes: dict[str, str | None], field: str, code: str
) -> None:
    found = read(calendar(event(**changes), event(UID="A2")), "ics", None)
    [refusal] = found.refusals
    assert (refusal.number, refusal.field, refusal.code) == (1, field, code), refusal
    assert [(row.number, row.external_id) for row in found.rows] == [(2, "A2")]


def test_a_zone_is_the_one_that_the_file_itself_defines() -> None:
    def defined(offset: str) -> bytes:
        zone = ["BEGIN:VTIMEZONE", "TZID:Custom 7", "BEGIN:STANDARD", "DTSTART:19700101T000000"]
        zone += [f"TZOFFSETFROM:{offset}", f"TZOFFSETTO:{offset}", "END:STANDARD", "END:VTIMEZONE"]
        visit = event(DTSTART=None, DTEND=None, **{"DTSTART;TZID=Custom 7:": "20260304T090000"})
        return calendar(*zone, visit)

    starts = [read(defined(offset), "ics", None).rows[0].start.hour for offset in ("-0500", "-0800", "+0100")]
    assert starts == [14, 17, 8]
    unknown = calendar(event(DTSTART=None, DTEND=None, **{"DTSTART;TZID=Custom 7:": "20260304T090000"}))
    assert [refusal.code for refusal in read(unknown, "ics", None).refusals] == ["zone_unknown"]


@pytest.mark.parametrize("length", ["P999999999D", "-P999999D", "P40D", "-PT1H", "PT0S"])
def test_a_length_that_no_visit_has_is_refused_by_its_row(length: str) -> None:
    found = read(calendar(event(DTEND=None, DURATION=length), event(UID="A2")), "ics", None)
    assert [(one.number, one.code) for one in found.refusals] in ([(1, "end_invalid")], [(1, "row_malformed")])
    assert len(found.rows) == 1


@pytest.mark.parametrize("zone", ["America", "x" * 5000, "../x", "localtime", "right/UTC"])
def test_a_zone_that_is_none_is_refused_by_its_row(zone: str) -> None:
    odd = event(DTSTART=None, DTEND=None, **{f"DTSTART;TZID={zone}:": "20260304T090000"})
    found = read(calendar(odd, event(UID="A2")), "ics", None)
    [refusal] = found.refusals
    assert refusal.code in ("zone_missing", "zone_unknown", "row_malformed")
    assert "/site-packages" not in refusal.detail, "nobody's business"
    assert [row.external_id for row in found.rows] == ["A2"]


@pytest.mark.parametrize(
    "inner",
    [
        ["BEGIN:VALARM", "TRIGGER:soon", "END:VALARM"],
        ["BEGIN:VALARM", "nonsense", "END:VALARM"],
        ["BEGIN:X-OWN", "DTSTART:soon", "BEGIN:X-INNER", "UID:B1", "END:X-INNER", "END:X-OWN"],
    ],
)
def test_what_is_within_an_event_is_no_matter_of_its_visit(inner: list[str]) -> None:
    lines = event().split("\r\n")
    found = read(calendar(*lines[:2], *inner, *lines[2:], event(UID="A2")), "ics", None)
    assert ([row.external_id for row in found.rows], found.refusals) == (["A1", "A2"], [])


@pytest.mark.parametrize(
    "content",
    [
        b"hello",
        b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n",
        b"END:VCALENDAR",
        calendar(event().removesuffix("END:VEVENT"), event(UID="A2")),
    ],
)
def test_a_file_that_is_no_calendar_is_refused(content: bytes) -> None:
    with pytest.raises(Problem) as refused:
        read(content, "ics", None)
    assert refused.value.code in ("file_unreadable", "file_empty")


@given(content=st.binary(max_size=300), format=st.sampled_from(["csv", "ics"]), heads=st.booleans())
def test_whatever_is_sent_is_read_or_refused(content: bytes, format: Any, heads: bool) -> None:
    if heads:
        content = HEADING.encode() + b"\n" + content if format == "csv" else files.HEAD + content + files.TAIL
    try:
        assert len(read(content, format, None)) > 0
    except Problem as problem:
        assert problem.code.startswith(("file_", "columns_"))


@given(
    cells=st.lists(st.text(max_size=30), min_size=7, max_size=7),
    start=st.datetimes() | st.none(),
    zone=st.sampled_from(["", "America/New_York", "Australia/Lord_Howe", "UTC"]),
)
def test_whatever_stands_in_a_row_is_read_or_refused(cells: list[str], start: datetime | None, zone: str) -> None:
    if start is not None:
        cells[3:6] = [start.isoformat(timespec="seconds"), "", zone]
    quoted = ",".join('"' + cell.replace('"', '""') + '"' for cell in cells)
    try:
        assert len(read((HEADING + "\n" + quoted).encode(errors="replace"), "csv", UUID(int=1))) == 1
    except Problem as problem:
        assert problem.code in ("file_empty", "file_unreadable")
