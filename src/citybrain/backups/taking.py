"""Takes a backup of a running system: PostgreSQL first, then photos.

In this order, since an event that names a photo comes after the photo.
"""

import asyncio
import os
import re
import shutil
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from citybrain import __version__
from citybrain.backups.backup import NOTE, PHOTOS, POSTGRES, Note, backups_in, check, named_after
from citybrain.backups.manifest import sha256_of
from citybrain.backups.photos import copy_photos
from citybrain.backups.tools import Progress, run_tool
from citybrain.errors import CitybrainError
from citybrain.eventstore.connecting import Connector
from citybrain.eventstore.embedded import EmbeddedPostgres, line_of, newest_binaries
from citybrain.settings import Settings

UNFINISHED = ".unfinished-"
ABOUT = """
SELECT current_setting('server_version_num')::int / 10000 AS postgres_major,
       (SELECT system_identifier::text FROM pg_control_system()) AS system_identifier,
       current_database() AS database,
       (SELECT rolname FROM pg_roles WHERE oid = 10) AS superuser,  -- that of initdb, always
       (SELECT max(number) FROM schema_migrations) AS schema_number,
       (SELECT coalesce(max(notification_id), 0) FROM stored_events) AS head,
       (SELECT incarnation::text FROM log_incarnations ORDER BY number DESC LIMIT 1) AS incarnation
"""


class BackupRunning(CitybrainError):
    """There is a backup of this moment already."""

    code = "backup-there-already"


class Steps:
    """Who is told how far each step is; does nothing by itself."""

    def begins(self, title: str) -> Progress:
        """A step of this title begins; what is called with its progress."""
        return lambda *_: None


async def take_backup(settings: Settings, folder: Path, steps: Steps | None = None) -> Note:
    """A new backup in a folder of backups, checked; what is known of it. Migrates nothing.

    Raises `ToolFailed` where PostgreSQL does not give a base backup (the role needs REPLICATION),
    `BackupDamaged` where what was written is not what was read.
    """
    steps = steps or Steps()
    taken_at = datetime.now(UTC)
    name = named_after(taken_at)
    unfinished, finished = folder / f"{UNFINISHED}{name}", folder / name
    before = _begun(unfinished, finished)
    try:
        about = await _base_backup(settings, unfinished / POSTGRES, name, steps)
        await check(
            unfinished / POSTGRES,
            about["postgres_major"],
            steps.begins("checking what was written"),
        )
        photos = await _photos(
            settings, unfinished, folder / before[-1].name if before else None, steps
        )
        note = Note(
            name=name,
            taken_at=taken_at,
            release=__version__,
            wal_line=line_of(unfinished / POSTGRES),
            manifest_sha256=sha256_of(unfinished / POSTGRES),
            photos=photos,
            bytes=sum(path.stat().st_size for path in unfinished.rglob("*") if path.is_file()),
            **about,
        )
        _write(unfinished / NOTE, note.model_dump_json(indent=2))
        unfinished.rename(finished)
        sync(folder)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    return note


def _begun(unfinished: Path, finished: Path) -> list[Note]:
    """Make the folder that a backup is written to; the backups that are there."""
    finished.parent.mkdir(parents=True, exist_ok=True)
    if finished.exists() or unfinished.exists():
        raise BackupRunning(f"there is a backup {finished.name} already")
    unfinished.mkdir(mode=0o700)
    return backups_in(finished.parent)


async def _base_backup(
    settings: Settings, target: Path, label: str, steps: Steps
) -> dict[str, Any]:
    """Copy PostgreSQL; what it was as that began."""
    if settings.database_url is not None:
        return await _copied(settings.database_url.get_secret_value(), None, target, label, steps)
    embedded = EmbeddedPostgres(settings.data_dir, settings.wal_archive)
    dsn = await embedded.start()
    try:
        return await _copied(dsn, embedded, target, label, steps)
    finally:
        await embedded.stop()


async def _copied(
    dsn: str, embedded: EmbeddedPostgres | None, target: Path, label: str, steps: Steps
) -> dict[str, Any]:
    """The password goes by the environment: others see arguments."""
    connection = await Connector(dsn, embedded).connect("citybrain-backup")
    try:
        (row,) = await connection.fetch(ABOUT)
    finally:
        await connection.close()
    url, password = without_password(dsn)
    await run_tool(
        newest_binaries() / "pg_basebackup",
        f"--dbname={url}",
        f"--pgdata={target}",
        "--format=plain",
        "--wal-method=stream",
        "--checkpoint=fast",
        "--manifest-checksums=SHA256",
        f"--label=citybrain {label}",
        "--no-password",
        "--progress",
        "--verbose",
        password=password,
        progress=steps.begins("copying PostgreSQL"),
    )
    return dict(row)


async def _photos(
    settings: Settings, unfinished: Path, before: Path | None, steps: Steps
) -> int | None:
    if settings.photos_s3_url is not None:
        return None
    return await asyncio.to_thread(
        copy_photos,
        settings.data_dir / "photos",
        unfinished / PHOTOS,
        before / PHOTOS if before else None,
        steps.begins("copying photos"),
    )


def without_password(dsn: str) -> tuple[str, str | None]:
    """A PostgreSQL URL without its password, and that."""
    parts = urlsplit(dsn)
    if parts.password is None:
        return dsn, None
    bare = re.sub(r":[^:@/]*@", "@", parts.netloc, count=1)
    return urlunsplit(parts._replace(netloc=bare)), unquote(parts.password)


def _write(path: Path, text: str) -> None:
    with path.open("x", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    sync(path.parent)


def sync(folder: Path) -> None:
    """What was made or renamed in a folder is durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    with suppress(OSError):
        os.fsync(descriptor)
    os.close(descriptor)
