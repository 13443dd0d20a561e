"""How long a junction takes to clear: intergreen times from the ways of those who leave and enter.

The formula is that of the German guidelines for traffic signals (RiLSA 2015, 2.7; also
https://de.wikipedia.org/wiki/Zwischenzeit_(Verkehrstechnik)):

    intergreen = crossing time + clearing time - entering time
    clearing time = (way from the stop line to the conflict + vehicle length) / clearing speed
    entering time = way from the other stop line to the conflict / entering speed

with 3 s of crossing time for those who go straight and 2 s for those who turn, a vehicle of 6 m,
clearing at 10 m/s straight and 7 m/s turning, entering at 40 km/h, and the whole rounded up to
seconds. It is never less than the yellow.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from shapely import LineString, Point, get_coordinates

VEHICLE_M = 6.0
STRAIGHT_CROSSING_S, TURNING_CROSSING_S = 3.0, 2.0
STRAIGHT_M_PER_S, TURNING_M_PER_S = 10.0, 7.0
ENTERING_M_PER_S = 40 / 3.6
TOUCHING_M = 3.0
"""Ways that come this near to one another are in conflict there, though their middles do not."""


@dataclass(frozen=True, slots=True)
class Way:
    """A way through a junction from the stop line on, in metres; `turns`: not straight."""

    points: Sequence[tuple[float, float]]
    turns: bool


def intergreen_s(leaving: Way, entering: Way, yellow_s: float) -> float:
    """Whole seconds from the beginning of yellow of one to the green of the other."""
    clearing_m, entering_m = _conflict(leaving, entering)
    crossing = TURNING_CROSSING_S if leaving.turns else STRAIGHT_CROSSING_S
    speed = TURNING_M_PER_S if leaving.turns else STRAIGHT_M_PER_S
    clearing = (clearing_m + VEHICLE_M) / speed
    seconds = crossing + clearing - entering_m / ENTERING_M_PER_S
    return max(yellow_s, float(ceil(round(seconds, 3))))


def _conflict(leaving: Way, entering: Way) -> tuple[float, float]:
    """The furthest conflict on the way out, and the nearest on the way in, in metres."""
    one, other = LineString(leaving.points), LineString(entering.points)
    where = one.intersection(other)
    if where.is_empty:
        where = one.intersection(other.buffer(TOUCHING_M))
    if where.is_empty:
        return one.length, 0.0
    places = [Point(each) for each in get_coordinates(where)]
    return (
        float(max(one.project(each) for each in places)),
        float(min(other.project(each) for each in places)),
    )
