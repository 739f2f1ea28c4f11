"""The rule of slots once more, too simple to be wrong: it looks at every minute, with datetimes and nothing clever."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from shared.contracts.availability import Hours, ScheduleState, Window
from shared.contracts.slots import Seeker, Taken, moment

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


def instant(local: date, wall: datetime, zone: ZoneInfo) -> datetime:
    """Walks through the minutes until the wall clock shows the time; where it jumps over it, the old offset holds."""
    wanted = datetime.combine(local, wall.time())
    now = wanted.replace(tzinfo=UTC) - DAY
    while now.astimezone(zone).replace(tzinfo=None) < wanted:
        now += MINUTE
    if now.astimezone(zone).replace(tzinfo=None) == wanted:
        return now
    before = now - MINUTE
    return before + (wanted - before.astimezone(zone).replace(tzinfo=None))


def at(local: date, wall: time, zone: str) -> datetime:
    return instant(local, datetime.combine(local, wall), ZoneInfo(zone))


def minutes(begin: datetime, end: datetime) -> Iterator[datetime]:
    """Whole minutes in `[begin, end)`."""
    minute = begin.replace(second=0, microsecond=0)
    while minute < end:
        if minute >= begin:
            yield minute
        minute += MINUTE


class Naive:
    """One schedule, looked at for one seeker."""

    def __init__(self, rules: ScheduleState, taken: Sequence[Taken], seeker: Seeker, around: datetime) -> None:
        self.rules, self.taken, self.seeker = rules, taken, seeker
        self.dates = [around.date() + DAY * offset for offset in range(-5, 7)]
        self.open: dict[datetime, set[str]] = {}
        """Each open minute, and on whose wall clocks."""
        for local in self.dates:
            zone = self.zone_on(local)
            for hours in self.hours(local):
                closes = local if hours.end > hours.start else local + DAY
                for minute in minutes(at(local, hours.start, zone), at(closes, hours.end, zone)):
                    self.open.setdefault(minute, set()).add(zone)
        midnight = datetime.min.time()
        self.shut = [
            (at(local, midnight, self.zone_on(local)), at(local + DAY, midnight, self.zone_on(local)))
            for local in self.dates
            if local in rules.holidays
        ]

    def zone_on(self, local: date) -> str:
        return next((trip.zone for trip in self.rules.travels if trip.first <= local <= trip.last), self.rules.zone)

    def hours(self, local: date) -> Sequence[Hours | Window]:
        for override in self.rules.overrides:
            if override.date == local:
                return (*override.windows, *(override.new_client_windows if self.seeker.is_new else ()))
        weekly = self.rules.windows + (self.rules.new_client_windows if self.seeker.is_new else ())
        return [window for window in weekly if window.weekday == local.weekday()]

    def date_of(self, when: datetime) -> date:
        for trip in reversed(self.rules.travels):
            there = when.astimezone(ZoneInfo(trip.zone)).date()
            if trip.first <= there <= trip.last:
                return there
        return when.astimezone(ZoneInfo(self.rules.zone)).date()

    def offers(self, start: datetime, now: datetime) -> bool:
        rules = self.rules
        end = start + rules.duration
        if not now + rules.minimum_notice <= start <= now + rules.horizon or start < now:
            return False
        if not all(minute in self.open for minute in minutes(start, end)):
            return False
        walls = [start.astimezone(ZoneInfo(zone)) for zone in self.open[start]]
        if all((wall.hour * 60 + wall.minute) % (rules.step // MINUTE) for wall in walls):
            return False
        if any(_overlap((start, end), closed) for closed in self.shut):
            return False
        wide = (start - rules.buffer_before, end + rules.buffer_after)
        for item in rules.blocked:
            if _overlap(wide if item.because == "calendar" else (start, end), (item.begin, item.end)):
                return False
        group = [item for item in self.taken if item.schedule_id == rules.schedule_id and moment(item.start) == start]
        if len(group) >= rules.capacity:
            return False
        others = [item for item in self.taken if item not in group]
        near = [item for item in others if _overlap(wide, (moment(item.occupied_from), moment(item.occupied_to)))]
        if any(item.provider_id == rules.provider_id for item in near):
            return False
        if rules.room_ids and not group and {item.room_id for item in near} >= set(rules.room_ids):
            return False
        if any(
            item.client_id == self.seeker.client_id and _overlap((start, end), (moment(item.start), moment(item.end)))
            for item in self.taken
            if self.seeker.client_id
        ):
            return False
        return bool(group) or self._day_has_room(start)

    def _day_has_room(self, start: datetime) -> bool:
        rules = self.rules
        today = {
            (item.schedule_id, item.start)
            for item in self.taken
            if item.provider_id == rules.provider_id and self.date_of(moment(item.start)) == self.date_of(start)
        }
        mine = {item for item in today if item[0] == rules.schedule_id}
        if rules.most_per_day is not None and len(mine) >= rules.most_per_day:
            return False
        return rules.provider_most_per_day is None or len(today) < rules.provider_most_per_day


def _overlap(one: tuple[datetime, datetime], other: tuple[datetime, datetime]) -> bool:
    return one[0] < other[1] and other[0] < one[1]
