"""A recurrence rule is computed as RFC 5545 says, or refused: compared with one that only follows its words."""

from datetime import datetime, timedelta

import pytest
from dateutil.rrule import _iterinfo
from hypothesis import assume, example, given
from hypothesis import strategies as st

from services.availability.clients.recurrence import Budget, Refused, read_rule
from tests.availability.unit.recurring import DAYS, Parts, occurrences

START = datetime(2024, 1, 31, 9, 30)  # noqa: DTZ001 -- the wall clock's, as rules are
YEARS = timedelta(days=4 * 366)


def numbers(low: int, high: int, *, negative: bool = False) -> st.SearchStrategy[list[str]]:
    one = st.integers(low, high)
    signed = st.one_of(one, one.map(lambda number: -number)) if negative else one
    return st.lists(signed.map(str), min_size=1, max_size=4, unique=True)


weekdays = st.sampled_from(DAYS)
numbered = st.tuples(st.integers(-5, 5).filter(bool), weekdays).map(lambda pair: f"{pair[0]}{pair[1]}")
OPTIONAL: dict[str, st.SearchStrategy[list[str]]] = {
    "INTERVAL": numbers(1, 4).map(lambda texts: texts[:1]),
    "COUNT": numbers(1, 30).map(lambda texts: texts[:1]),
    "WKST": weekdays.map(lambda day: [day]),
    "BYMONTH": numbers(1, 12),
    "BYWEEKNO": numbers(1, 53, negative=True),
    "BYYEARDAY": numbers(1, 366, negative=True),
    "BYMONTHDAY": numbers(1, 31, negative=True),
    "BYDAY": st.one_of(
        st.lists(weekdays, min_size=1, max_size=4, unique=True),
        st.lists(numbered, min_size=1, max_size=3, unique=True),
        st.lists(st.one_of(weekdays, numbered), min_size=1, max_size=3, unique=True),
    ),
    "BYHOUR": numbers(0, 23),
    "BYMINUTE": numbers(0, 59),
    "BYSETPOS": numbers(1, 6, negative=True),
}


@st.composite
def rules(draw: st.DrawFn) -> Parts:
    parts: Parts = {"FREQ": [draw(st.sampled_from(("DAILY", "WEEKLY", "MONTHLY", "YEARLY")))]}
    for name in draw(st.lists(st.sampled_from(sorted(OPTIONAL)), max_size=4, unique=True)):
        parts[name] = draw(OPTIONAL[name])
    return parts


def text_of(parts: Parts) -> str:
    return ";".join(f"{name}={','.join(texts)}" for name, texts in parts.items())


def computed(parts: Parts, start: datetime, first: datetime, last: datetime) -> list[datetime]:
    rule = read_rule(text_of(parts), start)
    return [at for at in rule.walls(first, last, Budget(lambda: 0), lambda _: False) if at >= first]


@given(rules(), st.integers(0, 2_000), st.integers(0, 900))
@example({"FREQ": ["WEEKLY"], "BYSETPOS": ["3", "-2"], "BYDAY": ["MO", "TU", "WE"]}, 1, 0)
@example({"FREQ": ["YEARLY"], "BYWEEKNO": ["52"], "BYDAY": ["SA", "SU"]}, 1066, 0)
@example({"FREQ": ["YEARLY"], "BYWEEKNO": ["1"]}, 337, 0)
@example({"FREQ": ["MONTHLY"], "BYDAY": ["1MO", "TU"]}, 0, 0)
@example({"FREQ": ["YEARLY"], "BYDAY": ["1MO"], "BYMONTHDAY": ["1", "2", "3"]}, 0, 0)
@example({"FREQ": ["WEEKLY"], "INTERVAL": ["3"], "WKST": ["SU"], "BYDAY": ["SU", "MO"]}, 5, 500)
@example({"FREQ": ["DAILY"], "INTERVAL": ["4"], "BYDAY": ["SU", "MO"]}, 5, 500)
@example({"FREQ": ["WEEKLY"], "INTERVAL": ["2"], "BYMONTH": ["3", "7"]}, 60, 700)
@example({"FREQ": ["DAILY"], "INTERVAL": ["3"], "BYMONTHDAY": ["1", "-1", "15"]}, 60, 700)
def test_a_rule_is_computed_as_the_rfc_says_or_refused(parts: Parts, days: int, later: int) -> None:
    # A rule is to begin with its event; so the event is put where the rule begins.
    start = next(iter(occurrences({**parts, "COUNT": ["1"]}, START + timedelta(days=days), START + 2 * YEARS)), None)
    assume(start is not None)
    assert start is not None
    last, first = start + YEARS, start + timedelta(days=later)
    expected = [at for at in occurrences(parts, start, last) if at >= first]
    try:
        found = computed(parts, start, first, last)
    except Refused:
        return
    assert found == expected, text_of(parts)


