"""Areas of the city: districts, streets, communities, grid cells, and which of them a point is in.

A survey is one GeoJSON FeatureCollection (RFC 7946). Codes follow GB/T 30428: 6 digits of the
district, 3 of the street, 3 of the community, 3 of the cell within it. What a community has no
surveyed cells for, its bounding box divides into squares of 100 m (萬米單元網格: 10 000 square
metres), row by row from the south-west, or larger ones where there would be more than 999. They
are numbered from 001, without the numbers of surveyed cells.
"""

import hashlib
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from math import ceil, cos, floor, radians
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import orjson
import shapely
from pydantic import BaseModel, Field, StringConstraints, ValidationError
from shapely import Point, Polygon, STRtree
from shapely.geometry.base import BaseGeometry

from citybrain.errors import CitybrainError, InvalidInput
from citybrain.geo.distance import METRES_A_DEGREE

CELL_M = 100.0
GROWTH = 1.1  # of a cell's side, as often as it takes
SERIALS = range(1, 1000)
SQUARES = 1000  # a degree: some 100 m
MOST_SQUARES = 200_000  # that are remembered; a large city has fewer
SLIVER_DEGREES = 1e-6  # a decimetre: what borders differ by when rounded to 6 decimals
POLYGONS = ("Polygon", "MultiPolygon")

Box = tuple[float, float, float, float]
"""South, west, north, east in degrees."""


class AreaError(CitybrainError):
    """A survey of areas is wrong; the message says where."""

    code = "area-error"


class OutsideTheCity(InvalidInput):
    """A place that lies outside the box of the city."""

    code = "outside-the-city"


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


class Place(NamedTuple):
    """The areas that a point lies in, by code; none where it lies in none of that kind."""

    district: str | None = None
    street: str | None = None
    community: str | None = None
    cell_id: str | None = None


@dataclass(frozen=True, slots=True)
class _Square:
    """What all points of a square have in common: the place but for its cell, and their grid."""

    place: Place
    grid: "_Grid | None"


class Areas:
    """One survey, in force from a day on."""

    def __init__(
        self,
        valid_from: date,
        source: str,
        areas: Sequence[Area],
        digest: str,
        box: Box | None = None,
    ) -> None:
        self.valid_from = valid_from
        self.version = f"{valid_from}+{digest[:8]}"
        self.source = source
        self.by_code = {area.code: area for area in areas}
        self._list = sorted(areas, key=lambda area: area.code)
        self._tree = STRtree([area.shape for area in self._list])
        shapely.prepare(self._tree.geometries)
        self.box = box or _box_around(areas)
        """Where the city is; over 180° where its west is larger than its east."""

        self._grids: dict[str, _Grid] = {}
        self._squares: dict[tuple[int, int], _Square | None] = {}
        self._surveyed: dict[str, set[int]] = {}
        for area in areas:
            if area.kind is AreaKind.CELL:
                self._surveyed.setdefault(area.parent, set()).add(int(area.code[12:]))

    def require_inside(self, latitude: float, longitude: float) -> None:
        """Raises `OutsideTheCity`, which names the box."""
        south, west, north, east = self.box
        across = (
            longitude >= west or longitude <= east if west > east else west <= longitude <= east
        )
        if not (south <= latitude <= north and across):
            raise OutsideTheCity(
                f"the place lies outside the city: latitude {south:g} to {north:g}, "
                f"longitude {west:g} to {east:g}",
                south=south,
                west=west,
                north=north,
                east=east,
            )

    def locate(self, latitude: float, longitude: float) -> Place:
        """Where a point lies; on a border, the area with the smallest code."""
        square = self._square(floor(latitude * SQUARES), floor(longitude * SQUARES))
        if square is None:
            square = self._seen_from(latitude, longitude)
        place = square.place
        if square.grid is None:
            return place
        cell_id = square.grid.cell_at(latitude, longitude)
        return Place(place.district, place.street, place.community, cell_id)

    def _square(self, row: int, column: int) -> _Square | None:
        """What the points of a square of 0.001° have in common; None where a border runs there."""
        try:
            return self._squares[row, column]
        except KeyError:
            if len(self._squares) >= MOST_SQUARES:
                self._squares.clear()
        south, west = row / SQUARES - SLIVER_DEGREES, column / SQUARES - SLIVER_DEGREES
        side = 1 / SQUARES + 2 * SLIVER_DEGREES
        box = shapely.box(west, south, west + side, south + side)
        near = self._tree.geometries[self._tree.query(box)]
        found = None
        if not shapely.intersects(shapely.boundary(near), box).any():
            found = self._seen_from((row + 0.5) / SQUARES, (column + 0.5) / SQUARES)
        self._squares[row, column] = found
        return found

    def _seen_from(self, latitude: float, longitude: float) -> _Square:
        """The place of one point, by the shapes of the areas."""
        near = self._tree.query(Point(longitude, latitude))
        within = near[shapely.intersects_xy(self._tree.geometries[near], longitude, latitude)]
        path = [""]
        for index in sorted(within.tolist()):  # by code: what an area lies in comes before it
            if self._list[index].parent == path[-1]:
                path.append(self._list[index].code)
        place = Place(*path[1:])
        if place.community is None or place.cell_id is not None:
            return _Square(place, None)
        return _Square(place, self._grid(place.community))

    def cell_box(self, cell_id: str) -> Box | None:
        """The box of a cell of this survey; of a surveyed one, the box around it."""
        if not (cell_id.isascii() and cell_id.isdigit() and len(cell_id) == DIGITS[AreaKind.CELL]):
            return None
        if area := self.by_code.get(cell_id):
            west, south, east, north = area.shape.bounds
            return south, west, north, east
        if cell_id[:12] not in self.by_code:
            return None
        return self._grid(cell_id[:12]).box_of(int(cell_id[12:]))

    def _grid(self, community: str) -> "_Grid":
        if community not in self._grids:
            surveyed = self._surveyed.get(community, set())
            self._grids[community] = _Grid(
                community, self.by_code[community].shape.bounds, surveyed
            )
        return self._grids[community]


