"""Migrations: numbered, checksummed, once, and never over a newer schema."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from citybrain.eventstore import locks
from citybrain.eventstore.locks import LockHeld
from citybrain.eventstore.migrations import LOCK_KEY, MigrationRefused, load_migrations, migrate


@pytest.fixture(scope="session")
def template() -> str:
    """Empty, without a table of ours."""
    return "template1"


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator["asyncpg.Connection[Any]"]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "0001_first.sql").write_text("CREATE TABLE first (id int);")
    (tmp_path / "0002_second.sql").write_text("CREATE TABLE second (id int);")
    return tmp_path


async def test_applied_once_also_by_many_at_once(
    database_url: str, connection: "asyncpg.Connection[Any]", folder: Path
) -> None:
    others = [await asyncpg.connect(database_url) for _ in range(4)]
    done = await asyncio.gather(*(migrate(other, folder) for other in others))
    assert sorted(map(len, done)) == [0, 0, 0, 2]
    assert await migrate(connection, folder) == []
    for other in others:
        await other.close()


async def test_a_changed_file_is_refused(
    connection: "asyncpg.Connection[Any]", folder: Path
) -> None:
    await migrate(connection, folder)
    (folder / "0001_first.sql").write_text("CREATE TABLE first (id bigint);")
    with pytest.raises(MigrationRefused, match="0001_first was changed"):
        await migrate(connection, folder)


async def test_a_newer_database_is_refused(
    connection: "asyncpg.Connection[Any]", folder: Path
) -> None:
    await migrate(connection, folder)
    (folder / "0002_second.sql").unlink()
    with pytest.raises(MigrationRefused, match="newer"):
        await migrate(connection, folder)


async def test_a_failing_migration_leaves_nothing(
    connection: "asyncpg.Connection[Any]", folder: Path
) -> None:
    (folder / "0003_bad.sql").write_text("CREATE TABLE third (id int); SELECT 1/0;")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(connection, folder)
    assert await connection.fetchval("SELECT to_regclass('third')") is None
    assert await connection.fetchval("SELECT max(number) FROM schema_migrations") == 2


async def test_a_starter_that_hangs_is_named_to_those_who_wait_for_it(
    database_url: str,
    connection: "asyncpg.Connection[Any]",
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(locks, "WAITS_SECONDS", 0.05)
    hanging = await asyncpg.connect(database_url, server_settings={"application_name": "hangs"})
    await hanging.execute("SELECT pg_advisory_lock($1)", LOCK_KEY)
    with pytest.raises(LockHeld, match="held by hangs, process") as held:
        await migrate(connection, folder)
    assert held.value.exit_status == 75
    await hanging.close()
    monkeypatch.undo()
    assert len(await migrate(connection, folder)) == 2
    assert await connection.fetchval("SHOW lock_timeout") == "0"


def test_holes_and_strange_names_are_refused(folder: Path) -> None:
    (folder / "0004_hole.sql").write_text("")
    with pytest.raises(MigrationRefused, match="1, 2, 3"):
        load_migrations(folder)
    (folder / "0004_hole.sql").rename(folder / "third.sql")
    with pytest.raises(MigrationRefused, match="NNNN_what"):
        load_migrations(folder)
