"""A real `citybrain serve --processes`, in development mode, with a PostgreSQL of its own."""

import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp
import psutil

from citybrain.http.tokens import DevelopmentIssuer
from tests.given.killed_server import kill_postgres
from tests.given.reach import reach
from tests.given.server import URL, environment_of
from tests.given.waiting import holds
from tests.given.warm import Warm


class ManyProcesses:
    """Where they listen, and who they are; each request has a connection of its own."""

    def __init__(self, data: Path, url: str, supervisor: Warm) -> None:
        self.url = url
        self.supervisor = supervisor
        self._issuer = DevelopmentIssuer(data / "keys", "citybrain")

    @property
    def serving(self) -> set[int]:
        """Their process ids."""
        children = psutil.Process(self.supervisor.pid).children()
        return {each.pid for each in children if "serve" in each.cmdline()}

    @property
    def said(self) -> str:
        """What was logged."""
        return self.supervisor.err.read_text()

    def token(self, subject: str, role: str) -> str:
        return self._issuer.token(subject, [role], **reach(role, None))

    def client(self, subject: str, role: str) -> aiohttp.ClientSession:
        """Somebody, with a new connection for each request."""
        return aiohttp.ClientSession(
            self.url,
            headers={"Authorization": f"Bearer {self.token(subject, role)}"},
            connector=aiohttp.TCPConnector(force_close=True, limit=0),
        )

    async def stop(self) -> int:
        """SIGTERM; how it ended."""
        psutil.Process(self.supervisor.pid).send_signal(signal.SIGTERM)
        return await self.supervisor.ended()


@asynccontextmanager
async def many_processes(data: Path, count: int, **settings: str) -> AsyncIterator[ManyProcesses]:
    """So many on one free port; killed with the block, if they have not ended."""
    environment = environment_of(data) | {"CITYBRAIN_MODE": "development"} | settings
    arguments = ("serve", "--port", "0", "--processes", str(count))
    supervisor = Warm(data / "said", "citybrain", *arguments, environment=environment)
    try:
        await holds(lambda: supervisor.status is not None or URL.search(supervisor.out.read_text()))
        listening = URL.search(supervisor.out.read_text())
        assert listening is not None, supervisor.err.read_text()
        yield ManyProcesses(data, listening[0], supervisor)
    finally:
        await supervisor.kill()  # the others notice
        with suppress(FileNotFoundError):  # the last one stops it, unless it was killed
            kill_postgres(data)
