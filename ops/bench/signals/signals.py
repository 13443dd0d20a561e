"""`citybrain bench signals`: what lights cost everybody who wants to travel, by strategy.

All strategies of a table have the same demand and the same safety times. A run counts only where
the independent checker finds nothing; one violation makes the whole bench fail.
"""

import json
from collections.abc import Sequence
from dataclasses import replace

from rich.console import Console

from citybrain.definitions.signals.sumo_import import NETWORKS_OWN, SafetyTimes
from citybrain.domain.signals.strategies import STRATEGIES
from ops.bench.signals.bus_table import bus_priorities, table_of_buses
from ops.bench.signals.campaign import Row, carried_out
from ops.bench.signals.emergency import priorities, table_of_priorities
from ops.bench.signals.table import Cell, cells, table_of
from ops.simulators.signals.baselines import KINDS
from ops.simulators.signals.failures import Failing, Failure
from ops.simulators.signals.runs import LOCAL, Run
from ops.simulators.signals.street import Handling

TIMES = {
    "own": NETWORKS_OWN,
    "3s": replace(NETWORKS_OWN, yellow=3.0),
    "cautious": SafetyTimes(minimum=7.0, all_red=2.0),
}
"""Safety times of a table: the network's own yellow, 3 s of it, and a longer minimum with 2 s of
all-red besides."""


class Unsafe(ValueError):
    """The checker found what must not be."""


def strategies() -> tuple[str, ...]:
    """All that can be named: ours, the junctions by themselves, and SUMO's own controllers."""
    return (LOCAL, *STRATEGIES, *KINDS)


def compare(
    scenarios: Sequence[str],
    chosen: Sequence[str],
    *,
    seeds: int,
    scales: Sequence[float] = (1.0,),
    tables: Sequence[str] = ("own",),
    processes: int = 2,
    teleport_s: int = -1,
    window: int | None = None,
    failing: Sequence[float] = (0.0,),
    failure: str = "silent",
    preempt: bool = False,
    buses: bool = False,
) -> list[Cell]:
    """Run all of it; JSON lines to standard output, progress and tables to standard error.

    `preempt`: each run also with emergency vehicles that ask for junctions, beside that without;
    `buses`: with buses that ask where they are late. Raises
    `ValueError` on names that are unknown, `Unsafe` where a rule was broken.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        console.width = 160
    unknown = [each for each in chosen if each not in strategies()]
    unknown += [each for each in tables if each not in TIMES]
    if unknown:
        raise ValueError(f"unknown: {', '.join(unknown)}; strategies: {', '.join(strategies())}")
    handling = Handling(teleport_s=teleport_s)
    everything: list[Cell] = []
    asking = [(False, False), *[(True, False)] * preempt, *[(False, True)] * buses]
    for name in tables:
        runs = [
            replace(
                Run(scenario, strategy, seed, scale, TIMES[name], handling, window=window),
                failing=Failing(share, Failure(failure)),
                preempt=blue,
                buses=late,
                by_time=preempt or buses,
            )
            for scenario in scenarios
            for scale in scales
            for share in failing
            for strategy in chosen
            for blue, late in asking
            for seed in range(seeds)
        ]
        rows = _rows(runs, processes, name, console)
        found = cells(rows)
        console.print(table_of(f"bench signals, {said(TIMES[name])}", found))
        if preempt:
            console.print(table_of_priorities(priorities(rows)))
        if buses:
            console.print(table_of_buses(bus_priorities(rows)))
        everything += found
    broken = sum(each.violations for each in everything)
    if broken:
        raise Unsafe(f"the checker found {broken} violation(s)")
    return everything


def said(times: SafetyTimes) -> str:
    """Under which safety times a table was taken."""
    yellow = "the networks' own yellow" if times.yellow is None else f"{times.yellow:g} s of yellow"
    red = "the networks' own" if isinstance(times.all_red, str) else f"{times.all_red:g} s of"
    return f"{yellow}, {red} all-red, {times.minimum:g} s of minimum green"


def _rows(runs: Sequence[Run], processes: int, name: str, console: Console) -> list[Row]:
    found = []
    with console.status("…") as status:

        def progress(done: int, of: int) -> None:
            status.update(f"{name}: {done} of {of} runs")
            if not console.is_terminal and done and done % 20 == 0:
                console.print(f"{name}: {done} of {of} runs")

        for row in carried_out(runs, processes, progress):
            print(json.dumps({"table": name, **row}), flush=True)
            found.append(row)
    return found
