"""What a signal-controlled junction is: groups, conflicts, intergreens, stages, and its limits.

Names are those of GB/T 20999 and NTCIP 1202. A signal group is a set of lamps that always show the
same; a stage is a set of groups that are green together. Times are whole milliseconds, so that a
tenth of a second is exact and no clock tick changes a verdict.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from citybrain.domain.signals.layout import Layout


class Kind(StrEnum):
    """Whom a group signals."""

    VEHICLE = "vehicle"
    PEDESTRIAN = "pedestrian"
    BUS = "bus"


@dataclass(frozen=True, slots=True)
class Group:
    """A signal group.

    `minimum_ms`: least green, of pedestrians the least walk. `ending_ms`: yellow, of pedestrians
    the clearance, which is never cut. `maximum_ms`: longest green while somebody else waits.
    `longest_wait_ms`: how long red may last for whoever waits.
    """

    code: str
    kind: Kind
    minimum_ms: int
    ending_ms: int
    maximum_ms: int
    longest_wait_ms: int

    @property
    def on_foot(self) -> bool:
        return self.kind is Kind.PEDESTRIAN


@dataclass(frozen=True, slots=True)
class StartUp:
    """How a controller comes back: flashing, then all red, then the first stage.

    More than `restarts` within `restarts_within_ms` leave it flashing until a person resets it.
    """

    flash_ms: int
    all_red_ms: int
    restarts: int
    restarts_within_ms: int


@dataclass(frozen=True, slots=True)
class BusLine:
    """A line whose late buses get priority, and the group that lets them through.

    `late_ms`: from how late on a bus is late; `gap_ms`: from which gap to the bus before on it is
    too wide. `extend_ms`: for how long a green goes on for a bus that comes; `early_ms`: how much
    sooner than a bus its green may begin. `again_after_ms`: after one was let through, for how
    long no other one is.
    """

    code: str
    group: str
    headway_ms: int
    late_ms: int
    gap_ms: int
    extend_ms: int
    early_ms: int
    again_after_ms: int


@dataclass(frozen=True, slots=True)
class Plan:
    """A fixed-time plan: stage after stage.

    `splits` are green starts: from the moment at which a stage is to be green to that of the next
    one. `offset_ms` is when the first is green, counted from 1970-01-01T00:00:00Z, in the cycle.
    """

    code: str
    cycle_ms: int
    offset_ms: int
    splits: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Junction:
    """One version of a junction's definition, checked when it was loaded.

    `intergreens`: by (ending, starting) group, from the beginning of the ending one's yellow or
    clearance to the starting one's green. Two groups conflict where a pair of them has one.
    `red_revert_ms`: how long a group that ended is red at least before it is green again.
    `watchdog_ms`: how long the centre may be silent. `clock_ms`: how far a controller's clock may
    be off. `margin_ms`: how long before the last moment a change that must come is made.
    `preemption_cuts_walk`: whether a pre-emption may end a walk before its minimum; clearances run.
    `offset_step_ms`: by how much an offset moves in a cycle; `cycle_step_ms`: by how much a cycle
    may differ from the one before it. `layout`: its lanes, movements and detectors; no rule of
    safety rests on them. `round`: stages that serve every group, from which whoever waits is
    served in time; all where it is empty. `bus_lines`: those that may ask for priority. `yields`:
    pairs of a group with a turn that yields, and the group to which it does, both of which may be
    green at once.
    """

    code: str
    version: str
    groups: Mapping[str, Group]
    intergreens: Mapping[tuple[str, str], int]
    stages: Mapping[str, frozenset[str]]
    start_up: StartUp
    red_revert_ms: int
    watchdog_ms: int
    clock_ms: int
    margin_ms: int
    offset_step_ms: int
    cycle_step_ms: int
    preemption_cuts_walk: bool
    layout: Layout = field(default_factory=Layout)
    round: tuple[str, ...] = ()
    bus_lines: Mapping[str, BusLine] = field(default_factory=dict)
    yields: frozenset[tuple[str, str]] = frozenset()

    def conflict(self, one: str, other: str) -> bool:
        """Whether the two are never green together."""
        return (one, other) in self.intergreens

    def intergreen(self, ending: str, starting: str) -> int:
        """Milliseconds; 0 where they do not conflict. A turn that yields has its whole yellow."""
        found = self.intergreens.get((ending, starting))
        if found is not None:
            return found
        return self.groups[ending].ending_ms if (ending, starting) in self.yields else 0

    def between(self, ending: Iterable[str], starting: Iterable[str]) -> int:
        """The longest intergreen from groups that end to groups that start, in milliseconds."""
        pairs = ((each, other) for each in ending for other in starting)
        return max((self.intergreen(*pair) for pair in pairs), default=0)

    def from_stage(self, stage: str, following: str) -> int:
        """The intergreen between two stages, in milliseconds; 0 from one to itself."""
        ending, starting = self.stages[stage], self.stages[following]
        return self.between(ending - starting, starting - ending)

    def interrupted(self, before: Collection[str], after: Collection[str]) -> frozenset[str]:
        """Groups of both whose green must end between, since a turn that yields to them ends.

        Whoever turns sees yellow and believes that the others stop as well (a yellow trap).
        """
        return frozenset(
            against
            for turn, against in self.yields
            if turn in before and turn not in after and against in before and against in after
        )

    def again_after(self, group: str) -> int:
        """How long after the end of its green a group is green again at the earliest, in ms."""
        return self.groups[group].ending_ms + self.red_revert_ms

    def conflicting(self, groups: Iterable[str]) -> tuple[str, str] | None:
        """Two of these that conflict, the first found; None where none do."""
        ordered = sorted(groups)
        for place, one in enumerate(ordered):
            for other in ordered[place + 1 :]:
                if self.conflict(one, other):
                    return one, other
        return None


def serving_round(stages: Mapping[str, Collection[str]]) -> tuple[str, ...]:
    """Few stages that together have every group: always the one that adds most of them.

    Whoever waits is served from these alone, so that a round is short however many stages there
    are. Of two that add the same the one with more groups is taken, then the first by its code.
    """
    left = {group for groups in stages.values() for group in groups}
    chosen: list[str] = []
    while left:
        best = min(
            stages, key=lambda code: (-len(left & set(stages[code])), -len(stages[code]), code)
        )
        chosen.append(best)
        left -= set(stages[best])
    return tuple(chosen)
