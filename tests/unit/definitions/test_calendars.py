"""Working time, held against an oracle that looks at every minute."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.definitions.calendars import (
    BusinessCalendar,
    CalendarDefinition,
    TimeKind,
    load_calendar,
)
from citybrain.definitions.yaml_file import DefinitionError, read_yaml
from citybrain.systems import load_definitions
from tests.given.storm import examples

CALENDAR = load_definitions().of(BusinessCalendar)
FILE = Path(__file__).parents[3] / "src/citybrain/definitions/city/calendar/holidays.yaml"
MINUTE = timedelta(minutes=1)
moments = st.datetimes(datetime(2020, 1, 1), datetime(2026, 12, 20)).map(
    lambda at: at.replace(second=0, microsecond=0, tzinfo=UTC)
)


def is_worked(minute: datetime) -> bool:
    """The oracle: whether the minute that begins then is a working one."""
    local = minute.astimezone(CALENDAR.zone)
    return CALENDAR.is_working_day(local.date()) and local.hour in (9, 10, 11, 13, 14, 15, 16)


@given(moments, st.integers(0, 1400))
@examples(60)
def test_working_hours_are_what_counting_minutes_gives(begin: datetime, minutes: int) -> None:
    due = CALENDAR.due(begin, TimeKind.WORKING_HOURS, minutes / 60)
    at, left = begin, minutes
    while left:
        left -= is_worked(at)
        at += MINUTE
    if minutes:
        assert abs(due - at) < timedelta(milliseconds=1)
    assert CALENDAR.working_time(begin, due) == timedelta(minutes=minutes)


@given(moments, st.integers(-3000, 20_000))
@examples(60)
def test_working_time_between_is_what_counting_minutes_gives(begin: datetime, more: int) -> None:
    end = begin + timedelta(minutes=more)
    counted = sum(is_worked(begin + MINUTE * place) for place in range(max(more, 0)))
    assert CALENDAR.working_time(begin, end) == timedelta(minutes=counted)


@given(moments, st.integers(0, 40))
def test_working_days_end_with_the_last_hour_of_one(begin: datetime, days: int) -> None:
    due = CALENDAR.due(begin, TimeKind.WORKING_DAYS, days).astimezone(CALENDAR.zone)
    first = begin.astimezone(CALENDAR.zone).date()
    between = (due.date() - first).days
    worked = [CALENDAR.is_working_day(first + timedelta(days=n + 1)) for n in range(between)]
    assert sum(worked) == days
    assert (due.hour, due.minute) == (17, 0)


def test_urgent_hours_run_through_nights_and_holidays() -> None:
    new_year = datetime(2026, 1, 1, 20, tzinfo=UTC)
    assert CALENDAR.due(new_year, TimeKind.HOURS, 12) == new_year + timedelta(hours=12)


@pytest.mark.parametrize(
    ("day", "worked"),
    [
        (date(2026, 2, 13), True),
        (date(2026, 2, 14), True),  # a Saturday that makes up for the spring festival
        (date(2026, 2, 16), False),
        (date(2026, 2, 24), True),
        (date(2025, 10, 8), False),
        (date(2025, 10, 11), True),
        (date(2025, 10, 12), False),
        (date(2040, 1, 2), True),  # a Monday that no notice covers
    ],
)
def test_days_of_the_notices(day: date, worked: bool) -> None:
    assert CALENDAR.is_working_day(day) is worked


def test_holidays_are_made_up_for_on_weekends_only() -> None:
    definition, _ = read_yaml(FILE, CalendarDefinition)
    for year in definition.years:
        for text in year.workdays:
            assert date.fromisoformat(f"{year.year}-{text}").weekday() >= 5, (year.year, text)


def test_a_week_over_the_spring_festival() -> None:
    friday = date(2026, 2, 13)
    assert CALENDAR.add_working_days(friday, 1) == date(2026, 2, 14)
    assert CALENDAR.add_working_days(friday, 2) == date(2026, 2, 24)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("workdays: [01-04", "workdays: [01-01", "both a holiday and a workday"),
        ('"13:00-17:00"', '"11:00-17:00"', "hours follow one another"),
        ('"13:00-17:00"', '"17:00-13:00"', "hours"),
        ("01-01..01-03, 02-15", "01-03..01-01, 02-15", "ends before it begins"),
        ("01-01..01-03, 02-15", "02-31, 02-15", "day"),
    ],
)
def test_a_calendar_that_is_wrong_is_told(tmp_path: Path, old: str, new: str, problem: str) -> None:
    path = tmp_path / "holidays.yaml"
    path.write_text(FILE.read_text().replace(old, new))
    with pytest.raises(DefinitionError, match=problem):
        load_calendar(path)
