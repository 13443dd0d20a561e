"""Priority for a bus that the junction has granted: its green goes on, or begins earlier.

Not a strategy by itself: a strategy decides, and this says where a bus that is late changes that.
It is pure, and never more than the rules allow: what is green for others has had its minimum, and
all who wait are served in time (`SignalView.allows`).
"""

from typing import Any

from citybrain.domain.signals.junction import Junction
from citybrain.domain.signals.lamps import end_of_minimum
from citybrain.domain.signals.strategies.strategy import Advice, Bus, SignalView

BECAUSE = "bus-priority"


def bus_first(
    advice: Advice, junction: Junction, signal: SignalView, *, in_turn: bool = False
) -> Advice:
    """What a strategy advises, unless a bus wants something else.

    `in_turn`: it follows a plan; then no stage of the plan is left out for a bus, and none is
    begun again behind it.
    """
    bus = signal.bus
    if bus is None or signal.stage is None or not signal.settled:
        return advice
    leaves = advice.stage is not None and bus.group not in junction.stages[advice.stage]
    if bus.group in signal.green:
        if not leaves or not _goes_on(advice, junction, signal, bus, in_turn):
            return advice
        return Advice(None, _reasons(bus, "green-goes-on"))
    if bus.ended is not None or (advice.stage is not None and not leaves):
        return advice
    stage = _earlier(junction, signal, bus, in_turn)
    return advice if stage is None else Advice(stage, _reasons(bus, "green-begins-earlier"))


def _goes_on(
    advice: Advice, junction: Junction, signal: SignalView, bus: Bus, in_turn: bool
) -> bool:
    """Whether the bus's green is not left yet: it comes soon; or, in a plan, its turn does."""
    at = signal.at
    if in_turn and bus.group in junction.stages[signal.planned(junction, at + bus.early_ms)]:
        return True  # it began earlier, and would begin once more in a moment
    if bus.ended is not None or bus.arrives > at + bus.extend_ms:
        return False
    assert advice.stage is not None
    assert signal.stage is not None
    change = junction.from_stage(signal.stage, advice.stage)
    least = max(junction.groups[each].minimum_ms for each in junction.stages[advice.stage])
    return not in_turn or signal.planned(junction, at + change + least) == advice.stage


def _earlier(junction: Junction, signal: SignalView, bus: Bus, in_turn: bool) -> str | None:
    """The stage that lets the bus through, where it is time for it and no rule is broken."""
    at, here = signal.at, signal.stage
    assert here is not None
    if any(at < end_of_minimum(junction, signal.lamps, each) for each in signal.green):
        return None
    fitting = [code for code, groups in junction.stages.items() if bus.group in groups]
    if in_turn:
        following = signal.planned(junction, at + bus.early_ms)
        if signal.planned(junction, at) != here or following not in fitting:
            return None
        fitting = [following]
    stages = junction.stages
    fitting.sort(key=lambda code: (len(stages[here] - stages[code]), -len(stages[code]), code))
    for stage in fitting:
        needed = junction.from_stage(here, stage) + bus.early_ms
        if bus.arrives <= at + needed and signal.allows(junction, stage):
            return stage
    return None


def _reasons(bus: Bus, how: str) -> dict[str, Any]:
    """As the event of the change carries them, in seconds."""
    said = {"late": bus.late_ms, "gap": bus.gap_ms}
    seconds = {name: value // 1000 for name, value in said.items() if value is not None}
    return {"because": BECAUSE, "how": how, "line": bus.line, **seconds}
