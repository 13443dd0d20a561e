"""`citybrain bench profile`: which modules the CPU time of a benchmark's process goes to."""

import os
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from ops.bench.run import run_bench
from ops.bench.stacks import WANTED, Share, shares
from ops.bench.workbench import BenchFailed

__all__ = ["BenchFailed", "profile", "table_of"]

SUBJECTS = {"http": "report_128", "project": "all_at_once", "apply": "apply_50"}
"""The line of each benchmark that is looked at."""

SMALLEST = 0.01
"""A module with a smaller share, with all that it calls, is left out of the table."""


async def profile(
    subject: str, *, seconds: float, data_dir: Path | None, stacks: Path | None
) -> None:
    """Run the line once and print the shares; the folded stacks are added to `stacks`.

    Raises `BenchFailed`; `ValueError` where there is no such subject.
    """
    if subject not in SUBJECTS:
        raise ValueError(f"no {subject} to look into; there are {', '.join(SUBJECTS)}")
    with tempfile.TemporaryDirectory() as folder:
        path = stacks or Path(folder) / "stacks"
        os.environ[WANTED] = str(path.resolve())
        line = SUBJECTS[subject]
        (result,) = await run_bench(
            subject, rounds=1, seconds=seconds, lines=line, data_dir=data_dir
        )
        found = shares(path.read_text().splitlines())
    console = Console()
    if not console.is_terminal:
        console.width = 140
    console.print(table_of(f"profile {subject}: {line}", found, result.own.cpu_us))


def table_of(title: str, found: list[Share], cpu_us: float | None) -> Table:
    """The shares, and what they come to for one unit where `cpu_us` is known."""
    table = Table(title=title, title_justify="left")
    table.add_column("module")
    for heading in ("with what it calls", "itself", "µs a unit", "itself"):
        table.add_column(heading, justify="right")
    for each in found:
        if each.cumulative < SMALLEST:
            break
        of_unit = [
            "" if cpu_us is None else f"{share * cpu_us:,.1f}"
            for share in (each.cumulative, each.own)
        ]
        table.add_row(each.module, f"{each.cumulative:.1%}", f"{each.own:.1%}", *of_unit)
    return table
