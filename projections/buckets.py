"""Durations in buckets 9 % wide: distributions that add up, from which percentiles are read."""

from math import ceil, log2

BUCKETS_A_DOUBLING = 8


def bucket_of(seconds: float) -> int:
    """The bucket of a duration: bucket n ends at 2^(n/8) milliseconds."""
    return max(0, ceil(BUCKETS_A_DOUBLING * log2(max(seconds * 1000, 1.0))))


def bucket_seconds(bucket: int) -> float:
    """Where a bucket ends, in seconds."""
    return float(2 ** (bucket / BUCKETS_A_DOUBLING)) / 1000
