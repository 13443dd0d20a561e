"""What a junction says to those beside it: who can go on there, and who will come from here."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from citybrain.domain.signals.junction import Junction
from citybrain.domain.signals.strategies.ahead import (
    in_the_way,
    is_full,
    is_short,
    rooms,
    stuck,
    without_gap_seekers,
)
from citybrain.domain.signals.strategies.approaches import SECOND_MS, Approach, Approaches
from citybrain.domain.signals.strategies.estimating import Learned, rates, yielding
from citybrain.domain.signals.strategies.failing import failed_rows
from citybrain.domain.signals.strategies.planning import Floats, outflow
from citybrain.domain.signals.strategies.predicting import predict
from citybrain.domain.signals.strategies.settings import Settings
from citybrain.domain.signals.strategies.strategy import (
    Ahead,
    LaneSeen,
    Observations,
    SignalView,
    Tells,
)


@dataclass(frozen=True, slots=True)
class Planned:
    """What was planned `at` (milliseconds since 1970): a stage, and after how many seconds which
    other one follows; -1 where none does."""

    at: int
    stage: int
    changes: int
    to: int

    def still(self, stage: int, at: int) -> tuple[int, int]:
        """In how many seconds which stage follows this one; -1, -1 where that is not known."""
        changes = self.changes - (at - self.at) // SECOND_MS
        return (changes, self.to) if stage == self.stage and changes > 0 else (-1, -1)


NOTHING_PLANNED = Planned(0, -1, -1, -1)


def planned(at: int, stage: int, goes_on: Iterable[int]) -> Planned:
    """What was planned, by what `planning.plan` says."""
    changes, to = (int(each) for each in goes_on)
    return Planned(at, stage, changes, to)


def tells(
    seen: Observations,
    junction: Junction,
    signal: SignalView,
    model: Approaches,
    learned: Learned,
    settings: Settings,
    plan: Planned,
) -> Tells:
    """What the junctions beside it are to know."""
    blocked = without_gap_seekers(seen, junction, signal)
    room, _ = rooms(seen, junction, model, learned, settings)
    waits = (each.exit for each in stuck(blocked, junction, settings))
    return Tells(
        signal.at,
        _lanes(blocked, junction, signal, model, room, settings),
        _sends(seen, junction, signal, model, learned, settings, plan),
        frozenset(
            each for each in waits if is_short(junction, each) and is_full(seen, junction, each)
        ),
    )


def _lanes(
    seen: Observations,
    junction: Junction,
    signal: SignalView,
    model: Approaches,
    room: Floats,
    settings: Settings,
) -> dict[str, Ahead]:
    """By lane, what those who send vehicles there are to know of it.

    Of a street behind a short lane that is seen in part only, not how many are on it.
    """
    standing, found = stuck(seen, junction, settings), dict[str, Ahead]()
    held_up = {each.code for each in standing}
    for row, lane in enumerate(model.lanes):
        blocked = bool(room[row] < 1.0)
        if standing and not blocked:
            blocked = in_the_way(junction, lane, standing) or any(
                held_up & {*each.yields_to} for each in lane.movements
            )
        for code, begins in zip(lane.stretches, lane.begins_m, strict=True):
            before = found.get(code)
            other = before is not None and before.blocked
            known = code == lane.lane or begins <= settings.seen_m
            there = _there(seen.lanes.get(code)) if known else None
            found[code] = Ahead(there, blocked or other)
    return found


def _there(here: LaneSeen | None) -> int | None:
    if here is None or not here.trusted:
        return None
    return len(here.vehicles) if here.counted is None else here.counted


def _sends(
    seen: Observations,
    junction: Junction,
    signal: SignalView,
    model: Approaches,
    learned: Learned,
    settings: Settings,
    plan: Planned,
) -> dict[str, tuple[float, ...]]:
    """By exit that leads to another junction, who will go there in the next seconds."""
    exits = [code for code, way in junction.layout.exits.items() if way.leads_to is not None]
    if not exits or signal.stage not in model.stages or not model.lanes:
        return {}
    stage, failed = model.stages.index(signal.stage), failed_rows(seen, junction, model)
    queue, arrivals = predict(model, learned, settings, seen, signal, failed)
    changes, to = plan.still(stage, signal.at)
    until = min(settings.horizon, max(0, changes) + settings.sends)
    goes = outflow(
        queue, arrivals, rates(learned, model), model.green, yielding(learned, model),
        model.begins, _waits(model, signal), stage, changes, to, until,
    )  # fmt: skip
    found = {code: np.zeros(until) for code in sorted(exits)}
    for row, lane in enumerate(model.lanes):
        gone = np.full(until, learned.rate[row]) if row in failed else goes[:, row]
        for part, movement in zip(learned.shares[row], lane.movements, strict=True):
            if movement.exit in found:
                found[movement.exit] += part * gone
    return {code: tuple(np.round(each, 2).tolist()) for code, each in found.items()}


def _waits(model: Approaches, signal: SignalView) -> Floats:
    """By row, in how many seconds what is to come is green."""
    found = np.zeros(model.rows)
    for row, lane in enumerate(model.lanes):
        found[row] = _wait(lane, signal) / SECOND_MS
    return found


def _wait(lane: Approach, signal: SignalView) -> int:
    lamps = [signal.lamps[each.group] for each in lane.movements if each.group]
    return max((each.green_from - signal.at for each in lamps if each.green_from), default=0)
