"""What a backup is: a folder with a base backup of PostgreSQL, photos, and a note of what they are.

`NAME/postgres` is what `pg_basebackup` wrote, with the manifest that it is checked by;
`NAME/photos` has the photos that were there; `NAME/citybrain-backup.json` is written last of all:
without it there is no backup. Keys that are kept apart from the database are never in it.
"""

import asyncio
from datetime import datetime
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from citybrain.backups import manifest
from citybrain.backups.manifest import BackupDamaged
from citybrain.backups.tools import NoSuchTool, Progress
from citybrain.errors import CitybrainError
from citybrain.eventstore.embedded import binaries

NOTE = "citybrain-backup.json"
POSTGRES, PHOTOS = "postgres", "photos"


class NoBackup(CitybrainError):
    """The folder is no backup, or one that was not finished."""

    code = "backup-not-complete"


class Note(BaseModel):
    """What is known of a backup."""

    model_config = ConfigDict(extra="forbid")

    name: str
    taken_at: AwareDatetime
    release: str
    schema_number: int
    """Of the last migration."""
    postgres_major: int
    system_identifier: str
    database: str
    superuser: str
    """Who restores it, among all roles that come with it."""
    wal_line: str | None
    """The folder in the archive where its write-ahead log goes on; None: another archive has it."""
    head: int
    """The backup has the log up to here at least."""
    incarnation: str
    manifest_sha256: str
    photos: int | None
    """How many; None where they are in a bucket."""
    bytes: int


def read_note(backup: Path) -> Note:
    """The note of a backup; raises `NoBackup`."""
    try:
        return Note.model_validate_json((backup / NOTE).read_bytes())
    except FileNotFoundError:
        raise NoBackup(f"{backup} is no backup: there is no {NOTE}") from None
    except ValidationError as error:
        raise NoBackup(f"{backup / NOTE} cannot be read: {error.error_count()} errors") from None


def backups_in(folder: Path) -> list[Note]:
    """All backups of a folder that were finished, the oldest first."""
    found = [read_note(note.parent) for note in folder.glob(f"*/{NOTE}")]
    return sorted(found, key=lambda note: (note.taken_at, note.name))


async def verify(backup: Path, progress: Progress = lambda *_: None) -> Note:
    """Check each file of a backup, and its write-ahead log; raises `NoBackup`, `BackupDamaged`."""
    note = read_note(backup)
    if manifest.sha256_of(backup / POSTGRES) != note.manifest_sha256:
        raise BackupDamaged(f"{backup}: the manifest is not the one of this backup")
    await check(backup / POSTGRES, note.postgres_major, progress)
    return note


async def check(postgres: Path, major: int, progress: Progress) -> None:
    """Every file of a base backup is as its manifest says; raises `BackupDamaged`."""
    ranges = await asyncio.to_thread(manifest.check_files, postgres, progress)
    await manifest.check_wal(postgres, ranges, programs(major))


def programs(major: int) -> Path:
    """The folder of PostgreSQL's programs of a version; raises `NoSuchTool`."""
    found = binaries(major)
    if found is None:
        raise NoSuchTool(f"the programs of PostgreSQL {major} are not installed here")
    return found


def named_after(moment: datetime) -> str:
    """The name of a backup that is taken now."""
    return f"{moment:%Y%m%dT%H%M%SZ}"
