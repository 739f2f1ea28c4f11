"""RFC 5545, 3.3.10, word for word and as slowly as that is: every day is asked whether the rule holds for it.

It shares nothing with the service's code. Every BY part is a filter of the days of a period, since to expand by each
part and to limit by the others leaves the same days.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import product

Parts = dict[str, list[str]]
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


def occurrences(parts: Parts, start: datetime, last: datetime) -> list[datetime]:
    """By the wall clock, those from `start` to `last`; COUNT and UNTIL included."""
    count = int(parts["COUNT"][0]) if "COUNT" in parts else None
    until = datetime.fromisoformat(parts["UNTIL"][0].rstrip("Z")) if "UNTIL" in parts else last
    found = []
    for at in _all(parts, start, min(until, last)):
        found.append(at)
        if len(found) == count:
            break
    return found


def _all(parts: Parts, start: datetime, last: datetime) -> Iterator[datetime]:
    positions = [int(text) for text in parts.get("BYSETPOS", ())]
    for period in _periods(parts, start, last):
        times = [at for day in period if _holds(parts, start, day) for at in _times(parts, start, day)]
        if positions:
            chosen = {number - 1 if number > 0 else len(times) + number for number in positions}
            times = [at for place, at in enumerate(times) if place in chosen]
        yield from (at for at in times if start <= at <= last)


def _periods(parts: Parts, start: datetime, last: datetime) -> Iterator[list[datetime]]:
    """The days of each period in which the rule has its occurrences: every INTERVAL-th."""
    frequency, interval = parts["FREQ"][0], int(parts.get("INTERVAL", ["1"])[0])
    wkst = DAYS.index(parts.get("WKST", ["MO"])[0])
    midnight = start.replace(hour=0, minute=0, second=0)

    def number(day: datetime) -> int:
        if frequency == "DAILY":
            return day.toordinal()
        if frequency == "WEEKLY":
            return (day.toordinal() - 1 - wkst) // 7  # day 1 of all days is a Monday
        return day.year * 12 + day.month if frequency == "MONTHLY" else day.year

    first = number(midnight)
    day = midnight
    while number(day - timedelta(days=1)) == first:
        day -= timedelta(days=1)
    while day <= last:
        now, period = number(day), []
        while number(day) == now:
            period.append(day)
            day += timedelta(days=1)
        if (now - first) % interval == 0:
            yield period


def _holds(parts: Parts, start: datetime, day: datetime) -> bool:
    frequency = parts["FREQ"][0]
    months, weekdays = parts.get("BYMONTH"), parts.get("BYDAY")
    if months and str(day.month) not in months:
        return False
    if "BYMONTHDAY" in parts and not _among(day.day, _month_length(day), parts["BYMONTHDAY"]):
        return False
    year_day, year_length = day.timetuple().tm_yday, 366 if _is_leap(day.year) else 365
    if "BYYEARDAY" in parts and not _among(year_day, year_length, parts["BYYEARDAY"]):
        return False
    if "BYWEEKNO" in parts and str(_week(day, DAYS.index(parts.get("WKST", ["MO"])[0]))) not in parts["BYWEEKNO"]:
        return False
    if weekdays:
        in_month = frequency == "MONTHLY" or months is not None
        place, length = (day.day, _month_length(day)) if in_month else (year_day, year_length)
        return any(_is_weekday(day, text, place, length) for text in weekdays)
    # What the rule doesn't say is as in the event's begin.
    if parts.keys() & {"BYMONTHDAY", "BYYEARDAY", "BYWEEKNO"} or frequency == "DAILY":
        return True
    if frequency == "WEEKLY":
        return day.weekday() == start.weekday()
    return day.day == start.day and (frequency == "MONTHLY" or months is not None or day.month == start.month)


def _times(parts: Parts, start: datetime, day: datetime) -> Iterator[datetime]:
    own = (("BYHOUR", start.hour), ("BYMINUTE", start.minute), ("BYSECOND", start.second))
    for hour, minute, second in product(
        *(sorted(int(text) for text in parts.get(name, [str(at)])) for name, at in own)
    ):
        yield day.replace(hour=hour, minute=minute, second=second)


def _among(place: int, length: int, texts: list[str]) -> bool:
    """Numbers below 0 count from the end."""
    return str(place) in texts or str(place - length - 1) in texts


def _is_weekday(day: datetime, text: str, place: int, length: int) -> bool:
    number, name = text[:-2], text[-2:]
    if DAYS[day.weekday()] != name:
        return False
    return not number or int(number) in ((place + 6) // 7, -((length - place) // 7 + 1))


def _week(day: datetime, wkst: int) -> int:
    """The week's number: week 1 is the first with four days in the year. (Only weeks within one year are asked for.)"""
    new_year = day.replace(month=1, day=1)
    into = (new_year.weekday() - wkst) % 7
    begin = new_year - timedelta(days=into) if into <= 3 else new_year + timedelta(days=7 - into)
    return (day - begin).days // 7 + 1


def _month_length(day: datetime) -> int:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1).toordinal() - day.replace(day=1).toordinal()


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
