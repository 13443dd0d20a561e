"""A version of a place as whoever declares it writes it: a row of a file, an item of a body.

What no row alone can say is looked at in `register_checks.py`.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time
from math import isfinite
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson
import shapely
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)
from pydantic_core import PydanticCustomError

from citybrain.city_day import CITY_ZONE
from citybrain.domain.parking.place import PARENT, DeviceType, PlaceKind, PlaceVersion
from commands.fields import Flag, Latitude, Longitude, Moment, Name, NoFlag
from commands.parking.fields import PlaceId

MOST_POINTS = 5_000
DECIMALS = 7  # a centimetre
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
SURFACES = ("Polygon", "MultiPolygon")
SHAPES = {
    PlaceKind.AREA: SURFACES,
    PlaceKind.ZONE: (*SURFACES, "LineString"),
    PlaceKind.BERTH: ("Polygon", "Point"),
    PlaceKind.FACILITY: (*SURFACES, "Point"),
    PlaceKind.DEVICE: ("Point",),
    PlaceKind.KIOSK: ("Point",),
}
"""What each kind is drawn as."""

DRAWN = frozenset({PlaceKind.AREA, PlaceKind.ZONE, PlaceKind.BERTH, PlaceKind.KIOSK})
ONLY_OF: dict[str, tuple[PlaceKind, ...]] = {
    "parent": (PlaceKind.ZONE, PlaceKind.BERTH, PlaceKind.FACILITY, PlaceKind.KIOSK),
    "tariff_zone": (PlaceKind.ZONE, PlaceKind.FACILITY),
    "number": (PlaceKind.BERTH,),
    "length_cm": (PlaceKind.BERTH, PlaceKind.ZONE),
    "capacity": (PlaceKind.FACILITY,),
    "sentinels": (PlaceKind.FACILITY,),
    "drift": (PlaceKind.FACILITY,),
    "silence_seconds": (PlaceKind.FACILITY,),
    "watches": (PlaceKind.DEVICE,),
    "device_type": (PlaceKind.DEVICE,),
}
"""Members that only some kinds have."""


def _time_zone(text: str) -> str:
    try:
        return ZoneInfo(text).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise PydanticCustomError("time_zone", "there is no such time zone") from None


def _instant(value: Any) -> Any:
    """A day is its midnight in the city."""
    if isinstance(value, str) and DAY.fullmatch(value):
        try:
            return datetime.combine(date.fromisoformat(value), time(), CITY_ZONE)
        except ValueError:
            return value
    return value


def _geometry(value: Any) -> Any:
    """A GeoJSON geometry as it is kept: valid, of two dimensions, rounded to a centimetre."""
    wrong = PydanticCustomError("geometry", "this is not a valid geometry of GeoJSON in degrees")
    if not isinstance(value, Mapping) or not any(value.get("type") in s for s in SHAPES.values()):
        raise wrong
    try:
        shape = shapely.force_2d(shapely.from_geojson(orjson.dumps(dict(value))))
        if shape.is_empty or shapely.get_num_coordinates(shape) > MOST_POINTS:
            raise wrong
        shape = shapely.transform(shape, lambda points: points.round(DECIMALS))
    except (shapely.GEOSException, TypeError, ValueError) as error:
        raise wrong from error
    west, south, east, north = shape.bounds
    finite = all(map(isfinite, shape.bounds))
    if not (finite and -180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise wrong
    if not shape.is_valid:
        raise wrong
    said = orjson.loads(shapely.to_geojson(shape))
    return {"type": said["type"], "coordinates": said["coordinates"]}


Positive = Annotated[int, Field(ge=1, le=10**7), NoFlag]
Whole = Annotated[int, Field(ge=0, le=10**6), NoFlag]
Instant = Annotated[
    Moment, BeforeValidator(_instant), Field(description="a day is its midnight in the city")
]
Geometry = Annotated[
    dict[str, Any], BeforeValidator(_geometry), Field(description="GeoJSON, WGS-84 degrees")
]


class PlaceDeclared(BaseModel):
    """What holds of a place from a moment on. What it does not say is not known, or not so."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    place_id: PlaceId
    kind: PlaceKind
    valid_from: Instant
    name: Name
    longitude: Longitude | None = None
    latitude: Latitude | None = None
    geometry: Geometry | None = None
    parent: PlaceId | None = Field(
        None, description="of a zone and a facility its area; of a berth its zone"
    )
    tariff_zone: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = None
    time_zone: Annotated[str, AfterValidator(_time_zone)] = CITY_ZONE.key
    number: Positive | None = Field(None, description="of a berth in its zone: consecutive from 1")
    length_cm: Positive | None = None
    capacity: Whole | None = None
    sentinels: Annotated[list[Annotated[int, NoFlag]], Field(max_length=20)] = Field(
        default_factory=list, description="what a counter shows when it knows no number"
    )
    drift: Whole | None = Field(
        None, description="how far below nothing a counter may be and still say full"
    )
    silence_seconds: Positive | None = Field(None, description="how long what it said holds")
    watches: list[PlaceId] = Field(default_factory=list, max_length=2_000)
    previous: list[PlaceId] = Field(default_factory=list, max_length=100)
    device_type: DeviceType | None = Field(
        None, description="of a device, as CDS says it; other where it is not said"
    )
    retired: Flag = Field(False, description="not in use from then on")
    simulated: Flag = False

    def version(self) -> PlaceVersion:
        """As the domain takes it."""
        shape = self.geometry
        if shape is None and self.longitude is not None and self.latitude is not None:
            shape = _geometry({"type": "Point", "coordinates": [self.longitude, self.latitude]})
        others = {"place_id", "kind", "longitude", "latitude", "geometry", "simulated"}
        said = self.model_dump(exclude=others)
        said |= {"valid_from": self.valid_from.astimezone(UTC), "geometry": shape}
        return PlaceVersion(**said)

    def contradictions(self) -> Iterator[tuple[str, str]]:
        """What is wrong with it by itself: the member, and why."""
        if (self.longitude is None) != (self.latitude is None):
            yield "longitude", "longitude and latitude come together"
        elif self.longitude is not None and self.geometry is not None:
            yield "geometry", "a place is a point, or has a geometry"
        for member, kinds in ONLY_OF.items():
            if getattr(self, member) not in (None, []) and self.kind not in kinds:
                yield member, f"a {self.kind} has none"
        if self.retired:
            return
        geometry = self.version().geometry
        if geometry is None and self.kind in DRAWN:
            yield "geometry", f"a {self.kind} is somewhere"
        elif geometry is not None and geometry["type"] not in SHAPES[self.kind]:
            yield "geometry", f"a {self.kind} is no {geometry['type']}"
        if self.kind in PARENT and self.parent is None:
            yield "parent", f"a {self.kind} names the {PARENT[self.kind]} that it lies in"
        if self.kind is PlaceKind.ZONE and self.tariff_zone is None:
            yield "tariff_zone", "a zone names its tariff zone"
        if self.kind is PlaceKind.BERTH and self.number is None:
            yield "number", "a berth has a number in its zone"
