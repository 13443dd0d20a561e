"""What the cameras of a junction see: never more than that of the simulator.

Seen are the last 150 m before a stop line, the exits, the box between, and who stands at a
crossing. Where a vehicle wants to go is not seen before it has crossed the stop line.
"""

from dataclasses import dataclass, field

from citybrain.domain.signals.strategies.strategy import ExitSeen, LaneSeen, Observations
from ops.simulators.signals.importing import Placed
from ops.simulators.signals.net import Link, Net
from ops.simulators.signals.street import Street

RANGE_M = 150.0
STOP_LINE_M = 40.0
"""A vehicle that was this near to the stop line and is behind it has crossed it."""
PLACE_M, LENGTH_M = 7.5, 5.0
"""What a vehicle takes of a lane with its gap, and its length."""
STANDS, QUEUES = 0.5, 2.0
"""m/s: slower than this somebody stands, or is in a queue."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What is seen at one moment: observations, and the groups at which somebody waits."""

    observations: Observations
    waiting: frozenset[str]


@dataclass(slots=True)
class Cameras:
    """The cameras of one junction. They remember who stood where a second ago."""

    net: Net
    placed: Placed
    _near: dict[str, set[str]] = field(default_factory=dict)
    _standing: dict[str, int] = field(default_factory=dict)
    _ways: dict[str, dict[str, str]] = field(default_factory=dict)
    _box: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _exits: dict[str, tuple[tuple[str, float], ...]] = field(default_factory=dict)
    _reach: dict[str, float] = field(default_factory=dict)
    _groups: dict[str, frozenset[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        layout = self.placed.dated.junction.layout
        links = {(each.begins, each.to): each for each in self.net.of_light(self.placed.light)}
        for code, movement in layout.movements.items():
            begins, to = self.placed.lanes[movement.lane], self.placed.exits[movement.exit]
            inside = links[begins, to].via
            self._box[code] = inside
            ways = self._ways.setdefault(movement.lane, {})
            ways.update(dict.fromkeys((*inside, to), code))
        for code, lane in self.placed.exits.items():
            self._exits[code] = tuple(self._further(lane))
        groups = {
            lane: frozenset(each.group for each in layout.of_lane(lane) if each.group)
            for lane in layout.lanes
        }
        self._groups = groups
        behind: dict[str, float] = {}
        for lane_ in layout.lanes.values():
            far = lane_.length_m
            for upstream in lane_.upstream:
                behind[upstream] = min(behind.get(upstream, RANGE_M), far)
                far += layout.lanes[upstream].length_m
        self._reach = {code: RANGE_M - behind.get(code, 0.0) for code in layout.lanes}

    def _further(self, lane: str) -> list[tuple[str, float]]:
        """An exit as far as it is seen: lanes, and how far behind the junction each begins.

        Beyond a lane's end it goes on straight, up to the next light.
        """
        found, far = [(lane, 0.0)], self.net.length[lane]
        while far < RANGE_M:
            onward = [each for each in self.net.out_of.get(lane, []) if each.light is None]
            onward = [each for each in onward if each.turn != "t"]
            straight = [each for each in onward if each.turn == "s"] or onward
            if len(straight) != 1:
                break
            far = self._append(found, straight[0], far)
            lane = straight[0].to
        return found

    def _append(self, found: list[tuple[str, float]], link: Link, far: float) -> float:
        for each in (*link.via, link.to):
            found.append((each, far))
            far += self.net.length[each]
        return far

    def look(self, street: Street, at: int) -> Sight:
        """What is to be seen now; `at` in milliseconds since 1970."""
        lanes, waiting, crossed = {}, set[str](), dict[str, int]()
        for code, lane in self.placed.lanes.items():
            lanes[code] = self._lane(street, code, lane, waiting)
            if code in self._ways:
                self._count(street, code, lane, crossed)
        if self.placed.crossings:
            edges = frozenset(each for of in self.placed.crossings.values() for each in of)
            pressed = street.waiting_at(edges)
            waiting |= {
                group
                for group, of in self.placed.crossings.items()
                if any(edge in pressed for edge in of)
            }
        exits = {code: ExitSeen(self._room(street, code)) for code in self.placed.exits}
        seen = Observations(at, lanes, exits, crossed, self._inside(street, at))
        return Sight(seen, frozenset(waiting))

    def _lane(self, street: Street, code: str, lane: str, waiting: set[str]) -> LaneSeen:
        length, reach = self.net.length[lane], self._reach[code]
        vehicles = []
        for each in reversed(street.lane(lane)):
            far = length - each.position
            if far > reach:
                break
            vehicles.append((round(far, 1), round(each.speed, 1)))
            if each.speed < QUEUES:
                waiting |= self._groups[code]
        return LaneSeen(tuple(vehicles))

    def _count(self, street: Street, code: str, lane: str, crossed: dict[str, int]) -> None:
        """Who was before the stop line and is behind it now, by where they went."""
        length = self.net.length[lane]
        near = {each.vehicle for each in street.lane(lane) if length - each.position < STOP_LINE_M}
        for vehicle in self._near.get(code, set()) - near:
            movement = self._ways[code].get(street.lane_of(vehicle) or "")
            if movement is not None:
                crossed[movement] = crossed.get(movement, 0) + 1
        self._near[code] = near

    def _inside(self, street: Street, at: int) -> dict[str, int]:
        """Who is in the box: by movement for how long somebody has stood there at most."""
        standing, found = dict[str, int](), dict[str, int]()
        for movement, lanes in self._box.items():
            for lane in lanes:
                for each in street.lane(lane):
                    since = at
                    if each.speed < STANDS:
                        since = standing[each.vehicle] = self._standing.get(each.vehicle, at)
                    found[movement] = max(found.get(movement, 0), at - since)
        self._standing = standing
        return found

    def _room(self, street: Street, code: str) -> float:
        """How many vehicles still fit before the queue there, less those that roll up to it.

        Where nobody stands, what the whole exit holds.
        """
        last, begin = self._exits[code][-1]
        whole, moving = begin + self.net.length[last], 0
        for lane, begin in self._exits[code]:
            for each in street.lane(lane):
                far = begin + each.position
                if far > RANGE_M:
                    break
                if each.speed < QUEUES:
                    return round(max(0.0, (far - LENGTH_M) / PLACE_M - moving), 1)
                moving += 1
        return round(whole / PLACE_M, 1)
