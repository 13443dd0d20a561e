"""How long requests may take: one timer for all, set for the one that is due first.

Nearly every request ends long before its time. A timer for each of them is made, put in its place
and taken out again in vain.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf
from types import TracebackType
from typing import Self

from aiohttp import web


class TimeLimits:
    """The limits of all requests that run in an event loop."""

    def __init__(self) -> None:
        self._running: dict[TimeLimit, float] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._looks_at = inf

    def of(self, seconds: float | None) -> "TimeLimit":
        """A limit of so many seconds from the beginning of its block on; None: it has none."""
        return TimeLimit(self, seconds)

    def start(self, limit: "TimeLimit", due: float) -> None:
        """It counts from now on; `due` is of the loop's clock."""
        self._running[limit] = due
        if due < self._looks_at:
            self._look_at(due)

    def stop(self, limit: "TimeLimit") -> float | None:
        """It counts no more; when it was due, if it counted."""
        return self._running.pop(limit, None)

    def _look_at(self, due: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._looks_at = due
        self._timer = asyncio.get_running_loop().call_at(due, self._look)

    def _look(self) -> None:
        """Those that are due have expired; the next look is when the first of the others is."""
        self._timer, self._looks_at = None, inf
        now = asyncio.get_running_loop().time()
        for limit in [limit for limit, due in self._running.items() if due <= now]:
            del self._running[limit]
            limit.expire()
        if self._running:
            self._look_at(min(self._running.values()))


class TimeLimit:
    """The block of one request; as `asyncio.timeout`, which has a timer of its own.

    Raises `TimeoutError` when its time is over.
    """

    __slots__ = ("_cancelling", "_limits", "_task", "expired", "seconds")

    def __init__(self, limits: TimeLimits, seconds: float | None) -> None:
        self._limits = limits
        self.seconds = seconds
        self.expired = False

    def __enter__(self) -> Self:
        task = asyncio.current_task()
        assert task is not None
        self._task, self._cancelling = task, task.cancelling()
        if self.seconds is not None:
            self._limits.start(self, asyncio.get_running_loop().time() + self.seconds)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._limits.stop(self)
        if not self.expired:
            return
        if self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def expire(self) -> None:
        """Its time is over."""
        self.expired = True
        self._task.cancel()

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        """Its time does not go on meanwhile."""
        loop = asyncio.get_running_loop()
        due, stopped_at = self._limits.stop(self), loop.time()
        try:
            yield
        finally:
            if due is not None:
                self._limits.start(self, due + loop.time() - stopped_at)


TIME_LIMITS: web.AppKey[TimeLimits] = web.AppKey("time-limits", TimeLimits)
TIMER: web.RequestKey[TimeLimit] = web.RequestKey("timer", TimeLimit)
"""The time limit of a request; it does not count while a body comes in."""
