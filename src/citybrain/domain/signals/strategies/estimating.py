"""What is learned of a junction while it runs: rates, turn shares, saturation, discharge.

Nothing is set by hand for a junction. All that is learned is in the memory, and forgotten when a
strategy begins again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf

import numpy as np

from citybrain.domain.signals.junction import Junction
from citybrain.domain.signals.strategies.approaches import PLACE_M, SECOND_MS, Approaches
from citybrain.domain.signals.strategies.planning import Floats
from citybrain.domain.signals.strategies.settings import Settings
from citybrain.domain.signals.strategies.strategy import Observations

FIRST_RATE, LEAST_RATE = 0.02, 0.1
LEAST_SATURATION, MOST_SATURATION = 0.4, 0.7
LEAST_DISCHARGE, MOST_DISCHARGE = 0.2, 1.2
LEAST_GAP_S, MOST_GAP_S = 1.0, 3.0
SHARES_EVERY_MS = 30_000
QUEUED = 0.95
"""An exit with less room than this share of its places has a queue."""


@dataclass(slots=True)
class Learned:
    """By lane: `rate` and `saturation` in vehicles a second, `turns` in vehicles by movement.

    `shares`: of its vehicles, by movement in their order. `discharge`: by stage and lane, what
    crossed of what was expected to. `opened`, `yielding`: by stage and lane, the share of its
    vehicles that is green, and that gives way. `drain`: vehicles a second that leave an exit on
    which a queue stands; `room`: what it had room for the last time. `standing`: vehicles that
    stand before the junction, on average. Moments are milliseconds since 1970, None before the
    first.
    """

    rate: Floats
    saturation: Floats
    turns: list[dict[str, float]]
    shares: list[list[float]]
    discharge: Floats
    opened: Floats
    yielding: Floats
    expected: Floats
    last_crossed: list[int | None] = field(default_factory=list)
    last_at: int | None = None
    drain: dict[str, float] = field(default_factory=dict)
    room: dict[str, float] = field(default_factory=dict)
    shares_at: int | None = None
    standing: float = 0.0

    @property
    def wait(self) -> float:
        """For how long who stands here waits still, in seconds: on average half of the time for
        which who crosses has stood (Little's law)."""
        return 0.5 * self.standing / max(FIRST_RATE, float(self.rate.sum()))


def begin(model: Approaches, settings: Settings) -> Learned:
    """Nothing has been seen."""
    lanes, stages = len(model.lanes), len(model.stages)
    turns = [{each.code: 0.0 for each in lane.movements} for lane in model.lanes]
    learned = Learned(
        rate=np.full(lanes, FIRST_RATE),
        saturation=np.full(lanes, settings.saturation),
        turns=turns,
        shares=[turn_shares(counts, settings) for counts in turns],
        discharge=np.ones((stages, lanes)),
        opened=np.zeros((stages, lanes)),
        yielding=np.zeros((stages, lanes)),
        expected=np.zeros(lanes),
        last_crossed=[None] * lanes,
    )
    share(learned, model, settings)
    return learned


def learn(
    learned: Learned,
    model: Approaches,
    junction: Junction,
    settings: Settings,
    seen: Observations,
    stage: int | None,
) -> None:
    """Take in what crossed since the last time; `stage`: the one that ran all the while."""
    before = learned.last_at
    since = 0.0 if before is None else (seen.at - before) / SECOND_MS
    learned.last_at = seen.at
    if since <= 0.0:
        return
    learn_exits(learned, junction, settings, seen, since)
    part = min(1.0, since / settings.rate_memory)
    learned.standing += part * (_standing(seen, settings) - learned.standing)
    for row, lane in enumerate(model.lanes):
        crossed = 0
        for movement in lane.movements:
            count = seen.crossed.get(movement.code, 0)
            if count > 0:
                crossed += count
                learned.turns[row][movement.code] += count
        learned.rate[row] += part * (crossed / since - learned.rate[row])
        if crossed:
            learned.shares[row] = turn_shares(learned.turns[row], settings)
            _saturation(learned, row, crossed, seen.at)
        if stage is not None and model.green[stage, row] and learned.expected[row] >= 1.5:
            _discharge(learned, model, settings, row, stage, crossed / since)
    if learned.shares_at is None or seen.at >= learned.shares_at + SHARES_EVERY_MS:
        share(learned, model, settings)
        learned.shares_at = seen.at


def _standing(seen: Observations, settings: Settings) -> int:
    """Vehicles that stand on lanes that are believed."""
    return sum(
        sum(speed < settings.standing_m_per_s for _, speed in here.vehicles)
        if here.counted is None
        else max(0, here.counted)
        for here in seen.lanes.values()
        if here.trusted
    )


def _saturation(learned: Learned, row: int, crossed: int, at: int) -> None:
    """Take in the gap between those who crossed last and these."""
    before, learned.last_crossed[row] = learned.last_crossed[row], at
    gap = inf if before is None else (at - before) / SECOND_MS / crossed
    if LEAST_GAP_S <= gap <= MOST_GAP_S:
        new = learned.saturation[row] + 0.02 * (1.0 / gap - learned.saturation[row])
        learned.saturation[row] = min(MOST_SATURATION, max(LEAST_SATURATION, new))


def learn_exits(
    learned: Learned, junction: Junction, settings: Settings, seen: Observations, since: float
) -> None:
    """How fast exits drain: who entered, and by how much their room grew, in `since` seconds.

    Where nobody stands there is no queue that drains.
    """
    entered: dict[str, int] = {}
    for code, count in seen.crossed.items():
        movement = junction.layout.movements.get(code)
        if movement is not None:
            entered[movement.exit] = entered.get(movement.exit, 0) + max(0, count)
    rooms: dict[str, float] = {}
    for code, way in junction.layout.exits.items():
        here = seen.exits.get(code)
        room = None if here is None else here.room
        if room is None or not 0.0 <= room < QUEUED * way.length_m / PLACE_M:
            continue
        rooms[code] = room
        before = learned.room.get(code)
        if before is not None and since > 0.0:
            left = (room - before + entered.get(code, 0)) / since
            was = learned.drain.get(code, settings.refill)
            part = min(1.0, since / settings.crowd_memory)
            learned.drain[code] = was + part * (left - was)
    learned.room = rooms


def _discharge(
    learned: Learned, model: Approaches, settings: Settings, row: int, stage: int, flow: float
) -> None:
    """Compare what crossed a second with what a queue was expected to send."""
    opposite = model.opposed[stage, row, : len(model.lanes)]
    busy = min(1.0, float(np.max(learned.expected, where=opposite, initial=0.0)))
    held = 1.0 - (1.0 - learned.yielding[stage, row]) ** settings.gap_power
    want = learned.saturation[row] * learned.opened[stage, row] * (1.0 - busy * held)
    was = learned.discharge[stage, row]
    new = was + settings.discharge_gain * (flow - want * was) / max(want, 0.15)
    learned.discharge[stage, row] = min(MOST_DISCHARGE, max(LEAST_DISCHARGE, new))


def share(learned: Learned, model: Approaches, settings: Settings) -> None:
    """Work out the shares of each lane that are green, and that give way, in each stage."""
    for row in range(len(model.lanes)):
        turns = learned.shares[row]
        for stage in range(len(model.stages)):
            opens, yields = model.opens[stage][row], model.gives_way[stage][row]
            opened = sum(part for part, is_open in zip(turns, opens, strict=True) if is_open)
            gives = sum(part for part, gives in zip(turns, yields, strict=True) if gives)
            power = 1.0 if all(opens) else settings.gap_power
            learned.opened[stage, row] = min(1.0, opened) ** power
            learned.yielding[stage, row] = min(1.0, gives)


def turn_shares(counts: Mapping[str, float], settings: Settings) -> list[float]:
    """The shares of a lane's movements, in their order, by how many went each way."""
    total = sum(counts.values()) + settings.turn_weight
    first = settings.turn_weight / len(counts)
    return [(count + first) / total for count in counts.values()]


def rates(learned: Learned, model: Approaches) -> Floats:
    """Vehicles a second from each row in each stage, while it is green and nothing holds it up."""
    lanes = len(model.lanes)
    found = np.ones((len(model.stages), model.rows))
    found[:, :lanes] = learned.saturation * learned.discharge * learned.opened
    return found


def clearing(found: Floats) -> Floats:
    """By row, from `rates`: what each vehicle of a queue adds to the mean wait until it clears."""
    best: Floats = found.max(axis=0)
    return 0.5 / np.maximum(best, LEAST_RATE)


def yielding(learned: Learned, model: Approaches) -> Floats:
    """The share of each row that gives way, by stage."""
    found = np.zeros((len(model.stages), model.rows))
    found[:, : len(model.lanes)] = learned.yielding
    return found
