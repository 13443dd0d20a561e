"""The streets of Renmin Road, built for the simulator from the definitions of its junctions.

Each junction has four arms, and stands in a row with the others: lanes, pockets for left turns,
exits, movements and crossings are those of its file. Nothing is drawn by hand, so a changed file
changes the street.
"""

import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from citybrain.definitions.signals.junction_file import JunctionFile
from citybrain.definitions.signals.junctions import DatedJunction
from ops.simulators.signals.scenarios import ScenarioUnknown, sumo_tool

ARMS = {0: (0, 1), 90: (1, 0), 180: (0, -1), 270: (-1, 0)}
"""Bearings of the arms, and where they lead to."""
NAMES = {0: "N", 90: "E", 180: "S", 270: "W"}
SIDEWALK_M, CROSSING_M = 2.5, 4.0
SETBACK_M = 15.0
"""From the middle of a junction to its stop lines."""
ON_FOOT = "pedestrian"


@dataclass(frozen=True, slots=True)
class Arm:
    """An arm of a junction, as its file says: lanes in and out, from the kerb inwards.

    `short` of the lanes in begin `pocket_m` before the stop line; the others come from further.
    """

    junction: str
    bearing: int
    lanes: tuple[str, ...]
    short: frozenset[str]
    pocket_m: float
    length_m: float
    exits: tuple[str, ...]
    exit_m: float
    speed: float
    neighbour: str | None
    """The junction at the other end; None at the border."""

    @property
    def into(self) -> str:
        """The edge up to the stop line."""
        return f"{self.junction}.{NAMES[self.bearing]}"

    @property
    def out(self) -> str:
        """The edge behind the junction."""
        return f"{self.junction}.X{NAMES[self.bearing]}"

    @property
    def behind(self) -> str:
        """The edge before the pocket begins: at the border, or the exit of the next junction."""
        if self.neighbour is None:
            return f"{self.into}.behind"
        return f"{self.neighbour}.X{NAMES[(self.bearing + 180) % 360]}"

    @property
    def opens(self) -> str:
        """The node at which the pocket begins."""
        return f"{self.into}.opens"

    @property
    def long(self) -> tuple[str, ...]:
        """The lanes that come from behind."""
        return tuple(each for each in self.lanes if each not in self.short)


def arms(file: JunctionFile) -> list[Arm]:
    """The four arms of a junction. Raises `ScenarioUnknown` where it has others."""
    found = []
    for bearing in ARMS:
        lanes = {code: each for code, each in file.lanes.items() if each.bearing == bearing}
        exits = {code: each for code, each in file.exits.items() if each.bearing == bearing}
        if not lanes or not exits:
            raise ScenarioUnknown(f"{file.junction} has no arm at {bearing} degrees")
        length = max(each.length for each in lanes.values())
        leads = next(iter(exits.values())).leads_to
        found.append(
            Arm(
                file.junction,
                bearing,
                lanes=tuple(lanes),
                short=frozenset(code for code, each in lanes.items() if each.length < length),
                pocket_m=min(each.length for each in lanes.values()),
                length_m=length,
                exits=tuple(exits),
                exit_m=max(each.length for each in exits.values()),
                speed=max(each.speed for each in lanes.values()),
                neighbour=None if leads is None else leads[0],
            )
        )
    return found


