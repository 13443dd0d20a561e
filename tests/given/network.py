"""A network in front of a server that is slow, carries nothing, is cut, or loses one answer."""

import asyncio
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit

CHUNK = 65_536
SIZE = struct.Struct(">i")
PRODUCE = struct.pack(">h", 0)  # the key of the request, at its beginning

Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Network:
    """Listens on `port` of 127.0.0.1 while its block runs; a connection is one to the server."""

    def __init__(self, connect: Callable[[], Awaitable[Ends]]) -> None:
        self._connect = connect
        self._carries = asyncio.Event()
        self._carries.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._refuses = False
        self.port = 0
        self.delay_seconds = 0.0
        """What each piece of data takes longer."""

    def swallow(self) -> None:
        """Carry nothing from now on; nobody is told."""
        self._carries.clear()

    def cut(self) -> None:
        """End all connections, and each that comes."""
        self._refuses = True
        for task in self._tasks:
            task.cancel()

    def heal(self) -> None:
        """Carry again, beginning with what was swallowed."""
        self._refuses = False
        self._carries.set()

    async def __aenter__(self) -> Self:
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
        self.cut()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._carries.wait()
        if self._refuses:
            writer.close()
            return
        theirs, to_them = await self._connect()
        line: set[bytes] = set()
        for source, sink, asks in ((reader, to_them, True), (theirs, writer, False)):
            task = asyncio.create_task(self._carry(source, sink, line, asks=asks))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _carry(
        self,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        line: set[bytes],
        *,
        asks: bool,
    ) -> None:
        try:
            with suppress(OSError, EOFError):
                while data := await self._piece(source, line, asks=asks):
                    if self.delay_seconds:
                        await asyncio.sleep(self.delay_seconds)
                    await self._carries.wait()
                    sink.write(data)
                    await sink.drain()
            await self._carries.wait()  # an end is swallowed, too
        finally:
            sink.close()

    async def _piece(self, source: asyncio.StreamReader, line: set[bytes], *, asks: bool) -> bytes:
        """What is carried next, of a request or else an answer; nothing: the connection ends.

        `line` is what is remembered of the connection.
        """
        return await source.read(CHUNK)


class PostgresNetwork(Network):
    """In front of PostgreSQL, at the socket that a URL names."""

    def __init__(self, database_url: str) -> None:
        parts = urlsplit(database_url)
        query = parse_qs(parts.query)
        socket = f"{query['host'][0]}/.s.PGSQL.{query.get('port', ['5432'])[0]}"
        super().__init__(lambda: asyncio.open_unix_connection(socket))
        self._database = parts.path.lstrip("/")

    @property
    def url(self) -> str:
        """Of the same database, through it."""
        return f"postgresql://postgres:@127.0.0.1:{self.port}/{self._database}?sslmode=disable"


class KafkaNetwork(Network):
    """In front of a broker; `lose_answer_to_produce` names one whose answer is lost."""

    def __init__(self, server: str) -> None:
        host, _, port = server.partition(":")
        super().__init__(lambda: asyncio.open_connection(host, int(port)))
        self._fatal = 0
        self.produced = 0
        self.lost = False

    def lose_answer_to_produce(self, number: int) -> None:
        """Lose the answer to the produce request of this number, and the connection with it."""
        self._fatal = number

    async def _piece(self, source: asyncio.StreamReader, line: set[bytes], *, asks: bool) -> bytes:
        head = await source.readexactly(SIZE.size)
        frame = await source.readexactly(SIZE.unpack(head)[0])
        if asks and frame[:2] == PRODUCE:
            self.produced += 1
            if self.produced == self._fatal:
                line.add(frame[4:8])  # its correlation id
        elif not asks and frame[:4] in line:
            self.lost = True
            return b""
        return head + frame
