"""A network in front of a broker that loses the answer to one request to produce."""

import asyncio
import struct
from contextlib import suppress
from types import TracebackType

SIZE = struct.Struct(">i")
PRODUCE = struct.pack(">h", 0)  # the key of the request, at its beginning


class Proxy:
    """Listens on `port` while its block runs; every connection is one to the broker."""

    def __init__(self, server: str) -> None:
        host, _, port = server.partition(":")
        self._broker = (host, int(port))
        self._fatal = 0
        self.produced = 0
        self.swallowed = False
        self.port = 0

    def swallow_answer_to_produce(self, number: int) -> None:
        """Lose the answer to the produce request of this number, and the connection with it."""
        self._fatal = number

    async def __aenter__(self) -> "Proxy":
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_broker, to_broker = await asyncio.open_connection(*self._broker)
        doomed: set[bytes] = set()

        async def requests() -> None:
            while True:
                frame = await _frame(reader)
                if frame[:2] == PRODUCE:
                    self.produced += 1
                    if self.produced == self._fatal:
                        doomed.add(frame[4:8])  # its correlation id
                to_broker.write(SIZE.pack(len(frame)) + frame)
                await to_broker.drain()

        async def answers() -> None:
            while True:
                frame = await _frame(from_broker)
                if frame[:4] in doomed:
                    self.swallowed = True
                    return
                writer.write(SIZE.pack(len(frame)) + frame)
                await writer.drain()

        tasks = [asyncio.create_task(requests()), asyncio.create_task(answers())]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for each in (writer, to_broker):
            with suppress(OSError):
                each.close()


async def _frame(reader: asyncio.StreamReader) -> bytes:
    (size,) = SIZE.unpack(await reader.readexactly(SIZE.size))
    return await reader.readexactly(size)
