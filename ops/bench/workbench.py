"""The place where measurements happen: an embedded PostgreSQL in a temporary folder.

Each measurement gets a fresh database and starts behind a checkpoint. Durability settings are
the server's defaults, and that is checked: a durable append cannot be measured without a disk.
"""

import asyncio
import itertools
import os
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any

import asyncpg
import psutil
from pydantic import SecretStr

from citybrain.eventstore import EventStore, open_event_store
from citybrain.eventstore.embedded import EmbeddedPostgres
from citybrain.eventstore.migrations import migrate
from citybrain.settings import Settings

MEMORY_FILE_SYSTEMS = {"tmpfs", "ramfs"}
TEMPLATE = "bench_template"
NO_SIZES: Mapping[str, int] = MappingProxyType({})


class BenchFailed(Exception):
    """A measurement that means nothing: events were lost, or the ground is not durable."""


class Workbench:
    """A running server, the seconds that one measurement takes, and how large things are."""

    def __init__(
        self, folder: Path, server_url: str, seconds: float, sizes: Mapping[str, int] = NO_SIZES
    ) -> None:
        self.folder = folder
        self.server_url = server_url
        self.seconds = seconds
        self.sizes = sizes
        self._numbers = itertools.count(1)
        self._filled: set[str] = set()

    def database_url(self, name: str) -> str:
        """The URL of one of the server's databases."""
        return self.server_url.replace("/postgres?", f"/{name}?")

    async def create_database(self, *, migrated: bool = True, like: str | None = None) -> str:
        """The URL of a fresh database: our schema, nothing at all, or a copy of `like`."""
        name = f"bench_{next(self._numbers)}"
        template = like or (TEMPLATE if migrated else "template1")
        connection = await asyncpg.connect(self.server_url)
        try:
            await connection.execute(
                f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy'
            )
            await connection.execute("CHECKPOINT")
        finally:
            await connection.close()
        return self.database_url(name)

    async def filled(self, name: str, fill: Callable[[str], Awaitable[None]]) -> str:
        """The name of a database that `fill` has filled, once in this run."""
        if name not in self._filled:
            connection = await asyncpg.connect(self.server_url)
            try:
                await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{TEMPLATE}"')
            finally:
                await connection.close()
            await fill(self.database_url(name))
            self._filled.add(name)
        return name

    async def drop_database(self, url: str) -> None:
        """Drop a database of `create_database`."""
        name = url.partition("?")[0].rpartition("/")[2]
        connection = await asyncpg.connect(self.server_url)
        try:
            await connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        finally:
            await connection.close()

    @asynccontextmanager
    async def database(
        self, *, migrated: bool = True, like: str | None = None
    ) -> AsyncIterator[str]:
        """The URL of a fresh database as `create_database` makes it, dropped afterwards."""
        url = await self.create_database(migrated=migrated, like=like)
        try:
            yield url
        finally:
            await self.drop_database(url)

    def postgres_cpu_seconds(self) -> float:
        """What PostgreSQL has computed since it started, all its processes together."""
        listed = (self.folder / "postgres" / "postmaster.pid").read_text().split()
        postmaster = psutil.Process(int(listed[0]))
        times = postmaster.cpu_times()
        spent = times.user + times.system + times.children_user + times.children_system
        for each in postmaster.children():
            with suppress(psutil.NoSuchProcess):
                own = each.cpu_times()
                spent += own.user + own.system
        return float(spent)

    @asynccontextmanager
    async def store(self) -> AsyncIterator[EventStore]:
        """An open store over a fresh database."""
        async with self.database() as url, open_event_store(self.settings(url)) as store:
            yield store

    def settings(self, database_url: str) -> Settings:
        """The defaults, over a given database."""
        return bench_settings(database_url, self.folder)


def bench_settings(database_url: str, folder: Path) -> Settings:
    """The default settings over a given database, whatever the environment says."""
    return Settings(
        mode="development",
        database_url=SecretStr(database_url),
        data_dir=folder / "data",
        log_level="WARNING",
    )


@asynccontextmanager
async def open_workbench(
    seconds: float, parent: Path | None = None, sizes: Mapping[str, int] = NO_SIZES
) -> AsyncIterator[Workbench]:
    """Start the server in a temporary folder (under `parent`), and remove both in the end.

    Raises `BenchFailed` where the folder is in memory or the server is not durable.
    """
    with tempfile.TemporaryDirectory(
        prefix="citybrain-bench-", dir=parent, ignore_cleanup_errors=True
    ) as name:
        folder = Path(name)
        kind = file_system_of(folder)
        if kind in MEMORY_FILE_SYSTEMS:
            raise BenchFailed(f"{folder} is a {kind}: choose a folder on a disk with --data-dir")
        server = EmbeddedPostgres(folder)
        url = await server.start()
        try:
            await _make_template(url)
            yield Workbench(folder, url, seconds, sizes)
        finally:
            await server.stop()


def file_system_of(folder: Path) -> str:
    """The type of the file system that holds `folder`; empty where it cannot be told."""
    best, kind = -1, ""
    for partition in psutil.disk_partitions(all=True):
        mount = Path(partition.mountpoint)
        if folder.resolve().is_relative_to(mount) and len(mount.parts) > best:
            best, kind = len(mount.parts), partition.fstype
    return kind


async def describe_ground(bench: Workbench) -> str:
    """What the figures depend on, in one line of text."""
    connection = await asyncpg.connect(bench.server_url)
    try:
        version = await connection.fetchval("SHOW server_version")
    finally:
        await connection.close()
    sync_ms = await asyncio.to_thread(_fdatasync_ms, bench.folder)
    cores = len(os.sched_getaffinity(0))
    return f"{cores} cores, PostgreSQL {version}, fdatasync of 8 kB takes {sync_ms:.2f} ms"


def _fdatasync_ms(folder: Path, times: int = 101) -> float:
    """The median time of writing and syncing one page."""
    took = []
    with open(folder / "fdatasync", "wb", buffering=0) as file:
        file.write(bytes(8192))
        os.fsync(file.fileno())
        for _ in range(times):
            began = time.perf_counter()
            os.pwrite(file.fileno(), os.urandom(8192), 0)
            os.fdatasync(file.fileno())
            took.append(time.perf_counter() - began)
    return sorted(took)[times // 2] * 1e3


async def _make_template(url: str) -> None:
    connection: asyncpg.Connection[Any] = await asyncpg.connect(url)
    try:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            if await connection.fetchval(f"SHOW {setting}") != "on":
                raise BenchFailed(f"{setting} is off: these would not be durable appends")
        await connection.execute(f'CREATE DATABASE "{TEMPLATE}"')
    finally:
        await connection.close()
    template = await asyncpg.connect(url.replace("/postgres?", f"/{TEMPLATE}?"))
    try:
        await migrate(template)
    finally:
        await template.close()
