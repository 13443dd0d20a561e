"""The table for people: what each strategy cost on each scenario, over all seeds."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from rich.table import Table

CAPTION = (
    "seconds, means over seeds; delay over all demand, of buses, of emergency vehicles (blue); "
    "red, walk: longest wait; left, never in: vehicles; broken: rules"
)


@dataclass(frozen=True, slots=True)
class Cell:
    """All seeds of a strategy on a scenario at a scale of its demand. Seconds, means over seeds.

    `with_what`: cameras that fail, pre-empting; empty where there is nothing besides.
    `invalid`: why there is no mean, where a seed has none. `locked`: seeds in which nobody arrived
    any more.
    """

    scenario: str
    scale: float
    with_what: str
    strategy: str
    seeds: int
    invalid: tuple[str, ...]
    delay: float | None
    worst: float | None
    locked: int
    violations: int
    rows: Sequence[dict[str, Any]]

    def mean(self, name: str) -> float | None:
        """The mean of a column; None where the runs are invalid or have none."""
        values = [row[name] for row in self.rows if row.get(name) is not None]
        return fmean(values) if values and not self.invalid else None

    def worst_of(self, name: str) -> float | None:
        """The largest of a column; None where no run has it."""
        return max((row[name] for row in self.rows if row.get(name) is not None), default=None)


def cells(rows: Iterable[dict[str, Any]]) -> list[Cell]:
    """Rows by scenario, scale and strategy, in the order in which they came."""
    found: dict[tuple[str, float, str, str], list[dict[str, Any]]] = {}
    for row in rows:
        asking = ("pre-empting" * row["preempt"], "late buses first" * row["buses"])
        besides = ", ".join(filter(None, (row["failing"], *asking)))
        key = (row["scenario"], row["scale"], besides, row["strategy"])
        found.setdefault(key, []).append(row)
    return [_cell(*key, each) for key, each in found.items()]


def _cell(
    scenario: str, scale: float, with_what: str, strategy: str, rows: Sequence[dict[str, Any]]
) -> Cell:
    invalid = tuple(dict.fromkeys(text for row in rows for text in row["invalid"]))
    delays = [] if invalid else [row["delay_s"] for row in rows]
    return Cell(
        scenario,
        scale,
        with_what,
        strategy,
        len(rows),
        invalid,
        fmean(delays) if delays else None,
        max(delays, default=None),
        sum(row["locked_at_s"] is not None for row in rows),
        sum(row["violations"] for row in rows),
        rows,
    )


def table_of(title: str, found: Sequence[Cell]) -> Table:
    """Delay over all demand first, then what else it took.

    `bus`, `blue`: delay of buses and of emergency vehicles. `red`, `walk`: the longest wait before
    red, and on foot. `left`: still on the road at the end. `broken`: rules, as the checker finds.
    """
    table = Table(title=title, title_justify="left", caption=CAPTION, caption_justify="left")
    table.add_column("scenario × demand")
    table.add_column("strategy")
    for heading in (
        "delay s",
        "worst",
        "seeds",
        "locked",
        "bus",
        "blue",
        "travel s",
        "waiting s",
        "stops",
        "red s",
        "walk s",
        "left",
        "never in",
        "broken",
    ):
        table.add_column(heading, justify="right")
    for cell in found:
        table.add_row(
            f"{cell.scenario} × {cell.scale:g} {cell.with_what}".rstrip(),
            cell.strategy,
            "invalid: " + "; ".join(cell.invalid) if cell.invalid else _said(cell.delay),
            _said(cell.worst),
            str(cell.seeds),
            f"[red]{cell.locked}[/red]" if cell.locked else "0",
            _said(cell.mean("bus_delay_s")),
            _said(cell.mean("emergency_delay_s")),
            _said(cell.mean("travel_s")),
            _said(cell.mean("waiting_s")),
            _said(cell.mean("stops"), 2),
            str(max(row["longest_red_s"] for row in cell.rows)),
            _said(cell.worst_of("longest_on_foot_s"), 0),
            str(sum(row["on_the_road"] for row in cell.rows)),
            str(sum(row["never_entered"] for row in cell.rows)),
            f"[red]{cell.violations}[/red]" if cell.violations else "0",
        )
    return table


def _said(value: float | None, digits: int = 1) -> str:
    return "–" if value is None else f"{value:.{digits}f}"
