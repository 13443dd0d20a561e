"""Figures that several read models of applications are shown in: shares and distributions."""

from collections.abc import Sequence

from pydantic import BaseModel, Field


class Seconds(BaseModel):
    """A distribution in seconds; percentiles are the ends of buckets 9 % wide."""

    count: int
    p50: float | None
    p90: float | None
    p99: float | None
    longest: float | None
    histogram: list[tuple[float, int]] = Field(description="(seconds at most, how many)")


def distribution(histogram: Sequence[tuple[float, int]]) -> Seconds:
    """Of (seconds at most, how many), ascending."""
    return Seconds(
        count=sum(count for _, count in histogram),
        p50=_percentile(histogram, 50),
        p90=_percentile(histogram, 90),
        p99=_percentile(histogram, 99),
        longest=_percentile(histogram, 100),
        histogram=list(histogram),
    )


def _percentile(histogram: Sequence[tuple[float, int]], percent: float) -> float | None:
    """The end of the bucket in which the nearest rank lies."""
    wanted, seen = percent / 100 * sum(count for _, count in histogram), 0
    for seconds, count in histogram:
        seen += count
        if seen >= wanted:
            return round(seconds, 3)
    return None


def share(part: int, whole: int) -> float | None:
    """None of nothing."""
    return round(part / whole, 4) if whole else None
