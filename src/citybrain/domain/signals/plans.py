"""What a fixed-time plan wants at a moment, and when it wants something else."""

from collections.abc import Iterator
from dataclasses import dataclass

from citybrain.domain.signals.junction import Junction, Plan
from citybrain.domain.signals.lamps import Lamp, Lamps, applied, work_out

ROUNDS = 3
"""Cycles that are run before the one that is looked at, so that nothing of the start is in it."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The stage of a plan at a moment, and until when, in milliseconds since 1970."""

    stage: str
    until: int


def wanted(junction: Junction, plan: Plan, at: int, offset_ms: int) -> Wanted:
    """The stage whose turn it is at `at`, with this offset.

    A stage's turn begins as long before its green as the change from the one before it takes, so
    that greens begin where the plan says.
    """
    second = (at - offset_ms) % plan.cycle_ms
    turns = _turns(junction, plan)
    for place, (begin, stage) in enumerate(turns):
        following = turns[place + 1][0] if place + 1 < len(turns) else turns[0][0] + plan.cycle_ms
        for shift in (0, -plan.cycle_ms, plan.cycle_ms):
            if begin + shift <= second < following + shift:
                return Wanted(stage, at + following + shift - second)
    raise AssertionError("the turns of a plan fill its cycle")


def _turns(junction: Junction, plan: Plan) -> list[tuple[int, str]]:
    """When in the cycle each stage's turn begins; the first perhaps before it."""
    turns, green = [], 0
    before = plan.splits[-1][0]
    for stage, split in plan.splits:
        turns.append((green - junction.from_stage(before, stage), stage))
        before, green = stage, green + split
    return turns


def offset_at(junction: Junction, plan: Plan, began: list[int] | None, at: int) -> int:
    """The offset at `at`: it moves to the plan's by bounded steps, a step a cycle.

    `began`: with which offset the plan began, and when; None where it began with its own.
    """
    if began is None:
        return plan.offset_ms
    steps = offset_steps(began[0], plan.offset_ms, plan.cycle_ms, junction.offset_step_ms)
    cycles = max(0, at - began[1]) // plan.cycle_ms
    return (began[0] + sum(steps[: cycles + 1])) % plan.cycle_ms


def offset_steps(old: int, new: int, cycle: int, most: int) -> list[int]:
    """The steps from one offset to another, the shorter way round; milliseconds, signed."""
    way = (new - old) % cycle
    if way > cycle // 2:
        way -= cycle
    sign, left, steps = (1 if way > 0 else -1), abs(way), []
    while left:
        steps.append(sign * min(left, most))
        left -= min(left, most)
    return steps


@dataclass(frozen=True, slots=True)
class Served:
    """One green of a group in a cycle of a plan, in milliseconds from where the cycle begins.

    `begin` may lie before the cycle. `end`: of the green; `red`: when yellow or clearance is over.
    """

    begin: int
    end: int
    red: int


def greens(junction: Junction, plan: Plan) -> dict[str, tuple[Served, ...]]:
    """What each group shows in a cycle of a plan; the first stage's turn to be green is at 0.

    A group that is green all the time has one green as long as the cycle.
    """
    lamps: Lamps = {code: Lamp(red_from=0) for code in junction.groups}
    first = ROUNDS * plan.cycle_ms
    found: dict[str, dict[int, Served]] = {code: {} for code in junction.groups}
    for at, stage in _order(junction, plan):
        change = work_out(junction, lamps, junction.stages[stage], at)
        for code, (end, red) in change.ends.items():
            begin = lamps[code].green_from
            assert begin is not None
            if first <= end < first + plan.cycle_ms:
                found[code][end] = Served(begin - first, end - first, red - first)
        lamps = applied(lamps, change)
    for code, lamp in lamps.items():
        if lamp.is_green(first) and lamp.ends is None and not found[code]:
            found[code][0] = Served(0, plan.cycle_ms, plan.cycle_ms)
    return {code: tuple(each[end] for end in sorted(each)) for code, each in found.items()}


def _order(junction: Junction, plan: Plan) -> Iterator[tuple[int, str]]:
    """The turns of some cycles, one after the other, from time 0 on."""
    for cycle in range(ROUNDS + 2):
        for begin, stage in _turns(junction, plan):
            yield max(0, cycle * plan.cycle_ms + begin), stage
