"""The plan ahead: dynamic programming over (second, stage), the cheapest way kept for each.

Queues are vertical: who arrives goes at once where nothing stands, else joins the queue. A second
costs the vehicles that stand, and more for each that has to stop. Compiled when first used, which
takes many seconds; the compiled code is kept beside this file, or where `NUMBA_CACHE_DIR` says.
Whoever must not wait for that calls `compile_plan` first, in a thread.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NEVER = 1e18
QUEUE, ROOM, LOSS = 0, 1, 2
"""The parts of a state, by row: vehicles that stand, room behind, seconds until the first goes."""
SOMEBODY = 0.3
"""Vehicles from which on a stage is worth beginning."""
SHUT = 0.05
"""What still goes of those in whose way somebody stands."""
SOON_S = 10
EVERY_SECOND_S, EVERY_OTHER_S, EVERY_FOURTH_S = 8, 20, 4
"""Up to when a change is tried each second, each other one, and then each so many."""


class Case(NamedTuple):
    """What the plan is about. Rows are lanes, then groups on foot; times are seconds.

    `state`: now, by part and row. `arrivals`: by second and row. `rate`, `green`, `yields`: by
    stage and row. `opposed`: by stage, row and row, to whom it gives way. `begins`: by stage, next
    stage and row, after how long it is green. `lost`, `least`: by stage and next stage. `weight`:
    by row. `shut`: by row, 1.0 where somebody is in its way, or its exit full.
    `refill`: by row, for how many vehicles its exit gets room in a second. `clearing`: by row, how
    long each of a queue is held up by those before it, on average, for each vehicle of the queue.
    """

    stage: int
    state: Floats
    arrivals: Floats
    rate: Floats
    green: Floats
    yields: Floats
    opposed: NDArray[np.bool_]
    begins: Ints
    lost: Ints
    least: Ints
    weight: Floats
    shut: Floats
    refill: Floats
    clearing: Floats


class Costs(NamedTuple):
    """`stop`: of each who has to stop; `left`: of each who still stands at the end; the rest as in
    `Settings`."""

    stop: float
    left: float
    gap_power: float
    start_loss: float
    yellow_used: float
    shut: float
    shut_for: float


def _compiled(function: Callable[..., Any]) -> Any:
    """Compile it when it is first used; kept on disk, where there is a folder to keep it in."""
    try:
        return njit(cache=True)(function)
    except RuntimeError:  # neither this folder nor one of the user can be written
        return njit(function)


def _goes(
    row: int, state: Floats, rate: Floats, green: Floats, yields: Floats, opposed: Any, here: Any
) -> float:
    """How many go in a second from a row, if there are as many and nothing holds them up behind.

    `here`: vehicles by row, and in its last place the power of gaps.
    """
    if green[row] <= 0.0:
        return 0.0
    if state[LOSS, row] >= 1.0:
        state[LOSS, row] -= 1.0
        return 0.0
    goes = float(rate[row] * (1.0 - state[LOSS, row]))
    state[LOSS, row] = 0.0
    if yields[row] > 0.0:
        busy = 0.0
        for other in range(green.shape[0]):
            if opposed[row, other] and green[other] > 0.0 and here[other] > busy:
                busy = here[other]
        goes *= 1.0 - min(1.0, busy) * (1.0 - (1.0 - yields[row]) ** here[-1])
    return goes


goes_from: Callable[..., float] = _compiled(_goes)


def _second(
    t: int,
    state: Floats,
    rate: Floats,
    green: Floats,
    yields: Floats,
    opposed: Any,
    case: Case,
    costs: Costs,
    here: Floats,
) -> float:
    """One second of all queues; what it costs."""
    total = 0.0
    rows = green.shape[0]
    for row in range(rows):
        here[row] = state[QUEUE, row] + case.arrivals[t, row]
    for row in range(rows):
        goes = goes_from(row, state, rate, green, yields, opposed, here)
        if case.shut[row] > 0.0 and t < costs.shut_for and green[row] > 0.0:
            goes *= SHUT
            total += costs.shut
        goes = min(goes, state[ROOM, row])
        arrives = case.arrivals[t, row]
        stops = min(arrives, max(0.0, arrives - (goes - state[QUEUE, row])))
        left = max(0.0, here[row] - goes)
        state[ROOM, row] += case.refill[row] - (here[row] - left)
        state[QUEUE, row] = left
        total += case.weight[row] * (costs.stop * stops + left)
    return total


second: Callable[..., float] = _compiled(_second)


def _step(
    t: int, stage: int, following: int, state: Floats, case: Case, costs: Costs, work: Floats
) -> tuple[float, int]:
    """Stay a second, or change and hold the new stage for its least green; cost, and until when.

    The state is changed. `work`: two rows to work in.
    """
    horizon, rows = case.arrivals.shape
    green, here = work[0, :rows], work[1]
    rate, yields, opposed = case.rate[stage], case.yields[stage], case.opposed[stage]
    if following == stage:
        green[:] = case.green[stage]
        return second(t, state, rate, green, yields, opposed, case, costs, here), t + 1
    change, begins, cost = case.lost[stage, following], case.begins[stage, following], 0.0
    for row in range(rows):
        if case.green[stage, row] == 0.0 or begins[row] > 0:
            state[LOSS, row] = costs.start_loss
    for k in range(change + case.least[stage, following]):
        if t >= horizon:
            break
        for row in range(rows):
            if case.green[following, row] > 0.0:
                green[row] = 1.0 if k >= begins[row] else 0.0
            else:
                green[row] = case.green[stage, row] if k < costs.yellow_used else 0.0
        if k == change:
            rate, yields = case.rate[following], case.yields[following]
            opposed = case.opposed[following]
        cost += second(t, state, rate, green, yields, opposed, case, costs, here)
        t += 1
    return cost, t


step: Callable[..., tuple[float, int]] = _compiled(_step)


def _worth(t: int, stage: int, following: int, state: Floats, case: Case, soon: Floats) -> bool:
    """Whether a change is tried: somebody gains by it, and it is time for it."""
    if (t > EVERY_OTHER_S and t % EVERY_FOURTH_S != 0) or (t > EVERY_SECOND_S and t % 2 == 1):
        return False
    for row in range(state.shape[1]):
        gains = case.green[following, row] > case.green[stage, row]
        if gains and state[QUEUE, row] + soon[t, row] > SOMEBODY:
            return True
    return False


worth: Callable[..., bool] = _compiled(_worth)


def _coming(arrivals: Floats) -> Floats:
    """By second and row, who arrives within the next seconds."""
    horizon, rows = arrivals.shape
    soon = np.zeros((horizon, rows))
    for t in range(horizon):
        for k in range(t, min(horizon, t + SOON_S)):
            for row in range(rows):
                soon[t, row] += arrivals[k, row]
    return soon


coming: Callable[..., Floats] = _compiled(_coming)


def _plan(case: Case, costs: Costs) -> Floats:
    """Of each first action (a stage; the present one is to stay a second) the cost of the best plan
    that begins with it, in vehicle-seconds."""
    horizon, rows = case.arrivals.shape
    stages = case.green.shape[0]
    best = np.full(stages, NEVER)
    value, cost = np.full((horizon + 1, stages), NEVER), np.zeros((horizon + 1, stages))
    first = np.full((horizon + 1, stages), -1)
    states = np.zeros((horizon + 1, stages, 3, rows))
    soon, work = coming(case.arrivals), np.zeros((2, rows + 1))
    work[1, rows] = costs.gap_power
    state = np.zeros((3, rows))
    value[0, case.stage] = 0.0
    states[0, case.stage] = case.state
    for t in range(horizon):
        for stage in range(stages):
            if value[t, stage] >= NEVER:
                continue
            for following in range(stages):
                if following != stage and not worth(
                    t, stage, following, states[t, stage], case, soon
                ):
                    continue
                state[:] = states[t, stage]
                took, until = step(t, stage, following, state, case, costs, work)
                spent = cost[t, stage] + took
                total = spent
                for row in range(rows):
                    stands = state[QUEUE, row]
                    each = horizon - until + costs.left + case.clearing[row] * stands
                    total += case.weight[row] * stands * each
                act = following if t == 0 else first[t, stage]
                if until >= horizon and total < best[act]:
                    best[act] = total
                if total < value[until, following]:
                    value[until, following], cost[until, following] = total, spent
                    first[until, following] = act
                    states[until, following] = state
    return best


_planner = _compiled(_plan)
plan: Callable[..., Floats] = _planner


def compile_plan() -> None:
    """Compile `plan`, or read what is kept; from then on nothing else is compiled in this process.

    May run in a thread: others go on meanwhile.
    """
    none, square = np.zeros(1), np.zeros((1, 1))
    whole = np.zeros((1, 1), dtype=np.int64)
    case = Case(
        stage=0,
        state=np.zeros((3, 1)),
        arrivals=square,
        rate=square,
        green=square,
        yields=square,
        opposed=np.zeros((1, 1, 1), dtype=np.bool_),
        begins=whole.reshape(1, 1, 1),
        lost=whole,
        least=whole,
        weight=none,
        shut=none,
        refill=none,
        clearing=none,
    )
    plan(case, Costs(*(0.0,) * len(Costs._fields)))
    _planner.disable_compile()


def compiled_for() -> int:
    """For how many kinds of arguments there is compiled code."""
    return len(_planner.signatures)