class _Grid:
    """The regular cells of a community, numbered without the `surveyed` serials."""

    def __init__(
        self, community: str, bounds: tuple[float, float, float, float], surveyed: AbstractSet[int]
    ) -> None:
        self._community = community
        self._serials = [serial for serial in SERIALS if serial not in surveyed]
        self._west, self._south, east, north = bounds
        middle = radians((self._south + north) / 2)
        side_m = CELL_M
        while True:
            self._height = side_m / METRES_A_DEGREE
            self._width = self._height / cos(middle)
            self._columns = max(ceil((east - self._west) / self._width), 1)
            self._rows = max(ceil((north - self._south) / self._height), 1)
            if self._columns * self._rows <= max(len(self._serials), 1):
                return
            side_m *= GROWTH

    def cell_at(self, latitude: float, longitude: float) -> str | None:
        """The cell of a point of the community; none where all serials are surveyed."""
        if not self._serials:
            return None
        row = min(max(floor((latitude - self._south) / self._height), 0), self._rows - 1)
        column = min(max(floor((longitude - self._west) / self._width), 0), self._columns - 1)
        return f"{self._community}{self._serials[row * self._columns + column]:03}"

    def box_of(self, serial: int) -> Box | None:
        """The box of a cell."""
        if serial not in self._serials[: self._rows * self._columns]:
            return None
        row, column = divmod(self._serials.index(serial), self._columns)
        south, west = self._south + row * self._height, self._west + column * self._width
        return south, west, south + self._height, west + self._width


_Latitude = Annotated[float, Field(ge=-90, le=90)]
_Longitude = Annotated[float, Field(ge=-180, le=180)]


class _Properties(BaseModel):
    kind: AreaKind
    code: str
    name: Annotated[str, StringConstraints(min_length=1)]
    name_en: Annotated[str, StringConstraints(min_length=1)]


class _Feature(BaseModel):
    type: Literal["Feature"]
    properties: _Properties
    geometry: dict[str, Any]


class _Survey(BaseModel):
    """A survey file; members that are not named here are foreign to us, and left alone."""

    type: Literal["FeatureCollection"]
    valid_from: date
    source: Annotated[str, StringConstraints(min_length=1)]
    bbox: tuple[_Longitude, _Latitude, _Longitude, _Latitude] | None = None  # RFC 7946, 5
    features: list[_Feature] = Field(min_length=1)


