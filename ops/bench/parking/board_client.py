"""The readers of `board`, and the devices whose signs come in meanwhile.

As a module it is that process: `python -m ops.bench.parking.board_client`.
"""

import asyncio
import os
import random
import time
from dataclasses import dataclass, field
from typing import Any

import orjson
import uvloop

from ops.bench import child
from ops.bench.http_client import UnexpectedAnswer, exchanged, question_bytes, request_bytes
from ops.bench.parking.street import signs_body

OK = b"HTTP/1.1 200 "
SIGNS = "/v1/parking/detections/batch"
PAUSE_SECONDS, MOST_SECONDS = 0.2, 120.0


@dataclass
class City:
    """What is asked and sent, and what came of it."""

    orders: dict[str, Any]
    latencies: list[float] = field(default_factory=list)
    page: bytes = b""
    sent: int = 0
    over: bool = False

    @property
    def host(self) -> str:
        """Host and port of the server."""
        return f"{self.orders['host']}:{self.orders['port']}"

    async def until_whole(self) -> None:
        """Wait until the board has all berths: the read model follows the log."""
        reader, writer = await self._connected()
        request = question_bytes(self.host, self.orders["paths"][0])
        while True:
            counted = await self._asked(reader, writer, request)
            if counted == self.orders["berths"]:
                break
            await asyncio.sleep(PAUSE_SECONDS)
        writer.close()

    async def read(self, number: int, ends: float) -> None:
        """Ask for one block face after the other, once at least."""
        chance = random.Random(number)
        reader, writer = await self._connected()
        while True:
            request = question_bytes(self.host, chance.choice(self.orders["paths"]))
            began = time.perf_counter()
            if await self._asked(reader, writer, request) != self.orders["berths"]:
                raise UnexpectedAnswer("the board has lost berths")
            self.latencies.append(time.perf_counter() - began)
            if time.perf_counter() >= ends:
                break
        writer.close()

    async def send(self) -> None:
        """Send signs at a rate until it is over."""
        reader, writer = await self._connected()
        size, began, number = self.orders["signs_at_once"], time.perf_counter(), 0
        while not self.over:
            number += 1
            sent = signs_body(number, os.getpid(), size)
            request = request_bytes(self.host, self.orders["tokens"][0], sent, SIGNS)
            head, body = await exchanged(reader, writer, request)
            if not head.startswith(OK) or orjson.loads(body)["recorded"] != size:
                raise UnexpectedAnswer(f"signs were answered {body[:500].decode()}")
            self.sent += size
            due = began + number / self.orders["a_second"]
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
        writer.close()

    async def _asked(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes
    ) -> int:
        """Ask; how many berths were counted."""
        head, self.page = await exchanged(reader, writer, request)
        if not head.startswith(OK):
            raise UnexpectedAnswer(f"the board was answered {self.page[:500].decode()}")
        return sum(orjson.loads(self.page)["counts"].values())

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(self.orders["host"], self.orders["port"])


async def _city() -> None:
    orders = child.orders()
    os.sched_setaffinity(0, {orders["core"]})
    city = City(orders)
    async with asyncio.timeout(MOST_SECONDS):
        await city.until_whole()
    child.say_ready()
    child.wait_for_go()
    began = time.perf_counter()
    ends = began + orders["seconds"]
    async with asyncio.TaskGroup() as group:
        group.create_task(city.send())
        await asyncio.gather(*(city.read(number, ends) for number in range(orders["readers"])))
        seconds, city.over = time.perf_counter() - began, True
    child.answer(
        {
            "seconds": seconds,
            "latencies": city.latencies,
            "sent": city.sent,
            "page": city.page.decode(),
        }
    )


if __name__ == "__main__":
    uvloop.run(_city())
