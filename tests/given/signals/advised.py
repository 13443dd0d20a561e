"""A junction that follows a strategy: observed, advised, decided by its aggregate."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from citybrain.domain.signals.rules import Rule
from citybrain.domain.signals.signal_events import milliseconds
from citybrain.domain.signals.strategies.strategy import Advice, Observations, Strategy, view
from tests.given.signals.x1 import Street, at

See = Callable[[float], Observations]


@dataclass
class Advised:
    """The street of X1 in the hand of the centre, and the strategy that the centre follows."""

    street: Street
    strategy: Strategy
    memory: Any = None
    advice: list[tuple[float, Advice]] = field(default_factory=list)
    refused: list[tuple[float, Rule]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.memory = self.strategy.begin(self.street.junction)

    def decide(self, t: float, seen: Observations) -> Advice:
        """One decision; what is advised is asked for."""
        street = self.street
        signal = view(street.signal, street.junction, street.plan, milliseconds(at(t)))
        advice = self.strategy.decide(seen, street.junction, signal, self.memory)
        self.advice.append((t, advice))
        if advice.stage is not None:
            after = None
            if advice.green_at is not None:
                after = (advice.green_at - milliseconds(at(0))) / 1000
            broken = street.wish(t, advice.stage, green_at=after)
            if broken is not None:
                self.refused.append((t, broken))
        street.wake(t)
        return advice

    def run(self, since: int, until: int, see: See) -> None:
        """A decision each second."""
        for t in range(since, until):
            self.decide(float(t), see(float(t)))


def nothing_seen(t: float) -> Observations:
    """Nobody, anywhere."""
    return Observations(milliseconds(at(t)))
