"""Restores a backup into an empty folder: to its end, to a moment, or to a position of the log.

What comes out is another log from there on: a new incarnation is begun before anybody can append.
Nothing that is there is overwritten, and nothing is left where it did not come to its end.
"""

import asyncio
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg

from citybrain.backups.archive import ArchiveIncomplete, archives_of, require_whole
from citybrain.backups.backup import PHOTOS, POSTGRES, Note, verify
from citybrain.backups.photos import copy_photos
from citybrain.backups.recovering import RecoveryFailed, Target, recovered
from citybrain.backups.taking import Steps, sync
from citybrain.backups.tools import Progress
from citybrain.errors import CitybrainError
from citybrain.eventstore.embedded import begin_line, give_to_server
from citybrain.eventstore.incarnations import Incarnation, begin_incarnation
from citybrain.settings import Settings
from citybrain.vault.keys import MasterKeyMissing, MasterKeyWrong
from citybrain.vault.ring import open_key_wrapper

HERE = ".restoring"
ROOM = 1.1  # of what the backup has; replaying writes on
COPY_BYTES = 1 << 20

END = """
SELECT coalesce(max(notification_id), 0) AS head, max(recorded_at) AS recorded_at
FROM stored_events
"""
TRANSACTION_OF = "SELECT xmin::text::bigint FROM stored_events WHERE notification_id = $1"
SEALED = "SELECT person_id, wrapped_key FROM person_keys WHERE wrapped_key IS NOT NULL LIMIT 1"


class TargetNotEmpty(CitybrainError):
    """There is something where it would be restored to."""

    code = "restore-target-not-empty"


class NotEnoughRoom(CitybrainError):
    """The disk does not have the room."""

    code = "restore-no-room"


class MomentNotThere(CitybrainError):
    """The backup and its write-ahead log do not have this moment or position."""

    code = "restore-moment-not-there"


@dataclass(frozen=True)
class Restored:
    """What a restore came to."""

    backup: str
    postgres: str
    """Folder of the server's data."""
    photos: int | None
    head: int
    """Where the log ends."""
    recorded_at: datetime | None
    """When its last event was recorded."""
    incarnation: str
    """Which log it is from now on."""
    master_key: str
    """`fits`, `wrong`, `not named`, or `nothing sealed`."""


async def restore(
    settings: Settings,
    backup: Path,
    target: Path,
    *,
    until: datetime | None = None,
    position: int | None = None,
    wal: Sequence[Path] = (),
    steps: Steps | None = None,
) -> Restored:
    """Restore into `target`, a data folder that is not there or empty; gives what it came to.

    Raises `TargetNotEmpty`, `NoBackup`, `BackupDamaged`, `ArchiveIncomplete`, `NotEnoughRoom`,
    `MomentNotThere`, `RecoveryFailed`.
    """
    steps = steps or Steps()
    _require_empty(target)
    note = await verify(backup, steps.begins("checking the backup"))
    folders = archives_of(note, settings.wal_archive, wal)
    if not folders and (until is not None or position is not None):
        raise ArchiveIncomplete("to get to a moment the archive is needed: name it with --wal")
    if until is not None and until < note.taken_at:
        raise MomentNotThere(f"the backup is of {note.taken_at:%F %T} UTC: take one from before")
    segments = require_whole(backup, folders)
    _make_room(target, note)
    here = target / HERE
    try:
        restoring = Restoring(note, backup, here, folders, segments, steps)
        goal = Target(until=until.isoformat() if until else None)
        if position is not None:
            goal = Target(xid=await restoring.transaction_of(position))
        head, recorded_at, begun, key = await restoring.recover(goal, settings, position)
        photos = None
        if note.photos is not None:
            photos = await asyncio.to_thread(
                copy_photos, backup / PHOTOS, target / PHOTOS, None, steps.begins("copying photos")
            )
        here.rename(target / POSTGRES)
        sync(target)
    except BaseException:
        shutil.rmtree(here, ignore_errors=True)
        shutil.rmtree(target / PHOTOS, ignore_errors=True)
        raise
    return Restored(
        note.name, str(target / POSTGRES), photos, head, recorded_at, str(begun.incarnation), key
    )


def _require_empty(target: Path) -> None:
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise TargetNotEmpty(f"{target} is not empty: name a folder that is not there yet")


def _make_room(target: Path, note: Note) -> None:
    target.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(target).free
    if free < note.bytes * ROOM:
        raise NotEnoughRoom(f"{target} has room for {free} bytes, the backup is {note.bytes}")


@dataclass
class Restoring:
    """One restore on its way."""

    note: Note
    backup: Path
    here: Path
    folders: Sequence[Path]
    segments: int
    steps: Steps

    async def transaction_of(self, position: int) -> int:
        """The transaction that appended this position, read from all that there is.

        Raises `MomentNotThere`.
        """
        if position <= self.note.head:
            raise MomentNotThere(f"the backup is of position {self.note.head}: take an earlier one")
        await self._copy()
        title = f"looking for position {position}"
        async with self._recovered(Target(), title) as connection:
            found: int | None = await connection.fetchval(TRANSACTION_OF, position)
            head = (await connection.fetchrow(END))["head"]
        shutil.rmtree(self.here)
        if found is None:
            raise MomentNotThere(f"the log ends at position {head}")
        return found

    async def recover(
        self, goal: Target, settings: Settings, position: int | None
    ) -> tuple[int, datetime | None, Incarnation, str]:
        """Recover to the goal, and begin another log there."""
        await self._copy()
        async with self._recovered(goal, "going through the write-ahead log") as connection:
            row = await connection.fetchrow(END)
            if position is not None and row["head"] < position:
                raise RecoveryFailed(f"the log ends at {row['head']}, before position {position}")
            begun = await begin_incarnation(connection)
            key = await key_fits(connection, settings)
        begin_line(self.here)
        give_to_server(self.here)
        return row["head"], row["recorded_at"], begun, key

    async def _copy(self) -> None:
        progress = self.steps.begins("copying the backup")
        await asyncio.to_thread(_copy_tree, self.backup / POSTGRES, self.here, progress)

    def _recovered(self, goal: Target, title: str) -> Any:
        return recovered(
            self.here, self.note, self.folders, goal, self.segments, self.steps.begins(title)
        )


def _copy_tree(source: Path, target: Path, progress: Progress) -> None:
    whole = sum(path.stat().st_size for path in source.rglob("*") if path.is_file())
    done = 0

    def copied(one: str, other: str) -> str:
        nonlocal done
        shutil.copy2(one, other)
        done += Path(one).stat().st_size
        progress(done, whole)
        return other

    shutil.copytree(source, target, symlinks=True, copy_function=copied)
    target.chmod(0o700)


async def key_fits(connection: "asyncpg.Connection[Any]", settings: Settings) -> str:
    """Whether the master key at hand opens what is sealed."""
    row = await connection.fetchrow(SEALED)
    if row is None:
        return "nothing sealed"
    try:
        wrapper = open_key_wrapper(settings.model_copy(update={"mode": "production"}))
        await wrapper.unwrap(row["wrapped_key"], row["person_id"])
    except MasterKeyMissing:
        return "not named"
    except MasterKeyWrong:
        return "wrong"
    return "fits"
