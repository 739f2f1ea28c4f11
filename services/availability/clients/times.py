"""Times of a calendar: whole days, floating wall times, and times in a zone (RFC 5545, 3.3.4 to 3.3.6)."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import Enum
from typing import Self

_DAY = timedelta(days=1)
_NONE = timedelta(0)
_DURATION = re.compile(r"([+-]?)P(?:(\d{1,6})W)?(?:(\d{1,6})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,7})M)?(?:(\d{1,9})S)?)?")


class ZoneFails(Exception):
    """A zone that a feed defines and that can't be computed, which shows only when it is used."""


class Kind(Enum):
    """What a value says of the moment; values of different kinds can't be compared without guessing."""

    DAY = "a date"
    FLOATING = "a time without a zone"
    FIXED = "a time with a zone"


def kind_of(value: date) -> Kind:
    if not isinstance(value, datetime):
        return Kind.DAY
    return Kind.FLOATING if value.tzinfo is None else Kind.FIXED


def wall(value: date) -> datetime:
    """What clock and calendar on the wall show at that moment; midnight for a day."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=None, fold=0)
    return datetime.combine(value, time(0))


def like(value: date, shown: datetime) -> date:
    """The moment at which the wall of `value` shows `shown`, of the same kind as `value`."""
    if not isinstance(value, datetime):
        return shown.date()
    return shown.replace(tzinfo=value.tzinfo)


def instant(value: date, zone: tzinfo) -> datetime:
    """In UTC; days and floating times on the wall of `zone`. Raises ZoneFails.

    RFC 5545, 3.3.5: a wall time that comes twice is the first; one that is skipped goes by the offset before the gap.
    """
    aware = _aware(value, zone)
    shown, passed = _passed(aware)
    if shown == wall(value):
        return passed
    # Said here rather than left to the zone: those that a feed defines itself answer by the offset after the gap.
    yesterday = wall(value) - _DAY
    before = yesterday - wall(_passed(aware - _DAY)[1])
    return (wall(value) - before).replace(tzinfo=UTC)


def is_skipped(value: date, zone: tzinfo) -> bool:
    """True when the clock on that wall never shows that time, since daylight saving begins. Raises ZoneFails."""
    return _passed(_aware(value, zone))[0] != wall(value)


def _aware(value: date, zone: tzinfo) -> datetime:
    own = value.tzinfo if isinstance(value, datetime) and value.tzinfo is not None else zone
    return wall(value).replace(tzinfo=own)


def _passed(aware: datetime) -> tuple[datetime, datetime]:
    """What the wall really shows at a moment given by it, and the moment in UTC."""
    try:
        passed = aware.astimezone(UTC)
        return wall(passed.astimezone(aware.tzinfo)), passed
    except Exception as error:
        # The library computes a feed's own zones, as late as that, and raises whatever it met.
        raise ZoneFails from error


@dataclass(frozen=True, slots=True)
class Length:
    """How long an event lasts: `days` by the calendar, then `exact` by the sun.

    `shown` is the difference on the wall, where begin and end were both given: RFC 5545 (3.8.5.3) wants the exact
    length to hold for every recurrence, every calendar program shows the end at the same wall time. They differ only
    in a night in which the clock changes, and then an event lasts as long as the longer of both says.
    """

    days: timedelta = _NONE
    exact: timedelta = _NONE
    shown: timedelta | None = None

    @classmethod
    def between(cls, start: date, stop: date, zone: tzinfo) -> Self:
        """From DTSTART to DTEND."""
        if kind_of(start) is Kind.DAY:
            # A day from itself to itself is written by programs that mean that day.
            return cls(days=max(wall(stop) - wall(start), _DAY))
        same_wall = getattr(start, "tzinfo", None) == getattr(stop, "tzinfo", None)
        return cls(
            exact=instant(stop, zone) - instant(start, zone), shown=wall(stop) - wall(start) if same_wall else None
        )

    @classmethod
    def of(cls, text: str) -> Self | None:
        """From a DURATION; None for what is none or is negative."""
        found = _DURATION.fullmatch(text.strip().upper())
        if found is None or found.group(1) == "-" or text.strip().upper()[-1:] in ("P", "T"):
            return None
        weeks, days, hours, minutes, seconds = (int(number or 0) for number in found.groups()[1:])
        return cls(timedelta(weeks=weeks, days=days), timedelta(hours=hours, minutes=minutes, seconds=seconds))

    @property
    def longest(self) -> timedelta:
        """No occurrence lasts longer, whatever the clock does meanwhile."""
        return self.days + max(self.exact, self.shown or _NONE, _NONE) + _DAY

    def end(self, start: date, zone: tzinfo) -> datetime:
        """When what begins at `start` ends, in UTC."""
        begin = instant(start, zone)
        end = instant(like(start, wall(start) + self.days), zone) + self.exact
        if self.shown is None:
            return end
        end = max(end, instant(like(start, wall(start) + self.shown), zone))
        # The begin may lie in a gap and so be read as later than the end.
        return end if end > begin else begin + self.shown
