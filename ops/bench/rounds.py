"""Measures contenders in interleaved rounds, so that a slow minute hits all of them alike."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from ops.bench.figures import NOT_INSTALLED, Sample, Samples, combined
from ops.bench.lines import Line
from ops.bench.workbench import Workbench

Contender = Callable[[Workbench], Awaitable[Sample]]
Progress = Callable[[str], None]


class NotInstalled(Exception):
    """A peer that this environment does not have."""


async def measured(
    bench: Workbench,
    contenders: Mapping[str, Contender],
    lines: Sequence[Line],
    *,
    rounds: int,
    progress: Progress,
    once: frozenset[str] = frozenset(),
) -> Samples:
    """The samples of every contender that `lines` need, each the median of its rounds.

    `once`: contenders too long for more than the first round.
    """
    names = list(dict.fromkeys(name for line in lines for name in line.contenders()))
    rows: dict[str, list[Sample]] = {name: [] for name in names}
    missing: set[str] = set()
    for number in range(1, rounds + 1):
        for name in names if number % 2 else reversed(names):
            if name in missing or (name in once and number > 1):
                continue
            progress(f"round {number} of {rounds}: {name}")
            try:
                rows[name].append(await contenders[name](bench))
            except NotInstalled:
                missing.add(name)
    return {
        name: NOT_INSTALLED if name in missing else combined(samples)
        for name, samples in rows.items()
    }
