"""Max-pressure: the stage whose queues are longest beyond those behind it (Varaiya, 2013).

Plain, to compare with: one decision each interval, all movements weigh the same. The pressure of a
movement is the vehicles of its lane less those of its exit.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from citybrain.domain.signals.junction import Junction
from citybrain.domain.signals.layout import Movement
from citybrain.domain.signals.strategies.fixed import follow
from citybrain.domain.signals.strategies.strategy import Advice, Observations, SignalView

VEHICLE_M = 7.5
"""The length of road that a standing vehicle takes."""


@dataclass(slots=True)
class Decided:
    """When it decided last, in milliseconds since 1970."""

    at: int | None = None


@dataclass(frozen=True, slots=True)
class MaxPressure:
    """Where something is not seen, the junction follows its plan: a guess is no pressure."""

    name: str = "max-pressure"
    version: str = "1"
    interval_ms: int = 10_000
    parameters: Mapping[str, float] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "parameters", {"interval_ms": self.interval_ms})

    def begin(self, junction: Junction) -> Decided:
        return Decided()

    def decide(
        self, seen: Observations, junction: Junction, signal: SignalView, memory: Decided
    ) -> Advice:
        movements = [each for each in junction.layout.movements.values() if each.group]
        pressures = [_pressure(junction, seen, each) for each in movements]
        known = {
            each.code: found
            for each, found in zip(movements, pressures, strict=True)
            if found is not None
        }
        if not known or len(known) < len(movements):
            return follow(junction, signal, "not-all-is-seen")
        if memory.at is not None and signal.at < memory.at + self.interval_ms:
            return Advice(None, {"because": "interval"})
        total = {
            stage: sum(known[each.code] for each in movements if each.group in groups)
            for stage, groups in sorted(junction.stages.items())
        }
        best = max(total.values())
        reasons = {"because": "pressure", "pressure": {k: round(v, 1) for k, v in total.items()}}
        if signal.stage is not None and total[signal.stage] == best:
            memory.at = signal.at
            return Advice(None, reasons)
        stage = next(code for code, pressure in total.items() if pressure == best)
        if not signal.allows(junction, stage):
            return Advice(None, {"because": "not-yet", "wanted": stage})
        memory.at = signal.at
        return Advice(stage, reasons)


def _pressure(junction: Junction, seen: Observations, movement: Movement) -> float | None:
    """Vehicles before less vehicles behind; None where it is not known."""
    lane, leaving = seen.lanes.get(movement.lane), seen.exits.get(movement.exit)
    if lane is None or not lane.trusted or leaving is None or leaving.room is None:
        return None
    waiting = len(lane.vehicles) if lane.counted is None else lane.counted
    holds = junction.layout.exits[movement.exit].length_m / VEHICLE_M
    return waiting - max(0.0, holds - leaving.room)
