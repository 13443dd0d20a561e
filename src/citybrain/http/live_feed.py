"""A feed that many follow: one task looks while anybody does, and wakes all with each change."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import ClassVar, TypeVar

import structlog
from aiohttp import web

from citybrain.errors import Unavailable
from citybrain.faults import AGAIN_LATER
from citybrain.http.runtime import RUNTIME, Runtime

log = structlog.get_logger(__name__)


class Feed(ABC):
    """Base of feeds; the messages are theirs."""

    every_seconds: ClassVar[float]
    """How long it rests between two looks."""

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
            if self._viewers:
                try:
                    await self.look()
                except (Unavailable, LookupError, *AGAIN_LATER) as error:
                    log.warning("feed_not_read", feed=type(self).__name__, error=repr(error))
            await asyncio.sleep(self.every_seconds)

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
