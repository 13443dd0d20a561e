"""Emergency vehicles on the street: they tell the centre where they are and where they want to go.

A vehicle knows its own way, as its crew does. It asks for a junction when it is near, and says when
it has passed; the centre's rules decide.
"""

from dataclasses import dataclass, field
from datetime import timedelta

from citybrain.domain.signals import priority
from citybrain.errors import CitybrainError
from ops.simulators.signals.driving import Driven, from_ms
from ops.simulators.signals.street import Street

NEAR_M = 300.0
HOLDS = timedelta(seconds=120)
LEVEL = 1


@dataclass(slots=True)
class Emergencies:
    """All emergency vehicles of a run. `refused`: requests that the rules refused.

    `spans`: by vehicle, when it first asked and when it had passed its last junction, in
    milliseconds.
    """

    driven: dict[str, Driven]
    refused: int = 0
    spans: dict[str, tuple[int, int]] = field(default_factory=dict)
    _asked: set[tuple[str, str]] = field(default_factory=set)

    def look(self, street: Street, at: int) -> None:
        """A second of the street: new requests, and those that have passed."""
        near = {
            (light, vehicle): link
            for vehicle in street.emergency_vehicles()
            for light, link, metres in street.next_lights(vehicle)
            if metres < NEAR_M and light in self.driven
        }
        for _, vehicle in self._asked | near.keys():
            first, _ = self.spans.get(vehicle, (at, at))
            self.spans[vehicle] = (first, at)
        for light, vehicle in sorted(self._asked - near.keys()):
            driven = self.driven[light]
            if vehicle in driven.signal.preemptions:
                priority.end_preemption(
                    driven.signal, driven.junction, from_ms(at), vehicle, reason="passed"
                )
            self._asked.discard((light, vehicle))
        for (light, vehicle), link in sorted(near.items()):
            if (light, vehicle) not in self._asked:
                self._asked.add((light, vehicle))
                self._ask(self.driven[light], vehicle, link, at)

    def _ask(self, driven: Driven, vehicle: str, link: int, at: int) -> None:
        stage = _stage_for(driven, link)
        if stage is None:
            return
        now = from_ms(at)
        try:
            priority.ask(
                driven.signal,
                driven.junction,
                now,
                preemption=vehicle,
                stage=stage,
                level=LEVEL,
                vehicle=vehicle,
                until=now + HOLDS,
            )
        except CitybrainError:
            self.refused += 1


def _stage_for(driven: Driven, link: int) -> str | None:
    """The stage in which this link lets the fewest others go first; of those the widest."""
    links = driven.placed.links
    group = links[link].group
    if group is None:
        return None
    first = {links[other].group for other in links[link].first}
    stages = driven.junction.stages
    fitting = [code for code, groups in stages.items() if group in groups]
    return min(fitting, key=lambda code: (len(stages[code] & first), -len(stages[code]), code))
