"""Files of visits, CSV and iCalendar (RFC 5545): how they are read into rows, and written."""

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from io import StringIO
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal, get_args
from uuid import UUID
from zoneinfo import ZoneInfo

from services.booking.domain.appointments import Appointment
from services.booking.domain.imports import LONGEST, MOST, Refusal, Row
from shared.contracts.availability import known_zone
from shared.contracts.booking import AppointmentStatus
from shared.errors import Kind, Problem, invalid

if TYPE_CHECKING:
    from icalendar import Component

FileFormat = Literal["csv", "ics"]
REQUIRED = ("external_id", "client_id", "start")
COLUMNS = ("external_id", "client_id", "schedule_id", "start", "end", "zone", "status")
EXPORTED = ("external_id", "client_id", "schedule_id", "start", "end", "status")
CLIENT, SCHEDULE, STATUS = "X-RAPPORT-CLIENT-ID", "X-RAPPORT-SCHEDULE-ID", "X-RAPPORT-STATUS"
HEAD = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Rapport//Rapport//EN\r\nMETHOD:PUBLISH\r\n"
TAIL = b"END:VCALENDAR\r\n"

_OF_EVENTS = {
    "external_id": "UID",
    "client_id": CLIENT,
    "schedule_id": SCHEDULE,
    "status": STATUS,
    "end": "DTEND",
}
_AS_THEY_ARE = {name: name for name in COLUMNS}
_ONE_AT_A_TIME = Lock()
_EXTERNAL_ID = re.compile(r"[A-Za-z0-9{][!-~]{0,199}", re.ASCII)
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d)?)(Z|[+-]\d\d:\d\d)?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


@dataclass(frozen=True, slots=True)
class Read:
    """What a file says: rows that can be understood, and what is wrong with the others."""

    rows: list[Row] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.rows) + len(self.refusals)


class _Wrong(Exception):
    """What is wrong with a row, in words; `field` names the column or property."""

    def __init__(self, field: str, code: str, detail: str) -> None:
        super().__init__(detail)
        self.field, self.code, self.detail = field, code, detail


def read(content: bytes, format: FileFormat, schedule_id: UUID | None) -> Read:
    """Reads a file; `schedule_id` is that of the rows that name none.

    Raises Problem `file_unreadable`, `columns_invalid`, `file_empty`, or `file_too_long` (413) above 5,000 rows.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _unreadable(f"byte {error.start + 1} is no UTF-8; save the file as UTF-8") from error
    found = Read()
    for number, name, row in _lines(text, schedule_id) if format == "csv" else _events(text, schedule_id):
        if len(found) == MOST:
            told = f"A file may have {MOST} rows; send it in parts."
            raise Problem(Kind.TOO_LARGE, "file_too_long", told, field="body")
        try:
            found.rows.append(row())
        except _Wrong as wrong:
            found.refusals.append(Refusal(number, wrong.code, wrong.detail, wrong.field, name))
    if not len(found):
        raise invalid("file_empty", "There is no visit in this file.", field="body")
    return found


_Found = Iterator[tuple[int, str | None, Callable[[], Row]]]


def _lines(text: str, schedule_id: UUID | None) -> _Found:
    """A table's rows, by the line that each begins in; commas or, where the heading has those, semicolons."""
    heading = text.partition("\n")[0]
    reader = csv.reader(StringIO(text, newline=""), delimiter=";" if ";" in heading else ",", strict=True)
    columns: list[str] | None = None
    while True:
        number = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise _unreadable(f"line {number}: {error}") from error
        if cells is None:
            break
        cells = [cell.strip() for cell in cells]
        if columns is None:
            columns = _columns(cells, schedule_id)
        elif any(cells):
            yield (
                number,
                _shown(dict(zip(columns, cells, strict=False)).get("external_id")),
                _of_line(number, columns, cells, schedule_id),
            )
    if columns is None:
        raise invalid("file_empty", "There is nothing in this file, not even a heading.", field="body")


