"""A road of several junctions: through which of its greens one can drive without a stop.

Greens lie on a circle as long as the cycle. Whoever leaves the first stop line at a moment `t` is
at the next one a travel time later; the band is what of `t` finds green at all of them. Its width
is the bandwidth (Little, Martin and Morgan, "Synchronizing traffic signals for maximal bandwidth",
1964). Offsets count from 1970-01-01T00:00:00Z, as those of plans do. Times are whole milliseconds.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Arc = tuple[int, int]
"""From, and until when, on the circle: 0 <= from < cycle, from < until <= from + cycle."""


@dataclass(frozen=True, slots=True)
class Band:
    """The widest band of one direction: when it leaves the first stop line, and its width."""

    begin: int
    width: int


def arcs(greens: Iterable[tuple[int, int]], cycle: int) -> tuple[Arc, ...]:
    """Greens, from and until when, as arcs of the circle that do not overlap."""
    found: list[Arc] = []
    for begin, end in greens:
        begin, length = begin % cycle, min(end - begin, cycle)
        if length > 0:
            found.append((begin, begin + length))
    return _joined(found, cycle)


def widest_band(greens: Sequence[Iterable[Arc]], travel: Sequence[int], cycle: int) -> Band:
    """The widest band through junctions in the order in which they are driven.

    `greens`: when each has green. `travel`: how long after the first stop line each is reached;
    as many as `greens`. A width of 0 where nobody gets through without a stop.
    """
    left: tuple[Arc, ...] = ((0, cycle),)
    for green, later in zip(greens, travel, strict=True):
        shifted = arcs(((begin - later, end - later) for begin, end in green), cycle)
        left = _both(left, shifted, cycle)
    best = max(left, key=lambda arc: (arc[1] - arc[0], -arc[0]), default=(0, 0))
    return Band(best[0], best[1] - best[0])


def _both(one: Sequence[Arc], other: Sequence[Arc], cycle: int) -> tuple[Arc, ...]:
    """What is in arcs of both."""
    found = []
    for begin, end in one:
        for other_begin, other_end in other:
            for turn in (-cycle, 0, cycle):
                first, last = max(begin, other_begin + turn), min(end, other_end + turn)
                if first < last:
                    found.append((first % cycle, first % cycle + last - first))
    return _joined(found, cycle)


def _joined(found: Iterable[Arc], cycle: int) -> tuple[Arc, ...]:
    """The same arcs, where those that touch are one."""
    joined: list[Arc] = []
    for begin, end in sorted(set(found)):
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((begin, end))
    if len(joined) > 1 and joined[-1][1] - cycle >= joined[0][0]:  # across the end of the cycle
        (_, end), *joined = joined
        joined[-1] = (joined[-1][0], max(joined[-1][1], end + cycle))
    return tuple((begin, min(end, begin + cycle)) for begin, end in joined)
