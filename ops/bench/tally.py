"""Counts what a closed loop of clients gets acknowledged within a window of time.

A measurement warms up first; only what begins and ends inside the window makes the rate. What
was acknowledged at any time is counted too, because all of it must be found in the database.
"""

import time

from ops.bench.figures import Sample, sample

WARM_UP_SECONDS = 0.4


class Tally:
    """One client's, or one event loop's, acknowledgements. Not shared between threads."""

    __slots__ = ("acknowledged", "closes", "counted", "latencies", "opens")

    def __init__(self, seconds: float, began: float | None = None) -> None:
        self.opens = (time.perf_counter() if began is None else began) + WARM_UP_SECONDS
        self.closes = self.opens + seconds
        self.acknowledged = 0
        self.counted = 0
        self.latencies: list[float] = []

    def running(self) -> bool:
        """Whether a client should send another one."""
        return time.perf_counter() < self.closes

    def note(self, began: float, events: int) -> None:
        """An acknowledgement that just arrived, for what was sent at `began`."""
        ended = time.perf_counter()
        self.acknowledged += events
        if self.opens <= ended <= self.closes:
            self.counted += events
            self.latencies.append(ended - began)

    def join(self, other: "Tally") -> None:
        """Take in the tally of another client of the same window."""
        self.acknowledged += other.acknowledged
        self.counted += other.counted
        self.latencies += other.latencies

    def sample(self) -> Sample:
        """The rate over the window, and its latencies."""
        return sample(self.counted, self.closes - self.opens, self.latencies)