def _columns(cells: list[str], schedule_id: UUID | None) -> list[str]:
    needed = [*REQUIRED, *(() if schedule_id else ("schedule_id",))]
    missing = [name for name in needed if name not in cells]
    odd = [name for name in cells if name not in COLUMNS]
    if missing or odd or len(set(cells)) != len(cells):
        wrong = [f"{name} is missing" for name in missing] + [f"{name[:40]!r} is not known" for name in odd[:5]]
        told = "; ".join(wrong) or "a column is there twice"
        raise invalid(
            "columns_invalid",
            f"The heading doesn't fit: {told}. Columns are {', '.join(COLUMNS)}.",
            field="body",
        )
    return cells


def _of_line(number: int, columns: list[str], cells: list[str], schedule_id: UUID | None) -> Callable[[], Row]:
    def row() -> Row:
        if len(cells) != len(columns):
            told = f"This row has {len(cells)} cells, the heading {len(columns)}."
            raise _Wrong("row", "row_malformed", told)
        said = {name: cell for name, cell in zip(columns, cells, strict=True) if cell}
        zone = _zone(said["zone"]) if "zone" in said else None
        return _row(
            number,
            said,
            start=_time("start", said.get("start", ""), zone),
            end=_time("end", said["end"], zone) if "end" in said else None,
            schedule_id=schedule_id,
        )

    return row


def _events(text: str, schedule_id: UUID | None) -> _Found:
    from icalendar import Calendar, Event
    from icalendar.timezone import tzp

    around, blocks = _blocks(text)

    with _ONE_AT_A_TIME:
        # Zones that an earlier file defined are forgotten: the library keeps them for the whole process.
        tzp.use_zoneinfo()
        try:
            calendars = Calendar.from_ical(around, multiple=True)
        except Exception as error:
            # The parser raises whatever it met; the file is somebody else's, so each is the file's fault.
            raise _unreadable(f"it is no iCalendar ({_words(error)})") from error
        if not calendars:
            raise _unreadable("it is no iCalendar: there is no VCALENDAR")
        # Now the zones that it defines are known, and what is wrong with an event is that event's fault alone.
        events: list[Component | Exception] = []
        for block in blocks:
            try:
                events.append(Event.from_ical(block))
            except Exception as error:  # noqa: BLE001 # whatever the parser met is this event's fault, and told as such
                events.append(error)
    for number, event in enumerate(events, 1):
        uid = "" if isinstance(event, Exception) else str(event.get("UID", ""))
        yield number, _shown(uid), _of_event(number, event, schedule_id)


def _blocks(text: str) -> tuple[str, list[str]]:
    """What stands around the events, and the lines of each: without its alarms, which are no matter of a visit."""
    around: list[str] = []
    blocks: list[str] = []
    event: list[str] | None = None
    inner: list[str] = []
    for line in re.split(r"\r?\n", text):
        word = line.rstrip().upper()
        if word == "BEGIN:VEVENT":
            if event is not None:
                raise _unreadable("an event begins before the one before it has ended")
            event = [line]
        elif event is None:
            around.append(line)
        elif word.startswith("BEGIN:"):
            inner.append(f"END:{word[6:]}")
        elif inner:
            if word == inner[-1]:
                inner.pop()
        else:
            event.append(line)
            if word == "END:VEVENT":
                blocks.append("\r\n".join(event))
                event = None
    if event is not None:
        raise _unreadable("its last event has no end")
    return "\r\n".join(around), blocks


def _words(error: Exception) -> str:
    """What a parser says; the machine's own complaints name its paths."""
    return f"{type(error).__name__}: {str(error)[:100]}" if isinstance(error, ValueError) else type(error).__name__


