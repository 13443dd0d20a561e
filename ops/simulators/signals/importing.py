"""Junctions of a network: their definition, and which of the simulator's lanes and links they mean.

For the time being a reader of its own, which takes a light's own phases as its stages.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from citybrain.definitions.signals.junction_file import JunctionFile
from citybrain.definitions.signals.junctions import DatedJunction, dated
from ops.simulators.signals.net import Link, Net

LONGEST_WAIT = 120.0
SEEN_M = 150.0


@dataclass(frozen=True, slots=True)
class SafetyTimes:
    """Under which safety times a run is made, in seconds. `yellow`: None the network's own."""

    yellow: float | None = None
    all_red: float = 0.0
    minimum: float = 5.0


@dataclass(frozen=True, slots=True)
class Placed:
    """A junction and where it is on the street.

    `lanes`, `exits`: the simulator's lane by our code. `links`: the places in the light's state by
    movement. `groups`: by place the group that holds it; None where none does. `first`: by place,
    those places that go first where both are green. `crossings`: by group, the crossings' edges.
    """

    light: str
    dated: DatedJunction
    lanes: Mapping[str, str]
    exits: Mapping[str, str]
    links: Mapping[str, tuple[int, ...]]
    groups: tuple[str | None, ...]
    first: tuple[frozenset[int], ...]
    crossings: Mapping[str, tuple[str, ...]]


TURNS = {"s": "through", "l": "left", "L": "left", "r": "right", "R": "right", "t": "u-turn"}


def placed(net: Net, times: SafetyTimes) -> list[Placed]:
    """All junctions of a network that have lights."""
    return [
        _Reader(net, light, f"j{number}", times).placed()
        for number, light in enumerate(sorted(net.programs))
        if net.of_light(light)
    ]


