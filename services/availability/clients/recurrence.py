"""Which recurrence rules are computed, and which are refused rather than computed wrongly or without end.

`recurring-ical-events` computes with `python-dateutil`, which differs from RFC 5545 in places, and which
looks for the next date until the year 9999. What is refused here is written down in `docs/calendars.md`.
"""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from time import monotonic
from typing import Any

from dateutil.rrule import rruleset, rrulestr

_BY = ("BYSECOND", "BYMINUTE", "BYHOUR", "BYDAY", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYMONTH")
KNOWN = frozenset((*_BY, "BYSETPOS", "FREQ", "UNTIL", "COUNT", "INTERVAL", "WKST"))
WITHIN_A_DAY = ("SECONDLY", "MINUTELY", "HOURLY")
MOST_OCCURRENCES = 20_000
MOST_SECONDS = 5.0
"""For all rules of a feed together."""

_MONTH_LENGTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class Refused(Exception):
    """A rule that isn't computed; the text says why."""


class Budget:
    """The time that a feed's rules may take."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self.clock = clock
        self.until = clock() + MOST_SECONDS

    def check(self) -> None:
        if self.clock() > self.until:
            raise Refused(f"the recurrences of this calendar take longer than {MOST_SECONDS:g} seconds to compute")


def check_rule(rule: Any, value: str, start: date, end: datetime, budget: Budget) -> None:
    """Raises Refused for a rule that would be computed wrongly, endlessly, or too often before `end`."""
    parts = _parts(value)
    if unknown := parts.keys() - KNOWN:
        raise Refused(f"{sorted(unknown)[0]} is not known here")
    if "COUNT" in parts and "UNTIL" in parts:
        raise Refused("COUNT and UNTIL exclude each other")
    if any(int(number) < 1 for name in ("INTERVAL", "COUNT") for number in parts.get(name, ())):
        raise Refused("INTERVAL and COUNT should be at least 1")
    _check_possible(parts)
    dated = not isinstance(start, datetime)
    if dated and parts.keys() & {"BYHOUR", "BYMINUTE", "BYSECOND"}:
        raise Refused("an event of whole days recurs within the day")
    if parts["FREQ"][0] in WITHIN_A_DAY:
        _check_within_a_day(parts, dated)
    until = rule.get("UNTIL", [None])[0]
    if until is not None and dated and isinstance(until, datetime):
        raise Refused("UNTIL is a time, but the event is of whole days")
    _count(parts, start, end, budget)


def _parts(value: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for part in value.strip().rstrip(";").split(";"):
        name, _, text = part.partition("=")
        if name.upper() in found:
            raise Refused(f"{name.upper()} stands there twice")
        found[name.upper()] = text.upper().split(",")
    if "FREQ" not in found:
        raise Refused("FREQ is missing")
    return found


def _check_possible(parts: dict[str, list[str]]) -> None:
    """A rule that never comes true would be sought until the year 9999, day by day."""
    if "BYMONTHDAY" in parts:
        months = [int(month) for month in parts.get("BYMONTH", ())] or range(1, 13)
        longest = max(_MONTH_LENGTHS[month - 1] for month in months)
        if all(abs(int(day)) > longest for day in parts["BYMONTHDAY"]):
            raise Refused("it never comes true: no such month has that many days")
        if parts["FREQ"][0] == "WEEKLY":
            raise Refused("BYMONTHDAY makes no sense with FREQ=WEEKLY")
    if "BYWEEKNO" in parts and parts["FREQ"][0] != "YEARLY":
        raise Refused("BYWEEKNO makes sense with FREQ=YEARLY only")
    if "BYYEARDAY" in parts and parts["FREQ"][0] in ("DAILY", "WEEKLY", "MONTHLY"):
        raise Refused("BYYEARDAY makes no sense with this FREQ")
    numbered = any(day.lstrip("+-")[:1].isdigit() for day in parts.get("BYDAY", ()))
    if numbered and (parts["FREQ"][0] not in ("MONTHLY", "YEARLY") or "BYWEEKNO" in parts):
        raise Refused("a numbered BYDAY makes no sense here")
    if "BYSETPOS" in parts:
        if not parts.keys() & set(_BY):
            raise Refused("BYSETPOS needs another BY… to choose from")
        if parts["FREQ"][0] not in ("WEEKLY", "MONTHLY", "YEARLY"):
            raise Refused("BYSETPOS is not computed with this FREQ")


def _check_within_a_day(parts: dict[str, list[str]], dated: bool) -> None:
    if dated:
        raise Refused("an event of whole days recurs within the day")
    if "COUNT" not in parts and "UNTIL" not in parts:
        raise Refused("it recurs within the day without an end; FREQ=DAILY with BYHOUR can say the same")
    if any(name.startswith("BY") for name in parts):
        raise Refused("BY… is not computed with a FREQ shorter than a day")


def _count(parts: dict[str, list[str]], start: date, end: datetime, budget: Budget) -> None:
    """Goes through the rule by the wall clock, as a dry run."""
    wall = datetime.combine(start, start.time() if isinstance(start, datetime) else time(0))
    last = end.replace(tzinfo=None) + timedelta(days=2)
    # A dry run needs no zone; UNTIL is replaced by what is looked at.
    open_ended = ";".join(f"{name}={','.join(texts)}" for name, texts in parts.items() if name != "UNTIL")
    if parts["FREQ"][0] in WITHIN_A_DAY and "UNTIL" in parts:
        last = min(last, wall + timedelta(days=366))
    rule = rrulestr(open_ended, dtstart=wall)
    if isinstance(rule, rruleset):
        raise Refused("one RRULE should hold one rule")
    for count, at in enumerate(rule):
        budget.check()
        if count == 0 and at != wall:
            raise Refused("it doesn't begin with the event's own time, for which RFC 5545 defines no meaning")
        if at > last:
            return
        if count >= MOST_OCCURRENCES:
            raise Refused(f"it recurs more than {MOST_OCCURRENCES} times until then")
    budget.check()
