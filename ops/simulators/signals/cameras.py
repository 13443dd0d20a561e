"""What the cameras of a junction see: never more than that of the simulator.

Seen are the last 150 m before a stop line, the exits, the box between, and who stands at a
crossing; less where the zones of its cameras are shorter. Where a vehicle wants to go is not seen
before it has crossed the stop line.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from citybrain.definitions.signals.sumo_net import Net
from citybrain.domain.signals.strategies.strategy import ExitSeen, LaneSeen, Observations
from ops.simulators.signals.placing import Pieces, Placed
from ops.simulators.signals.street import Street

RANGE_M = 150.0
STOP_LINE_M = 40.0
"""A vehicle that was this near to the stop line and is behind it has crossed it. Where the lane is
a stub it stands behind that as well: nobody is on three metres of road when a second ends."""
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
    """The cameras of one junction. They remember who stood where a second ago.

    `zones`: how far they see, in metres by lane and exit; `RANGE_M` where none is named.
    """

    net: Net
    placed: Placed
    zones: Mapping[str, float] = field(default_factory=dict)
    _before_line: dict[str, Pieces] = field(default_factory=dict)
    _near: dict[str, set[str]] = field(default_factory=dict)
    _standing: dict[str, int] = field(default_factory=dict)
    _ways: dict[str, dict[str, str]] = field(default_factory=dict)
    _groups: dict[str, frozenset[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        layout = self.placed.dated.junction.layout
        for code, inside in self.placed.ways.items():
            ways = self._ways.setdefault(layout.movements[code].lane, {})
            ways.update(dict.fromkeys((*inside, self.placed.leaves[code]), code))
        for code in self._ways:
            stretches = (code, *layout.lanes[code].upstream)
            pieces = (each for stretch in stretches for each in self.placed.lanes[stretch])
            self._before_line[code] = tuple(each for each in pieces if each[1] < STOP_LINE_M)
        self._groups = {
            lane: frozenset(each.group for each in layout.of_lane(lane) if each.group)
            for lane in layout.lanes
        }

    def look(self, street: Street, at: int) -> Sight:
        """What is to be seen now; `at` in milliseconds since 1970."""
        lanes, waiting, crossed = {}, set[str](), dict[str, int]()
        for code, pieces in self.placed.lanes.items():
            lanes[code] = self._lane(street, code, pieces, waiting)
            if code in self._ways:
                self._count(street, code, crossed)
        if self.placed.crossings:
            edges = frozenset(each for of in self.placed.crossings.values() for each in of)
            pressed = set(street.waiting_at(edges).values())
            waiting |= {
                group
                for group, of in self.placed.crossings.items()
                if any(edge in pressed for edge in of)
            }
        exits = {code: ExitSeen(self._room(street, code)) for code in self.placed.exits}
        seen = Observations(at, lanes, exits, crossed, self._inside(street, at))
        return Sight(seen, frozenset(waiting))

    def _lane(self, street: Street, code: str, pieces: Pieces, waiting: set[str]) -> LaneSeen:
        vehicles, zone = [], self.zones.get(code, RANGE_M)
        for lane, before in pieces:
            length = self.net.lanes[lane].length
            for each in reversed(street.lane(lane)):
                far = before + length - each.position
                if far > zone:
                    break
                vehicles.append((round(far, 1), round(each.speed, 1)))
                if each.speed < QUEUES:
                    waiting |= self._groups[code]
        return LaneSeen(tuple(sorted(vehicles) if len(pieces) > 1 else vehicles))

    def _count(self, street: Street, code: str, crossed: dict[str, int]) -> None:
        """Who was before the stop line and is behind it now, by where they went."""
        near = {
            each.vehicle
            for lane, before in self._before_line[code]
            for each in street.lane(lane)
            if before + self.net.lanes[lane].length - each.position < STOP_LINE_M
        }
        for vehicle in self._near.get(code, set()) - near:
            movement = self._ways[code].get(street.lane_of(vehicle) or "")
            if movement is not None:
                crossed[movement] = crossed.get(movement, 0) + 1
        self._near[code] = near

    def _inside(self, street: Street, at: int) -> dict[str, int]:
        """Who is in the box: by movement for how long somebody has stood there at most."""
        standing, found = dict[str, int](), dict[str, int]()
        for movement, lanes in self.placed.ways.items():
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
        moving, whole = 0, self.placed.dated.junction.layout.exits[code].length_m
        zone = self.zones.get(code, RANGE_M)
        for lane, begin in self.placed.exits[code]:
            for each in street.lane(lane):
                far = begin + each.position
                if far > zone:
                    break
                if each.speed < QUEUES:
                    return round(max(0.0, (far - LENGTH_M) / PLACE_M - moving), 1)
                moving += 1
        return round(whole / PLACE_M, 1)
