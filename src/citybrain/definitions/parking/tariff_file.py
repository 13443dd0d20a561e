"""One file of a tariff: what it may say, each with its source, and what contradicts itself."""

import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from citybrain.definitions.parking.said import AtLeastOne, Definition, Said, Text, Whole
from citybrain.definitions.yaml_file import Code, Place
from citybrain.domain.money import MOST_FEN
from citybrain.domain.parking.plate_grammar import PlateClass
from citybrain.domain.parking.tariff import (
    DAY_MINUTES,
    CapPer,
    FreeMinutesKind,
    OnChange,
    Reset,
    Seconds,
    StartedUnit,
)

Problem = tuple[Place, str]
"""Where in a file something is wrong, and what."""

WALL = re.compile(r"(?:([01]\d|2[0-3]):([0-5]\d)|24:00)")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

WallTime = Annotated[str, StringConstraints(pattern=rf"^{WALL.pattern}$")]
"""By the clock on the wall: `07:00`; a day ends at `24:00`."""
Money = Annotated[int, Field(strict=True, ge=0, le=MOST_FEN)]
ZoneCode = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
CalendarName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]
Minutes = Annotated[int, Field(strict=True, ge=1, le=7 * DAY_MINUTES)]


def wall_minutes(text: str) -> int:
    """The minute of the day of a wall time."""
    match = WALL.fullmatch(text)
    assert match is not None
    return DAY_MINUTES if match[1] is None else int(match[1]) * 60 + int(match[2])


class Counting(Definition):
    """How time is counted: what sources leave open, so each says why it is so."""

    seconds: Said[Seconds]
    started_unit: Said[StartedUnit]
    reset: Said[Reset]
    on_change: Said[OnChange]


class FreeMinutesRule(Definition):
    """Minutes that cost nothing, and how."""

    minutes: AtLeastOne
    kind: FreeMinutesKind
    source: Text


class Grace(Definition):
    """How long one may take to leave after paying."""

    minutes: Whole
    source: Text


class WindowRule(Definition):
    """When time is charged, by the wall clock; `ends` that is not after `begins`: the next day."""

    code: Code
    begins: WallTime
    ends: WallTime
    source: Text

    @model_validator(mode="after")
    def _begins_in_a_day(self) -> "WindowRule":
        if wall_minutes(self.begins) == DAY_MINUTES:
            raise ValueError("a window begins before 24:00")
        return self

    def minutes(self) -> Iterator[tuple[int, int]]:
        """Its parts of each day, from midnight to midnight."""
        begins, ends = wall_minutes(self.begins), wall_minutes(self.ends)
        if ends > begins:
            yield begins, ends
        else:
            yield begins, DAY_MINUTES
            yield 0, ends


class StepRule(Definition):
    """`fen` for each `each_minutes`, so many `times`; the last step without."""

    fen: Money
    each_minutes: Minutes
    times: AtLeastOne | None = None


class ZoneRule(Definition):
    """A tariff zone, with a ladder for each window."""

    code: ZoneCode
    name: Text
    name_en: Text
    rates: dict[Code, Annotated[tuple[StepRule, ...], Field(min_length=1)]]
    source: Text


class CapRule(Definition):
    """The most that is charged; without `zones` in all."""

    code: Code
    per: CapPer
    fen: Annotated[int, Field(strict=True, ge=1, le=MOST_FEN)]
    zones: tuple[ZoneCode, ...] | None = Field(None, min_length=1)
    source: Text


class NamedDay(Definition):
    """A single day that is free."""

    day: date
    source: Text


class FreeDaysRule(Definition):
    """Days that cost nothing.

    `calendar`: a file of the folder `calendar`, without its ending. `workdays`: what Saturdays and
    Sundays are that are worked to make up for a holiday, where their weekday is free.
    """

    calendar: CalendarName | None = None
    holidays: bool = Field(False, strict=True)
    weekdays: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] = ()
    workdays: Literal["charged", "free"] | None = None
    days: tuple[NamedDay, ...] = ()
    source: Text

    @model_validator(mode="after")
    def _calendar_is_named(self) -> "FreeDaysRule":
        by_calendar = self.holidays or bool(self.weekdays)
        if by_calendar != (self.calendar is not None):
            raise ValueError("holidays and weekdays are by a calendar, which is named")
        if bool(self.weekdays) != (self.workdays is not None):
            raise ValueError("weekdays say what workdays are that make up for a holiday")
        if not by_calendar and not self.days:
            raise ValueError("no day is free")
        return self


class ExemptionRule(Definition):
    """Who pays nothing: by `classes` of plates, by `permits`, or `while_charging`."""

    code: Code
    name: Text
    name_en: Text
    classes: tuple[PlateClass, ...] = ()
    permits: tuple[Code, ...] = ()
    while_charging: bool = Field(False, strict=True)
    windows: tuple[Code, ...] | None = Field(None, min_length=1)
    first_minutes: AtLeastOne | None = None
    also_idle: bool = Field(False, strict=True)
    source: Text

    @model_validator(mode="after")
    def _one_of_three(self) -> "ExemptionRule":
        if [bool(self.classes), bool(self.permits), self.while_charging].count(True) != 1:
            raise ValueError("an exemption has classes, or permits, or while_charging")
        return self


