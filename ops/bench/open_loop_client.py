"""Clients that do not wait for answers: a request at each moment of a plan, whoever is slow.

Latency is from the moment at which the plan has a request to its answer, so that nobody's being
slow hides what waits behind it; as many requests as there may be connections are at the server,
the others wait here, and that counts. A request whose connection is lost is sent again under its
key. As a module it is a process of its own: `python -m ops.bench.open_loop_client`.
"""

import asyncio
import os
import time
from collections import Counter
from contextlib import suppress
from typing import Any

import uvloop

from ops.bench import child
from ops.bench.http_client import DONE, exchanged, report_body, request_bytes

AGAIN_SECONDS = 0.05
CONNECTIONS = 256
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class OpenLoop:
    """Requests of a plan, over as many connections as are needed at once, up to `CONNECTIONS`."""

    def __init__(self, orders: dict[str, Any]) -> None:
        self._host, self._port = orders["host"], orders["port"]
        self._tokens: list[str] = orders["tokens"]
        self._rate, self._seconds = orders["rate"], orders["seconds"]
        self._free: list[Connection] = []
        self._room = asyncio.Semaphore(CONNECTIONS)
        self.latencies: list[float] = []
        self.failures: Counter[str] = Counter()

    async def run(self) -> None:
        """Send all of it, and wait until the last one is acknowledged."""
        began, number = time.perf_counter(), 0
        async with asyncio.TaskGroup() as group:
            while (due := number / self._rate) < self._seconds:
                await asyncio.sleep(max(0.0, began + due - time.perf_counter()))
                while number / self._rate <= time.perf_counter() - began:
                    group.create_task(self._acknowledged(number, began + number / self._rate))
                    number += 1

    async def _acknowledged(self, number: int, due: float) -> None:
        token = self._tokens[number % len(self._tokens)]
        where = f"{self._host}:{self._port}"
        request = request_bytes(where, token, report_body(number), "/v1/cases")
        async with self._room:
            while (failure := await self._failed(request)) is not None:
                self.failures[failure] += 1
                await asyncio.sleep(AGAIN_SECONDS)
        self.latencies.append(time.perf_counter() - due)

    async def _failed(self, request: bytes) -> str | None:
        """What went wrong; None where it was acknowledged."""
        connection: Connection | None = None
        try:
            if self._free:
                connection = self._free.pop()
            else:
                connection = await asyncio.open_connection(self._host, self._port)
            head, _ = await exchanged(*connection, request)
        except (OSError, EOFError) as error:
            if connection is not None:
                with suppress(OSError):
                    connection[1].close()
            return type(error).__name__
        self._free.append(connection)
        return None if head.startswith(DONE) else head.split(b" ", 2)[1].decode()


async def _load() -> None:
    orders = child.orders()
    os.sched_setaffinity(0, {orders["core"]})
    loop = OpenLoop(orders)
    child.say_ready()
    child.wait_for_go()
    await loop.run()
    child.answer({"latencies": loop.latencies, "failures": dict(loop.failures)})


if __name__ == "__main__":
    uvloop.run(_load())
