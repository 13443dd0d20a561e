"""Looking at a read model again and again, for who follows one thing of it."""

import asyncio
import time
from dataclasses import dataclass

from citybrain.eventstore import EventStore
from projections.reading import reached

SOON_SECONDS = 0.05
LONGEST_SECONDS = 1.0


@dataclass(slots=True)
class Looking:
    """When to look again: soon after something new, less often while only others go on.

    Each look is `begin`, then the question, then `rest`.
    """

    store: EventStore
    model: str
    all_there: bool = False
    """Whether the model had all of the log when the look began."""
    _notices: int = 0
    _began: float = 0.0
    _pause: float = SOON_SECONDS

    async def begin(self) -> None:
        """Before the model is asked: what comes from now on is not missed."""
        self._notices, self._began = self.store.listener.notices, time.monotonic()
        self.all_there = await reached(self.store.models, self.model, await self.store.head())

    async def rest(self, *, found: bool) -> None:
        """Until it is worth to look again; while the log does not grow, it is not."""
        if found:
            self._pause = SOON_SECONDS
        elif self.all_there:
            await self.store.listener.wait(self._notices)
        await asyncio.sleep(max(self._began + self._pause - time.monotonic(), SOON_SECONDS))
        self._pause = min(self._pause * 1.5, LONGEST_SECONDS)
