"""A token bucket for each caller: so many requests a second, so many at once."""

import time
from collections import OrderedDict

from aiohttp import web

from citybrain.http.problems import RateLimited

CALLERS = 50_000


class RateLimiter:
    """Buckets by caller (the token's subject, or the address where there is no token)."""

    def __init__(self, per_second: float, burst: int) -> None:
        self._per_second = per_second
        self._burst = burst
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def spend(self, caller: str) -> None:
        """Take one token; raises `RateLimited` with the time until there is one."""
        now = time.monotonic()
        tokens, then = self._buckets.get(caller, (float(self._burst), now))
        tokens = min(tokens + (now - then) * self._per_second, self._burst)
        if tokens < 1:
            wait = (1 - tokens) / self._per_second
            raise RateLimited("too many requests", retry_after_seconds=max(1, round(wait)))
        self._buckets[caller] = (tokens - 1, now)
        self._buckets.move_to_end(caller)
        if len(self._buckets) > CALLERS:
            self._buckets.popitem(last=False)


LIMITER: web.AppKey[RateLimiter] = web.AppKey("limiter", RateLimiter)
