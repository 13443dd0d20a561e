"""Buses of lines on the street: each asks for the next junction, and says when it has passed.

A bus knows its line, its timetable and where it is. It asks when it has left the last stop before a
junction; what the junction makes of it is decided there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import pairwise

from citybrain.definitions.signals.sumo_net import Net
from citybrain.domain.signals import buses
from citybrain.domain.signals.junction import BusLine
from citybrain.errors import CitybrainError
from ops.simulators.signals.demand import STOP_SECONDS
from ops.simulators.signals.driving import Driven, from_ms
from ops.simulators.signals.placing import Placed
from ops.simulators.signals.scenarios import BusLine as Line
from ops.simulators.signals.scenarios import OwnNetwork
from ops.simulators.signals.street import Street

BUS = "bus"
NEAR_M, PACE_M_PER_S = 200.0, 10.0
"""A bus asks when it is so near, and takes so long to the stop line as it thinks."""
AGAIN_MS = 5_000
LATE_MS, GAP_HEADWAYS = 60_000, 1.25
EXTEND_MS, EARLY_MS, AGAIN_AFTER_MS = 10_000, 10_000, 120_000
"""As a junction's definition says where it says nothing else."""


def lines_of(own: OwnNetwork | None) -> dict[str, Line]:
    """The bus lines of a network of our own, by name."""
    return {} if own is None else {each.name: each for each in own.lines if each.kind == BUS}


def with_lines(
    placed: Placed, net: Net, routes: Mapping[str, tuple[str, ...]], own: OwnNetwork
) -> Placed:
    """A junction whose definition lets the buses of these lines ask; `routes`: edges by line."""
    lines = lines_of(own)
    found = {
        code: BusLine(
            code,
            group,
            lines[code].every * 1000,
            LATE_MS,
            round(GAP_HEADWAYS * lines[code].every * 1000),
            EXTEND_MS,
            EARLY_MS,
            AGAIN_AFTER_MS,
        )
        for code, edges in routes.items()
        if (group := _group(placed, net, edges)) is not None
    }
    junction = replace(placed.dated.junction, bus_lines=found)
    return replace(placed, dated=replace(placed.dated, junction=junction))


def _group(placed: Placed, net: Net, edges: tuple[str, ...]) -> str | None:
    """The group that holds who goes by these edges; None where they do not pass here."""
    ways = set(pairwise(edges))
    for each in net.connections:
        if each.tl != placed.light:
            continue
        if (net.lanes[each.begin].edge, net.lanes[each.end].edge) in ways:
            return placed.links[each.link].group
    return None


@dataclass(slots=True)
class Buses:
    """All buses of a run; where no junction is driven nobody asks. `refused`: asked wrongly."""

    driven: Mapping[str, Driven]
    lines: Mapping[str, Line]
    refused: int = 0
    _next: dict[str, str] = field(default_factory=dict)
    _asked_at: dict[str, int] = field(default_factory=dict)
    _granted: set[tuple[str, str]] = field(default_factory=set)

    @property
    def granted(self) -> int:
        """At how many junctions a bus got priority, all buses together."""
        return len(self._granted)

    def look(self, street: Street, at: int) -> None:
        """A second of the street: new requests, and those that have passed."""
        there = street.of_lines(self.lines) if self.driven else {}
        for vehicle, line in there.items():
            light = street.next_lights(vehicle)
            here = light[0][0] if light else None
            if self._next.get(vehicle, here) != here:
                self._passed(vehicle, at)
            if here is None or here not in self.driven or light[0][2] > NEAR_M:
                continue
            if at >= self._asked_at.get(vehicle, 0) and not street.stops_within(
                vehicle, light[0][2]
            ):
                self._asked_at[vehicle] = at + AGAIN_MS
                self._next[vehicle] = here
                self._ask(street, vehicle, line, light[0][2], at)
        for vehicle in self._next.keys() - there.keys():
            self._passed(vehicle, at)

    def _ask(self, street: Street, vehicle: str, line: str, metres: float, at: int) -> None:
        driven, timetable = self.driven[self._next[vehicle]], self.lines[line]
        began = (timetable.first + int(vehicle.rpartition(".")[2]) * timetable.every) * 1000
        driving = street.driven_m(vehicle) / timetable.pace
        stood = street.stops_made(vehicle, len(timetable.stops)) * STOP_SECONDS
        try:
            status = buses.ask(
                driven.signal,
                driven.junction,
                from_ms(at),
                request=vehicle,
                line=line,
                arrives=from_ms(at) + timedelta(seconds=metres / PACE_M_PER_S),
                late_ms=at - began - round((driving + stood) * 1000),
            )
        except CitybrainError:
            self.refused += 1
            return
        if status is buses.Status.GRANTED:
            self._granted.add((driven.placed.light, vehicle))

    def _passed(self, vehicle: str, at: int) -> None:
        signal = self.driven[self._next.pop(vehicle)].signal
        self._asked_at.pop(vehicle, None)
        buses.end(signal, from_ms(at), vehicle, reason=buses.PASSED)
