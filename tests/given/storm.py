"""How long faults and searches by chance go on: `CITYBRAIN_STORM=20`, which `make storm` sets.

`make test` looks at the same examples every time, so that it is green every time or says what
has changed; a storm draws new ones, and more of them, and kills more often.
"""

import os
from collections.abc import Sequence
from typing import TypeVar

from hypothesis import HealthCheck, settings

T = TypeVar("T")

STORM = int(os.environ.get("CITYBRAIN_STORM", "1"))
HOW_FAST = (HealthCheck.too_slow,)  # that depends on what the machine does besides
SHARED_FIXTURE = HealthCheck.function_scoped_fixture


def repeated(times: int) -> int:
    """So often, and more often in a storm."""
    return times * STORM


def examples(number: int, *allowed: HealthCheck) -> settings:
    """So many examples, and more in a storm; `allowed` is what hypothesis warns of otherwise."""
    return settings(max_examples=repeated(number), suppress_health_check=(*HOW_FAST, *allowed))


def some_of(cases: Sequence[T], step: int) -> Sequence[T]:
    """Each so-manieth of them, and all in a storm."""
    return cases if STORM > 1 else cases[::step]


def load_profile() -> None:
    """Examples that follow from the test alone, or by chance in a storm; never by the clock."""
    settings.register_profile("test", derandomize=True, deadline=None, parent=examples(100))
    settings.register_profile("storm", print_blob=True, deadline=None, parent=examples(100))
    settings.load_profile("storm" if STORM > 1 else "test")
