"""A real server that is there to be killed: no simulators beside it, and quick to begin again."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.given.server import URL, Server, environment_of
from tests.given.waiting import holds
from tests.given.warm import Warm


class KilledServer(Server):
    """A running server in development mode."""

    def __init__(self, url: str, environment: dict[str, str], process: Warm) -> None:
        super().__init__(url, environment, process.pid)
        self.kill = process.kill


@asynccontextmanager
async def killed_server(data: Path, **settings: str) -> AsyncIterator[KilledServer]:
    """`citybrain serve` on a free port; killed with the block, if not before."""
    environment = environment_of(data) | {"CITYBRAIN_MODE": "development"} | settings
    process = Warm(data / "said", "citybrain", "serve", "--port", "0", environment=environment)
    try:
        await holds(lambda: process.status is not None or URL.search(process.out.read_text()))
        listening = URL.search(process.out.read_text())
        assert listening is not None, process.err.read_text()
        yield KilledServer(listening[0], environment, process)
    finally:
        await process.kill()
