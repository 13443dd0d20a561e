"""Tariffs of parking: dated versions, each a file of the folder `tariff`.

A version is what is in force from a day on, whole. Versions of one tariff have one code; on-street
parking and a garage may be two. The id of a version is its tariff, its day and a digest of what
decides, so that an event which carries it can be held against exactly these rules.
"""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import ClassVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson
from pydantic import TypeAdapter

from citybrain.definitions.calendars import Year, load_calendar
from citybrain.definitions.kept import Kept, written
from citybrain.definitions.loading import Definitions, Files
from citybrain.definitions.parking.tariff_file import (
    WEEKDAYS,
    ExemptionRule,
    FreeDaysRule,
    IdleRule,
    Problem,
    TariffFile,
    contradictions,
    wall_minutes,
)
from citybrain.definitions.yaml_file import DefinitionError, Lines, read_yaml
from citybrain.domain.parking.free_days import FreeDays
from citybrain.domain.parking.tariff import (
    Cap,
    CapPer,
    Exemption,
    FreeMinutes,
    IdleFee,
    Ladder,
    Step,
    Tariff,
    TariffVersion,
    Window,
)
from citybrain.errors import NotFound

Further = Callable[[TariffFile, TariffVersion], Iterable[Problem]]
"""What else is looked at in a file, once it is in order by itself."""


class UnknownTariff(NotFound):
    """There is no tariff of this code."""

    code = "tariff-unknown"


@dataclass(frozen=True, slots=True)
class TariffDefinitions:
    """All tariffs by code, and the file that each version was read from by its id."""

    KIND: ClassVar[str] = "tariff"

    tariffs: dict[str, Tariff]
    files: dict[str, TariffFile]

    def kept(self) -> list[Kept]:
        """Each version that a file holds, with its free days as its calendar has them."""
        return [
            Kept(self.KIND, tariff.code, version.id, written(VERSION.dump_python(version)))
            for tariff in self.tariffs.values()
            for version in tariff.versions
        ]

    def with_gone(self, gone: Iterable[Kept], definitions: Definitions) -> Definitions:
        """These with versions that no file holds any more."""
        tariffs = dict(self.tariffs)
        for kept in gone:
            version = kept.read_again(VERSION.validate_json)
            if version is None:
                continue
            tariff = tariffs.get(kept.code) or Tariff(kept.code, ())
            every = sorted((*tariff.gone, version), key=lambda each: each.order)
            tariffs[kept.code] = replace(tariff, gone=tuple(every))
        return definitions.extended(replace(self, tariffs=tariffs))

    def tariff(self, code: str) -> Tariff:
        """The tariff; raises `UnknownTariff`."""
        try:
            return self.tariffs[code]
        except KeyError:
            raise UnknownTariff(f"there is no tariff {code!r}", tariff=code) from None


VERSION = TypeAdapter(TariffVersion)


def tariff_of(definitions: Definitions, code: str) -> Tariff:
    """The tariff of this code; raises `UnknownTariff`."""
    return definitions.of(TariffDefinitions).tariff(code)


def load_tariffs(files: Files, _: Definitions) -> TariffDefinitions:
    """The folder `tariff`; raises `DefinitionError`."""
    return load_tariff_definitions(files)


def load_tariff_definitions(files: Files, further: Further | None = None) -> TariffDefinitions:
    """Read and check every file, by `further`, too; raises `DefinitionError` with file and line."""
    calendars = {path.stem: path for path in files.of("calendar")}
    read: list[tuple[Path, TariffFile, Lines, TariffVersion]] = []
    for path in files.versions_of("tariff", code="tariff"):
        file, lines = read_yaml(path, TariffFile)
        _raise_first(path, lines, contradictions(file))
        version = _version(path, lines, file, calendars)
        _raise_first(path, lines, further(file, version) if further else ())
        read.append((path, file, lines, version))
    read.sort(key=lambda each: (each[1].tariff, each[1].valid_from, each[1].published))
    for (_, earlier, _, _), (path, later, lines, _) in pairwise(read):
        if earlier.tariff == later.tariff:
            _raise_first(path, lines, _beside(earlier, later))
    codes = dict.fromkeys(file.tariff for _, file, _, _ in read)
    return TariffDefinitions(
        {code: Tariff(code, tuple(v for _, f, _, v in read if f.tariff == code)) for code in codes},
        {version.id: file for _, file, _, version in read},
    )


