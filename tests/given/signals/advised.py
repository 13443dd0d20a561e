"""A junction that follows a strategy: observed, advised, decided by its aggregate."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from citybrain.domain.signals.lamps import green_now
from citybrain.domain.signals.layout import Exit, Lane, Layout, Movement, Turn
from citybrain.domain.signals.rules import Rule
from citybrain.domain.signals.signal_events import milliseconds
from citybrain.domain.signals.strategies.strategy import (
    Advice,
    ExitSeen,
    LaneSeen,
    Observations,
    Strategy,
    view,
)
from tests.given.signals.x1 import Street, at

LAYOUT = Layout(
    lanes={code: Lane(code, 150.0, 13.9) for code in ("main", "left", "side")},
    exits={code: Exit(code, 75.0) for code in ("ahead", "away", "across")},
    movements={
        "main": Movement("main", "main", "ahead", Turn.THROUGH, "V1"),
        "left": Movement("left", "left", "away", Turn.LEFT, "L1"),
        "side": Movement("side", "side", "across", Turn.THROUGH, "V2"),
    },
    detectors={},
)
"""The streets of X1: each of its vehicle groups has a lane and an exit of its own."""

See = Callable[[float], Observations]


@dataclass
class Advised:
    """The street of X1 in the hand of the centre, and the strategy that the centre follows."""

    street: Street
    strategy: Strategy
    memory: Any = None
    advice: list[tuple[float, Advice]] = field(default_factory=list)
    refused: list[tuple[float, Rule]] = field(default_factory=list)
    green: list[tuple[float, frozenset[str]]] = field(default_factory=list)

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
        self.green.append((t, green_now(street.signal.lamps, milliseconds(at(t)))))
        return advice

    def seconds_green(self, group: str, since: float, until: float) -> int:
        """In how many of these seconds a group was green."""
        return sum(group in green for t, green in self.green if since <= t < until)

    def run(self, since: int, until: int, see: See) -> None:
        """A decision each second."""
        for t in range(since, until):
            self.decide(float(t), see(float(t)))


def with_streets(street: Street) -> Street:
    """The same, where the junction's definition says its lanes and exits."""
    street.junction = replace(street.junction, layout=LAYOUT)
    return street


def standing(count: int) -> LaneSeen:
    """So many vehicles that stand before the stop line."""
    return LaneSeen(tuple((7.5 * place, 0.0) for place in range(count)))


def queues(
    t: float, main: int = 0, left: int = 0, side: int = 0, room: float | None = 10.0
) -> Observations:
    """What stands on each lane; `room`: of the exit of the main street."""
    lanes = {"main": standing(main), "left": standing(left), "side": standing(side)}
    exits = {"ahead": ExitSeen(room), "away": ExitSeen(10.0), "across": ExitSeen(10.0)}
    return Observations(milliseconds(at(t)), lanes, exits)


def nothing_seen(t: float) -> Observations:
    """Nobody, anywhere."""
    return Observations(milliseconds(at(t)))
