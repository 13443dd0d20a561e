"""Decisions by strategies: what is seen of a junction, what a strategy proposes, what is asked for.

A strategy proposes and the aggregate decides. Each change carries which strategy proposed it, why,
and what it had seen, so that it can be explained from the log alone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from prometheus_client import Counter, Histogram

from citybrain.definitions.signals.junctions import DatedJunction
from citybrain.domain.signals import people
from citybrain.domain.signals.centre import note_failure, note_success, settle_mode
from citybrain.domain.signals.detector_faults import follow_detectors
from citybrain.domain.signals.junction import Junction, Plan
from citybrain.domain.signals.requesting import Numbered, request
from citybrain.domain.signals.rules import Source, Wish
from citybrain.domain.signals.signal import PLAN, Signal
from citybrain.domain.signals.signal_events import milliseconds
from citybrain.domain.signals.strategies import STRATEGIES
from citybrain.domain.signals.strategies.strategy import (
    LaneSeen,
    Observations,
    Strategy,
    Tells,
    view,
    why,
)
from citybrain.domain.signals.waiting import waiting_at
from commands.signals.observed import Observed

log = structlog.get_logger(__name__)

EVERY_MS, MOST_MS = 1000, 5000  # a strategy is asked
ASKED_A_SECOND = 500  # strategies in one process; where there are more, each is asked less often
EARLY_MS, LATE_MS, EXPECTED_MS = 200, 400, 3000  # so that it is asked when something new was seen
REST_MS = 60_000  # after it could not decide
ASKED_AGAIN_MS = 5000  # a wish that was refused
COUNTS = timedelta(seconds=10)  # a command


def pace(junctions: int) -> int:
    """How often the strategy of each of so many junctions is asked, in milliseconds."""
    return min(MOST_MS, max(EVERY_MS, 1000 * junctions // ASKED_A_SECOND))


SECONDS = Histogram(
    "citybrain_signal_decision_seconds",
    "Seconds that a strategy took for one decision",
    ["strategy"],
    buckets=(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25),
)
CHANGES = Counter("citybrain_signal_changes_total", "Changes that strategies made", ["strategy"])


@dataclass(slots=True)
class Deciding:
    """What is remembered of the decisions at a junction, in milliseconds since 1970.

    `decided_at`: when the strategy was last asked, also where it proposed nothing. `told_at`: when
    something was seen last, 0 where that was not said. `tells`: what it said last to those beside
    it.
    """

    strategy: str = ""
    version: str = ""
    memory: Any = None
    decided_at: int = 0
    rests_until: int = 0
    refused_at: int = 0
    refused: str | None = None
    told_at: int = 0
    tells: Tells | None = None

    def told(self, at: int, every_ms: int) -> bool:
        """Note that something was seen at `at`; whether the strategy is to be asked about it."""
        self.told_at = at
        return bool(self.strategy) and self.due(at, every_ms)

    def due(self, at: int, every_ms: int) -> bool:
        """Whether it is to be asked; a little early where something new was seen."""
        early = EARLY_MS if self.told_at > self.decided_at else 0
        return at >= self.decided_at + every_ms - early

    def next_at(self, at: int, every_ms: int) -> int:
        """When it is asked at the latest: a little late where something new is to be expected."""
        expects = self.told_at > 0 and at - self.told_at < EXPECTED_MS
        return self.decided_at + every_ms + (LATE_MS if expects else 0)


def decide(
    signal: Signal,
    dated: DatedJunction,
    plan: Plan,
    now: datetime,
    state: Deciding,
    seen: Observed,
    every_ms: int,
    ready: Callable[[], bool],
    beside: Callable[[Observations, Junction], Observations],
) -> int | None:
    """Let the strategy in force decide; when it wants to be asked next, None where none does.

    It is asked each `every_ms`, as soon as something was seen since. Where strategies are not
    `ready` in this process none is asked, and the plan goes on. `beside` adds what the junctions
    beside it say.
    """
    at, junction = milliseconds(now), dated.junction
    if seen.known(junction.code) is not None:
        follow_detectors(signal, now, seen.judged(junction.code))
        for group in seen.pressed(junction.code):
            people.call(signal, junction, now, group, by="button")
    if at < state.rests_until:
        return state.rests_until
    if signal.strategy_at(at) != PLAN and not ready():
        return at + EVERY_MS
    if not settle_mode(signal, now):
        state.strategy = ""
        return signal.strategy_changes(at)
    asked = state.due(at, every_ms)
    if asked or state.strategy != signal.strategy_at(at):
        try:
            strategy = STRATEGIES[signal.strategy_at(at)]
            here = beside(seen.latest(junction.code), junction)
            ask(strategy, signal, dated, plan, now, state, here)
            note_success(signal, now)
        except Exception as error:  # a strategy is somebody's code: the plan holds
            log.exception("signal_strategy_failed", junction=junction.code)
            note_failure(signal, now, type(error).__name__)
            state.strategy, state.rests_until = "", at + REST_MS
    state.decided_at = at if asked else state.decided_at
    return max(state.next_at(at, every_ms), state.rests_until)


def ask(
    strategy: Strategy,
    signal: Signal,
    dated: DatedJunction,
    plan: Plan,
    now: datetime,
    state: Deciding,
    seen: Observations,
) -> None:
    """Ask a strategy with what is seen, and follow what it proposes as far as rules allow it.

    Who measures strategies without a server asks them here as well, so that it measures what the
    server does.
    """
    at, junction, name = milliseconds(now), dated.junction, strategy.name
    if (state.strategy, state.version) != (name, junction.version):
        state.strategy, state.version = name, junction.version
        state.memory = strategy.begin(junction)
    _call_those_who_wait(signal, dated, now, seen)
    with SECONDS.labels(name).time():
        advice = strategy.decide(seen, junction, view(signal, junction, plan, at), state.memory)
    state.tells = advice.tells
    stage = advice.stage
    again = stage == state.refused and at < state.refused_at + ASKED_AGAIN_MS
    held = advice.green_at is not None  # the greens of a change that is on its way, for somebody
    if stage is None or (stage == signal.stage and not held) or again:
        return
    rule = request(
        signal,
        junction,
        now,
        Wish(junction.stages[stage], Source.CENTRE, advice.green_at),
        cause=name,
        command=Numbered(signal.epoch, signal.last_sequence + 1, now + COUNTS),
        why={**why(strategy, advice), "seen": compact(seen)},
    )
    if rule is None:
        CHANGES.labels(name).inc()
        state.refused = None
    else:
        state.refused, state.refused_at = stage, at


def _call_those_who_wait(
    signal: Signal, dated: DatedJunction, now: datetime, seen: Observations
) -> None:
    """Vehicles that are seen before a red lamp wait; where nothing is known, somebody may."""
    at, junction, lamps = milliseconds(now), dated.junction, signal.lamps
    known = {code for code in lamps if lamps[code].is_green(at)}
    known |= waiting_at(lamps, signal.calls, at).keys()
    for movement in junction.layout.movements.values():
        lane = seen.lanes.get(movement.lane)
        if movement.group is None or movement.group in known or lane is None:
            continue
        if not lane.trusted or lane.vehicles or lane.counted:
            people.call(signal, junction, now, movement.group, by="detector")
            known.add(movement.group)


def compact(seen: Observations) -> dict[str, Any]:
    """What was seen, and what those beside it said, as the event of a change carries it: nobody's
    data, few bytes."""
    said = {
        "ahead": {code: [each.there, each.blocked] for code, each in sorted(seen.ahead.items())},
        "coming": {
            code: [list(each.lanes), list(each.vehicles)]
            for code, each in sorted(seen.coming.items())
        },
        "backed": sorted(seen.backed),
    }
    return {name: each for name, each in said.items() if each} | {
        "at": seen.at,
        "newest": seen.newest,
        "lanes": {code: _lane(each) for code, each in sorted(seen.lanes.items())},
        "exits": {
            code: None if each.room is None else round(each.room, 1)
            for code, each in sorted(seen.exits.items())
        },
        "crossed": {code: each for code, each in sorted(seen.crossed.items()) if each},
        "in_box": dict(sorted(seen.in_box.items())),
    }


def _lane(lane: LaneSeen) -> Any:
    """Vehicles as [metres, metres per second], a count, or null where it is not trusted."""
    if not lane.trusted:
        return None
    if lane.vehicles:
        return [[round(metres, 1), round(speed, 1)] for metres, speed in lane.vehicles]
    return lane.counted or 0
