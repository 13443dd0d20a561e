"""How long a payment waits that the bank has not answered, and who hears that it is back.

Each pauses a little longer from try to try, for some seconds at most. While the bank is away and
many wait, they wait longer, so that it is asked by all of them no more often than by a few; once
it has answered anybody, all go on, spread over a moment.
"""

import asyncio
import random
from contextlib import suppress

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 5.0
ASKED_A_SECOND = 20.0  # by all that wait, while the bank is away
GO_ON_A_SECOND = 200.0  # of those that waited, once it is back


class Patience:
    """Of all payments of a process with one bank."""

    def __init__(self) -> None:
        self._waiting = 0
        self._back: asyncio.Event | None = None  # while the bank is away

    def lost(self) -> None:
        """The bank cannot be reached, or says that it cannot."""
        self._back = self._back or asyncio.Event()

    def answered(self) -> None:
        """The bank answered somebody."""
        if self._back is not None:
            self._back.set()
            self._back = None

    async def pause(self, tries: int, most_seconds: float | None = None) -> None:
        """Wait after so many tries without an answer; not longer than until the deadline."""
        own = min(FIRST_PAUSE_SECONDS * 2.0 ** min(tries - 1, 10), LONGEST_PAUSE_SECONDS)
        self._waiting += 1
        try:
            async with asyncio.timeout(most_seconds):
                await asyncio.sleep(between(own / 2, own))
                await self._until_back()
        except TimeoutError:
            return
        finally:
            self._waiting -= 1

    async def _until_back(self) -> None:
        """While the bank is away, until it is this one's turn, or it has answered another."""
        back, turns = self._back, self._waiting - 1
        if back is None:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(between(0.0, turns / ASKED_A_SECOND)):
                await back.wait()
        if back.is_set():
            await asyncio.sleep(between(0.0, turns / GO_ON_A_SECOND))


def between(least: float, most: float) -> float:
    """Some seconds, others for each: nobody comes at once with all."""
    return random.uniform(least, most)  # noqa: S311  spreads load only
