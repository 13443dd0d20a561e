"""Where the junctions of a definition are in a running network: which lanes, links and crossings.

The definition is the one that `citybrain signals import-sumo` makes; here stands only how the
simulator calls what it speaks of.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from citybrain.definitions.signals.junctions import DatedJunction, dated
from citybrain.definitions.signals.sumo_import import Imported, SafetyTimes, import_net
from citybrain.definitions.signals.sumo_links import Signal, signals_of
from citybrain.definitions.signals.sumo_net import Net, read_net

Pieces = tuple[tuple[str, float], ...]
"""Lanes of the simulator, each with its distance in metres."""


@dataclass(frozen=True, slots=True)
class Held:
    """A place in a light's state: the group that holds it, and who goes first where both may.

    `free`: no lamp holds it. `on_red`: it may go on red after a stop.
    """

    group: str | None
    first: frozenset[int]
    free: bool
    on_red: bool


@dataclass(frozen=True, slots=True)
class Placed:
    """A junction and where it is on the street.

    `lanes`: by code the lanes that are it, and how far before the stop line each ends. `exits`:
    how far behind the junction each begins. `ways`: by movement the lanes inside the junction;
    `leaves`: by movement the lane that it goes to. `crossings`: by group of people on foot.
    """

    light: str
    dated: DatedJunction
    links: tuple[Held, ...]
    lanes: Mapping[str, Pieces]
    exits: Mapping[str, Pieces]
    ways: Mapping[str, tuple[str, ...]]
    leaves: Mapping[str, str]
    crossings: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Plan:
    """A network and its junctions."""

    net: Net
    junctions: tuple[Placed, ...]


def placed(path: Path, times: SafetyTimes) -> Plan:
    """All junctions of a network that have lights; raises `DefinitionError`."""
    net = read_net(path)
    signals = {each.program.tl: each for each in signals_of(net)}
    found = import_net(path, times).values()
    return Plan(net, tuple(_placed(net, signals[each.tl], each) for each in found))


def _placed(net: Net, signal: Signal, said: Imported) -> Placed:
    junction = dated(said.file)
    movements = junction.junction.layout.movements
    first, ways, leaves = dict(said.lanes), dict[str, tuple[str, ...]](), dict[str, str]()
    exits = {code: lane for lane, code in said.exits.items()}
    for link, codes in enumerate(said.links):
        for code in codes:
            begins = next(net_ for net_, each in first.items() if each == movements[code].lane)
            leaves[code] = exits[movements[code].exit]
            ways[code] = next(
                tuple(net.inside(each))
                for each in signal.by_link[link]
                if (each.begin, each.end) == (begins, leaves[code])
            )
    crossings: dict[str, tuple[str, ...]] = {}
    for link, group in said.crossings.items():
        edges = tuple(net.lanes[each.end].edge for each in signal.by_link[link])
        crossings[group] = crossings.get(group, ()) + edges
    return Placed(
        said.tl,
        junction,
        tuple(_held(signal, said, junction, link) for link in range(len(said.links))),
        {code: tuple(_pieces(net, said, lane, code)) for lane, code in said.lanes.items()},
        {code: tuple(each.items()) for code, each in said.beyond.items()},
        ways,
        leaves,
        crossings,
    )


def _held(signal: Signal, said: Imported, junction: DatedJunction, link: int) -> Held:
    movements = [junction.junction.layout.movements[code] for code in said.links[link]]
    groups = {each.group for each in movements if each.group}
    return Held(
        said.crossings.get(link) or next(iter(groups), None),
        frozenset(other for other in signal.by_link if other != link and signal.yields(link, other))
        if link in signal.by_link
        else frozenset(),
        link in said.free,
        any(each.on_red for each in movements),
    )


def _pieces(net: Net, said: Imported, lane: str, code: str) -> list[tuple[str, float]]:
    """The lane itself and, of one behind a stop line, the lanes inside junctions that follow it.

    It is as far as from the nearest of the stop lines that it is seen from.
    """
    ends: dict[str, float] = {}
    for seen in said.seen.values():
        for each, metres in seen.items():
            ends[each] = min(metres, ends.get(each, metres))
    if code in said.seen:
        return [(lane, 0.0)]
    inside = [each for link in net.out_of[lane] for each in net.inside(link) if each in ends]
    found = [(lane, ends[lane]), *((each, ends[each]) for each in dict.fromkeys(inside))]
    return sorted(found, key=lambda each: each[1])
