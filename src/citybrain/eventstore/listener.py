"""Wakes the followers of a process when the log grows.

One connection LISTENs for all of them. A wake-up is only a hint: followers read the log
themselves, so a lost notification delays them by one `POLL_SECONDS`, and skips nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import asyncpg
import structlog

from citybrain.eventstore.lane import CONNECTION_LOST

log = structlog.get_logger(__name__)

CHANNEL = "stored_events"
POLL_SECONDS = 5.0


class Listener:
    """Keeps the LISTEN connection; `run()` is its task."""

    def __init__(self, connect: Callable[[], Awaitable["asyncpg.Connection[Any]"]]) -> None:
        self._connect = connect
        self._woken = asyncio.Event()
        self._lost = asyncio.Event()
        self.notices = 0
        self.alive = False

    async def wait(self, seen: int, timeout_seconds: float = POLL_SECONDS) -> None:
        """Return when there are more than `seen` notices, or after the timeout.

        Take `seen` from `notices` *before* reading the log: a notice in between then counts.
        """
        if self.notices != seen:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(min(timeout_seconds, POLL_SECONDS)):
                await self._woken.wait()

    async def run(self) -> None:
        """LISTEN until cancelled; reconnects, and wakes everybody after each reconnect."""
        delay = 0.05
        while True:
            connection = None
            try:
                connection = await self._connect()
                self._lost.clear()
                connection.add_termination_listener(lambda _: self._lost.set())
                await connection.add_listener(CHANNEL, self._notified)
                self.alive, delay = True, 0.05
                self._wake()
                await self._lost.wait()
                log.warning("listener_lost")
            except CONNECTION_LOST as error:
                log.warning("listener_cannot_connect", error=type(error).__name__)
                await asyncio.sleep(delay)
                delay = min(delay * 2, 2.0)
            finally:
                self.alive = False
                if connection is not None:
                    connection.terminate()

    def _notified(self, *_: object) -> None:
        self._wake()

    def _wake(self) -> None:
        self.notices += 1
        self._woken.set()
        self._woken = asyncio.Event()
