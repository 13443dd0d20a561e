"""Which stages a junction of a SUMO network may have: lane by lane, and all that fit together.

A link is one letter of the signal's states. All links of a lane are green together: a shared lane
whose turn is green and whose through link is red is blocked by its first vehicle. Two links whose
ways cross are green together only where a phase of the network's own plan has them so. Stages are
the maximal cliques of lanes that go together (Bron and Kerbosch, CACM 16(9), 1973, algorithm 457,
with a pivot), once with turns that yield and once without; what another stage does better is left
out. Nothing about demand is used.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

Links = frozenset[int]
MOST_STAGES = 24
"""More are not made: a strategy that plans ahead looks at each of them."""


@dataclass(frozen=True, slots=True)
class Ways:
    """The links of a signal and how they meet.

    `units`: links that go together, those of a lane or of lanes that share a link. `foes`: pairs
    whose ways cross or meet, both ways round. `yields`: pairs (who, to whom). `phases`: the greens
    of the network's own plan, in order.
    """

    units: tuple[Links, ...]
    foes: frozenset[tuple[int, int]]
    yields: frozenset[tuple[int, int]]
    phases: tuple[Links, ...]

    def approved(self, one: int, other: int) -> bool:
        """Whether a phase of the network's own plan has both green."""
        return any(one in phase and other in phase for phase in self.phases)

    def conflict(self, one: int, other: int) -> bool:
        """Whether the two are never green together."""
        return (one, other) in self.foes and not self.approved(one, other)

    def yielding(self, stage: Links) -> Links:
        """The links of a stage that yield to another one of it."""
        return frozenset(
            one
            for one in stage
            if any((one, other) in self.yields and (one, other) in self.foes for other in stage)
        )


def units_of(lanes: Iterable[Collection[int]]) -> tuple[Links, ...]:
    """Links by lane; lanes that share a link are one."""
    units: list[Links] = []
    for lane in lanes:
        joined = frozenset(lane)
        apart = [unit for unit in units if not unit & joined]
        joined = joined.union(*(unit for unit in units if unit & joined))
        units = [*apart, joined]
    return tuple(sorted(units, key=min))


def stages_of(ways: Ways) -> tuple[Links, ...]:
    """The stages, each a set of links; no one is done better by another one."""

    def fit(one: int, other: int) -> bool:
        return not ways.conflict(one, other)

    def fit_without_yielding(one: int, other: int) -> bool:
        yields = (one, other) in ways.yields or (other, one) in ways.yields
        return fit(one, other) and not ((one, other) in ways.foes and yields)

    found: dict[Links, None] = {}
    for test in (fit, fit_without_yielding):
        for clique in maximal_cliques(_neighbours(ways.units, test)):
            found[frozenset[int]().union(*(ways.units[each] for each in clique))] = None
    stages = list(found)
    best = [
        stage
        for stage in stages
        if not any(dominates(ways, other, stage) for other in stages if other != stage)
    ]
    return _widest(ways, best)


def _widest(ways: Ways, stages: Sequence[Links]) -> tuple[Links, ...]:
    """Not too many of them: those with the most links, and whatever serves one that none serves."""
    if len(stages) <= MOST_STAGES:
        return tuple(stages)
    kept: list[Links] = []
    for stage in sorted(stages, key=lambda each: len(ways.yielding(each)) - 2 * len(each)):
        if len(kept) < MOST_STAGES or stage - frozenset[int]().union(*kept):
            kept.append(stage)
    return tuple(stage for stage in stages if stage in kept)


def dominates(ways: Ways, one: Links, other: Links) -> bool:
    """Whether one stage serves all that the other serves, and nobody yields more in it."""
    return other < one and not (ways.yielding(one) & other) - ways.yielding(other)


def _neighbours(units: Sequence[Links], fit: Callable[[int, int], bool]) -> list[set[int]]:
    """For each unit, those that it may be green together with."""
    neighbours: list[set[int]] = [set() for _ in units]
    for one, other in combinations(range(len(units)), 2):
        if all(fit(a, b) for a in units[one] for b in units[other]):
            neighbours[one].add(other)
            neighbours[other].add(one)
    return neighbours


def maximal_cliques(neighbours: Sequence[set[int]]) -> list[frozenset[int]]:
    """All sets whose members are neighbours of one another, and to which none can be added."""
    found: list[frozenset[int]] = []

    def grow(clique: frozenset[int], free: set[int], done: set[int]) -> None:
        if not free and not done:
            found.append(clique)
            return
        pivot = max(sorted(free | done), key=lambda each: len(neighbours[each] & free))
        for each in sorted(free - neighbours[pivot]):
            grow(clique | {each}, free & neighbours[each], done & neighbours[each])
            free = free - {each}
            done = done | {each}

    grow(frozenset(), set(range(len(neighbours))), set())
    return found