@given(st.sampled_from(("DAILY", "WEEKLY", "MONTHLY", "YEARLY")), st.data())
def test_the_rules_that_programs_write_are_not_refused(frequency: str, data: st.DataObject) -> None:
    """What calendar programs offer in their forms."""
    parts: Parts = {"FREQ": [frequency], **data.draw(st.fixed_dictionaries({"INTERVAL": OPTIONAL["INTERVAL"]}))}
    if frequency == "WEEKLY":
        parts["BYDAY"] = data.draw(st.lists(weekdays, min_size=1, unique=True))
        parts["WKST"] = data.draw(OPTIONAL["WKST"])
    elif frequency == "MONTHLY":
        by = data.draw(st.sampled_from(("BYMONTHDAY", "BYDAY", "BYSETPOS")))
        parts["BYMONTHDAY" if by == "BYMONTHDAY" else "BYDAY"] = {
            "BYMONTHDAY": [str(data.draw(st.integers(1, 28)))],
            "BYDAY": [data.draw(st.sampled_from(("1", "2", "3", "4", "-1"))) + data.draw(weekdays)],
            "BYSETPOS": list(DAYS[:5]),
        }[by]
        if by == "BYSETPOS":
            parts["BYSETPOS"] = [data.draw(st.sampled_from(("1", "-1")))]
    elif frequency == "YEARLY":
        parts["BYMONTH"] = [str(data.draw(st.integers(1, 12)))]
        parts["BYMONTHDAY"] = [str(data.draw(st.integers(1, 28)))]
    if data.draw(st.booleans()):
        parts["COUNT"] = data.draw(OPTIONAL["COUNT"])
    # The interval counts from the event; with another begin than this one it may never meet it.
    start = occurrences({**parts, "INTERVAL": ["1"], "COUNT": ["1"]}, START, START + YEARS)[0]
    last = start + YEARS
    assert computed(parts, start, start, last) == occurrences(parts, start, last)


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ("FREQ=WEEKLY;BYDAY=WE,TH;BYSETPOS=1", "BYSETPOS is computed"),
        ("FREQ=YEARLY;BYWEEKNO=5", "BYWEEKNO without BYDAY"),
        ("FREQ=YEARLY;BYWEEKNO=1;BYDAY=WE", "weeks 2 to 51"),
        ("FREQ=YEARLY;BYWEEKNO=53;BYDAY=WE", "weeks 2 to 51"),
        ("FREQ=YEARLY;BYWEEKNO=-1;BYDAY=WE", "weeks 2 to 51"),
        ("FREQ=MONTHLY;BYDAY=5WE,TH", "with and without a number"),
        ("FREQ=YEARLY;BYDAY=5WE;BYMONTHDAY=31", "more than one meaning"),
        ("FREQ=YEARLY;BYDAY=5WE;BYYEARDAY=31", "more than one meaning"),
        ("FREQ=WEEKLY;BYDAY=TH", "doesn't begin with the event's own time"),
        ("FREQ=MONTHLY;BYDAY=WE;BYSETPOS=6", "never comes true"),
        ("FREQ=DAILY;INTERVAL=7;BYDAY=TH", "never comes true"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "never comes true"),
        ("FREQ=MONTHLY;INTERVAL=12;BYMONTH=3;BYMONTHDAY=31", "never comes true"),
        ("FREQ=DAILY;BYSECOND=60", "BYSECOND should be 0-59"),
        ("FREQ=MONTHLY;BYMONTHDAY=0", "BYMONTHDAY should be 1-31"),
        ("FREQ=MONTHLY;BYDAY=0WE", "no day of the week"),
        ("FREQ=YEARLY;BYMONTH=1L", "BYMONTH should be 1-12"),
        ("FREQ=WEEKLY;WKST=1MO", "WKST holds no day"),
        ("FREQ=DAILY;COUNT=0", "COUNT should be"),
        ("FREQ=DAILY;COUNT=1,2", "more than one value"),
        ("FREQ=DAILY;UNTIL=20241301", "UNTIL can't be read"),
        ("FREQ=DAILY;UNTIL=20240131T250000", "UNTIL can't be read"),
        ("FREQ=DAILY;UNTIL=tomorrow", "UNTIL can't be read"),
        ("FREQ=DAILY;SKIP=OMIT", "SKIP is not known"),
        ("FREQ=FORTNIGHTLY", "no FREQ that is known"),
        ("COUNT=3", "no FREQ that is known"),
        ("", "an empty part"),
        ("FREQ=DAILY\nRRULE:FREQ=DAILY", "no FREQ that is known"),
    ],
)
def test_what_is_refused_says_why(rule: str, told: str) -> None:
    with pytest.raises(Refused, match=told):
        list(read_rule(rule, START).walls(START, START + YEARS, Budget(lambda: 0), lambda _: False))


@pytest.mark.parametrize(
    "rule",
    ["FREQ=MONTHLY;BYDAY=WE;BYSETPOS=6", "FREQ=DAILY;INTERVAL=7;BYDAY=TH", "FREQ=MONTHLY;INTERVAL=12;BYMONTH=3"],
)
def test_a_search_for_what_never_comes_is_short(rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is bounded by the calendar's 400 years, not by the library's 8,000."""
    months: list[int] = []
    rebuild = _iterinfo.rebuild

    def counted(self: _iterinfo, year: int, month: int) -> None:
        months.append(month)
        rebuild(self, year, month)

    monkeypatch.setattr(_iterinfo, "rebuild", counted)
    with pytest.raises(Refused):
        list(read_rule(rule, START).walls(START, START + YEARS, Budget(lambda: 0), lambda _: False))
    assert 0 < len(months) < 400 * 12


def test_a_daily_rule_of_decades_costs_no_more_than_what_is_asked_for() -> None:
    long_ago = START.replace(year=1960)
    asked: list[int] = []
    budget = Budget(lambda: asked.append(1) or 0.0)  # type: ignore[func-returns-value] # counts
    found = list(read_rule("FREQ=DAILY", long_ago).walls(START, START + timedelta(days=9), budget, lambda _: False))
    assert found[0] == START
    assert len(found) == 10
    assert len(asked) < 20
