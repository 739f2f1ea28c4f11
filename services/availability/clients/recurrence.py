"""Recurrence rules (RFC 5545, 3.3.10): computed on the wall clock, or refused where that would be wrong or endless.

`python-dateutil` computes; where it differs from the RFC, or where the RFC leaves the meaning open, a rule is refused.
What is refused is written down in `docs/calendars.md`; `tests/availability/unit/test_recurrences.py` compares what
is not refused with a computation that only follows the RFC's words.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from time import process_time

from dateutil.rrule import rruleset, rrulestr

from services.availability.clients.times import Kind, instant, kind_of, like, wall

WITHIN_A_DAY = ("SECONDLY", "MINUTELY", "HOURLY")
MOST_OCCURRENCES = 20_000
MOST_SECONDS = 5.0
"""Of computing, for all rules of a feed together."""

# dateutil looks for a date until the year 9999, day by day, so a rule that never comes true would take seconds. The
# calendar is the same every 400 years, weekdays included: a search near its end finds the same and is soon over.
_CYCLES = 400 * 19
_NEAR = timedelta(days=2)

_FREQUENCIES = (*WITHIN_A_DAY, "DAILY", "WEEKLY", "MONTHLY", "YEARLY")
# Name → lowest, highest, and whether it may count from the end.
_NUMBERS = {
    "BYSECOND": (0, 59, False),
    "BYMINUTE": (0, 59, False),
    "BYHOUR": (0, 23, False),
    "BYMONTHDAY": (1, 31, True),
    "BYYEARDAY": (1, 366, True),
    "BYWEEKNO": (1, 53, True),
    "BYMONTH": (1, 12, False),
    "BYSETPOS": (1, 366, True),
    "INTERVAL": (1, 9_999, False),
    "COUNT": (1, 999_999, False),
}
_BY = frozenset(("BYSECOND", "BYMINUTE", "BYHOUR", "BYDAY", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYMONTH"))
_KNOWN = frozenset((*_NUMBERS, "BYDAY", "FREQ", "UNTIL", "WKST"))
_SINGLE = ("FREQ", "UNTIL", "COUNT", "INTERVAL", "WKST")
_NUMBER = re.compile(r"[+-]?\d{1,6}")
_WEEKDAY = re.compile(r"([+-]?\d{1,2})?(?:MO|TU|WE|TH|FR|SA|SU)")
_UNTIL = re.compile(r"(\d{8}(T\d{6})?)(Z?)")
_MONTH_LENGTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class Refused(Exception):
    """A rule that isn't computed; the text says why."""


class Budget:
    """The time that a feed's rules may take."""

    def __init__(self, clock: Callable[[], float] = process_time) -> None:
        self.clock = clock
        self.until = clock() + MOST_SECONDS

    def check(self) -> None:
        if self.clock() > self.until:
            raise Refused(f"the recurrences of this calendar take longer than {MOST_SECONDS:g} seconds to compute")


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that can be computed. `until` is what it says, `exact` whether it is of the kind that the event's begin
    asks for; where not, no two ways to read it are more than two days apart."""

    start: date
    text: str
    count: int | None
    until: datetime | None
    exact: bool
    stride: timedelta | None
    """After this long it goes on as from its begin; None where that isn't known."""

    def walls(
        self, first: datetime, last: datetime, budget: Budget, is_skipped: Callable[[datetime], bool]
    ) -> Iterator[datetime]:
        """What the wall shows at its occurrences up to `last`; those before `first` may be left out. Raises
        Refused."""
        if self.until is not None and self.until + _NEAR < first:
            return
        begin = wall(self.start)
        earliest = next(self._walls(begin, budget), None)
        if earliest is None:
            raise Refused("it never comes true")
        if earliest != begin:
            raise Refused("it doesn't begin with the event's own time, for which RFC 5545 defines no meaning")
        if self.stride is not None and begin < first:
            begin += (first - begin) // self.stride * self.stride
        counted = 0
        for number, shown in enumerate(self._walls(begin, budget)):
            if shown > last or (self.until is not None and self._is_over(shown, self.until)):
                return
            if number >= MOST_OCCURRENCES:
                raise Refused(f"it recurs more than {MOST_OCCURRENCES} times until then")
            yield shown
            # RFC 5545, 3.3.10: what daylight saving skips is not counted. It is still busy, as every program shows it.
            if self.count is not None and not is_skipped(shown):
                counted += 1
                if counted == self.count:
                    return

    def _is_over(self, shown: datetime, until: datetime) -> bool:
        if abs(shown - until) > _NEAR:
            return shown > until
        if not self.exact:
            raise Refused("UNTIL is not of the event's kind, and the last occurrence depends on how it is read")
        if kind_of(self.start) is Kind.FIXED:
            return instant(like(self.start, shown), UTC) > until.replace(tzinfo=UTC)
        return shown > until

    def _walls(self, begin: datetime, budget: Budget) -> Iterator[datetime]:
        shifted = begin.replace(year=begin.year + _CYCLES)
        try:
            rule = rrulestr(self.text, dtstart=shifted)
            if isinstance(rule, rruleset):
                raise Refused("one RRULE should hold one rule")
            for shown in rule:
                budget.check()
                yield shown.replace(year=shown.year - _CYCLES)
        except (ValueError, TypeError, OverflowError, IndexError) as error:
            raise Refused("it can't be read") from error
        budget.check()


