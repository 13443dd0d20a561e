"""A network as the simulator has it: lanes, connections, who yields to whom, and programs.

Read from the file `*.net.xml` of SUMO; nothing of a running simulation stands here.
"""

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

LONGEST_VIA = 6
"""Internal lanes that follow each other within a junction, at most."""


@dataclass(frozen=True, slots=True)
class Link:
    """A connection from lane to lane. `index`: its place in the light's states, where it has one.

    `via`: the lanes inside the junction, in order. `turn`: SUMO's direction (s, l, r, t, L, R).
    """

    begins: str
    to: str
    via: tuple[str, ...]
    light: str | None
    index: int
    turn: str


@dataclass(frozen=True, slots=True)
class Phase:
    """A phase of a program: seconds, and a letter for each link."""

    seconds: float
    state: str


@dataclass(frozen=True, slots=True)
class Program:
    """A light's own plan."""

    offset: float
    phases: tuple[Phase, ...]


class Net:
    """A network's file, read once."""

    def __init__(self, path: Path) -> None:
        root = ET.parse(path).getroot()
        self.length: dict[str, float] = {}
        self.speed: dict[str, float] = {}
        self.edge_of: dict[str, str] = {}
        self.crossings: set[str] = set()
        for edge in root.iter("edge"):
            if edge.get("function") == "crossing":
                self.crossings.add(edge.get("id", ""))
            for lane in edge.iter("lane"):
                code = lane.get("id", "")
                self.length[code] = float(lane.get("length", "0"))
                self.speed[code] = float(lane.get("speed", "0"))
                self.edge_of[code] = edge.get("id", "")
        self._read_junctions(root)
        self.links = tuple(self._links(root))
        self.programs = {
            each.get("id", ""): Program(
                float(each.get("offset", "0")),
                tuple(
                    Phase(float(phase.get("duration", "0")), phase.get("state", ""))
                    for phase in each.iter("phase")
                ),
            )
            for each in root.iter("tlLogic")
        }
        self.into: dict[str, list[Link]] = {}
        self.out_of: dict[str, list[Link]] = {}
        for link in self.links:
            self.into.setdefault(link.to, []).append(link)
            self.out_of.setdefault(link.begins, []).append(link)

    def of_light(self, light: str) -> tuple[Link, ...]:
        """The links that a light holds, in the order of their places."""
        found = (each for each in self.links if each.light == light)
        return tuple(sorted(found, key=lambda each: (each.index, each.begins, each.to)))

    def foes(self, one: Link, other: Link) -> bool:
        """Whether the ways of two links cross or merge."""
        return self._bit(one, other, 0) or self._bit(other, one, 0)

    def yields(self, one: Link, other: Link) -> bool:
        """Whether the first must let the second go first where both may go."""
        return self._bit(one, other, 1)

    def _bit(self, one: Link, other: Link, which: int) -> bool:
        here, there = self._place(one), self._place(other)
        if here is None or there is None or here[0] != there[0]:
            return False
        bits = self._requests[here[0]].get(here[1])
        return bits is not None and there[1] < len(bits[which]) and bits[which][there[1]] == "1"

    def _place(self, link: Link) -> tuple[str, int] | None:
        """Its junction and place there; a left turn's is that of its second lane inside."""
        lanes = link.via or (f"{self.edge_of[link.to]}_0",)
        return next((self._inside[lane] for lane in lanes if lane in self._inside), None)

    def _read_junctions(self, root: ET.Element) -> None:
        """Requests by junction. Those of type `internal` list other lanes under the same name."""
        self._inside: dict[str, tuple[str, int]] = {}
        self._requests: dict[str, dict[int, tuple[str, str]]] = {}
        for junction in root.iter("junction"):
            if junction.get("type") == "internal":
                continue
            code = junction.get("id", "")
            for place, lane in enumerate((junction.get("intLanes") or "").split()):
                self._inside[lane] = (code, place)
            self._requests[code] = {
                int(each.get("index", "0")): (
                    each.get("foes", "")[::-1],
                    each.get("response", "")[::-1],
                )
                for each in junction.iter("request")
            }

    def _links(self, root: ET.Element) -> Iterator[Link]:
        on_inside: dict[str, str] = {}
        rows = list(root.iter("connection"))
        for row in rows:
            via = row.get("via")
            if row.get("from", "").startswith(":") and via:
                on_inside[f"{row.get('from')}_{row.get('fromLane')}"] = via
        for row in rows:
            if row.get("from", "").startswith(":") and row.get("tl") is None:
                continue
            via, lanes = row.get("via"), list[str]()
            while via and len(lanes) < LONGEST_VIA:
                lanes.append(via)
                via = on_inside.get(via)
            yield Link(
                f"{row.get('from')}_{row.get('fromLane')}",
                f"{row.get('to')}_{row.get('toLane')}",
                tuple(lanes),
                row.get("tl"),
                int(row.get("linkIndex", "-1")),
                row.get("dir", "s"),
            )
