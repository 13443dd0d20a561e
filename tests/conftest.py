"""Fixtures shared by all tests: one embedded PostgreSQL a worker, a fresh database a test."""

import asyncio
import logging
import os
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, LiteralString
from zlib import crc32

import asyncpg
import psutil
import psycopg
import pytest
import structlog
from psycopg.sql import SQL, Identifier
from pydantic import SecretStr

from citybrain import garbage
from citybrain.eventstore import EventStore, leadership, open_event_store
from citybrain.eventstore.embedded import EmbeddedPostgres
from citybrain.settings import Settings
from citybrain.systems import PROJECTIONS, register_streams
from ops.kafka import Cluster
from projections.projection import Projection
from projections.runner import prepare

MEMORY = Path("/dev/shm")
IN_MEMORY = "citybrain-tests-"
ROOM_BYTES = 1 << 30  # for each session side by side
QUICKLY = (
    "ALTER SYSTEM SET fsync = off",
    "ALTER SYSTEM SET max_wal_size = '256MB'",
    "SELECT pg_reload_conf()",
)

structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
pytest.register_assert_rewrite("tests.given")
register_streams()
garbage.collect_seldom()


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: a worker waits for servers and timers a third of its time."""
    return (os.cpu_count() or 1) + 1


def pytest_configure() -> None:
    """No test depends on chance: what is drawn follows from the test, unless in a storm.

    Temporary folders have a root of their own: where root runs the tests, PostgreSQL's own user
    must be able to reach them, and each pytest closes the common root to all others.
    """
    from tests.given.storm import load_profile

    load_profile()
    if "PYTEST_DEBUG_TEMPROOT" not in os.environ:
        root = Path(tempfile.gettempdir()) / f"citybrain-{crc32(__file__.encode()):08x}"
        root.mkdir(exist_ok=True)
        os.environ["PYTEST_DEBUG_TEMPROOT"] = str(root)


def pytest_collection_finish() -> None:
    """As a server does once it has started: thousands of tests are not looked through again."""
    garbage.set_aside()


@pytest.fixture(autouse=True, scope="session")
def standbys_look_often() -> Iterator[None]:
    """Whoever takes over does so in a moment, and nobody is taken for dead on a busy machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(leadership, "STANDBY_SECONDS", 0.05)
        patch.setattr(leadership, "LEASE_SECONDS", 60.0)
        yield


@pytest.fixture(autouse=True, scope="session")
def definitions_are_read_once() -> Iterator[None]:
    """They do not change from test to test; a city's own are read by what its files say."""
    from tests.given.parsed import parse_once
    from tests.given.services import definitions_of

    with pytest.MonkeyPatch.context() as patch:
        parse_once(patch)
        patch.setattr("citybrain.app.load_definitions", definitions_of)
        yield


@pytest.fixture(scope="session")
def kafka() -> Iterator[Cluster]:
    """The Kafka broker of the test run; the test is skipped where there can be none."""
    from tests.given.kafka import shared_cluster

    with shared_cluster() as cluster:
        yield cluster


@pytest.fixture(autouse=True)
def numbers_begin_anew() -> None:
    """A test's pictures, people and keys do not depend on the tests before it."""
    from tests.given.numbers import begin_anew

    begin_anew()


@pytest.fixture(scope="session")
def server_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the session's PostgreSQL lies: in memory where there is room.

    A database for each test is hundreds of files to make and to remove.
    """
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if not MEMORY.is_dir() or shutil.disk_usage(MEMORY).free < workers * ROOM_BYTES:
        yield tmp_path_factory.mktemp("postgres")
        return
    for left in MEMORY.glob(f"{IN_MEMORY}*"):  # by a session that was killed
        if not psutil.pid_exists(int(left.name.removeprefix(IN_MEMORY))):
            shutil.rmtree(left, ignore_errors=True)
    folder = MEMORY / f"{IN_MEMORY}{os.getpid()}"
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def server_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a PostgreSQL for this session: the embedded one, or the one the caller names.

    The embedded one does not wait for a disk: whatever crashes has a server of its own.
    """
    given = os.environ.get("CITYBRAIN_TEST_DATABASE_URL")
    if given:
        yield given
        return
    server = EmbeddedPostgres(request.getfixturevalue("server_folder"))
    url = server._start()
    asyncio.run(execute(url, *QUICKLY))
    yield url
    server._stop()