def read_rule(value: str, start: date) -> Rule:
    """A rule of an event that begins at `start`. Raises Refused for one that would be computed wrongly or endlessly."""
    parts = _parts(value)
    frequency, dated = parts["FREQ"][0], kind_of(start) is Kind.DAY
    if dated and (parts.keys() & {"BYHOUR", "BYMINUTE", "BYSECOND"} or frequency in WITHIN_A_DAY):
        raise Refused("an event of whole days recurs within the day")
    if frequency in WITHIN_A_DAY:
        _check_within_a_day(parts)
    _check_possible(parts, frequency)
    _check_computed_rightly(parts, frequency)
    until, exact = _until(parts["UNTIL"][0], start) if "UNTIL" in parts else (None, True)
    return Rule(
        start=start,
        text=";".join(f"{name}={','.join(texts)}" for name, texts in parts.items() if name not in ("UNTIL", "COUNT")),
        count=int(parts["COUNT"][0]) if "COUNT" in parts else None,
        until=until,
        exact=exact,
        stride=_stride(parts),
    )


def _stride(parts: dict[str, list[str]]) -> timedelta | None:
    """What these rules hold beside FREQ and INTERVAL only filters days, so it doesn't matter from which one begins."""
    days = {"DAILY": 1, "WEEKLY": 7}.get(parts["FREQ"][0])
    if days is None or "COUNT" in parts:
        return None
    return timedelta(days=days * int(parts.get("INTERVAL", ["1"])[0]))


