"""Bus lines with and without priority for those that are late: how even their headways are.

Each run with priority is held against the one without of the same seed, which has the same demand
and in which the same buses enter at the same times.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt
from statistics import fmean, pstdev, stdev

from rich.table import Table

from ops.bench.signals.campaign import Row

CAPTION = (
    "CV: coefficient of variation of headways, at the end of the line (entering: where it begins); "
    "excess wait: seconds that who comes to a stop by chance waits longer than with even headways; "
    "granted: junctions at which a bus got priority, of those it passed; cost: seconds of delay of "
    "each other vehicle, ± standard error over seeds"
)


@dataclass(frozen=True, slots=True)
class Regularity:
    """Headways of lines: their coefficient of variation, and the excess waiting time in seconds."""

    variation: float
    excess: float


@dataclass(frozen=True, slots=True)
class BusPriority:
    """Pairs of runs of a strategy on a scenario."""

    scenario: str
    strategy: str
    seeds: int
    buses: int
    granted: int
    entering: Regularity
    without: Regularity
    with_it: Regularity
    delay_without: float
    delay_with: float
    cost: float
    error: float


def bus_priorities(rows: Sequence[Row]) -> list[BusPriority]:
    """Of rows with and without buses that ask; scenarios without bus lines are left out."""
    pairs: dict[tuple[str, str], list[tuple[Row, Row]]] = {}
    without = {_key(row): row for row in rows if not row["preempt"] and not row["buses"]}
    for row in rows:
        other = without.get(_key(row))
        if row["buses"] and other is not None and row.get("bus_lines"):
            name = f"{row['scenario']} × {row['scale']:g} {row['failing']}".rstrip()
            pairs.setdefault((name, row["strategy"]), []).append((other, row))
    return [_priority(*names, of) for names, of in pairs.items()]


def regularity(lines: Iterable[tuple[float, Sequence[float]]]) -> Regularity:
    """Of lines, each with its headway by timetable and when its buses were there, in order.

    Excess waiting time (TfL): that with these headways, Σh² / 2Σh, less that with even ones.
    """
    headways = [(by, after - before) for by, there in lines for before, after in pairwise(there)]
    gaps = [gap for _, gap in headways]
    waits = sum(gap * gap for gap in gaps) / (2 * sum(gaps))
    scheduled = sum(by * by for by, _ in headways) / (2 * sum(by for by, _ in headways))
    return Regularity(pstdev(gaps) / fmean(gaps), waits - scheduled)


def _key(row: Row) -> tuple[object, ...]:
    return tuple(row[name] for name in ("scenario", "scale", "failing", "strategy", "seed"))


def _priority(scenario: str, strategy: str, pairs: Sequence[tuple[Row, Row]]) -> BusPriority:
    before, after = [row for row, _ in pairs], [row for _, row in pairs]
    costs = [row["others_delay_s"] - other["others_delay_s"] for other, row in pairs]
    return BusPriority(
        scenario,
        strategy,
        len(pairs),
        sum(len(line["arrived"]) for row in after for line in row["bus_lines"].values()),
        sum(row["bus_priorities"] for row in after),
        _regularity(after, "entered"),
        _regularity(before, "arrived"),
        _regularity(after, "arrived"),
        fmean(row["bus_delay_s"] for row in before),
        fmean(row["bus_delay_s"] for row in after),
        fmean(costs),
        stdev(costs) / sqrt(len(costs)) if len(costs) > 1 else 0.0,
    )


def _regularity(rows: Sequence[Row], moments: str) -> Regularity:
    lines = [line for row in rows for line in row["bus_lines"].values()]
    return regularity((line["headway_s"], line[moments]) for line in lines)


def table_of_buses(found: Sequence[BusPriority]) -> Table:
    """How even headways are, beside what it costs."""
    table = Table(
        title="bus lines, without → with priority for those that are late",
        title_justify="left",
        caption=CAPTION,
        caption_justify="left",
    )
    for heading in ("scenario × demand", "strategy"):
        table.add_column(heading)
    for heading in (
        "buses",
        "granted",
        "CV entering",
        "CV",
        "excess wait s",
        "bus delay s",
        "cost s",
        "seeds",
    ):
        table.add_column(heading, justify="right")
    for each in found:
        table.add_row(
            each.scenario,
            each.strategy,
            str(each.buses),
            str(each.granted),
            f"{each.entering.variation:.3f}",
            f"{each.without.variation:.3f} → {each.with_it.variation:.3f}",
            f"{each.without.excess:.1f} → {each.with_it.excess:.1f}",
            f"{each.delay_without:.1f} → {each.delay_with:.1f}",
            f"{each.cost:+.2f} ± {each.error:.2f}",
            str(each.seeds),
        )
    return table
