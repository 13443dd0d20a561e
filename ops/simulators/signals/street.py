"""The street: one simulation in this process, by libsumo.

Lamps are set one way only, as raw states; after each step what the simulator shows is read back,
and a difference stops the run. Whoever controls the lights reads nothing here but through cameras.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

import libsumo

from ops.simulators.signals.scenarios import Scenario

VERY_LATE = 10_000_000
BLUE = "emergency"
STANDS_ON_FOOT = 0.1  # m/s


class LightsDiffer(RuntimeError):
    """The simulator shows other lamps than those that were commanded."""


@dataclass(frozen=True, slots=True)
class Handling:
    """How the simulator treats who is stuck or collides. Only the defaults measure anything.

    `teleport_s`: after how long it takes a vehicle off the street; −1 never. `blocker_s`: after
    how long those who stand in a junction are driven through. `collisions`: what is done with them.
    `gives_up_s`: after how long whoever cannot enter goes another way; −1 never.
    """

    teleport_s: int = -1
    blocker_s: int = -1
    collisions: str = "warn"
    gives_up_s: int = -1

    @property
    def wrong(self) -> tuple[str, ...]:
        """Why nothing may be measured under it."""
        found = []
        if self.teleport_s != -1:
            found.append(f"vehicles are taken off the street after {self.teleport_s} s")
        if self.blocker_s != -1:
            found.append(f"who blocks a junction is ignored after {self.blocker_s} s")
        if self.collisions not in ("warn", "none"):
            found.append(f"vehicles that collide are handled by {self.collisions!r}")
        if self.gives_up_s != -1:
            found.append(f"who cannot enter within {self.gives_up_s} s does not come")
        return tuple(found)


class Seen(NamedTuple):
    """A vehicle on a lane: metres from the lane's beginning, and m/s."""

    vehicle: str
    position: float
    speed: float


@dataclass(frozen=True, slots=True)
class Records:
    """Where the simulator writes what became of each trip, and its counts."""

    trips: Path
    statistics: Path


