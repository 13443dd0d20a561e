"""Fixtures shared by all tests: one embedded PostgreSQL a worker, a fresh database a test."""

import os
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
from pydantic import SecretStr

from citybrain.eventstore import EventStore, open_event_store
from citybrain.eventstore.embedded import EmbeddedPostgres
from citybrain.settings import Settings
from citybrain.systems import register_streams

pytest.register_assert_rewrite("tests.given")
register_streams()


@pytest.fixture(scope="session")
def server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a PostgreSQL for this session: the embedded one, or the one the caller names."""
    given = os.environ.get("CITYBRAIN_TEST_DATABASE_URL")
    if given:
        yield given
        return
    server = EmbeddedPostgres(tmp_path_factory.mktemp("postgres"))
    yield server._start()
    server._stop()


@pytest.fixture(scope="session")
def template() -> str:
    """The database that a test's own is a copy of: an empty one."""
    return "template1"


@pytest.fixture
async def database_url(server_url: str, template: str) -> AsyncIterator[str]:
    """The URL of a database of the test's own."""
    name = f"test_{uuid.uuid4().hex}"
    connection = await asyncpg.connect(server_url)
    await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    yield server_url.replace("/postgres?", f"/{name}?")
    await connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    await connection.close()


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Settings over the test's database."""
    return Settings(
        mode="development", database_url=SecretStr(database_url), data_dir=tmp_path / "data"
    )


@pytest.fixture
async def store(settings: Settings) -> AsyncIterator[EventStore]:
    """An open, migrated, empty event store."""
    async with open_event_store(settings) as store:
        yield store
