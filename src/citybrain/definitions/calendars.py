"""The business calendar: working days and hours, with holidays and the days that make up for them.

Days that no notice covers yet are taken as ordinary weeks: what counts on them may change when
the next year's notice is entered. That is said at start, by readiness, and in the log when a time
is counted over them.
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Annotated

import structlog
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from citybrain.city_day import CITY_ZONE, VARIABLE, city_day
from citybrain.definitions.loading import Definitions, Files
from citybrain.definitions.yaml_file import DefinitionError, read_yaml

log = structlog.get_logger(__name__)

DAYS = re.compile(r"(\d\d-\d\d)(?:\.\.(\d\d-\d\d))?")
HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")
SATURDAY = 5
LONGEST_DAYS = 3660
DAYS_KEPT = 1024  # of which it is remembered when they are worked
AHEAD = timedelta(days=60)
"""How long before a year comes its holidays are to be known."""

Days = Annotated[str, StringConstraints(pattern=rf"^{DAYS.pattern}$")]
Hours = Annotated[str, StringConstraints(pattern=rf"^{HOURS.pattern}$")]


class TimeKind(StrEnum):
    """How the time of a deadline is counted."""

    HOURS = "hours"
    WORKING_HOURS = "working-hours"
    WORKING_DAYS = "working-days"


class _Definition(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Year(_Definition):
    """One year's notice: month-day, or first..last."""

    year: int = Field(ge=2000, le=2200)
    source: str = Field(min_length=1)
    holidays: tuple[Days, ...]
    workdays: tuple[Days, ...]


class CalendarDefinition(_Definition):
    """A calendar file."""

    zone: str | None = Field(None, description="the city's, where it is named at all")
    hours: tuple[Hours, ...] = Field(min_length=1)
    hours_source: str = Field(min_length=1)
    years: tuple[Year, ...]


class BusinessCalendar:
    """Which days and hours are worked.

    `holidays` and `workdays` (weekends that are worked) are those of its `years`, by their notices.
    """

    def __init__(self, definition: CalendarDefinition) -> None:
        self.zone = CITY_ZONE
        if definition.zone not in (None, CITY_ZONE.key):
            raise ValueError(
                f"its zone is {definition.zone}, and the city lives in {CITY_ZONE.key}: "
                f"set {VARIABLE}, or leave the zone out"
            )
        self._told: set[int] = set()
        self.holidays = _days(definition, "holidays")
        self.workdays = _days(definition, "workdays")
        self.years = {year.year: year for year in definition.years}
        if both := self.holidays & self.workdays:
            raise ValueError(f"{min(both)} is both a holiday and a workday")
        self._hours = [_minutes(hours) for hours in definition.hours]
        if any(one[1] > other[0] for one, other in zip(self._hours, self._hours[1:], strict=False)):
            raise ValueError("hours follow one another")
        if any(first >= last for first, last in self._hours):
            raise ValueError("hours end after they begin")
        self._worked = lru_cache(DAYS_KEPT)(self._hours_of)

    def unknown_years(self, now: datetime) -> list[int]:
        """This year, and the one that comes soon, where no notice has told its holidays."""
        first, last = (at.astimezone(self.zone).year for at in (now, now + AHEAD))
        return [year for year in range(first, last + 1) if year not in self.years]

    def is_working_day(self, day: date) -> bool:
        """Whether a day is worked; that its year is taken for ordinary weeks is logged once."""
        if day.year not in self.years and day.year not in self._told:
            self._told.add(day.year)
            log.warning("holidays_unknown", year=day.year, taken_for="ordinary weeks")
        if day in self.workdays:
            return True
        return day.weekday() < SATURDAY and day not in self.holidays

    def add_working_days(self, day: date, days: int) -> date:
        """The last of so many working days after a day; the day itself is not counted."""
        for _ in range(days):
            day += timedelta(days=1)
            while not self.is_working_day(day):
                day += timedelta(days=1)
        return day

    def due(self, begin: datetime, kind: TimeKind, amount: float) -> datetime:
        """When the time is over that begins then. Working days end with the day's last hour."""
        if kind is TimeKind.HOURS:
            return begin + timedelta(hours=amount)
        if kind is TimeKind.WORKING_DAYS:
            day = self.add_working_days(begin.astimezone(self.zone).date(), int(amount))
            return self._at(day, self._hours[-1][1])
        left = timedelta(hours=amount)
        for first, last in self._spans(begin):
            if last - first >= left:
                return first + left
            left -= last - first
        raise ValueError("no working hours for years")

    def working_time(self, begin: datetime, end: datetime) -> timedelta:
        """The working hours between two moments; nothing where the end comes first."""
        worked = timedelta()
        for first, last in self._spans(begin):
            if first >= end:
                break
            worked += min(last, end) - first
        return worked

    def working_days(self, begin: datetime, end: datetime) -> int:
        """The working days after the day of one moment up to that of another."""
        day, last = (at.astimezone(self.zone).date() for at in (begin, end))
        found = 0
        while day < last:
            day += timedelta(days=1)
            found += self.is_working_day(day)
        return found

    def _spans(self, begin: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The stretches of working time from a moment on, in UTC."""
        begin = begin.astimezone(UTC)
        day = city_day(begin)
        for _ in range(LONGEST_DAYS):
            for start, stop in self._worked(day):
                if stop > begin:
                    yield max(start, begin), stop
            day += timedelta(days=1)

    def _hours_of(self, day: date) -> tuple[tuple[datetime, datetime], ...]:
        """When a day is worked, in UTC."""
        if not self.is_working_day(day):
            return ()
        return tuple((self._at(day, first), self._at(day, last)) for first, last in self._hours)

    def _at(self, day: date, minute: int) -> datetime:
        return datetime.combine(day, time(minute // 60, minute % 60), self.zone).astimezone(UTC)


def _days(definition: CalendarDefinition, which: str) -> frozenset[date]:
    found: set[date] = set()
    for year in definition.years:
        for text in getattr(year, which):
            match = DAYS.fullmatch(text)
            assert match is not None
            first = date.fromisoformat(f"{year.year}-{match[1]}")
            last = date.fromisoformat(f"{year.year}-{match[2] or match[1]}")
            if last < first:
                raise ValueError(f"{year.year}: {text} ends before it begins")
            found |= {first + timedelta(days=more) for more in range((last - first).days + 1)}
    return frozenset(found)


def _minutes(hours: str) -> tuple[int, int]:
    match = HOURS.fullmatch(hours)
    assert match is not None
    return int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4])


def load_business_calendar(files: Files, _: Definitions) -> BusinessCalendar:
    """The last file of the folder `calendar`; raises `DefinitionError`."""
    return load_calendar(files.of("calendar")[-1])


def load_calendar(path: Path) -> BusinessCalendar:
    """Read and check a calendar file; raises `DefinitionError`."""
    definition, _ = read_yaml(path, CalendarDefinition)
    try:
        return BusinessCalendar(definition)
    except ValueError as error:
        raise DefinitionError(f"{path}:1: {error}") from error
