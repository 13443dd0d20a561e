"""What a measurement yields, and how the samples of several rounds become one.

Pure arithmetic, no clocks. Rates are medians over rounds, because a shared machine is noisy.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

NOT_INSTALLED = "not installed"


@dataclass(frozen=True, slots=True)
class Sample:
    """One measurement: a rate per second and, where they apply, latencies, peak memory, how late
    the event loop ran its callbacks, how often a search found the right one, and what the process
    that was measured and PostgreSQL computed for one unit; and how long the whole took, where
    that is what is asked."""

    rate: float
    p50_ms: float | None = None
    p99_ms: float | None = None
    rss_mb: float | None = None
    loop_p99_ms: float | None = None
    recall: float | None = None
    cpu_us: float | None = None
    db_cpu_us: float | None = None
    seconds: float | None = None


Samples = Mapping[str, Sample | str]
"""Contender → its sample, or why there is none (`NOT_INSTALLED`)."""


def percentile(ascending: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile of values in ascending order; raises `ValueError` on none."""
    if not ascending:
        raise ValueError("no values, so no percentile")
    rank = math.ceil(percent / 100 * len(ascending))
    return ascending[max(rank, 1) - 1]


def sample(events: int, seconds: float, latencies_seconds: Sequence[float] = ()) -> Sample:
    """The rate of `events` in `seconds`, with the latencies' percentiles where there are any."""
    if seconds <= 0:
        raise ValueError("a measurement takes time")
    if not latencies_seconds:
        return Sample(events / seconds)
    ascending = sorted(latencies_seconds)
    return Sample(
        events / seconds,
        p50_ms=percentile(ascending, 50) * 1e3,
        p99_ms=percentile(ascending, 99) * 1e3,
    )


def combined(samples: Sequence[Sample]) -> Sample:
    """The medians over rounds; memory is the highest of all rounds."""
    if not samples:
        raise ValueError("no rounds were measured")
    rss = [each.rss_mb for each in samples if each.rss_mb is not None]
    return Sample(
        rate=median(each.rate for each in samples),
        p50_ms=_median_of([each.p50_ms for each in samples]),
        p99_ms=_median_of([each.p99_ms for each in samples]),
        rss_mb=max(rss) if rss else None,
        loop_p99_ms=_median_of([each.loop_p99_ms for each in samples]),
        recall=_median_of([each.recall for each in samples]),
        cpu_us=_median_of([each.cpu_us for each in samples]),
        db_cpu_us=_median_of([each.db_cpu_us for each in samples]),
        seconds=_median_of([each.seconds for each in samples]),
    )


def _median_of(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None
