"""Room for applications that something is being done for, in fair shares.

Whoever has many applications is served a few at a time, so that they slow nobody else.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

PLACES = 1000
SHARE = 4  # of one citizen


class Room:
    """Places, and each citizen's share of them."""

    def __init__(self, places: int = PLACES, share: int = SHARE) -> None:
        self._places = asyncio.Semaphore(places)
        self._share = share
        self._shares: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    @asynccontextmanager
    async def place(self, citizen_id: str) -> AsyncIterator[None]:
        """A place for one of a citizen's applications; whoever came first is first."""
        share = self._shares.setdefault(citizen_id, asyncio.Semaphore(self._share))
        async with share, self._places:
            yield
