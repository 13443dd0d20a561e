"""Where places are, as CDS wants it: polygons, distances in metres, and what is free to place."""

from itertools import pairwise
from math import cos, radians
from typing import Any

import orjson
import shapely
from shapely.geometry.base import BaseGeometry

from citybrain.geo.distance import METRES_A_DEGREE, degrees_around
from citybrain.http.parking.cds.asking import Box, Circle

AROUND_A_POINT_M = 5.0
BESIDE_A_LINE_M = 1.0
LONGEST_PLACE_M = 3_000.0
"""No block face is longer: so far from its middle none is looked for."""
DIGITS = 7

Object = dict[str, Any]


def polygon_of(geometry: Object | None, length_cm: int | None) -> Object | None:
    """The polygon of a place; None where it has no place on the map.

    A line is one a metre to both sides; a point is a square as long as the place.
    """
    shape = shape_of(geometry)
    if shape is None:
        return None
    if shape.geom_type == "MultiPolygon":
        shape = max(shapely.get_parts(shape), key=lambda part: part.area)
    if shape.geom_type != "Polygon":
        longitude, latitude = shape.centroid.x, shape.centroid.y
        flat = _flat(shape, latitude, longitude)
        if shape.geom_type == "LineString":
            flat = flat.buffer(BESIDE_A_LINE_M, cap_style="flat")
        else:
            side = AROUND_A_POINT_M if length_cm is None else length_cm / 100
            flat = flat.envelope.buffer(side / 2, cap_style="square", join_style="mitre")
        shape = _round(flat, latitude, longitude)
    if shape.geom_type != "Polygon" or shape.is_empty:
        return None
    found: Object = orjson.loads(shapely.to_geojson(shapely.orient_polygons(shape)))
    return found


def shape_of(geometry: Object | None) -> BaseGeometry | None:
    """The geometry; None where there is none, or none that can be drawn."""
    if geometry is None:
        return None
    try:
        shape = shapely.from_geojson(orjson.dumps(geometry))
    except (shapely.errors.GEOSException, orjson.JSONEncodeError):
        return None
    if shape is None or shape.is_empty or not shape.is_valid:
        return None
    west, south, east, north = shape.bounds
    return shape if -180 <= west <= east <= 180 and -90 <= south <= north <= 90 else None


def longest_side_cm(geometry: Object | None) -> int | None:
    """How long a place is that was drawn as a polygon."""
    shape = shape_of(geometry)
    if shape is None or shape.geom_type != "Polygon":
        return None
    flat = _flat(shape, shape.centroid.y, shape.centroid.x).minimum_rotated_rectangle
    corners = [shapely.Point(corner) for corner in shapely.get_coordinates(flat)]
    sides = [one.distance(other) for one, other in pairwise(corners)]
    return max(1, round(max(sides) * 100)) if sides else None


def point_of(longitude: float | None, latitude: float | None) -> Object | None:
    """A GeoJSON point, longitude first."""
    if longitude is None or latitude is None:
        return None
    return {"type": "Point", "coordinates": [round(longitude, DIGITS), round(latitude, DIGITS)]}


def reach_of(around: Box | Circle) -> tuple[float, float, float, float]:
    """Degrees west, south, east and north that the middle of what is near lies in."""
    if isinstance(around, Box):
        box = around
    else:
        north, east = degrees_around(around.latitude, around.radius_m)
        box = Box(
            around.latitude - north,
            around.longitude - east,
            around.latitude + north,
            around.longitude + east,
        )
    north, east = degrees_around(max(abs(box.south), abs(box.north)), LONGEST_PLACE_M)
    return box.west - east, box.south - north, box.east + east, box.north + north


def metres_to(shape: BaseGeometry, around: Circle) -> float:
    """How far the nearest part of a shape is from the middle of a circle."""
    flat = _flat(shape, around.latitude, around.longitude)
    return float(flat.distance(shapely.Point(0, 0)))


def meets(shape: BaseGeometry, box: Box) -> bool:
    """Whether some of a shape lies in a box."""
    return bool(shape.intersects(shapely.box(box.west, box.south, box.east, box.north)))


def _flat(shape: BaseGeometry, latitude: float, longitude: float) -> BaseGeometry:
    """In metres east and north of a place."""
    east = METRES_A_DEGREE * cos(radians(latitude))

    def moved(points: Any) -> Any:
        return (points - (longitude, latitude)) * (east, METRES_A_DEGREE)

    return shapely.transform(shape, moved)


def _round(flat: BaseGeometry, latitude: float, longitude: float) -> BaseGeometry:
    """Back from metres to degrees."""
    east = METRES_A_DEGREE * cos(radians(latitude))

    def moved(points: Any) -> Any:
        return (points / (east, METRES_A_DEGREE) + (longitude, latitude)).round(DIGITS)

    return shapely.transform(flat, moved)
