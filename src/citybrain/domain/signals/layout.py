"""What lies around a junction: approach lanes, exits, movements between them, and detectors.

Lamps say who may go; this says who stands before which lamp and where it goes to. Nothing here
makes a change safe or unsafe: strategies, read models and drawings use it, the rules do not.
Lengths are metres, speeds metres a second, times whole milliseconds.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Turn(StrEnum):
    """Where a movement goes, as its driver sees it."""

    THROUGH = "through"
    LEFT = "left"
    RIGHT = "right"
    U_TURN = "u-turn"


class DetectorKind(StrEnum):
    """How a detector sees."""

    LOOP = "loop"
    CAMERA = "camera"
    RADAR = "radar"
    BUTTON = "button"


@dataclass(frozen=True, slots=True)
class Lane:
    """An approach lane, up to its stop line.

    `upstream`: lanes of this definition that lie behind a short one, nearest first. A vehicle
    there is seen once, and belongs to the movements of the lanes that it may reach, by shares.
    `to_stop_line_m`: of such a lane, how far its end is before the nearest stop line; else 0.
    """

    code: str
    length_m: float
    speed_m_per_s: float
    upstream: tuple[str, ...] = ()
    to_stop_line_m: float = 0.0


@dataclass(frozen=True, slots=True)
class Exit:
    """A lane or link behind the junction; `leads_to`: junction and lane, where that is known."""

    code: str
    length_m: float
    leads_to: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Movement:
    """From one lane to one exit, by one signal group.

    `group` is None where no lamp holds it, such as a right turn that is always free. `yields_to`:
    movements that go first where both may go; two that yield to each other go as they come.
    `on_red`: after a stop it may go on red, and yields to all.
    """

    code: str
    lane: str
    exit: str
    turn: Turn
    group: str | None
    yields_to: tuple[str, ...] = ()
    on_red: bool = False


@dataclass(frozen=True, slots=True)
class Detector:
    """What sees a part of a lane or an exit, or a button of a pedestrian group.

    `from_m`, `to_m`: its zone, metres before the stop line; of an exit, metres behind its
    beginning. `longest_presence_ms`: occupied for longer without a break it is stuck;
    `silent_after_ms`: with nothing heard for longer it is silent; `erratic_per_minute`: more
    actuations than these are chatter.
    """

    code: str
    kind: DetectorKind
    device: str
    lane: str | None = None
    group: str | None = None
    from_m: float = 0.0
    to_m: float = 0.0
    longest_presence_ms: int = 300_000
    silent_after_ms: int = 60_000
    erratic_per_minute: int = 60


@dataclass(frozen=True, slots=True)
class Layout:
    """All of a junction's, by code; empty where a definition says nothing of its streets."""

    lanes: Mapping[str, Lane] = field(default_factory=dict)
    exits: Mapping[str, Exit] = field(default_factory=dict)
    movements: Mapping[str, Movement] = field(default_factory=dict)
    detectors: Mapping[str, Detector] = field(default_factory=dict)
    _of_lane: dict[str, tuple[Movement, ...]] = field(init=False, repr=False, compare=False)
    _into: dict[str, tuple[Movement, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        of_lane, into = dict[str, tuple[Movement, ...]](), dict[str, tuple[Movement, ...]]()
        for each in self.movements.values():
            of_lane[each.lane] = (*of_lane.get(each.lane, ()), each)
            into[each.exit] = (*into.get(each.exit, ()), each)
        object.__setattr__(self, "_of_lane", of_lane)
        object.__setattr__(self, "_into", into)

    def of_lane(self, lane: str) -> tuple[Movement, ...]:
        """The movements that begin at a lane's stop line."""
        return self._of_lane.get(lane, ())

    def into(self, exit_code: str) -> tuple[Movement, ...]:
        """The movements that end in an exit."""
        return self._into.get(exit_code, ())

    def of_group(self, group: str) -> tuple[Movement, ...]:
        """The movements that a signal group holds."""
        return tuple(each for each in self.movements.values() if each.group == group)

    def reached_from(self, lane: str) -> tuple[Movement, ...]:
        """The movements that a vehicle on a lane may make: at its stop line, or further on."""
        return tuple(
            each
            for each in self.movements.values()
            if each.lane == lane or lane in self.lanes[each.lane].upstream
        )

    def lanes_seen(self, lanes: Iterable[str]) -> tuple[str, ...]:
        """These lanes and those behind them, each once, however many it leads to (S25)."""
        seen: dict[str, None] = {}
        for lane in lanes:
            seen[lane] = None
            seen.update(dict.fromkeys(self.lanes[lane].upstream))
        return tuple(seen)
