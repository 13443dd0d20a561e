"""Areas of the city: districts, streets, communities, grid cells, and which of them a point is in.

A survey is one GeoJSON FeatureCollection (RFC 7946). Codes follow GB/T 30428: 6 digits of the
district, 3 of the street, 3 of the community, 3 of the cell within it. Where the survey has no
cells of its own, a community's bounding box is divided into squares of 100 m (萬米單元網格: 10 000
square metres), row by row from the south-west, or larger ones where there would be more than 999.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cached_property
from math import ceil, cos, floor, radians
from pathlib import Path
from typing import Any

import orjson
import shapely
from shapely import Point, Polygon, STRtree
from shapely.geometry.base import BaseGeometry

from citybrain.errors import CitybrainError
from citybrain.places.distance import METRES_A_DEGREE

CELL_M = 100.0
CELLS_A_COMMUNITY = 999
TOLERANCE = 1e-12  # square degrees: what neighbours may overlap by rounding
POLYGONS = ("Polygon", "MultiPolygon")

Box = tuple[float, float, float, float]
"""South, west, north, east in degrees."""


class AreaError(CitybrainError):
    """A survey of areas is wrong; the message says where."""

    code = "area-error"


class AreaKind(StrEnum):
    """What an area is; each lies in one of the kind before it."""

    DISTRICT = "district"
    STREET = "street"
    COMMUNITY = "community"
    CELL = "cell"


DIGITS = {
    AreaKind.DISTRICT: 6, AreaKind.STREET: 9, AreaKind.COMMUNITY: 12, AreaKind.CELL: 15
}  # fmt: skip


@dataclass(frozen=True)
class Area:
    """One area."""

    code: str
    kind: AreaKind
    name: str
    name_en: str
    shape: BaseGeometry

    @property
    def parent(self) -> str:
        """The code of the area it lies in; empty for a district."""
        return self.code[: DIGITS[self.kind] - 3] if self.kind is not AreaKind.DISTRICT else ""


@dataclass(frozen=True, slots=True)
class Place:
    """The areas that a point lies in, by code; none where it lies in none of that kind."""

    district: str | None = None
    street: str | None = None
    community: str | None = None
    cell_id: str | None = None


class Areas:
    """One survey, in force from a day on."""

    def __init__(self, valid_from: date, source: str, areas: Sequence[Area], digest: str) -> None:
        self.valid_from = valid_from
        self.version = f"{valid_from}+{digest[:8]}"
        self.source = source
        self.by_code = {area.code: area for area in areas}
        self._list = sorted(areas, key=lambda area: area.code)
        self._tree = STRtree([area.shape for area in self._list])
        shapely.prepare([area.shape for area in self._list])

    def locate(self, latitude: float, longitude: float) -> Place:
        """Where a point lies; on a border, the area with the smallest code."""
        point = Point(longitude, latitude)
        found: dict[AreaKind, str] = {}
        for index in sorted(self._tree.query(point, predicate="intersects")):
            area = self._list[index]
            above = _above(area.kind)
            if above is None or area.parent == found.get(above, area.parent):
                found.setdefault(area.kind, area.code)
        community = found.get(AreaKind.COMMUNITY)
        cell = found.get(AreaKind.CELL)
        if cell is None and community is not None:
            cell = self._grid(community).cell_at(latitude, longitude)
        return Place(found.get(AreaKind.DISTRICT), found.get(AreaKind.STREET), community, cell)

    def cell_box(self, cell_id: str) -> Box | None:
        """The box of a cell of this survey."""
        if area := self.by_code.get(cell_id):
            west, south, east, north = area.shape.bounds
            return south, west, north, east
        if cell_id[:12] not in self.by_code:
            return None
        return self._grid(cell_id[:12]).box_of(cell_id)

    def _grid(self, community: str) -> "_Grid":
        if community not in self._grids:
            self._grids[community] = _Grid(community, self.by_code[community].shape.bounds)
        return self._grids[community]

    @cached_property
    def _grids(self) -> dict[str, "_Grid"]:
        return {}


class _Grid:
    """The regular cells of a community."""

    def __init__(self, community: str, bounds: tuple[float, float, float, float]) -> None:
        self._community = community
        self._west, self._south, east, north = bounds
        self._north, self._east = north, east
        middle = radians((self._south + north) / 2)
        side_m = CELL_M
        while True:
            self._height = side_m / METRES_A_DEGREE
            self._width = self._height / cos(middle)
            self._columns = max(ceil((east - self._west) / self._width), 1)
            self._rows = max(ceil((north - self._south) / self._height), 1)
            if self._columns * self._rows <= CELLS_A_COMMUNITY:
                return
            side_m *= 1.1

    def cell_at(self, latitude: float, longitude: float) -> str:
        """The cell of a point of the community."""
        row = min(max(floor((latitude - self._south) / self._height), 0), self._rows - 1)
        column = min(max(floor((longitude - self._west) / self._width), 0), self._columns - 1)
        return f"{self._community}{row * self._columns + column + 1:03}"

    def box_of(self, cell_id: str) -> Box | None:
        """The box of a cell."""
        number = int(cell_id[12:]) - 1
        row, column = divmod(number, self._columns)
        if not 0 <= number < self._rows * self._columns:
            return None
        south, west = self._south + row * self._height, self._west + column * self._width
        return south, west, south + self._height, west + self._width


def load_areas(path: Path) -> Areas:
    """Read and check a survey; raises `AreaError`."""
    try:
        raw = path.read_bytes()
        document = orjson.loads(raw)
    except (OSError, orjson.JSONDecodeError) as error:
        raise AreaError(f"{path}: {error}") from error
    try:
        valid_from = date.fromisoformat(document["valid_from"])
        source, features = str(document["source"]), list(document["features"])
    except (KeyError, TypeError, ValueError) as error:
        raise AreaError(f"{path}: needs valid_from (a day), source and features") from error
    areas = [_area(path, number, feature) for number, feature in enumerate(features)]
    _check(path, areas)
    return Areas(valid_from, source, areas, hashlib.sha256(raw).hexdigest())


def _area(path: Path, number: int, feature: Any) -> Area:
    where = f"{path}: feature {number}"
    try:
        properties = feature["properties"]
        kind, code = AreaKind(properties["kind"]), str(properties["code"])
        name, name_en = str(properties["name"]), str(properties["name_en"])
        geometry = feature["geometry"]
        shape = shapely.from_geojson(orjson.dumps(geometry).decode())
    except (KeyError, TypeError, ValueError, shapely.GEOSException) as error:
        raise AreaError(f"{where}: is not an area: {error!r}") from error
    if not (code.isascii() and code.isdigit() and len(code) == DIGITS[kind]):
        raise AreaError(f"{where}: a {kind} has a code of {DIGITS[kind]} digits, not {code!r}")
    if shape.geom_type not in POLYGONS or shape.is_empty or not shape.is_valid:
        raise AreaError(f"{where}: {code} is not a valid polygon")
    west, south, east, north = shape.bounds
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise AreaError(f"{where}: {code} lies outside of the degrees there are")
    return Area(code, kind, name, name_en, shape)


def _check(path: Path, areas: Sequence[Area]) -> None:
    """Codes once each, children within their parents, siblings beside each other."""
    by_code: dict[str, Area] = {}
    for area in areas:
        if area.code in by_code:
            raise AreaError(f"{path}: {area.code} is defined twice")
        by_code[area.code] = area
    for area in areas:
        if area.kind is AreaKind.DISTRICT:
            continue
        parent = by_code.get(area.parent)
        if parent is None:
            raise AreaError(f"{path}: {area.code} lies in {area.parent}, which is not there")
        if area.shape.difference(parent.shape).area > TOLERANCE:
            raise AreaError(f"{path}: {area.code} does not lie within {parent.code}")
    for one, other in _overlaps(areas):
        raise AreaError(f"{path}: {one.code} and {other.code} overlap")


def _overlaps(areas: Sequence[Area]) -> Iterator[tuple[Area, Area]]:
    for kind in AreaKind:
        alike = [area for area in areas if area.kind is kind]
        tree = STRtree([area.shape for area in alike])
        for index, area in enumerate(alike):
            for other in tree.query(area.shape, predicate="intersects"):
                if other > index and area.shape.intersection(alike[other].shape).area > TOLERANCE:
                    yield area, alike[other]


def _above(kind: AreaKind) -> AreaKind | None:
    kinds = list(AreaKind)
    position = kinds.index(kind)
    return kinds[position - 1] if position else None


def as_feature(area: Area, shape: BaseGeometry | None = None) -> dict[str, Any]:
    """An area as GeoJSON, in its own or other coordinates."""
    return {
        "type": "Feature",
        "properties": {
            "kind": area.kind.value, "code": area.code, "name": area.name,
            "name_en": area.name_en, "parent": area.parent or None,
        },
        "geometry": orjson.loads(shapely.to_geojson(area.shape if shape is None else shape)),
    }  # fmt: skip


def box_polygon(box: Box) -> Polygon:
    """A box as a polygon."""
    south, west, north, east = box
    return shapely.box(west, south, east, north)
