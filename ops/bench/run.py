"""Runs a benchmark: JSON lines to standard output, progress and a table to standard error."""

import importlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from ops.bench.lines import Result, Verdict, composed, selected
from ops.bench.rounds import measured
from ops.bench.workbench import NO_SIZES, BenchFailed, describe_ground, open_workbench

__all__ = ["BenchFailed", "run_bench", "table_of"]
MODULES = {  # imported when wanted: each needs packages of its own
    "append": "ops.bench.append",
    "replay": "ops.bench.replay",
    "project": "ops.bench.project",
    "http": "ops.bench.http",
    "faces": "ops.bench.citizens.faces",
    "apply": "ops.bench.applications.apply",
    "inspection": "ops.bench.inspection.cases_and_detections",
    "parking": "ops.bench.parking.parking",
    "signals-ingest": "ops.bench.signals.ingest",
    "kafka": "ops.bench.kafka",
}
MET = {True: "[green]met[/green]", False: "[red]missed[/red]", None: "[dim]no peer[/dim]"}


async def run_bench(
    bench: str,
    *,
    rounds: int,
    seconds: float,
    lines: str | None,
    data_dir: Path | None,
    sizes: Mapping[str, int] = NO_SIZES,
) -> list[Result]:
    """Measure one benchmark and print it. `sizes`: how large what is measured is, by name.

    Raises `BenchFailed` where the measurement means nothing, `ValueError` on unknown lines.
    """
    module = importlib.import_module(MODULES[bench])
    chosen = selected(module.LINES, lines)
    console = Console(stderr=True)
    if not console.is_terminal:
        console.width = 140
    async with open_workbench(seconds, data_dir, sizes) as workbench:
        console.print(f"bench {bench}: {rounds} rounds × {seconds:g} s, medians")
        console.print(await describe_ground(workbench))
        with console.status("…") as status:
            samples = await measured(
                workbench,
                module.CONTENDERS,
                chosen,
                rounds=rounds,
                progress=lambda text: status.update(text),
                once=getattr(module, "ONCE", frozenset()),
            )
    results = [composed(bench, line, samples) for line in chosen]
    for result in results:
        print(result.to_json(), flush=True)
    console.print(table_of(bench, results))
    return results


def missing(bench: str) -> str | None:
    """What a benchmark needs and this machine has not; None where it has all."""
    needed: Callable[[], str | None] | None = getattr(
        importlib.import_module(MODULES[bench]), "missing", None
    )
    return needed() if needed is not None else None


def table_of(bench: str, results: Sequence[Result]) -> Table:
    """The table for people: figures, peers, and which targets are met."""
    table = Table(title=f"bench {bench}", title_justify="left", show_lines=True)
    for heading in ("line", "value", "of limit", "p50 / p99 ms", "peers", "targets"):
        table.add_column(heading, justify="left" if heading in ("line", "targets") else "right")
    for result in results:
        own = result.own
        latency = "" if own.p50_ms is None else f"{own.p50_ms:.1f} / {own.p99_ms or 0:.1f}"
        other = result.limit_sample
        if other is not None and other.p50_ms is not None:
            latency += f"\nlimit {other.p50_ms:.1f} / {other.p99_ms or 0:.1f}"
        memory = "" if own.rss_mb is None else f"\n{own.rss_mb:.0f} MB"
        computed = "" if own.cpu_us is None else f"\n{_computed(own.cpu_us)} of CPU"
        if own.db_cpu_us is not None:
            computed += f"\nand {_computed(own.db_cpu_us)} in PostgreSQL"
        if own.seconds is not None:
            memory += f"\n{own.seconds:,.1f} s"
        share = "" if result.of_limit is None else f"{result.of_limit:.0%} of\n{result.line.limit}"
        if other is not None and other.cpu_us is not None:
            share += f"\n{_computed(other.cpu_us)} of CPU"
        table.add_row(
            result.line.name,
            f"{own.rate:,.0f}\n{result.line.unit}{memory}{computed}",
            share,
            latency,
            "\n".join(_peer(name, value) for name, value in result.peers.items()),
            "\n".join(_verdict(verdict) for verdict in result.verdicts),
        )
    return table


def _computed(us: float) -> str:
    return f"{us:,.0f} µs" if us >= 100 else f"{us:.1f} µs"


def _peer(name: str, value: float | str) -> str:
    return f"{name} {value}" if isinstance(value, str) else f"{name} {value:,.0f}"


def _verdict(verdict: Verdict) -> str:
    reached = "" if verdict.reached is None else f" ({verdict.reached:.2f})"
    return f"{verdict.target}{reached} {MET[verdict.met]}"
