"""Where the lanes, exits and crossings of a junction are on paper, by their bearings alone.

Drivers keep to the right. Arms are as long as each other and meet in a box; nothing is to scale but
the order of lanes and the directions.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import cos, hypot, radians, sin, tan

from citybrain.definitions.signals.junction_file import JunctionFile

LANE, ARM = 26.0, 110.0
SAME_ARM = 25.0
"""Lanes and exits whose bearings differ by no more are one arm."""
CROSSING = 9.0
"""From a stop line to the middle of the crossing before it."""
LEAST_BOX, MOST_BOX = 40.0, 170.0

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Arm:
    """A street of the junction. `lanes` in, `exits` out, each from the kerb inwards."""

    bearing: float
    lanes: tuple[str, ...]
    exits: tuple[str, ...]

    @property
    def out(self) -> Point:
        """The direction away from the junction; y grows downwards."""
        return sin(radians(self.bearing)), -cos(radians(self.bearing))

    @property
    def side(self) -> Point:
        """The direction to the side on which traffic comes in."""
        return -cos(radians(self.bearing)), -sin(radians(self.bearing))

    @property
    def half(self) -> float:
        """Half of its width, were both sides as wide as the wider one."""
        return max(len(self.lanes), len(self.exits), 1) * LANE

    def at(self, away: float, aside: float) -> Point:
        """The point so far from the middle of the junction, and so far to the side of incoming."""
        (x, y), (sx, sy) = self.out, self.side
        return x * away + sx * aside, y * away + sy * aside


@dataclass(frozen=True, slots=True)
class Sketch:
    """A junction on paper; its middle is (0, 0). `box`: from there to each stop line."""

    arms: tuple[Arm, ...]
    box: float

    @property
    def reach(self) -> float:
        """From the middle to the end of each arm."""
        return self.box + ARM

    def lane(self, code: str) -> tuple[Arm, float]:
        """The arm of an approach lane, and how far its middle is to the side."""
        arm = next(each for each in self.arms if code in each.lanes)
        return arm, (len(arm.lanes) - arm.lanes.index(code) - 0.5) * LANE

    def exit(self, code: str) -> tuple[Arm, float]:
        """The arm of an exit, and how far its middle is to the side."""
        arm = next(each for each in self.arms if code in each.exits)
        return arm, -(len(arm.exits) - arm.exits.index(code) - 0.5) * LANE

    def way(self, lane: str, exit_: str) -> str:
        """The path of a movement from stop line to exit, as SVG."""
        (begin, aside), (end, other) = self.lane(lane), self.exit(exit_)
        x0, y0 = begin.at(self.box, aside)
        x1, y1 = end.at(self.box, other)
        bend = max(0.5 * hypot(x1 - x0, y1 - y0), LANE)
        (ux, uy), (vx, vy) = begin.out, end.out
        return (
            f"M{x0:.1f} {y0:.1f}C{x0 - ux * bend:.1f} {y0 - uy * bend:.1f} "
            f"{x1 - vx * bend:.1f} {y1 - vy * bend:.1f} {x1:.1f} {y1:.1f}"
        )

    def near(self, bearing: float) -> Arm:
        """The arm in this direction."""
        return min(self.arms, key=lambda arm: _apart(arm.bearing, bearing))


def sketch(file: JunctionFile) -> Sketch | None:
    """The sketch of a junction whose lanes and exits all have bearings; None where one has none."""
    begins = list(dict.fromkeys(each.lane for each in file.movements.values()))
    lanes = {code: file.lanes[code].bearing for code in file.lanes if code in begins}
    exits = {code: each.bearing for code, each in file.exits.items()}
    known = {**lanes, **exits}
    bearings = {code: bearing for code, bearing in known.items() if bearing is not None}
    if not bearings or len(bearings) < len(known):
        return None
    arms = tuple(
        Arm(
            _middle([bearings[code] for code in codes]),
            tuple(code for code in lanes if code in codes),
            tuple(code for code in exits if code in codes),
        )
        for codes in _clusters(bearings)
    )
    return Sketch(arms, _box(arms) + (2 * CROSSING if file.crossings else 0))


def _clusters(bearings: Mapping[str, float]) -> list[set[str]]:
    """Codes by arm, clockwise from north."""
    clusters: list[set[str]] = []
    last: float | None = None
    for code, bearing in sorted(bearings.items(), key=lambda each: each[1]):
        if last is None or bearing - last > SAME_ARM:
            clusters.append(set())
        clusters[-1].add(code)
        last = bearing
    if len(clusters) > 1:
        low = min(bearings[code] for code in clusters[0])
        high = max(bearings[code] for code in clusters[-1])
        if low + 360 - high <= SAME_ARM:  # across north
            clusters[0] |= clusters.pop()
    return clusters


def _middle(bearings: Iterable[float]) -> float:
    """The middle of bearings that are near one another, though north may be between them."""
    first, *others = bearings
    turns = [(each - first + 180) % 360 - 180 for each in others]
    return (first + sum(turns) / (len(turns) + 1)) % 360


def _apart(one: float, other: float) -> float:
    return abs((one - other + 180) % 360 - 180)


def _box(arms: Sequence[Arm]) -> float:
    """How far stop lines are from the middle, so that no arm lies on another one."""
    needed = [LEAST_BOX]
    for place, arm in enumerate(arms):
        following = arms[(place + 1) % len(arms)]
        apart = _apart(arm.bearing, following.bearing)
        if 0 < apart < 180:
            widest = max(arm.half, following.half)
            needed.append(widest / tan(radians(apart / 2)) + LANE)
    return min(MOST_BOX, max(needed))