class Street:
    """A running simulation, a second a step. Use it as a context."""

    def __init__(
        self,
        scenario: Scenario,
        net: Path,
        routes: Path,
        records: Records,
        *,
        seed: int,
        handling: Handling,
        additional: Sequence[Path] = (),
    ) -> None:
        self.now = scenario.begin
        self._commanded: dict[str, str] = {}
        self._lanes: dict[str, tuple[Seen, ...]] = {}
        self._options = [
            "sumo",
            *("--net-file", str(net), "--route-files", str(routes)),
            *(("--additional-files", ",".join(map(str, additional))) if additional else ()),
            *("--begin", str(scenario.begin), "--end", str(scenario.end + VERY_LATE)),
            *("--step-length", "1", "--seed", str(seed)),
            *("--time-to-teleport", str(handling.teleport_s)),
            *("--ignore-junction-blocker", str(handling.blocker_s)),
            *("--collision.action", handling.collisions),
            *("--max-depart-delay", str(handling.gives_up_s)),
            *("--no-step-log", "true", "--no-warnings", "true", "--duration-log.disable", "true"),
            *("--tripinfo-output", str(records.trips)),
            *("--tripinfo-output.write-unfinished", "true"),
            *("--tripinfo-output.write-undeparted", "true"),
            *("--statistic-output", str(records.statistics)),
        ]

    def __enter__(self) -> "Street":
        libsumo.start(self._options)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        libsumo.close()

    def step(self, lights: Mapping[str, str]) -> None:
        """Show these lamps for one second. Raises `LightsDiffer`."""
        for light, state in lights.items():
            if self._commanded.get(light) != state:
                libsumo.trafficlight.setRedYellowGreenState(light, state)
                self._commanded[light] = state
        libsumo.simulationStep()
        self.now += 1
        self._lanes.clear()
        for light, state in self._commanded.items():
            shown = libsumo.trafficlight.getRedYellowGreenState(light)
            if shown != state:
                raise LightsDiffer(
                    f"at {self.now} s light {light} shows {shown}, {state} was commanded"
                )

    def shown(self, light: str) -> str:
        """What a light shows."""
        return str(libsumo.trafficlight.getRedYellowGreenState(light))

    def lane(self, lane: str) -> tuple[Seen, ...]:
        """The vehicles on a lane, the one furthest back first."""
        found = self._lanes.get(lane)
        if found is None:
            position, speed = libsumo.vehicle.getLanePosition, libsumo.vehicle.getSpeed
            found = self._lanes[lane] = tuple(
                Seen(each, position(each), speed(each))
                for each in libsumo.lane.getLastStepVehicleIDs(lane)
            )
        return found

    def lane_of(self, vehicle: str) -> str | None:
        """On which lane a vehicle is now; None where it is gone."""
        try:
            return str(libsumo.vehicle.getLaneID(vehicle))
        except libsumo.TraCIException:
            return None

    def next_link(self, vehicle: str) -> int:
        """The place in its next light's state by which a vehicle will go on. Not for cameras."""
        lights = self.next_lights(vehicle)
        return lights[0][1] if lights else -1

    def emergency_vehicles(self) -> list[str]:
        """Those on the road."""
        vehicles = libsumo.vehicle
        return [each for each in vehicles.getIDList() if vehicles.getVehicleClass(each) == BLUE]

    def next_lights(self, vehicle: str) -> list[tuple[str, int, float]]:
        """The lights on a vehicle's way: each with its link there, and how far it is, in metres."""
        lights = libsumo.vehicle.getNextTLS(vehicle)
        return [(each[0], int(each[1]), float(each[2])) for each in lights]

    def route(self, begins: str, to: str) -> tuple[str, ...]:
        """The edges of the shortest way from one edge to another."""
        return tuple(libsumo.simulation.findRoute(begins, to).edges)

    def of_lines(self, lines: Collection[str]) -> dict[str, str]:
        """The vehicles of these lines that are on the road, each with its line."""
        found = {each: each.rpartition(".")[0] for each in libsumo.vehicle.getIDList()}
        return {each: line for each, line in found.items() if line in lines}

    def stops_within(self, vehicle: str, metres: float) -> bool:
        """Whether a vehicle stands at a stop of its line, or comes to one within so many metres."""
        vehicles = libsumo.vehicle
        if vehicles.isStopped(vehicle):
            return True
        stops = vehicles.getStops(vehicle, 1)
        if not stops:
            return False
        lane, position = stops[0].lane, stops[0].endPos
        edge, _, place = lane.rpartition("_")
        return bool(vehicles.getDrivingDistance(vehicle, edge, position, int(place)) < metres)

    def stops_made(self, vehicle: str, of: int) -> int:
        """How many of its stops a vehicle has behind it."""
        return of - len(libsumo.vehicle.getStops(vehicle))

    def driven_m(self, vehicle: str) -> float:
        """How far a vehicle has come, in metres."""
        return float(libsumo.vehicle.getDistance(vehicle))

    def waiting_at(self, crossings: frozenset[str]) -> dict[str, str]:
        """The people who stand before one of these crossings, each with the crossing."""
        found: dict[str, str] = {}
        for person in libsumo.person.getIDList():
            if libsumo.person.getSpeed(person) < STANDS_ON_FOOT:
                crossing = libsumo.person.getNextEdge(person)
                if crossing in crossings:
                    found[person] = crossing
        return found

    def lost(self) -> float:
        """Vehicle-seconds that all lost in the last second, but emergency vehicles.

        Who wants to enter and cannot loses all of it; who stands at a stop of its line nothing.
        """
        vehicles = libsumo.vehicle
        lost = float(len(libsumo.simulation.getPendingVehicles()))
        for each in vehicles.getIDList():
            speed = vehicles.getSpeed(each)
            if vehicles.getVehicleClass(each) == BLUE or (not speed and vehicles.isStopped(each)):
                continue
            lost += max(0.0, 1.0 - speed / vehicles.getAllowedSpeed(each))
        return lost

    @property
    def is_empty(self) -> bool:
        """Whether everybody arrived, also those who had not entered yet."""
        return int(libsumo.simulation.getMinExpectedNumber()) == 0

    @property
    def arrived(self) -> int:
        """How many arrived in the last second."""
        return int(libsumo.simulation.getArrivedNumber())

    @property
    def on_the_road(self) -> int:
        """How many are on the road now."""
        return int(libsumo.vehicle.getIDCount())
