"""A network in front of PostgreSQL that is slow, or swallows everything, when it is told to."""

import asyncio
from contextlib import suppress
from pathlib import Path
from types import TracebackType

SOCKET = ".s.PGSQL.5432"
CHUNK = 65_536


class SocketProxy:
    """Listens in `folder` while its block runs; each connection is one to the server's socket."""

    def __init__(self, folder: Path, server: Path) -> None:
        self.folder = folder
        self._server = server / SOCKET
        self._open = asyncio.Event()
        self._open.set()
        self.delay_seconds = 0.0
        """What every piece of data takes longer."""

    def cut(self) -> None:
        """Nothing comes through any more, and nobody is told."""
        self._open.clear()

    def mend(self) -> None:
        """All of it comes through."""
        self._open.set()
        self.delay_seconds = 0.0

    async def __aenter__(self) -> "SocketProxy":
        self.folder.mkdir()
        self._listening = await asyncio.start_unix_server(self._connected, self.folder / SOCKET)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._listening.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._open.wait()
        from_server, to_server = await asyncio.open_unix_connection(self._server)
        tasks = [
            asyncio.create_task(self._carry(reader, to_server)),
            asyncio.create_task(self._carry(from_server, writer)),
        ]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for each in (writer, to_server):
            with suppress(OSError):
                each.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(CHUNK):
            if self.delay_seconds:
                await asyncio.sleep(self.delay_seconds)
            await self._open.wait()
            writer.write(data)
            await writer.drain()