def _of_event(number: int, event: "Component | Exception", schedule_id: UUID | None) -> Callable[[], Row]:
    def row() -> Row:
        if isinstance(event, Exception):
            raise _Wrong("row", "row_malformed", f"This event can't be read: {_words(event)}.")
        if event.errors:
            name, why = event.errors[0]
            raise _Wrong(name or "row", "row_malformed", f"{name}: {str(why)[:100]}")
        for name in ("RRULE", "RDATE", "RECURRENCE-ID"):
            if name in event:
                told = "An event that recurs can't be taken over; give each visit an event of its own."
                raise _Wrong(name, "recurring", told)
        begin, end, lasts = _moment("DTSTART", event.get("DTSTART")), event.get("DTEND"), event.get("DURATION")
        until = _after(begin, getattr(lasts, "dt", timedelta(0))) if end is None and lasts else None
        if end is not None:
            until = _moment("DTEND", end)
        said = {
            "external_id": str(event.get("UID", "")),
            "client_id": str(event.get(CLIENT, "")),
            "schedule_id": str(event.get(SCHEDULE, "")),
            "status": str(event.get(STATUS, "")),
        }
        if not said["status"] and str(event.get("STATUS", "")).upper() == "CANCELLED":
            said["status"] = "cancelled"
        return _row(number, said, start=begin, end=until, schedule_id=schedule_id, named=_OF_EVENTS)

    return row


def _after(begin: datetime, lasts: timedelta) -> datetime:
    try:
        return begin + lasts
    except OverflowError:
        raise _Wrong("DURATION", "end_invalid", "The end should be after the start, by 24 hours at most.") from None


def _row(
    number: int,
    said: Mapping[str, str],
    *,
    start: datetime,
    end: datetime | None,
    schedule_id: UUID | None,
    named: Mapping[str, str] = _AS_THEY_ARE,
) -> Row:
    """`named` says what the file calls a field, where that is another name."""
    external_id, status = said.get("external_id", ""), said.get("status") or None
    if not _EXTERNAL_ID.fullmatch(external_id):
        told = "This should have 1 to 200 characters, no blanks among them, and begin with a letter, a digit or a {."
        raise _Wrong(named["external_id"], "external_id_invalid", told)
    if status is not None and status not in get_args(AppointmentStatus):
        told = "This should be booked, fulfilled, noshow or cancelled."
        raise _Wrong(named["status"], "status_invalid", told)
    if end is not None and not timedelta(0) < end - start <= LONGEST:
        raise _Wrong(named["end"], "end_invalid", "The end should be after the start, by 24 hours at most.")
    return Row(
        number,
        external_id,
        _id(named["client_id"], said.get("client_id")),
        _id(named["schedule_id"], said.get("schedule_id") or str(schedule_id or "")),
        start,
        end,
        status,  # type: ignore[arg-type] # one of them, as was looked up
    )


def _id(field: str, text: str | None) -> UUID:
    try:
        return UUID(text or "")
    except ValueError:
        raise _Wrong(field, "id_invalid", "This should be the UUID that this system has for it.") from None