def _parts(value: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for part in value.strip().rstrip(";").split(";"):
        name, _, text = part.partition("=")
        name = name.strip().upper()
        if name in found:
            raise Refused(f"{name} stands there twice")
        if name not in _KNOWN:
            raise Refused(f"{name[:20] or 'an empty part'} is not known here")
        found[name] = text.strip().upper().split(",")
    if "FREQ" not in found or found["FREQ"][0] not in _FREQUENCIES:
        raise Refused("it has no FREQ that is known")
    for name, texts in found.items():
        _check_values(name, texts)
    if "COUNT" in found and "UNTIL" in found:
        raise Refused("COUNT and UNTIL exclude each other")
    return found


def _check_values(name: str, texts: list[str]) -> None:
    if name in _SINGLE and len(texts) != 1:
        raise Refused(f"{name} has more than one value")
    for text in texts:
        if name in _NUMBERS:
            low, high, from_the_end = _NUMBERS[name]
            number = int(text) if _NUMBER.fullmatch(text) else None
            if number is None or not low <= (abs(number) if from_the_end else number) <= high:
                raise Refused(f"{name} should be {low}-{high}")
        elif name in ("BYDAY", "WKST"):
            match = _WEEKDAY.fullmatch(text)
            number = int(match.group(1) or 1) if match else 0
            if number == 0 or (name == "WKST" and text != text[-2:]):
                raise Refused(f"{name} holds no day of the week")


def _check_possible(parts: dict[str, list[str]], frequency: str) -> None:
    """What RFC 5545 (3.3.10) rules out, and what can't come true."""
    if "BYMONTHDAY" in parts:
        months = [int(month) for month in parts.get("BYMONTH", ())] or range(1, 13)
        longest = max(_MONTH_LENGTHS[month - 1] for month in months)
        if all(abs(int(day)) > longest for day in parts["BYMONTHDAY"]):
            raise Refused("it never comes true: no such month has that many days")
        if frequency == "WEEKLY":
            raise Refused("BYMONTHDAY makes no sense with FREQ=WEEKLY")
    if "BYWEEKNO" in parts and frequency != "YEARLY":
        raise Refused("BYWEEKNO makes sense with FREQ=YEARLY only")
    if "BYYEARDAY" in parts and frequency in ("DAILY", "WEEKLY", "MONTHLY"):
        raise Refused("BYYEARDAY makes no sense with this FREQ")
    if _numbered(parts) and (frequency not in ("MONTHLY", "YEARLY") or "BYWEEKNO" in parts):
        raise Refused("a numbered BYDAY makes no sense here")
    if "BYSETPOS" in parts and not parts.keys() & _BY:
        raise Refused("BYSETPOS needs another BY… to choose from")


def _check_computed_rightly(parts: dict[str, list[str]], frequency: str) -> None:
    """What dateutil computes differently, or what programs read in more than one way."""
    numbered = _numbered(parts)
    if numbered and len(numbered) != len(parts["BYDAY"]):
        raise Refused("BYDAY has days with and without a number")
    if numbered and frequency == "YEARLY" and parts.keys() & {"BYYEARDAY", "BYMONTHDAY"}:
        raise Refused("a numbered BYDAY beside days of the year or month has more than one meaning")
    if "BYWEEKNO" in parts:
        # Weeks that reach over the end of a year are computed wrongly (dateutil, pull request 1537).
        if any(not 2 <= int(week) <= 51 for week in parts["BYWEEKNO"]):
            raise Refused("BYWEEKNO is computed for weeks 2 to 51 only")
        if "BYDAY" not in parts:
            raise Refused("BYWEEKNO without BYDAY has more than one meaning")
    if "BYSETPOS" in parts and frequency not in ("MONTHLY", "YEARLY"):
        # In the event's first week it would choose from the days that are left (dateutil, issue 1398).
        raise Refused("BYSETPOS is computed with FREQ=MONTHLY and FREQ=YEARLY only")


def _check_within_a_day(parts: dict[str, list[str]]) -> None:
    if "COUNT" not in parts and "UNTIL" not in parts:
        raise Refused("it recurs within the day without an end; FREQ=DAILY with BYHOUR can say the same")
    if any(name.startswith("BY") for name in parts):
        raise Refused("BY… is not computed with a FREQ shorter than a day")


def _numbered(parts: dict[str, list[str]]) -> list[str]:
    return [day for day in parts.get("BYDAY", ()) if len(day) > len("MO")]


def _until(text: str, start: date) -> tuple[datetime, bool]:
    """What UNTIL says, and whether it is of the kind that RFC 5545 asks for: a date for days, a wall time for floating
    ones, UTC for those in a zone."""
    found = _UNTIL.fullmatch(text)
    if found is None:
        raise Refused("UNTIL can't be read")
    try:
        shown = datetime.fromisoformat(found.group(1))
    except ValueError as error:
        raise Refused("UNTIL can't be read") from error
    told = Kind.FIXED if found.group(3) else Kind.FLOATING if found.group(2) else Kind.DAY
    return shown, told is kind_of(start)
