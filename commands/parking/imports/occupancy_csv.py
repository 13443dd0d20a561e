"""Brings an archive of free places in, as the counters of its facilities would have said it.

Facilities that are not known are made of the archive's file of places, and without a capacity where
it lacks them; those that are known stay as they are. A reading that is there already changes
nothing: an import goes on where it was killed, and the next one adds nothing.
"""

import asyncio
import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from functools import partial
from pathlib import Path

from citybrain.city_day import CITY_ZONE
from citybrain.definitions.parking.imports import CounterImport, CounterQuirks
from citybrain.definitions.parking.rules import parking_rules_at
from citybrain.domain.parking.counter import day_of
from citybrain.domain.parking.occupancy import Counting, judge
from citybrain.domain.parking.place import PlaceKind, PlaceVersion
from citybrain.domain.times import not_future
from citybrain.errors import CitybrainError, InvalidInput, Unavailable
from commands.csv_rows import CsvRows, Row, open_rows
from commands.handling import CommandContext
from commands.parking.counter import Recorded, Sound, record_day
from commands.parking.places import NewPlace, describe_places, place_book
from commands.services import Services

PLACE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,159}")
NUMBER = re.compile(r"-?\d{1,9}")
TOGETHER = 20_000  # readings that are brought in at once
AT_ONCE = 64

Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Rejected:
    """What is not taken in: the file and the line, the column where it is one cell, and why."""

    where: str
    column: str
    reason: str

    def __str__(self) -> str:
        return ": ".join(filter(None, (self.where, self.column, self.reason)))


@dataclass(slots=True)
class ArchiveResult:
    """Every reading is in exactly one of recorded, known and the rejected cells."""

    rows: int = 0
    readings: int = 0
    recorded: int = 0
    known: int = 0
    facilities: int = 0
    opened: int = 0
    without_place: int = 0
    known_otherwise: int = 0
    rejected: list[Rejected] = field(default_factory=list)

    def summary(self) -> dict[str, object]:
        """The counts, and what was rejected."""
        names = [name for name in self.__dataclass_fields__ if name != "rejected"]
        rejections = [str(each) for each in self.rejected]
        counts = {name: getattr(self, name) for name in names}
        return {**counts, "rejected": len(rejections), "rejections": rejections}


@dataclass(frozen=True, slots=True)
class Cell:
    """A number in a file."""

    where: str
    facility_id: str
    at: datetime
    free: int


