"""Distances on a sphere of 6 371 km; half a percent from the ellipsoid's at most."""

from math import asin, cos, pi, radians, sin, sqrt

EARTH_RADIUS_M = 6_371_000.0
METRES_A_DEGREE = EARTH_RADIUS_M * pi / 180  # of latitude


def metres_between(
    latitude: float, longitude: float, other_latitude: float, other_longitude: float
) -> float:
    """The great-circle distance (haversine)."""
    half_north = sin(radians(other_latitude - latitude) / 2)
    half_east = sin(radians(other_longitude - longitude) / 2)
    chord = half_north**2 + half_east**2 * cos(radians(latitude)) * cos(radians(other_latitude))
    return 2 * EARTH_RADIUS_M * asin(min(sqrt(chord), 1.0))


def degrees_around(latitude: float, radius_m: float) -> tuple[float, float]:
    """How many degrees north and east a circle reaches at most."""
    north = radius_m / METRES_A_DEGREE
    return north, north / max(cos(radians(min(abs(latitude) + north, 89.0))), 0.01)
