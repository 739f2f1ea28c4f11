"""Which times a published schedule offers: one pure rule for whoever lists them and whoever books them.

Availability lists slots with it and booking accepts them with it, from the same `schedule.published`,
so that offered means bookable. Daylight saving follows RFC 5545: an ambiguous wall time is the earlier
one, a wall time that doesn't exist is read with the offset before the change.
"""

from base64 import b32decode, b32encode
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from hmac import compare_digest
from hmac import new as hmac
from uuid import UUID
from zoneinfo import ZoneInfo

from shared.contracts.availability import ScheduleState
from shared.errors import Kind, Problem, invalid

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
SLOT_ID_LIFETIME = timedelta(hours=1)
_MAC_BYTES = 16

Interval = tuple[datetime, datetime]
"""Half-open, aware, UTC."""


@dataclass(frozen=True, slots=True)
class SlotId:
    """What an opaque slot id says: this schedule, this start, valid until."""

    schedule_id: UUID
    start: datetime
    expires: datetime

    def sign(self, key: str, tenant: UUID) -> str:
        """64 characters of `[a-z2-7]`: schedule, start and expiry under an HMAC that also covers the tenant."""
        body = self.schedule_id.bytes + _seconds(self.start) + _seconds(self.expires)
        return b32encode(body + _mac(key, tenant, body)).decode().lower()

    @classmethod
    def verify(cls, value: str, key: str, tenant: UUID, now: datetime) -> "SlotId":
        """Reads a slot id. Raises Problem `slot_invalid` (forged, cut, another practice's) or `slot_expired`."""
        try:
            raw = b32decode(value.upper())
        except ValueError:
            raw = b""
        body, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
        if len(raw) != 24 + _MAC_BYTES or not compare_digest(mac, _mac(key, tenant, body)):
            raise invalid(
                "slot_invalid",
                "This is no slot of this practice; take the id from GET /v1/slots unchanged.",
                field="slot",
            )
        slot = cls(
            schedule_id=UUID(bytes=body[:16]),
            start=datetime.fromtimestamp(int.from_bytes(body[16:20], "big"), UTC),
            expires=datetime.fromtimestamp(int.from_bytes(body[20:24], "big"), UTC),
        )
        if slot.expires <= now:
            raise Problem(Kind.GONE, "slot_expired", "This slot was offered too long ago; search again.", field="slot")
        return slot


def _seconds(moment: datetime) -> bytes:
    return int(moment.timestamp()).to_bytes(4, "big")


def _mac(key: str, tenant: UUID, body: bytes) -> bytes:
    return hmac(key.encode(), b"slot/1" + tenant.bytes + body, sha256).digest()[:_MAC_BYTES]


def occupied(schedule: ScheduleState, start: datetime) -> Interval:
    """The time that an appointment takes from its provider: buffers included."""
    return start - schedule.buffer_before, start + schedule.duration + schedule.buffer_after


def windows(schedule: ScheduleState, begin: datetime, end: datetime) -> Iterator[Interval]:
    """Opening hours that touch `[begin, end)`, in order of their local date and start."""
    zone = ZoneInfo(schedule.zone)
    by_weekday: dict[int, list[tuple[time, time]]] = {}
    for window in schedule.windows:
        by_weekday.setdefault(window.weekday, []).append((window.start, window.end))
    # A day earlier too: an overnight window may reach into the first day.
    local = begin.astimezone(zone).date() - DAY
    last = end.astimezone(zone).date()
    while local <= last:
        for opens, closes in sorted(by_weekday.get(local.weekday(), ())):
            start = _instant(local, opens, zone)
            stop = _instant(local if closes > opens else local + DAY, closes, zone)
            if start < end and stop > begin and start < stop:
                yield start, stop
        local += DAY


