"""Counts in the files of an archive beside what is known of its facilities: each number, each hour.

The files are read here with `csv` and nothing else, and hours are made of them by arithmetic: that
shares no code with the import, with what counts are worth, or with the metrics, so that one can be
held against the other.
"""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from citybrain.definitions.parking.rules import parking_rules_at
from citybrain.domain.parking.occupancy import hours
from citybrain.eventstore import StreamNotFound
from commands.services import Services
from projections.parking import occupancy, places
from projections.reading import Pool

HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
NOT_KNOWN = -1.0
Series = list[tuple[datetime, int]]
ByHour = dict[tuple[date, int], float | None]


@dataclass(slots=True)
class Compared:
    """The numbers of the files, and those that are other or missing in the read model."""

    facilities: int = 0
    in_files: int = 0
    known: int = 0
    differences: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class HourPair:
    """The occupancy of an hour by the read model, and straight from the files."""

    day: date
    hour: int
    metric: float | None
    straight: float | None

    @property
    def apart(self) -> float:
        """How far the two are apart; endless where only one of them is a number."""
        if self.metric is None or self.straight is None:
            return 0.0 if self.metric is self.straight else float("inf")
        return abs(self.metric - self.straight)


def read_files(paths: Iterable[Path], timestamp: str = "timestamp") -> dict[str, Series]:
    """The numbers of each column, in the order of time."""
    found: dict[str, Series] = {}
    for path in paths:
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                at = datetime.fromisoformat(row.pop(timestamp)).astimezone(UTC)
                for name, text in row.items():
                    if text:
                        found.setdefault(name, []).append((at, int(text)))
    return {name: sorted(series) for name, series in sorted(found.items())}


async def compare_numbers(pool: Pool, series: dict[str, Series]) -> Compared:
    """Whether at every timestamp of the files the number is the same, and no other is between."""
    result = Compared(facilities=len(series))
    for name, told in series.items():
        until = told[-1][0] + timedelta(microseconds=1)
        rows = await occupancy.readings(pool, name, told[0][0], until, limit=None)
        known = [(row["read_at"], row["free"]) for row in rows]
        result.in_files, result.known = result.in_files + len(told), result.known + len(known)
        for at, free in sorted(set(told) ^ set(known)):
            where = "files" if (at, free) in told else "read model"
            result.differences.append(f"{name} {at.isoformat()} {free}: only in the {where}")
    return result


async def compare_hours(name: str, told: Series, services: Services) -> list[HourPair]:
    """The hours of the days of a series by the clock of the facility, made in both ways.

    Raises `StreamNotFound` where the facility is not known.
    """
    pool, first = services.store.models, told[0][0]
    held = [v for v in await places.versions(pool, [name]) if v["valid_from"] <= first]
    if not held:
        raise StreamNotFound(f"there is no facility {name}")
    facility, rules = held[-1], parking_rules_at(services.definitions, first)
    zone = ZoneInfo(facility["time_zone"])
    since, until = _midnight(first, zone), _midnight(told[-1][0] + timedelta(days=1), zone)
    counts = await occupancy.counts(pool, name, since, until)
    metrics = {(each.date, each.hour): each.occupancy for each in hours(counts, since, until, zone)}
    silence = facility["silence_seconds"]
    limits = Limits(
        facility["capacity"],
        rules.counter_drift if facility["drift"] is None else facility["drift"],
        frozenset(facility["sentinels"]),
        rules.silence_limit if silence is None else timedelta(seconds=silence),
    )
    straight = straight_hours(told, since, until, limits, zone)
    return [
        HourPair(day, hour, metrics.get((day, hour)), straight.get((day, hour)))
        for day, hour in sorted(metrics.keys() | straight.keys())
    ]


@dataclass(frozen=True, slots=True)
class Limits:
    """What is said of a counter."""

    capacity: int | None
    drift: int
    sentinels: frozenset[int]
    silence: timedelta


def straight_hours(
    told: Sequence[tuple[datetime, int]],
    since: datetime,
    until: datetime,
    limits: Limits,
    zone: ZoneInfo,
) -> ByHour:
    """Each number holds until the next one; each hour is the mean of what is known in it."""
    sums: dict[tuple[date, int], list[float]] = {}
    capacity, ends = limits.capacity, [at for at, _ in told[1:]] + [until]
    begin = since
    while begin < until:
        local = begin.astimezone(zone)
        whole_known_full = sums.setdefault((local.date(), local.hour), [0.0, 0.0, 0.0])
        whole_known_full[0] += 3600
        for (at, free), end in zip(told, ends, strict=True):
            seconds = (min(end, at + limits.silence, begin + HOUR) - max(at, begin)) / SECOND
            believed = free >= -limits.drift and free not in limits.sentinels
            if seconds > 0 and believed and (capacity is None or free <= capacity):
                whole_known_full[1] += seconds
                whole_known_full[2] += seconds * (1 - max(free, 0) / capacity) if capacity else 0.0
        begin += HOUR
    return {
        key: NOT_KNOWN if known * 2 < whole else (full / known if capacity else None)
        for key, (whole, known, full) in sums.items()
    }


def _midnight(at: datetime, zone: ZoneInfo) -> datetime:
    day = at.astimezone(zone).date()
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