def _zone(text: str) -> ZoneInfo:
    try:
        # A name alone, never a path.
        if re.fullmatch(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*", text, re.ASCII):
            return ZoneInfo(known_zone(text))
    except ValueError:
        pass
    raise _Wrong("zone", "zone_unknown", "This should be an IANA zone, such as America/New_York.")


def _time(field: str, text: str, zone: ZoneInfo | None) -> datetime:
    """A time by its own offset, or by its row's zone; by both only where they agree."""
    parts = _TIME.fullmatch(text)
    if parts is None:
        told = "This should be a time such as 2026-03-04T09:00:00-05:00, or 2026-03-04T09:00 with a zone."
        raise _Wrong(field, "time_invalid", told)
    day, clock, offset = parts.groups()
    try:
        shown = datetime.fromisoformat(f"{day}T{clock}")
        if offset is None:
            return _within(field, _certain(field, shown, zone))
        at = _within(field, datetime.fromisoformat(f"{day}T{clock}{offset}"))
    except (ValueError, OverflowError):
        raise _Wrong(field, "time_invalid", "There is no such time.") from None
    if zone is not None and offset != "Z" and at.astimezone(zone).replace(tzinfo=None) != shown:
        told = f"The offset {offset} is not that of {zone.key} at this time; give one of the two."
        raise _Wrong(field, "zone_mismatch", told)
    return at


def _certain(field: str, shown: datetime, zone: tzinfo | None) -> datetime:
    """A wall clock's time in UTC. What the clock shows twice or never is no answer to when a visit is."""
    if zone is None:
        told = "This time has no offset, and its row no zone; nobody can know when it is."
        raise _Wrong(field, "zone_missing", told)
    earlier, later = (shown.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1))
    if earlier is None or later is None:
        raise _Wrong(field, "zone_missing", "This time has no zone; nobody can know when it is.")
    if earlier < later:
        told = "The clocks skip this time on that day; give it with its offset."
        raise _Wrong(field, "time_skipped", told)
    if earlier > later:
        told = "The clocks show this time twice on that day; give it with its offset."
        raise _Wrong(field, "time_ambiguous", told)
    return shown.replace(tzinfo=zone).astimezone(UTC)


def _within(field: str, at: datetime) -> datetime:
    if not 2000 <= at.year <= 2200:
        raise _Wrong(field, "time_invalid", "This should be between the years 2000 and 2200.")
    return at.astimezone(UTC)


def _moment(field: str, said: Any) -> datetime:
    """The time of DTSTART or DTEND: in UTC or with a zone."""
    at = getattr(said, "dt", None)
    if not isinstance(at, datetime):
        whole_day = isinstance(at, date)
        told = "A visit begins at a time; this is a whole day." if whole_day else "There is no such time here."
        raise _Wrong(field, "time_invalid", told)
    zone = at.tzinfo
    if isinstance(zone, ZoneInfo):
        _zone(zone.key)
    elif zone is None and "TZID" in said.params:
        told = "The file doesn't say what this zone is; name an IANA zone, such as America/New_York, or define it."
        raise _Wrong(field, "zone_unknown", told)
    try:
        return _within(field, _certain(field, at.replace(tzinfo=None), zone))
    except (ValueError, OverflowError):
        raise _Wrong(field, "time_invalid", "There is no such time.") from None


def _shown(external_id: str | None) -> str | None:
    """An external id to name a row by, where it is one."""
    return external_id if external_id and _EXTERNAL_ID.fullmatch(external_id) else None


def _unreadable(why: str) -> Problem:
    return invalid("file_unreadable", f"This file can't be read: {why}.", field="body")


def name_of(visit: Appointment) -> str:
    """What a visit is called in files: as in the system that it came from, else by its own id."""
    return visit.external_id or str(visit.id)


def table(visits: Iterable[Appointment], *, heading: bool) -> bytes:
    """A part of a table of visits."""
    out = StringIO(newline="")
    writer = csv.writer(out)
    if heading:
        writer.writerow(EXPORTED)
    for visit in visits:
        times = (f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" for at in (visit.start, visit.end))
        writer.writerow([name_of(visit), visit.client_id, visit.schedule_id, *times, visit.status])
    return out.getvalue().encode()


def events(visits: Iterable[Appointment]) -> bytes:
    """A part of a calendar of visits, to stand between HEAD and TAIL."""
    from icalendar import Event

    parts = []
    for visit in visits:
        event = Event()
        event.add("uid", name_of(visit))
        event.add("sequence", visit.sequence)
        event.add("dtstamp", visit.changed_at)
        event.add("dtstart", visit.start)
        event.add("dtend", visit.end)
        event.add("status", "CANCELLED" if visit.status == "cancelled" else "CONFIRMED")
        event.add("class", "PRIVATE")
        event.add(CLIENT, str(visit.client_id))
        event.add(SCHEDULE, str(visit.schedule_id))
        event.add(STATUS, visit.status)
        parts.append(bytes(event.to_ical()))
    return b"".join(parts)
