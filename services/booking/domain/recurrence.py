"""Which times a series has: a recurrence rule (RFC 5545, 3.3.10) on the wall clock of its schedule.

The visits keep their wall-clock time when the clocks change. As RFC 5545 has it, a time that a change of the clock
skips is left out and not counted, and one that comes twice is the earlier; only the first visit is the very slot.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from dateutil.rrule import DAILY, FR, MO, MONTHLY, SA, SU, TH, TU, WE, WEEKLY, rrule

from shared.contracts.slots import day_number, instant, moment, seconds_of
from shared.errors import Problem, invalid

MOST = 52
"""Visits of one series."""

LONGEST = timedelta(days=5 * 366)
_LONG_INTERVAL = 366
_FREQUENCIES = {"DAILY": DAILY, "WEEKLY": WEEKLY, "MONTHLY": MONTHLY}
_WEEKDAYS = {"MO": MO, "TU": TU, "WE": WE, "TH": TH, "FR": FR, "SA": SA, "SU": SU}
_KNOWN = ("FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "BYMONTHDAY", "BYSETPOS", "WKST")
_BYDAY = re.compile(r"([+-]?[1-5])?(MO|TU|WE|TH|FR|SA|SU)", re.ASCII)
_UNTIL = re.compile(r"\d{8}(T\d{6}Z)?", re.ASCII)
_NUMBER = re.compile(r"[+-]?\d{1,6}", re.ASCII)


def expand(text: str, first: datetime, zone: str) -> list[datetime]:
    """Every start of a series, in UTC, the first slot's among them.

    Raises Problem `rrule_invalid`, `series_endless`, `series_too_long` or `series_empty`, each about the field `rrule`.
    """
    begin = wall_of(first, zone)
    rule = _read(text)
    if rule.until is not None and rule.until.date() > (begin + LONGEST).date():
        raise _too_far()
    found: list[datetime] = []
    for shown in rule.computed(begin):
        at = first if shown == begin else at_wall(shown, zone)
        if rule.is_over(shown, at):
            break
        if not found and shown != begin:
            raise _wrong("it doesn't begin with the slot; choose a first slot on a day of the rule")
        if wall_of(at, zone) != shown:
            continue
        if len(found) == MOST:
            raise _too_long()
        found.append(at)
        if len(found) == rule.count:
            return found
    if rule.count is not None:
        raise _too_far()
    if not found:
        raise invalid("series_empty", "The rule yields no visit: UNTIL is before the first slot.", field="rrule")
    return found


def wall_of(at: datetime, zone: str) -> datetime:
    """What the wall clock shows, as a naive time."""
    return at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def at_wall(shown: datetime, zone: str) -> datetime:
    """When the wall clock shows that: the earlier of two; what is skipped is read with the offset before the change."""
    return moment(instant(zone, day_number(shown.date()), seconds_of(shown.time())))


@dataclass(frozen=True, slots=True)
class _Rule:
    frequency: int
    interval: int
    count: int | None
    until: datetime | None
    until_day: bool
    week_begins: int
    days: tuple[object, ...]
    month_days: tuple[int, ...]
    positions: tuple[int, ...]

    def computed(self, begin: datetime) -> rrule:
        return rrule(
            self.frequency,  # type: ignore[arg-type] # the stubs' Literal
            dtstart=begin,
            interval=self.interval,
            wkst=self.week_begins,
            until=begin + LONGEST,
            byweekday=self.days or None,  # type: ignore[arg-type] # dateutil's weekdays
            bymonthday=self.month_days or None,
            bysetpos=self.positions or None,
        )

    def is_over(self, shown: datetime, at: datetime) -> bool:
        if self.until is None:
            return False
        return shown.date() > self.until.date() if self.until_day else at > self.until


def _read(text: str) -> _Rule:
    parts = _parts(text)
    frequency = parts.get("FREQ", "")
    if frequency not in _FREQUENCIES:
        raise _wrong("FREQ should be DAILY, WEEKLY or MONTHLY")
    if "COUNT" in parts and "UNTIL" in parts:
        raise _wrong("it should have COUNT or UNTIL, not both")
    if "COUNT" not in parts and "UNTIL" not in parts:
        raise invalid(
            "series_endless",
            f"A series needs an end: add COUNT (at most {MOST}) or UNTIL to the rule.",
            field="rrule",
        )
    _check_sense(parts, frequency)
    count = _number("COUNT", parts["COUNT"], 999_999) if "COUNT" in parts else None
    if count is not None and count > MOST:
        raise _too_long()
    if parts.get("WKST", "MO") not in _WEEKDAYS:
        raise _wrong("WKST should be a weekday such as MO")
    return _Rule(
        frequency=_FREQUENCIES[frequency],
        interval=_number("INTERVAL", parts.get("INTERVAL", "1"), _LONG_INTERVAL),
        count=count,
        until=_until(parts["UNTIL"]) if "UNTIL" in parts else None,
        until_day="T" not in parts.get("UNTIL", ""),
        week_begins=_WEEKDAYS[parts.get("WKST", "MO")].weekday,
        days=_days(parts),
        month_days=_numbers("BYMONTHDAY", parts, 31),
        positions=_numbers("BYSETPOS", parts, 31),
    )


def _parts(text: str) -> dict[str, str]:
    parts: dict[str, str] = {}
    for part in text.strip().upper().removeprefix("RRULE:").split(";"):
        name, _, value = part.partition("=")
        if name not in _KNOWN:
            raise _wrong(f"a rule is made of {', '.join(_KNOWN)}, such as FREQ=WEEKLY;COUNT=10")
        if name in parts:
            raise _wrong(f"{name} should stand once")
        parts[name] = value
    return parts


def _check_sense(parts: Mapping[str, str], frequency: str) -> None:
    if "BYMONTHDAY" in parts and frequency == "WEEKLY":
        raise _wrong("BYMONTHDAY makes no sense with FREQ=WEEKLY")
    if "BYSETPOS" in parts and (frequency != "MONTHLY" or not parts.keys() & {"BYDAY", "BYMONTHDAY"}):
        raise _wrong("BYSETPOS should choose from BYDAY or BYMONTHDAY with FREQ=MONTHLY")
    numbered = [day[:1] not in "MTWFS" for day in parts.get("BYDAY", "").split(",") if day]
    if any(numbered) and (frequency != "MONTHLY" or not all(numbered)):
        raise _wrong("numbered days in BYDAY should stand with FREQ=MONTHLY, and all of them with a number")


def _days(parts: Mapping[str, str]) -> tuple[object, ...]:
    found = []
    for text in parts["BYDAY"].split(",") if "BYDAY" in parts else ():
        read = _BYDAY.fullmatch(text)
        if read is None:
            raise _wrong("BYDAY should list weekdays such as TU,TH, or 1TU or -1FR in a month")
        day = _WEEKDAYS[read[2]]
        found.append(day(int(read[1])) if read[1] else day)
    return tuple(found)


def _numbers(name: str, parts: Mapping[str, str], most: int) -> tuple[int, ...]:
    """Numbers that may count from the end."""
    found = []
    for text in parts[name].split(",") if name in parts else ():
        if not _NUMBER.fullmatch(text) or not 1 <= abs(int(text)) <= most:
            raise _wrong(f"{name} should list numbers from 1 to {most}, or from -{most} to -1")
        found.append(int(text))
    return tuple(found)


def _number(name: str, text: str, most: int) -> int:
    if not _NUMBER.fullmatch(text) or not 1 <= int(text) <= most:
        raise _wrong(f"{name} should be a number from 1 to {most}")
    return int(text)


def _until(text: str) -> datetime:
    if _UNTIL.fullmatch(text):
        try:
            return datetime.fromisoformat(text).replace(tzinfo=UTC)
        except ValueError:
            pass
    raise _wrong("UNTIL should be a date such as 20261231, or a time in UTC such as 20261231T150000Z")


def _wrong(why: str) -> Problem:
    return invalid("rrule_invalid", f"This recurrence rule can't be used: {why}.", field="rrule")


def _too_long() -> Problem:
    return invalid("series_too_long", f"A series has at most {MOST} visits; end it earlier.", field="rrule")


def _too_far() -> Problem:
    return invalid("series_too_long", "A series ends within five years of its first visit.", field="rrule")
