"""Alarms of the release before are carried over, and both releases see each other's as they run."""

import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from citybrain.eventstore.migrations import migrate, migrations_folder
from commands.processes.alarms import CANCEL, NOTE

NOW = datetime(2026, 3, 2, 2, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
BEFORE = 5
NOTE_BEFORE = """
INSERT INTO case_alarms (case_id, alarm_at) SELECT * FROM unnest($1::text[], $2::timestamptz[])
ON CONFLICT (case_id) DO UPDATE SET alarm_at = excluded.alarm_at
WHERE case_alarms.alarm_at <> excluded.alarm_at
"""
FORGET_BEFORE = "DELETE FROM case_alarms WHERE case_id = ANY($1)"


@pytest.fixture(scope="session")
def template() -> str:
    """Empty, without a table of ours."""
    return "template1"


@pytest.fixture
async def connection(database_url: str, tmp_path: Path) -> AsyncIterator[Any]:
    """A database of the release before, with two alarms and a checkpoint; migrated."""
    for path in migrations_folder().glob("*.sql"):
        if int(path.name[:4]) <= BEFORE:
            shutil.copy(path, tmp_path)
    connection = await asyncpg.connect(database_url)
    await migrate(connection, tmp_path)
    await connection.execute(NOTE_BEFORE, ["case-1", "case-2"], [NOW, NOW + HOUR])
    await connection.execute("INSERT INTO process_checkpoints VALUES ('applications', 42)")
    await migrate(connection)
    yield connection
    await connection.close()


async def both(connection: Any) -> dict[str, datetime]:
    """The alarms of cases, which both tables agree on."""
    ours = await connection.fetch(
        "SELECT stream_id, alarm_at FROM stream_alarms WHERE process = 'case-deadlines'"
    )
    theirs = await connection.fetch("SELECT case_id, alarm_at FROM case_alarms")
    assert dict(map(tuple, ours)) == dict(map(tuple, theirs))
    return {row["stream_id"]: row["alarm_at"] for row in ours}


async def test_what_the_release_before_kept_is_carried_over(connection: Any) -> None:
    assert await both(connection) == {"case-1": NOW, "case-2": NOW + HOUR}


async def test_what_the_release_before_goes_on_to_write_is_seen(connection: Any) -> None:
    await connection.execute(NOTE_BEFORE, ["case-1", "case-3"], [NOW + 2 * HOUR, NOW])
    await connection.execute(FORGET_BEFORE, ["case-2"])
    assert await both(connection) == {"case-1": NOW + 2 * HOUR, "case-3": NOW}


async def test_what_this_release_writes_is_seen_by_the_one_before(connection: Any) -> None:
    args = ["case-1", "case-3"], [7, 1], [NOW + 3 * HOUR, NOW]
    await connection.execute(NOTE, "case-deadlines", *args)
    await connection.execute(NOTE, "other", ["case-4"], [1], [NOW])
    await connection.execute(CANCEL, "case-deadlines", ["case-2"], [3])
    assert await both(connection) == {"case-1": NOW + 3 * HOUR, "case-3": NOW}
    await connection.execute(NOTE_BEFORE, ["case-1"], [NOW])
    await connection.execute(NOTE, "case-deadlines", ["case-1"], [8], [NOW + HOUR])
    assert await both(connection) == {"case-1": NOW + HOUR, "case-3": NOW}


async def test_deadlines_of_applications_begin_where_their_process_is(connection: Any) -> None:
    assert (
        await connection.fetchval(
            "SELECT position FROM process_checkpoints WHERE process = 'application-deadlines'"
        )
        == 42
    )
