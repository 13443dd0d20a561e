"""Wakes the followers of a process when the log grows, and knows whether PostgreSQL is there.

One connection LISTENs for all of them. A wake-up is only a hint: followers read the log
themselves, so a lost notification delays them by one `POLL_SECONDS`, and skips nothing. On it
the server is asked each second what time it has and how many processes serve; one that does not
answer is left.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg
import structlog

from citybrain.eventstore.appender import AWAY_AFTER_SECONDS
from citybrain.eventstore.locks import TRY_LOCK, UNLOCK
from citybrain.eventstore.types import StoreUnavailable
from citybrain.eventstore.witness import LogWentBack, Witness
from citybrain.faults import AGAIN_LATER

log = structlog.get_logger(__name__)

CHANNEL = "stored_events"
POLL_SECONDS = 5.0
PULSE_SECONDS = 1.0
PULSE_TIMEOUT_SECONDS = 3.0
PULSE = """
SELECT extract(epoch FROM clock_timestamp())::float8 AS now, count(*) AS serving
FROM pg_stat_activity
WHERE datname = current_database() AND usename = current_user
  AND application_name LIKE 'citybrain-serves %'
"""
wall_clock = time.time


class Listener:
    """Keeps the LISTEN connection; `run()` is its task."""

    def __init__(
        self, connect: Callable[[], Awaitable["asyncpg.Connection[Any]"]], witness: Witness
    ) -> None:
        self._connect = connect
        self._witness = witness
        self._woken = asyncio.Event()
        self.notices = 0
        self.alive = False
        self.away = False
        """PostgreSQL could not be reached again for `AWAY_AFTER_SECONDS`."""
        self._lost_at: float | None = None
        self._connection: asyncpg.Connection[Any] | None = None
        self._asking = asyncio.Lock()
        self._unlocking: set[asyncio.Task[None]] = set()
        self.clock_ahead_seconds = 0.0
        """By how much our clock is ahead of the server's."""
        self.serving = 0
        """How many processes serve now, this one included where it does."""

    async def wait(self, seen: int, timeout_seconds: float = POLL_SECONDS) -> None:
        """Return when there are more than `seen` notices, or after the timeout.

        Take `seen` from `notices` *before* reading the log: a notice in between then counts.
        """
        if self.notices != seen:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(min(timeout_seconds, POLL_SECONDS)):
                await self._woken.wait()

    @asynccontextmanager
    async def alone(self, text: str) -> AsyncIterator[bool]:
        """Whether no other process is in a block of this text now; none begins one meanwhile.

        A process asks once at a time. Raises `StoreUnavailable` where there is no connection.
        """
        if self._connection is None:
            await self.wait(self.notices)
        connection = self._connection
        if connection is None:
            raise StoreUnavailable("PostgreSQL cannot be reached")
        try:
            async with self._asking:
                free: bool = await connection.fetchval(TRY_LOCK, text)
            yield free
        finally:
            unlocking = asyncio.ensure_future(self._unlock(connection, text))
            self._unlocking.add(unlocking)
            unlocking.add_done_callback(self._unlocking.discard)
            await asyncio.shield(unlocking)  # whoever is cancelled leaves nothing locked

    async def _unlock(self, connection: "asyncpg.Connection[Any]", text: str) -> None:
        with suppress(*AGAIN_LATER):  # it ends with the connection
            async with self._asking:
                await connection.execute(UNLOCK, text)

    async def run(self) -> None:
        """LISTEN until cancelled; reconnects, and wakes everybody after each reconnect."""
        delay = 0.05
        while True:
            connection = None
            try:
                connection = await self._connect()
                await self._listen(connection)
            except AGAIN_LATER as error:
                if self.alive:
                    log.warning("listener_lost", error=type(error).__name__)
                    delay = 0.05
                else:
                    log.warning("listener_cannot_connect", error=type(error).__name__)
                self._note_failure()
                await asyncio.sleep(delay)
                delay = min(delay * 2, 2.0)
            finally:
                self.alive, self._connection = False, None
                if connection is not None:
                    connection.terminate()

    async def _listen(self, connection: "asyncpg.Connection[Any]") -> None:
        """LISTEN until the connection is lost; ends with one of `AGAIN_LATER`."""
        lost = asyncio.Event()
        connection.add_termination_listener(lambda _: lost.set())
        await connection.add_listener(CHANNEL, self._notified)
        await self._feel_pulse(connection)
        with suppress(LogWentBack):  # it is known now, and whoever is woken will hear of it
            await self._witness.look(connection)
        self._connection = connection
        self.alive, self.away, self._lost_at = True, False, None
        self._wake()
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(PULSE_SECONDS):
                    await lost.wait()
            await self._feel_pulse(connection)

    async def _feel_pulse(self, connection: "asyncpg.Connection[Any]") -> None:
        asked = wall_clock()
        async with self._asking:
            row = await connection.fetchrow(PULSE, timeout=PULSE_TIMEOUT_SECONDS)
        assert row is not None
        self.clock_ahead_seconds = (asked + wall_clock()) / 2 - row["now"]
        self.serving = row["serving"]

    def _note_failure(self) -> None:
        self.alive = False
        self._lost_at = self._lost_at or time.monotonic()
        self.away = time.monotonic() - self._lost_at > AWAY_AFTER_SECONDS

    def _notified(self, *_: object) -> None:
        self._wake()

    def _wake(self) -> None:
        self.notices += 1
        self._woken.set()
        self._woken = asyncio.Event()
