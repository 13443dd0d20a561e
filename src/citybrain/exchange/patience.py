"""How long a department is waited for: a circuit breaker, and when to ask a second time."""

import time
from collections import deque
from collections.abc import Callable

OPENS_AFTER = 5  # failures one after the other
COOLS_SECONDS = 5.0
REMEMBERED = 100  # latencies
HEDGE_FLOOR_SECONDS = 0.1
HEDGE_SHARE = 0.1  # of the requests, at most
HEDGES_SAVED = 10.0


class Breaker:
    """Closed; open after failures in a row; then one probe decides.

    Who fails again and again is left alone for a moment: callers do not wait for it, and it is
    not asked while it recovers.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures = 0
        self._opened_at: float | None = None

    @property
    def is_open(self) -> bool:
        """Whether it has failed lately and again and again."""
        return self._opened_at is not None

    def lets_through(self) -> bool:
        """Whether a request may go out; one may after each cool-down."""
        if self._opened_at is None:
            return True
        if self._clock() - self._opened_at < COOLS_SECONDS:
            return False
        self._opened_at = self._clock()  # this one is the probe
        return True

    def seconds_until_probe(self) -> float:
        """How long it is still left alone; the probe of another may end that sooner."""
        if self._opened_at is None:
            return 0.0
        return max(self._opened_at + COOLS_SECONDS - self._clock(), 0.0)

    def note(self, *, failed: bool) -> None:
        """What became of a request."""
        if not failed:
            self._failures, self._opened_at = 0, None
            return
        self._failures += 1
        if self._failures >= OPENS_AFTER:
            self._opened_at = self._clock()


class Hedging:
    """After how long a second, identical request is worth its cost: the recent 95th percentile."""

    def __init__(self) -> None:
        self._seconds: deque[float] = deque(maxlen=REMEMBERED)
        self._budget = HEDGES_SAVED

    def note(self, seconds: float) -> None:
        """How long an answer took."""
        self._seconds.append(seconds)
        self._budget = min(self._budget + HEDGE_SHARE, HEDGES_SAVED)

    def delay_seconds(self) -> float:
        """When to ask a second time."""
        if not self._seconds:
            return HEDGE_FLOOR_SECONDS
        ascending = sorted(self._seconds)
        return max(ascending[int(len(ascending) * 0.95)], HEDGE_FLOOR_SECONDS)

    def spend(self) -> bool:
        """Whether one more hedge is within the share."""
        if self._budget < 1:
            return False
        self._budget -= 1
        return True
