"""Many runs, each in a fresh process: libsumo holds one simulation, and no run knows another."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from multiprocessing import get_context
from typing import Any

from ops.simulators.signals.runs import Run, figures, perform

Row = dict[str, Any]
"""A run as it is printed; see `figures`."""


def carried_out(
    runs: Sequence[Run], processes: int, progress: Callable[[int, int], None]
) -> Iterator[Row]:
    """The rows of all runs in their order. `progress`: how many are done, of how many."""
    with ProcessPoolExecutor(processes, get_context("spawn"), max_tasks_per_child=1) as pool:
        progress(0, len(runs))
        for done, row in enumerate(pool.map(one, runs), 1):
            progress(done, len(runs))
            yield row


def one(run: Run) -> Row:
    """A run in this process."""
    return figures(perform(run)) | {"times": asdict(run.times)}
