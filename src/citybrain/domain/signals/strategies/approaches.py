"""A junction as arrays: its approach lanes, its stages, and what each change between them takes."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from citybrain.domain.signals.junction import Junction
from citybrain.domain.signals.layout import DetectorKind, Movement
from citybrain.domain.signals.strategies.planning import Floats, Ints

SECOND_MS = 1000
PLACE_M = 7.5
"""The length of road that a standing vehicle takes, with its gap."""
ROUNDED_M = 1.0
"""By so many metres lengths and distances may disagree."""
SHORT_GREEN = 3.0
"""Vehicles that go from a lane in a short green."""
WATCHING = (DetectorKind.CAMERA, DetectorKind.RADAR)


@dataclass(frozen=True, slots=True)
class Approach:
    """An approach lane with a lamp: its movements, and the lanes that it is seen on.

    `begins_m`: how far each of those begins before the stop line. `one_street`: they lie one behind
    the other. `seen_m`: up to how far from the stop line who comes is seen.
    """

    lane: str
    speed: float
    movements: tuple[Movement, ...]
    stretches: tuple[str, ...]
    begins_m: tuple[float, ...]
    one_street: bool
    seen_m: float

    @property
    def length_m(self) -> float:
        """Of the longest way through them."""
        return max(1.0, *self.begins_m)

    def way_m(self, lanes: Collection[str]) -> float:
        """How far it is from the beginning of the furthest of these lanes to the stop line."""
        ways = zip(self.stretches, self.begins_m, strict=True)
        return max((begins for code, begins in ways if code in lanes), default=self.length_m)


@dataclass(frozen=True, slots=True)
class Approaches:
    """`rows`: approach lanes, then groups on foot, in the order of all arrays. Times in seconds.

    `green`: by stage and row, 1.0 where something of it is green. `opens`: by stage and lane, for
    each movement whether it is green. `begins`: by stage, next stage and row, after how long it is
    green. `lost`, `least`: by stage and next stage, how long the change takes, and the minimum of
    what begins. `watched`: lanes and exits with a detector. `places`: by row, vehicles that the
    shortest of its exits holds.
    """

    stages: tuple[str, ...]
    lanes: tuple[Approach, ...]
    walkers: tuple[str, ...]
    green: Floats
    opens: tuple[tuple[tuple[bool, ...], ...], ...]
    gives_way: tuple[tuple[tuple[bool, ...], ...], ...]
    opposed: NDArray[np.bool_]
    begins: Ints
    lost: Ints
    least: Ints
    watched: frozenset[str]
    places: Floats

    @property
    def rows(self) -> int:
        return len(self.lanes) + len(self.walkers)


def approaches(junction: Junction, seen_m: float) -> Approaches:
    """The arrays of a junction; `seen_m` where its detectors do not say how far they see."""
    stages, layout = tuple(sorted(junction.stages)), junction.layout
    by_lane: dict[str, list[Movement]] = {}
    for movement in layout.movements.values():
        by_lane.setdefault(movement.lane, []).append(movement)
    lanes = tuple(
        _approach(junction, code, each, seen_m)
        for code, each in by_lane.items()
        if any(movement.group for movement in each)
    )
    walkers = tuple(code for code, group in sorted(junction.groups.items()) if group.on_foot)
    opens = tuple(
        tuple(
            tuple(_open(each, junction.stages[stage]) for each in lane.movements) for lane in lanes
        )
        for stage in stages
    )
    gives_way, opposed = _yielding(junction, stages, lanes, len(lanes) + len(walkers))
    green = np.array(
        [
            [float(any(lane)) for lane in opens[place]]
            + [float(code in junction.stages[stage]) for code in walkers]
            for place, stage in enumerate(stages)
        ]
    )
    begins, lost, least = _changes(junction, stages, lanes, walkers)
    watched = frozenset(each.lane for each in layout.detectors.values() if each.lane)
    return Approaches(
        stages=stages,
        lanes=lanes,
        walkers=walkers,
        green=green,
        opens=opens,
        gives_way=gives_way,
        opposed=opposed,
        begins=begins,
        lost=lost,
        least=least,
        watched=watched,
        places=_places(junction, lanes, len(walkers)),
    )


def weights(model: Approaches, queue: Floats) -> Floats:
    """By row, what a queue weighs: up to twice as much where it fills a lane between two junctions.

    It holds up the junction behind it, whose queues are not seen. The fewer vehicles a lane holds
    than go in a short green, the sooner it does so.
    """
    found, lanes = np.ones(model.rows), len(model.lanes)
    places = np.array([lane.length_m for lane in model.lanes]) / PLACE_M
    full = np.minimum(1.0, queue[:lanes] / places) ** 2
    found[:lanes] += full * np.minimum(1.0, SHORT_GREEN / places)
    return found


def backed_rows(model: Approaches, lanes: Collection[str]) -> NDArray[np.bool_]:
    """By row, whether it is seen on one of these lanes."""
    found = np.zeros(model.rows, dtype=np.bool_)
    for row, lane in enumerate(model.lanes):
        found[row] = any(each in lanes for each in lane.stretches)
    return found


def _places(junction: Junction, lanes: tuple[Approach, ...], walkers: int) -> Floats:
    """Vehicles that the shortest exit of each row holds; none of groups on foot."""
    exits = junction.layout.exits
    found = [
        min((exits[each.exit].length_m for each in lane.movements if each.exit in exits), default=0)
        for lane in lanes
    ]
    return np.array([length / PLACE_M for length in found] + [0.0] * walkers)


def _open(movement: Movement, groups: frozenset[str]) -> bool:
    return movement.group is None or movement.group in groups


def _approach(junction: Junction, code: str, movements: list[Movement], seen_m: float) -> Approach:
    layout = junction.layout
    own = layout.lanes.get(code)
    stretches = tuple(dict.fromkeys((code, *(own.upstream if own else ()))))
    known = {each: layout.lanes[each] for each in stretches if each in layout.lanes}
    ends = [known[each].to_stop_line_m if each in known else 0.0 for each in stretches]
    begins = [
        end + known[each].length_m if each in known else 0.0
        for each, end in zip(stretches, ends, strict=True)
    ]
    reach = [
        min(seen_m, known[detector.lane].to_stop_line_m + detector.to_m)
        for detector in layout.detectors.values()
        if detector.lane in known and detector.kind in WATCHING
    ]
    return Approach(
        lane=code,
        speed=max(1.0, own.speed_m_per_s if own else 13.9),
        movements=tuple(movements),
        stretches=stretches,
        begins_m=tuple(begins),
        one_street=all(
            behind > here - ROUNDED_M for here, behind in zip(begins, ends[1:], strict=False)
        ),
        seen_m=max(reach, default=min(seen_m, max(begins))),
    )


def _yielding(
    junction: Junction, stages: tuple[str, ...], lanes: tuple[Approach, ...], rows: int
) -> tuple[tuple[tuple[tuple[bool, ...], ...], ...], NDArray[np.bool_]]:
    """Which movements give way in which stage, and to which lanes."""
    place = {lane.lane: number for number, lane in enumerate(lanes)}
    opposed = np.zeros((len(stages), rows, rows), dtype=np.bool_)
    found = []
    for number, stage in enumerate(stages):
        groups, in_stage = junction.stages[stage], []
        for row, lane in enumerate(lanes):
            yields = []
            for movement in lane.movements:
                before = [
                    place[other.lane]
                    for other in map(junction.layout.movements.get, movement.yields_to)
                    if other is not None
                    and other.lane in place
                    and other.lane != lane.lane
                    and _open(other, groups)
                ]
                yields.append(bool(before) and _open(movement, groups))
                if yields[-1]:
                    opposed[number, row, before] = True
            in_stage.append(tuple(yields))
        found.append(tuple(in_stage))
    return tuple(found), opposed


def _changes(
    junction: Junction,
    stages: tuple[str, ...],
    lanes: tuple[Approach, ...],
    walkers: tuple[str, ...],
) -> tuple[Ints, Ints, Ints]:
    """When each row is green after a change, how long changes take, and the minimums after them."""
    groups_of = [
        *(sorted({each.group for each in lane.movements if each.group}) for lane in lanes),
        *([code] for code in walkers),
    ]
    count = len(stages)
    begins = np.zeros((count, count, len(groups_of)), dtype=np.int64)
    lost, least = np.zeros((count, count), dtype=np.int64), np.zeros((count, count), dtype=np.int64)
    for one, stage in enumerate(stages):
        for other, following in enumerate(stages):
            before, after = junction.stages[stage], junction.stages[following]
            again = junction.interrupted(before, after)
            ending, starting = before - after, after - before
            for row, groups in enumerate(groups_of):
                waits = [junction.between(ending, [each]) for each in groups if each in starting]
                waits += [junction.again_after(each) for each in groups if each in again]
                begins[one, other, row] = _seconds(waits)
            waits = [junction.between(ending, starting), *map(junction.again_after, again)]
            lost[one, other] = _seconds(waits)
            least[one, other] = _seconds(junction.groups[each].minimum_ms for each in starting)
    return begins, lost, least


def _seconds(milliseconds: Iterable[int]) -> int:
    return ceil(max(milliseconds, default=0) / SECOND_MS)
