"""The write-ahead log behind a backup: where its segments are, and that none is missing."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from citybrain.backups.backup import POSTGRES, Note
from citybrain.errors import CitybrainError
from citybrain.eventstore.embedded import for_server

SEGMENT = re.compile(r"([0-9A-F]{8})([0-9A-F]{8})([0-9A-F]{8})(?:\.gz)?")
START = re.compile(r"^START WAL LOCATION: \S+ \(file ([0-9A-F]{24})\)$", re.MULTILINE)
SEGMENTS_OF_FILE = 0x100  # of 16 MiB, as they are by default, in each 4 GiB
NOT_DAMAGED = 126  # above 125 PostgreSQL stops instead of taking a file for one that is not there


class ArchiveIncomplete(CitybrainError):
    """The write-ahead log behind the backup is not there, or not all of it."""

    code = "wal-archive-incomplete"


def archives_of(note: Note, archive: Path | None, others: Sequence[Path]) -> list[Path]:
    """The folders with the write-ahead log behind a backup: named ones, else the archive's.

    Raises `ArchiveIncomplete` where one of them is not there.
    """
    folders = list(others)
    if not folders and archive is not None and note.wal_line is not None:
        folders = [archive / note.wal_line]
    for folder in folders:
        if not folder.is_dir():
            raise ArchiveIncomplete(f"there is no folder {folder} with a write-ahead log")
    return [folder.resolve() for folder in folders]


def first_segment(backup: Path) -> str:
    """The segment that a backup begins with; raises `ArchiveIncomplete`."""
    begins = START.search((backup / POSTGRES / "backup_label").read_text())
    if begins is None:
        raise ArchiveIncomplete(f"{backup}: its label does not say where it begins")
    return begins[1]


def require_whole(backup: Path, folders: Iterable[Path]) -> int:
    """Raise `ArchiveIncomplete` where a segment is missing; how many there are behind the backup.

    Segments from the one that the backup begins with to the last one that is anywhere.
    """
    begins = first_segment(backup)
    first, timeline = _number(begins), begins[:8]
    names = (
        path.name
        for folder in (*folders, backup / POSTGRES / "pg_wal")
        for path in folder.iterdir()
    )
    found = {
        _number(name) for name in names if SEGMENT.fullmatch(name) and name.startswith(timeline)
    }
    behind = {number for number in found if number >= first}
    missing = sorted(set(range(first, max(behind, default=first) + 1)) - behind)
    if missing:
        raise ArchiveIncomplete(
            f"of the write-ahead log {_name(timeline, missing[0])} is missing"
            + (f", and {len(missing) - 1} more" if len(missing) > 1 else ""),
            missing=[_name(timeline, number) for number in missing[:100]],
        )
    return len(behind)


def restore_command(folders: Iterable[Path]) -> str:
    """What PostgreSQL runs to have a segment: from the first folder that has it."""
    tries = [
        f"if [ -f {folder}/%f ]; then cp {folder}/%f %p; "
        f"elif [ -f {folder}/%f.gz ]; then gzip -dc {folder}/%f.gz > %p || exit {NOT_DAMAGED}; el"
        for folder in map(for_server, folders)
    ]
    return f"{''.join(tries)}se exit 1; fi" if tries else "false"


def _number(segment: str) -> int:
    return int(segment[8:16], 16) * SEGMENTS_OF_FILE + int(segment[16:24], 16)


def _name(timeline: str, number: int) -> str:
    return f"{timeline}{number // SEGMENTS_OF_FILE:08X}{number % SEGMENTS_OF_FILE:08X}"
