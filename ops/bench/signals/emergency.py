"""Emergency vehicles with and without pre-emption: what they gain, and what it costs the others.

Each run with pre-emption is held against the one without of the same seed, which has the same
demand. Streets differ by chance soon after something differs, so the figures are means over all
vehicles of all seeds, and the cost has its standard error.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, stdev

from rich.table import Table

from ops.bench.signals.campaign import Row
from ops.simulators.signals.losses import BIN_S

CYCLE_BINS = 9
"""What others lose is averaged over 90 s: a cycle of the plans, so that red and green are in it."""
CAPTION = (
    "seconds; from wanting to enter to having arrived; others: delay over all demand; cost: "
    "vehicle-seconds of the others for each emergency vehicle, ± standard error over seeds; "
    "recovery: from when it has passed its last junction until the others lose no more than "
    "without, over the next 90 s, in the mean over all"
)


@dataclass(frozen=True, slots=True)
class Priority:
    """Pairs of runs of a strategy on a scenario, in seconds.

    `cost`: vehicle-seconds of all others for each emergency vehicle, `error` its standard error.
    `recovery`: None where they never lose as little again before the next one comes.
    """

    scenario: str
    strategy: str
    seeds: int
    vehicles: int
    without: float
    with_it: float
    worst_without: float
    worst_with: float
    others_without: float
    others_with: float
    cost: float
    error: float
    recovery: float | None


def priorities(rows: Sequence[Row]) -> list[Priority]:
    """Of rows with and without pre-empting, by scenario, scale and strategy. What has none is left
    out."""
    pairs: dict[tuple[str, str], list[tuple[Row, Row]]] = {}
    without = {_key(row): row for row in rows if not row["preempt"] and not row["buses"]}
    for row in rows:
        other = without.get(_key(row))
        if row["preempt"] and other is not None and other.get("emergency_trips_s"):
            name = f"{row['scenario']} × {row['scale']:g} {row['failing']}".rstrip()
            pairs.setdefault((name, row["strategy"]), []).append((other, row))
    return [_priority(*names, of) for names, of in pairs.items()]


def _key(row: Row) -> tuple[object, ...]:
    return tuple(row[name] for name in ("scenario", "scale", "failing", "strategy", "seed"))


def _priority(scenario: str, strategy: str, pairs: Sequence[tuple[Row, Row]]) -> Priority:
    before = [each for row, _ in pairs for each in row["emergency_trips_s"].values()]
    after = [each for _, row in pairs for each in row["emergency_trips_s"].values()]
    costs = [
        (sum(row["others_lost"]) - sum(other["others_lost"])) / len(row["emergency_trips_s"])
        for other, row in pairs
    ]
    return Priority(
        scenario,
        strategy,
        len(pairs),
        len(after),
        fmean(before),
        fmean(after),
        max(before),
        max(after),
        fmean(other["others_delay_s"] for other, _ in pairs),
        fmean(row["others_delay_s"] for _, row in pairs),
        fmean(costs),
        stdev(costs) / sqrt(len(costs)) if len(costs) > 1 else 0.0,
        recovery(pairs),
    )


def recovery(pairs: Sequence[tuple[Row, Row]]) -> float | None:
    """Seconds after the last junction until the others lose no more than in the run without.

    A moment counts where the next 90 s, in the mean over all vehicles, are so; None where no
    moment before the next vehicle does.
    """
    differences = [each for pair in pairs for each in _after_each(*pair)]
    shortest = min(map(len, differences), default=0)
    mean = [fmean(each[place] for each in differences) for place in range(shortest)]
    for place in range(shortest - CYCLE_BINS + 1):
        if fmean(mean[place : place + CYCLE_BINS]) <= 0.0:
            return float(place * BIN_S)
    return None


def _after_each(without: Row, with_it: Row) -> list[list[float]]:
    """By vehicle what the others lost more than without, from its last junction to the next one."""
    lost, other = with_it["others_lost"], without["others_lost"]
    spans = sorted(with_it["emergency_spans_s"].values())
    begins = [span[0] // BIN_S for span in spans[1:]] + [min(len(lost), len(other))]
    found = []
    for (_, passed), following in zip(spans, begins, strict=True):
        since = passed // BIN_S + 1
        found.append([lost[place] - other[place] for place in range(since, following)])
    return [each for each in found if len(each) >= CYCLE_BINS]


def table_of_priorities(found: Sequence[Priority]) -> Table:
    """What emergency vehicles gain, beside what it costs."""
    table = Table(
        title="emergency vehicles, without → with pre-emption",
        title_justify="left",
        caption=CAPTION,
        caption_justify="left",
    )
    for heading in ("scenario × demand", "strategy"):
        table.add_column(heading)
    for heading in ("vehicles", "arrival s", "worst s", "others s", "cost", "recovery s", "seeds"):
        table.add_column(heading, justify="right")
    for each in found:
        table.add_row(
            each.scenario,
            each.strategy,
            str(each.vehicles),
            f"{each.without:.1f} → {each.with_it:.1f}",
            f"{each.worst_without:.0f} → {each.worst_with:.0f}",
            f"{each.others_without:.2f} → {each.others_with:.2f}",
            f"{each.cost:+.0f} ± {each.error:.0f}",
            "–" if each.recovery is None else f"{each.recovery:.0f}",
            str(each.seeds),
        )
    return table
