"""Brings a database to the schema this code needs, and refuses one that is newer.

Files are `migrations/NNNN_what.sql`: numbered without holes, forward only, each run in one
transaction under a lock, with its checksum kept: an applied file must never change.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import asyncpg

from citybrain.errors import CitybrainError
from citybrain.eventstore.locks import have

LOCK_KEY = 7163850360
FILE_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")

CREATE_TABLE = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    number int PRIMARY KEY, name text NOT NULL, sha256 text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp())
"""

IS_THERE = "SELECT to_regclass('schema_migrations') IS NOT NULL"


class MigrationRefused(CitybrainError):
    """The database and the migration files do not fit; nothing was changed."""

    code = "migration-refused"
    exit_status: ClassVar[int] = 78  # EX_CONFIG of sysexits.h


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered SQL file."""

    number: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        """The checksum that an applied migration is held to."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations_folder() -> Path:
    """Where the SQL files are: inside an installed package, or at the root of a checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "migrations"
    return installed if installed.is_dir() else package.parents[1] / "migrations"


def load_migrations(folder: Path) -> list[Migration]:
    """The folder's migrations in order; raises `MigrationRefused` on a hole or a strange name."""
    migrations = []
    for path in sorted(folder.glob("*.sql")):
        match = FILE_NAME.fullmatch(path.name)
        if match is None:
            raise MigrationRefused(f"{path.name} is not named NNNN_what.sql")
        migrations.append(Migration(int(match[1]), match[2], path.read_text(encoding="utf-8")))
    numbers = [migration.number for migration in migrations]
    if numbers != list(range(1, len(numbers) + 1)):
        raise MigrationRefused(f"migration numbers in {folder} are not 1, 2, 3 …: {numbers}")
    return migrations


async def migrate(connection: "asyncpg.Connection[Any]", folder: Path | None = None) -> list[str]:
    """Apply what is missing; returns the names applied. Safe to run from many processes.

    A role that may change nothing needs to have nothing to apply; raises `MigrationRefused`, and
    `LockHeld` where another process does it for too long.
    """
    migrations = load_migrations(folder or migrations_folder())
    await have(connection, LOCK_KEY, "migrations")
    try:
        if connection.get_server_version().major < 15:
            raise MigrationRefused("citybrain needs PostgreSQL 15 or newer")
        if not await connection.fetchval(IS_THERE):
            await connection.execute(CREATE_TABLE)
        applied = {
            row["number"]: row
            for row in await connection.fetch("SELECT number, name, sha256 FROM schema_migrations")
        }
        _refuse_mismatch(migrations, applied)
        done = []
        for migration in migrations[len(applied) :]:
            async with connection.transaction():
                await connection.execute(migration.sql)
                await connection.execute(
                    "INSERT INTO schema_migrations (number, name, sha256) VALUES ($1, $2, $3)",
                    migration.number,
                    migration.name,
                    migration.sha256,
                )
            done.append(f"{migration.number:04}_{migration.name}")
        return done
    except asyncpg.InsufficientPrivilegeError as error:
        raise MigrationRefused(
            f"the database is not at schema {len(migrations)}, and this role may not change it: "
            "run `citybrain migrate --grant-to ROLE` as the owner of its tables"
        ) from error
    finally:
        await connection.execute("SELECT pg_advisory_unlock($1)", LOCK_KEY)


def _refuse_mismatch(migrations: list[Migration], applied: dict[int, Any]) -> None:
    if len(applied) > len(migrations):
        raise MigrationRefused(
            f"the database is at schema {max(applied)}, newer than the {len(migrations)} "
            "that this version knows; run a newer version"
        )
    for migration in migrations[: len(applied)]:
        row = applied.get(migration.number)
        if row is None or row["sha256"] != migration.sha256:
            raise MigrationRefused(
                f"migration {migration.number:04}_{migration.name} was changed after it was "
                "applied; applied migrations never change"
            )
