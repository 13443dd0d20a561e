"""Where the simulated city parks: block faces with berths, a garage with gates, who watches them.

The same in every run: what holds of a place is never changed. `as_geojson` is a file for
`citybrain import parking-places`; all of it is marked `simulated`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import cos, radians
from typing import Any

import orjson

VALID_FROM = "2020-01-01"
METRE_NORTH = 1 / 111_195
BERTH_METRES, DEEP_METRES = 6.0, 2.5
BERTHS = 12  # of a block face, in one row from west to east
FIRST_HALF = BERTHS // 2  # what the first of two cameras sees, and one berth more
STREETS_APART_METRES = 220.0
GARAGE, GARAGE_NAME, CAPACITY = "p-garage", "紫荆山地下停车场", 80
WAY_IN, WAY_OUT, COUNTER = "pc-garage-in", "pc-garage-out", "pc-garage-counter"
PREFIX = "pc-"  # of the ids of cameras, gates and the counter
KIOSK_PREFIX = "p-kiosk-"

# A district: its name, degrees WGS-84 of its first street, and its streets with their tariff zones.
DISTRICTS: dict[str, tuple[str, float, float, tuple[tuple[str, str], ...]]] = {
    "erqi": (
        "二七区",
        34.7480,
        113.6640,
        (("二七路西侧", "1"), ("德化街南段", "1"), ("福寿街东侧", "1"), ("大学路东侧", "2")),
    ),
    "jinshui": (
        "金水区",
        34.7720,
        113.6800,
        (("花园路东侧", "1"), ("文化路西侧", "2"), ("农业路北侧", "2"), ("东风路南侧", "3")),
    ),
    "zhongyuan": (
        "中原区",
        34.7480,
        113.6130,
        (("中原路北侧", "2"), ("建设路南侧", "3"), ("嵩山路西侧", "3"), ("伏牛路东侧", "3")),
    ),
}


@dataclass(frozen=True, slots=True)
class Face:
    """A block face: one side of a street between two corners; `west`, `south` in degrees."""

    zone_id: str
    area_id: str
    name: str
    tariff_zone: str
    south: float
    west: float

    @property
    def berths(self) -> list[str]:
        """Their ids, by their numbers."""
        return [f"{self.zone_id}-{number:02}" for number in range(1, BERTHS + 1)]

    @property
    def cameras(self) -> dict[str, list[str]]:
        """The two that look at it, with what each watches: one berth is seen by both."""
        first, second = (f"{PREFIX}{self.zone_id.removeprefix('p-')}-{end}" for end in "ab")
        return {first: self.berths[: FIRST_HALF + 1], second: self.berths[FIRST_HALF:]}

    def corners(self, first: int, berths: int) -> dict[str, Any]:
        """The ground of so many berths from the one at a place on, from 0."""
        metre_east = METRE_NORTH / cos(radians(self.south))
        west, east = (
            round(self.west + berth * BERTH_METRES * metre_east, 7)
            for berth in (first, first + berths)
        )
        south, north = self.south, round(self.south + DEEP_METRES * METRE_NORTH, 7)
        ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
        return {"type": "Polygon", "coordinates": [ring]}


def faces() -> list[Face]:
    """All block faces, district by district."""
    return [
        Face(
            zone_id=f"p-{code}-{number}",
            area_id=f"p-{code}",
            name=name,
            tariff_zone=zone,
            south=round(south + number * STREETS_APART_METRES * METRE_NORTH, 7),
            west=west,
        )
        for code, (_, south, west, streets) in DISTRICTS.items()
        for number, (name, zone) in enumerate(streets, 1)
    ]


def cameras() -> dict[str, list[str]]:
    """The cameras in the streets, with the berths that each watches."""
    return {camera: berths for face in faces() for camera, berths in face.cameras.items()}


def kiosks() -> dict[str, Face]:
    """The kiosks, each at the block face whose west end it stands at: one in each district."""
    first: dict[str, Face] = {}
    for face in faces():
        first.setdefault(face.area_id, face)
    return {f"{KIOSK_PREFIX}{number}": face for number, face in enumerate(first.values(), 1)}


def as_geojson() -> bytes:
    """All places as a file; districts first, because the others lie in them."""
    return orjson.dumps(
        {"type": "FeatureCollection", "features": list(_features())},
        option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE,
    )


def _features() -> Iterator[dict[str, Any]]:
    for code, (name, south, west, streets) in DISTRICTS.items():
        span = (len(streets) + 2) * STREETS_APART_METRES * METRE_NORTH
        yield _feature(f"p-{code}", "area", name, _square(south, west, span))
    for face in faces():
        yield from _of_a_face(face)
    name, south, west, _ = DISTRICTS["jinshui"]
    west = round(west + STREETS_APART_METRES * METRE_NORTH, 7)
    ground = _square(south, west, 60 * METRE_NORTH)
    yield _feature(
        GARAGE,
        "facility",
        GARAGE_NAME,
        ground,
        parent="p-jinshui",
        tariff_zone="1",
        capacity=CAPACITY,
    )
    for kiosk, face in kiosks().items():
        stands = {"type": "Point", "coordinates": [face.west, face.south]}
        yield _feature(kiosk, "kiosk", f"{face.name}缴费亭", stands, parent=face.zone_id)
    for gate, called in ((WAY_IN, "入口"), (WAY_OUT, "出口"), (COUNTER, "计数器")):
        point = {"type": "Point", "coordinates": [west, south]}
        of = {"device_type": "in_ground" if gate == COUNTER else "camera", "watches": [GARAGE]}
        yield _feature(gate, "device", f"{GARAGE_NAME}{called}", point, **of)


def _of_a_face(face: Face) -> Iterator[dict[str, Any]]:
    yield _feature(
        face.zone_id,
        "zone",
        face.name,
        face.corners(0, BERTHS),
        parent=face.area_id,
        tariff_zone=face.tariff_zone,
        length_cm=round(BERTHS * BERTH_METRES * 100),
    )
    for number, berth in enumerate(face.berths, 1):
        yield _feature(
            berth,
            "berth",
            f"{face.name}{number}号",
            face.corners(number - 1, 1),
            parent=face.zone_id,
            number=number,
            length_cm=round(BERTH_METRES * 100),
        )
    for camera, berths in face.cameras.items():
        point = {"type": "Point", "coordinates": [face.west, face.south]}
        of = {"device_type": "camera", "watches": berths}
        yield _feature(camera, "device", f"{face.name}摄像机", point, **of)


def _square(south: float, west: float, degrees: float) -> dict[str, Any]:
    north, east = round(south + degrees, 7), round(west + degrees, 7)
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def _feature(
    place_id: str, kind: str, name: str, geometry: dict[str, Any], **members: Any
) -> dict[str, Any]:
    said = {"place_id": place_id, "kind": kind, "valid_from": VALID_FROM, "name": name}
    properties = said | {"simulated": True} | members
    return {"type": "Feature", "properties": properties, "geometry": geometry}
