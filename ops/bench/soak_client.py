"""The load of the soak: cases on their way from report to closing and back, one step a request.

As a module it is a process of its own: `python -m ops.bench.soak_client`. Each connection takes one
case after the other through `LIFE`, until all together have sent so many commands or the time is
over; then nobody begins another case. So often it says how far it is.
"""

import asyncio
import os
import re
import time
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import orjson
import uvloop

from ops.bench import child
from ops.bench.http_client import DONE, UnexpectedAnswer, exchanged, report_body

SAYS_SECONDS = 1.0
HANDLED = {"department": "sanitation", "note": "emptied", "evidence_sha256": [f"{7:064x}"]}
ROUND: tuple[tuple[str, dict[str, Any]], ...] = (
    ("handle", HANDLED),
    ("return", {"reason": "it is still full"}),
    ("handle", HANDLED),
    ("verify", {"note": "seen"}),
    ("close", {"resolution": "solved"}),
)
LIFE: tuple[tuple[str, dict[str, Any]], ...] = (
    ("file", {}),
    ("dispatch", {"departments": ["sanitation"]}),
    ("accept", {"department": "sanitation"}),
    *ROUND,
    ("reopen", {"reason": "full again"}),
)
"""What follows a report: ten commands in all for one stream."""

ENTITY_TAG = re.compile(rb'\r\netag: ("[0-9]+")\r\n', re.IGNORECASE)


@dataclass(slots=True)
class Progress:
    """How far all connections are."""

    wanted: int
    until: float
    steps: int
    """How many of a life follow each report."""
    commands: int = 0
    streams: int = 0

    def goes_on(self) -> bool:
        """Whether another case is begun."""
        return self.commands < self.wanted and time.monotonic() < self.until

    def said(self) -> dict[str, int]:
        """As the parent hears of it."""
        return {"commands": self.commands, "streams": self.streams}


class Caller:
    """One connection: a case after the other."""

    def __init__(self, host: str, port: int, token: str) -> None:
        self._host, self._port, self._token = host, port, token

    async def run(self, progress: Progress) -> None:
        """Raises `UnexpectedAnswer`."""
        self._reader, self._writer = await asyncio.open_connection(self._host, self._port)
        try:
            while progress.goes_on():
                await self._live(progress)
        finally:
            self._writer.close()

    async def _live(self, progress: Progress) -> None:
        progress.streams += 1
        head, body = await self._sent("/v1/cases", report_body(progress.streams), b"")
        case_id = orjson.loads(body)["case_id"]
        progress.commands += 1
        for step, said in LIFE[: progress.steps]:
            tag = ENTITY_TAG.search(head)
            assert tag is not None
            match = b"If-Match: " + tag[1] + b"\r\n"
            head, _ = await self._sent(f"/v1/cases/{case_id}/{step}", orjson.dumps(said), match)
            progress.commands += 1

    async def _sent(self, path: str, body: bytes, match: bytes) -> tuple[bytes, bytes]:
        request = (
            f"POST {path} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\n"
            f"Authorization: Bearer {self._token}\r\nIdempotency-Key: {uuid4()}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        ).encode()
        head, answer = await exchanged(self._reader, self._writer, request + match + b"\r\n" + body)
        if not head.startswith(DONE):
            status = head.splitlines()[0].decode()
            raise UnexpectedAnswer(f"{path}: {status}: {answer[:500].decode()}")
        return head, answer


async def _say(progress: Progress) -> None:
    while True:
        await asyncio.sleep(SAYS_SECONDS)
        child.say(progress.said())


async def _load() -> None:
    orders = child.orders()
    os.sched_setaffinity(0, {orders["core"]})
    child.say_ready()
    child.wait_for_go()
    until = time.monotonic() + orders["seconds"]
    progress = Progress(orders["commands"], until, orders["steps"])
    saying = asyncio.create_task(_say(progress))
    try:
        async with asyncio.TaskGroup() as callers:
            for number in range(orders["connections"]):
                token = orders["tokens"][number % len(orders["tokens"])]
                callers.create_task(Caller(orders["host"], orders["port"], token).run(progress))
    finally:
        saying.cancel()
    child.say(progress.said() | {"over": True})


if __name__ == "__main__":
    uvloop.run(_load())