class _Reader:
    """One light."""

    def __init__(self, net: Net, light: str, code: str, times: SafetyTimes) -> None:
        self.net, self.light, self.code, self.times = net, light, code, times
        self.links = net.of_light(light)
        self.program = net.programs[light]
        self.size = len(self.program.phases[0].state)
        self.at = [[each for each in self.links if each.index == n] for n in range(self.size)]
        self.greens = [
            number
            for number, each in enumerate(self.program.phases)
            if "y" not in each.state.lower() and "g" in each.state.lower()
        ]
        self.group_of = self._groups()
        names = sorted({each for each in self.group_of if each})
        self.names = names
        self.walking = {
            group
            for place, group in enumerate(self.group_of)
            if group and any(self.net.edge_of[each.to] in net.crossings for each in self.at[place])
        }

    def placed(self) -> Placed:
        lanes, exits = self._lanes()
        by_lane = {lane: code for code, lane in lanes.items()}
        by_exit = {lane: code for code, lane in exits.items()}
        movements, links = self._movements(by_lane, by_exit)
        file = JunctionFile.model_validate(
            {
                "valid_from": date(2026, 1, 1),
                "junction": self.code,
                "name": self.light,
                "source": "network",
                **self._safety(),
                **self._plan(),
                "lanes": {code: self._lane(code, lane, by_lane) for code, lane in lanes.items()},
                "exits": {code: {"length": self.net.length[lane]} for code, lane in exits.items()},
                "movements": movements,
            }
        )
        first = tuple(self._first(place) for place in range(self.size))
        crossings: dict[str, tuple[str, ...]] = {}
        for place, group in enumerate(self.group_of):
            if group in self.walking and group:
                edges = tuple(self.net.edge_of[each.to] for each in self.at[place])
                crossings[group] = crossings.get(group, ()) + edges
        return Placed(
            self.light, dated(file), lanes, exits, links, tuple(self.group_of), first, crossings
        )

    def _groups(self) -> list[str | None]:
        columns: dict[tuple[str, str], str] = {}
        found: list[str | None] = []
        for place in range(self.size):
            column = "".join(
                "g" if self.program.phases[number].state[place] in "Gg" else "r"
                for number in self.greens
            )
            if not self.at[place] or "g" not in column or "r" not in column:
                found.append(None)
                continue
            edge = self.net.edge_of[self.at[place][0].begins]
            key = (edge, column)
            found.append(columns.setdefault(key, f"V{len(columns) + 1}"))
        return found

    def _conflict(self, one: str, other: str) -> bool:
        pairs = [
            (a, b)
            for a, group in enumerate(self.group_of)
            if group == one
            for b, there in enumerate(self.group_of)
            if there == other
        ]
        foes = any(
            self.net.foes(left, right)
            for a, b in pairs
            for left in self.at[a]
            for right in self.at[b]
        )
        together = any(
            self.program.phases[number].state[a] in "Gg"
            and self.program.phases[number].state[b] in "Gg"
            for number in self.greens
            for a, b in pairs
        )
        return foes and not together

    def _safety(self) -> dict[str, object]:
        yellow = self.times.yellow or max(
            [3.0, *(each.seconds for each in self.program.phases if "y" in each.state)]
        )
        conflicts = [
            (one, other)
            for place, one in enumerate(self.names)
            for other in self.names[place + 1 :]
            if self._conflict(one, other)
        ]
        intergreens: dict[str, dict[str, float]] = {}
        for one, other in (*conflicts, *((b, a) for a, b in conflicts)):
            ending = 18.0 if one in self.walking else yellow + self.times.all_red
            intergreens.setdefault(one, {})[other] = ending
        vehicle = {
            "kind": "vehicle",
            "minimum": self.times.minimum,
            "yellow": yellow,
            "maximum": LONGEST_WAIT,
            "longest_wait": LONGEST_WAIT,
        }
        walker = {
            "kind": "pedestrian",
            "width": 19.2,
            "maximum": LONGEST_WAIT,
            "longest_wait": LONGEST_WAIT,
        }
        groups = {each: walker if each in self.walking else vehicle for each in self.names}
        return {"groups": groups, "conflicts": conflicts, "intergreens": intergreens}

    def _plan(self) -> dict[str, object]:
        stages: dict[str, tuple[str, ...]] = {}
        phases, turns = self.program.phases, list[tuple[float, str]]()
        before = self._green(self.greens[-1])
        for number in self.greens:
            groups = self._green(number)
            code = next((code for code, each in stages.items() if each == groups), None)
            if code is None:
                code = f"S{len(stages) + 1}"
                stages[code] = groups
            # where nothing starts, the turn begins with the yellow of what ends
            last = number if set(groups) - set(before) else self._ends(number)
            turns.append((sum(each.seconds for each in phases[:last]), code))
            before = groups
        cycle = sum(each.seconds for each in phases)
        following = [begin for begin, _ in turns[1:]] + [turns[0][0] + cycle]
        splits = [
            {"stage": code, "seconds": end - begin}
            for (begin, code), end in zip(turns, following, strict=True)
        ]
        offset = (self.program.offset + turns[0][0]) % cycle
        plan = {"cycle": cycle, "offset": offset, "splits": splits}
        return {"stages": stages, "plans": {"own": plan}, "start": {"stage": splits[0]["stage"]}}

    def _green(self, number: int) -> tuple[str, ...]:
        """The groups that are green in a phase."""
        state = self.program.phases[number].state
        green = {self.group_of[place] for place in range(self.size) if state[place] in "Gg"}
        return tuple(each for each in self.names if each in green)

    def _ends(self, number: int) -> int:
        """The first phase of the change to a green one."""
        while number > 0 and number - 1 not in self.greens:
            number -= 1
        return number

    def _lanes(self) -> tuple[dict[str, str], dict[str, str]]:
        begins = [each for each in self.links if not each.begins.startswith(":")]
        stop = list(dict.fromkeys(each.begins for each in begins))
        behind = list(dict.fromkeys(lane for each in stop for lane in self._behind(each)))
        out = list(dict.fromkeys(each.to for each in begins))
        lanes = [*stop, *(each for each in behind if each not in stop)]
        return (
            {f"L{place + 1}": lane for place, lane in enumerate(lanes)},
            {f"X{place + 1}": lane for place, lane in enumerate(out)},
        )

    def _behind(self, lane: str) -> list[str]:
        """The lanes behind one within sight, up to the next junction with lights."""
        found, todo = [], [(lane, self.net.length[lane])]
        while todo:
            here, far = todo.pop(0)
            for link in self.net.into.get(here, []):
                if far < SEEN_M and link.light is None and link.begins not in found:
                    found.append(link.begins)
                    todo.append((link.begins, far + self.net.length[link.begins]))
        return found

    def _lane(self, code: str, lane: str, by_lane: Mapping[str, str]) -> dict[str, object]:
        said: dict[str, object] = {"length": self.net.length[lane], "speed": self.net.speed[lane]}
        if any(each.begins == lane for each in self.links):
            said["upstream"] = tuple(by_lane[each] for each in self._behind(lane))
        return said

    def _movements(
        self, by_lane: Mapping[str, str], by_exit: Mapping[str, str]
    ) -> tuple[dict[str, object], dict[str, tuple[int, ...]]]:
        ways = [each for each in self.links if each.begins in by_lane]
        codes = {each: f"M{place + 1}" for place, each in enumerate(ways)}
        movements: dict[str, object] = {}
        for link, code in codes.items():
            movements[code] = {
                "lane": by_lane[link.begins],
                "exit": by_exit[link.to],
                "turn": TURNS[link.turn],
                "group": self.group_of[link.index],
                "yields_to": tuple(
                    there for other, there in codes.items() if self._together(link, other)
                ),
            }
        return movements, {code: (link.index,) for link, code in codes.items()}

    def _together(self, link: Link, other: Link) -> bool:
        one, two = self.group_of[link.index], self.group_of[other.index]
        conflict = one is not None and two is not None and self._conflict(one, two)
        return self.net.yields(link, other) and not conflict

    def _first(self, place: int) -> frozenset[int]:
        return frozenset(
            other
            for other in range(self.size)
            if any(self.net.yields(a, b) for a in self.at[place] for b in self.at[other])
        )
