"""Bodies of requests: a place in memory before the first byte, and a time to come in.

What is counted is what a body may come to: what it announces, or its limit where it announces
nothing that counts. So nobody can hold more than a share by sending slowly, and a share of all is
kept for devices: a kiosk goes on serving while everybody sends pictures.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager

from aiohttp import hdrs, web

from citybrain.domain.actor import WATCHERS, Actor, Role
from citybrain.errors import CitybrainError, Unavailable
from citybrain.http.limits import caller_of
from citybrain.http.problems import BodyPacked, Malformed, RateLimited
from citybrain.http.runtime import RUNTIME
from citybrain.http.time_limits import TIMER

CALLERS = 16
"""A caller has one of so many equal shares; a single body at a time may be larger."""

KEPT = 4
"""One of so many equal shares is for devices alone."""

DEVICES = (Role.KIOSK, *WATCHERS)


class TooManyBodies(RateLimited):
    """The caller sends more at once than one caller's share."""

    code = "too-many-bodies"


class BodiesFull(Unavailable):
    """As much is being sent as there is room for."""

    code = "bodies-full"


class BodyTooSlow(Unavailable):
    """The body did not come in time; nothing was done."""

    code = "body-too-slow"


class BodyRoom:
    """How many bytes of bodies are in memory, or may come to be."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held: dict[str, int] = {}
        self.held = 0
        """Bytes that have a place now."""

    def place(
        self, caller: str, size: int, *, device: bool = False
    ) -> AbstractContextManager[None]:
        """Room for a body until it has been worked on; raises `TooManyBodies`, `BodiesFull`."""
        own = self._held.get(caller, 0)
        if own and own + size > self._limit // CALLERS:
            raise TooManyBodies("too much is being sent at once", retry_after_seconds=2)
        if self.held + size > self._limit - (0 if device else self._limit // KEPT):
            raise BodiesFull("too much is being sent by everybody", retry_after_seconds=5)
        return _Place(self, caller, size)

    def place_of(
        self, request: web.Request, caller: str, actor: Actor | None, limit: int
    ) -> AbstractContextManager[None]:
        """A place for the body of a request, which may have up to `limit` bytes."""
        announced = request.content_length
        size = limit if announced is None else announced
        device = actor is not None and actor.has(*DEVICES)
        return self.place(caller, size, device=device)

    def hold(self, caller: str, size: int) -> None:
        """A body has its place."""
        self._held[caller] = self._held.get(caller, 0) + size
        self.held += size

    def release(self, caller: str, size: int) -> None:
        """It has been worked on."""
        self.held -= size
        left = self._held.pop(caller) - size
        if left:
            self._held[caller] = left


class _Place:
    """The place of one body; every request has one, so it is no generator."""

    __slots__ = ("_caller", "_room", "_size")

    def __init__(self, room: BodyRoom, caller: str, size: int) -> None:
        self._room, self._caller, self._size = room, caller, size

    def __enter__(self) -> None:
        self._room.hold(self._caller, self._size)

    def __exit__(self, *_: object) -> None:
        self._room.release(self._caller, self._size)


BODIES: web.AppKey[BodyRoom] = web.AppKey("bodies", BodyRoom)


def body_place(
    request: web.Request, actor: Actor | None, limit: int
) -> AbstractContextManager[None]:
    """A place for the body of a request, which may have up to `limit` bytes."""
    return request.app[BODIES].place_of(request, caller_of(request, actor), actor, limit)


def body_at_hand(request: web.Request, limit: int) -> bytes | None:
    """The body where it has come with its headers, as a rule; None where there is more to say."""
    content = request.content
    if hdrs.CONTENT_ENCODING in request.headers or not content.is_eof():
        return None
    if content.exception() is not None or content.total_bytes > limit:
        return None
    return content.read_nowait()


async def read_body(request: web.Request, limit: int, too_large: CitybrainError) -> bytes:
    """The body, which is never unpacked.

    Raises `too_large` before more than the limit is taken in, `BodyPacked` and `BodyTooSlow`.
    """
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise BodyPacked("a body is sent as it is, without Content-Encoding")
    if (request.content_length or 0) > limit:
        raise too_large
    if (at_hand := body_at_hand(request, limit)) is not None:
        return at_hand
    async with body_time(request):
        return await _read(request, limit, too_large)


@asynccontextmanager
async def body_time(request: web.Request) -> AsyncIterator[None]:
    """The time that a body may take to come, in place of that of its request.

    Raises `BodyTooSlow`.
    """
    seconds = request.app[RUNTIME].settings.body_seconds
    try:
        with request[TIMER].standing_still():
            async with asyncio.timeout(seconds) as ours:
                yield
    except TimeoutError:
        if not ours.expired():
            raise
        raise BodyTooSlow(f"the body took longer than {seconds:g} s") from None


async def _read(request: web.Request, limit: int, too_large: CitybrainError) -> bytes:
    body = bytearray()
    try:
        async for chunk in request.content.iter_any():
            body += chunk
            if len(body) > limit:
                raise too_large
    except web.RequestPayloadError as error:
        raise Malformed("the body is not what its headers say") from error
    return bytes(body)