def build(junctions: Sequence[DatedJunction], folder: Path) -> Path:
    """Build the network of these junctions, from west to east. Raises `ScenarioUnknown`."""
    files = [each.file for each in junctions]
    written = {
        "--node-files": _write("nodes", _nodes(files), folder / "renmin.nod.xml"),
        "--edge-files": _write("edges", _edges(files), folder / "renmin.edg.xml"),
        "--connection-files": _write("connections", _connections(files), folder / "renmin.con.xml"),
    }
    net = folder / "renmin.net.xml"
    options = [part for key, path in written.items() for part in (key, str(path))]
    command = [
        sumo_tool("netconvert"),
        *options,
        *("--no-turnarounds", "true", "--walkingareas", "true"),
        *("--output-file", str(net)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ScenarioUnknown(f"netconvert cannot build Renmin Road: {done.stderr.strip()}")
    return net


def _write(name: str, rows: Iterator[ET.Element], path: Path) -> Path:
    root = ET.Element(name)
    root.extend(rows)
    ET.ElementTree(root).write(path, encoding="utf-8")
    return path


def _nodes(files: Sequence[JunctionFile]) -> Iterator[ET.Element]:
    x = 0.0
    for file in files:
        own = arms(file)
        yield _row("node", id=file.junction, x=x, y=0.0, type="traffic_light")
        for arm in own:
            east, north = ARMS[arm.bearing]
            far = arm.pocket_m + SETBACK_M
            yield _row("node", id=arm.opens, x=x + east * far, y=north * far, type="priority")
            if arm.neighbour is None:
                far = arm.length_m + SETBACK_M
                yield _row("node", id=f"{arm.into}.ends", x=x + east * far, y=north * far)
        x += next(each.length_m for each in own if each.bearing == 90)


def _edges(files: Sequence[JunctionFile]) -> Iterator[ET.Element]:
    pockets = {
        (each.junction, each.bearing): each.pocket_m for file in files for each in arms(file)
    }
    for file in files:
        for arm in arms(file):
            yield _edge(arm.into, arm.opens, arm.junction, len(arm.lanes), arm.pocket_m, arm.speed)
            if arm.neighbour is None:
                begins = f"{arm.into}.ends"
                far = arm.length_m - arm.pocket_m
                yield _edge(arm.behind, begins, arm.opens, len(arm.long), far, arm.speed)
            to, far = f"{arm.into}.ends", arm.exit_m
            if arm.neighbour is not None:
                facing = (arm.bearing + 180) % 360
                to = f"{arm.neighbour}.{NAMES[facing]}.opens"
                far -= pockets[arm.neighbour, facing]
            yield _edge(arm.out, arm.junction, to, len(arm.exits), far, arm.speed)


def _edge(name: str, begins: str, to: str, lanes: int, length: float, speed: float) -> ET.Element:
    """An edge with a sidewalk at the kerb; lanes for vehicles are numbered from 1."""
    said: dict[str, str | float] = {"id": name, "from": begins, "to": to, "numLanes": lanes + 1}
    edge = _row("edge", **said, speed=speed, length=length)
    edge.append(_row("lane", index=0, allow=ON_FOOT, width=SIDEWALK_M))
    edge.extend(_row("lane", index=number + 1, disallow=ON_FOOT) for number in range(lanes))
    return edge


def _connections(files: Sequence[JunctionFile]) -> Iterator[ET.Element]:
    for file in files:
        own = arms(file)
        into = {lane: place for arm in own for lane, place in lanes_in(arm).items()}
        out = {lane: place for arm in own for lane, place in lanes_out(arm).items()}
        for movement in file.movements.values():
            yield _connection(into[movement.lane], out[movement.exit])
        for arm in own:
            for lane, (edge, number) in lanes_in(arm).items():
                yield _connection(lane_behind(arm, lane), (edge, number))
        for bearings in file.crossings.values():
            for bearing in bearings:
                arm = next(each for each in own if each.bearing == bearing)
                edges = f"{arm.into} {arm.out}"
                said = {"node": file.junction, "edges": edges, "priority": "true"}
                yield _row("crossing", **said, width=CROSSING_M)


def lanes_in(arm: Arm) -> dict[str, tuple[str, int]]:
    """By lane its edge before the stop line, and its number there."""
    return {lane: (arm.into, number) for number, lane in enumerate(arm.lanes, 1)}


def lanes_out(arm: Arm) -> dict[str, tuple[str, int]]:
    """By exit its edge behind the junction, and its number there."""
    return {lane: (arm.out, number) for number, lane in enumerate(arm.exits, 1)}


def lane_behind(arm: Arm, lane: str) -> tuple[str, int]:
    """The lane from which one comes to a lane: its own, or the innermost, for a pocket."""
    number = arm.long.index(lane) + 1 if lane in arm.long else len(arm.long)
    return arm.behind, number


def _connection(one: tuple[str, int], other: tuple[str, int]) -> ET.Element:
    said: dict[str, str | float] = {"from": one[0], "to": other[0]}
    said |= {"fromLane": one[1], "toLane": other[1]}
    return _row("connection", **said)


def _row(tag: str, /, **said: str | float) -> ET.Element:
    return ET.Element(tag, {name: str(value) for name, value in said.items()})