def _raise_first(path: Path, lines: Lines, problems: Iterable[Problem]) -> None:
    for place, problem in problems:
        raise DefinitionError(f"{path}:{lines.of(place)}: {problem}")


def _beside(earlier: TariffFile, later: TariffFile) -> Iterable[Problem]:
    """What is wrong with a version that comes after another one of its tariff."""
    if (earlier.valid_from, earlier.published) == (later.valid_from, later.published):
        yield ("valid_from",), f"tariff {later.tariff!r} of this day is defined twice"
    if earlier.time_zone != later.time_zone:
        yield ("time_zone",), f"the other versions of this tariff are of {earlier.time_zone}"


def _version(
    path: Path, lines: Lines, file: TariffFile, calendars: dict[str, Path]
) -> TariffVersion:
    counting, free = file.counting, file.free_minutes
    try:
        ZoneInfo(file.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        line = lines.of(("time_zone",))
        raise DefinitionError(f"{path}:{line}: there is no such time zone") from None
    return TariffVersion(
        id=_id(file),
        valid_from=file.valid_from,
        published=file.published,
        time_zone=file.time_zone,
        windows=tuple(
            Window(each.code, wall_minutes(each.begins), wall_minutes(each.ends))
            for each in file.windows
        ),
        zones={
            zone.code: {
                window: Ladder(tuple(Step(s.fen, s.each_minutes, s.times) for s in steps))
                for window, steps in zone.rates.items()
            }
            for zone in file.zones
        },
        seconds=counting.seconds.value,
        started_unit=counting.started_unit.value,
        reset=counting.reset.value,
        on_change=counting.on_change.value,
        free_minutes=None if free is None else FreeMinutes(free.minutes, free.kind),
        grace_minutes=file.grace.minutes,
        caps=tuple(_caps(file)),
        exemptions=tuple(_exemption(each) for each in file.exemptions),
        free_days=_free_days(path, lines, file.free_days, calendars),
        idle=None if file.idle is None else _idle(file.idle),
    )


def _id(file: TariffFile) -> str:
    """The tariff, the day it begins, and a digest of all but the examples."""
    content = file.model_dump(mode="json", exclude={"examples"})
    digest = hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()
    return f"{file.tariff}:{file.valid_from}+{digest[:8]}"


def _caps(file: TariffFile) -> Iterable[Cap]:
    """In the order in which they are applied."""
    order = list(CapPer)
    for cap in sorted(file.caps, key=lambda cap: order.index(cap.per)):
        yield Cap(cap.code, cap.per, cap.fen, _set(cap.zones))


def _set(codes: Iterable[str] | None) -> frozenset[str] | None:
    return None if codes is None else frozenset(codes)


def _exemption(rule: ExemptionRule) -> Exemption:
    return Exemption(
        code=rule.code,
        classes=frozenset(rule.classes),
        permits=frozenset(rule.permits),
        while_charging=rule.while_charging,
        windows=_set(rule.windows),
        first_minutes=rule.first_minutes,
        also_idle=rule.also_idle,
    )


def _idle(rule: IdleRule) -> IdleFee:
    windows = _set(rule.windows)
    return IdleFee(rule.courtesy_minutes, rule.fen, rule.each_minutes, rule.most_fen, windows)


def _free_days(
    path: Path, lines: Lines, rule: FreeDaysRule | None, calendars: dict[str, Path]
) -> FreeDays | None:
    if rule is None:
        return None
    days = frozenset(named.day for named in rule.days)
    if rule.calendar is None:
        return FreeDays(days=days)
    if rule.calendar not in calendars:
        line = lines.of(("free_days", "calendar"))
        raise DefinitionError(f"{path}:{line}: there is no calendar {rule.calendar!r}")
    calendar = load_calendar(calendars[rule.calendar])
    return FreeDays(
        calendar=rule.calendar,
        years={number: _notice(rule.calendar, year) for number, year in calendar.years.items()},
        holidays=calendar.holidays,
        workdays=calendar.workdays,
        holidays_free=rule.holidays,
        weekdays=frozenset(WEEKDAYS.index(day) for day in rule.weekdays),
        workdays_free=rule.workdays == "free",
        days=days,
    )


def _notice(calendar: str, year: Year) -> str:
    """What an event names: the calendar, the year and a digest of its notice."""
    content = orjson.dumps(year.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)
    return f"{calendar}:{year.year}+{hashlib.sha256(content).hexdigest()[:8]}"
