"""A network in front of PostgreSQL that is slow, or stops carrying anything, and closes nothing."""

import asyncio
from contextlib import suppress
from types import TracebackType
from urllib.parse import parse_qs, urlsplit

CHUNK = 65_536


class SwallowingNetwork:
    """Listens on `port` of 127.0.0.1 while its block runs; a connection is one to the server."""

    def __init__(self, database_url: str) -> None:
        parts = urlsplit(database_url)
        query = parse_qs(parts.query)
        self._socket = f"{query['host'][0]}/.s.PGSQL.{query.get('port', ['5432'])[0]}"
        self._database = parts.path.lstrip("/")
        self._carries = asyncio.Event()
        self._carries.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.delay_seconds = 0.0
        """What each piece of data takes longer."""

    @property
    def url(self) -> str:
        """Of the same database, through it."""
        return f"postgresql://postgres:@127.0.0.1:{self.port}/{self._database}?sslmode=disable"

    def swallow(self) -> None:
        """Carry nothing from now on; nobody is told."""
        self._carries.clear()

    def heal(self) -> None:
        """Carry again, beginning with what was under way."""
        self._carries.set()

    async def __aenter__(self) -> "SwallowingNetwork":
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
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._carries.wait()
        theirs, to_them = await asyncio.open_unix_connection(self._socket)
        for source, sink in ((reader, to_them), (theirs, writer)):
            task = asyncio.create_task(self._carry(source, sink))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _carry(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(CHUNK):
                if self.delay_seconds:
                    await asyncio.sleep(self.delay_seconds)
                await self._carries.wait()
                sink.write(data)
                await sink.drain()
            await self._carries.wait()  # an end is swallowed, too
        sink.close()
