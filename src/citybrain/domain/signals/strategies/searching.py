"""The plan ahead: a search over (second, stage) that keeps the few cheapest ways to each.

Queues are vertical: who arrives goes at once where nothing stands, else joins the queue. A second
costs the vehicles that stand, and more for each that has to stop. Compiled when first used, which
takes many seconds; the compiled code is kept beside this file, or where `NUMBA_CACHE_DIR` says.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit

from citybrain.domain.signals.strategies.planning import (
    LOSS,
    QUEUE,
    ROOM,
    Case,
    Costs,
    Floats,
    Ints,
)

NEVER = 1e18
KEPT = 10
"""Ways that are kept for each second and stage."""
STILL_RED = 0.5
"""For which share of the seconds up to the horizon who stands before a red is taken to stand still,
while ways to the same second and stage are compared."""
PARTS = 3
FIRST, CHANGED, TO = 0, 1, 2
"""What is kept of a way: its first action, when it changes after that, and to which stage."""
RATE, IS_GREEN, YIELDS = 0, 1, 2
WEIGHT, IS_SHUT, REFILL, CLEARING = 0, 1, 2, 3
"""The parts of what a case says by stage and row, and of what it says by row."""
GREEN, HERE = 0, 1
"""What is worked out for each second, by row: whether it is green, and vehicles that are there."""
SOMEBODY = 0.3
"""Vehicles from which on a stage is worth beginning."""
SHUT = 0.05
"""What still goes of those in whose way somebody stands."""
SOON_S = 10
EVERY_SECOND_S, EVERY_OTHER_S, EVERY_FOURTH_S = 8, 20, 4
"""Up to when a change is tried each second, each other one, and then each so many."""


def _compiled(function: Callable[..., Any]) -> Any:
    """Compile it when it is first used; kept on disk, where there is a folder to keep it in."""
    try:
        return njit(cache=True)(function)
    except RuntimeError:  # neither this folder nor one of the user can be written
        return njit(function)


def _inlined(function: Callable[..., Any]) -> Any:
    """Compile it as a part of whatever uses it. It takes arrays, and no case: to hand on a tuple of
    them, or to cut a part from one, takes longer than what is done with it."""
    return njit(inline="always")(function)


def _busy(row: int, stage: int, opposed: Any, work: Floats) -> float:
    """Vehicles to whom a row gives way, on the lane on which there are most of them."""
    found = 0.0
    for other in range(work.shape[1]):
        if opposed[stage, row, other] and work[GREEN, other] > 0.0:
            found = max(found, work[HERE, other])
    return found


busy: Callable[..., float] = _inlined(_busy)


def _seconds(
    t: int,
    until: int,
    stage: int,
    following: int,
    change: int,
    states: Floats,
    node: int,
    arrivals: Floats,
    flow: Floats,
    opposed: Any,
    begins: Ints,
    each: Floats,
    costs: Costs,
    work: Floats,
) -> float:
    """What the seconds up to `until` cost, in which a stage goes over into the next, or stays.

    The state at `node` is changed. `change`: after how long they go by the rates of the next.
    `flow`, `each`: what `tables` gives.
    """
    total = 0.0
    for k in range(until - t):
        by = following if k >= change else stage
        for row in range(states.shape[2]):
            work[HERE, row] = states[node, QUEUE, row] + arrivals[t + k, row]
            if flow[IS_GREEN, following, row] > 0.0:
                work[GREEN, row] = 1.0 if k >= begins[stage, following, row] else 0.0
            else:
                work[GREEN, row] = flow[IS_GREEN, stage, row] if k < costs.yellow_used else 0.0
        for row in range(states.shape[2]):
            goes = 0.0
            if work[GREEN, row] > 0.0:
                loss = states[node, LOSS, row]
                goes = flow[RATE, by, row] * max(0.0, 1.0 - loss)
                states[node, LOSS, row] = max(0.0, loss - 1.0)
                if flow[YIELDS, by, row] > 0.0:
                    gaps = (1.0 - flow[YIELDS, by, row]) ** costs.gap_power
                    goes *= 1.0 - min(1.0, busy(row, by, opposed, work)) * (1.0 - gaps)
                if each[IS_SHUT, row] > 0.0 and t + k < costs.shut_for:
                    goes *= SHUT
                    total += costs.shut
            goes = min(goes, states[node, ROOM, row])
            here, arrives = work[HERE, row], arrivals[t + k, row]
            stops = min(arrives, max(0.0, arrives - (goes - states[node, QUEUE, row])))
            left = max(0.0, here - goes)
            states[node, ROOM, row] += each[REFILL, row] - (here - left)
            states[node, QUEUE, row] = left
            total += each[WEIGHT, row] * (costs.stop * stops + left)
    return total


seconds: Callable[..., float] = _inlined(_seconds)


def _begin(
    stage: int, following: int, states: Floats, node: int, flow: Floats, begins: Ints, loss: float
) -> None:
    """Whoever is not green all the while loses time before he goes."""
    for row in range(states.shape[2]):
        if flow[IS_GREEN, stage, row] == 0.0 or begins[stage, following, row] > 0:
            states[node, LOSS, row] = loss


begin: Callable[..., None] = _inlined(_begin)


def _worth(
    t: int, stage: int, following: int, states: Floats, node: int, flow: Floats, soon: Floats
) -> bool:
    """Whether a change is tried: somebody gains by it, and it is time for it."""
    gains = False
    often = t <= EVERY_SECOND_S or t % 2 == 0
    if often and (t <= EVERY_OTHER_S or t % EVERY_FOURTH_S == 0):
        for row in range(states.shape[2]):
            more = flow[IS_GREEN, following, row] > flow[IS_GREEN, stage, row]
            if more and states[node, QUEUE, row] + soon[t, row] > SOMEBODY:
                gains = True
    return gains


worth: Callable[..., bool] = _inlined(_worth)


def _to_come(
    rest: int, stage: int, states: Floats, node: int, flow: Floats, each: Floats, costs: Costs
) -> float:
    """What who stands costs still, `rest` seconds before the horizon, while `stage` is green.

    Before the horizon that is an estimate, by which ways to the same second and stage are compared:
    a green queue clears. To take each who stands to stand up to the horizon would let the way win
    that has changed last, and changes would be put off for ever.
    """
    total = 0.0
    for row in range(states.shape[2]):
        stands = states[node, QUEUE, row]
        waits = each[CLEARING, row] * stands
        if rest == 0:
            waits += costs.left
        elif flow[IS_GREEN, stage, row] == 0.0:
            waits += costs.left + STILL_RED * rest
        total += each[WEIGHT, row] * stands * waits
    return total


to_come: Callable[..., float] = _inlined(_to_come)


def _copy(states: Floats, one: int, other: int) -> None:
    """Copy a state onto another. Element by element: a slice takes longer than all else."""
    for part in range(PARTS):
        for row in range(states.shape[2]):
            states[other, part, row] = states[one, part, row]


copy_state: Callable[..., None] = _inlined(_copy)


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


def _keep(
    node: int,
    total: float,
    cost: float,
    first: int,
    changed: int,
    to: int,
    totals: Floats,
    costs: Floats,
    steps: Ints,
    states: Floats,
) -> None:
    """Put the way that was worked out (in the last place of `states`) among the `KEPT` from `node`
    on, if it is one of the cheapest; the cheapest comes first."""
    place = node + KEPT - 1
    if total < totals[place]:
        while place > node and totals[place - 1] > total:
            totals[place], costs[place] = totals[place - 1], costs[place - 1]
            for step in range(3):
                steps[place, step] = steps[place - 1, step]
            copy_state(states, place - 1, place)
            place -= 1
        totals[place], costs[place] = total, cost
        steps[place, FIRST], steps[place, CHANGED], steps[place, TO] = first, changed, to
        copy_state(states, states.shape[0] - 1, place)


keep: Callable[..., None] = _inlined(_keep)


def _tables(case: Case) -> tuple[Floats, Floats]:
    """What a case says by part, stage and row, and by part and row."""
    stages, rows = case.green.shape
    flow, each = np.zeros((3, stages, rows)), np.zeros((4, rows))
    flow[RATE], flow[IS_GREEN], flow[YIELDS] = case.rate, case.green, case.yields
    each[WEIGHT], each[IS_SHUT] = case.weight, case.shut
    each[REFILL], each[CLEARING] = case.refill, case.clearing
    return flow, each


tables: Callable[..., tuple[Floats, Floats]] = _compiled(_tables)


def _plan(case: Case, costs: Costs) -> tuple[Floats, Ints]:
    """Of each first action (a stage; the present one is to stay a second) the cost of the best plan
    that begins with it, in vehicle-seconds, and how that goes on: when it changes after that, and
    to which stage (-1 where it does not).

    The ways to (t, stage) have the `KEPT` places from (t * stages + stage) * KEPT on, the cheapest
    first; the last place of `states` is the one that is worked out.
    """
    arrivals, opposed = case.arrivals, case.opposed
    begins, lost, least = case.begins, case.lost, case.least
    horizon, rows = arrivals.shape
    stages = case.green.shape[0]
    flow, each = tables(case)
    size = horizon * stages * KEPT
    best, totals, spent = np.full(stages, NEVER), np.full(size, NEVER), np.zeros(size)
    steps, states = np.full((size, 3), -1), np.zeros((size + 1, PARTS, rows))
    goes_on = np.full((stages, 2), -1)
    soon, work = coming(arrivals), np.zeros((2, rows))
    totals[case.stage * KEPT], states[case.stage * KEPT] = 0.0, case.state
    for node in range(size):
        if totals[node] >= NEVER:
            continue
        t, stage = node // KEPT // stages, node // KEPT % stages
        for following in range(stages):
            changes = following != stage
            if changes and not worth(t, stage, following, states, node, flow, soon):
                continue
            copy_state(states, node, size)
            if changes:
                begin(stage, following, states, size, flow, begins, costs.start_loss)
            change = lost[stage, following]
            until = min(horizon, t + max(1, change + least[stage, following]))
            cost = spent[node] + seconds(
                t, until, stage, following, change, states, size,
                arrivals, flow, opposed, begins, each, costs, work,
            )  # fmt: skip
            rest = horizon - until
            total = cost + to_come(rest, following, states, size, flow, each, costs)
            first = following if t == 0 else steps[node, FIRST]
            changed, to = steps[node, CHANGED], steps[node, TO]
            if changes and t > 0 and to < 0:
                changed, to = t, following
            if rest > 0:
                place = (until * stages + following) * KEPT
                keep(place, total, cost, first, changed, to, totals, spent, steps, states)
            elif total < best[first]:
                best[first] = total
                goes_on[first, 0], goes_on[first, 1] = changed, to
    return best, goes_on


search: Any = _compiled(_plan)


def _outflow(
    queue: Floats,
    arrivals: Floats,
    rate: Floats,
    green: Floats,
    yields: Floats,
    begins: Ints,
    waits: Floats,
    stage: int,
    changes: int,
    to: int,
    until: int,
) -> Floats:
    """By second and row, who goes in the first `until` seconds: by `stage`, whose rows are green in
    `waits` seconds, and by `to` from `changes` on (-1: by none). Who gives way goes half as fast.
    """
    rows = green.shape[1]
    found, stands = np.zeros((until, rows)), queue.copy()
    for t in range(until):
        for row in range(rows):
            stands[row] += arrivals[t, row]
            by, is_green = stage, green[stage, row] > 0.0 and t >= waits[row]
            if 0 <= changes <= t and green[to, row] > 0.0:
                by, is_green = to, t - changes >= begins[stage, to, row]
            elif 0 <= changes < t:
                is_green = False
            if is_green:
                goes = rate[by, row] * (1.0 - 0.5 * yields[by, row])
                found[t, row] = min(stands[row], goes)
                stands[row] -= found[t, row]
    return found


outflow: Any = _compiled(_outflow)