def _instant(local: date, wall: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(local, wall, zone).astimezone(UTC)


def starts(schedule: ScheduleState, begin: datetime, end: datetime) -> Iterator[datetime]:
    """Grid times in `[begin, end)` at which a visit fits a window; the grid is anchored at local midnight."""
    zone = ZoneInfo(schedule.zone)
    # Beyond the end too: a visit that begins before it may run on into the next window.
    for opens, closes in _merged(windows(schedule, begin, end + schedule.duration)):
        for piece_begin, piece_end in _constant_offset(max(opens, begin), closes, zone):
            moment = _next_on_grid(piece_begin, schedule.step, zone)
            while moment < piece_end and moment < end and moment + schedule.duration <= closes:
                yield moment
                moment += schedule.step
                if moment < piece_end and _wall_seconds(moment, zone) % schedule.step.total_seconds():
                    moment = _next_on_grid(moment, schedule.step, zone)  # past midnight, where the grid begins anew


def _merged(intervals: Iterable[Interval]) -> Iterator[Interval]:
    """Windows that touch or overlap become one: a visit may span midnight where both days are open."""
    current: Interval | None = None
    for begin, end in sorted(intervals):
        if current is None:
            current = (begin, end)
        elif begin <= current[1]:
            current = (current[0], max(current[1], end))
        else:
            yield current
            current = (begin, end)
    if current is not None:
        yield current


def _constant_offset(begin: datetime, end: datetime, zone: ZoneInfo) -> Iterator[Interval]:
    """Cuts an interval where the zone's offset changes (found by bisection, to the second)."""
    while begin < end:
        offset = begin.astimezone(zone).utcoffset()
        probe = min(end, begin + DAY / 2)  # no zone changes its offset twice within half a day
        if probe.astimezone(zone).utcoffset() == offset:
            yield begin, probe
            begin = probe
            continue
        # Offsets change at whole seconds: between them there is nothing to find.
        low, high = int(begin.timestamp()), int(probe.timestamp())
        while high - low > 1:
            middle = (low + high) // 2
            same = datetime.fromtimestamp(middle, zone).utcoffset() == offset
            low, high = (middle, high) if same else (low, middle)
        change = datetime.fromtimestamp(high, UTC)
        yield begin, change
        begin = change


def _wall_seconds(moment: datetime, zone: ZoneInfo) -> float:
    wall = moment.astimezone(zone)
    return wall.hour * 3600 + wall.minute * 60 + wall.second + wall.microsecond / 1e6


def _next_on_grid(moment: datetime, step: timedelta, zone: ZoneInfo) -> datetime:
    """The first grid time at or after `moment`, on its local day or at the next midnight."""
    seconds = _wall_seconds(moment, zone)
    size = step.total_seconds()
    index = -(-seconds // size)
    return moment + timedelta(seconds=min(index * size, DAY.total_seconds()) - seconds)


def bookable_range(schedule: ScheduleState, now: datetime) -> Interval:
    """From minimum notice to the rolling horizon, as starts."""
    return now + schedule.minimum_notice, now + schedule.horizon


def free(
    schedule: ScheduleState, busy: Sequence[Interval], begin: datetime, end: datetime, now: datetime
) -> Iterator[datetime]:
    """Starts in `[begin, end)` that can be booked now, soonest first.

    `busy` are the provider's occupied times; they may overlap each other and come in any order.
    """
    earliest, latest = bookable_range(schedule, now)
    taken = list(_merged(busy))
    ends = [stop for _, stop in taken]
    for start in starts(schedule, max(begin, earliest), min(end, latest + SECOND)):
        if start > latest:
            return
        occupied_from, occupied_to = occupied(schedule, start)
        index = bisect_left(ends, occupied_from + timedelta(microseconds=1))
        if index == len(taken) or taken[index][0] >= occupied_to:
            yield start


def why_not(schedule: ScheduleState, start: datetime, now: datetime) -> str | None:
    """The rule that hides a start, whatever is booked; None when the schedule offers it."""
    earliest, latest = bookable_range(schedule, now)
    if start < now:
        return "past"
    if start < earliest:
        return "minimum_notice"
    if start > latest:
        return "horizon"
    if next(starts(schedule, start, start + SECOND), None) != start:
        return "outside_hours"
    return None
