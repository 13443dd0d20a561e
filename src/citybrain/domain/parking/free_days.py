"""Days on which a tariff charges nothing, and the calendar that says which they are.

A calendar knows the years of its notices only. A day of another year is neither free nor charged:
whoever asks is told that the year is missing, and no price comes of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from citybrain.errors import InvalidInput


class CalendarYearMissing(InvalidInput):
    """The calendar has no notice of that year, so it is not known which days are free."""

    code = "calendar-year-missing"


class FreeDay(StrEnum):
    """Why a day is free."""

    HOLIDAY = "holiday"
    WEEKEND = "weekend"
    NAMED = "named-day"


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeDays:
    """Which days are free.

    `years`: for each year that the calendar knows the name of its notice, with a digest.
    `workdays`: Saturdays and Sundays that are worked to make up for a holiday; they are free only
    where `workdays_free`, and their weekday is among `weekdays` (Monday is 0).
    """

    calendar: str | None = None
    years: Mapping[int, str] = field(default_factory=dict)
    holidays: frozenset[date] = frozenset()
    workdays: frozenset[date] = frozenset()
    holidays_free: bool = False
    weekdays: frozenset[int] = frozenset()
    workdays_free: bool = False
    days: frozenset[date] = frozenset()

    def notice(self, day: date) -> str | None:
        """The notice that decides on a day; None where none does."""
        return self.years.get(day.year)

    def on(self, day: date) -> FreeDay | None:
        """Why a day is free; None where it is not. Raises `CalendarYearMissing`."""
        if day in self.days:
            return FreeDay.NAMED
        if self.calendar is None:
            return None
        if day.year not in self.years:
            raise CalendarYearMissing(
                f"calendar {self.calendar!r} has no year {day.year}: its free days are not known",
                calendar=self.calendar,
                year=day.year,
            )
        if day in self.workdays:
            free = self.workdays_free and day.weekday() in self.weekdays
            return FreeDay.WEEKEND if free else None
        if self.holidays_free and day in self.holidays:
            return FreeDay.HOLIDAY
        return FreeDay.WEEKEND if day.weekday() in self.weekdays else None
