"""The gateway's messages on their way: kept on disk until they are taken, told again until then."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from citybrain.exchange.answers import JOSE

PAUSES_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
TELLINGS = 200
ANSWER_SECONDS = 5.0
AGAIN = (408, 425, 429)  # beside 5xx: what says nothing of the message

Message = dict[str, Any]
"""`id` and the `signed` text."""


LATER = ""
"""What stands for an address that is told later (`call_at`)."""


class Callbacks:
    """Messages for one address. Held back, they are sent in whatever order somebody says.

    `url` None: nobody is told anything. `LATER`: messages are kept until the address is known.
    """

    def __init__(self, path: Path, url: str | None) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.url = url
        self.holding = False
        self.waiting: dict[str, Message] = {}
        """Not taken yet, in the order in which they were made."""
        self.refused: list[Message] = []
        """What the other side does not want, with the status that it answered."""
        for line in path.read_bytes().splitlines() if path.is_file() else []:
            self._note(orjson.loads(line))
        self._file = path.open("ab")
        self._session: aiohttp.ClientSession | None = None
        self._sending: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Send what was not taken before."""
        timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
        each_anew = aiohttp.TCPConnector(force_close=True)  # who ends waits for nobody's next one
        self._session = aiohttp.ClientSession(timeout=timeout, connector=each_anew)
        self._send_waiting()

    def call_at(self, url: str) -> None:
        """The address is this one: what was kept until it was known is sent."""
        known, self.url = self.url, url
        if not known and not self.holding:
            self._send_waiting()

    def _send_waiting(self) -> None:
        for message in list(self.waiting.values()) if self.url else ():
            self._send(message)

    async def close(self) -> None:
        """Stop sending; what was not taken is sent when it is opened again."""
        for task in self._sending:
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
        self._file.close()

    def tell(self, message: Message) -> None:
        """Keep a message, and send it unless messages are held back."""
        if self.url is None:
            return
        self._write(message)
        if self.url and not self.holding:
            self._send(message)

    def release(self, order: Sequence[int] = (), times: int = 1) -> None:
        """Send what was held back: in this order, by its places, or all as they came."""
        held = list(self.waiting.values())
        sent = [held[place] for place in order or range(len(held)) for _ in range(times)]
        self.holding = False
        for message in sent:
            self._send(message)

    async def taken(self) -> None:
        """Until nothing is being sent any more."""
        while self._sending:
            await asyncio.gather(*self._sending, return_exceptions=True)

    def _send(self, message: Message) -> None:
        task = asyncio.create_task(self._until_taken(message))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _until_taken(self, message: Message) -> None:
        for telling in range(TELLINGS):
            status = await self._post(message)
            if status is not None:
                if status >= 400:
                    self.refused.append(message | {"status": status})
                self._write({"taken": message["id"]})
                return
            await asyncio.sleep(PAUSES_SECONDS[min(telling, len(PAUSES_SECONDS) - 1)])

    async def _post(self, message: Message) -> int | None:
        """What was answered; None where that says nothing of the message."""
        assert self._session is not None
        assert self.url is not None
        try:
            async with self._session.post(
                self.url, data=message["signed"], headers={"Content-Type": JOSE}
            ) as answer:
                away = answer.status >= 500 or answer.status in AGAIN
                return None if away else answer.status
        except (TimeoutError, aiohttp.ClientError):
            return None

    def _write(self, line: dict[str, Any]) -> None:
        self._file.write(orjson.dumps(line) + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self._note(line)

    def _note(self, line: dict[str, Any]) -> None:
        if "taken" in line:
            self.waiting.pop(line["taken"], None)
        else:
            self.waiting[line["id"]] = line
