"""Buses on Renmin Road: each asks for the next junction, and says when it has passed.

A bus knows its line, its timetable and where it is, as its on-board unit does. It asks when it has
left the last stop before a junction.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from citybrain.domain.signals.signal_events import moment
from ops.simulators.client import Client, Person
from ops.simulators.signals.demand import STOP_SECONDS
from ops.simulators.signals.renmin.demand import BUS_BEGINS, BUS_EVERY, STOPS
from ops.simulators.signals.street import Street

NEAR_M, PACE_M_PER_S = 200.0, 10.0
TIMETABLE_M_PER_S = 7.5
AGAIN_MS = 5_000
COMPANY = Person("bus-company", "gateway", acts_for=("bus:renmin_*",))
PATH = "/v1/signals/buses/requests"
LINES = {f"bus-{to}": f"renmin_{to}" for to in STOPS}
"""By flow of the street, the line as junctions know it."""


@dataclass
class Buses:
    """All that are on the road, with the junction that each has asked for."""

    _next: dict[str, tuple[str, str]] = field(default_factory=dict)
    _again: dict[str, int] = field(default_factory=dict)

    def drive(self, street: Street, at: int) -> list[dict[str, Any]]:
        """What they ask at `at`, milliseconds since 1970."""
        there, found = street.of_lines(LINES), []
        for vehicle, flow in there.items():
            lights = street.next_lights(vehicle)
            junction = lights[0][0] if lights else None
            if vehicle in self._next and self._next[vehicle][1] != junction:
                found.append(self._passed(vehicle))
            if junction is None or at < self._again.get(vehicle, 0) or lights[0][2] > NEAR_M:
                continue
            if not street.stops_within(vehicle, lights[0][2]):
                found.append(self._asks(street, vehicle, flow, junction, lights[0][2], at))
        found += [self._passed(vehicle) for vehicle in self._next.keys() - there.keys()]
        return found

    def _asks(
        self, street: Street, vehicle: str, flow: str, junction: str, metres: float, at: int
    ) -> dict[str, Any]:
        known = vehicle in self._next
        self._next[vehicle], self._again[vehicle] = (LINES[flow], junction), at + AGAIN_MS
        to, number = flow.removeprefix("bus-"), int(vehicle.rpartition(".")[2])
        begins = BUS_BEGINS[to] + number * BUS_EVERY
        stood = street.stops_made(vehicle, len(STOPS[to])) * STOP_SECONDS
        due = begins + street.driven_m(vehicle) / TIMETABLE_M_PER_S + stood
        return self._said(vehicle) | {
            "request_type": "priorityRequestUpdate" if known else "priorityRequest",
            "arrives_at": (moment(at) + timedelta(seconds=metres / PACE_M_PER_S)).isoformat(),
            "late_s": round(street.now - due),
        }

    def _passed(self, vehicle: str) -> dict[str, Any]:
        said = self._said(vehicle) | {"request_type": "priorityCancellation", "passed": True}
        del self._next[vehicle]
        self._again.pop(vehicle, None)
        return said

    def _said(self, vehicle: str) -> dict[str, Any]:
        line, junction = self._next[vehicle]
        return {"junction": junction, "line": line, "request": vehicle}


async def send(client: Client, requests: list[dict[str, Any]]) -> None:
    """To the server."""
    await client.command(COMPANY, PATH, {"requests": requests})
