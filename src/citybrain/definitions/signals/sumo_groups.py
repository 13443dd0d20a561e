"""The signal groups and stages of a signal of a SUMO network.

Links of one approach that are green in the same stages are one group: their lamps always show the
same. Stages are those made lane by lane, and what the network's own plan has besides.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from citybrain.definitions.signals.junction_file import WALKING_M_PER_S
from citybrain.definitions.signals.sumo_layout import Streets
from citybrain.definitions.signals.sumo_links import Signal
from citybrain.definitions.signals.sumo_stages import Links, stages_of

BUSES = frozenset({"bus", "coach", "tram"})
LETTERS = "TLRU"


@dataclass(frozen=True, slots=True)
class Grouping:
    """`groups`: links by group. `stages`: groups by stage. `on_foot`: by link, people's group."""

    groups: Mapping[str, Links]
    stages: Mapping[str, tuple[str, ...]]
    first_stage: str
    on_foot: Mapping[int, str]

    def group_of(self, link: int) -> str | None:
        """None where no lamp holds it."""
        return next((code for code, links in self.groups.items() if link in links), None)

    def stage(self, green: Links) -> str:
        """The stage whose links these are."""
        groups = {code for code, links in self.groups.items() if links & green}
        return next(code for code, each in self.stages.items() if set(each) == groups)

    def together(self, one: str, other: str) -> bool:
        """Whether a stage has both green."""
        return any(one in each and other in each for each in self.stages.values())

    def more_than_once(self, order: Sequence[str]) -> list[str]:
        """The groups that become green more than once in a round of these stages."""
        return [
            group
            for group in self.groups
            if sum(
                group in self.stages[stage] and group not in self.stages[order[place - 1]]
                for place, stage in enumerate(order)
            )
            > 1
        ]

    def only_buses(self, signal: Signal, group: str) -> bool:
        """Whether nobody else may use any of its lanes."""
        lanes = [
            signal.net.lanes[each.begin].allow
            for link in self.groups[group]
            for each in signal.by_link[link]
        ]
        return all(allow and allow <= BUSES for allow in lanes)

    def clearance(self, signal: Signal, group: str) -> float:
        """Seconds in which people on foot have crossed, at 1.07 m/s."""
        longest = max(
            signal.net.lanes[signal.by_link[link][0].end].length for link in self.groups[group]
        )
        return float(ceil(round(longest, 1) / WALKING_M_PER_S))


def grouping_of(signal: Signal, streets: Streets) -> Grouping:
    """The groups by approach and stages, and the stages of them."""
    made = stages_of(signal.ways)
    own = tuple(each for each in signal.ways.phases if each not in made)
    all_ = (*made, *own)
    classes: dict[tuple[str, tuple[bool, ...]], set[int]] = defaultdict(set)
    for link in sorted(signal.held):
        place = f"on foot {link}" if link in signal.crossings else streets.arm_of(link)
        classes[place, tuple(link in stage for stage in all_)].add(link)
    groups: dict[str, Links] = {}
    on_foot: dict[int, str] = {}
    for (place, _), links in classes.items():
        if links <= signal.crossings:
            code = f"P{len(on_foot) + 1}"
            on_foot |= dict.fromkeys(links, code)
        else:
            letters = {streets.letter(link) for link in links}
            code = _free_name(place + "".join(x for x in LETTERS if x in letters), groups)
        groups[code] = frozenset(links)
    codes = [f"S{place}" for place in range(1, len(made) + 1)]
    codes += [f"F{place}" for place in range(1, len(own) + 1)]
    stages = {
        code: tuple(name for name, links in groups.items() if links <= stage)
        for code, stage in zip(codes, all_, strict=True)
    }
    first = next(green for _, green in signal.phases if green is not None)
    return Grouping(groups, stages, codes[all_.index(first)], on_foot)


def _free_name(wanted: str, taken: Mapping[str, Links]) -> str:
    name, number = wanted, 1
    while name in taken:
        number += 1
        name = f"{wanted}{number}"
    return name
