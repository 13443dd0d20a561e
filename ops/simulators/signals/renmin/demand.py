"""Who travels on Renmin Road: flows without an end, drawn from the seed by the simulator.

More wants to cross the road than its plan of the day gives time to, and less goes along it: what
a plan of before does not know. All of it is assumed.
"""

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from random import Random

import libsumo

from ops.simulators.signals.demand import STOP_SECONDS, TYPES

FOR_EVER = 1_000_000_000
"""Seconds; longer than any street stands."""

ROAD = (("west", "east", 400.0), ("east", "west", 320.0))
"""Vehicles an hour along the whole road."""

ACROSS = {
    "renmin_1": (430.0, 200.0),
    "renmin_2": (460.0, 260.0),
    "renmin_3": (220.0, 450.0),
    "renmin_4": (440.0, 180.0),
}
"""By junction, vehicles an hour from the north and from the south."""

TURNING = 20.0
"""Vehicles an hour from each side street into the road each way, and off the road each way."""

ON_FOOT = 25.0
"""People an hour over each arm."""

NEAR_M = 45.0
"""Metres from the beginning of the pocket, where people come; and to where they go."""

BUS_EVERY, AMBULANCE_EVERY = 300, 900
BUS_BEGINS = {"east": 60, "west": 210}
"""Second of the street at which the first bus of each way enters."""
AMBULANCE = "ambulance"
STOPS = {"east": ("renmin_1.XE_1", "renmin_3.XE_1"), "west": ("renmin_4.XW_1", "renmin_2.XW_1")}
ENDS = {"west": ("renmin_1.W.behind", "renmin_1.XW"), "east": ("renmin_4.E.behind", "renmin_4.XE")}
"""Where one comes in at the ends of the road, and where one leaves it."""


def write(path: Path, *, scale: float = 1.0) -> Path:
    """Write the flows; `scale` of all vehicles, not of buses and ambulances."""
    root = ET.Element("routes")
    root.extend(ET.Element("vType", each) for each in TYPES)
    root.extend(_vehicles(scale))
    root.extend(_lines())
    ET.ElementTree(root).write(path, encoding="utf-8")
    return path


def _vehicles(scale: float) -> Iterator[ET.Element]:
    for begins, to, per_hour in ROAD:
        yield _cars(f"{begins}-{to}", ENDS[begins][0], ENDS[to][1], per_hour * scale)
    for junction, (north, south) in ACROSS.items():
        from_north, from_south = f"{junction}.N.behind", f"{junction}.S.behind"
        yield _cars(f"{junction}-ns", from_north, f"{junction}.XS", north * scale)
        yield _cars(f"{junction}-sn", from_south, f"{junction}.XN", south * scale)
        for end in ENDS:
            into, out = ENDS[end]
            for side in "NS":
                name = f"{junction}-{side}-{end}"
                yield _cars(f"{name}-in", f"{junction}.{side}.behind", out, TURNING * scale)
                yield _cars(f"{name}-off", into, f"{junction}.X{side}", TURNING * scale)


def _cars(name: str, begins: str, to: str, per_hour: float) -> ET.Element:
    said = {"id": name, "type": "car", "from": begins, "to": to, "begin": "0"}
    said |= {"end": str(FOR_EVER), "period": f"exp({per_hour / 3600:.6f})"}
    return ET.Element("flow", said | {"departLane": "best", "departSpeed": "max"})


def _lines() -> Iterator[ET.Element]:
    for to, stops in STOPS.items():
        begins = ENDS["west" if to == "east" else "east"][0]
        said = {"id": f"bus-{to}", "type": "bus", "from": begins, "to": ENDS[to][1]}
        said |= {"begin": str(BUS_BEGINS[to]), "end": str(FOR_EVER), "period": str(BUS_EVERY)}
        bus = ET.Element("flow", said | {"departLane": "best"})
        for lane in stops:
            ET.SubElement(bus, "stop", {"lane": lane, "duration": str(STOP_SECONDS)})
        yield bus
    said = {"id": AMBULANCE, "type": "emergency", "begin": "240", "end": str(FOR_EVER)}
    said |= {"from": ENDS["west"][0], "to": ENDS["east"][1], "period": str(AMBULANCE_EVERY)}
    yield ET.Element("flow", said | {"departLane": "best", "departSpeed": "max"})


class Walkers:
    """People on foot, who come one by one: the simulator would make all of a flow at once."""

    def __init__(self, seed: int) -> None:
        self._chance = Random(seed)
        self._came = 0

    def come(self) -> None:
        """Whoever comes in this second, to cross one arm."""
        for junction in ACROSS:
            for arm in "NESW":
                if self._chance.random() < ON_FOOT / 3600:
                    self._came += 1
                    name, begins, to = (
                        f"walk.{self._came}",
                        f"{junction}.{arm}",
                        f"{junction}.X{arm}",
                    )
                    libsumo.person.add(name, begins, NEAR_M, libsumo.constants.DEPARTFLAG_NOW)
                    libsumo.person.appendWalkingStage(name, [begins, to], NEAR_M)
