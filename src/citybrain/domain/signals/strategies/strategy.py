"""What a strategy is: it sees a junction and proposes a stage; the aggregate decides.

A strategy is pure. It has no clock, no chance and asks nobody: the same observations in the same
order give the same advice, so a decision can be taken again from what was recorded.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson

from citybrain.domain.signals.junction import Junction, Plan
from citybrain.domain.signals.lamps import Lamps, green_now
from citybrain.domain.signals.plans import offset_at, wanted
from citybrain.domain.signals.rules import Source, Wish, broken_by
from citybrain.domain.signals.signal import Signal
from citybrain.domain.signals.waiting import Calls


@dataclass(frozen=True, slots=True)
class LaneSeen:
    """What is seen of a lane now.

    `vehicles`: (metres to the stop line, m/s) of each vehicle, the nearest first; of a lane behind
    a short one (`Lane.upstream`) through all that lies between, nearest stop line first.
    `counted`: vehicles that stand, where no positions are known (loops); None: unknown.
    `trusted`: False where its detector has failed; then what is seen is not used, and the lane gets
    the plan's share.
    """

    vehicles: tuple[tuple[float, float], ...] = ()
    counted: int | None = None
    trusted: bool = True


@dataclass(frozen=True, slots=True)
class ExitSeen:
    """What is seen of an exit.

    `room`: vehicles that still fit behind the last one that stands there, less those that roll up
    to it; where nobody stands, what the whole exit holds. None: its detector has failed, which is
    never taken for empty. Of an exit that nothing watches there is no `ExitSeen`.
    """

    room: float | None = None


@dataclass(frozen=True, slots=True)
class Ahead:
    """What the next junction says of a lane that vehicles are sent to.

    `there`: vehicles on it, None where that is not known. `blocked`: whether somebody stands in its
    way, or its exits are full.
    """

    there: int | None = None
    blocked: bool = False


@dataclass(frozen=True, slots=True)
class Coming:
    """Who comes from another junction, to which lanes: vehicles that cross its stop lines, by
    second."""

    lanes: tuple[str, ...]
    vehicles: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Tells:
    """What a junction says to those beside it, `at` milliseconds since 1970.

    `lanes`: its own, by code. `sends`: by exit, vehicles that will cross the stop line towards it,
    by second from `at` on. `waits`: short exits for whose room
    somebody stands in the box.
    """

    at: int
    lanes: Mapping[str, Ahead] = field(default_factory=dict)
    sends: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    waits: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Observations:
    """What is seen of a junction at one moment.

    `at`: milliseconds since 1970. `lanes`, `exits`: by their codes. `crossed`: vehicles over the
    stop line since the observations before, by movement. `in_box`: by movement, for how many
    milliseconds at most somebody has stood (slower than 0.5 m/s) between the stop line and the
    exit; 0 where somebody is there and moves; a movement whose part of the box is empty is absent.
    `newest`: of when the newest of it is; None where that is not known.

    Of the junctions beside it, where they say something: `ahead`, by exit. `coming`: by junction,
    who comes from there. `backed`: lanes for whose
    room somebody stands in the box behind them.
    """

    at: int
    lanes: Mapping[str, LaneSeen] = field(default_factory=dict)
    exits: Mapping[str, ExitSeen] = field(default_factory=dict)
    crossed: Mapping[str, int] = field(default_factory=dict)
    in_box: Mapping[str, int] = field(default_factory=dict)
    newest: int | None = None
    ahead: Mapping[str, Ahead] = field(default_factory=dict)
    coming: Mapping[str, Coming] = field(default_factory=dict)
    backed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Advice:
    """What a strategy proposes, and why.

    `stage`: None to stay. `green_at`: when its greens begin at the earliest, in milliseconds since
    1970; None as soon as it is safe. `reasons`: few, JSON-able, and nobody's personal data.
    `tells`: what the junctions beside it are to know; None where it says nothing.
    """

    stage: str | None
    reasons: Mapping[str, Any]
    green_at: int | None = None
    tells: Tells | None = None


@dataclass(frozen=True, slots=True)
class Bus:
    """A bus that has priority, or had it a moment ago (`ended`).

    `arrives`, `ended`: milliseconds since 1970. `late_ms`, `gap_ms`: None where not known. The
    rest as in `BusLine`.
    """

    line: str
    group: str
    arrives: int
    late_ms: int | None
    gap_ms: int | None
    extend_ms: int
    early_ms: int
    ended: int | None


@dataclass(frozen=True, slots=True)
class SignalView:
    """What a strategy may know of the signal at `at`.

    `stage`: the one that is green or coming; None where the green groups are no stage. `plan`: the
    one in force, with the offset that it runs with now. `bus`: the one that has priority.
    """

    at: int
    stage: str | None
    lamps: Lamps
    calls: Calls
    plan: Plan
    offset_ms: int
    bus: Bus | None = None

    @property
    def settled(self) -> bool:
        """Whether no lamp is to change: nothing ends, nothing is to come."""
        return not any(
            lamp.is_coming(self.at) or (lamp.end_of_green is not None and lamp.is_green(self.at))
            for lamp in self.lamps.values()
        )

    @property
    def green(self) -> frozenset[str]:
        """The groups that are green now."""
        return green_now(self.lamps, self.at)

    def planned(self, junction: Junction, at: int) -> str:
        """The stage whose turn it is in the plan at `at`."""
        return wanted(junction, self.plan, at, self.offset_ms).stage

    def allows(self, junction: Junction, stage: str, green_at: int | None = None) -> bool:
        """Whether the centre's wish for a stage would break no rule now."""
        wish = Wish(junction.stages[stage], Source.CENTRE, green_at)
        return not broken_by(junction, self.lamps, self.calls, wish, self.at)


class Strategy(Protocol):
    """A way to decide. `parameters`: all that it was set to, the same for every junction."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    @property
    def parameters(self) -> Mapping[str, float]: ...

    def begin(self, junction: Junction) -> Any:
        """The memory of a junction of which nothing has been seen."""
        ...

    def decide(
        self, seen: Observations, junction: Junction, signal: SignalView, memory: Any
    ) -> Advice:
        """What to do now; the memory may be changed. Raises nothing, whatever is seen."""
        ...


def view(signal: Signal, junction: Junction, plan: Plan, at: int) -> SignalView:
    """The signal as a strategy sees it at `at`, milliseconds since 1970."""
    offset = offset_at(junction, plan, signal.offset, at)
    bus = _bus(signal, junction, at)
    return SignalView(at, signal.stage, signal.lamps, dict(signal.calls), plan, offset, bus)


def _bus(signal: Signal, junction: Junction, at: int) -> Bus | None:
    """The bus that has priority; for a moment also the one that had it last."""
    said = signal.prioritised
    line = None if said is None else junction.bus_lines.get(said["line"])
    if said is None or line is None:
        return None
    ended = said["ended"]
    if ended is not None and at >= ended + line.early_ms:
        return None
    return Bus(
        line.code,
        line.group,
        said["arrives"],
        said["late_ms"],
        said["gap_ms"],
        line.extend_ms,
        line.early_ms,
        ended,
    )


def why(strategy: Strategy, advice: Advice) -> dict[str, Any]:
    """What the event of a change says of the strategy that proposed it."""
    return {
        "strategy": strategy.name,
        "version": strategy.version,
        "parameters": digest(strategy.parameters),
        "reasons": dict(advice.reasons),
    }


def digest(parameters: Mapping[str, float]) -> str:
    """Twelve hexadecimal digits that tell one set of parameters from another."""
    content = orjson.dumps(dict(parameters), option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(content).hexdigest()[:12]
