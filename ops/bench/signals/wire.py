"""A wire between controllers and the server that can be cut: bytes vanish, nobody is told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

PIECE = 65_536


class Wire:
    """Forwards connections to a port of this machine. While it is `cut` nothing gets through.

    `lost_bytes`: how much did not.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self.url = ""
        self.lost_bytes = 0
        self._whole = asyncio.Event()
        self._whole.set()

    @property
    def cut(self) -> bool:
        """Whether it is."""
        return not self._whole.is_set()

    @cut.setter
    def cut(self, is_cut: bool) -> None:
        if is_cut:
            self._whole.clear()
        else:
            self._whole.set()

    @asynccontextmanager
    async def laid(self) -> AsyncIterator["Wire"]:
        """The wire, for as long as the block lasts."""
        server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        try:
            yield self
        finally:
            server.close()

    async def _connect(self, near: asyncio.StreamReader, out: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            await self._whole.wait()
            far, back = await asyncio.open_connection("127.0.0.1", self._port)
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._carry(near, back))
                    group.create_task(self._carry(far, out))
            finally:
                back.close()
        out.close()

    async def _carry(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while piece := await source.read(PIECE):
                if self.cut:
                    self.lost_bytes += len(piece)
                    continue
                target.write(piece)
                await target.drain()
        with suppress(OSError):
            target.close()
