"""Lanes, exits and movements of the signals of a SUMO network, and what they are called.

A code says where a thing is: `N1` is the lane at the kerb of the approach from the north, `N1L`
its left turn, `XE2` the second exit lane to the east, `N_1` a lane behind the approach.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from citybrain.definitions.signals.sumo_links import Signal
from citybrain.definitions.signals.sumo_net import Net, NetConnection
from citybrain.definitions.signals.sumo_streets import (
    REACH_M,
    arm_names,
    bearing_before,
    bearing_behind,
    exit_chain,
    reached_from,
)
from citybrain.domain.signals.layout import Turn

TURNS = {"s": Turn.THROUGH, "l": Turn.LEFT, "L": Turn.LEFT, "r": Turn.RIGHT, "R": Turn.RIGHT}
LETTER = {Turn.THROUGH: "T", Turn.LEFT: "L", Turn.RIGHT: "R", Turn.U_TURN: "U"}
Lane = tuple[str, str]
"""A junction's code and that of a lane of it."""


@dataclass(frozen=True, slots=True)
class Way:
    """A movement: its code, the link that holds it, and its connection of the network."""

    code: str
    link: int
    connection: NetConnection
    turn: Turn


@dataclass(frozen=True, slots=True)
class Streets:
    """What lies around a signal. `approaches`: by lane of the network; `arms`: by its edge."""

    signal: Signal
    arms: Mapping[str, str]
    approaches: Mapping[str, str]
    lane_codes: Mapping[str, str]
    exit_codes: Mapping[str, str]
    ways: tuple[Way, ...]
    seen: Mapping[str, Mapping[str, float]]
    behind: Mapping[str, tuple[str, ...]]
    beyond: Mapping[str, Mapping[str, float]]
    leads_to: Mapping[str, Lane]

    @property
    def links(self) -> tuple[tuple[str, ...], ...]:
        """The movements of each link of the signal, in the order of its states."""
        found: dict[int, list[str]] = defaultdict(list)
        for way in self.ways:
            found[way.link].append(way.code)
        letters = len(self.signal.program.phases[0][1])
        return tuple(tuple(found[link]) for link in range(letters))

    @property
    def notes(self) -> tuple[str, ...]:
        """What of the network is not in the definition."""
        left_out = self.signal.by_link.keys() - self.signal.held - self.signal.free
        return tuple(f"link {each} is never green: it is left out" for each in sorted(left_out))

    def arm_of(self, link: int) -> str:
        """The approach that a link belongs to; of several the first."""
        return min(
            self.arms[self.signal.net.lanes[each.connection.begin].edge]
            for each in self.ways
            if each.link == link
        )

    def letter(self, link: int) -> str:
        """Which way a link goes, as one letter."""
        return next(LETTER[each.turn] for each in self.ways if each.link == link)

    def crossing_turns(self) -> Iterator[tuple[int, int]]:
        """Links of left turns, each with one that goes straight and that it lets go first."""
        for way in self.ways:
            for other in self.ways:
                straight = way.turn is Turn.LEFT and other.turn is Turn.THROUGH
                if straight and way.link != other.link and self._yields(way, other):
                    yield way.link, other.link

    def members(self, group_of: Callable[[int], str | None], device: str) -> dict[str, Any]:
        """The members `lanes`, `to_stop_line`, `exits`, `movements` and `detectors` of the file.

        `device`: the one that its cameras belong to.
        """
        return {
            "lanes": dict(self._lanes()),
            "to_stop_line": dict(self._to_stop_line()),
            "exits": dict(self._exits()),
            "movements": {way.code: self._movement(way, group_of) for way in self.ways},
            "detectors": dict(self._detectors(device)),
        }

    def _lanes(self) -> Iterator[tuple[str, dict[str, Any]]]:
        lanes = self.signal.net.lanes
        bearings = {lanes[each].edge: bearing_before(lanes[each]) for each in self.approaches}
        for id_, code in self.lane_codes.items():
            lane = lanes[id_]
            said: dict[str, Any] = {"length": round(lane.length, 2), "speed": round(lane.speed, 2)}
            if self.behind.get(code):
                said["upstream"] = self.behind[code]
            if id_ in self.approaches:
                said["bearing"] = bearings[lane.edge]
            yield code, said

    def _to_stop_line(self) -> Iterator[tuple[str, float]]:
        """Of each lane behind a short one the way to the nearest stop line."""
        for id_, code in self.lane_codes.items():
            if id_ not in self.approaches:
                ends = (seen[id_] for seen in self.seen.values() if id_ in seen)
                yield code, round(min(ends), 2)

    def _exits(self) -> Iterator[tuple[str, dict[str, Any]]]:
        lanes = self.signal.net.lanes
        bearings: dict[str, int] = {}
        for id_, code in self.exit_codes.items():
            bearing = bearings.setdefault(lanes[id_].edge, bearing_behind(lanes[id_]))
            said: dict[str, Any] = {"length": round(self._exit_m(code), 2), "bearing": bearing}
            if code in self.leads_to:
                said["leads_to"] = self.leads_to[code]
            yield code, said

    def _exit_m(self, code: str) -> float:
        lanes = self.signal.net.lanes
        return max(begin + lanes[each].length for each, begin in self.beyond[code].items())

    def _movement(self, way: Way, group_of: Callable[[int], str | None]) -> dict[str, Any]:
        said: dict[str, Any] = {
            "lane": self.lane_codes[way.connection.begin],
            "exit": self.exit_codes[way.connection.end],
            "turn": way.turn,
            "group": group_of(way.link),
            "yields_to": [
                other.code
                for other in self.ways
                if other.link != way.link and self._yields(way, other) and self._meet(way, other)
            ],
        }
        if self.signal.goes_on_red(way.link):
            said["on_red"] = True
        return said

    def _yields(self, one: Way, other: Way) -> bool:
        net = self.signal.net
        first, second = net.request(one.connection), net.request(other.connection)
        return first is not None and second is not None and net.yields(first, second)

    def _meet(self, one: Way, other: Way) -> bool:
        """Whether both may go at once: no lamp keeps them apart, or one goes on red as well."""
        ways = self.signal.ways
        return self.signal.goes_on_red(one.link) or not ways.conflict(one.link, other.link)

    def _detectors(self, device: str) -> Iterator[tuple[str, dict[str, Any]]]:
        lengths = {code: self.signal.net.lanes[id_].length for id_, code in self.lane_codes.items()}
        lengths |= {code: self._exit_m(code) for code in self.exit_codes.values()}
        for code, length in lengths.items():
            yield (
                f"C{code}",
                {
                    "kind": "camera",
                    "device": device,
                    "lane": code,
                    "zone": (0.0, round(min(REACH_M, length), 2)),
                },
            )


