"""Who wants to travel: one demand for a scenario, a seed and a scale, whoever controls the lights.

It is written to a file before the run, so that all that is measured is measured over the same
demand. Networks of our own draw theirs from the seed; a scenario's own trips are kept, thinned out
or doubled by the scale. Trips before the window are left out, as the simulator drops them.
"""

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from ops.simulators.signals.scenarios import OwnNetwork, Scenario, ScenarioUnknown

STOP_SECONDS = 20
MOST_SPREADS = 2.0
"""No vehicle of a line enters further from its time than so many standard deviations."""
TYPES = (
    {"id": "car", "vClass": "passenger", "speedDev": "0.1"},
    {"id": "bus", "vClass": "bus"},
    {"id": "emergency", "vClass": "emergency"},
)


@dataclass(frozen=True, slots=True)
class Demand:
    """The file, and when each vehicle wants to depart (seconds of the simulation), by its id.

    `kinds`: its type by id, as the demand says it.
    """

    path: Path
    departs: dict[str, float]
    kinds: dict[str, str] = field(default_factory=dict)


def write_demand(scenario: Scenario, seed: int, scale: float, path: Path) -> Demand:
    """Write the demand of a scenario. The same arguments give the same file."""
    said = f"{scenario.name}/{seed}/{scale:g}"
    root = ET.Element("routes")
    if scenario.own is not None:
        root.extend(ET.Element("vType", each) for each in TYPES)
        found = list(_drawn(scenario, scenario.own, said, scale))
    else:
        found = list(_kept(scenario, root, Random(said), scale))
    found.sort(key=lambda each: (float(each.get("depart", "0")), each.get("id", "")))
    root.extend(found)
    ET.ElementTree(root).write(path, encoding="utf-8")
    vehicles = [each for each in found if each.tag != "person"]
    return Demand(
        path,
        {each.get("id", ""): float(each.get("depart", "0")) for each in vehicles},
        {each.get("id", ""): each.get("type", "") for each in vehicles},
    )


def _border(net: Path) -> list[tuple[str, str]]:
    """All pairs of an edge into the network and an edge out of it, not back where one came from."""
    root = ET.parse(net).getroot()
    ends = {each.get("id") for each in root.iter("junction") if each.get("type") == "dead_end"}
    edges = sorted(root.findall("edge"), key=lambda each: each.get("id", ""))
    into = [(each.get("from"), each.get("id", "")) for each in edges if each.get("from") in ends]
    out = [(each.get("to"), each.get("id", "")) for each in edges if each.get("to") in ends]
    return [(one, other) for node, one in into for there, other in out if node != there]


def _drawn(scenario: Scenario, own: OwnNetwork, seed: str, scale: float) -> Iterator[ET.Element]:
    """Each flow has a chance of its own, so that a shorter window has the same first vehicles."""
    seconds = scenario.end - scenario.begin
    border = _border(scenario.net) if own.across or own.on_foot else []
    flows = [*own.vehicles, *((one, other, own.across / len(border)) for one, other in border)]
    for begins, to, per_hour in flows:
        chance = Random(f"{seed}/{begins}/{to}")
        for number, at in enumerate(_arrivals(chance, per_hour * scale, seconds)):
            yield _trip(f"{begins}-{to}.{number}", "car", at, begins, to)
    walks = [(one, other, own.on_foot / len(border)) for one, other in border if own.on_foot]
    for begins, to, per_hour in (*own.people, *walks):
        chance = Random(f"{seed}/{begins}/{to}/on foot")
        for number, at in enumerate(_arrivals(chance, per_hour * scale, seconds)):
            said = {"id": f"walk.{begins}-{to}.{number}", "depart": f"{at:.1f}"}
            person = ET.Element("person", said)
            ET.SubElement(person, "walk", {"from": begins, "to": to})
            yield person
    for line in own.lines:
        chance = Random(f"{seed}/{line.name}")
        for number, second in enumerate(range(line.first, seconds, line.every)):
            late = min(MOST_SPREADS, max(-MOST_SPREADS, chance.gauss(0.0, 1.0))) * line.spread
            enters = max(0.0, second + late)
            vehicle = _trip(f"{line.name}.{number}", line.kind, enters, line.begins, line.to)
            for lane in line.stops:
                ET.SubElement(vehicle, "stop", {"lane": lane, "duration": f"{STOP_SECONDS}"})
            yield vehicle


def _trip(name: str, kind: str, at: float, begins: str, to: str) -> ET.Element:
    said = {"id": name, "type": kind, "depart": f"{at:.1f}", "from": begins, "to": to}
    return ET.Element("trip", said | {"departLane": "best", "departSpeed": "max"})


def _arrivals(chance: Random, per_hour: float, seconds: int) -> Iterator[float]:
    """Moments of a Poisson process."""
    at = chance.expovariate(per_hour / 3600) if per_hour else float(seconds)
    while at < seconds:
        yield round(at, 1)
        at += chance.expovariate(per_hour / 3600)


def _kept(
    scenario: Scenario, root: ET.Element, chance: Random, scale: float
) -> Iterator[ET.Element]:
    """The scenario's own vehicles within its window; each as often as the scale says."""
    for path in scenario.routes:
        for each in ET.parse(path).getroot():
            if each.tag in ("flow", "personFlow"):
                raise ScenarioUnknown(f"{path.name} has flows: its demand cannot be counted before")
            if each.tag not in ("vehicle", "trip", "person"):
                root.append(each)
                continue
            depart = float(each.get("depart", "0"))
            if not scenario.begin <= depart < scenario.end:
                continue
            times = int(scale) + (chance.random() < scale % 1)
            for copy in range(times):
                yield _copy(each, copy, depart, scenario.end, chance)


def _copy(each: ET.Element, number: int, depart: float, end: int, chance: Random) -> ET.Element:
    """The vehicle itself, or one more like it within the next minute."""
    if number == 0:
        return each
    twin = deepcopy(each)
    later = min(depart + chance.uniform(0, 60), end - 0.1)
    twin.set("id", f"{each.get('id')}+{number}")
    twin.set("depart", f"{later:.1f}")
    return twin
