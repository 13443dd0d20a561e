"""What a measurement computes: this process, and PostgreSQL with all its processes."""

import time
from dataclasses import replace

from ops.bench.figures import Sample
from ops.bench.workbench import Workbench


def per_unit(sample: Sample, units: int, spent: float, computed: float | None) -> Sample:
    """The sample, with what each of `units` took of so many seconds of CPU, and of PostgreSQL's."""
    return replace(
        sample,
        cpu_us=spent / units * 1e6,
        db_cpu_us=None if computed is None else computed / units * 1e6,
    )


class Meter:
    """Counts CPU while it is on; it may be switched on more than once."""

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench
        self._spent, self._computed = 0.0, 0.0

    def __enter__(self) -> "Meter":
        self._spent -= time.process_time()
        self._computed -= self._bench.postgres_cpu_seconds()
        return self

    def __exit__(self, *_: object) -> None:
        self._spent += time.process_time()
        self._computed += self._bench.postgres_cpu_seconds()

    def of(self, sample: Sample, units: int) -> Sample:
        """The sample, with what each of `units` took."""
        return per_unit(sample, units, self._spent, self._computed)
