"""The load of the boards: viewers that follow, phones that report and read, and marks to time by.

As a module it is a process of its own: `python -m ops.bench.boards_client`. A mark is a report: its
position in the log is known when it is acknowledged, and a viewer has seen it with the first
message of that position or a later one.
"""

import asyncio
import os
import time
from bisect import bisect_left
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from uuid import uuid4

import aiohttp
import orjson
import uvloop

from ops.bench import child
from ops.bench.figures import percentile
from ops.bench.http_client import UnexpectedAnswer, report_body

LIVE = "/live"
FOLLOWED = (LIVE, "/v1/board/live")
"""What one board follows; every event changes the first, so marks are timed by that."""

SETTLE_SECONDS = 3.0
MARK_SECONDS = 0.37  # out of step with a feed that looks once a second
LAST_SECONDS = 3.0  # for marks to be seen
PHONE_SECONDS = 4.0  # between two things that somebody does


@dataclass(slots=True)
class Viewer:
    """One connection: the positions of its messages, and when they came."""

    path: str
    positions: list[int] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    received: int = 0

    async def follow(self, session: aiohttp.ClientSession) -> None:
        """Until cancelled. Raises `UnexpectedAnswer`."""
        async with session.get(self.path) as answer:
            if answer.status != 200:
                raise UnexpectedAnswer(f"{self.path}: {await answer.text()}")
            async for line in answer.content:
                self.received += len(line)
                if line.startswith(b"id: "):
                    self.positions.append(int(line[4:]))
                    self.times.append(time.monotonic())

    def delays(self, marks: list[tuple[int, float]]) -> list[float]:
        """Seconds from each mark's acknowledgement to the message that has it; 0 if before that."""
        found = []
        for position, acknowledged in marks:
            at = bisect_left(self.positions, position)
            if at == len(self.positions):
                raise UnexpectedAnswer(f"a viewer was never told of position {position}")
            found.append(max(0.0, self.times[at] - acknowledged))
        return found


class Load:
    """All of them over one session."""

    def __init__(self, session: aiohttp.ClientSession, orders: dict[str, Any]) -> None:
        self._session = session
        self._orders = orders
        self._numbers = count()
        self.viewers = [Viewer(path) for path in FOLLOWED for _ in range(orders["boards"])]
        self.marks: list[tuple[int, float]] = []
        self.requests: list[float] = []

    async def run(self) -> None:
        """Everybody, for as long as was ordered. Raises `UnexpectedAnswer`."""
        async with asyncio.TaskGroup() as all_of_them:
            following = [
                all_of_them.create_task(each.follow(self._session)) for each in self.viewers
            ]
            await asyncio.sleep(SETTLE_SECONDS)
            child.say(self._seen())
            until = time.monotonic() + self._orders["seconds"]
            async with asyncio.TaskGroup() as busy:
                busy.create_task(self._mark(until))
                for number in range(self._orders["phones"]):
                    busy.create_task(self._phone(number, until))
            await asyncio.sleep(LAST_SECONDS)
            child.say(self._seen())
            for each in following:
                each.cancel()

    def figures(self) -> dict[str, Any]:
        """What was found: milliseconds."""
        live = [viewer for viewer in self.viewers if viewer.path == LIVE]
        delays = sorted(1e3 * each for viewer in live for each in viewer.delays(self.marks))
        requests = sorted(1e3 * each for each in self.requests)
        return {
            "marks": len(self.marks),
            "delay_p50_ms": percentile(delays, 50),
            "delay_p99_ms": percentile(delays, 99),
            "requests": len(requests),
            "request_p50_ms": percentile(requests, 50),
            "request_p99_ms": percentile(requests, 99),
        }

    def _seen(self) -> dict[str, int]:
        return {
            "messages": sum(len(viewer.positions) for viewer in self.viewers),
            "bytes": sum(viewer.received for viewer in self.viewers),
        }

    async def _mark(self, until: float) -> None:
        while time.monotonic() < until:
            position, acknowledged = await self._report()
            self.marks.append((position, acknowledged))
            await asyncio.sleep(MARK_SECONDS)

    async def _phone(self, number: int, until: float) -> None:
        """Somebody reports, reads what became of it, looks around, and puts the phone away."""
        await asyncio.sleep(number / self._orders["phones"] * PHONE_SECONDS)
        while time.monotonic() < until:
            began = time.monotonic()
            case_id = await self._sent("POST", "/v1/cases", report_body(next(self._numbers)))
            await self._sent("GET", f"/v1/cases/{case_id}")
            await self._sent("GET", "/v1/services")
            await asyncio.sleep(max(0.0, PHONE_SECONDS - (time.monotonic() - began)))

    async def _report(self) -> tuple[int, float]:
        headers = {"Idempotency-Key": str(uuid4()), "Content-Type": "application/json"}
        body = report_body(next(self._numbers))
        async with self._session.post("/v1/cases", data=body, headers=headers) as answer:
            if answer.status != 201:
                raise UnexpectedAnswer(await answer.text())
            return int(answer.headers["X-Position"]), time.monotonic()

    async def _sent(self, method: str, path: str, body: bytes | None = None) -> str:
        headers = {"Idempotency-Key": str(uuid4()), "Content-Type": "application/json"}
        began = time.monotonic()
        async with self._session.request(
            method, path, data=body, headers=headers if body else None
        ) as answer:
            said = orjson.loads(await answer.read())
            if answer.status not in (200, 201):
                raise UnexpectedAnswer(f"{method} {path}: {said}")
        self.requests.append(time.monotonic() - began)
        return str(said.get("case_id", "")) if isinstance(said, dict) else ""


async def _serve() -> None:
    orders = child.orders()
    os.sched_setaffinity(0, {orders["core"]})
    async with aiohttp.ClientSession(
        f"http://{orders['host']}:{orders['port']}",
        connector=aiohttp.TCPConnector(limit=0),
        headers={"Authorization": f"Bearer {orders['tokens'][0]}"},
        timeout=aiohttp.ClientTimeout(total=None),
        read_bufsize=1 << 20,
    ) as session:
        load = Load(session, orders)
        child.say_ready()
        await load.run()
    child.say(load.figures())
    await asyncio.to_thread(child.wait_for_go)


if __name__ == "__main__":
    uvloop.run(_serve())
