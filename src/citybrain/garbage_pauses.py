"""How long the interpreter looks for garbage: nothing else goes on in the process meanwhile."""

import gc
import time
from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate
from typing import Final

from prometheus_client import REGISTRY
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector

NAME: Final = "citybrain_garbage_pause_seconds"
BUCKETS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
GENERATIONS: Final = 3


class Pauses(Collector):
    """Counts them by generation, and takes no lock: a look may begin anywhere, also in the middle
    of prometheus_client, which would wait for its own."""

    def __init__(self) -> None:
        self._began = 0.0
        self._counts = [[0] * (len(BUCKETS) + 1) for _ in range(GENERATIONS)]
        self._seconds = [0.0] * GENERATIONS

    def watch(self) -> None:
        """From now on; a second time nothing changes."""
        if self.note not in gc.callbacks:
            gc.callbacks.append(self.note)

    def note(self, phase: str, info: dict[str, int]) -> None:
        """What the interpreter calls when it begins and when it has ended."""
        if phase == "start":
            self._began = time.perf_counter()
            return
        took = time.perf_counter() - self._began
        generation = info["generation"]
        self._counts[generation][bisect_left(BUCKETS, took)] += 1
        self._seconds[generation] += took

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """What `/metrics` shows."""
        shown = HistogramMetricFamily(
            NAME, "How long a look for garbage stopped the process", labels=["generation"]
        )
        limits = (*map(str, BUCKETS), "+Inf")
        for generation, counts in enumerate(self._counts):
            buckets = list(zip(limits, accumulate(counts), strict=True))
            shown.add_metric([str(generation)], buckets, self._seconds[generation])
        yield shown


PAUSES: Final = Pauses()
REGISTRY.register(PAUSES)
