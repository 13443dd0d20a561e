"""One run: a scenario under one controller, and what it cost everybody who wanted to travel.

Delay is time loss and departure delay over all demand: who is still on the road counts as far as
they came, who never entered counts from when they wanted to. Nothing is reported of a run in which
the simulator took anybody off the street.
"""

import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean

from ops.simulators.signals.demand import Demand
from ops.simulators.signals.street import Handling, Records


class RunInvalid(ValueError):
    """There is no mean of a run in which the simulator helped."""


@dataclass(frozen=True, slots=True)
class Trip:
    """What became of one who wanted to travel, in seconds. `arrived`: the moment, None not yet.

    `entered_late`: how long they waited to enter; part of `delay`, not of `travel`.
    """

    delay: float
    travel: float
    waiting: float
    stops: int
    arrived: float | None
    entered: bool
    entered_late: float = 0.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to. `invalid`: why its mean means nothing."""

    trips: Mapping[str, Trip]
    kinds: Mapping[str, str]
    invalid: tuple[str, ...]

    @property
    def mean_delay(self) -> float:
        """Seconds, over all demand. Raises `RunInvalid`."""
        if self.invalid:
            raise RunInvalid("; ".join(self.invalid))
        return fmean(each.delay for each in self.trips.values())

    def mean_delay_of(self, kind: str) -> float | None:
        """Seconds, over all of a type; None where there are none, or the run is invalid."""
        delays = [trip.delay for each, trip in self.trips.items() if self.kinds.get(each) == kind]
        return fmean(delays) if delays and not self.invalid else None

    @property
    def counts(self) -> dict[str, int]:
        """How many arrived, are on the road, and never entered."""
        trips = self.trips.values()
        return {
            "arrived": sum(each.arrived is not None for each in trips),
            "on_the_road": sum(each.entered and each.arrived is None for each in trips),
            "never_entered": sum(not each.entered for each in trips),
        }


def outcome(
    demand: Demand, records: Records, handling: Handling, ended: int, until: int
) -> Outcome:
    """Read what the simulator wrote. `ended`: the last second of the run.

    `until`: up to when whoever is left is charged; later than `ended` where nobody moves any more.
    """
    trips = {
        vehicle: trip
        if trip.arrived is not None
        else replace(trip, delay=trip.delay + until - ended)
        for vehicle, trip in _trips(records.trips)
    }
    for vehicle, depart in demand.departs.items():
        if vehicle not in trips:
            waited = max(0.0, until - depart)
            trips[vehicle] = Trip(waited, 0.0, waited, 0, None, entered=False)
    invalid = [*handling.wrong, *_helped(records.statistics)]
    strangers = len(trips.keys() - demand.departs.keys())
    if strangers:
        invalid.append(f"{strangers} vehicles are not of the demand")
    return Outcome(trips, demand.kinds, tuple(invalid))


def _trips(path: Path) -> list[tuple[str, Trip]]:
    found = []
    for _, each in ET.iterparse(path):
        if each.tag != "tripinfo":
            continue
        arrival, depart = float(each.get("arrival", "-1")), float(each.get("depart", "-1"))
        loss, late = float(each.get("timeLoss", "0")), float(each.get("departDelay", "0"))
        trip = Trip(
            max(0.0, loss) + max(0.0, late),
            max(0.0, float(each.get("duration", "0"))),
            max(0.0, float(each.get("waitingTime", "0"))),
            int(each.get("waitingCount", "0")),
            arrival if arrival >= 0 else None,
            depart >= 0,
            max(0.0, late),
        )
        found.append((each.get("id", ""), trip))
        each.clear()
    return found


def _helped(path: Path) -> list[str]:
    """Whom the simulator took off the street, by its own counts."""
    teleports = ET.parse(path).getroot().find("teleports")
    total = 0 if teleports is None else int(teleports.get("total", "0"))
    return [f"{total} vehicles were taken off the street"] if total else []
