"""Places from files: CSV with a header, or a GeoJSON FeatureCollection; each row a version.

Members are those of `PlaceVersion`, beside `place_id` and `kind`; in CSV a point is `longitude` and
`latitude`, and lists are separated by blanks. A row that is wrong costs no other; reading a file
again adds nothing.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from citybrain.city_day import CITY_ZONE
from citybrain.domain.actor import system_actor
from citybrain.domain.parking.place import PARENT, PlaceKind, PlaceVersion
from citybrain.errors import CitybrainError, InvalidInput
from commands.csv_rows import CsvRows
from commands.handling import CommandContext
from commands.parking.places import NewPlace, describe_places
from commands.services import Services

LONGEST_BATCH = 500
REQUIRED = ("place_id", "kind", "valid_from", "name")
LISTS = ("watches", "previous")
FEATURE = re.compile(r'"type"\s*:\s*"Feature"')
ACTOR = system_actor("parking-places-import")

Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}$")]
Longitude = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
Latitude = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
Positive = Annotated[int, Field(ge=1, le=10**7)]


class PlaceLine(BaseModel):
    """A row as it is written."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    place_id: Id
    kind: PlaceKind
    valid_from: date | datetime
    name: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    longitude: Longitude | None = None
    latitude: Latitude | None = None
    geometry: dict[str, Any] | None = None
    parent: Id | None = None
    tariff_zone: Id | None = None
    time_zone: Annotated[str, StringConstraints(pattern=r"^[A-Za-z_+-]+(/[A-Za-z_+-]+)*$")] = (
        CITY_ZONE.key
    )
    number: Positive | None = None
    length_cm: Positive | None = None
    capacity: Annotated[int, Field(ge=0, le=10**6)] | None = None
    watches: list[Id] = Field(default_factory=list, max_length=500)
    previous: list[Id] = Field(default_factory=list, max_length=100)
    retired: bool = False
    simulated: bool = False

    def place(self) -> NewPlace:
        """As commands take it; raises `InvalidInput`."""
        if (self.longitude is None) != (self.latitude is None):
            raise InvalidInput("longitude and latitude come together")
        geometry = self.geometry
        if self.longitude is not None:
            geometry = {"type": "Point", "coordinates": [self.longitude, self.latitude]}
        if self.kind in PARENT and self.parent is None:
            raise InvalidInput(f"a {self.kind} names the {PARENT[self.kind]} that it lies in")
        if self.kind in (PlaceKind.ZONE, PlaceKind.FACILITY) and self.tariff_zone is None:
            raise InvalidInput(f"a {self.kind} names its tariff_zone")
        if self.kind is PlaceKind.BERTH and self.number is None:
            raise InvalidInput("a berth has a number in its zone")
        fields = self.model_dump(
            exclude={"place_id", "kind", "longitude", "latitude", "geometry", "simulated"}
        )
        version = PlaceVersion(**fields | {"valid_from": self._begins(), "geometry": geometry})
        return NewPlace(self.place_id, self.kind, version, self.simulated)

    def _begins(self) -> datetime:
        if not isinstance(self.valid_from, datetime):
            return datetime.combine(self.valid_from, time(), CITY_ZONE).astimezone(UTC)
        if self.valid_from.tzinfo is None:
            raise InvalidInput("valid_from is a day, or a time with its offset")
        return self.valid_from.astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Wrong:
    """A row that is not taken in, and why; `line` counts from 1."""

    line: int
    reason: str


@dataclass(slots=True)
class PlacesResult:
    """What became of a file."""

    rows: int = 0
    wrong: list[Wrong] = field(default_factory=list)


Read = tuple[int, NewPlace | str]
"""The line of a row, and what it says, or why that is nothing."""


async def import_places(path: Path, services: Services, context: CommandContext) -> PlacesResult:
    """Take in a file; raises `InvalidInput` where it is none of places."""
    result, batch = PlacesResult(), list[tuple[int, NewPlace]]()

    async def take() -> None:
        found = await describe_places([new for _, new in batch], context, services)
        for (line, _), each in zip(batch, found, strict=True):
            if isinstance(each, CitybrainError):
                result.wrong.append(Wrong(line, each.message))
        batch.clear()

    seen: set[tuple[str, datetime]] = set()
    for line, read in lines_of(path):
        result.rows += 1
        if isinstance(read, str):
            result.wrong.append(Wrong(line, read))
            continue
        key = read.place_id, read.version.valid_from
        if key in seen:
            result.wrong.append(Wrong(line, f"{read.place_id} stands there twice for that moment"))
            continue
        seen.add(key)
        if len(batch) >= LONGEST_BATCH or any(read.place_id == new.place_id for _, new in batch):
            await take()
        batch.append((line, read))
    await take()
    result.wrong.sort(key=lambda wrong: wrong.line)
    return result


def lines_of(path: Path) -> Iterator[Read]:
    """The rows of a file, each with its line."""
    with path.open("rb") as file:
        head = file.read(256).lstrip(b"\xef\xbb\xbf \t\r\n")
    yield from _features(path) if head.startswith(b"{") else _rows(path)


def _rows(path: Path) -> Iterator[Read]:
    with path.open("rb") as file:
        for row in CsvRows(file, path.name, REQUIRED):
            if row.problem is not None:
                yield row.line, row.problem
                continue
            said: dict[str, Any] = {name: value for name, value in row.fields.items() if value}
            for name in LISTS:
                said[name] = said.get(name, "").split()
            yield row.line, _place(said)


def _features(path: Path) -> Iterator[Read]:
    text = path.read_bytes()
    try:
        features = orjson.loads(text)["features"]
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise InvalidInput(f"{path.name} is no GeoJSON FeatureCollection") from error
    decoded = text.decode()
    lines = [decoded.count("\n", 0, found.start()) + 1 for found in FEATURE.finditer(decoded)]
    for index, feature in enumerate(features):
        line = lines[index] if len(lines) == len(features) else index + 1
        if not isinstance(feature, dict) or not isinstance(feature.get("properties"), dict):
            yield line, "this is no feature with properties"
            continue
        yield line, _place(feature["properties"] | {"geometry": feature.get("geometry")})


def _place(said: dict[str, Any]) -> NewPlace | str:
    try:
        return PlaceLine.model_validate(said).place()
    except ValidationError as error:
        first = error.errors()[0]
        return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
    except InvalidInput as error:
        return error.message
