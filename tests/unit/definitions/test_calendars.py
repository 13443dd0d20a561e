"""Working time, held against an oracle that looks at every minute."""

import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from structlog.testing import capture_logs

from citybrain.definitions.calendars import (
    BusinessCalendar,
    CalendarDefinition,
    TimeKind,
    load_calendar,
)
from citybrain.definitions.yaml_file import DefinitionError, read_yaml
from citybrain.settings import Settings
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


def test_years_without_a_notice_are_told_two_months_before_they_come_and_when_they_are_counted(
    tmp_path: Path,
) -> None:
    path = tmp_path / "calendar.yaml"
    path.write_text(
        'hours: ["09:00-17:00"]\nhours_source: a test\nyears:\n'
        "  - {year: 2026, source: a notice, holidays: [], workdays: []}\n"
    )
    calendar = load_calendar(path)
    told = {at: calendar.unknown_years(datetime(*at, tzinfo=UTC)) for at in DAYS_OF_2026}
    assert told == {(2026, 10, 31): [], (2026, 11, 3): [2027], (2027, 1, 2): [2027]}
    with capture_logs() as logged:
        for _ in range(2):
            calendar.add_working_days(date(2026, 12, 30), 5)
    assert [(each["event"], each["year"]) for each in logged] == [("holidays_unknown", 2027)]


DAYS_OF_2026 = ((2026, 10, 31), (2026, 11, 3), (2027, 1, 2))


def test_a_calendar_of_another_zone_than_the_city_s_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "calendar.yaml"
    path.write_text(
        'zone: America/New_York\nhours: ["09:00-17:00"]\nhours_source: a test\nyears: []\n'
    )
    with pytest.raises(DefinitionError, match=r"lives in Asia/Shanghai: set CITYBRAIN_CITY_ZONE"):
        load_calendar(path)


NEW_YORK = """
from datetime import UTC, datetime
from citybrain.city_day import city_day
from citybrain.definitions.calendars import BusinessCalendar, TimeKind
from citybrain.domain.inspection.standing import Standing
from citybrain.domain.inspection.telling import Shown, laid_over
from citybrain.http.inspection.open311.clients import local_time
from citybrain.settings import Settings
from citybrain.systems import load_definitions
at = datetime(2026, 3, 2, 2, tzinfo=UTC)
calendar = load_definitions().of(BusinessCalendar)
print(Settings().city_zone, city_day(at), local_time(at))
print(calendar.due(at, TimeKind.WORKING_DAYS, 1).isoformat())
print(laid_over(Shown("open", "", ""), Standing(deferred_until=at.isoformat())).note[-17:])
"""


def test_all_of_a_process_lives_in_the_zone_of_the_setting() -> None:
    environment = {**os.environ, "CITYBRAIN_CITY_ZONE": "America/New_York"}
    ran = subprocess.run(
        [sys.executable, "-c", NEW_YORK],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.splitlines() == [
        "America/New_York 2026-03-01 2026-03-01T21:00:00-05:00",
        "2026-03-02T22:00:00+00:00",
        "2026-03-01 21:00.",
    ]
    with pytest.raises(ValidationError, match="there is no time zone 'America/New_Yolk'"):
        Settings(city_zone="America/New_Yolk")