async def execute(url: str, *statements: str) -> None:
    """Statements on a connection of their own, each in a transaction of its own."""
    connection = await asyncpg.connect(url)
    for statement in statements:
        await connection.execute(statement)
    await connection.close()


def url_of(server_url: str, database: str) -> str:
    """The URL of another database of a server."""
    return server_url.replace("/postgres?", f"/{database}?")


def settings_over(common: Settings, database_url: str, data_dir: Path) -> Settings:
    """The same settings over a database and a folder."""
    ours = {"database_url": SecretStr(database_url), "data_dir": data_dir}
    return common.model_copy(update=ours, deep=True)


async def make(server_url: str, name: str, projections: Sequence[Projection]) -> str:
    """A database with the tables of the event store and of read models, to be copied."""
    database = f"{name}_{uuid.uuid4().hex}"
    await execute(server_url, f"CREATE DATABASE {database}")
    settings = Settings(database_url=SecretStr(url_of(server_url, database)))
    async with open_event_store(settings) as store:
        await prepare(store, projections)
    return database


@pytest.fixture(scope="session")
def migrated(server_url: str) -> str:
    """The name of an empty log."""
    return asyncio.run(make(server_url, "migrated", ()))


@pytest.fixture(scope="session")
def prepared(server_url: str) -> str:
    """The name of an empty log with all read models of it."""
    return asyncio.run(make(server_url, "prepared", PROJECTIONS))


@pytest.fixture(scope="session")
def template(migrated: str) -> str:
    """The database that each test's own is a copy of."""
    return migrated


class Databases:
    """Makes databases and removes them, all on one connection: each one costs a process."""

    def __init__(self, server_url: str, connection: "psycopg.Connection[Any]") -> None:
        self._server_url, self._connection = server_url, connection

    @contextmanager
    def copied(self, template: str) -> Iterator[str]:
        """The URL of a database that begins as another one is."""
        name = f"test_{uuid.uuid4().hex}"
        self._run("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy", name, template)
        yield url_of(self._server_url, name)
        self._run("DROP DATABASE {} WITH (FORCE)", name)

    def _run(self, statement: LiteralString, *names: str) -> None:
        self._connection.execute(SQL(statement).format(*map(Identifier, names)))


@pytest.fixture(scope="session")
def databases(server_url: str) -> Iterator[Databases]:
    """Those of the session's PostgreSQL."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        yield Databases(server_url, connection)


@pytest.fixture
def database_url(databases: Databases, template: str) -> Iterator[str]:
    """The URL of a database of the test's own."""
    with databases.copied(template) as url:
        yield url


@pytest.fixture(scope="session")
def common_settings() -> Settings:
    """What the settings of all tests have in common: reading them takes longer than a copy."""
    return Settings(mode="development")


@pytest.fixture
def settings(common_settings: Settings, database_url: str, tmp_path: Path) -> Settings:
    """Settings over the test's database."""
    return settings_over(common_settings, database_url, tmp_path / "data")


@pytest.fixture
def other_settings(
    common_settings: Settings, databases: Databases, template: str, tmp_path: Path
) -> Iterator[Settings]:
    """Settings over a second database, for what is compared with the first."""
    with databases.copied(template) as url:
        yield settings_over(common_settings, url, tmp_path / "other")


@pytest.fixture
def empty_database_url(databases: Databases) -> Iterator[str]:
    """The URL of a database without a table."""
    with databases.copied("template1") as url:
        yield url


@pytest.fixture
async def store(settings: Settings) -> AsyncIterator[EventStore]:
    """An open, migrated, empty event store."""
    async with open_event_store(settings) as store:
        yield store
