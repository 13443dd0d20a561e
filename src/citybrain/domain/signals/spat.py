"""What each signal group shows and until when, as SAE J2735 says it (SPaT).

Only what is decided is said. A green whose end is open ends at the earliest when its minimum is
over, and when nothing holds it any more its end is unknown; a red without a decided green has no
end, rather than one that recedes with each message. A likely end is the plan's, where the junction
follows it.

Times are marks: tenths of a second in the hour (UTC). They wrap, so a mark is read by the moment
at which the snapshot was taken, never by that at which it is read.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from citybrain.domain.signals.junction import Junction, Plan
from citybrain.domain.signals.lamps import Lamp, Shown, end_of_minimum
from citybrain.domain.signals.plans import offset_at, wanted
from citybrain.domain.signals.rules import Source
from citybrain.domain.signals.signal import NEVER, Signal

TENTH_MS, HOUR_MS, MINUTE_MS = 100, 3_600_000, 60_000
UNKNOWN, BEYOND_AN_HOUR = 36_001, 36_000


class MovementPhaseState(StrEnum):
    """SAE J2735 MovementPhaseState, those that our lamps can show."""

    DARK = "dark"
    STOP_AND_REMAIN = "stop-And-Remain"
    PERMISSIVE_MOVEMENT_ALLOWED = "permissive-Movement-Allowed"
    PROTECTED_MOVEMENT_ALLOWED = "protected-Movement-Allowed"
    PERMISSIVE_CLEARANCE = "permissive-clearance"
    PROTECTED_CLEARANCE = "protected-clearance"
    CAUTION_CONFLICTING_TRAFFIC = "caution-Conflicting-Traffic"


class IntersectionStatus(StrEnum):
    """SAE J2735 IntersectionStatusObject, the bits that we can set."""

    MANUAL_CONTROL = "manualControlIsEnabled"
    FAILURE_FLASH = "failureFlash"
    PREEMPT_ACTIVE = "preemptIsActive"
    FIXED_TIME = "fixedTimeOperation"
    TRAFFIC_DEPENDENT = "trafficDependentOperation"
    STANDBY = "standbyOperation"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Showing:
    """What a group shows from `begin` on, in milliseconds since 1970; None is not known.

    `min_end`, `max_end`: when it ends at the earliest and at the latest; `likely`: when most
    probably. All three are the same where the end is decided.
    """

    shown: Shown
    begin: int | None
    min_end: int | None = None
    max_end: int | None = None
    likely: int | None = None

    @classmethod
    def until(cls, shown: Shown, begin: int | None, end: int | None) -> "Showing":
        """With an end that is decided, or unknown."""
        return cls(shown, begin, end, end, end)


@dataclass(frozen=True, slots=True)
class Marks:
    """The times of a `Showing` as marks. `UNKNOWN` is never 0, nothing, or far away."""

    start: int
    min_end: int
    max_end: int
    likely: int


def showing(
    signal: Signal, junction: Junction, plan: Plan | None, code: str, at: int
) -> list[Showing]:
    """What a group shows at `at` and what is decided of it, in the order of time.

    `plan`: the one that the junction follows by itself; None where that is not known.
    """
    if signal.flash is not None:
        return [Showing(Shown.FLASH, signal.flash["since"])]
    lamp = Lamp(*signal.lamp_times[code])
    if at < signal.flash_until:
        if signal.flash_until == NEVER:
            return [Showing(Shown.FLASH, None)]
        starting = [Showing.until(Shown.FLASH, None, signal.flash_until)]
        return [*starting, *_from_red(junction, lamp, signal.flash_until, code, at)]
    found = list(_from_now(junction, lamp, code, at))
    if plan is not None and found[0].shown is Shown.GREEN and found[0].max_end is None:
        found[0] = _likely(signal, junction, plan, found[0], code, at)
    return found


def next_change(signal: Signal, junction: Junction, plan: Plan | None, at: int) -> int | None:
    """When what is told of it becomes something else without an event; None never."""
    times = [signal.all_red_until]
    for code in signal.lamp_times:
        for each in showing(signal, junction, plan, code, at):
            times += [
                ms for ms in (each.begin, each.min_end, each.max_end, each.likely) if ms is not None
            ]
    return min((ms for ms in times if at < ms < NEVER), default=None)


def _from_now(junction: Junction, lamp: Lamp, code: str, at: int) -> Iterator[Showing]:
    shown = lamp.shown(at)
    if shown is Shown.GREEN:
        yield from _green(junction, lamp, code, at)
    elif shown is Shown.ENDING:
        yield Showing.until(Shown.ENDING, lamp.ends, lamp.red_from)
        yield from _from_red(junction, lamp, lamp.red_from, code, at)
    else:
        yield from _from_red(junction, lamp, lamp.red_from, code, at)


def _green(junction: Junction, lamp: Lamp, code: str, at: int) -> Iterator[Showing]:
    end = lamp.end_of_green
    if end is None:
        minimum = end_of_minimum(junction, {code: lamp}, code)
        yield Showing(Shown.GREEN, lamp.green_from, minimum if minimum > at else None)
        return
    yield Showing.until(Shown.GREEN, lamp.green_from, end)
    yield Showing.until(Shown.ENDING, end, lamp.red_from)
    yield Showing(Shown.RED, lamp.red_from)


def _from_red(
    junction: Junction, lamp: Lamp, begin: int | None, code: str, at: int
) -> Iterator[Showing]:
    """Red, and the green after it where one is decided."""
    green = lamp.green_from if lamp.is_coming(at) else None
    yield Showing.until(Shown.RED, begin, green)
    if green is not None:
        yield Showing(Shown.GREEN, green, end_of_minimum(junction, {code: lamp}, code))


def _likely(
    signal: Signal, junction: Junction, plan: Plan, green: Showing, code: str, at: int
) -> Showing:
    """With the end that the plan has for it, where the junction follows its plan."""
    offset = offset_at(junction, plan, signal.offset, at)
    turn = wanted(junction, plan, at, offset)
    if signal.writer(at) is not Source.LOCAL or code not in junction.stages[turn.stage]:
        return green
    for _ in plan.splits:
        following = wanted(junction, plan, turn.until, offset)
        if code not in junction.stages[following.stage]:
            return replace(green, likely=max(turn.until, green.min_end or turn.until))
        turn = following
    return green  # it is green in every stage


def event_state(showing: Showing, *, on_foot: bool, yields: bool, dark: bool) -> MovementPhaseState:
    """The J2735 state. `yields`: some movement of the group gives way while it is green."""
    match showing.shown:
        case Shown.GREEN if yields:
            return MovementPhaseState.PERMISSIVE_MOVEMENT_ALLOWED
        case Shown.GREEN:
            return MovementPhaseState.PROTECTED_MOVEMENT_ALLOWED
        case Shown.ENDING if yields:
            return MovementPhaseState.PERMISSIVE_CLEARANCE
        case Shown.ENDING:
            return MovementPhaseState.PROTECTED_CLEARANCE
        case Shown.FLASH if on_foot or dark:
            return MovementPhaseState.DARK
        case Shown.FLASH:
            return MovementPhaseState.CAUTION_CONFLICTING_TRAFFIC
        case Shown.RED:
            return MovementPhaseState.STOP_AND_REMAIN


def status_of(signal: Signal, at: int) -> tuple[IntersectionStatus, ...]:
    """The bits that are set at `at`."""
    if signal.flash is not None:
        return (IntersectionStatus.FAILURE_FLASH,)
    if signal.all_red_until == NEVER:
        return (IntersectionStatus.OFF,)
    match signal.writer(at):
        case Source.HAND:
            return (IntersectionStatus.MANUAL_CONTROL,)
        case Source.PREEMPTION:
            return (IntersectionStatus.PREEMPT_ACTIVE,)
        case Source.CENTRE:
            return (IntersectionStatus.TRAFFIC_DEPENDENT,)
        case Source.LOCAL:
            return (IntersectionStatus.FIXED_TIME,)
        case None:
            return (IntersectionStatus.STANDBY,)


def marks_of(showing: Showing, at: int) -> Marks:
    """Its times as marks of a snapshot taken at `at`.

    What is not at a whole tenth is told so that nobody is promised more: the earliest end is
    rounded down, the latest up.
    """
    begin = showing.begin
    if begin is not None and begin < at - HOUR_MS:
        begin = None  # its mark would be that of another hour
    likely = showing.likely
    nearest = None if likely is None else likely + TENTH_MS // 2
    return Marks(
        start=_mark(begin, at),
        min_end=_mark(showing.min_end, at),
        max_end=_mark(None if showing.max_end is None else showing.max_end + TENTH_MS - 1, at),
        likely=_mark(nearest, at),
    )


def mark(ms: int) -> int:
    """The tenth of a second in the hour (UTC) of a moment, rounded down: 0 to 35 999."""
    return ms % HOUR_MS // TENTH_MS


def _mark(ms: int | None, at: int) -> int:
    if ms is None:
        return UNKNOWN
    return BEYOND_AN_HOUR if ms - at >= HOUR_MS else mark(ms)


def end_from_mark(told: int, taken_at: int) -> int | None:
    """The moment of an end's mark in a snapshot that was taken at `taken_at`; None is unknown.

    Both in milliseconds since 1970. It is the first such tenth that is not before the snapshot,
    whenever it is read.
    """
    if told in (UNKNOWN, BEYOND_AN_HOUR):
        return None
    begin = taken_at - taken_at % HOUR_MS + told * TENTH_MS
    return begin if begin >= taken_at - taken_at % TENTH_MS else begin + HOUR_MS
