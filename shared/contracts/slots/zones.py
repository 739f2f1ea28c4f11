"""Wall clocks by whole seconds since 1970: local midnights, changes of the clock, grids.

Seconds and not datetimes, since a search looks at thousands of times. Daylight saving follows
RFC 5545: an ambiguous wall time is the earlier one, a wall time that doesn't exist is read with the
offset before the change.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

DAY = 86_400
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)


def floor(moment: datetime) -> int:
    """The whole second at or before a time."""
    return (moment - _EPOCH) // _SECOND


def ceil(moment: datetime) -> int:
    """The whole second at or after a time."""
    return -((_EPOCH - moment) // _SECOND)


def moment(seconds: int) -> datetime:
    """A whole second as an aware time in UTC."""
    return _EPOCH + timedelta(seconds=seconds)


def _offset(zone: str, at: int) -> int:
    local = moment(at).astimezone(ZoneInfo(zone)).replace(tzinfo=UTC)
    return floor(local) - at


@lru_cache(maxsize=16_384)
def _changes(zone: str, day: int) -> tuple[tuple[int, int, int], ...]:
    """A day of UTC cut where the zone's offset changes: (begin, end, offset)."""
    found: list[tuple[int, int, int]] = []
    begin, stop = day * DAY, (day + 1) * DAY
    while begin < stop:
        offset = _offset(zone, begin)
        end = min(begin + DAY // 2, stop)  # no zone changes its offset twice within half a day
        if _offset(zone, end) != offset:
            low, high = begin, end
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if _offset(zone, middle) == offset else (low, middle)
            end = high
        if found and found[-1][2] == offset:
            found[-1] = (found[-1][0], end, offset)
        else:
            found.append((begin, end, offset))
        begin = end
    return tuple(found)


def stretches(zone: str, begin: int, end: int) -> Iterator[tuple[int, int, int]]:
    """`[begin, end)` in pieces of one offset each, by days of UTC: (begin, end, offset)."""
    for day in range(begin // DAY, (end - 1) // DAY + 1):
        for piece_begin, piece_end, offset in _changes(zone, day):
            if piece_begin < end and piece_end > begin:
                yield max(piece_begin, begin), min(piece_end, end), offset


@lru_cache(maxsize=65_536)
def instant(zone: str, day: int, wall: int) -> int:
    """When the zone's clock shows `wall` seconds past midnight of a local day (counted from 1970-01-01)."""
    local = _EPOCH + timedelta(days=day, seconds=wall)
    return floor(local.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC))


def local_day(zone: str, at: int) -> int:
    """The zone's date at a time, in days since 1970-01-01."""
    for begin, end, offset in _changes(zone, at // DAY):
        if begin <= at < end:
            return (at + offset) // DAY
    raise AssertionError("the pieces of a day cover it")


def grid(zone: str, step: int, begin: int, end: int) -> Iterator[range]:
    """Times in `[begin, end)` a whole number of steps after local midnight by the wall clock, in order."""
    for piece_begin, piece_end, offset in stretches(zone, begin, end):
        low = piece_begin
        while low < piece_end:
            midnight = (low + offset) // DAY * DAY - offset
            # The grid begins anew each midnight, unless it comes out even.
            high = piece_end if DAY % step == 0 else min(piece_end, midnight + DAY)
            first = midnight - (midnight - low) // step * step
            if first < high:
                yield range(first, high, step)
            low = high
