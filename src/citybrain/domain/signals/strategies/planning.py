"""The plan ahead: what it is asked about, and what it costs. `searching` finds it.

It is compiled when first used, which takes many seconds; what compiles is loaded with it. Whoever
must not wait for that calls `compile_plan` first, in a thread.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

QUEUE, ROOM, LOSS = 0, 1, 2
"""The parts of a state, by row: vehicles that stand, room behind, seconds until the first goes."""


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


def plan(case: Case, costs: Costs) -> tuple[Floats, Ints]:
    """Of each first action (a stage; the present one is to stay a second) the cost of the best plan
    that begins with it, in vehicle-seconds, and how that goes on: when it changes after that, and
    to which stage (-1 where it does not)."""
    from citybrain.domain.signals.strategies.searching import search  # loads the compiler

    found: tuple[Floats, Ints] = search(case, costs)
    return found


def outflow(
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
    from citybrain.domain.signals.strategies import searching

    found: Floats = searching.outflow(
        queue, arrivals, rate, green, yields, begins, waits, stage, changes, to, until
    )
    return found


def compile_plan() -> None:
    """Compile `plan`, or read what is kept; from then on nothing else is compiled in this process.

    May run in a thread: others go on meanwhile.
    """
    from citybrain.domain.signals.strategies.searching import search

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
    search(case, Costs(*(0.0,) * len(Costs._fields)))
    outflow(none, square, square, square, square, case.begins, none, 0, 0, 0, 1)
    search.disable_compile()


def compiled_for() -> int:
    """For how many kinds of arguments there is compiled code."""
    from citybrain.domain.signals.strategies.searching import search

    return len(search.signatures)
