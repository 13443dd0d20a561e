"""A feed looks while anybody follows, survives what fails, and wakes all who wait."""

import asyncio
from collections.abc import AsyncGenerator

from aiohttp import web

from citybrain.errors import Unavailable
from citybrain.http.live_feed import Feed, mounting
from citybrain.http.runtime import RUNTIME, Runtime


class Away(Unavailable):
    """Nobody answers."""

    code = "test-away"


class Counting(Feed):
    """Says how often it has looked; every other look fails."""

    every_seconds = 0.0

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(runtime)
        self.looks = 0

    async def look(self) -> None:
        self.looks += 1
        if self.looks % 2:
            raise Away("away")
        self.wake()

    async def messages(self) -> AsyncGenerator[int, None]:
        with self.viewed():
            while True:
                await self.changed.wait()
                yield self.looks


KEY: web.AppKey[Counting] = web.AppKey("counting", Counting)


async def test_it_looks_while_somebody_follows_and_not_afterwards() -> None:
    app = web.Application()
    app[RUNTIME] = object.__new__(Runtime)  # it asks nothing of it
    mounting(KEY, Counting)(app)
    runner = web.AppRunner(app)
    await runner.setup()
    feed = app[KEY]
    for _ in range(5):
        await asyncio.sleep(0)
    assert feed.looks == 0, "nobody follows"
    one, other = feed.messages(), feed.messages()
    first, second = await asyncio.gather(anext(one), anext(other))
    assert first == second == 2, "the first look failed"
    assert await anext(one) > 2
    await one.aclose()
    await other.aclose()
    looks = feed.looks
    for _ in range(5):
        await asyncio.sleep(0)
    assert feed.looks == looks
    others = asyncio.all_tasks()
    await runner.cleanup()
    assert len(asyncio.all_tasks()) == len(others) - 1, "its task has ended"
