"""Numbers that helpers give out: from 1 in each test, whichever tests ran before it."""

from collections import Counter
from collections.abc import Hashable

_given: Counter[Hashable] = Counter()


def next_number(of: Hashable) -> int:
    """1, then 2, and so on, of each kind of thing."""
    _given[of] += 1
    return _given[of]


def begin_anew() -> None:
    """A test begins."""
    _given.clear()