class OccupancyImport:
    """One run over some files; with `speed_up` rows come apart as they were, so much faster."""

    def __init__(
        self,
        services: Services,
        context: CommandContext,
        *,
        speed_up: float | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._services, self._context = services, context
        self._mapping = services.definitions.of(CounterImport)
        self._speed_up, self._sleep = speed_up, sleep
        self._counting: dict[tuple[str, datetime, str], Counting] = {}
        self._limit = asyncio.Semaphore(AT_ONCE)
        self.result = ArchiveResult()

    async def run(
        self,
        files: Sequence[Path],
        places: Path | None,
        progress: Callable[[int], None] = lambda _: None,
    ) -> ArchiveResult:
        """Bring in every reading; `progress` is called with the bytes read so far.

        Raises `InvalidInput` on a file of another kind, before anything is written, and
        `Unavailable` when the store stays away; a later run goes on from there.
        """
        columns = dict.fromkeys(name for path in files for name in self._ids(path))
        await self._open(list(columns), places)
        before = 0
        for path in files:
            await self._file(path, partial(_sum, progress, before))
            before += path.stat().st_size
        return self.result

    def _ids(self, path: Path) -> list[str]:
        """The facilities that a file has columns of; raises `InvalidInput`."""
        with open_rows(path) as file:
            columns = CsvRows(file, str(path), {self._mapping.timestamp}).columns
        ids = [name for name in columns if name != self._mapping.timestamp]
        if len(set(columns)) < len(columns):
            raise InvalidInput(f"{path}:1: a column is there twice")
        if odd := [name for name in ids if not PLACE_ID.fullmatch(name)]:
            raise InvalidInput(f"{path}:1: {odd[0][:60]!r} is not the id of a facility")
        return ids

    async def _open(self, ids: list[str], places: Path | None) -> None:
        """Make the facilities that are not known."""
        mapping = self._mapping
        said, rejected = ({}, []) if places is None else read_facilities(places, mapping)
        self.result.rejected += rejected
        known = await place_book(self._services).find(ids, fresh=True)
        new = []
        for facility_id in ids:
            version = said.get(facility_id) or facility_of(facility_id, {}, mapping)
            self.result.without_place += facility_id not in said
            if facility_id not in known:
                new.append(NewPlace(facility_id, PlaceKind.FACILITY, version))
            elif known[facility_id].at(version.valid_from) != version:
                self.result.known_otherwise += 1
        for found in await describe_places(new, self._context, self._services):
            if isinstance(found, CitybrainError):
                raise found
        self.result.facilities, self.result.opened = len(ids), len(new)

    async def _file(self, path: Path, progress: Callable[[int], None]) -> None:
        waiting: list[Cell] = []
        before: datetime | None = None
        recorded = 0
        with open_rows(path) as file:
            for row in CsvRows(file, str(path), {self._mapping.timestamp}):
                self.result.rows += 1
                cells = list(self._cells(f"{path}:{row.line}", row))
                waiting += cells
                if self._speed_up is not None and cells:
                    if before is not None and self.result.recorded > recorded:
                        apart = (cells[0].at - before) / timedelta(seconds=1)
                        await self._sleep(max(apart, 0.0) / self._speed_up)
                    before, recorded = cells[0].at, self.result.recorded
                if self._speed_up is not None or len(waiting) >= TOGETHER:
                    await self._bring_in(waiting)
                    waiting = []
                progress(row.end)
        await self._bring_in(waiting)

    def _cells(self, where: str, row: Row) -> Iterator[Cell]:
        """The numbers of a row; what is none is rejected."""
        if row.problem is not None:
            self.result.rejected.append(Rejected(where, "", row.problem))
            return
        name = self._mapping.timestamp
        try:
            at = not_future(datetime.fromisoformat(row.fields[name]), self._services.clock())
        except (ValueError, CitybrainError) as error:
            self.result.rejected.append(Rejected(where, name, str(error)))
            return
        for column, text in row.fields.items():
            if column == name or not text.strip():
                continue
            self.result.readings += 1
            if NUMBER.fullmatch(text.strip()):
                yield Cell(where, column, at, int(text))
            else:
                self.result.rejected.append(Rejected(where, column, "this is no whole number"))

    async def _bring_in(self, cells: Sequence[Cell]) -> None:
        """Append what is new, the readings of a facility's day together."""
        if not cells:
            return
        days: defaultdict[tuple[str, str], list[Cell]] = defaultdict(list)
        for cell in cells:
            days[cell.facility_id, day_of(cell.at)].append(cell)
        await place_book(self._services).find({facility_id for facility_id, _ in days})
        try:
            async with asyncio.TaskGroup() as group:
                for (facility_id, day), of_day in days.items():
                    group.create_task(self._day(facility_id, day, of_day))
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from failed

    async def _day(self, facility_id: str, day: str, cells: Sequence[Cell]) -> None:
        async with self._limit:
            sound = await self._sound(facility_id, cells)
            if not sound:
                return
            found = await record_day(facility_id, day, sound, self._context, self._services)
        for index, each in found.items():
            if isinstance(each, Unavailable):
                raise each
            if isinstance(each, Recorded):
                self.result.known += each.known
                self.result.recorded += not each.known
            else:
                self._reject(cells[index], each.message)

    async def _sound(self, facility_id: str, cells: Sequence[Cell]) -> list[Sound]:
        """What each number is worth, by what is said of the facility at its time."""
        place = (await place_book(self._services).find([facility_id]))[facility_id]
        history = [version for version, _ in place.history]
        begins = [version.valid_from for version in history]
        found = []
        for index, cell in enumerate(cells):
            number = bisect_right(begins, cell.at)
            if place.kind != PlaceKind.FACILITY or not number or history[number - 1].retired:
                self._reject(cell, "the facility was not in use then")
                continue
            counting = self._counted(facility_id, history[number - 1], cell.at)
            worth = judge(cell.free, counting)
            source = self._mapping.source
            found.append(Sound(index, cell.at, cell.free, source, None, counting, worth))
        return found

    def _counted(self, facility_id: str, version: PlaceVersion, at: datetime) -> Counting:
        rules = parking_rules_at(self._services.definitions, at)
        key = facility_id, version.valid_from, rules.version
        if key not in self._counting:
            self._counting[key] = Counting.of(version, rules)
        return self._counting[key]

    def _reject(self, cell: Cell, reason: str) -> None:
        self.result.rejected.append(Rejected(cell.where, cell.facility_id, reason))


def read_facilities(
    path: Path, mapping: CounterImport
) -> tuple[dict[str, PlaceVersion], list[Rejected]]:
    """The facilities of the archive's own file, and the rows that cannot be read."""
    found: dict[str, PlaceVersion] = {}
    rejected: list[Rejected] = []
    with open_rows(path) as file:
        for row in CsvRows(file, str(path), mapping.places.model_dump().values()):
            where = f"{path}:{row.line}"
            if row.problem is not None:
                rejected.append(Rejected(where, "", row.problem))
                continue
            name = row.fields[mapping.places.id]
            try:
                found[name] = facility_of(name, row.fields, mapping)
            except (ValueError, InvalidInput) as error:
                rejected.append(Rejected(where, "", str(error)))
    return found, rejected


def facility_of(
    facility_id: str, fields: Mapping[str, str], mapping: CounterImport
) -> PlaceVersion:
    """A facility since long ago; raises `ValueError` or `InvalidInput` on numbers that are none."""
    place, quirks = mapping.places, mapping.facilities.get(facility_id, CounterQuirks())

    def said(column: str) -> str:
        return fields.get(column, "").strip()

    capacity, north, east = (said(n) for n in (place.capacity, place.latitude, place.longitude))
    return PlaceVersion(
        valid_from=datetime.combine(mapping.valid_from, time(), CITY_ZONE).astimezone(UTC),
        name=said(place.name)[:200] or facility_id,
        geometry=_point(float(north), float(east)) if north and east else None,
        time_zone=mapping.time_zone,
        capacity=int(capacity) if capacity else None,
        sentinels=list(quirks.sentinels),
        drift=quirks.drift,
        silence_seconds=mapping.silence_minutes * 60,
    )


def _point(north: float, east: float) -> dict[str, object]:
    if not (-90 <= north <= 90 and -180 <= east <= 180):
        raise InvalidInput("latitude and longitude are not degrees")
    return {"type": "Point", "coordinates": [east, north]}


def _sum(progress: Callable[[int], None], before: int, done: int) -> None:
    progress(before + done)
