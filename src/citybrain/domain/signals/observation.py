"""What a detector says at one moment, and what of it can be true.

A reading is no event: thousands come each second. It is held against what its lane can hold and
carry; one that cannot be true is refused, and tells that its detector is not well.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import NamedTuple

from citybrain.domain.signals.layout import Detector, Layout
from citybrain.errors import InvalidInput, NotFound, Refused

SPACE_M = 7.5
"""What a standing vehicle takes of a lane with the gap before it, metres (SUMO: 5 + 2.5)."""

LEAST_SPACE_M = 4.0
"""No more stand in a lane than one every so many metres."""

STANDING_M_PER_S = 5 / 3.6
"""Who is slower is in a queue (HCM 6: 5 mph; the stricter 5 km/h)."""

SPEED_FACTOR = 2.0
"""Faster than so many times what is allowed is no speed of a vehicle."""

MOST_A_SECOND = 20
"""More actuations a second are no reading. Far fewer are chatter, which is counted, and judged."""

LONGEST_MS = 300_000
"""A reading speaks of five minutes at most."""

MOST_VEHICLES = 200
"""No picture shows more, and no exit has more room."""

LATEST_MS = 3_600_000
"""What is older is not counted any more."""

Vehicles = tuple[tuple[float, float], ...]


class Reading(NamedTuple):
    """What a detector says at `at`, milliseconds since 1970; None: it does not say.

    `covers_ms`: over how long before `at` it counted. `passed`: vehicles; `occupancy`:
    the share of that time, 0 to 1; `speed`: their mean, m/s. Of the moment itself: `queue`,
    vehicles that stand; `occupied`, whether the zone is, until it says otherwise; `vehicles`,
    metres to the end of the lane and m/s of each, the nearest first; `room`, vehicles that still
    fit into an exit. By movement: `crossed`, over the stop line; `in_box`, milliseconds for which
    somebody has stood in the box.
    """

    at: int
    covers_ms: int = 0
    passed: int | None = None
    occupancy: float | None = None
    speed: float | None = None
    queue: int | None = None
    occupied: bool | None = None
    vehicles: Vehicles | None = None
    room: float | None = None
    crossed: Mapping[str, int] | None = None
    in_box: Mapping[str, int] | None = None


class DetectorUnknown(NotFound):
    """The junction has no such detector."""

    code = "signal-detector-unknown"


class LaneUnknown(NotFound):
    """The junction has no such lane or exit, or the detector does not watch it."""

    code = "signal-lane-unknown"


class ReadingImpossible(InvalidInput):
    """No lane can hold or carry this."""

    code = "signal-reading-impossible"


class ReadingInFuture(Refused):
    """The reading is of a moment that has not come."""

    code = "signal-reading-in-future"


class ReadingTooLate(Refused):
    """The reading is of a time that is counted and closed."""

    code = "signal-reading-too-late"


class ReadingDiffers(Refused):
    """The detector has said something else of this moment; that stands."""

    code = "signal-reading-differs"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a detector can say: of its lane or exit, whose length and speed are known.

    `movements`: those of which it can tell. `holds`: standing vehicles; `speed`: m/s.
    """

    length_m: float
    speed: float
    holds: int
    movements: frozenset[str]

    @classmethod
    def of(cls, detector: Detector, layout: Layout) -> "Limits":
        """Of a detector of this layout; an exit has the speed of the fastest lane."""
        fastest = max((each.speed_m_per_s for each in layout.lanes.values()), default=0.0)
        lane, way_out = layout.lanes.get(detector.lane or ""), layout.exits.get(detector.lane or "")
        length = lane.length_m if lane else way_out.length_m if way_out else 0.0
        reach = max(length, detector.to_m)
        speed = SPEED_FACTOR * (lane.speed_m_per_s if lane else fastest)
        told = (
            code
            for code, each in layout.movements.items()
            if detector.lane in (each.lane, each.exit)
        )
        return cls(reach, speed, ceil(reach / LEAST_SPACE_M) + 1, frozenset(told))


def wrong(reading: Reading, limits: Limits) -> str | None:
    """Which member cannot be true, and what could; None where all can."""
    _, covers_ms, passed, occupancy, speed, queue, _, vehicles, room, crossed, in_box = reading
    if passed is not None and not 0 <= passed * 1000 <= MOST_A_SECOND * max(covers_ms, 1000):
        return f"count: from 0 to {MOST_A_SECOND} a second"
    if occupancy is not None and not 0.0 <= occupancy <= 1.0:
        return "occupancy: from 0 to 1"
    if speed is not None and not 0.0 <= speed <= limits.speed:
        return f"speed: from 0 to {limits.speed:g} m/s on this lane"
    if queue is not None and not 0 <= queue <= limits.holds:
        return f"queue: from 0 to {limits.holds} vehicles on this lane"
    if room is not None and not 0.0 <= room <= MOST_VEHICLES:
        return f"room: from 0 to {MOST_VEHICLES} vehicles"
    if vehicles is not None and (text := _wrong_vehicles(vehicles, limits)):
        return text
    if crossed is not None and (text := _wrong_movements("crossed", crossed, limits, covers_ms)):
        return text
    if in_box is not None:
        return _wrong_movements("in_box", in_box, limits, covers_ms)
    return None


def _wrong_vehicles(vehicles: Vehicles, limits: Limits) -> str | None:
    """The nearest comes first."""
    if not vehicles:
        return None
    if not (vehicles[0][0] >= 0.0 and vehicles[-1][0] <= limits.length_m + SPACE_M):
        return f"vehicles: from 0 to {limits.length_m:g} m before the end of this lane"
    speeds = [speed for _, speed in vehicles]
    if not (min(speeds) >= 0.0 and max(speeds) <= limits.speed):
        return f"vehicles: from 0 to {limits.speed:g} m/s on this lane"
    if len(vehicles) > limits.holds:
        return f"vehicles: at most {limits.holds} on this lane"
    return None


def _wrong_movements(
    member: str, said: Mapping[str, int], limits: Limits, covers_ms: int
) -> str | None:
    most = 86_400_000 if member == "in_box" else MOST_A_SECOND * max(covers_ms, 1000) // 1000
    for movement, number in said.items():
        if movement not in limits.movements:
            return f"{member}: a movement that does not begin or end where this detector looks"
        if not 0 <= number <= most:
            return f"{member}: from 0 to {most}"
    return None


def standing(reading: Reading) -> int | None:
    """How many vehicles stand, as far as the reading says so."""
    if reading.queue is not None or reading.vehicles is None:
        return reading.queue
    return len([speed for _, speed in reading.vehicles if speed < STANDING_M_PER_S])


def room_of(reading: Reading, length_m: float) -> float | None:
    """How many vehicles still fit into an exit of `length_m` metres; None where that is not said.

    As the detector says, else as many as the street has places for, less those who are there.
    """
    if reading.room is not None:
        return reading.room
    there = len(reading.vehicles) if reading.vehicles is not None else reading.queue
    return None if there is None else float(max(0, int(length_m / SPACE_M) - there))
