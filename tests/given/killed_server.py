"""A real server that is there to be killed: no simulators beside it, and quick to begin again."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import psutil

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


def kill_postgres(data_dir: Path) -> None:
    """SIGKILL the postmaster and all its children, as a power cut would.

    The file of one that is dead may name a process of somebody else by now.
    """
    folder = data_dir / "postgres"
    pid = int((folder / "postmaster.pid").read_text().split()[0])
    with suppress(psutil.NoSuchProcess):
        postmaster = psutil.Process(pid)
        if str(folder) not in postmaster.cmdline():
            return
        for process in [postmaster, *postmaster.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):
                process.kill()
