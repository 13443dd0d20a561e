"""The plan by time: what a junction does without anybody who looks at it."""

from collections.abc import Mapping
from dataclasses import dataclass

from citybrain.domain.signals.junction import Junction
from citybrain.domain.signals.strategies.bus_first import bus_first
from citybrain.domain.signals.strategies.strategy import Advice, Observations, SignalView


@dataclass(frozen=True, slots=True)
class FixedPlan:
    """Follows the plan in force, with its offset; buses that are late get a little of it."""

    name: str = "fixed"
    version: str = "2"

    @property
    def parameters(self) -> Mapping[str, float]:
        return {}

    def begin(self, junction: Junction) -> None:
        """It remembers nothing."""

    def decide(
        self, seen: Observations, junction: Junction, signal: SignalView, memory: None
    ) -> Advice:
        return bus_first(follow(junction, signal, "plan"), junction, signal, in_turn=True)


def follow(junction: Junction, signal: SignalView, because: str) -> Advice:
    """The plan's turn, or to stay where it is that already or may not be yet."""
    return take(junction, signal, signal.planned(junction, signal.at), because)


def take(junction: Junction, signal: SignalView, stage: str, because: str) -> Advice:
    """A stage of the plan, or to stay where it is that already or may not be yet."""
    reasons = {"because": because, "plan": signal.plan.code}
    if stage == signal.stage or not signal.allows(junction, stage):
        return Advice(None, reasons)
    return Advice(stage, reasons)