def load_areas(path: Path) -> Areas:
    """Read and check a survey; raises `AreaError` that says which feature, counted from 0."""
    try:
        raw = path.read_bytes()
        survey = _Survey.model_validate(orjson.loads(raw))
    except OSError as error:
        raise AreaError(f"{path}: {error.strerror}") from error
    except orjson.JSONDecodeError as error:
        raise AreaError(f"{path}: this is not JSON: {error}") from error
    except ValidationError as error:
        problems = [
            f"{path}: {'.'.join(str(part) for part in problem['loc']) or 'file'}: {problem['msg']}"
            for problem in error.errors(include_url=False)
        ]
        raise AreaError("\n".join(problems)) from error
    areas = [
        _area(f"{path}: feature {number}", feature)
        for number, feature in enumerate(survey.features)
    ]
    _check(path, areas)
    digest = hashlib.sha256(raw).hexdigest()
    box = survey.bbox and _box_of(path, *survey.bbox)
    return Areas(survey.valid_from, survey.source, areas, digest, box)


def _box_of(path: Path, west: float, south: float, east: float, north: float) -> Box:
    if south >= north or west == east:
        raise AreaError(f"{path}: bbox is west, south, east, north, and not empty")
    return south, west, north, east


def _box_around(areas: Sequence[Area]) -> Box:
    west, south, east, north = shapely.total_bounds([area.shape for area in areas]).tolist()
    return south, west, north, east


def _area(where: str, feature: _Feature) -> Area:
    kind, code = feature.properties.kind, feature.properties.code
    if not (code.isascii() and code.isdigit() and len(code) == DIGITS[kind]):
        raise AreaError(f"{where}: a {kind} has a code of {DIGITS[kind]} digits, not {code!r}")
    try:
        shape = shapely.from_geojson(orjson.dumps(feature.geometry).decode())
    except shapely.GEOSException as error:
        raise AreaError(f"{where}: {code} is not a valid polygon: {error}") from error
    if shape.geom_type not in POLYGONS:
        raise AreaError(f"{where}: {code} is not a valid polygon: it is a {shape.geom_type}")
    if shape.is_empty or not shape.is_valid:
        why = "it is empty" if shape.is_empty else shapely.is_valid_reason(shape)
        raise AreaError(f"{where}: {code} is not a valid polygon: {why}")
    west, south, east, north = shape.bounds
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise AreaError(f"{where}: {code} lies outside of the degrees there are")
    return Area(code, kind, feature.properties.name, feature.properties.name_en, shape)


def _check(path: Path, areas: Sequence[Area]) -> None:
    """Codes once each, children within their parents, siblings beside each other."""
    by_code: dict[str, Area] = {}
    for number, area in enumerate(areas):
        if area.code in by_code:
            raise AreaError(f"{path}: feature {number}: {area.code} is defined twice")
        by_code[area.code] = area
    for number, area in enumerate(areas):
        if area.kind is AreaKind.DISTRICT:
            continue
        where, parent = f"{path}: feature {number}", by_code.get(area.parent)
        if parent is None:
            raise AreaError(f"{where}: {area.code} lies in {area.parent}, which is not there")
        if not is_sliver(area.shape.difference(parent.shape)):
            raise AreaError(f"{where}: {area.code} does not lie within {parent.code}")
    for one, other in _overlaps(areas):
        raise AreaError(f"{path}: {one.code} and {other.code} overlap")


def _overlaps(areas: Sequence[Area]) -> Iterator[tuple[Area, Area]]:
    for kind in AreaKind:
        alike = [area for area in areas if area.kind is kind]
        tree = STRtree([area.shape for area in alike])
        for index, area in enumerate(alike):
            for other in tree.query(area.shape, predicate="intersects"):
                if other > index and not is_sliver(area.shape.intersection(alike[other].shape)):
                    yield area, alike[other]


def is_sliver(shape: BaseGeometry) -> bool:
    """Whether a shape is nowhere wider than what rounding makes."""
    return shape.area == 0 or shape.buffer(-SLIVER_DEGREES / 2).is_empty


def as_feature(area: Area, shape: BaseGeometry | None = None) -> dict[str, Any]:
    """An area as GeoJSON for `orjson.dumps`, in its own or other coordinates."""
    return {
        "type": "Feature",
        "properties": {
            "kind": area.kind.value,
            "code": area.code,
            "name": area.name,
            "name_en": area.name_en,
            "parent": area.parent or None,
        },
        "geometry": orjson.Fragment(shapely.to_geojson(area.shape if shape is None else shape)),
    }


def box_polygon(box: Box) -> Polygon:
    """A box as a polygon."""
    south, west, north, east = box
    return shapely.box(west, south, east, north)