class IdleRule(Definition):
    """The fee for standing at a charger when charging is over."""

    courtesy_minutes: Whole
    fen: Money
    each_minutes: Minutes
    most_fen: Annotated[int, Field(strict=True, ge=1, le=MOST_FEN)] | None = None
    windows: tuple[Code, ...] | None = Field(None, min_length=1)
    source: Text


class ReachesBack(Definition):
    """Says expressly that the version is in force from a day before it was published."""

    reason: Text


class Example(Definition):
    """A stay and what it costs; times without an offset are those of the place's wall clock."""

    zone: ZoneCode
    begins: datetime
    ends: datetime
    plate_class: PlateClass | None = None
    permits: tuple[Code, ...] = ()
    charging_ended: datetime | None = Field(None, description="charged from the beginning on")
    earlier_fen: Whole = Field(0, description="of the same plate on the day of the beginning")
    fen: Whole


class TariffFile(Definition):
    """One version of a tariff."""

    tariff: Code
    name: Text
    name_en: Text
    valid_from: date
    published: date
    source: Text
    reaches_back: ReachesBack | None = None
    time_zone: Text
    counting: Counting
    free_minutes: FreeMinutesRule | None = None
    grace: Grace
    windows: tuple[WindowRule, ...] = Field(min_length=1)
    zones: tuple[ZoneRule, ...] = Field(min_length=1)
    caps: tuple[CapRule, ...] = ()
    free_days: FreeDaysRule | None = None
    exemptions: tuple[ExemptionRule, ...] = ()
    idle: IdleRule | None = None
    examples: tuple[Example, ...] = ()


def contradictions(file: TariffFile) -> Iterator[Problem]:
    """What in a file cannot be together, and where."""
    if file.valid_from <= file.published and file.reaches_back is None:
        yield (
            ("valid_from",),
            f"this reaches back: it was published on {file.published};"
            " say so with reaches_back, and why",
        )
    if file.valid_from > file.published and file.reaches_back is not None:
        yield ("reaches_back",), "this does not reach back"
    yield from _twice("windows", (window.code for window in file.windows))
    yield from _twice("zones", (zone.code for zone in file.zones))
    yield from _twice("caps", (cap.code for cap in file.caps))
    yield from _twice("exemptions", (exemption.code for exemption in file.exemptions))
    yield from _windows_meet(file)
    yield from _unknown_codes(file)
    for number, zone in enumerate(file.zones):
        for code, steps in zone.rates.items():
            yield from _ladder(("zones", number, "rates", code), steps)
    if file.counting.reset.value is Reset.NEVER:
        for number, cap in enumerate(file.caps):
            if cap.per is not CapPer.STAY:
                place: Place = ("caps", number, "per")
                yield place, "a ladder that never starts anew has no days: only a cap per stay"


def _twice(section: str, codes: Iterable[str]) -> Iterator[Problem]:
    seen: set[str] = set()
    for number, code in enumerate(codes):
        if code in seen:
            yield (section, number, "code"), f"{code!r} is defined twice"
        seen.add(code)


def _windows_meet(file: TariffFile) -> Iterator[Problem]:
    taken: list[tuple[int, int]] = []
    for number, window in enumerate(file.windows):
        parts = list(window.minutes())
        if any(begins < till and since < ends for begins, ends in parts for since, till in taken):
            yield ("windows", number), f"{window.code} overlaps another window"
        taken += parts


def _unknown_codes(file: TariffFile) -> Iterator[Problem]:
    windows, zones = {w.code for w in file.windows}, {z.code for z in file.zones}
    named: list[tuple[Place, Iterable[str], set[str], str]] = [
        (("caps", number, "zones"), cap.zones or (), zones, "zone")
        for number, cap in enumerate(file.caps)
    ]
    named += [
        (("exemptions", number, "windows"), exemption.windows or (), windows, "window")
        for number, exemption in enumerate(file.exemptions)
    ]
    if file.idle is not None:
        named.append((("idle", "windows"), file.idle.windows or (), windows, "window"))
    named += [
        (("zones", number, "rates"), zone.rates, windows, "window")
        for number, zone in enumerate(file.zones)
    ]
    for place, codes, known, what in named:
        for code in codes:
            if code not in known:
                yield place, f"there is no {what} {code!r}"
    for number, zone in enumerate(file.zones):
        for code in sorted(windows - set(zone.rates)):
            yield ("zones", number, "rates"), f"window {code!r} has no rate: fen 0 where it is free"


def _ladder(place: Place, steps: tuple[StepRule, ...]) -> Iterator[Problem]:
    for number, step in enumerate(steps):
        last = number == len(steps) - 1
        if last and step.times is not None:
            yield (*place, number, "times"), "the last step goes on for ever: it has no times"
        if not last and step.times is None:
            yield (*place, number), "a step before another one says how many times"
