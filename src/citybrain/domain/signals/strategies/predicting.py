"""From what is seen to queues and arrivals: who stands, and who is at the stop line when."""

from math import sqrt

import numpy as np

from citybrain.domain.signals.strategies.approaches import PLACE_M, Approaches
from citybrain.domain.signals.strategies.estimating import Learned
from citybrain.domain.signals.strategies.planning import Floats
from citybrain.domain.signals.strategies.settings import Settings
from citybrain.domain.signals.strategies.strategy import Coming, Observations, SignalView

APART_M = 30.0
"""Who stands on a street behind, so far from the queue before him, does not wait for this green: he
waits at the junction without lights where his street joins."""
STARTS_S = 3
"""Who starts at a stop line needs so much longer to the next one."""


def reaches(distance: float, speed: float, limit: float, acceleration: float) -> float:
    """Seconds in which a vehicle is at the stop line at the earliest, up to the speed limit."""
    gaining = max(0.0, limit - speed) / acceleration
    gained = speed * gaining + 0.5 * acceleration * gaining * gaining
    if gained >= distance:
        return (sqrt(speed * speed + 2.0 * acceleration * distance) - speed) / acceleration
    return gaining + (distance - gained) / max(limit, speed)


def shares_of(model: Approaches, learned: Learned) -> dict[tuple[str, int], float]:
    """Which part of a seen lane's vehicles belongs to which approach: by what crossed so far."""
    members: dict[str, list[int]] = {}
    for row, lane in enumerate(model.lanes):
        for stretch in lane.stretches:
            members.setdefault(stretch, []).append(row)
    found = {}
    for code, rows in members.items():
        counts = [2.0 + sum(learned.turns[row].values()) for row in rows]
        for row, count in zip(rows, counts, strict=True):
            found[code, row] = 1.0 if model.lanes[row].lane == code else count / sum(counts)
    return found


def predict(
    model: Approaches,
    learned: Learned,
    settings: Settings,
    seen: Observations,
    signal: SignalView,
    without: frozenset[int],
) -> tuple[Floats, Floats]:
    """Queues by row, and arrivals by second and row. Rows in `without` are as if nobody came."""
    horizon = settings.horizon
    queue, arrivals = np.zeros(model.rows), np.zeros((horizon, model.rows))
    shares = shares_of(model, learned)
    for row, lane in enumerate(model.lanes):
        if row in without:
            continue
        vehicles = list[tuple[float, float, float, bool]]()
        for stretch in lane.stretches:
            here = seen.lanes.get(stretch)
            if here is None:
                continue
            part = shares[stretch, row]
            if here.counted is not None:
                queue[row] += part * max(0, here.counted)
                continue
            own = stretch == lane.lane
            vehicles += ((max(0.0, far), max(0.0, fast), part, own) for far, fast in here.vehicles)
        for nearer, (distance, speed, part, own) in enumerate(sorted(vehicles)):
            if distance > settings.seen_m:
                break
            queues = own or distance <= (nearer + 1) * PLACE_M + APART_M
            eta = reaches(distance, speed, lane.speed, settings.acceleration)
            if eta < 1.0 or (queues and speed < settings.standing_m_per_s):
                queue[row] += part
            elif eta < horizon:
                arrivals[int(eta), row] += part
        unseen = min(horizon, int(lane.seen_m / lane.speed) + 1)
        arrivals[unseen:, row] += learned.rate[row]
    for coming in seen.coming.values():
        _expect(model, learned, coming, arrivals, without)
    for place, code in enumerate(model.walkers, len(model.lanes)):
        if code in signal.calls and not signal.lamps[code].is_green(signal.at):
            queue[place] = settings.walkers
    return queue, arrivals


def _expect(
    model: Approaches, learned: Learned, coming: Coming, arrivals: Floats, without: frozenset[int]
) -> None:
    """Put who comes from another junction in the place of the mean rate, once they are not seen.

    Which lane each takes is not known: they are shared as vehicles came so far. Where other streets
    join on the way nothing is expected: many turn off there, and as many come that nobody sent.
    """
    rows = [
        row
        for row, lane in enumerate(model.lanes)
        if row not in without
        and lane.one_street
        and any(each in coming.lanes for each in lane.stretches)
    ]
    total = float(learned.rate[rows].sum())
    for row in rows:
        lane = model.lanes[row]
        travel = int(lane.way_m(coming.lanes) / lane.speed) + STARTS_S
        unseen = int(lane.seen_m / lane.speed) + 1
        skipped = max(0, unseen - travel)
        vehicles = np.array(coming.vehicles[skipped:])[: max(0, len(arrivals) - travel - skipped)]
        begin = travel + skipped
        arrivals[begin : begin + len(vehicles), row] = vehicles * (learned.rate[row] / total)