def streets_of(net: Net, signals: Mapping[str, Signal]) -> dict[str, Streets]:
    """The streets of each signal by its junction's code, linked to one another."""
    found = {code: _around(net, signal) for code, signal in signals.items()}
    lanes: dict[str, Lane] = {}
    for code, streets in found.items():
        for id_, lane in streets.lane_codes.items():
            if id_ in streets.approaches or id_ not in lanes:
                lanes[id_] = (code, lane)
    for streets in found.values():
        leads_to = streets.leads_to
        assert isinstance(leads_to, dict)
        for exit_, chain in streets.beyond.items():
            there = next((lanes[each] for each in chain if each in lanes), None)
            if there is not None:
                leads_to[exit_] = there
    return found


def _around(net: Net, signal: Signal) -> Streets:
    used = [
        (link, each)
        for link in sorted((signal.held | signal.free) - signal.crossings)
        for each in signal.by_link[link]
    ]
    begins = sorted(
        {each.begin for _, each in used},
        key=lambda id_: (net.lanes[id_].edge, net.lanes[id_].index),
    )
    ends = sorted(
        {each.end for _, each in used}, key=lambda id_: (net.lanes[id_].edge, net.lanes[id_].index)
    )
    arms = arm_names({net.lanes[id_].edge: bearing_before(net.lanes[id_]) for id_ in begins})
    exit_arms = arm_names({net.lanes[id_].edge: bearing_behind(net.lanes[id_]) for id_ in ends})
    approaches = _numbered(net, begins, arms, "")
    exit_codes = _numbered(net, ends, exit_arms, "X")
    seen = {
        code: reached_from(net, id_, begins, frozenset(ends)) for id_, code in approaches.items()
    }
    lane_codes = dict(approaches)
    for id_, code in approaches.items():
        for behind in seen[code].lanes:
            if behind not in lane_codes:
                arm = arms[net.lanes[id_].edge]
                number = sum(each.startswith(f"{arm}_") for each in lane_codes.values()) + 1
                lane_codes[behind] = f"{arm}_{number}"
    return Streets(
        signal=signal,
        arms=arms,
        approaches=approaches,
        lane_codes=lane_codes,
        exit_codes=exit_codes,
        ways=_ways(used, lane_codes),
        seen={code: {**each.lanes, **each.inside} for code, each in seen.items()},
        behind={
            code: tuple(lane_codes[id_] for id_ in each.lanes if lane_codes[id_] != code)
            for code, each in seen.items()
        },
        beyond={code: exit_chain(net, id_) for id_, code in exit_codes.items()},
        leads_to={},
    )


def _numbered(net: Net, lanes: list[str], arms: Mapping[str, str], before: str) -> dict[str, str]:
    """Codes of lanes: the arm, and the number from the kerb."""
    numbers: Counter[str] = Counter()
    codes = {}
    for id_ in sorted(lanes, key=lambda each: (arms[net.lanes[each].edge], net.lanes[each].index)):
        arm = arms[net.lanes[id_].edge]
        numbers[arm] += 1
        codes[id_] = f"{before}{arm}{numbers[arm]}"
    return codes


def _ways(used: list[tuple[int, NetConnection]], lane_codes: Mapping[str, str]) -> tuple[Way, ...]:
    ways: list[Way] = []
    numbers: Counter[str] = Counter()
    for link, each in used:
        turn = TURNS.get(each.turn, Turn.U_TURN)
        code = lane_codes[each.begin] + LETTER[turn]
        numbers[code] += 1
        number = str(numbers[code]) if numbers[code] > 1 else ""
        ways.append(Way(code + number, link, each, turn))
    return tuple(ways)
