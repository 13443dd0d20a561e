"""What many ask for at once is found once, and not again at once.

Nobody makes a process work by asking how it is: looks take a fifth of its time at most.
"""

import asyncio
import math
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from aiohttp import web

from citybrain.http.routing import Call
from citybrain.http.runtime import Runtime

T = TypeVar("T")

RESTS = 4.0  # times as long as it looked, and a second at most


@dataclass(slots=True)
class Look:
    """The last one, and whose turn it is."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    began: float = -math.inf
    rests_until: float = -math.inf
    found: Any = None


LOOKS: web.AppKey[defaultdict[str, Look]] = web.AppKey("looks", defaultdict)


async def shared(call: Call, look: Callable[[Runtime], Awaitable[T]]) -> T:
    """What a look finds that begins after this was asked: one for all who wait."""
    loop = asyncio.get_running_loop()
    asked, last = loop.time(), call.request.app[LOOKS][look.__name__]
    async with last.turn:
        if last.began <= asked:
            await asyncio.sleep(last.rests_until - loop.time())
            began = loop.time()
            last.found = await look(call.runtime)
            ended = loop.time()
            last.began, last.rests_until = began, ended + min(RESTS * (ended - began), 1.0)
        found: T = last.found
        return found
