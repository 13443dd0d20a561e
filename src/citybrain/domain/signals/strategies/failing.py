"""Where something is not seen: its lanes get the share that the plan gives them, no more, no less.

A lane whose detector has failed, or one whose exit is not known to have room, is green when it is
its turn in the plan. Everywhere else is decided by what is seen. A failed lane calls for nothing.
"""

from citybrain.domain.signals.junction import Junction
from citybrain.domain.signals.lamps import work_out
from citybrain.domain.signals.strategies.approaches import Approaches
from citybrain.domain.signals.strategies.fixed import follow, take
from citybrain.domain.signals.strategies.strategy import Advice, Observations, SignalView

BEFORE_MS = 5_000
"""How long before such a turn nothing else is begun any more: changes to it take that long."""


def failed_rows(seen: Observations, junction: Junction, model: Approaches) -> frozenset[int]:
    """The lanes of which too little is known."""
    return frozenset(
        row
        for row, lane in enumerate(model.lanes)
        if not all(_is_seen(seen, each) for each in lane.stretches)
        or any(_exit_failed(seen, model, each.exit) for each in lane.movements)
    )


def _is_seen(seen: Observations, lane: str) -> bool:
    here = seen.lanes.get(lane)
    return here is not None and here.trusted


def _exit_failed(seen: Observations, model: Approaches, exit_code: str) -> bool:
    """Whether an exit is watched and its detector says nothing."""
    here = seen.exits.get(exit_code)
    return exit_code in model.watched if here is None else here.room is None


def plan_turn(
    junction: Junction, signal: SignalView, model: Approaches, failed: frozenset[int]
) -> Advice | None:
    """The plan's turn, where it begins or ends the green of such a lane; else None."""
    if not failed:
        return None
    if len(failed) == len(model.lanes):
        return follow(junction, signal, "nothing-seen")
    for stage, ahead in _turns(junction, signal, model, failed):
        planned = {signal.planned(junction, signal.at + each) for each in (ahead, max(0, ahead))}
        if planned == {stage}:
            return take(junction, signal, stage, "plan-share")
    if signal.stage is not None and _serves(model, signal.stage, failed):
        return follow(junction, signal, "plan-share")
    return None


def _turns(
    junction: Junction, signal: SignalView, model: Approaches, failed: frozenset[int]
) -> list[tuple[str, int]]:
    """The plan's stages that serve such lanes, and by how much sooner than in it they must begin.

    The change from the present stage may take longer than that from the one before it in the plan,
    or shorter: then it is later (below 0). Milliseconds.
    """
    found = []
    before = signal.plan.splits[-1][0]
    for stage, _ in signal.plan.splits:
        if _serves(model, stage, failed):
            here = signal.stage or stage
            sooner = junction.from_stage(here, stage) - junction.from_stage(before, stage)
            found.append((stage, 0 if here == stage else sooner))
        before = stage
    return found


def keeps_the_turn(
    junction: Junction, signal: SignalView, model: Approaches, failed: frozenset[int], stage: str
) -> bool:
    """Whether a change to a stage is over, with its minimum, when a failed lane's turn begins."""
    if not failed:
        return True
    change = work_out(junction, signal.lamps, junction.stages[stage], signal.at)
    least = max(
        (start + junction.groups[code].minimum_ms for code, start in change.starts.items()),
        default=signal.at,
    )
    return not _serves(model, signal.planned(junction, least + BEFORE_MS), failed)


def _serves(model: Approaches, stage: str, rows: frozenset[int]) -> bool:
    place = model.stages.index(stage)
    return any(model.green[place, row] > 0.0 for row in rows)
