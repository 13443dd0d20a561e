"""Ambulances on Renmin Road: each asks for green at the next junction, and says when it has passed.

An ambulance knows where it is and which junction comes next; of other vehicles it knows nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import libsumo

from citybrain.domain.signals.signal_events import moment
from ops.simulators.client import Client, Person
from ops.simulators.signals.placing import Placed
from ops.simulators.signals.renmin.demand import AMBULANCE

ASKS_AT_M = 300.0
HELD_FOR = timedelta(minutes=2)
"""By then it has passed, or asks again."""
LEVEL = 5


@dataclass(frozen=True, slots=True)
class Wish:
    """What the centre of the rescue service sends: a path, and a body."""

    path: str
    body: Mapping[str, Any]


@dataclass
class Ambulances:
    """All that are on the road, with the junction that each has asked for."""

    placed: Mapping[str, Placed]
    _asked: dict[str, str] = field(default_factory=dict)

    def drive(self, at: int) -> list[Wish]:
        """What they ask for at `at`, milliseconds since 1970."""
        found, there = list[Wish](), set[str]()
        for vehicle in libsumo.vehicle.getIDList():
            if vehicle.startswith(AMBULANCE):
                there.add(vehicle)
                found += self._one(vehicle, at)
        for vehicle in self._asked.keys() - there:
            found.append(self._passed(vehicle))
        return found

    def _one(self, vehicle: str, at: int) -> list[Wish]:
        """Its next junction; where another one comes next, the one that it asked for is past."""
        ahead = libsumo.vehicle.getNextTLS(vehicle)
        junction = ahead[0][0] if ahead else None
        found = []
        if self._asked.get(vehicle, junction) != junction:
            found.append(self._passed(vehicle))
        if junction is not None and vehicle not in self._asked and ahead[0][2] <= ASKS_AT_M:
            self._asked[vehicle] = junction
            found.append(self._asks(vehicle, junction, ahead[0][1], at))
        return found

    def _asks(self, vehicle: str, junction: str, link: int, at: int) -> Wish:
        placed = self.placed[junction]
        group = placed.links[link].group
        stages = placed.dated.junction.stages.items()
        leg = {
            "junction": junction,
            "stage": next(code for code, groups in stages if group in groups),
            "until": (moment(at) + HELD_FOR).isoformat(),
        }
        route = {"route": _route(vehicle), "vehicle": _route(vehicle), "level": LEVEL}
        return Wish("/v1/signals/routes", route | {"reason": "rescue", "legs": [leg]})

    def _passed(self, vehicle: str) -> Wish:
        junction = self._asked.pop(vehicle)
        path = f"/v1/signals/junctions/{junction}/preemptions/{_route(vehicle)}/end"
        return Wish(path, {"reason": "passed"})


def _route(vehicle: str) -> str:
    return vehicle.replace(".", "-")


DISPATCHER = Person("rescue-centre", "official", "traffic_police")


async def send(client: Client, wish: Wish) -> None:
    """To the server."""
    await client.command(DISPATCHER, wish.path, dict(wish.body))
