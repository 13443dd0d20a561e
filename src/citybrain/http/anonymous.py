"""Who has no token reads on half of the connections, each network on half of that.

So whoever asks for what is public, however much and how often, leaves the other half to people at
work, and a part of theirs to each other. Those who find no place wait for one, as long as a request
may take.
"""

import asyncio
from types import TracebackType

from aiohttp import web

from citybrain.http.addresses import address_of, network_of
from citybrain.http.problems import RateLimited

WAITING = 50
"""So many of one network may read or wait; more are told to come again."""


class AnonymousRoom:
    """Places for those without a token."""

    def __init__(self, pool_size: int) -> None:
        self._places = max(1, pool_size // 2)
        self._all = asyncio.Semaphore(self._places)
        self._own: dict[str, _Own] = {}

    def place(self, network: str) -> "_Place":
        """A place while the block runs; raises `RateLimited` where too many wait for one."""
        own = self._own.get(network)
        if own is None:
            own = self._own[network] = _Own(max(1, self._places // 2))
        elif own.here >= WAITING:
            raise RateLimited("too many requests at once", retry_after_seconds=1)
        return _Place(self, network, own)

    def leave(self, network: str) -> None:
        """Nobody of this network is here any more."""
        self._own.pop(network, None)

    @property
    def all(self) -> asyncio.Semaphore:
        """The places."""
        return self._all


class _Own:
    """Those of one network."""

    __slots__ = ("here", "places")

    def __init__(self, places: int) -> None:
        self.places = asyncio.Semaphore(places)
        self.here = 0


class _Place:
    __slots__ = ("_network", "_own", "_room")

    def __init__(self, room: AnonymousRoom, network: str, own: _Own) -> None:
        self._room, self._network, self._own = room, network, own

    async def __aenter__(self) -> None:
        own = self._own
        own.here += 1
        try:
            await own.places.acquire()
            try:
                await self._room.all.acquire()
            except BaseException:
                own.places.release()
                raise
        except BaseException:
            self._gone()
            raise

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._room.all.release()
        self._own.places.release()
        self._gone()

    def _gone(self) -> None:
        self._own.here -= 1
        if not self._own.here:
            self._room.leave(self._network)


ANONYMOUS: web.AppKey[AnonymousRoom] = web.AppKey("anonymous", AnonymousRoom)


def anonymous_place(request: web.Request) -> _Place:
    """A place for a request without a token."""
    return request.app[ANONYMOUS].place(network_of(address_of(request)))
