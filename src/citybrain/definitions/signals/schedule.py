"""Which plan a junction follows at which time of day, on which kind of day.

A plan is in force from its time on until the next one's, as events of a day plan are in NTCIP 1201.
A junction whose file has no schedule follows its first plan.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise, product

from citybrain.city_day import CITY_ZONE, city_day
from citybrain.definitions.calendars import BusinessCalendar
from citybrain.definitions.signals.checking import Finding, Place
from citybrain.definitions.signals.junction_file import DayKind, DayPlan, JunctionFile

MIDNIGHT = "00:00"


@dataclass(frozen=True, slots=True)
class Due:
    """A plan that is due, and since when."""

    plan: str
    since: datetime


def kind_of(day: date, calendar: BusinessCalendar) -> DayKind:
    """What a day is; a holiday that falls on a weekend is a holiday."""
    if day in calendar.holidays:
        return DayKind.HOLIDAY
    return DayKind.WORKING if calendar.is_working_day(day) else DayKind.WEEKEND


def due_plan(
    schedule: Sequence[DayPlan], calendar: BusinessCalendar, moment: datetime
) -> Due | None:
    """The plan that is due at a moment; None without a schedule."""
    events = _events(schedule, calendar, city_day(moment) - timedelta(days=1), days=2)
    return max((each for each in events if each.since <= moment), key=_since, default=None)


def next_due(
    schedule: Sequence[DayPlan], calendar: BusinessCalendar, moment: datetime
) -> Due | None:
    """The next plan that becomes due after a moment; None without a schedule."""
    events = _events(schedule, calendar, city_day(moment), days=2)
    return min((each for each in events if each.since > moment), key=_since, default=None)


def _since(due: Due) -> datetime:
    return due.since


def _events(
    schedule: Sequence[DayPlan], calendar: BusinessCalendar, first: date, days: int
) -> Iterator[Due]:
    for day in (first + timedelta(days=more) for more in range(days)):
        kind = kind_of(day, calendar)
        for row in schedule:
            if kind in row.days:
                for clock, plan in row.plans.items():
                    begin = datetime.combine(day, time.fromisoformat(clock), CITY_ZONE)
                    yield Due(plan, begin.astimezone(UTC))


def wrong_schedule(file: JunctionFile) -> list[Finding]:
    """What is wrong with a schedule: days without a plan, plans that may not follow one another."""
    unknown: list[Finding] = [
        (("schedule", place, "plans", clock), f"there is no plan {plan!r}")
        for place, row in enumerate(file.schedule)
        for clock, plan in row.plans.items()
        if plan not in file.plans
    ]
    if unknown or not file.schedule:
        return unknown
    return [*_days(file), *_changes(file)]


def _days(file: JunctionFile) -> Iterator[Finding]:
    rows = [(kind, place) for place, row in enumerate(file.schedule) for kind in row.days]
    for kind in DayKind:
        places = [place for each, place in rows if each is kind]
        if not places:
            yield ("schedule",), f"no row says which plans a {kind} has"
        elif len(places) > 1:
            yield ("schedule", places[1], "days"), f"{kind} stands in the schedule twice"
    for place, row in enumerate(file.schedule):
        if MIDNIGHT not in row.plans:
            yield ("schedule", place, "plans"), f"a day begins with a plan: {MIDNIGHT} is missing"


def _changes(file: JunctionFile) -> Iterator[Finding]:
    """Plans that follow one another and whose cycles differ too much (rule 11)."""
    days = [sorted(row.plans.items()) for row in file.schedule]
    within = [
        (("schedule", place, "plans", clock), before, after)
        for place, day in enumerate(days)
        for (_, before), (clock, after) in pairwise(day)
    ]
    overnight: list[tuple[Place, str, str]] = [
        (("schedule", place, "plans", days[place][0][0]), before[-1][1], days[place][0][1])
        for before, place in product(days, range(len(days)))
    ]
    for where, before, after in [*within, *overnight]:
        old, new = file.plans[before].cycle, file.plans[after].cycle
        if abs(new - old) > file.limits.cycle_step:
            yield (
                where,
                f"from plan {before} to {after} the cycle changes by {abs(new - old):g} s, by "
                f"{file.limits.cycle_step:g} s at most (rule 11)",
            )
