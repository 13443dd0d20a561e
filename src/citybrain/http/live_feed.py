"""A feed that many follow: one task looks while anybody does, and wakes all with each change."""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, ClassVar, TypeVar

import structlog
from aiohttp import web

from citybrain.errors import Unavailable
from citybrain.faults import AGAIN_LATER
from citybrain.http.parts import Parts
from citybrain.http.runtime import RUNTIME, Runtime
from citybrain.http.sse import message
from projections.status import progress

log = structlog.get_logger(__name__)


class Feed(ABC):
    """Base of feeds; the messages are theirs."""

    every_seconds: ClassVar[float]
    """From one look to the next; it rests at least as long as it looked."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.changed = asyncio.Event()
        """Set with the next change; who waits takes it before they read."""
        self._viewers = 0

    @abstractmethod
    async def look(self) -> None:
        """Read what is new, and call `wake` where something is."""

    async def run(self) -> None:
        """Look again and again while there are viewers. What fails is tried again."""
        while True:
            began = time.monotonic()
            if self._viewers:
                try:
                    await self.look()
                except (Unavailable, LookupError, *AGAIN_LATER) as error:
                    log.warning("feed_not_read", feed=type(self).__name__, error=repr(error))
            looked = time.monotonic() - began
            await asyncio.sleep(max(self.every_seconds - looked, looked))

    @contextmanager
    def viewed(self) -> Iterator[None]:
        """Somebody follows within the block."""
        self._viewers += 1
        try:
            yield
        finally:
            self._viewers -= 1

    def wake(self) -> None:
        """Whoever waits goes on."""
        self.changed.set()
        self.changed = asyncio.Event()


class SnapshotFeed(Feed):
    """Takes snapshots while anybody follows, and sends each viewer what is new to them.

    First `snapshot`, which is all of it; then `changes`, the parts that have changed. The id of a
    message is a log position. Where nothing changes it says so now and then: it is still looking.
    Twice a second it asks whether the log or a read model has moved, and looks where one has;
    what depends on the clock alone is found once a second. A message is made once for all viewers.
    """

    every_seconds = 0.5
    unmoved_seconds: ClassVar[float] = 1.0
    stale_seconds: ClassVar[float] = 3.0
    quiet_seconds: ClassVar[float] = 10.0
    growing: ClassVar[tuple[str, ...]] = ()
    """Members of which only what is new is sent: see `Parts`."""

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(runtime)
        self._parts = Parts(self.growing)
        self._position = 0
        self._looked = self._woke = -self.quiet_seconds
        self._moved_to: tuple[int, int] | None = None
        self._made: dict[int, bytes] = {}
        """The message for who has seen a revision, by that; of what is so now."""

    @abstractmethod
    async def snapshot(self) -> tuple[int, Mapping[str, Any]]:
        """A log position, and what is so there."""

    async def messages(self) -> AsyncGenerator[bytes, None]:
        """All of it, then what has changed; a slow viewer is sent what it comes to in the end."""
        with self.viewed():
            if time.monotonic() - self._looked > self.stale_seconds:
                await self.look()  # nobody followed for a while
            seen = 0
            while True:
                changed, made = self.changed, self._message(seen)
                seen = self._parts.revision
                yield made
                await changed.wait()

    def _message(self, seen: int) -> bytes:
        """What is new since a revision: made once for all who have seen the same."""
        made = self._made.get(seen)
        if made is None:
            event = "changes" if seen else "snapshot"
            parts = self._parts.since(seen)
            made = self._made[seen] = message(event, parts, identity=self._position)
        return made

    async def look(self) -> None:
        """Take a snapshot, where something can be new."""
        moved_to = await progress(self.runtime.store)
        if moved_to == self._moved_to and time.monotonic() - self._looked < self.unmoved_seconds:
            return
        position, snapshot = await self.snapshot()
        self._made.clear()
        self._position = position
        self._moved_to, self._looked = moved_to, time.monotonic()
        now = self._looked
        if self._parts.take(snapshot) or now - self._woke > self.quiet_seconds:
            self._woke = now
            self.wake()


AFeed = TypeVar("AFeed", bound=Feed)


def mounting(
    key: web.AppKey[AFeed], feed: Callable[[Runtime], AFeed]
) -> Callable[[web.Application], None]:
    """A mount that keeps a feed and its task for the life of an application."""

    async def own(app: web.Application) -> AsyncIterator[None]:
        app[key] = feed(app[RUNTIME])
        task = asyncio.create_task(app[key].run())
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    def mount(app: web.Application) -> None:
        app.cleanup_ctx.append(own)

    return mount
